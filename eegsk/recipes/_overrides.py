"""Keyword arguments of a recipe, which set parameters of its estimator."""

from __future__ import annotations

import difflib
from typing import Any, TypeVar

import numpy as np

from ..base import EEGEstimator

RandomState = int | np.random.RandomState | None
Estimator = TypeVar("Estimator", bound=EEGEstimator)


def override_params(estimator: Estimator, params: dict[str, Any]) -> Estimator:
    """Set parameters of an estimator; suggest similar names if a parameter does not exist.

    Parameters
    ----------
    estimator : EEGEstimator
        The estimator of a recipe.
    params : dict
        Values by name, also of nested parameters, e.g. ``{"callbacks__sam__rho": 0.1}``.

    Returns
    -------
    estimator : EEGEstimator
        The same estimator.

    Raises
    ------
    TypeError
        If the estimator has no parameter of that name.
    """
    names = estimator.get_params(deep=False)
    for name in params:
        if name.partition("__")[0] not in names:
            similar = difflib.get_close_matches(name, names, n=3)
            hint = f"did you mean {' or '.join(similar)}?" if similar else "see its get_params()."
            raise TypeError(f"{type(estimator).__name__} has no parameter {name!r}; {hint}")
    return estimator.set_params(**params)
