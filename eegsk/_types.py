"""Types that state their range, checked once, in ``fit``."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, runtime_checkable

import torch
from torch import nn


@dataclass(frozen=True)
class Range:
    """An interval of numbers; one whose high bound is None holds infinity if not ``finite``.

    ``closed`` is said of both bounds, ``below`` of the high one, that it is not in the interval.
    """

    low: float
    high: float | None = None
    closed: bool = True
    finite: bool = True
    below: bool = False

    def __contains__(self, value: float) -> bool:
        if self.finite and not -math.inf < value < math.inf:
            return False
        if self.high is not None and (value > self.high or (value == self.high and self._is_open)):
            return False
        return self.low <= value if self.closed else self.low < value

    @property
    def _is_open(self) -> bool:
        return self.below or not self.closed

    def __str__(self) -> str:
        if self.high is None:
            return f"{'of at least' if self.closed else 'above'} {self.low}"
        if self.below:
            return f"of at least {self.low} and below {self.high}"
        return f"{'' if self.closed else 'strictly '}between {self.low} and {self.high}"


@runtime_checkable
class Splitter(Protocol):
    """A cross-validation splitter of scikit-learn."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        """Yield the indices of the two sides of each split."""

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return how many splits there are."""
        ...


Count = Annotated[int, Range(1)]
Positive = Annotated[float, Range(0, closed=False)]
NonNegative = Annotated[float, Range(0)]
Probability = Annotated[float, Range(0, 1)]
Proportion = Annotated[float, Range(0, 1)]
BelowOne = Annotated[float, Range(0, 1, below=True)]
Fraction = Annotated[float, Range(0, 1, closed=False)]
Seed = Annotated[int, Range(0, 2**32 - 1)]

Activation = str | Callable[[], nn.Module]
OptimizerFactory = str | Callable[..., torch.optim.Optimizer]
CriterionFactory = str | Callable[..., nn.Module]
