"""Deep networks for EEG as scikit-learn estimators."""

from .estimators import EEGClassifier, EEGNetClassifier, EEGNetRegressor, EEGRegressor
from .signals import Signal

__version__ = "0.1.0"

__all__ = [
    "EEGClassifier",
    "EEGNetClassifier",
    "EEGNetRegressor",
    "EEGRegressor",
    "Signal",
]
