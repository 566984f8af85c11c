"""Callbacks: techniques of training that work with every network and with each other."""

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

__all__ = [  # noqa: RUF022 - as Python sorts, whatever the case
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
