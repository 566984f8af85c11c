"""Snapshot of a module, which detects every change made to it afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_
from typing import Any

import torch
from torch import nn


class ModuleSnapshot:
    """Snapshot of the layers, settings, hooks and tensors of a module.

    Objects are compared by identity, so that the comparison takes microseconds. Tensors are also
    compared by value, because e.g. ``parameter.data.mul_(2)`` changes values in the same object.
    For the same reason, the items of lists and dictionaries that are attributes of a layer are
    compared, but not the contents of other objects, e.g. of a list within a list.

    Parameters
    ----------
    module : torch.nn.Module
        The module. The snapshot keeps references to the layers inside it, but not to the module
        itself.
    """

    def __init__(self, module: nn.Module) -> None:
        _, *self._layers = module.modules()
        self._objects = _list_objects([module, *self._layers])
        self._tensors = [item for item in self._objects if isinstance(item, torch.Tensor)]
        self._values = [tensor.clone() for tensor in self._tensors]
        self._containers = _list_containers([module, *self._layers])
        self._items = list(map(_list_items, self._containers))

    def matches(self, module: nn.Module) -> bool:
        """Check whether the same module still has the same objects and values."""
        objects = _list_objects([module, *self._layers])
        if len(objects) != len(self._objects) or not all(map(is_, objects, self._objects)):
            return False
        if self._containers and not all(map(_are_same, self._containers, self._items)):
            return False
        try:
            return all(map(torch.equal, self._tensors, self._values))
        except RuntimeError:  # the tensors have moved to another device
            return False


def _list_objects(layers: Sequence[nn.Module]) -> list[Any]:
    """List types, attributes, child layers, tensors and hooks of layers, with their names."""
    objects: list[Any] = list(map(type, layers))
    for layer in layers:
        # A traced layer keeps some of these dictionaries in C++, not among its attributes.
        for entries in (
            vars(layer),
            layer._modules,
            layer._parameters,
            layer._buffers,
            layer._forward_hooks,
            layer._forward_pre_hooks,
        ):
            if entries:
                objects += entries.keys()
                objects += entries.values()
    return objects


def _list_containers(layers: Sequence[nn.Module]) -> list[list[Any] | dict[Any, Any]]:
    """List the lists and dictionaries that are attributes of layers, without those of torch."""
    names = vars(nn.Module()).keys()
    return [
        value
        for layer in layers
        for name, value in vars(layer).items()
        if name not in names and isinstance(value, list | dict)
    ]


def _list_items(container: list[Any] | dict[Any, Any]) -> list[Any]:
    """List the items of a list, or the keys and values of a dictionary."""
    return [*container, *container.values()] if isinstance(container, dict) else list(container)


def _are_same(container: list[Any] | dict[Any, Any], items: list[Any]) -> bool:
    """Return whether a container has the same items, compared by identity."""
    present = _list_items(container)
    return len(present) == len(items) and all(map(is_, present, items))
