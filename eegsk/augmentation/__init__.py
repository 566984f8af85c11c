"""Data augmentation: random transforms of the training trials.

A transform is a callable that takes a batch ``(X, y)`` of standardised trials and their targets,
and returns the changed batch on the same device.
"""

from .amplitude_scale import AmplitudeScale
from .channel_reflection import ChannelReflection
from .fourier_surrogate import FourierSurrogate
from .gaussian_noise import GaussianNoise
from .masks import ChannelDropout, TimeMask
from .mixup import Mixup
from .segment_recombination import SegmentRecombination
from .time_shift import TimeShift

__all__ = [
    "AmplitudeScale",
    "ChannelDropout",
    "ChannelReflection",
    "FourierSurrogate",
    "GaussianNoise",
    "Mixup",
    "SegmentRecombination",
    "TimeMask",
    "TimeShift",
]
