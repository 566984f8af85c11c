"""Composition of two stages of temporal filters to one, with a correction at the borders.

Two filters, one after the other, equal one longer filter: their convolution. The results differ
only at the borders of the signal. There, the second stage filters zeros outside the signal, whereas
the composed filter acts as if the outputs of the first stage continued. This difference is called
the excess of the composed filter, and is subtracted. Equations are those of
docs/user_guide/front_end.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .._time_filters import FixedFilters, filter_time
from .._tracing import is_traced
from ._signals import Signals
from ._window_statistics import Reach, WindowStatistics


@dataclass(frozen=True, eq=False)
class Stage:
    """Temporal filters with a constant for each.

    Parameters
    ----------
    weight : torch.Tensor of shape (n_filters, kernel)
        The filters.
    constant : torch.Tensor of shape (n_filters,)
        Constants added to the filtered signals.
    reach : (int, int)
        Number of samples that an output depends on before and after the current one.
    """

    weight: torch.Tensor
    constant: torch.Tensor
    reach: Reach

    def reversed(self) -> Stage:
        """Return the stage that acts in the same way on reversed signals."""
        return Stage(self.weight.flip(-1), self.constant, _swap(self.reach))


class TwoStages:
    """Two stages of temporal filters, composed to one stage.

    Parameters
    ----------
    first : Stage
        The first stage, its batch normalisation included.
    second_weight : torch.Tensor of shape (n_filters, n_first_filters, second_kernel)
        The filters of the second stage.
    second_reach : (int, int)
        Number of samples that an output of the second stage depends on before and after the
        current one.

    Attributes
    ----------
    weight : torch.Tensor of shape (n_filters, kernel + second_kernel - 1)
        The composed filters, Eq. (18).
    reach : (int, int)
        Number of samples that a composed filter covers before and after the current one.
    constant : torch.Tensor of shape (n_filters,)
        Constants of the composed filters, Eq. (18).
    head, tail : Border
        Corrections of the first and of the last outputs.
    """

    def __init__(self, first: Stage, second_weight: torch.Tensor, second_reach: Reach) -> None:
        kernel, second_kernel = first.weight.shape[-1], second_weight.shape[-1]
        # Row r of ``shifted`` is a filter of the first stage, delayed by second_kernel - 1 - r
        # samples. The matrix product is the sum over these filters and the taps of Eq. (18).
        shifted = hankel(
            F.pad(first.weight, (second_kernel - 1, 0)), second_kernel, kernel + second_kernel - 1
        )
        self.weight = second_weight.flip(-1).flatten(1) @ shifted.flatten(0, 1)
        self.reach = (first.reach[0] + second_reach[0], first.reach[1] + second_reach[1])
        self.constant = second_weight.sum(2) @ first.constant
        self.head = Border(self.weight, self.reach, first, second_weight, second_reach[0])
        # The last outputs are the first outputs of the reversed filters for the reversed signals.
        self.tail = Border(
            self.weight.flip(-1),
            _swap(self.reach),
            first.reversed(),
            second_weight.flip(-1),
            second_reach[1],
        )

    def filter(self, x: torch.Tensor, response_to_ones: torch.Tensor) -> torch.Tensor:
        """Filter signals, Eq. (19) without ``constant``.

        Parameters
        ----------
        x : torch.Tensor of shape (n_trials, n_filters, depth, n_times)
            Mixtures of channels; filter ``i`` is applied to ``x[:, i]``.
        response_to_ones : torch.Tensor of shape (n_filters, depth)
            Value of each mixture if all channels were one.

        Returns
        -------
        filtered : torch.Tensor of shape (n_trials, n_filters, depth, n_times)
            Outputs of the second stage.
        """
        filtered = filter_time(x, self.weight, self.reach[0])
        head, tail = self.excess(x, response_to_ones)
        if is_traced():
            return _subtract_at_borders(filtered, head, tail)
        return _SubtractAtBorders.apply(filtered, head, tail)

    def excess(
        self, x: torch.Tensor, response_to_ones: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the excess of the first and of the last outputs of the composed filters."""
        last = Signals(x).last(self.tail.n_inputs).flip(-1)
        return (
            self.head.excess(x, response_to_ones),
            self.tail.excess(last, response_to_ones).flip(-1),
        )

    def statistics(
        self, signals: Signals, windows: WindowStatistics
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and variance of the outputs, Eqs. (7) and (21).

        Parameters
        ----------
        signals : Signals
            Trials.
        windows : WindowStatistics
            Statistics of their windows for the composed filters.

        Returns
        -------
        mean, variance : torch.Tensor of shape (n_filters,)
            Over trials, channels and time points.
        """
        mean, variance = windows.filtered(self.weight)
        mean_square = variance + mean.square()
        first = signals.first(self.head.n_inputs)
        last = signals.last(self.tail.n_inputs).flip(-1)
        for border, samples in ((self.head, first), (self.tail, last)):
            change, change_of_square = border.moment_changes(samples, signals.x.numel())
            mean, mean_square = mean + change, mean_square + change_of_square
        return mean + self.constant, (mean_square - mean.square()).clamp_min(0)


class FixedStages(nn.Module):
    """Two composed stages with fixed weights, for prediction.

    Parameters
    ----------
    stages : TwoStages
        The stages.
    response_to_ones : torch.Tensor of shape (n_filters, depth)
        Value of each filtered mixture if all channels were one.
    """

    def __init__(self, stages: TwoStages, response_to_ones: torch.Tensor) -> None:
        super().__init__()
        weight = stages.weight.repeat_interleave(response_to_ones.shape[1], dim=0)
        self.filters = FixedFilters(weight, stages.reach[0])
        self.stages = stages
        self.response_to_ones = response_to_ones

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter signals of shape (n_trials, n_filters * depth, n_times)."""
        filtered = self.filters(x)
        mixtures = x.unflatten(1, self.response_to_ones.shape)
        head, tail = self.stages.excess(mixtures, self.response_to_ones)
        head, tail = head.flatten(1, 2), tail.flatten(1, 2)
        if is_traced():
            return _subtract_at_borders(filtered, head, tail)
        _first(filtered, head.shape[-1]).sub_(head)
        _last(filtered, tail.shape[-1]).sub_(tail)
        return filtered


@dataclass(frozen=True, eq=False)
class Border:
    """Correction of the first outputs of composed filters, which differ from the two stages.

    Parameters
    ----------
    weight : torch.Tensor of shape (n_filters, kernel)
        The composed filters.
    reach : (int, int)
        Number of samples that a composed filter covers before and after the current one.
    first : Stage
        The first stage.
    second_weight : torch.Tensor of shape (n_filters, n_first_filters, second_kernel)
        The filters of the second stage.
    n_outputs : int
        Number of outputs that differ, i.e. of samples that a filter of the second stage covers
        before the current one.
    """

    weight: torch.Tensor
    reach: Reach
    first: Stage
    second_weight: torch.Tensor
    n_outputs: int

    @property
    def n_inputs(self) -> int:
        """Number of samples, counted from the border, that these outputs depend on."""
        return self.n_outputs + self.reach[1]

    @cached_property
    def excess_operator(self) -> torch.Tensor:
        """The matrix of Eq. (20) for each filter, of shape (n_filters, n_outputs, 1 + n_samples).

        It maps a one and the first samples of the signal to the excess of the first outputs.
        """
        n_outputs, n_past = self.n_outputs, self.first.reach[0] + 1
        # V of Eq. (20), with axes (filter, output, first filter, position before the signal).
        taps = self.second_weight[..., :n_outputs].flip(-1)
        second = hankel(taps, n_outputs, n_outputs).transpose(1, 2)
        # [h 1, g W] of Eq. (20), with axes (first filter, position before the signal, sample).
        future_taps = self.first.weight[:, n_past:]
        samples = hankel(future_taps, n_outputs, future_taps.shape[-1])
        ones = self.first.constant[:, None, None].expand(-1, n_outputs, 1)
        first = torch.cat([ones, samples], dim=2).flatten(0, 1)
        return second.flatten(2) @ first

    def excess(self, x: torch.Tensor, response_to_ones: torch.Tensor) -> torch.Tensor:
        """Return the excess for signals of shape (n_trials, n_filters, depth, n_times)."""
        operator = self.excess_operator.to(x.dtype)
        x = x[..., : operator.shape[-1] - 1]
        ones = response_to_ones.to(x.dtype)[None, ..., None].expand(x.shape[0], -1, -1, 1)
        inputs = torch.cat([ones, x], dim=-1)
        return torch.einsum("bfds,fts->bfdt", inputs, operator[..., : inputs.shape[-1]])

    def moment_changes(
        self, samples: torch.Tensor, n_values: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the changes of mean and mean square when the excess is subtracted, Eq. (21).

        Parameters
        ----------
        samples : torch.Tensor of shape (n_trials, n_chans, n_inputs)
            The first samples of the trials.
        n_values : int
            Number of values of the trials, over which the mean is taken.

        Returns
        -------
        change, change_of_square : torch.Tensor of shape (n_filters,)
            Values to add to the mean and the mean square of the composed filters' outputs.
        """
        # Columns of ``inputs``: a one, then the samples. ``products`` are the mean products of all
        # pairs of columns that are needed.
        inputs = F.pad(samples.flatten(0, -2).to(self.weight.dtype), (1, 0), value=1.0)
        operator = self.excess_operator[..., : inputs.shape[-1]]
        products = inputs.T @ inputs[:, : operator.shape[-1]] / n_values
        filters = F.pad(self._window_weights(), (1, 0))[..., : inputs.shape[-1]]
        # (output - excess) ** 2 - output ** 2 = (excess - 2 * output) * excess
        factors = operator @ products[: operator.shape[-1]] - 2 * (filters @ products)
        return -(operator @ products[0]).sum(1), (factors * operator).sum((1, 2))

    def _window_weights(self) -> torch.Tensor:
        """Return the weights of the first samples in each output of the composed filters.

        The result has shape (n_filters, n_outputs, n_inputs).
        """
        taps = self.weight[:, self.reach[0] + 1 - self.n_outputs :]
        return hankel(taps, self.n_outputs, self.n_inputs).flip(1)


def hankel(x: torch.Tensor, n_rows: int, n_columns: int) -> torch.Tensor:
    """Return Hankel matrices: entry (row, column) is ``x[..., row + column]``.

    Entries after the end of ``x`` are zero. The result has shape (..., n_rows, n_columns).
    """
    padded = F.pad(x, (0, n_rows + n_columns - x.shape[-1]))
    if is_traced():  # exporters do not record the views of ``unfold``
        rows, columns = (torch.arange(n, device=x.device) for n in (n_rows, n_columns))
        return padded[..., rows[:, None] + columns]
    return padded.unfold(-1, n_columns, 1)[..., :n_rows, :]


def _swap(reach: Reach) -> Reach:
    return reach[1], reach[0]


class _SubtractAtBorders(torch.autograd.Function):
    """Subtraction from the first and the last samples, in place and without copying gradients."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, head: torch.Tensor, tail: torch.Tensor) -> torch.Tensor:
        ctx.lengths = head.shape[-1], tail.shape[-1]
        ctx.mark_dirty(x)
        _first(x, head.shape[-1]).sub_(head)
        _last(x, tail.shape[-1]).sub_(tail)
        return x

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        n_head, n_tail = ctx.lengths
        return grad, -_first(grad, n_head), -_last(grad, n_tail)


def _subtract_at_borders(x: torch.Tensor, head: torch.Tensor, tail: torch.Tensor) -> torch.Tensor:
    """Subtract from the first and the last samples, in a new tensor."""
    n_times = x.shape[-1]
    x = x - F.pad(head, (0, n_times - head.shape[-1]))
    return x - F.pad(tail, (n_times - tail.shape[-1], 0))


def _first(x: torch.Tensor, n_times: int) -> torch.Tensor:
    return x[..., :n_times]


def _last(x: torch.Tensor, n_times: int) -> torch.Tensor:
    return x[..., x.shape[-1] - n_times :]
