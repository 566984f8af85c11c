"""Training of a module on trials: skorch nets, batches, callbacks, reproducibility."""

from .batches import TrialBatches, Trials, TrialSplit, split_trials
from .callback import StopTraining, TrainingCallback, clone_callbacks, has_validation
from .device import find_device
from .fit_info import FitInfo
from .inference import apply_network, finest_dtype
from .net import ClassifierNet, RegressorNet, TrialNet, make_net
from .reproducible import reproducible, torch_threads
from .statistics import channel_statistics, standardizer

__all__ = [
    "ClassifierNet",
    "FitInfo",
    "RegressorNet",
    "StopTraining",
    "TrainingCallback",
    "TrialBatches",
    "TrialNet",
    "TrialSplit",
    "Trials",
    "apply_network",
    "channel_statistics",
    "clone_callbacks",
    "find_device",
    "finest_dtype",
    "has_validation",
    "make_net",
    "reproducible",
    "split_trials",
    "standardizer",
    "torch_threads",
]
