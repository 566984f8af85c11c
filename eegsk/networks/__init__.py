"""Networks: fields and the arrangement of blocks that they describe."""

from ._architecture import Architecture, build_network
from .eegnet import EEGNet

__all__ = ["Architecture", "EEGNet", "build_network"]
