"""The EEGTCNet network."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Literal

from torch import nn

from .._fields import Activation, Count, Positive, Probability
from ..blocks import (
    Dropout,
    LastSample,
    MeanPool,
    SeparableConv,
    TemporalConvNet,
    TemporalSpatial,
    with_max_norm,
)
from ..signals import Signal
from ._architecture import ActivationNetwork

# Value added to the variances by batch normalisation in the blocks, the default of Keras.
_NORM_EPS = 1e-3


class EEGTCNet(ActivationNetwork):
    """EEGTCNet: EEGNet followed by a temporal convolutional network, with few parameters.

    The temporal, spatial and separable filters of EEGNet reduce a trial to a short sequence. A
    temporal convolutional network, i.e. residual blocks of causal and dilated convolutions, filters
    the sequence. A linear layer maps its last time point to the outputs [1]_.

    Parameters
    ----------
    n_filters : int, default=8
        Number of temporal filters (F1 in the paper).
    kernel : int, default=64
        Length of the temporal filters in samples (K_E in the paper).
    depth : int, default=2
        Number of spatial filters for each temporal filter.
    pool : int, default=8
        Size of the first average pooling in samples.
    second_kernel : int, default=16
        Length of the filters of the separable convolution, in samples after the first pooling.
    second_pool : int, default=8
        Size of the second average pooling, in samples after the first pooling.
    n_blocks : int, default=2
        Number of residual blocks of the temporal convolutional network (L in the paper).
    block_n_filters : int, default=12
        Number of filters of each convolution in the blocks (F_T in the paper).
    block_kernel : int, default=4
        Number of taps of the filters in the blocks (K_T in the paper).
    dropout : float, default=0.2
        Probability of setting a value to zero after each pooling.
    block_dropout : float, default=0.3
        Probability of setting a value to zero after each convolution in the blocks.
    spatial_max_norm : float or None, default=1.0
        Maximum norm of the weights of each spatial filter; None for no limit.
    head_max_norm : float or None, default=0.25
        Maximum norm of the weights of each output; None for no limit.
    form : {"paper", "braindecode"}, default="paper"
        Form of the first layers. With ``"braindecode"``, they are those of this library, so that
        its weights can be used; see Notes.

    Notes
    -----
    The EEGTCNet of braindecode differs from the paper: it has an additional activation between
    temporal and spatial filters, and pads signals with half the length of an even kernel on both
    sides. With ``form="braindecode"``, this network computes the same as that of braindecode. Its
    first layers are then not linear and cannot be factorised, so that training takes several times
    as long.

    The convolutions in the blocks have no biases, because batch normalisation removes them. The
    paper uses ``kernel=32``, and counts 4,272 parameters for 22 channels and 4 classes. These
    include the biases and the running statistics of batch normalisation.

    References
    ----------
    .. [1] Ingolfsson, T. M., Hersche, M., Wang, X., Kobayashi, N., Cavigelli, L., & Benini, L.
       (2020). EEG-TCNet: an accurate temporal convolutional network for embedded motor-imagery
       brain-machine interfaces. IEEE SMC, 2958-2965.
       https://doi.org/10.1109/SMC42975.2020.9283028

    Examples
    --------
    >>> from eegsk import Signal
    >>> from eegsk.networks import EEGTCNet
    >>> network = EEGTCNet().build(Signal(n_chans=22, n_times=1000), n_outputs=4)
    >>> sum(parameter.numel() for parameter in network.parameters())
    4304
    """

    n_filters: Count = 8
    kernel: Count = 64
    depth: Count = 2
    pool: Count = 8
    second_kernel: Count = 16
    second_pool: Count = 8
    n_blocks: Count = 2
    block_n_filters: Count = 12
    block_kernel: Count = 4
    dropout: Probability = 0.2
    block_dropout: Probability = 0.3
    activation: Activation = "elu"
    activation_params: dict[str, Any] | None = None
    spatial_max_norm: Positive | None = 1.0
    head_max_norm: Positive | None = 0.25
    form: Literal["paper", "braindecode"] = "paper"

    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Build the network for a signal; see :meth:`Architecture.build`."""
        n_sources = self.n_filters * self.depth
        trunk = nn.Sequential(
            OrderedDict(
                front=self._front(signal.n_chans),
                activation=self._make_activation(),
                pool=MeanPool(self.pool),
                dropout=Dropout(self.dropout),
                second=self._second(n_sources),
                second_norm=nn.BatchNorm1d(n_sources),
                second_activation=self._make_activation(),
                second_pool=MeanPool(self.second_pool),
                second_dropout=Dropout(self.dropout),
                blocks=self._blocks(n_sources),
                last=LastSample(),
            )
        )
        head = with_max_norm(nn.Linear(self.block_n_filters, n_outputs), self.head_max_norm)
        return nn.Sequential(OrderedDict(trunk=trunk, head=head))

    def _front(self, n_chans: int) -> nn.Module:
        if self.form == "paper":
            return TemporalSpatial(
                n_chans, self.n_filters, self.kernel, self.depth, self.spatial_max_norm
            )
        n_filters, n_sources = self.n_filters, self.n_filters * self.depth
        padding = (0, self.kernel // 2)
        spatial = nn.Conv2d(n_filters, n_sources, (n_chans, 1), groups=n_filters, bias=False)
        return nn.Sequential(
            OrderedDict(
                image=nn.Unflatten(1, (1, n_chans)),
                temporal=nn.Conv2d(1, n_filters, (1, self.kernel), padding=padding, bias=False),
                temporal_norm=nn.BatchNorm2d(n_filters),
                temporal_activation=self._make_activation(),
                spatial=with_max_norm(spatial, self.spatial_max_norm),
                signals=nn.Flatten(2),
                spatial_norm=nn.BatchNorm1d(n_sources),
            )
        )

    def _second(self, n_sources: int) -> nn.Module:
        second = SeparableConv(n_sources, n_sources, self.second_kernel)
        if self.form == "paper" or self.second_kernel % 2:
            return second
        return nn.Sequential(OrderedDict(pad=nn.ConstantPad1d((1, 0), 0.0), separable=second))

    def _blocks(self, n_sources: int) -> nn.Module:
        return TemporalConvNet(
            n_sources,
            self.block_n_filters,
            self.block_kernel,
            self.n_blocks,
            bias=False,
            dropout=self.block_dropout,
            activation=self._make_activation,
            norm_eps=_NORM_EPS,
        )
