"""Batch normalisation as an affine map, computed from the mean and variance of its input.

Equations are those of docs/user_guide/front_end.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from .._precision import at_least_single

if TYPE_CHECKING:
    from torch.nn.modules.batchnorm import _BatchNorm

Statistics = tuple[torch.Tensor, torch.Tensor]


def affine(
    norm: _BatchNorm, batch_statistics: Callable[[], Statistics], n_values: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scale and shift of batch normalisation, Eq. (2).

    In training mode, the running statistics are updated as well.

    Parameters
    ----------
    norm : torch.nn.BatchNorm2d
        The layer.
    batch_statistics : callable
        Function that returns the mean and variance of the layer's input; it is called in training
        mode only.
    n_values : int
        Number of values from which the mean and variance are computed.

    Returns
    -------
    scale, shift : torch.Tensor of shape (n_features,)
        The output of the layer is ``x * scale + shift``.
    """
    if not norm.training:
        return running_affine(norm)
    mean, variance = batch_statistics()
    _update_running_statistics(norm, mean, variance, n_values)
    return _affine(norm, mean, variance)


def running_affine(norm: _BatchNorm) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scale and shift of batch normalisation in evaluation mode."""
    return _affine(norm, *_running_statistics(norm))


def normalize(norm: _BatchNorm, x: torch.Tensor, constant: torch.Tensor) -> torch.Tensor:
    """Batch-normalise ``x + constant`` without adding the constant to the signals.

    Parameters
    ----------
    norm : torch.nn.BatchNorm1d
        The layer.
    x : torch.Tensor of shape (n_trials, n_features, n_times)
        Signals.
    constant : torch.Tensor of shape (n_features,)
        Constants, e.g. those of Eq. (4).

    Returns
    -------
    normalized : torch.Tensor of shape (n_trials, n_features, n_times)
        The output of the layer.
    """
    mean, variance = _running_statistics(norm)
    if not norm.training:
        bias = (norm.bias + constant * running_affine(norm)[0]).to(norm.bias.dtype)
        return F.batch_norm(x, mean, variance, norm.weight, bias, False, 0.0, norm.eps)
    # Subtracting the batch mean removes the constant, so that only the running mean depends on it.
    # The constant is multiplied by zero, not left out, so that its gradient is zero and not None.
    momentum, bias = _next_momentum(norm), norm.bias + (0 * constant).to(norm.bias.dtype)
    mean_of_x = mean.clone()
    x = F.batch_norm(x, mean_of_x, variance, norm.weight, bias, True, momentum, norm.eps)
    mean.copy_(mean_of_x + momentum * constant.detach())
    return x


def _affine(
    norm: _BatchNorm, mean: torch.Tensor, variance: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    scale = at_least_single(norm.weight) * (variance + norm.eps).rsqrt()
    return scale, norm.bias - scale * mean


def _running_statistics(norm: _BatchNorm) -> Statistics:
    return norm.running_mean, norm.running_var  # type: ignore[return-value]


@torch.no_grad()
def _update_running_statistics(
    norm: _BatchNorm, mean: torch.Tensor, variance: torch.Tensor, n_values: int
) -> None:
    """Update the running statistics with those of a batch, as torch's layer does."""
    momentum, unbiased = _next_momentum(norm), n_values / max(n_values - 1, 1)
    running_mean, running_variance = _running_statistics(norm)
    running_mean.lerp_(mean.to(running_mean.dtype), momentum)
    running_variance.lerp_((variance * unbiased).to(running_mean.dtype), momentum)


def _next_momentum(norm: _BatchNorm) -> float:
    """Count a batch, and return its weight in the running statistics."""
    n_batches: torch.Tensor = norm.num_batches_tracked  # type: ignore[assignment]
    n_batches += 1  # in place
    if norm.momentum is None:  # running statistics are the mean over all batches
        return 1.0 / n_batches.item()
    return norm.momentum
