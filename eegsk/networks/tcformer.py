"""The TCFormer network."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torch import nn

from .._fields import Activation, Count, Positive, Probability
from ..blocks import (
    ConcatenateWithInput,
    Conv,
    Dropout,
    DropPath,
    GroupAttention,
    LastSample,
    MeanOfLinear,
    MeanPool,
    MultiKernelTemporalSpatial,
    Residual,
    SameConv,
    SelfAttention,
    TemporalConvNet,
    Transpose,
    make_activation,
    with_max_norm,
)
from ..signals import Signal
from ._architecture import ActivationNetwork


class TCFormer(ActivationNetwork):
    """TCFormer: filters of several lengths, a transformer and a temporal convolutional network.

    The temporal filters of each length, with their spatial filters, compute one group of signals.
    Each group is reduced to a short sequence of a few features. A transformer computes an
    additional group from the sequences of all groups. Each group is filtered by a temporal
    convolutional network, i.e. residual blocks of causal and dilated convolutions. Each group has a
    linear layer for its last time point, and the outputs of all groups are averaged [1]_.

    Parameters
    ----------
    n_filters : int, default=32
        Number of temporal filters of each length (F1 in the paper).
    kernels : tuple of int, default=(20, 32, 64)
        Lengths of the temporal filters in samples; one group of signals for each.
    depth : int, default=2
        Number of spatial filters for each temporal filter (D in the paper).
    pool : int, default=8
        Size of the first average pooling in samples.
    group_size : int, default=16
        Number of signals to which each group is reduced after the first pooling.
    second_kernel : int, default=16
        Length of the filters of the second convolution, in samples after the first pooling.
    attention_reduction : int, default=4
        Ratio of the number of signals to the number of hidden units of the attention over groups.
    second_pool : int, default=7
        Size of the second average pooling, in samples after the first pooling.
    n_layers : int, default=2
        Number of layers of the transformer (N in the paper).
    n_heads : int, default=4
        Number of attention heads of the queries. ``group_size * len(kernels)`` must be a multiple
        of ``2 * n_heads``.
    n_key_heads : int, default=2
        Number of attention heads of keys and values; it must divide ``n_heads``.
    expansion : int, default=2
        Ratio of the number of hidden units to the number of features in a transformer layer.
    n_blocks : int, default=2
        Number of residual blocks of the temporal convolutional network.
    block_kernel : int, default=4
        Number of taps of the filters in the blocks.
    dropout : float, default=0.4
        Probability of setting a value to zero after each pooling.
    attention_dropout : float, default=0.4
        Probability of setting an attention weight, or an output of a transformer layer, to zero.
    path_dropout : float, default=0.25
        Probability of skipping the last transformer layer for a trial. For layer ``i`` of
        ``n_layers``, counted from 0, it is multiplied by ``(i / (n_layers - 1)) ** 2``.
    block_dropout : float, default=0.3
        Probability of setting a value to zero after each convolution in the blocks.
    attention_activation : str or callable, default="gelu"
        Activation of the transformer: a name or a callable, like ``activation``.
    head_max_norm : float or None, default=0.25
        Maximum norm of the weights of each output of a group; None for no limit.

    Notes
    -----
    Layers and initial weights are those of the authors' code, with the sizes of the smallest
    network of the paper; the largest has ``n_layers=5``. The rotary embedding of that code differs
    from the usual forms; see :class:`eegsk.blocks.SelfAttention`.

    References
    ----------
    .. [1] Altaheri, H., Karray, F., & Karimi, A.-H. (2025). Temporal convolutional transformer for
       EEG based motor imagery decoding. Scientific Reports, 15, 32959.
       https://doi.org/10.1038/s41598-025-16219-7

    Examples
    --------
    >>> from eegsk import Signal
    >>> from eegsk.networks import TCFormer
    >>> network = TCFormer().build(Signal(n_chans=22, n_times=1000), n_outputs=4)
    >>> sum(parameter.numel() for parameter in network.parameters())
    77820
    """

    n_filters: Count = 32
    kernels: tuple[int, ...] = (20, 32, 64)
    depth: Count = 2
    pool: Count = 8
    group_size: Count = 16
    second_kernel: Count = 16
    attention_reduction: Count = 4
    second_pool: Count = 7
    n_layers: Count = 2
    n_heads: Count = 4
    n_key_heads: Count = 2
    expansion: Count = 2
    n_blocks: Count = 2
    block_kernel: Count = 4
    dropout: Probability = 0.4
    attention_dropout: Probability = 0.4
    path_dropout: Probability = 0.25
    block_dropout: Probability = 0.3
    activation: Activation = "elu"
    activation_params: dict[str, Any] | None = None
    attention_activation: Activation = "gelu"
    head_max_norm: Positive | None = 0.25

    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Build the network for a signal; see :meth:`Architecture.build`."""
        self._check_sizes()
        n_groups = len(self.kernels) + 1
        n_features = self.group_size * n_groups
        blocks = TemporalConvNet(
            n_features,
            n_features,
            self.block_kernel,
            self.n_blocks,
            groups=n_groups,
            dropout=self.block_dropout,
            activation=self._make_activation,
        )
        trunk = nn.Sequential(
            OrderedDict(
                **self._convolutions(signal.n_chans),
                transformer=ConcatenateWithInput(self._transformer()),
                blocks=blocks,
                last=LastSample(),
            )
        )
        head = with_max_norm(MeanOfLinear(n_groups, self.group_size, n_outputs), self.head_max_norm)
        return nn.Sequential(OrderedDict(trunk=trunk, head=head)).apply(_initialize)

    def _check_sizes(self) -> None:
        """Raise an error if the sizes of filters and heads do not fit together."""
        name = type(self).__name__
        if not self.kernels or min(self.kernels) < 1:
            raise ValueError(
                f"{name}: kernels={self.kernels!r} should have at least one length, of 1 or more."
            )
        n_features = self.group_size * len(self.kernels)
        if n_features % (2 * self.n_heads):
            raise ValueError(
                f"{name}: group_size * len(kernels) = {n_features} should be a multiple of "
                f"2 * n_heads = {2 * self.n_heads}; change one of the three."
            )
        if self.n_heads % self.n_key_heads:
            raise ValueError(
                f"{name}: n_key_heads={self.n_key_heads} should divide n_heads={self.n_heads}."
            )

    def _convolutions(self, n_chans: int) -> OrderedDict[str, nn.Module]:
        n_groups = len(self.kernels)
        n_sources = n_groups * self.n_filters * self.depth
        n_features = n_groups * self.group_size
        reduction = nn.Conv1d(n_sources, n_features, 1, groups=n_groups, bias=False)
        attention = GroupAttention(n_features, n_groups, self.attention_reduction)
        return OrderedDict(
            front=MultiKernelTemporalSpatial(n_chans, self.n_filters, self.kernels, self.depth),
            activation=self._make_activation(),
            pool=MeanPool(self.pool),
            dropout=Dropout(self.dropout),
            reduction=reduction,
            reduction_norm=nn.BatchNorm1d(n_features),
            second=SameConv(n_features, n_features, self.second_kernel, groups=n_groups),
            second_norm=nn.BatchNorm1d(n_features),
            second_activation=self._make_activation(),
            attention=Residual(OrderedDict(groups=attention)),
            second_pool=MeanPool(self.second_pool),
            second_dropout=Dropout(self.dropout),
        )

    def _transformer(self) -> OrderedDict[str, nn.Module]:
        """Build the layers from the sequence of features to one more group of signals."""
        n_features = self.group_size * len(self.kernels)
        layers = [self._layer(n_features, index) for index in range(self.n_layers)]
        return OrderedDict(
            mixture=self._mixture(n_features, n_features),
            tokens=Transpose(),
            layers=nn.Sequential(*layers),
            signals=Transpose(),
            reduction=self._mixture(n_features, self.group_size),
        )

    def _mixture(self, n_features: int, n_outputs: int) -> nn.Module:
        return nn.Sequential(
            OrderedDict(
                mixture=Conv(n_features, n_outputs, 1, bias=False),
                norm=nn.BatchNorm1d(n_outputs),
                activation=nn.SiLU(),
            )
        )

    def _layer(self, n_features: int, index: int) -> nn.Module:
        depth = index / max(self.n_layers - 1, 1)
        drop_path = self.path_dropout * depth**2
        attention = SelfAttention(
            n_features,
            self.n_heads,
            self.n_key_heads,
            bias=False,
            dropout=self.attention_dropout,
            rotary=True,
        )
        hidden = nn.Linear(n_features, self.expansion * n_features)
        output = nn.Linear(self.expansion * n_features, n_features)
        return nn.Sequential(
            OrderedDict(
                attention=Residual(
                    OrderedDict(
                        norm=nn.LayerNorm(n_features),
                        attention=attention,
                        drop_path=DropPath(drop_path),
                    )
                ),
                feed_forward=Residual(
                    OrderedDict(
                        norm=nn.LayerNorm(n_features),
                        hidden=hidden,
                        activation=make_activation(self.attention_activation),
                        output=output,
                        dropout=Dropout(self.attention_dropout),
                        drop_path=DropPath(drop_path),
                    )
                ),
            )
        )


def _initialize(layer: nn.Module) -> None:
    """Draw initial weights by Glorot's rule; biases start at zero."""
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear | MeanOfLinear):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
