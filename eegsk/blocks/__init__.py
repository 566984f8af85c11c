"""Pieces of networks: plain torch modules that know nothing of estimators."""

from .activation import make_activation
from .constraint import max_norm, project_max_norm
from .convolution import SameConv, SeparableConv
from .dropout import Dropout
from .pooling import MeanPool
from .standardize import Standardize
from .temporal_spatial import TemporalSpatial

__all__ = [
    "Dropout",
    "MeanPool",
    "SameConv",
    "SeparableConv",
    "Standardize",
    "TemporalSpatial",
    "make_activation",
    "max_norm",
    "project_max_norm",
]
