"""Mean and covariance of the windows of a temporal filter, without extracting the windows.

A window consists of the samples that a filter multiplies by its taps to compute one output.
Equations are those of docs/user_guide/front_end.md. The reach of a filter of ``kernel = P + Q + 1``
taps is ``(P, Q)``, the numbers of samples of a window before and after the current one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F

from .._precision import at_least_single
from .._time_filters import lagged_products

Reach = tuple[int, int]

# Number of values in a row of a matrix product is a multiple of this.
_ALIGNMENT = 16


@dataclass(frozen=True, eq=False)
class WindowStatistics:
    """Mean and covariance of the windows of a temporal filter, Eq. (6).

    Parameters
    ----------
    reach : (int, int)
        Number of samples of a window before and after the current one.
    mean : torch.Tensor of shape (kernel,)
        Mean of each sample of the window over trials, channels and window positions.
    covariance : torch.Tensor of shape (kernel, kernel)
        Covariance of the samples of the window.
    """

    reach: Reach
    mean: torch.Tensor
    covariance: torch.Tensor

    def within(self, reach: Reach) -> WindowStatistics:
        """Return the statistics of windows with a shorter reach, which are a subset of these."""
        start = self.reach[0] - reach[0]
        inner = slice(start, start + sum(reach) + 1)
        return WindowStatistics(reach, self.mean[inner], self.covariance[inner, inner])

    def filtered(self, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and variance of the outputs of filters (n_filters, kernel), Eq. (7)."""
        weight = weight.to(self.mean.dtype)
        variance = ((weight @ self.covariance) * weight).sum(1)
        return weight @ self.mean, variance.clamp_min(0)


@torch.no_grad()
def trial_sums(x: torch.Tensor, reach: Reach, n_added: int = 0) -> torch.Tensor:
    """Compute the sums of each trial from which the window statistics are computed.

    Parameters
    ----------
    x : torch.Tensor of shape (n_trials, n_chans, n_times)
        Trials, without zero padding.
    reach : (int, int)
        Number of samples of a window before and after the current one.
    n_added : int, default=0
        Number of window positions after the last sample.

    Returns
    -------
    sums : torch.Tensor of shape (n_trials, n_sums)
        For each trial, its sum and its lagged products, Eq. (8), ``1 + kernel`` values; then the
        sums over its first and its last samples, Eqs. (10) and (11), that
        :func:`window_statistics` uses. At least in single precision.
    """
    x = at_least_single(x)
    whole = torch.cat([x.sum((1, 2))[:, None], lagged_products(x, sum(reach) + 1)], dim=1)
    border = _border_sums(_border_samples(x, reach, n_added))
    _, _, used = _sum_indices(reach, x.device)
    return torch.cat([whole, border[:, used]], dim=1)


@torch.no_grad()
def window_statistics(sums: torch.Tensor, reach: Reach, n_values: int) -> WindowStatistics:
    """Compute the mean and the covariance of the windows of a temporal filter.

    Parameters
    ----------
    sums : torch.Tensor of shape (n_trials, n_sums)
        The result of :func:`trial_sums`.
    reach : (int, int)
        Number of samples of a window before and after the current one.
    n_values : int
        Number of window positions in all trials and channels.

    Returns
    -------
    statistics : WindowStatistics
        Over all trials, channels and window positions, at least in single precision.

    Notes
    -----
    Eqs. (9) and (11): the product of two samples of the window, summed over all positions of the
    window, is the lagged product of the whole trial, minus the products of the first or last
    samples of the trial that the two samples of the window do not pass over.
    """
    whole_index, border_index, _ = _sum_indices(reach, sums.device)
    totals = F.pad(sums.sum(0), (0, 1))  # a zero, for entries that no border changes
    # Row 0 of ``moments`` is the mean of Eq. (11), the other rows are the products of Eq. (9). The
    # sum over axis 0 is over the two ends of the signal.
    moments = (totals[whole_index] - totals[border_index].sum(0)) / n_values
    mean, products = moments[0], moments[1:]
    return WindowStatistics(reach, mean, products - torch.outer(mean, mean))


