"""Batch normalisation of what is never computed: from its statistics alone."""

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
    """Return by what batch normalisation multiplies its input, and what it adds.

    Parameters
    ----------
    norm : torch.nn.BatchNorm2d
        The layer; in training mode its running statistics are moved.
    batch_statistics : callable
        Returns mean and variance of its input; called in training mode only.
    n_values : int
        How many values these are statistics of.

    Returns
    -------
    scale, shift : torch.Tensor of shape (n_features,)
        The layer is ``x * scale + shift``.
    """
    if not norm.training:
        return running_affine(norm)
    mean, variance = batch_statistics()
    _track(norm, mean, variance, n_values)
    return _affine(norm, mean, variance)


def running_affine(norm: _BatchNorm) -> Statistics:
    """Return by what batch normalisation in evaluation mode multiplies, and what it adds."""
    return _affine(norm, *_running(norm))


def normalize(norm: _BatchNorm, x: torch.Tensor, constant: torch.Tensor) -> torch.Tensor:
    """Batch-normalise ``x + constant`` without adding the constant to the whole of ``x``."""
    mean, variance = _running(norm)
    if not norm.training:
        bias = (norm.bias + constant * running_affine(norm)[0]).to(norm.bias.dtype)
        return F.batch_norm(x, mean, variance, norm.weight, bias, False, 0.0, norm.eps)
    # The batch mean takes the constant away again, so that its gradient is zero, not none.
    momentum, bias = _next_momentum(norm), norm.bias + (0 * constant).to(norm.bias.dtype)
    mean_of_x = mean.clone()
    x = F.batch_norm(x, mean_of_x, variance, norm.weight, bias, True, momentum, norm.eps)
    mean.copy_(mean_of_x + momentum * constant.detach())
    return x


def _affine(norm: _BatchNorm, mean: torch.Tensor, variance: torch.Tensor) -> Statistics:
    scale = at_least_single(norm.weight) * (variance + norm.eps).rsqrt()
    return scale, norm.bias - scale * mean


def _running(norm: _BatchNorm) -> Statistics:
    return norm.running_mean, norm.running_var  # type: ignore[return-value]


@torch.no_grad()
def _track(norm: _BatchNorm, mean: torch.Tensor, variance: torch.Tensor, n_values: int) -> None:
    """Move the running statistics towards those of a batch, as batch normalisation does."""
    momentum, unbiased = _next_momentum(norm), n_values / max(n_values - 1, 1)
    running_mean, running_variance = _running(norm)
    running_mean.lerp_(mean.to(running_mean.dtype), momentum)
    running_variance.lerp_((variance * unbiased).to(running_mean.dtype), momentum)


def _next_momentum(norm: _BatchNorm) -> float:
    """Count a batch, and return its share in the running statistics."""
    n_batches: torch.Tensor = norm.num_batches_tracked  # type: ignore[assignment]
    n_batches += 1
    if norm.momentum is None:  # the mean of all batches, whose number the host must know
        return 1.0 / n_batches.item()
    return norm.momentum
