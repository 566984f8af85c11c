"""Prediction: applying a trained network to trials."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import torch
from torch import nn
from torch.func import functional_call

from .._locks import ForkSafeLock
from ..blocks.folding import can_fold, fold
from ..recordings import LazyTensor
from .module_snapshot import ModuleSnapshot
from .reproducible import keep_freed_memory

# Folded networks by module. An entry is deleted with its module.
_FOLDED: weakref.WeakKeyDictionary[nn.Module, _Folded] = weakref.WeakKeyDictionary()
# Precision of predictions by module.
_DTYPES: weakref.WeakKeyDictionary[nn.Module, torch.dtype] = weakref.WeakKeyDictionary()
# Threads may share a module. A module that cannot be folded holds converted weights while it is
# applied in another precision, so that only one thread at a time may use it.
_LOCK = ForkSafeLock()
# Size in bytes of the trials that a CPU thread processes at once; they fit in the CPU's cache.
_BYTES_PER_THREAD = 2**22


@torch.inference_mode()
def apply_network(
    module: nn.Module, X: torch.Tensor | LazyTensor, dtype: torch.dtype, batch_size: int
) -> torch.Tensor:
    """Apply a network in evaluation mode to trials.

    Parameters
    ----------
    module : torch.nn.Module
        The network, on any device.
    X : torch.Tensor or LazyTensor of shape (n_trials, n_chans, n_times)
        Trials.
    dtype : torch.dtype
        Precision of the computation. In double precision, the result for a trial does not depend
        on the other trials in ``X``. In single precision, it depends on them in the seventh digit,
        because sums are computed in another order.
    batch_size : int
        Maximum number of trials to compute at once.

    Returns
    -------
    output : torch.Tensor of shape (n_trials, n_outputs)
        Outputs of the network in double precision, on the CPU.
    """
    keep_freed_memory()
    device = _device_of(module, X.device)
    if device.type == "cpu":
        n_bytes = math.prod(X.shape[1:]) * dtype.itemsize
        batch_size = min(batch_size, max(1, torch.get_num_threads() * _BYTES_PER_THREAD // n_bytes))
    with _LOCK.hold():
        folded = _folded(module, dtype)
        if folded is None:
            batches = _convert(X.split(batch_size), device, dtype)
            return concatenate(_in_precision(module, dtype), batches, len(X)).cpu().double()
    if len(X) <= batch_size:
        return folded(X[:].to(device, dtype, copy=True)).cpu().double()
    buffer = torch.empty((batch_size, *X.shape[1:]), dtype=dtype, device=device)
    batches = _convert_into_buffer(X.split(batch_size), buffer)
    return concatenate(folded, batches, len(X)).cpu().double()


def finest_dtype(module: nn.Module, X: torch.Tensor) -> torch.dtype:
    """Return double precision if the device and the network support it, else single precision.

    Parameters
    ----------
    module : torch.nn.Module
        The network, on any device. Double precision is used on CPUs only, because it is slow or
        missing on most other devices.
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        A few trials. At the first call, the network is applied to them in double precision.

    Returns
    -------
    dtype : torch.dtype
        Precision of predictions.
    """
    if _device_of(module, X.device).type != "cpu":
        return torch.float32
    if module not in _DTYPES:
        try:
            apply_network(module, X, torch.float64, len(X))
            _DTYPES[module] = torch.float64
        except RuntimeError:  # e.g. a network that creates single-precision tensors in forward
            _DTYPES[module] = torch.float32
    return _DTYPES[module]


def _device_of(module: nn.Module, default: torch.device) -> torch.device:
    """Return the device of a tensor of a module."""
    # module.parameters() takes several times as long, which matters for single trials.
    for layer in module.modules():
        for tensor in chain(layer._parameters.values(), layer._buffers.values()):
            if tensor is not None:
                return tensor.device
    return default


class _Folded(NamedTuple):
    """Folded network, and the state of the module that it was computed from.

    Parameters
    ----------
    network : torch.nn.Module
        The folded network.
    dtype : torch.dtype
        Its precision.
    snapshot : ModuleSnapshot
        Snapshot of the module, taken before folding.
    """

    network: nn.Module
    dtype: torch.dtype
    snapshot: ModuleSnapshot


def _folded(module: nn.Module, dtype: torch.dtype) -> nn.Module | None:
    """Return the folded network of a module, or None if the module cannot be folded.

    The network is cached. It is folded again only if the module or the precision has changed.
    """
    cached = _FOLDED.get(module)
    if cached is None or cached.dtype != dtype or not cached.snapshot.matches(module):
        if not can_fold(module):
            return None
        # ``fold`` sets shared layers to evaluation mode, which must not count as a change. The
        # snapshot is taken before, to detect changes that another thread makes during folding.
        module.eval()
        snapshot = ModuleSnapshot(module)
        cached = _FOLDED[module] = _Folded(fold(module, dtype), dtype, snapshot)
    return cached.network


def _in_precision(module: nn.Module, dtype: torch.dtype) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function that applies a module in evaluation mode with converted weights."""
    module.eval()
    # A layer can have two names, e.g. as an attribute and in a Sequential. Only the first is used:
    # with both, functional_call would leave the converted weights in the layer.
    state = {
        f"{name}.{key}" if name else key: tensor.to(dtype) if tensor.is_floating_point() else tensor
        for name, layer in module.named_modules()
        for key, tensor in chain(layer._parameters.items(), layer._buffers.items())
        if tensor is not None
    }
    return lambda x: functional_call(module, state, x, tie_weights=False)


def _convert(
    batches: Iterable[torch.Tensor], device: torch.device, dtype: torch.dtype
) -> Iterator[torch.Tensor]:
    """Copy each batch to a device and a precision."""
    return (batch.to(device, dtype, copy=True) for batch in batches)


def _convert_into_buffer(
    batches: Iterable[torch.Tensor], buffer: torch.Tensor
) -> Iterator[torch.Tensor]:
    """Copy each batch to the same memory, which is faster than new memory for each of them."""
    for batch in batches:
        yield buffer[: len(batch)].copy_(batch)


def concatenate(
    function: Callable[[torch.Tensor], torch.Tensor], batches: Iterable[torch.Tensor], n_trials: int
) -> torch.Tensor:
    """Apply a function to batches of trials, and concatenate the results by trial.

    Parameters
    ----------
    function : callable
        The function, e.g. a network; the first axis of its results is that of the trials.
    batches : iterable of torch.Tensor
        The batches.
    n_trials : int
        Number of trials in all batches.

    Returns
    -------
    outputs : torch.Tensor of shape (n_trials, ...)
        The results; empty without a batch.
    """
    outputs, start = torch.empty(0), 0
    for batch in batches:
        output = function(batch)
        # One tensor for all outputs: many small ones between the large tensors of the function
        # would prevent the C library from reusing the memory of these.
        if start == 0:
            outputs = output.new_empty(n_trials, *output.shape[1:])
        outputs[start : start + len(batch)] = output
        start += len(batch)
    return outputs
