"""Networks, which build a torch module from hyper-parameters and the shape of the trials."""

from ._architecture import Architecture, build_network
from .advanced_eegnet import AdvancedEEGNet
from .atcnet import ATCNet
from .compact_cnn import CompactCNN
from .deep_conv_net import DeepConvNet
from .eegconformer import EEGConformer
from .eegnet import EEGNet
from .eegnex import EEGNeX
from .eegnex_mini import EEGNeXMini
from .eegtcnet import EEGTCNet
from .shallow_conv_net import ShallowConvNet
from .tcformer import TCFormer

__all__ = [
    "ATCNet",
    "AdvancedEEGNet",
    "Architecture",
    "CompactCNN",
    "DeepConvNet",
    "EEGConformer",
    "EEGNeX",
    "EEGNeXMini",
    "EEGNet",
    "EEGTCNet",
    "ShallowConvNet",
    "TCFormer",
    "build_network",
]
