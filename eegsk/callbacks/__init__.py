"""Techniques of training, each one a small skorch callback."""

from .early_stopping import EarlyStopping
from .epoch_metric import EpochMetric

__all__ = ["EarlyStopping", "EpochMetric"]
