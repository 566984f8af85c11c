"""Factorised front ends: temporal filters followed by spatial filters, with fewer operations.

Temporal and spatial filters commute. The channels are therefore mixed first, and only the mixtures
are filtered over time. Batch normalisation after the temporal filters needs the mean and variance
of the filtered channels, which are not computed. Their mean and variance follow from the mean and
autocovariance of the trials. The derivation is in ``docs/user_guide/front_end.md``; comments cite
its equations.
"""

from ._folded import Mixture
from ._front_end import FrontEnd, has_hooks
from .dense import DenseTemporalSpatial
from .multi_kernel import MultiKernelTemporalSpatial
from .one_stage import TemporalSpatial
from .two_stages import TwoStageTemporalSpatial

__all__ = [
    "DenseTemporalSpatial",
    "FrontEnd",
    "Mixture",
    "MultiKernelTemporalSpatial",
    "TemporalSpatial",
    "TwoStageTemporalSpatial",
    "has_hooks",
]
