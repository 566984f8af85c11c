"""Types of parameters, with their ranges."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, runtime_checkable

import torch
from torch import nn


@dataclass(frozen=True)
class Range:
    """Interval of numbers.

    Parameters
    ----------
    low : float
        Lower bound.
    high : float or None, default=None
        Upper bound; None for no upper bound.
    closed : bool, default=True
        Whether the interval includes its bounds.
    finite : bool, default=True
        Whether to exclude infinity.
    half_open : bool, default=False
        Whether to exclude the upper bound only.
    """

    low: float
    high: float | None = None
    closed: bool = True
    finite: bool = True
    half_open: bool = False

    def __contains__(self, value: float) -> bool:
        if self.finite and not -math.inf < value < math.inf:
            return False
        high = math.inf if self.high is None else self.high
        if value > high or (value == self.high and self._excludes_high):
            return False
        return self.low <= value if self.closed else self.low < value

    @property
    def _excludes_high(self) -> bool:
        """Whether the upper bound is outside the interval."""
        return self.half_open or not self.closed

    def __str__(self) -> str:
        if self.high is None:
            return f"{'of at least' if self.closed else 'above'} {self.low}"
        if self.half_open:
            return f"of at least {self.low} and below {self.high}"
        return f"{'' if self.closed else 'strictly '}between {self.low} and {self.high}"


@runtime_checkable
class Splitter(Protocol):
    """Cross-validation splitter of scikit-learn."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        """Yield the train and test indices of each split."""

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits."""
        ...


@dataclass(frozen=True)
class CoreRange(Range):
    """Interval of numbers of CPU threads, from 1 to the number of cores of this machine.

    Many more threads than cores are slow, and the operating system may refuse to start them.
    """

    low: float = 1
    high: float | None = field(default_factory=os.cpu_count)

    def __str__(self) -> str:
        return f"{super().__str__()}, the number of cores of this machine"


Count = Annotated[int, Range(1)]
ThreadCount = Annotated[int, CoreRange()]
Positive = Annotated[float, Range(0, closed=False)]
NonNegative = Annotated[float, Range(0)]
Probability = Annotated[float, Range(0, 1)]
Proportion = Annotated[float, Range(0, 1)]
BelowOne = Annotated[float, Range(0, 1, half_open=True)]
Fraction = Annotated[float, Range(0, 1, closed=False)]
Seed = Annotated[int, Range(0, 2**32 - 1)]

Activation = str | Callable[[], nn.Module]
OptimizerFactory = str | Callable[..., torch.optim.Optimizer]
CriterionFactory = str | Callable[..., nn.Module]
