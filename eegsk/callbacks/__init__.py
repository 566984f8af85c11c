"""Callbacks: training techniques that can be combined with every network and each other."""

from ..training import StopTraining, TrainingCallback
from .checkpoint import Checkpoint
from .cosine_warm_restarts import CosineWarmRestarts
from .cosine_warmup import CosineWarmup
from .early_stopping import EarlyStopping
from .ema import EMA
from .epoch_metric import EpochMetric
from .focal_balance import FocalBalance
from .gradient_clipping import GradientClipping
from .mixed_precision import MixedPrecision
from .one_cycle import OneCycle
from .sam import SAM
from .swa import SWA

__all__ = [  # noqa: RUF022 - capital letters first, as Python sorts
    "Checkpoint",
    "CosineWarmRestarts",
    "CosineWarmup",
    "EMA",
    "EarlyStopping",
    "EpochMetric",
    "FocalBalance",
    "GradientClipping",
    "MixedPrecision",
    "OneCycle",
    "SAM",
    "SWA",
    "StopTraining",
    "TrainingCallback",
]
