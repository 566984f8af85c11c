"""What standardisation learns from the training trials."""

from __future__ import annotations

import torch
from torch import nn

from ..blocks import Standardize
from .batches import Trials

# How many trials to look at at once.
_CHUNK = 16
# A spread below this share of the mean is rounding in single precision, not signal.
_ROUNDING = 1e-6


def standardizer(trials: Trials, unit: str | None) -> nn.Module:
    """Make the layer that standardises trials by what these trials are like.

    Parameters
    ----------
    trials : Trials
        The training trials.
    unit : {"channel", "global"} or None
        Whether each electrode is divided by its own standard deviation, all by one, or nothing is
        done.

    Returns
    -------
    layer : torch.nn.Module
        The layer. It leaves the scale of an electrode that is constant as it is.
    """
    if unit is None:
        return nn.Identity()
    mean, variance = channel_statistics(trials)
    if unit == "global":
        variance = variance.mean().expand_as(variance)
    scale = variance.sqrt()
    scale = torch.where(scale > _ROUNDING * mean.abs(), scale, torch.ones_like(scale))
    return Standardize(mean.float(), scale.float())


def channel_statistics(trials: Trials) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the weighted mean and variance of each electrode over trials and times.

    Parameters
    ----------
    trials : Trials
        Trials; each counts as many times as its weight says.

    Returns
    -------
    mean : torch.Tensor of shape (n_chans,)
        Means, in double precision.
    variance : torch.Tensor of shape (n_chans,)
        Variances about them, in double precision.
    """
    parts = [_mean_and_variance(trials.X[chunk]) for chunk in trials.index.split(_CHUNK)]
    means, variances = (torch.cat(part) for part in zip(*parts, strict=True))
    weight = trials.weight[trials.index].double()
    share = (weight / weight.sum())[:, None]
    mean = (share * means).sum(0)
    return mean, (share * (variances + (means - mean).square())).sum(0)


def _mean_and_variance(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and variance over time of signals, which are overwritten.

    One after the other they take a fraction of the time of ``torch.var_mean``.
    """
    mean = x.mean(2)
    rest = x.sub_(mean[..., None]).mean(2)  # what rounding has left in the mean
    return mean.double() + rest, (x.square_().mean(2) - rest.square()).clamp_min_(0).double()
