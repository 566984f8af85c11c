"""Mean and covariance of all windows of a signal, without cutting them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F

from .._precision import at_least_single
from .._time_filters import lagged_products

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
    """Compute what the statistics of windows need of each trial.

    Parameters
    ----------
    x : torch.Tensor of shape (n_trials, n_chans, n_times)
        Trials, zero-padded in thought.
    reach : (int, int)
        How many samples before and after its own a window has.

    Returns
    -------
    sums : torch.Tensor of shape (n_trials, n_sums)
        The sum of each trial and of its lagged products, ``1 + kernel`` of them; then those of its
        first and of its last samples that :func:`window_statistics` asks for. At least in single
        precision.
    """
    x = at_least_single(x)
    whole = torch.cat([x.sum((1, 2))[:, None], lagged_products(x, sum(reach) + 1)], dim=1)
    _, _, asked_for = _places(reach, x.device)
    return torch.cat([whole, _sums_of_first(_ends(x, reach))[:, asked_for]], dim=1)


@torch.no_grad()
def window_statistics(sums: torch.Tensor, reach: Reach, n_values: int) -> WindowStatistics:
    """Compute the mean and the covariance of the windows that a filter sees.

    Parameters
    ----------
    sums : torch.Tensor of shape (n_trials, n_sums)
        What :func:`trial_sums` returns of trials.
    reach : (int, int)
        How many samples before and after its own a window has.
    n_values : int
        How many values the trials have.

    Returns
    -------
    statistics : WindowStatistics
        Over all trials, electrodes and times, at least in single precision.

    Notes
    -----
    The products of two samples of the window, summed over all positions of the window, depend on
    the lag between the samples alone but for the first and last positions, where one of them is
    not in the signal: those products, of the signal's first and last samples, are taken away.
    """
    of_lag, outside, _ = _places(reach, sums.device)
    totals = F.pad(sums.sum(0), (0, 1))  # a zero for where nothing is outside
    moments = (totals[of_lag] - totals[outside].sum(0)) / n_values
    mean, products = moments[0], moments[1:]
    return WindowStatistics(reach, mean, products - torch.outer(mean, mean))


def _ends(x: torch.Tensor, reach: Reach) -> torch.Tensor:
    """Return a one and the samples at both ends of each signal, from without inwards.

    At the beginning they are those that only later samples of the window see, at the end those
    that only earlier ones see; the shorter side is filled up with zeros.
    """
    n_before, n_after = (min(n, x.shape[-1]) for n in reach)
    ends = x.new_zeros(len(x), 2, x.shape[1], 1 + max(reach))
    ends[..., 0] = 1
    ends[:, 0, :, 1 : 1 + n_after] = x[..., :n_after]
    ends[:, 1, :, 1 : 1 + n_before] = x[..., x.shape[-1] - n_before :].flip(-1)
    return ends


def _sums_of_first(ends: torch.Tensor) -> torch.Tensor:
    """Sum the first samples, and their products with samples some lag further in.

    Returns, in one row for each trial, (2, 1 + n_samples, 2 + n_samples): of none to all of the
    samples at each end, the sum, and the products by lag.
    """
    n_samples = ends.shape[-1] - 1
    gram = F.pad(ends.mT @ ends, (0, n_samples + 1))
    width = gram.shape[-1]
    strides = (*gram.stride()[:2], width + 1, 1)
    shape = (*gram.shape[:2], n_samples, n_samples + 1)
    by_lag = gram.as_strided(shape, strides, width + 1)
    values = torch.cat([gram[..., 0, 1 : n_samples + 1, None], by_lag], dim=-1)
    return F.pad(values, (0, 0, 1, 0)).cumsum(-2).flatten(1)


@cache
def _places(reach: Reach, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return where to find, for each sample of the window and for each two, what they sum to.

    Returns
    -------
    of_lag : torch.Tensor of shape (1 + kernel, kernel)
        The place in the sums of whole trials: in the first row for each sample, then for pairs.
    outside : torch.Tensor of shape (2, 1 + kernel, kernel)
        The places, in all sums and a zero after them, of what they do not see at either end.
    asked_for : torch.Tensor of shape (n_outside,)
        Which of the sums of first samples that takes.
    """
    kernel, n_samples = sum(reach) + 1, max(reach)
    position = torch.arange(kernel, device=device)
    one = position.expand(1 + kernel, -1)
    other = torch.cat([position[None], position[:, None].expand(-1, kernel)])
    of_lag = 1 + (one - other).abs()
    of_lag[0] = 0
    n_missed = torch.stack(
        [torch.minimum(one, other) - reach[0], reach[0] - torch.maximum(one, other)]
    ).clamp_min(0)
    end = torch.tensor([0, 1], device=device)[:, None, None]
    place = (end * (1 + n_samples) + n_missed) * (2 + n_samples) + of_lag
    missed = n_missed > 0
    asked_for, found_at = place[missed].unique(return_inverse=True)
    outside = torch.full_like(place, 1 + kernel + len(asked_for))
    outside[missed] = 1 + kernel + found_at
    return of_lag, outside, asked_for
