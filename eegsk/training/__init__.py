"""Training of a module on trials: skorch nets, batches, callbacks, reproducibility."""

from .atomic_file import atomic_file
from .batches import TrialBatches, Trials, TrialSplit, split_trials
from .callback import StopTraining, TrainingCallback, clone_callbacks, has_validation
from .device import find_device
from .fit_info import FitInfo
from .freezing import find_blocks
from .inference import apply_network, finest_dtype
from .net import ClassifierNet, RegressorNet, TrialNet, make_net
from .net_state import load_net_state, net_state
from .pretrained import (
    find_pretrained,
    in_pretrained_order,
    load_pretrained,
    pretrained_classes,
)
from .reproducible import reproducible, torch_threads
from .rollback import restored_on_error
from .statistics import channel_statistics, empty_standardizer, standardizer

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
    "atomic_file",
    "channel_statistics",
    "clone_callbacks",
    "empty_standardizer",
    "find_blocks",
    "find_device",
    "find_pretrained",
    "finest_dtype",
    "has_validation",
    "in_pretrained_order",
    "load_net_state",
    "load_pretrained",
    "make_net",
    "net_state",
    "pretrained_classes",
    "reproducible",
    "restored_on_error",
    "split_trials",
    "standardizer",
    "torch_threads",
]
