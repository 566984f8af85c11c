"""Mean and covariance of all windows of a signal, without cutting them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F

from .._precision import at_least_single
from .._time_filters import lagged_products
from ._signals import Signals

Reach = tuple[int, int]


@dataclass(frozen=True, eq=False)
class WindowStatistics:
    """Mean and covariance of the windows that a filter sees.

    Parameters
    ----------
    reach : (int, int)
        How many samples before and after its own a window has.
    mean : torch.Tensor of shape (kernel,)
        Mean over signals and times of each sample of the window.
    covariance : torch.Tensor of shape (kernel, kernel)
        Their covariance.
    """

    reach: Reach
    mean: torch.Tensor
    covariance: torch.Tensor

    def within(self, reach: Reach) -> WindowStatistics:
        """Return the statistics of windows of a shorter reach."""
        start = self.reach[0] - reach[0]
        inner = slice(start, start + sum(reach) + 1)
        return WindowStatistics(reach, self.mean[inner], self.covariance[inner, inner])

    def filtered(self, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and variance of the outputs of filters (n_filters, kernel)."""
        weight = weight.to(self.mean.dtype)
        variance = ((weight @ self.covariance) * weight).sum(1)
        return weight @ self.mean, variance.clamp_min(0)


@torch.no_grad()
def trial_sums(x: torch.Tensor, reach: Reach) -> torch.Tensor:
    """Compute what the statistics of windows need of each trial as a whole.

    Parameters
    ----------
    x : torch.Tensor of shape (n_trials, n_chans, n_times)
        Trials.
    reach : (int, int)
        How many samples before and after its own a window has.

    Returns
    -------
    sums : torch.Tensor of shape (n_trials, 1 + kernel)
        The sum of each trial, and of its lagged products; at least in single precision.
    """
    x = at_least_single(x)
    return torch.cat([x.sum((1, 2))[:, None], lagged_products(x, sum(reach) + 1)], dim=1)


@torch.no_grad()
def window_statistics(signals: Signals, reach: Reach, sums: torch.Tensor) -> WindowStatistics:
    """Compute the mean and the covariance of the windows that a filter sees.

    Parameters
    ----------
    signals : Signals
        Trials, zero-padded in thought.
    reach : (int, int)
        How many samples before and after its own a window has.
    sums : torch.Tensor of shape (n_trials, 1 + kernel)
        What :func:`trial_sums` returns of them.

    Returns
    -------
    statistics : WindowStatistics
        Over all trials, electrodes and times, at least in single precision.

    Notes
    -----
    The products of two samples of the window, summed over all positions of the window, depend on
    the lag between the samples alone but for the first and last positions, where one of them is
    not in the signal: those products, from Gram matrices of head and tail, are taken away.
    """
    total = sums.sum(0)
    head, tail = at_least_single(_head(signals, reach)), at_least_single(_tail(signals, reach))
    n_values = signals.x.numel()
    products = total[1:] - _before(_by_lag(head)) - _after(_by_lag(tail))
    mean = (total[0] - _before(head.sum(0)) - _after(tail.sum(0))) / n_values
    first_and_lag = _pairs(len(mean), mean.device)
    covariance = products[first_and_lag] / n_values - torch.outer(mean, mean)
    return WindowStatistics(reach, mean, covariance)


@cache
def _pairs(kernel: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return, for each two samples of a window, the first one and how far apart they are."""
    position = torch.arange(kernel, device=device)
    first = torch.minimum(position[:, None], position)
    return first, (position[:, None] - position).abs()


def _head(signals: Signals, reach: Reach) -> torch.Tensor:
    """Return the first ``kernel - 1`` padded samples of each signal."""
    start = signals.first(reach[1]).flatten(0, -2)
    return F.pad(start, (reach[0], reach[1] - start.shape[-1]))


def _tail(signals: Signals, reach: Reach) -> torch.Tensor:
    """Return the last ``kernel - 1`` padded samples of each signal."""
    end = signals.last(reach[0]).flatten(0, -2)
    return F.pad(end, (reach[0] - end.shape[-1], reach[1]))


def _by_lag(samples: torch.Tensor) -> torch.Tensor:
    """Return the products of sample ``s`` and sample ``s + lag``, (n_samples, n_samples + 1)."""
    n_samples = samples.shape[-1]
    gram = F.pad(samples.T @ samples, (0, n_samples + 1))
    return gram.as_strided((n_samples, n_samples + 1), (gram.shape[1] + 1, 1))


def _before(x: torch.Tensor) -> torch.Tensor:
    """Sum along the first axis what comes before each position, from the first to past the last."""
    return torch.cat([torch.zeros_like(x.sum(0, keepdim=True)), x.cumsum(0)])


def _after(x: torch.Tensor) -> torch.Tensor:
    """Sum along the first axis what comes from each position on, to past the last."""
    return _before(x.flip(0)).flip(0)
