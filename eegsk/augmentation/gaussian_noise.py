"""Noise."""

from __future__ import annotations

import functools

import torch

from .._fields import NonNegative
from .transform import Transform

_N_LEVELS = 2**16


class GaussianNoise(Transform):
    """Add white noise [1]_, independent at each electrode and time.

    Parameters
    ----------
    std : float, default=0.01
        Standard deviation of the noise, in units of the standardised trials: 0.01 is a hundredth
        of what an electrode varies by. It is in the unit of the trials if the estimator has
        ``standardize=None``.

    Notes
    -----
    On a CPU each number is one of 65,536 equally likely quantiles of the normal distribution,
    which are cheaper to draw than any number of it; their variance is exact.

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

    def _transform(self, X: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        scale = self.std * chosen[:, None, None].to(X.dtype)
        return torch.addcmul(X, _standard_normal(X), scale)


def _standard_normal(X: torch.Tensor) -> torch.Tensor:
    """Draw numbers in the shape of ``X``."""
    if X.device.type != "cpu":
        return torch.randn_like(X)
    words = torch.empty(-(-X.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    level = words.view(torch.uint16)[: X.numel()].int()
    return _quantiles().to(X.dtype).index_select(0, level).view(X.shape)


@functools.cache
def _quantiles() -> torch.Tensor:
    """Return quantiles of the normal distribution, scaled to a variance of one."""
    levels = (torch.arange(_N_LEVELS, dtype=torch.float64) + 0.5) / _N_LEVELS
    quantiles = torch.special.ndtri(levels)
    return (quantiles / quantiles.square().mean().sqrt()).float()
