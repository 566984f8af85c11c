"""State of a net as tensors and plain data: module, optimizer, callbacks, transforms, history."""

from __future__ import annotations

from collections import Counter, OrderedDict
from contextlib import suppress
from typing import Any

import numpy as np
import torch

_PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.device, torch.dtype, torch.Size)


def net_state(net: Any, exclude: Any = None) -> dict[str, Any]:
    """Return the state of a net, its callbacks and its transforms.

    Parameters
    ----------
    net : skorch.NeuralNet
        An initialised net.
    exclude : skorch.callbacks.Callback or None, default=None
        A callback to leave out.

    Returns
    -------
    state : dict
        Tensors and plain data, which ``torch.load(..., weights_only=True)`` accepts.

    Raises
    ------
    TypeError
        If a ``state_dict``, or the history, contains other objects.
    """
    parts = _parts(net, exclude)
    return {
        "parts": {name: _plain(item.state_dict(), name) for name, item in parts.items()},
        "requires_grad": [weight.requires_grad for _, weight in net.get_all_learnable_params()],
        "attributes": {
            name: _skorch_state(item)
            for name, item in net.callbacks_
            if item is not exclude and not _has_state(item)
        },
        "history": _plain(net.history.to_list(), "the history"),
    }


def load_net_state(net: Any, state: dict[str, Any], exclude: Any = None) -> None:
    """Load a state into a net with the same module, optimizer, callbacks and transforms.

    Parameters
    ----------
    net : skorch.NeuralNet
        The net.
    state : dict
        The return value of :func:`net_state`. Parts that are missing keep their state.
    exclude : skorch.callbacks.Callback or None, default=None
        The callback that was left out.
    """
    for name, item in _parts(net, exclude).items():
        if name in state["parts"]:
            item.load_state_dict(state["parts"][name])
    weights = [weight for _, weight in net.get_all_learnable_params()]
    for weight, requires_grad in zip(weights, state["requires_grad"], strict=True):
        weight.requires_grad_(requires_grad)
    for name, callback in net.callbacks_:
        attributes = state["attributes"].get(name, {"values": {}, "objects": {}})
        vars(callback).update(attributes["values"])
        for key, value in attributes["objects"].items():
            # Before training there is no object yet, e.g. no scheduler; training creates it.
            if getattr(callback, key, None) is not None:
                getattr(callback, key).load_state_dict(value)
    net.history[:] = state["history"]


def _parts(net: Any, exclude: Any) -> dict[str, Any]:
    """Return the objects that have a ``state_dict``, by name."""
    names = [*net._modules, *net._criteria, *net._optimizers]
    items = {name: getattr(net, f"{name}_") for name in names}
    items |= {f"callback {name!r}": item for name, item in net.callbacks_ if item is not exclude}
    items |= {f"transform {number}": item for number, item in enumerate(net.augmentation_)}
    return {name: item for name, item in items.items() if _has_state(item)}


def _skorch_state(callback: Any) -> dict[str, Any]:
    """Return the attributes of a skorch callback that make up its state.

    They end with an underscore, e.g. ``misses_`` of EarlyStopping, ``lr_scheduler_`` of
    LRScheduler. Functions, classes and files are left out.
    """
    attributes = {k: v for k, v in vars(callback).items() if k.endswith("_") and k[0] != "_"}
    objects = {name: value for name, value in attributes.items() if _has_state(value)}
    return {
        "values": _plain_items(attributes),
        "objects": {name: _plain_items(value.state_dict()) for name, value in objects.items()},
    }


def _plain_items(items: dict[str, Any]) -> dict[str, Any]:
    """Return the items that are plain data."""
    plain_items = {}
    for name, value in items.items():
        with suppress(TypeError):
            plain_items[name] = _plain(value, name)
    return plain_items


def _has_state(value: Any) -> bool:
    has_methods = hasattr(value, "state_dict") and hasattr(value, "load_state_dict")
    return has_methods and not isinstance(value, type)


def _plain(value: Any, owner: str) -> Any:
    """Return plain data, with scalars of numpy as Python's; raise an error for anything else."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, _PLAIN) or type(value) is torch.Tensor:
        return value
    if type(value) in (list, tuple, set):
        return type(value)(_plain(item, owner) for item in value)
    if type(value) in (dict, OrderedDict, Counter):
        return {key: _plain(item, owner) for key, item in value.items()}
    raise TypeError(
        f"the state of {owner} contains a {type(value).__name__}; it should contain "
        "tensors, numbers, strings, lists and dictionaries only."
    )
