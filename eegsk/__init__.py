"""Deep networks for EEG as scikit-learn estimators."""

from .catalogue import (
    AdvancedEEGNetClassifier,
    AdvancedEEGNetRegressor,
    ATCNetClassifier,
    ATCNetRegressor,
    CompactCNNClassifier,
    CompactCNNRegressor,
    DeepConvNetClassifier,
    DeepConvNetRegressor,
    EEGConformerClassifier,
    EEGConformerRegressor,
    EEGNetClassifier,
    EEGNetRegressor,
    EEGNeXClassifier,
    EEGNeXMiniClassifier,
    EEGNeXMiniRegressor,
    EEGNeXRegressor,
    EEGTCNetClassifier,
    EEGTCNetRegressor,
    ShallowConvNetClassifier,
    ShallowConvNetRegressor,
    TCFormerClassifier,
    TCFormerRegressor,
)
from .estimators import EEGClassifier, EEGRegressor
from .signals import Signal

__version__ = "0.1.0"

__all__ = [
    "ATCNetClassifier",
    "ATCNetRegressor",
    "AdvancedEEGNetClassifier",
    "AdvancedEEGNetRegressor",
    "CompactCNNClassifier",
    "CompactCNNRegressor",
    "DeepConvNetClassifier",
    "DeepConvNetRegressor",
    "EEGClassifier",
    "EEGConformerClassifier",
    "EEGConformerRegressor",
    "EEGNeXClassifier",
    "EEGNeXMiniClassifier",
    "EEGNeXMiniRegressor",
    "EEGNeXRegressor",
    "EEGNetClassifier",
    "EEGNetRegressor",
    "EEGRegressor",
    "EEGTCNetClassifier",
    "EEGTCNetRegressor",
    "ShallowConvNetClassifier",
    "ShallowConvNetRegressor",
    "Signal",
    "TCFormerClassifier",
    "TCFormerRegressor",
]
