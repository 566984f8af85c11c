"""Applying a trained network to trials."""

from __future__ import annotations

import copy
from weakref import WeakKeyDictionary

import torch
from torch import nn

Tensors = dict[str, torch.Tensor]

# Of each network, what its tensors were and the double-precision copy that was made of it then.
_COPIES: WeakKeyDictionary[nn.Module, tuple[Tensors, nn.Module]] = WeakKeyDictionary()


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
        How many trials to compute at once.

    Returns
    -------
    output : torch.Tensor of shape (n_trials, n_outputs)
        What the network makes of them, in double precision, on the CPU.
    """
    module = _in_precision(module.eval(), dtype)
    device = next((tensor.device for tensor in _tensors(module).values()), X.device)
    # A network may write to its input, which must not be the user's array.
    copies = (batch.to(device, dtype, copy=True) for batch in X.split(batch_size))
    return torch.cat([module(batch) for batch in copies]).cpu().double()


def finest_dtype(module: nn.Module, X: torch.Tensor) -> torch.dtype:
    """Return double precision where device and network can compute in it, else single.

    Parameters
    ----------
    module : torch.nn.Module
        The network.
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        A few trials to try it on, where the network is. Only CPUs are asked for double precision:
        few other devices compute in it at a fair speed, or at all.

    Returns
    -------
    dtype : torch.dtype
        The precision to predict in.
    """
    if X.device.type != "cpu":
        return torch.float32
    try:
        apply_network(module, X, torch.float64, len(X))
    except RuntimeError:  # a network that makes single-precision tensors of its own
        return torch.float32
    return torch.float64


def _in_precision(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Return the network, or a copy in double precision, made anew only when it has changed.

    The network itself is never converted, so that threads can share it.
    """
    if dtype == torch.float32:
        return module
    tensors = _tensors(module)
    copied = _COPIES.get(module)
    if copied is None or not _same(tensors, copied[0]):
        snapshot = {name: tensor.detach().clone() for name, tensor in tensors.items()}
        copied = _COPIES[module] = (snapshot, copy.deepcopy(module).to(dtype))
    return copied[1]


def _tensors(module: nn.Module) -> Tensors:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _same(some: Tensors, others: Tensors) -> bool:
    return some.keys() == others.keys() and all(
        torch.equal(tensor, others[name]) for name, tensor in some.items()
    )
