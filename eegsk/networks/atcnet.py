"""The ATCNet network."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Literal

from torch import nn

from .._fields import Activation, Count, Positive, Probability
from ..blocks import (
    Dropout,
    LastSample,
    MeanOfLinear,
    MeanPool,
    SameConv,
    TemporalConvNet,
    TemporalSpatial,
    WindowedSelfAttention,
    with_max_norm,
)
from ..signals import Signal
from ._architecture import ActivationNetwork

# Value added to the variances by batch normalisation before the windows, as in the authors' code.
_NORM_EPS = 1e-4


class ATCNet(ActivationNetwork):
    """ATCNet: convolutions, then attention and causal convolutions in overlapping windows.

    Temporal and spatial filters, as in EEGNet, and a second convolution reduce a trial to a short
    sequence. The sequence is divided into overlapping windows. In each window, self-attention is
    followed by a temporal convolutional network, i.e. residual blocks of causal and dilated
    convolutions. Each window has a linear layer for its last time point, and the outputs of all
    windows are averaged [1]_.

    Parameters
    ----------
    n_filters : int, default=16
        Number of temporal filters (F1 in the paper).
    kernel : int, default=64
        Length of the temporal filters in samples (K_C in the paper).
    depth : int, default=2
        Number of spatial filters for each temporal filter (D in the paper).
    pool : int, default=8
        Size of the first average pooling in samples (P1 in the paper).
    second_kernel : int, default=16
        Length of the filters of the second convolution, in samples after the first pooling.
    second_pool : int, default=7
        Size of the second average pooling, in samples after the first pooling (P2 in the paper).
    n_windows : int, default=5
        Number of windows (n in the paper).
    n_heads : int, default=2
        Number of attention heads (H in the paper).
    head_size : int, default=8
        Number of features of the queries, keys and values of a head (d_H in the paper).
    n_blocks : int, default=2
        Number of residual blocks of each temporal convolutional network (L in the paper).
    block_kernel : int, default=4
        Number of taps of the filters in the blocks (K_T in the paper).
    dropout : float, default=0.3
        Probability of setting a value to zero after each pooling.
    attention_dropout : float, default=0.5
        Probability of setting an attention weight to zero.
    attention_output_dropout : float, default=0.3
        Probability of setting a value to zero after the attention.
    block_dropout : float, default=0.3
        Probability of setting a value to zero after each convolution in the blocks.
    spatial_max_norm : float or None, default=1.0
        Maximum norm of the weights of each spatial filter; None for no limit.
    head_max_norm : float or None, default=0.25
        Maximum norm of the weights of each output; None for no limit.
    fusion : {"average", "concatenate"}, default="average"
        Whether the outputs of one linear layer for each window are averaged, or one linear layer
        combines the features of all windows.

    Notes
    -----
    The figure of the paper shows the windows concatenated. The default is that of the authors'
    code, which averages.

    With the default parameters, 616 samples are enough for five windows of seven time points, the
    span of a filter in the last block. For shorter trials, kernels, pools and the number of windows
    are reduced in proportion to the number of samples, as in braindecode. For example, for 480
    samples, there are three windows, and the temporal filters have 49 samples.

    Dropout is that of the authors' code. braindecode drops whole signals after each pooling, and
    outputs of the attention instead of attention weights.

    References
    ----------
    .. [1] Altaheri, H., Muhammad, G., & Alsulaiman, M. (2023). Physics-informed attention temporal
       convolutional network for EEG-based motor imagery classification. IEEE Transactions on
       Industrial Informatics, 19(2), 2249-2258. https://doi.org/10.1109/TII.2022.3197419

    Examples
    --------
    >>> from eegsk import Signal
    >>> from eegsk.networks import ATCNet
    >>> network = ATCNet().build(Signal(n_chans=22, n_times=1000), n_outputs=4)
    >>> sum(parameter.numel() for parameter in network.parameters())
    113732
    """

    n_filters: Count = 16
    kernel: Count = 64
    depth: Count = 2
    pool: Count = 8
    second_kernel: Count = 16
    second_pool: Count = 7
    n_windows: Count = 5
    n_heads: Count = 2
    head_size: Count = 8
    n_blocks: Count = 2
    block_kernel: Count = 4
    dropout: Probability = 0.3
    attention_dropout: Probability = 0.5
    attention_output_dropout: Probability = 0.3
    block_dropout: Probability = 0.3
    activation: Activation = "elu"
    activation_params: dict[str, Any] | None = None
    spatial_max_norm: Positive | None = 1.0
    head_max_norm: Positive | None = 0.25
    fusion: Literal["average", "concatenate"] = "average"

    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Build the network for a signal; see :meth:`Architecture.build`."""
        reduced = self._reduced(signal.n_times)
        n_sources = self.n_filters * self.depth
        trunk = nn.Sequential(
            OrderedDict(
                **reduced._convolutions(signal.n_chans),
                attention=WindowedSelfAttention(
                    n_sources,
                    reduced.n_windows,
                    self.n_heads,
                    self.head_size,
                    self.attention_dropout,
                    self.attention_output_dropout,
                ),
                blocks=reduced._blocks(n_sources * reduced.n_windows),
                last=LastSample(),
            )
        )
        head = with_max_norm(reduced._head(n_sources, n_outputs), self.head_max_norm)
        return nn.Sequential(OrderedDict(trunk=trunk, head=head))

    def _reduced(self, n_times: int) -> ATCNet:
        """Return a network whose filters and windows fit into a trial of this length."""
        reach = (self.block_kernel - 1) * 2 ** (self.n_blocks - 1)
        shortest = (self.n_windows + reach) * self.pool * self.second_pool
        if n_times >= shortest:
            return self
        names = "kernel", "second_kernel", "pool", "second_pool", "n_windows"
        sizes = {name: max(1, getattr(self, name) * n_times // shortest) for name in names}
        block_kernel = min(self.block_kernel, max(2, self.block_kernel * n_times // shortest))
        fields = {name: getattr(self, name) for name in ATCNet.__dataclass_fields__}
        return ATCNet(**{**fields, **sizes, "block_kernel": block_kernel})

    def _convolutions(self, n_chans: int) -> OrderedDict[str, nn.Module]:
        n_sources = self.n_filters * self.depth
        layers = OrderedDict(
            front=TemporalSpatial(
                n_chans, self.n_filters, self.kernel, self.depth, self.spatial_max_norm
            ),
            activation=self._make_activation(),
            pool=MeanPool(self.pool),
            dropout=Dropout(self.dropout),
            second=SameConv(n_sources, n_sources, self.second_kernel),
            second_norm=nn.BatchNorm1d(n_sources),
            second_activation=self._make_activation(),
            second_pool=MeanPool(self.second_pool),
            second_dropout=Dropout(self.dropout),
        )
        for layer in nn.ModuleDict(layers).modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                layer.eps = _NORM_EPS
        return layers

    def _blocks(self, n_signals: int) -> nn.Module:
        """Build the networks of all windows, side by side."""
        return TemporalConvNet(
            n_signals,
            n_signals,
            self.block_kernel,
            self.n_blocks,
            groups=self.n_windows,
            dropout=self.block_dropout,
            activation=self._make_activation,
        )

    def _head(self, n_sources: int, n_outputs: int) -> nn.Module:
        if self.fusion == "average":
            return MeanOfLinear(self.n_windows, n_sources, n_outputs)
        return nn.Linear(self.n_windows * n_sources, n_outputs)
