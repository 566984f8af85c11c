"""Steps and members of fitted pipelines, searches, aligned estimators and voting ensembles."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.validation import check_is_fitted

from .alignment import AlignedEstimator, EuclideanAlignment, RiemannianAlignment


def steps_of(estimator: Any) -> list[Any]:
    """Return the steps of a pipeline, or a list of one estimator.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator, pipeline or aligned estimator. The best estimator of a search is used, and
        the estimator in a ``FrozenEstimator``.

    Returns
    -------
    steps : list of estimator
        Steps without ``"passthrough"`` and without ``FrozenEstimator``; the last step predicts.
    """
    estimator = unwrapped(estimator)
    if isinstance(estimator, AlignedEstimator):
        check_is_fitted(estimator)
        return [estimator.aligner_, *steps_of(estimator.estimator_)]
    if not isinstance(estimator, Pipeline):
        return [estimator]
    steps = [step for _, step in estimator.steps if step is not None and not isinstance(step, str)]
    return [*map(unwrapped, steps[:-1]), *steps_of(steps[-1])]


def unwrapped(estimator: Any) -> Any:
    """Return the estimator in a ``FrozenEstimator``, and the best estimator of a search."""
    if isinstance(estimator, FrozenEstimator):
        return unwrapped(estimator.estimator)
    if hasattr(estimator, "best_estimator_"):
        return unwrapped(estimator.best_estimator_)
    return estimator


def members_of(estimator: Any) -> list[tuple[Any, float]]:
    """Return the members of a voting ensemble, each with the steps before the ensemble.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator; see :func:`steps_of`.

    Returns
    -------
    members : list of (estimator, float)
        Fitted members and their weights, whose sum is 1; an empty list if the last step is not a
        voting ensemble.
    """
    *transformers, last = steps_of(estimator)
    if not is_voting(last):
        return []
    check_is_fitted(last)
    members = [make_pipeline(*transformers, *steps_of(member)) for member in last.estimators_]
    weights = np.ones(len(members))
    if last.weights is not None:
        pairs = zip(last.estimators, last.weights, strict=True)
        weights = np.array([w for (_, member), w in pairs if not isinstance(member, str)])  # "drop"
    return list(zip(members, (weights / weights.sum()).tolist(), strict=True))


def is_voting(estimator: Any) -> bool:
    """Check whether an estimator is a voting ensemble, e.g. of networks with several seeds."""
    return isinstance(estimator, VotingClassifier | VotingRegressor)


def is_aligner(estimator: Any) -> bool:
    """Check whether an estimator aligns trials."""
    return isinstance(estimator, EuclideanAlignment | RiemannianAlignment)