def _border_samples(x: torch.Tensor, reach: Reach, n_added: int) -> torch.Tensor:
    """Return a one and the samples at each end of the signals, from the border inwards.

    The result has shape (n_trials, 2, n_chans, 1 + max(reach)). ``[:, 0]`` has the first ``Q``
    samples and ``[:, 1]`` the last ``P`` samples in reverse order. When a window moves along the
    signal, each of its samples passes over the whole signal, except for at most these border
    samples. The shorter of the two is padded with zeros. The last samples begin with ``n_added``
    zeros, which extend the signal to all window positions.
    """
    n_last, n_first = (min(n, x.shape[-1]) for n in (max(reach[0] - n_added, 0), reach[1]))
    ends = x.new_zeros(len(x), 2, x.shape[1], 1 + max(reach))
    ends[..., 0] = 1
    ends[:, 0, :, 1 : 1 + n_first] = x[..., :n_first]
    ends[:, 1, :, 1 + n_added : 1 + n_added + n_last] = x[..., x.shape[-1] - n_last :].flip(-1)
    return ends


def _border_sums(ends: torch.Tensor) -> torch.Tensor:
    """Compute ``H`` and ``E`` of Eq. (10), and the sums over border samples of Eq. (11).

    Parameters
    ----------
    ends : torch.Tensor of shape (n_trials, 2, n_chans, 1 + n_samples)
        The result of :func:`_border_samples`.

    Returns
    -------
    sums : torch.Tensor of shape (n_trials, 2 * (1 + n_samples) * (2 + n_samples))
        A flattened array with axes end, number ``r`` of border samples, and quantity: first the
        sum of the ``r`` samples, then their products with the samples at lag 0, 1, ... inwards.
    """
    n_samples = ends.shape[-1] - 1
    # Products of all pairs, summed over channels; row and column 0 belong to the one. Zeros at the
    # right allow reading rows past their last sample.
    # Rows of a multiple of 16 numbers begin at multiples of 64 bytes, so that the rounding errors
    # of a trial do not depend on its position in the batch.
    ends = F.pad(ends, (0, -ends.shape[-1] % _ALIGNMENT))
    gram = F.pad(ends.mT @ ends, (0, n_samples + 1))
    width = gram.shape[-1]
    # A view of the diagonals: entry [r, l] is the product of samples r and r + l, at row 1 + r and
    # column 1 + r + l of the Gram matrix.
    strides = (*gram.stride()[:2], width + 1, 1)
    shape = (*gram.shape[:2], n_samples, n_samples + 1)
    by_lag = gram.as_strided(shape, strides, width + 1)
    samples = gram[..., 0, 1 : n_samples + 1, None]
    values = torch.cat([samples, by_lag], dim=-1)
    # Cumulative sums over r, with a row of zeros for r = 0.
    return F.pad(values, (0, 0, 1, 0)).cumsum(-2).flatten(1)


@cache
def _sum_indices(
    reach: Reach, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the indices of the sums from which Eqs. (9) and (11) are computed.

    Row 0 of ``whole_index`` and ``border_index`` is for the mean of each sample ``k`` of the
    window, row ``1 + k'`` for the products of sample ``k'`` with each sample ``k``.

    Returns
    -------
    whole_index : torch.Tensor of shape (1 + kernel, kernel)
        Index of the sum of the whole trial: 0 for the mean, ``1 + lag`` for a product.
    border_index : torch.Tensor of shape (2, 1 + kernel, kernel)
        For each end, index of the border sum to subtract; if there is nothing to subtract, the
        index of the zero after all sums.
    used : torch.Tensor of shape (n_used,)
        Indices of the results of :func:`_border_sums` that ``border_index`` refers to.
    """
    kernel, n_samples = sum(reach) + 1, max(reach)
    position = torch.arange(kernel, device=device)
    column = position.expand(1 + kernel, -1)
    row = torch.cat([position[None], position[:, None].expand(-1, kernel)])
    whole_index = 1 + (column - row).abs()
    whole_index[0] = 0
    # The number r of border samples to leave out: i - P at the beginning, P - j at the end, where i
    # and j are the positions of the earlier and the later of the two samples in the window.
    n_missed = torch.stack(
        [torch.minimum(column, row) - reach[0], reach[0] - torch.maximum(column, row)]
    ).clamp_min(0)
    end = torch.tensor([0, 1], device=device)[:, None, None]
    # Index in the flattened result of _border_sums: (end, r, quantity).
    index = (end * (1 + n_samples) + n_missed) * (2 + n_samples) + whole_index
    is_missed = n_missed > 0
    used, inverse = index[is_missed].unique(return_inverse=True)
    border_index = torch.full_like(index, 1 + kernel + len(used))
    border_index[is_missed] = 1 + kernel + inverse
    return whole_index, border_index, used
