"""Augmentation by Gaussian noise."""

from __future__ import annotations

import functools

import torch

from .._fields import NonNegative
from .transform import Transform

# Number of quantiles of the normal distribution from which noise is drawn: one for each uint16.
_N_LEVELS = 2**16


class GaussianNoise(Transform):
    """Addition of white Gaussian noise, independent for each channel and time point.

    See [1]_ for a comparison of the transforms.

    Parameters
    ----------
    std : float, default=0.01
        Standard deviation of the noise, relative to that of the standardised trials: 0.01 is a
        hundredth of the standard deviation of a channel. If the estimator has
        ``standardize=None``, it is in the unit of the trials, e.g. volts.

    Notes
    -----
    On a CPU, noise is drawn from 65,536 equally probable quantiles of the normal distribution. This
    is faster than drawing from the continuous distribution; the variance is exactly ``std ** 2``.

    References
    ----------
    .. [1] Rommel, C., Paillard, J., Moreau, T., & Gramfort, A. (2022). Data augmentation for
       learning predictive models on EEG: a systematic comparison. Journal of Neural Engineering,
       19(6), 066020. https://doi.org/10.1088/1741-2552/aca220

    Examples
    --------
    >>> import torch
    >>> from eegsk.augmentation import GaussianNoise
    >>> generator = torch.manual_seed(0)
    >>> X, y = GaussianNoise(std=0.5)(torch.zeros(20, 3, 500), torch.zeros(20))
    >>> round(X.std().item(), 2)
    0.5
    """

    std: NonNegative = 0.01

    def _transform(self, X: torch.Tensor, is_chosen: torch.Tensor) -> torch.Tensor:
        scale = self.std * is_chosen[:, None, None].to(X.dtype)
        return torch.addcmul(X, _standard_normal(X), scale)


def _standard_normal(X: torch.Tensor) -> torch.Tensor:
    """Draw normally distributed numbers in the shape of ``X``."""
    if X.device.type != "cpu":
        return torch.randn_like(X)
    # A random integer of 64 bits gives four levels of 16 bits.
    integers = torch.empty(-(-X.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    level = integers.view(torch.uint16)[: X.numel()].int()
    return _quantiles().to(X.dtype).index_select(0, level).view(X.shape)


@functools.cache
def _quantiles() -> torch.Tensor:
    """Compute quantiles of the normal distribution, scaled to a variance of one."""
    levels = (torch.arange(_N_LEVELS, dtype=torch.float64) + 0.5) / _N_LEVELS
    quantiles = torch.special.ndtri(levels)
    return (quantiles / quantiles.square().mean().sqrt()).float()
