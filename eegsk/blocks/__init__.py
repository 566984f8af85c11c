"""Building blocks of the networks: plain torch modules."""

from ._time_filters import lagged_products
from .activation import SafeLog, Square, make_activation
from .attention import FeatureAttention, GroupAttention
from .batch_norm import set_batch_norm
from .containers import ConcatenateWithInput, DropPath, LastSample, Residual, Transpose
from .convolution import Conv, SameConv, SeparableConv
from .dropout import Dropout
from .max_norm import apply_max_norm, with_max_norm
from .pooling import MaxPool, MeanPool
from .readout import MeanOfLinear
from .self_attention import SelfAttention, StackedLinear, WindowedSelfAttention
from .standardize import Standardize, Whiten
from .temporal_convolution import CausalConv, TemporalConvNet
from .temporal_spatial import (
    DenseTemporalSpatial,
    MultiKernelTemporalSpatial,
    TemporalSpatial,
    TwoStageTemporalSpatial,
)
from .weight_norm import WeightNormLinear

__all__ = [
    "CausalConv",
    "ConcatenateWithInput",
    "Conv",
    "DenseTemporalSpatial",
    "DropPath",
    "Dropout",
    "FeatureAttention",
    "GroupAttention",
    "LastSample",
    "MaxPool",
    "MeanOfLinear",
    "MeanPool",
    "MultiKernelTemporalSpatial",
    "Residual",
    "SafeLog",
    "SameConv",
    "SelfAttention",
    "SeparableConv",
    "Square",
    "StackedLinear",
    "Standardize",
    "TemporalConvNet",
    "TemporalSpatial",
    "Transpose",
    "TwoStageTemporalSpatial",
    "WeightNormLinear",
    "Whiten",
    "WindowedSelfAttention",
    "apply_max_norm",
    "lagged_products",
    "make_activation",
    "set_batch_norm",
    "with_max_norm",
]
