"""What a module is made of, to tell later whether it still is."""

from __future__ import annotations

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
        self._layers = [_Layer.of(layer, module) for layer in module.modules()]

    def are_those_of(self, module: nn.Module) -> bool:
        """Tell whether the same module has the same layers and values, and no hooks."""
        return all(layer.is_unchanged(module) for layer in self._layers)


class _Layer(NamedTuple):
    """One layer; None stands for the module itself, which a reference would keep alive."""

    layer: nn.Module | None
    settings: dict[str, Any]
    children: list[nn.Module | None]
    tensors: list[torch.Tensor]

    @classmethod
    def of(cls, layer: nn.Module, module: nn.Module) -> _Layer:
        """Take down what a layer of a module holds."""
        tensors = [tensor.clone() for tensor in _tensors(layer)]
        children = list(layer._modules.values())
        return cls(None if layer is module else layer, dict(vars(layer)), children, tensors)

    def is_unchanged(self, module: nn.Module) -> bool:
        """Tell whether the layer still holds the same."""
        layer = module if self.layer is None else self.layer
        tensors = _tensors(layer)
        return (
            not is_changed_by_hooks(layer)
            and _are_same(self.settings, vars(layer))
            and len(self.children) == len(layer._modules)
            and all(map(is_, self.children, layer._modules.values()))
            and len(self.tensors) == len(tensors)
            and all(map(_are_equal, self.tensors, tensors))
        )


def is_changed_by_hooks(layer: nn.Module) -> bool:
    """Tell whether a layer has hooks, or somebody has put another ``forward`` in its place."""
    return bool(layer._forward_hooks or layer._forward_pre_hooks or "forward" in vars(layer))


def _tensors(layer: nn.Module) -> list[torch.Tensor]:
    """Return the tensors that a layer itself holds."""
    held = chain(layer._parameters.values(), layer._buffers.values())
    return [tensor for tensor in held if tensor is not None]


def _are_same(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Tell whether attributes are the same objects, or equal numbers."""
    if old.keys() != new.keys():
        return False
    return all(map(is_, old.values(), new.values())) or all(
        new[name] is value
        or (type(new[name]) is type(value) in (int, float) and new[name] == value)
        for name, value in old.items()
    )


def _are_equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)
