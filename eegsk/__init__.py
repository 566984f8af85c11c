"""Deep networks for EEG as scikit-learn estimators."""

from .estimators import (
    AdvancedEEGNetClassifier,
    AdvancedEEGNetRegressor,
    CompactCNNClassifier,
    CompactCNNRegressor,
    DeepConvNetClassifier,
    DeepConvNetRegressor,
    EEGClassifier,
    EEGNetClassifier,
    EEGNetRegressor,
    EEGNeXClassifier,
    EEGNeXMiniClassifier,
    EEGNeXMiniRegressor,
    EEGNeXRegressor,
    EEGRegressor,
    ShallowConvNetClassifier,
    ShallowConvNetRegressor,
)
from .signals import Signal

__version__ = "0.1.0"

__all__ = [
    "AdvancedEEGNetClassifier",
    "AdvancedEEGNetRegressor",
    "CompactCNNClassifier",
    "CompactCNNRegressor",
    "DeepConvNetClassifier",
    "DeepConvNetRegressor",
    "EEGClassifier",
    "EEGNeXClassifier",
    "EEGNeXMiniClassifier",
    "EEGNeXMiniRegressor",
    "EEGNeXRegressor",
    "EEGNetClassifier",
    "EEGNetRegressor",
    "EEGRegressor",
    "ShallowConvNetClassifier",
    "ShallowConvNetRegressor",
    "Signal",
]
