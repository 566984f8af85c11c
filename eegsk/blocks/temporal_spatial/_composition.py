"""Two stages of filters over time as one, but for the borders of the signal.

Filters of filters are longer filters. Only where the second stage reaches beyond the signal does it
not see what the first would have gone on with, but zeros: what the long filters would have seen
there is taken away, by operators of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from .._time_filters import FixedFilters, filter_time
from ._signals import Signals
from ._window_statistics import Reach, WindowStatistics


@dataclass(frozen=True, eq=False)
class Stage:
    """Filters over time with constants.

    Parameters
    ----------
    weight : torch.Tensor of shape (n_filters, kernel)
        The filters.
    constant : torch.Tensor of shape (n_filters,)
        What is added to their outputs.
    reach : (int, int)
        How many samples before and after its own an output depends on.
    """

    weight: torch.Tensor
    constant: torch.Tensor
    reach: Reach

    def reversed(self) -> Stage:
        """Return the stage for signals that run backwards."""
        return Stage(self.weight.flip(-1), self.constant, _swap(self.reach))


class TwoStages:
    """A stage of filters, and a second one that filters its outputs within the signal.

    Parameters
    ----------
    first : Stage
        The first stage.
    second_weight : torch.Tensor of shape (n_filters, n_first_filters, second_kernel)
        The filters of the second stage.
    second_reach : (int, int)
        How many samples before and after its own an output of the second stage depends on.
    """

    def __init__(self, first: Stage, second_weight: torch.Tensor, second_reach: Reach) -> None:
        kernel, second_kernel = first.weight.shape[-1], second_weight.shape[-1]
        shifted = hankel(
            F.pad(first.weight, (second_kernel - 1, 0)), second_kernel, kernel + second_kernel - 1
        )
        self.weight = second_weight.flip(-1).flatten(1) @ shifted.flatten(0, 1)
        self.reach = (first.reach[0] + second_reach[0], first.reach[1] + second_reach[1])
        self.constant = second_weight.sum(2) @ first.constant
        self.head = _Border(self.weight, self.reach, first, second_weight, second_reach[0])
        self.tail = _Border(
            self.weight.flip(-1),
            _swap(self.reach),
            first.reversed(),
            second_weight.flip(-1),
            second_reach[1],
        )

    def filter(self, x: torch.Tensor, of_ones: torch.Tensor) -> torch.Tensor:
        """Filter signals, but for adding ``constant``.

        Parameters
        ----------
        x : torch.Tensor of shape (n_trials, n_filters, depth, n_times)
            For each filter, the signals that it filters, mixtures of electrodes.
        of_ones : torch.Tensor of shape (n_filters, depth)
            What they would be of electrodes that all were one.

        Returns
        -------
        filtered : torch.Tensor of shape (n_trials, n_filters, depth, n_times)
            What the second stage makes of what the first makes of them.
        """
        filtered = filter_time(x, self.weight, self.reach[0])
        return _SubtractAtEnds.apply(filtered, *self.beyond(x, of_ones))

    def beyond(self, x: torch.Tensor, of_ones: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the composed filters have too much in the first and the last outputs."""
        tail = self.tail.beyond(Signals(x).last(self.tail.n_seen).flip(-1), of_ones)
        return self.head.beyond(x, of_ones), tail.flip(-1)

    def statistics(
        self, signals: Signals, windows: WindowStatistics
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and variance of the outputs for signals with such windows."""
        mean, variance = windows.filtered(self.weight)
        square = variance + mean.square()
        head = signals.first(self.head.n_seen)
        tail = signals.last(self.tail.n_seen).flip(-1)
        for border, seen in ((self.head, head), (self.tail, tail)):
            of_values, of_squares = border.moments(seen, signals.x.numel())
            mean, square = mean + of_values, square + of_squares
        return mean + self.constant, (square - mean.square()).clamp_min(0)


class FixedStages(nn.Module):
    """Two stages that do not change any more.

    Parameters
    ----------
    stages : TwoStages
        The stages.
    of_ones : torch.Tensor of shape (n_filters, depth)
        What the signals to filter would be of electrodes that all were one.
    """

    def __init__(self, stages: TwoStages, of_ones: torch.Tensor) -> None:
        super().__init__()
        weight = stages.weight.repeat_interleave(of_ones.shape[1], dim=0)
        self.filters = FixedFilters(weight, stages.reach[0])
        self.stages = stages
        self.of_ones = of_ones

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter signals of shape (n_trials, n_filters * depth, n_times)."""
        filtered = self.filters(x)
        beyond = self.stages.beyond(x.unflatten(1, self.of_ones.shape), self.of_ones)
        for end, excess in zip((_first, _last), beyond, strict=True):
            end(filtered, excess.shape[-1]).sub_(excess.flatten(1, 2))
        return filtered


@dataclass(frozen=True, eq=False)
class _Border:
    """The first outputs of composed filters, which see too much.

    Parameters
    ----------
    weight : torch.Tensor of shape (n_filters, kernel)
        The composed filters.
    reach : (int, int)
        Their reach.
    first : Stage
        The first stage.
    second_weight : torch.Tensor of shape (n_filters, n_first_filters, second_kernel)
        The filters of the second stage.
    n_outputs : int
        How many outputs this is about: as many as the second stage reaches back.
    """

    weight: torch.Tensor
    reach: Reach
    first: Stage
    second_weight: torch.Tensor
    n_outputs: int

    @property
    def n_seen(self) -> int:
        """How many of the first samples the outputs depend on."""
        return self.n_outputs + self.reach[1]

    @cached_property
    def excess(self) -> torch.Tensor:
        """What outputs see too much of a one and the first samples, (n_filters, n_outputs, ...).

        It is what the second stage would see of the first before the signal begins, some of which
        the first stage would make of the signal's beginning.
        """
        n_outputs, n_before = self.n_outputs, self.first.reach[0] + 1
        earlier = self.second_weight[..., :n_outputs].flip(-1)
        second = hankel(earlier, n_outputs, n_outputs).transpose(1, 2)
        ahead = self.first.weight[:, n_before:]
        samples = hankel(ahead, n_outputs, ahead.shape[-1])
        ones = self.first.constant[:, None, None].expand(-1, n_outputs, 1)
        first = torch.cat([ones, samples], dim=2).flatten(0, 1)
        return second.flatten(2) @ first

    def beyond(self, x: torch.Tensor, of_ones: torch.Tensor) -> torch.Tensor:
        """Return what the outputs for signals (n_trials, n_filters, depth, ...) have too much."""
        excess = self.excess.to(x.dtype)
        x = x[..., : excess.shape[-1] - 1]
        ones = of_ones.to(x.dtype)[None, ..., None].expand(len(x), -1, -1, 1)
        seen = torch.cat([ones, x], dim=-1)
        return torch.einsum("bfds,fts->bfdt", seen, excess[..., : seen.shape[-1]])

    def moments(self, seen: torch.Tensor, n_values: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the excess changes in the means of the outputs, and of their squares."""
        seen = F.pad(seen.flatten(0, -2).to(self.weight.dtype), (1, 0), value=1.0)
        excess = self.excess[..., : seen.shape[-1]]
        products = seen.T @ seen[:, : excess.shape[-1]] / n_values
        filters = F.pad(self._windows(), (1, 0))[..., : seen.shape[-1]]
        # (output - excess) ** 2 - output ** 2 = (excess - 2 * output) * excess
        excess_of = excess @ products[: excess.shape[-1]] - 2 * (filters @ products)
        return -(excess @ products[0]).sum(1), (excess_of * excess).sum((1, 2))

    def _windows(self) -> torch.Tensor:
        """Return the composed filters where they see the first samples, one output a row."""
        after = self.weight[:, self.reach[0] + 1 - self.n_outputs :]
        return hankel(after, self.n_outputs, self.n_seen).flip(1)


def hankel(x: torch.Tensor, n_rows: int, n_columns: int) -> torch.Tensor:
    """Return matrices (..., n_rows, n_columns) of ``x[..., row + column]``, zero beyond ``x``."""
    padded = F.pad(x, (0, n_rows + n_columns - x.shape[-1]))
    return padded.unfold(-1, n_columns, 1)[..., :n_rows, :]


def _swap(reach: Reach) -> Reach:
    return reach[1], reach[0]


class _SubtractAtEnds(torch.autograd.Function):
    """Subtract from the first and the last samples in place, without copying gradients."""

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


def _first(x: torch.Tensor, n_times: int) -> torch.Tensor:
    return x[..., :n_times]


def _last(x: torch.Tensor, n_times: int) -> torch.Tensor:
    return x[..., x.shape[-1] - n_times :]
