"""The front end of the networks, filters over time and electrodes, with the least work.

Filters over time and over electrodes commute, so that the electrodes can be mixed first and only
the mixtures filtered, not each electrode by each filter. Where batch normalisation stands between
the two, the statistics of what is then never computed are a quadratic form of the weights in the
signal's autocovariance.
"""

from ._folded import Mixture
from ._front_end import FrontEnd, is_watched
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
    "is_watched",
]
