"""Pieces of networks: plain torch modules that know nothing of estimators."""

from .activation import SafeLog, Square, make_activation
from .attention import FeatureAttention
from .constraint import max_norm, project_max_norm
from .convolution import SameConv, SeparableConv
from .dense_temporal_spatial import DenseTemporalSpatial
from .dropout import Dropout
from .pooling import MaxPool, MeanPool
from .standardize import Standardize
from .temporal_spatial import TemporalSpatial
from .two_stage_front import TwoStageTemporalSpatial
from .weight_norm import WeightNormLinear

__all__ = [
    "DenseTemporalSpatial",
    "Dropout",
    "FeatureAttention",
    "MaxPool",
    "MeanPool",
    "SafeLog",
    "SameConv",
    "SeparableConv",
    "Square",
    "Standardize",
    "TemporalSpatial",
    "TwoStageTemporalSpatial",
    "WeightNormLinear",
    "make_activation",
    "max_norm",
    "project_max_norm",
]
