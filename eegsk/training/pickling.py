"""Pickles of trained nets, including modules that torch or pickle cannot pickle."""

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
    buffer = io.BytesIO()
    try:
        _NetPickler(buffer).dump(attributes)
    except Exception as error:  # libraries raise errors of many classes
        reason = str(error).partition("\n")[0]
        raise pickle.PicklingError(
            f"The trained net cannot be pickled: {type(error).__name__}: {reason}; remove the "
            "object from the network and the callbacks, or save module_.state_dict()."
        ) from error
    return buffer.getvalue()


class _NetPickler(cloudpickle.Pickler):
    """Pickler that keeps the parametrizations of layers.

    torch creates a new class for each parametrized layer, which cannot be imported. The pickle
    therefore contains the original class and the names of the parametrized tensors; the new class
    is created again when the pickle is loaded.
    """

    def reducer_override(self, obj: Any) -> Any:
        """Return the function and arguments that rebuild a parametrized layer; see pickle."""
        if isinstance(obj, nn.Module) and is_parametrized(obj):
            layer_class: Any = type_before_parametrizations(obj)
            names = list(obj.get_submodule("parametrizations")._modules)
            return _make_parametrized, (layer_class, names), layer_class.__getstate__(obj)
        return super().reducer_override(obj)


def _make_parametrized(layer_class: type[nn.Module], names: list[str]) -> nn.Module:
    """Return a layer with placeholders, which are replaced when its state is loaded."""
    layer: nn.Module = object.__new__(layer_class)
    nn.Module.__init__(layer)
    for name in names:
        layer.register_parameter(name, nn.Parameter(torch.empty(0)))
        register_parametrization(layer, name, nn.Identity(), unsafe=True)
    return layer
