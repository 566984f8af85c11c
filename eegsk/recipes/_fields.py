"""Fields that a user gives to a recipe."""

from __future__ import annotations

import difflib
from typing import Any, TypeVar

import numpy as np

from ..base import EEGEstimator

RandomState = int | np.random.RandomState | None
Estimator = TypeVar("Estimator", bound=EEGEstimator)


def with_fields(estimator: Estimator, fields: dict[str, Any]) -> Estimator:
    """Set fields, and say which one may have been meant by another."""
    known = estimator.get_params(deep=False)
    for name in fields:
        if name.partition("__")[0] not in known:
            near = difflib.get_close_matches(name, known, n=3)
            meant = f"did you mean {' or '.join(near)}?" if near else "see its get_params()."
            raise TypeError(f"{type(estimator).__name__} has no field {name!r}; {meant}")
    return estimator.set_params(**fields)
