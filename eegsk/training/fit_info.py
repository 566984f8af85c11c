"""Description of one call of ``fit``, which callbacks receive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class FitInfo:
    """Description of a call of ``fit`` or ``partial_fit``.

    Parameters
    ----------
    estimator_name : str
        Class name of the estimator.
    get_params : callable
        The method of the estimator that returns its parameters.
    seed : int
        Seed of the random generators.
    is_partial : bool, default=False
        Whether ``partial_fit`` was called.
    """

    estimator_name: str
    get_params: Callable[[], Mapping[str, Any]]
    seed: int
    is_partial: bool = False
