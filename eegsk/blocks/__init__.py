"""Pieces of networks: plain torch modules that know nothing of estimators."""

from ._time_filters import lagged_products
from .activation import SafeLog, Square, make_activation
from .attention import FeatureAttention
from .constraint import max_norm, project_max_norm
from .convolution import Conv, SameConv, SeparableConv
from .dropout import Dropout
from .pooling import MaxPool, MeanPool
from .standardize import Standardize, Whiten
from .temporal_spatial import (
    DenseTemporalSpatial,
    TemporalSpatial,
    TwoStageTemporalSpatial,
)
from .weight_norm import WeightNormLinear

__all__ = [
    "Conv",
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
    "Whiten",
    "lagged_products",
    "make_activation",
    "max_norm",
    "project_max_norm",
]
