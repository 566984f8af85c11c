"""Deep networks for EEG as scikit-learn estimators.

Estimators are fitted to trials: an array of shape ``(n_trials, n_chans, n_times)`` or
:class:`mne.Epochs`. Classifiers predict the label of each new trial, regressors its continuous
target. Estimators work with the tools of scikit-learn, e.g. cross-validation, grid search and
pipelines.

Examples
--------
>>> from sklearn.model_selection import GroupKFold, cross_val_score
>>> from eegsk import EEGNetClassifier
>>> from eegsk.datasets import make_motor_imagery
>>> X, y, subjects = make_motor_imagery(n_subjects=3, n_trials=20, random_state=0)
>>> classifier = EEGNetClassifier(max_epochs=2, random_state=0)
>>> cross_val_score(classifier, X, y, groups=subjects, cv=GroupKFold(3)).shape
(3,)
"""

from .any_network import EEGClassifier, EEGRegressor
from .estimators import (
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
from .exporting import to_onnx
from .persistence import load
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
    "load",
    "to_onnx",
]
