"""Applying a trained network to trials."""

from __future__ import annotations

import threading

import torch
from torch import nn
from torch.func import functional_call

# While a call computes in another precision, the module holds the converted weights: threads that
# share a network take turns.
_TURN = threading.Lock()


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
    # A network may write to its input, which must not be the user's array.
    device = next((tensor.device for tensor in _tensors(module).values()), X.device)
    copies = (batch.to(device, dtype, copy=True) for batch in X.split(batch_size))
    with _TURN:
        module.eval()
        state = {
            name: tensor.to(dtype) if tensor.is_floating_point() else tensor
            for name, tensor in _tensors(module).items()
        }
        return torch.cat([functional_call(module, state, batch) for batch in copies]).cpu().double()


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


def _tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}
