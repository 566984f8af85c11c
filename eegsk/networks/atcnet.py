"""ATCNet."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

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
    make_activation,
    with_max_norm,
)
from ..signals import Signal
from ._architecture import Architecture

# Value added to the variances by batch normalisation before the windows, as the authors do.
_NORM_EPS = 1e-4


class ATCNet(Architecture):
    """Convolutions as in EEGNet, then self-attention and causal convolutions in several windows.

    Temporal, spatial and further temporal filters reduce a trial to a short sequence. The sequence
    is divided into windows that overlap. In each window, self-attention weighs the times, and a
    temporal convolutional network summarises them. The logits of the windows are averaged.

    Parameters
    ----------
    n_filters : int, default=16
        Number of temporal filters (F1 in the paper).
    kernel : int, default=64
        Length of the temporal filters in samples (K_C).
    depth : int, default=2
        Number of spatial filters for each temporal filter (D).
    pool : int, default=8
        Number of samples that the first average pooling averages (P1).
    second_kernel : int, default=16
        Length of the filters of the second convolution, in pooled samples.
    second_pool : int, default=7
        Number of pooled samples that the second average pooling averages (P2).
    n_windows : int, default=5
        Number of windows (n).
    n_heads : int, default=2
        Number of attention heads (H).
    head_size : int, default=8
        Number of features of queries, keys and values of a head (d_H).
    n_blocks : int, default=2
        Number of residual blocks of each temporal convolutional network (L).
    block_kernel : int, default=4
        Number of taps of the filters in the blocks (K_T).
    dropout : float, default=0.3
        Probability of dropping a value after each pooling.
    attention_dropout : float, default=0.5
        Probability of dropping an attention weight.
    attention_output_dropout : float, default=0.3
        Probability of dropping a value after the attention.
    block_dropout : float, default=0.3
        Probability of dropping a value after each convolution in the blocks.
    activation : str or callable, default="elu"
        Name of a torch activation, or a callable that returns an activation.
    spatial_max_norm : float or None, default=1.0
        The largest norm of a spatial filter; None for no bound.
    head_max_norm : float or None, default=0.25
        The largest norm of the weights of an output; None for no bound.
    fusion : {"average", "concatenate"}, default="average"
        Whether each window has an output layer, whose results are averaged, or one output layer
        sees the features of all windows.

    Notes
    -----
    The paper draws the fusion by concatenation; the authors' code averages, and so do we.

    Five windows of at least seven time points, the reach of the temporal convolutional network,
    take 616 samples with the default fields. For shorter trials, kernels, pools and the number of
    windows are reduced in proportion to the number of samples, as in braindecode. braindecode
    drops whole signals after each pooling, and its attention drops outputs instead of weights;
    here dropout is that of the authors.

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
    spatial_max_norm: Positive | None = 1.0
    head_max_norm: Positive | None = 0.25
    fusion: Literal["average", "concatenate"] = "average"

    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Build the network for a signal; see :meth:`Architecture.build`."""
        fitted = self._reduced(signal.n_times)
        n_sources = self.n_filters * self.depth
        trunk = nn.Sequential(
            OrderedDict(
                **fitted._convolutions(signal.n_chans),
                attention=WindowedSelfAttention(
                    n_sources,
                    fitted.n_windows,
                    self.n_heads,
                    self.head_size,
                    self.attention_dropout,
                    self.attention_output_dropout,
                ),
                blocks=fitted._blocks(n_sources * fitted.n_windows),
                last=LastSample(),
            )
        )
        head = with_max_norm(fitted._head(n_sources, n_outputs), self.head_max_norm)
        return nn.Sequential(OrderedDict(trunk=trunk, head=head))

    def _reduced(self, n_times: int) -> ATCNet:
        """Return fields whose windows fit into a trial of this length."""
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
            activation=make_activation(self.activation),
            pool=MeanPool(self.pool),
            dropout=Dropout(self.dropout),
            second=SameConv(n_sources, n_sources, self.second_kernel),
            second_norm=nn.BatchNorm1d(n_sources),
            second_activation=make_activation(self.activation),
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
            activation=self.activation,
        )

    def _head(self, n_sources: int, n_outputs: int) -> nn.Module:
        if self.fusion == "average":
            return MeanOfLinear(self.n_windows, n_sources, n_outputs)
        return nn.Linear(self.n_windows * n_sources, n_outputs)
