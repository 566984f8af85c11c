"""EEGNet after alignment."""

from __future__ import annotations

from typing import Any

from eegsk import EEGNetClassifier
from eegsk.alignment import AlignedEstimator, EuclideanAlignment

HANDS = ["C3", "Cz", "C4"]  # channels of data set 2b


def aligned(**params: Any) -> AlignedEstimator:
    """Return an aligned EEGNet."""
    return AlignedEstimator(EuclideanAlignment(), EEGNetClassifier(**params))
