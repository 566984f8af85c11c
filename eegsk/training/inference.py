"""Applying a trained network to trials."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.func import functional_call

from ..blocks.folding import fold

# What is made of a module to predict with is kept as long as the module is there, and unchanged.
_READY: weakref.WeakKeyDictionary[nn.Module, _Ready] = weakref.WeakKeyDictionary()
_FINEST: weakref.WeakKeyDictionary[nn.Module, torch.dtype] = weakref.WeakKeyDictionary()
# While a call computes in another precision, the module holds the converted weights: threads that
# share a network take turns.
_TURN = threading.Lock()
# How many bytes of trials to compute at once on a CPU: what stays in its cache.
_CACHE = 2**24


@torch.inference_mode()
def apply_network(
    module: nn.Module, X: torch.Tensor, dtype: torch.dtype, batch_size: int
) -> torch.Tensor:
    """Send trials through a network in evaluation mode.

    Parameters
    ----------
    module : torch.nn.Module
        The network, wherever it is.
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        Trials.
    dtype : torch.dtype
        Precision to compute in. In double precision a trial's result does not depend on which
        other trials it comes with; in single precision, sums are taken in another order, and it
        does in the seventh digit.
    batch_size : int
        How many trials to compute at once at most.

    Returns
    -------
    output : torch.Tensor of shape (n_trials, n_outputs)
        What the network makes of them, in double precision, on the CPU.
    """
    parts = _Parts(module)
    device = next((tensor.device for tensor in parts.tensors), X.device)
    if device.type == "cpu":
        batch_size = min(batch_size, max(1, _CACHE // (X[0].numel() * dtype.itemsize)))
    # A network may write to its input, which must not be the user's array.
    copies = (batch.to(device, dtype, copy=True) for batch in X.split(batch_size))
    with _TURN:
        network = _folded(parts, dtype)
        if network is None:
            return _joined(_apply_in(module, dtype), copies)
    return _joined(network, copies)


def finest_dtype(module: nn.Module, X: torch.Tensor) -> torch.dtype:
    """Return double precision where device and network can compute in it, else single.

    Parameters
    ----------
    module : torch.nn.Module
        The network, wherever it is. Only on CPUs is it asked for double precision: few other
        devices compute in it at a fair speed, or at all.
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        A few trials to try it on; it is tried once.

    Returns
    -------
    dtype : torch.dtype
        The precision to predict in.
    """
    if next((tensor.device.type for tensor in module.parameters()), "cpu") != "cpu":
        return torch.float32
    if module not in _FINEST:
        try:
            apply_network(module, X, torch.float64, len(X))
            _FINEST[module] = torch.float64
        except RuntimeError:  # a network that makes single-precision tensors of its own
            _FINEST[module] = torch.float32
    return _FINEST[module]


class _Parts:
    """The layers of a module, and the tensors that they hold.

    Parameters
    ----------
    module : torch.nn.Module
        The module.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.layers = list(module.modules())
        held = [group for layer in self.layers for group in (layer._parameters, layer._buffers)]
        self.tensors = [t for group in held for t in group.values() if t is not None]
        self.settings = [dict(vars(layer)) for layer in self.layers]

    @property
    def are_watched(self) -> bool:
        """Whether layers have hooks, or a ``forward`` that somebody has put in place of theirs."""
        return any(
            layer._forward_hooks or layer._forward_pre_hooks or "forward" in vars(layer)
            for layer in self.layers
        )


@dataclass(frozen=True, eq=False)
class _Ready:
    """A folded network, and what it was made from.

    Parameters
    ----------
    network : torch.nn.Module or None
        The network; None if the module cannot be folded.
    dtype : torch.dtype
        Its precision.
    layers : list of weakref.ref
        The layers of the module.
    tensors : list of torch.Tensor
        Copies of their tensors.
    settings : list of dict
        All else they hold, such as the epsilon of a normalisation.
    """

    network: nn.Module | None
    dtype: torch.dtype
    layers: list[weakref.ref[nn.Module]]
    tensors: list[torch.Tensor]
    settings: list[dict[str, object]]

    def is_for(self, parts: _Parts, dtype: torch.dtype) -> bool:
        """Tell whether the module has the same layers, and the same values in them."""
        return (
            self.dtype == dtype
            and len(self.layers) == len(parts.layers)
            and all(ref() is layer for ref, layer in zip(self.layers, parts.layers, strict=True))
            and all(map(_hold_the_same, self.settings, parts.settings))
            and len(self.tensors) == len(parts.tensors)
            and all(map(_same, self.tensors, parts.tensors))
        )


def _folded(parts: _Parts, dtype: torch.dtype) -> nn.Module | None:
    """Return the folded network, made anew if the module has changed."""
    if parts.are_watched:
        return None
    ready = _READY.get(parts.module)
    if ready is None or not ready.is_for(parts, dtype):
        layers = [weakref.ref(layer) for layer in parts.layers]
        copies = [tensor.clone() for tensor in parts.tensors]
        ready = _Ready(fold(parts.module, dtype), dtype, layers, copies, parts.settings)
        _READY[parts.module] = ready
    return ready.network


def _apply_in(module: nn.Module, dtype: torch.dtype) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function that applies a module, evaluating in a precision."""
    module.eval()
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    state = {
        name: tensor.to(dtype) if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
    return lambda x: functional_call(module, state, x)


def _joined(
    network: Callable[[torch.Tensor], torch.Tensor], batches: Iterable[torch.Tensor]
) -> torch.Tensor:
    return torch.cat([network(batch) for batch in batches]).cpu().double()


def _hold_the_same(a: dict[str, object], b: dict[str, object]) -> bool:
    """Tell whether two layers hold the same objects, or equal numbers."""
    return a.keys() == b.keys() and all(
        old is new or (isinstance(old, int | float) and old == new)
        for old, new in zip(a.values(), b.values(), strict=True)
    )


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.device == b.device and a.dtype == b.dtype and torch.equal(a, b)
