"""Standardisation: statistics of the training trials, and the layer that uses them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from ..blocks import Standardize, Whiten, lagged_products
from .batches import Trials
from .inference import concatenate

# Number of trials whose statistics are computed at once.
_CHUNK = 16
# Ratio of standard deviation to mean up to which a channel counts as constant: smaller variations
# are rounding errors of single precision.
_ROUNDING = 1e-6
# Order of the linear prediction in samples, at most, and at most as a fraction of a trial's length.
_MAX_ORDER, _MAX_FRACTION = 20, 1 / 8
# Power of the white noise added to the autocovariance, as a fraction of the signal's power. It
# keeps the linear equations of the prediction well conditioned.
_NOISE = 1e-6


def standardizer(trials: Trials, method: str | None) -> nn.Module:
    """Create the layer that standardises trials with the statistics of the training trials.

    Parameters
    ----------
    trials : Trials
        The training trials.
    method : {"channel", "global", "spectrum"} or None
        All methods subtract the mean of each channel. ``"channel"`` divides each channel by its
        standard deviation. ``"global"`` divides all channels by one standard deviation.
        ``"spectrum"`` whitens all channels with one filter, which flattens their mean spectrum, and
        divides each by its standard deviation. None leaves the trials unchanged.

    Returns
    -------
    layer : torch.nn.Module
        The layer. It subtracts the mean of constant channels, but does not scale them.
    """
    if method is None:
        return nn.Identity()
    mean, variance = channel_statistics(trials)
    if method == "global":
        variance = variance.mean().expand_as(variance)
    scale = variance.sqrt()
    is_constant = scale <= _ROUNDING * mean.abs()
    scale = torch.where(is_constant, torch.ones_like(scale), scale)
    layer = Standardize(mean.float(), scale.float())
    return _whitener(trials, layer, is_constant) if method == "spectrum" else layer


def empty_standardizer(method: str | None, n_chans: int, n_weights: int) -> nn.Module:
    """Create a layer that :func:`standardizer` returns, for statistics that are loaded into it.

    Parameters
    ----------
    method : {"channel", "global", "spectrum"} or None
        The method of standardisation.
    n_chans : int
        Number of channels.
    n_weights : int
        Number of weights of the whitening filter, used with ``"spectrum"``.

    Returns
    -------
    layer : torch.nn.Module
        The layer, with mean 0 and scale 1.
    """
    if method is None:
        return nn.Identity()
    mean, scale = torch.zeros(n_chans), torch.ones(n_chans)
    if method == "spectrum":
        return Whiten(mean, scale, torch.zeros(n_weights))
    return Standardize(mean, scale)


def _whitener(trials: Trials, standardize: Standardize, is_constant: torch.Tensor) -> Whiten:
    """Create the layer that flattens the mean spectrum of the channels and rescales them."""
    weight = _whitening_filter(_autocovariance(trials, standardize)).to(standardize.mean)
    mean, scale = standardize.mean.squeeze(1), standardize.scale.squeeze(1)
    whiten = Whiten(mean, scale, weight)
    order = len(weight) - 1

    def trial_powers(x: torch.Tensor) -> torch.Tensor:
        return whiten(x)[..., order:].square().mean(2)

    power = _weighted_mean(trials, trial_powers)
    rescale = torch.where(is_constant | (power == 0), torch.ones_like(power), power.sqrt())
    return Whiten(mean, scale * rescale.to(scale), weight)


def _autocovariance(trials: Trials, standardize: Standardize) -> torch.Tensor:
    """Estimate the mean autocovariance of standardised channels at lags 0, 1, 2, ..."""
    n_chans, n_times = trials.X.shape[1:]
    order = min(_MAX_ORDER, int(n_times * _MAX_FRACTION))
    products = _weighted_mean(trials, lambda x: lagged_products(standardize(x), order + 1))
    return products / (n_chans * n_times)


def _whitening_filter(autocovariance: torch.Tensor) -> torch.Tensor:
    """Compute the filter that returns the error of the linear prediction of each sample.

    The predictor ``a`` solves the Yule-Walker equations ``R a = r``, with the autocovariance
    ``R[i, j] = r[|i - j|]``, and predicts ``x[t]`` by ``a[1] x[t - 1] + a[2] x[t - 2] + ...``.
    """
    lags = torch.arange(len(autocovariance) - 1, device=autocovariance.device)
    covariance = autocovariance[(lags[:, None] - lags).abs()]
    noise = _NOISE * autocovariance[0]  # zero if all channels are constant
    covariance.diagonal().add_(torch.where(noise > 0, noise, torch.ones_like(noise)))
    predictor = torch.linalg.solve(covariance, autocovariance[1:])
    return torch.cat([-predictor.flip(0), torch.ones_like(noise)[None]])


def channel_statistics(trials: Trials) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the weighted mean and variance of each channel over trials and time points.

    Parameters
    ----------
    trials : Trials
        Trials with their weights. A weight of 2 counts as two equal trials.

    Returns
    -------
    mean : torch.Tensor of shape (n_chans,)
        Mean of each channel in double precision.
    variance : torch.Tensor of shape (n_chans,)
        Variance of each channel in double precision.
    """
    means, variances = concatenate(_mean_and_variance, trials.chunks(_CHUNK), len(trials)).unbind(1)
    weight = _normalized_weights(trials)
    mean = (weight * means).sum(0)
    # Law of total variance: mean variance within trials plus variance of the means of the trials.
    return mean, (weight * (variances + (means - mean).square())).sum(0)


def _weighted_mean(
    trials: Trials, function: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Compute a function of each trial and its weighted mean in double precision."""
    chunks = trials.chunks(_CHUNK)
    values = concatenate(lambda x: function(x).double(), chunks, len(trials))
    return (_normalized_weights(trials) * values).sum(0)


def _normalized_weights(trials: Trials) -> torch.Tensor:
    """Return the weights of the trials, (n_trials, 1), scaled so that their sum is one."""
    weight = trials.weight[trials.index].double()
    return (weight / weight.sum())[:, None]


def _mean_and_variance(x: torch.Tensor) -> torch.Tensor:
    """Compute mean and variance over time, (n_trials, 2, n_chans), faster than torch.var_mean.

    In single precision, the mean of the centred signals is the rounding error of the first mean.
    Adding it gives the precise mean, and subtracting its square the precise variance.
    """
    mean = x.mean(2)
    centred = x - mean[..., None]
    error = centred.mean(2)
    variance = (centred.square_().mean(2) - error.square()).clamp_min_(0)
    return torch.stack([mean.double() + error, variance.double()], dim=1)
