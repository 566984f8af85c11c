"""What standardisation learns from the training trials."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from ..blocks import Standardize, Whiten, lagged_products
from .batches import Trials

# How many trials to look at at once.
_CHUNK = 16
# A spread below this share of the mean is rounding in single precision, not signal.
_ROUNDING = 1e-6
# How many samples to predict a sample from, at most, and at most which share of a trial.
_N_BEFORE, _SHARE = 20, 1 / 8
# White noise, as a share of the power, so that predictions are not trusted beyond rounding.
_NOISE = 1e-6


def standardizer(trials: Trials, unit: str | None) -> nn.Module:
    """Make the layer that standardises trials by what these trials are like.

    Parameters
    ----------
    trials : Trials
        The training trials.
    unit : {"channel", "global", "spectrum"} or None
        Whether each electrode is divided by its own standard deviation, all by one, each by its own
        after the spectrum that they have in common has been flattened, or nothing is done.

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
    is_flat = scale <= _ROUNDING * mean.abs()
    scale = torch.where(is_flat, torch.ones_like(scale), scale)
    layer = Standardize(mean.float(), scale.float())
    return _whitener(trials, layer, is_flat) if unit == "spectrum" else layer


def _whitener(trials: Trials, standardize: Standardize, is_flat: torch.Tensor) -> Whiten:
    """Make the layer that flattens the mean spectrum of electrodes, and scales them anew."""
    weight = _prediction_errors(_autocovariance(trials, standardize)).to(standardize.mean)
    mean, scale = standardize.mean.squeeze(1), standardize.scale.squeeze(1)
    errors = Whiten(mean, scale, weight)
    n_before = len(weight) - 1

    def powers(x: torch.Tensor) -> torch.Tensor:
        return errors(x)[..., n_before:].square().mean(2)

    power = _weighted_mean(trials, powers)
    left = torch.where(is_flat | (power == 0), torch.ones_like(power), power.sqrt())
    return Whiten(mean, scale * left.to(scale), weight)


def _autocovariance(trials: Trials, standardize: Standardize) -> torch.Tensor:
    """Return the mean autocovariance of standardised electrodes, from lag 0 on."""
    n_chans, n_times = trials.X.shape[1:]
    n_before = min(_N_BEFORE, int(n_times * _SHARE))
    products = _weighted_mean(trials, lambda x: lagged_products(standardize(x), n_before + 1))
    return products / (n_chans * n_times)


def _prediction_errors(autocovariance: torch.Tensor) -> torch.Tensor:
    """Return by what to multiply samples, the last one last, to get the error of its prediction."""
    lags = torch.arange(len(autocovariance) - 1, device=autocovariance.device)
    covariance = autocovariance[(lags[:, None] - lags).abs()]
    noise = _NOISE * autocovariance[0]
    covariance.diagonal().add_(torch.where(noise > 0, noise, torch.ones_like(noise)))
    prediction = torch.linalg.solve(covariance, autocovariance[1:])
    return torch.cat([-prediction.flip(0), torch.ones_like(noise)[None]])


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
    parts = list(map(_mean_and_variance, trials.chunks(_CHUNK)))
    means, variances = (torch.cat(part) for part in zip(*parts, strict=True))
    share = _shares(trials)
    mean = (share * means).sum(0)
    return mean, (share * (variances + (means - mean).square())).sum(0)


def _weighted_mean(
    trials: Trials, of_trials: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Average what a function returns of each trial, in double precision."""
    parts = [of_trials(x).double() for x in trials.chunks(_CHUNK)]
    return (_shares(trials) * torch.cat(parts)).sum(0)


def _shares(trials: Trials) -> torch.Tensor:
    """Return what part each trial has in an average, (n_trials, 1)."""
    weight = trials.weight[trials.index].double()
    return (weight / weight.sum())[:, None]


def _mean_and_variance(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and variance over time of signals.

    One after the other they take a fraction of the time of ``torch.var_mean``.
    """
    mean = x.mean(2)
    centred = x - mean[..., None]
    rest = centred.mean(2)  # what rounding has left in the mean
    return mean.double() + rest, (centred.square_().mean(2) - rest.square()).clamp_min_(0).double()
