"""EEGNet after alignment, and the groups that aligned estimators receive."""

from __future__ import annotations

from typing import Any

from eegsk import EEGNetClassifier
from eegsk.alignment import AlignedEstimator, AlignedVotingClassifier, EuclideanAlignment

HANDS = ["C3", "Cz", "C4"]  # channels of data set 2b


def aligned(**params: Any) -> AlignedEstimator:
    """Return an aligned EEGNet."""
    return AlignedEstimator(EuclideanAlignment(), EEGNetClassifier(**params))


def groups_of(estimator: Any, groups: Any) -> dict[str, Any]:
    """Return ``groups`` as a keyword argument of the methods of an aligned estimator."""
    is_aligned = isinstance(estimator, AlignedEstimator | AlignedVotingClassifier)
    return {"groups": groups} if is_aligned else {}
