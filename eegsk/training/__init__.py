"""How a module is trained on trials: the skorch nets, their batches, their reproducibility."""

from .batches import TrialBatches, Trials, TrialSplit, split_trials
from .device import find_device
from .inference import apply_network, finest_dtype
from .net import ClassifierNet, RegressorNet, TrialNet, make_net
from .reproducible import reproducible, torch_threads
from .run import Run
from .statistics import channel_statistics, standardizer

__all__ = [
    "ClassifierNet",
    "RegressorNet",
    "Run",
    "TrialBatches",
    "TrialNet",
    "TrialSplit",
    "Trials",
    "apply_network",
    "channel_statistics",
    "find_device",
    "finest_dtype",
    "make_net",
    "reproducible",
    "split_trials",
    "standardizer",
    "torch_threads",
]
