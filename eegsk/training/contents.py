"""What a module is made of, to tell later whether it still is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import is_
from typing import Any, NamedTuple

import torch
from torch import nn


class Contents:
    """The layers of a module, their settings and the values of their tensors.

    Parameters
    ----------
    module : torch.nn.Module
        The module. It is not kept alive, unless something in it leads back to it; the layers in it
        are.
    """

    def __init__(self, module: nn.Module) -> None:
        _, *self._layers = module.modules()
        held = _Inventory.of([module, *self._layers])
        copies = [None if tensor is None else tensor.clone() for tensor in held.tensors]
        self._held = held._replace(tensors=copies)

    def are_those_of(self, module: nn.Module) -> bool:
        """Tell whether the same module has the same layers and values, and no hooks."""
        return _Inventory.of([module, *self._layers]).is_like(self._held)


class _Inventory(NamedTuple):
    """What layers hold, one after the other.

    A trial is decoded in less than a millisecond, in which this is made and compared: each kind of
    thing is in one list for all layers.
    """

    counts: list[int]
    names: list[str]
    settings: list[Any]
    hooks: list[Any]
    children: list[nn.Module | None]
    tensors: Sequence[torch.Tensor | None]

    @classmethod
    def of(cls, layers: list[nn.Module]) -> _Inventory:
        """Take down what layers hold."""
        attributes = list(map(vars, layers))
        # A traced layer has these in C++: it is asked for them, not its attributes.
        modules = [layer._modules for layer in layers]
        held = [tensors for layer in layers for tensors in (layer._parameters, layer._buffers)]
        return cls(
            counts=list(map(len, chain(attributes, modules, held))),
            names=list(chain.from_iterable(attributes)),
            settings=[value for own in attributes for value in own.values()],
            hooks=[
                hooks
                for layer in layers
                for hooks in (layer._forward_hooks, layer._forward_pre_hooks)
            ],
            children=[child for own in modules for child in own.values()],
            tensors=[tensor for own in held for tensor in own.values()],
        )

    def is_like(self, other: _Inventory) -> bool:
        """Tell whether this is the same as another inventory, and without hooks."""
        return (
            not any(self.hooks)
            and self.counts == other.counts
            and self.names == other.names
            and all(map(is_, self.children, other.children))
            and (
                all(map(is_, self.settings, other.settings))
                or all(map(_are_same, self.settings, other.settings))
            )
            and all(map(_are_equal, self.tensors, other.tensors))
        )


def is_changed_by_hooks(layer: nn.Module) -> bool:
    """Tell whether a layer has hooks, or somebody has put another ``forward`` in its place."""
    return bool(layer._forward_hooks or layer._forward_pre_hooks or "forward" in vars(layer))


def _are_same(a: Any, b: Any) -> bool:
    """Tell whether attributes are the same object, or equal numbers."""
    return a is b or (type(a) is type(b) in (int, float) and a == b)


def _are_equal(a: torch.Tensor | None, b: torch.Tensor | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)
