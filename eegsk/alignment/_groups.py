"""Groups as an argument of estimators that take them without metadata routing."""

from __future__ import annotations

from typing import Any

from .aligned_estimator import AlignedEstimator
from .aligned_voting import AlignedVotingClassifier


def groups_argument(estimator: Any, groups: Any) -> dict[str, Any]:
    """Return ``groups`` as a keyword argument of the methods of an aligned estimator.

    Parameters
    ----------
    estimator : estimator
        Any estimator, fitted or not.
    groups : array-like of shape (n_trials,)
        Domain of each trial.

    Returns
    -------
    arguments : dict
        Empty if the methods do not take groups, or if the domains are in the metadata of Epochs.
    """
    members = [estimator]
    if isinstance(estimator, AlignedVotingClassifier):
        members = [member for _, member in estimator.estimators]
    takes_groups = all(
        isinstance(member, AlignedEstimator) and getattr(member.aligner, "by", None) is None
        for member in members
    )
    return {"groups": groups} if takes_groups else {}
