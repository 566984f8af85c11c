"""Applying a trained network to trials."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import torch
from torch import nn
from torch.func import functional_call

from ..blocks.folding import fold
from .contents import Contents, is_changed_by_hooks
from .reproducible import keep_freed_memory

# What is made of a module to predict with is kept as long as the module is there, and unchanged.
_READY: weakref.WeakKeyDictionary[nn.Module, _Ready] = weakref.WeakKeyDictionary()
_FINEST: weakref.WeakKeyDictionary[nn.Module, torch.dtype] = weakref.WeakKeyDictionary()
# While a call computes in another precision, the module holds the converted weights: threads that
# share a network take turns.
_TURN = threading.Lock()
# How many bytes of trials each thread of a CPU computes at once: what stays in its cache.
_CACHE = 2**22


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
    keep_freed_memory()
    device = _device_of(module, X.device)
    if device.type == "cpu":
        cached = torch.get_num_threads() * _CACHE // (X[0].numel() * dtype.itemsize)
        batch_size = min(batch_size, max(1, cached))
    batches = X.split(batch_size)
    with _TURN:
        network = _folded(module, dtype)
        if network is None:
            return _joined(_apply_in(module, dtype), _copies(batches, device, dtype))
    copies = _copies if len(batches) == 1 else _copies_in_one_place
    return _joined(network, copies(batches, device, dtype))


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
    if _device_of(module, X.device).type != "cpu":
        return torch.float32
    if module not in _FINEST:
        try:
            apply_network(module, X, torch.float64, len(X))
            _FINEST[module] = torch.float64
        except RuntimeError:  # a network that makes single-precision tensors of its own
            _FINEST[module] = torch.float32
    return _FINEST[module]


def _device_of(module: nn.Module, default: torch.device) -> torch.device:
    """Return where the first tensor of a module is."""
    for layer in module.modules():
        for tensor in chain(layer._parameters.values(), layer._buffers.values()):
            if tensor is not None:
                return tensor.device
    return default


class _Ready(NamedTuple):
    """What a module has been folded to.

    Parameters
    ----------
    network : torch.nn.Module or None
        The folded network; None if the module cannot be folded.
    dtype : torch.dtype
        Its precision.
    contents : Contents
        What the module held.
    """

    network: nn.Module | None
    dtype: torch.dtype
    contents: Contents


def _folded(module: nn.Module, dtype: torch.dtype) -> nn.Module | None:
    """Return the folded network, made anew if the module has changed."""
    ready = _READY.get(module)
    if ready is None or ready.dtype != dtype or not ready.contents.are_those_of(module):
        if any(map(is_changed_by_hooks, module.modules())):
            return None
        contents = Contents(module)  # before it is folded: what changes meanwhile is a change
        ready = _READY[module] = _Ready(fold(module, dtype), dtype, contents)
    return ready.network


def _apply_in(module: nn.Module, dtype: torch.dtype) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function that applies a module, evaluating in a precision."""
    module.eval()
    # Each layer is converted under its first name. functional_call restores a layer that has two
    # names, e.g. as an attribute and in a Sequential, to its converted weights.
    state = {
        f"{name}.{key}" if name else key: tensor.to(dtype) if tensor.is_floating_point() else tensor
        for name, layer in module.named_modules()
        for key, tensor in chain(layer._parameters.items(), layer._buffers.items())
        if tensor is not None
    }
    return lambda x: functional_call(module, state, x, tie_weights=False)


def _copies(
    batches: Sequence[torch.Tensor], device: torch.device, dtype: torch.dtype
) -> Iterator[torch.Tensor]:
    return (batch.to(device, dtype, copy=True) for batch in batches)


def _copies_in_one_place(
    batches: Sequence[torch.Tensor], device: torch.device, dtype: torch.dtype
) -> Iterator[torch.Tensor]:
    """Copy trials to memory that the next batch overwrites: to clear new one takes longer."""
    copy = torch.empty_like(batches[0], dtype=dtype, device=device)
    for batch in batches:
        yield copy[: len(batch)].copy_(batch)


def _joined(
    network: Callable[[torch.Tensor], torch.Tensor], batches: Iterable[torch.Tensor]
) -> torch.Tensor:
    # What a network returns may be its input, which the next batch may overwrite.
    return torch.cat([network(batch).clone() for batch in batches]).cpu().double()
