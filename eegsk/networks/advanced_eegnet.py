"""The AdvancedEEGNet network."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torch import nn

from .._fields import Activation, Count, Probability
from ..blocks import (
    Conv,
    Dropout,
    FeatureAttention,
    SeparableConv,
    TemporalSpatial,
    WeightNormLinear,
)
from ..signals import Signal
from ._architecture import ActivationNetwork


class AdvancedEEGNet(ActivationNetwork):
    """AdvancedEEGNet: an EEGNet with attention and a deep classifier, for many classes.

    Temporal and spatial filters compute the sources, as in EEGNet [1]_. Attention multiplies each
    source and time point of a trial by a value between 0 and 1, which is computed from the sources
    [2]_, [3]_, and a convolution of the sources is added. The outputs of a separable convolution
    are averaged over a few time segments and projected to more features. Three dense layers with
    weight normalisation [4]_ classify these features. Every convolution, including the projection,
    is followed by batch normalisation and the activation; in the last layer of the attention, the
    activation is the sigmoid. With 64 channels, 480 time points and 80 classes, the network has
    210,192 parameters.

    Parameters
    ----------
    n_filters : int, default=16
        Number of temporal filters.
    kernel : int, default=64
        Length of the temporal filters in samples.
    depth : int, default=2
        Number of spatial filters for each temporal filter.
    attention_kernel : int, default=16
        Length of the filters of the attention and of the residual convolution in samples.
    attention_reduction : int, default=4
        Ratio of the number of sources to the number of temporal filters of the attention.
    second_n_filters : int, default=64
        Number of filters of the separable convolution.
    second_kernel : int, default=16
        Length of the filters of the separable convolution in samples.
    n_stretches : int, default=4
        Number of segments of equal length over which the average pooling is computed.
    n_projections : int, default=128
        Number of features of each segment after the last convolution, which is pointwise.
    n_hidden : int, default=256
        Number of hidden units of the first dense layer.
    second_n_hidden : int, default=128
        Number of hidden units of the second dense layer.
    dropout : float, default=0.25
        Probability of setting a value to zero after the spatial filters and after the pooling.
    hidden_dropout : float, default=0.5
        Probability of setting a value to zero after the first and the second dense layer.
    activation : str or callable, default="gelu"
        Name of a torch activation, or a callable that returns one, e.g. ``torch.nn.ELU``.

    References
    ----------
    .. [1] Lawhern, V. J., Solon, A. J., Waytowich, N. R., Gordon, S. M., Hung, C. P., & Lance,
       B. J. (2018). EEGNet: a compact convolutional neural network for EEG-based brain-computer
       interfaces. Journal of Neural Engineering, 15(5), 056013.
       https://doi.org/10.1088/1741-2552/aace8c
    .. [2] Hu, J., Shen, L., & Sun, G. (2018). Squeeze-and-excitation networks. CVPR.
       https://doi.org/10.1109/CVPR.2018.00745
    .. [3] Woo, S., Park, J., Lee, J.-Y., & Kweon, I. S. (2018). CBAM: convolutional block attention
       module. ECCV. https://doi.org/10.1007/978-3-030-01234-2_1
    .. [4] Salimans, T., & Kingma, D. P. (2016). Weight normalization: a simple reparameterization
       to accelerate training of deep neural networks. NeurIPS.
       https://doi.org/10.48550/arXiv.1602.07868

    Examples
    --------
    >>> from eegsk import Signal
    >>> from eegsk.networks import AdvancedEEGNet
    >>> network = AdvancedEEGNet().build(Signal(n_chans=64, n_times=480), n_outputs=80)
    >>> sum(parameter.numel() for parameter in network.parameters())
    210192
    """

    n_filters: Count = 16
    kernel: Count = 64
    depth: Count = 2
    attention_kernel: Count = 16
    attention_reduction: Count = 4
    second_n_filters: Count = 64
    second_kernel: Count = 16
    n_stretches: Count = 4
    n_projections: Count = 128
    n_hidden: Count = 256
    second_n_hidden: Count = 128
    dropout: Probability = 0.25
    hidden_dropout: Probability = 0.5
    activation: Activation = "gelu"
    activation_params: dict[str, Any] | None = None

    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Build the network for a signal; see :meth:`Architecture.build`."""
        n_sources = self.n_filters * self.depth
        trunk = nn.Sequential(
            OrderedDict(
                front=TemporalSpatial(signal.n_chans, self.n_filters, self.kernel, self.depth),
                activation=self._make_activation(),
                dropout=Dropout(self.dropout),
                attention=FeatureAttention(
                    n_sources,
                    self.attention_kernel,
                    self.attention_reduction,
                    self._make_activation,
                ),
                second=SeparableConv(n_sources, self.second_n_filters, self.second_kernel),
                second_norm=nn.BatchNorm1d(self.second_n_filters),
                second_activation=self._make_activation(),
                pool=nn.AdaptiveAvgPool1d(self.n_stretches),
                second_dropout=Dropout(self.dropout),
                projection=Conv(self.second_n_filters, self.n_projections, 1, bias=False),
                projection_norm=nn.BatchNorm1d(self.n_projections),
                projection_activation=self._make_activation(),
                flatten=nn.Flatten(),
            )
        )
        return nn.Sequential(OrderedDict(trunk=trunk, head=self._head(n_outputs)))

    def _head(self, n_outputs: int) -> nn.Module:
        n_features = self.n_projections * self.n_stretches
        return nn.Sequential(
            OrderedDict(
                dense=WeightNormLinear(n_features, self.n_hidden),
                activation=self._make_activation(),
                dropout=Dropout(self.hidden_dropout),
                second_dense=WeightNormLinear(self.n_hidden, self.second_n_hidden),
                second_activation=self._make_activation(),
                second_dropout=Dropout(self.hidden_dropout),
                output=WeightNormLinear(self.second_n_hidden, n_outputs),
            )
        )
