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
    totals, kernel = sums.sum(0), sum(reach) + 1
    of_lag, outside = _places(reach, totals.device)
    sums_outside = _sums_of_first(_ends(signals, reach), kernel).flatten()
    moments = totals[of_lag] - sums_outside[outside].sum(0)
    moments /= signals.x.numel()
    mean, products = moments[0], moments[1:]
    return WindowStatistics(reach, mean, products - torch.outer(mean, mean))


def _ends(signals: Signals, reach: Reach) -> torch.Tensor:
    """Return a one and the samples at both ends of each signal, from without inwards.

    At the beginning they are those that only later samples of the window see, at the end those
    that only earlier ones see; the shorter side is filled up with zeros.
    """
    first, last = signals.first(reach[1]), signals.last(reach[0]).flip(-1)
    n_signals = signals.x.numel() // signals.x.shape[-1]
    ends = at_least_single(first).new_zeros(2, n_signals, 1 + max(reach))
    ends[..., 0] = 1
    for end, samples in zip(ends, (first, last), strict=True):
        end[:, 1 : 1 + samples.shape[-1]] = samples.flatten(0, -2)
    return ends


def _sums_of_first(ends: torch.Tensor, kernel: int) -> torch.Tensor:
    """Sum the first samples, and their products with samples some lag further in.

    Returns (2, n_samples + 1, 1 + kernel): of none to all of the samples at each end, the sum, and
    the products by lag.
    """
    n_samples = ends.shape[-1] - 1
    gram = F.pad(torch.bmm(ends.mT, ends), (0, kernel))
    strides = gram.stride(0), gram.shape[2] + 1, 1
    by_lag = gram.as_strided((2, n_samples, kernel), strides, gram.shape[2] + 1)
    values = torch.cat([gram[:, 0, 1 : n_samples + 1, None], by_lag], dim=2)
    return F.pad(values, (0, 0, 1, 0)).cumsum(1)


@cache
def _places(reach: Reach, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return where to find, for each sample of the window and for each two, what they sum to.

    Returns
    -------
    of_lag : torch.Tensor of shape (1 + kernel, kernel)
        The place in the sums over trials: in the first row for each sample, then for pairs.
    outside : torch.Tensor of shape (2, 1 + kernel, kernel)
        The places, in what :func:`_sums_of_first` returns, of what they do not see at either end.
    """
    kernel, n_rows = sum(reach) + 1, max(reach) + 1
    position = torch.arange(kernel, device=device)
    one = position.expand(1 + kernel, -1)
    other = torch.cat([position[None], position[:, None].expand(-1, kernel)])
    of_lag = 1 + (one - other).abs()
    of_lag[0] = 0
    n_missed = torch.stack(
        [torch.minimum(one, other) - reach[0], reach[0] - torch.maximum(one, other)]
    ).clamp_min(0)
    first_of_end = n_rows * torch.tensor([0, 1], device=device)[:, None, None]
    return of_lag, (first_of_end + n_missed) * (1 + kernel) + of_lag
