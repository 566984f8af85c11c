"""The EEGConformer network."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Literal

from torch import nn

from .._fields import Activation, Count, Probability
from ..blocks import (
    Conv,
    DenseTemporalSpatial,
    Dropout,
    MeanPool,
    Residual,
    SelfAttention,
    Transpose,
    make_activation,
)
from ..signals import Signal
from ._architecture import ActivationNetwork, n_features


class EEGConformer(ActivationNetwork):
    """EEGConformer: convolutions as in ShallowConvNet, then a transformer.

    Temporal and spatial filters compute signals. Their averages over overlapping windows are the
    tokens of a transformer. Three dense layers map all tokens to the outputs [1]_.

    Parameters
    ----------
    n_filters : int, default=40
        Number of temporal filters.
    kernel : int, default=25
        Length of the temporal filters in samples.
    spatial_n_filters : int, default=40
        Number of spatial filters, and of features of a token. Each filter combines all temporal
        filters of all channels.
    pool : int, default=75
        Size of the average pooling in samples.
    pool_stride : int, default=15
        Distance between the first samples of consecutive pooling windows.
    n_layers : int, default=6
        Number of layers of the transformer.
    n_heads : int, default=10
        Number of attention heads; it must divide ``spatial_n_filters``.
    attention_scale : {"token", "head"}, default="token"
        Whether scalar products of queries and keys are divided by the square root of the number of
        features of a token, or of a head.
    expansion : int, default=4
        Ratio of the number of hidden units to the number of features in a transformer layer.
    n_hidden : int, default=256
        Number of hidden units of the first dense layer.
    second_n_hidden : int, default=32
        Number of hidden units of the second dense layer.
    dropout : float, default=0.5
        Probability of setting a value to zero after the pooling.
    attention_dropout : float, default=0.5
        Probability of setting an attention weight, or a value after a dense layer of the
        transformer, to zero.
    hidden_dropout : float, default=0.5
        Probability of setting a value to zero after the first dense layer.
    second_hidden_dropout : float, default=0.3
        Probability of setting a value to zero after the second dense layer.
    attention_activation : str or callable, default="gelu"
        Activation of the transformer: a name or a callable, like ``activation``.

    Notes
    -----
    The authors' code divides the scalar products by the square root of the number of features of a
    token, i.e. of all heads together. Usually the number of features of a head is used, as in
    braindecode: ``attention_scale="head"``.

    References
    ----------
    .. [1] Song, Y., Zheng, Q., Liu, B., & Gao, X. (2023). EEG Conformer: convolutional transformer
       for EEG decoding and visualization. IEEE Transactions on Neural Systems and Rehabilitation
       Engineering, 31, 710-719. https://doi.org/10.1109/TNSRE.2022.3230250

    Examples
    --------
    >>> from eegsk import Signal
    >>> from eegsk.networks import EEGConformer
    >>> network = EEGConformer().build(Signal(n_chans=22, n_times=1000), n_outputs=4)
    >>> sum(parameter.numel() for parameter in network.parameters())
    789572
    """

    n_filters: Count = 40
    kernel: Count = 25
    spatial_n_filters: Count = 40
    pool: Count = 75
    pool_stride: Count = 15
    n_layers: Count = 6
    n_heads: Count = 10
    attention_scale: Literal["token", "head"] = "token"
    expansion: Count = 4
    n_hidden: Count = 256
    second_n_hidden: Count = 32
    dropout: Probability = 0.5
    attention_dropout: Probability = 0.5
    hidden_dropout: Probability = 0.5
    second_hidden_dropout: Probability = 0.3
    activation: Activation = "elu"
    activation_params: dict[str, Any] | None = None
    attention_activation: Activation = "gelu"

    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Build the network for a signal; see :meth:`Architecture.build`."""
        size = self.spatial_n_filters
        if size % self.n_heads:
            raise ValueError(
                f"{type(self).__name__}: n_heads={self.n_heads} should divide "
                f"spatial_n_filters={size}; change one of the two."
            )
        encoder = nn.Sequential(
            OrderedDict(
                front=DenseTemporalSpatial(signal.n_chans, self.n_filters, self.kernel, size),
                norm=nn.BatchNorm1d(size),
                activation=self._make_activation(),
                pool=MeanPool(self.pool, self.pool_stride),
                dropout=Dropout(self.dropout),
                projection=Conv(size, size, 1),
                tokens=Transpose(),
                layers=nn.Sequential(*(self._layer() for _ in range(self.n_layers))),
                flatten=nn.Flatten(),
            )
        )
        dense = self._dense(n_features(encoder, signal), self.n_hidden, self.hidden_dropout)
        second_dense = self._dense(self.n_hidden, self.second_n_hidden, self.second_hidden_dropout)
        trunk = nn.Sequential(OrderedDict(encoder=encoder, dense=dense, second_dense=second_dense))
        head = nn.Linear(self.second_n_hidden, n_outputs)
        return nn.Sequential(OrderedDict(trunk=trunk, head=head))

    def _layer(self) -> nn.Module:
        """Build a layer of the transformer."""
        size = self.spatial_n_filters
        scale = size**-0.5 if self.attention_scale == "token" else None
        attention = SelfAttention(size, self.n_heads, scale=scale, dropout=self.attention_dropout)
        return nn.Sequential(
            OrderedDict(
                attention=Residual(
                    OrderedDict(
                        norm=nn.LayerNorm(size),
                        attention=attention,
                        dropout=Dropout(self.attention_dropout),
                    )
                ),
                feed_forward=Residual(
                    OrderedDict(
                        norm=nn.LayerNorm(size),
                        hidden=nn.Linear(size, self.expansion * size),
                        activation=make_activation(self.attention_activation),
                        dropout=Dropout(self.attention_dropout),
                        output=nn.Linear(self.expansion * size, size),
                        output_dropout=Dropout(self.attention_dropout),
                    )
                ),
            )
        )

    def _dense(self, n_inputs: int, n_hidden: int, dropout: float) -> nn.Module:
        return nn.Sequential(
            OrderedDict(
                dense=nn.Linear(n_inputs, n_hidden),
                activation=self._make_activation(),
                dropout=Dropout(dropout),
            )
        )
