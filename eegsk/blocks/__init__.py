"""Building blocks of the networks: plain torch modules."""

from ._time_filters import lagged_products
from .activation import SafeLog, Square, make_activation
from .attention import FeatureAttention
from .convolution import Conv, SameConv, SeparableConv
from .dropout import Dropout
from .max_norm import apply_max_norm, with_max_norm
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
    "apply_max_norm",
    "lagged_products",
    "make_activation",
    "with_max_norm",
]
