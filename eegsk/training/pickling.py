"""Pickles of trained nets, also of modules that torch or pickle refuse."""

from __future__ import annotations

import io
import pickle
from typing import Any

import cloudpickle
import torch
from torch import nn
from torch.nn.utils.parametrize import (
    is_parametrized,
    register_parametrization,
    type_before_parametrizations,
)


def dump_net(attributes: dict[str, Any]) -> bytes:
    """Pickle the attributes of a net together, so that shared tensors stay shared.

    Functions and classes that cannot be imported where the pickle is loaded, e.g. those of a
    notebook, are pickled by value. Parametrized layers, e.g. with a maximum norm or with weight
    normalisation, keep their parametrizations.

    Parameters
    ----------
    attributes : dict
        The attributes by name.

    Returns
    -------
    pickled : bytes
        The pickle, which :func:`pickle.loads` reads.

    Raises
    ------
    pickle.PicklingError
        If an attribute cannot be pickled, e.g. a module that holds an open file.
    """
    file = io.BytesIO()
    try:
        _NetPickler(file).dump(attributes)
    except Exception as error:  # objects that cannot be pickled raise errors of any class
        reason = str(error).partition("\n")[0]
        raise pickle.PicklingError(
            f"The trained net cannot be pickled: {type(error).__name__}: {reason}; remove the "
            "object from the network and the callbacks, or save module_.state_dict()."
        ) from error
    return file.getvalue()


class _NetPickler(cloudpickle.Pickler):
    """Pickler that keeps parametrizations."""

    def reducer_override(self, obj: Any) -> Any:
        """Return how to restore a parametrized layer; leave other objects to cloudpickle."""
        if isinstance(obj, nn.Module) and is_parametrized(obj):
            kind: Any = type_before_parametrizations(obj)
            names = list(obj.get_submodule("parametrizations")._modules)
            return _parametrized, (kind, names), kind.__getstate__(obj)
        return super().reducer_override(obj)


def _parametrized(kind: type[nn.Module], names: list[str]) -> nn.Module:
    """Return a layer of the class that torch makes for layers with parametrized tensors.

    The tensors and the parametrizations are placeholders, which the state of the pickled layer
    replaces.
    """
    layer: nn.Module = object.__new__(kind)
    nn.Module.__init__(layer)
    for name in names:
        layer.register_parameter(name, nn.Parameter(torch.empty(0)))
        register_parametrization(layer, name, nn.Identity(), unsafe=True)
    return layer
