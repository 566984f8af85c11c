"""Networks: classes of fields that build a torch module for a signal."""

from ._architecture import Architecture, build_network
from .advanced_eegnet import AdvancedEEGNet
from .compact_cnn import CompactCNN
from .deep_conv_net import DeepConvNet
from .eegnet import EEGNet
from .eegnex import EEGNeX
from .eegnex_mini import EEGNeXMini
from .shallow_conv_net import ShallowConvNet

__all__ = [
    "AdvancedEEGNet",
    "Architecture",
    "CompactCNN",
    "DeepConvNet",
    "EEGNeX",
    "EEGNeXMini",
    "EEGNet",
    "ShallowConvNet",
    "build_network",
]
