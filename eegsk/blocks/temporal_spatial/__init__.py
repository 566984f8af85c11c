"""Factorised front ends: temporal filters followed by spatial filters, with the least work.

Temporal and spatial filters commute. The channels are therefore mixed first, and only the mixtures
are filtered over time. Batch normalisation between the two needs the statistics of signals that are
not computed; they are quadratic forms of the filters in the autocovariance of the trials. The
derivation is in ``docs/user_guide/front_end.md``, to which the comments refer by equation.
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
