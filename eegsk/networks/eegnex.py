"""The EEGNeX network."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torch import nn

from .._fields import Activation, Count, Positive, Probability
from ..blocks import (
    Dropout,
    MeanPool,
    SameConv,
    TwoStageTemporalSpatial,
    with_max_norm,
)
from ..signals import Signal
from ._architecture import ActivationNetwork, n_features


class EEGNeX(ActivationNetwork):
    """EEGNeX: an EEGNet with two stages of temporal filters and dilated convolutions.

    Two stages of temporal filters are followed by spatial filters for each temporal filter of the
    second stage. Two dilated convolutions of the pooled outputs replace the separable convolution
    of EEGNet [1]_.

    Parameters
    ----------
    n_filters : int, default=8
        Number of temporal filters of the first stage.
    kernel : int, default=64
        Length of the temporal filters of the first stage in samples.
    second_n_filters : int, default=32
        Number of temporal filters of the second stage; each combines all filters of the first.
    second_kernel : int, default=64
        Length of the temporal filters of the second stage in samples.
    depth : int, default=2
        Number of spatial filters for each temporal filter of the second stage.
    pool : int, default=4
        Size of the first average pooling in samples.
    third_n_filters : int, default=32
        Number of filters of the first dilated convolution.
    third_kernel : int, default=16
        Number of taps of the filters of the first dilated convolution.
    third_dilation : int, default=2
        Distance between these taps, in samples after the first pooling.
    fourth_n_filters : int, default=8
        Number of filters of the second dilated convolution.
    fourth_kernel : int, default=16
        Number of taps of the filters of the second dilated convolution.
    fourth_dilation : int, default=4
        Distance between these taps, in samples after the first pooling.
    second_pool : int, default=8
        Size of the second average pooling, in samples after the first pooling.
    dropout : float, default=0.5
        Probability of setting a value to zero after each pooling.
    spatial_max_norm : float or None, default=1.0
        Maximum norm of the weights of each spatial filter; None for no limit.
    head_max_norm : float or None, default=0.25
        Maximum norm of the weights of each output of the linear layer; None for no limit.

    References
    ----------
    .. [1] Chen, X., Teng, X., Chen, H., Pan, Y., & Geyer, P. (2024). Toward reliable signals
       decoding for electroencephalogram: a benchmark study to EEGNeX. Biomedical Signal Processing
       and Control, 87, 105475. https://doi.org/10.1016/j.bspc.2023.105475

    Examples
    --------
    >>> from eegsk import Signal
    >>> from eegsk.networks import EEGNeX
    >>> network = EEGNeX().build(Signal(n_chans=2, n_times=750), n_outputs=2)
    >>> sum(parameter.numel() for parameter in network.parameters())
    54546
    """

    n_filters: Count = 8
    kernel: Count = 64
    second_n_filters: Count = 32
    second_kernel: Count = 64
    depth: Count = 2
    pool: Count = 4
    third_n_filters: Count = 32
    third_kernel: Count = 16
    third_dilation: Count = 2
    fourth_n_filters: Count = 8
    fourth_kernel: Count = 16
    fourth_dilation: Count = 4
    second_pool: Count = 8
    dropout: Probability = 0.5
    activation: Activation = "elu"
    activation_params: dict[str, Any] | None = None
    spatial_max_norm: Positive | None = 1.0
    head_max_norm: Positive | None = 0.25

    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Build the network for a signal; see :meth:`Architecture.build`."""
        n_sources, n_third = self.second_n_filters * self.depth, self.third_n_filters
        third = SameConv(n_sources, n_third, self.third_kernel, dilation=self.third_dilation)
        fourth = SameConv(
            n_third, self.fourth_n_filters, self.fourth_kernel, dilation=self.fourth_dilation
        )
        trunk = nn.Sequential(
            OrderedDict(
                front=self._front(signal.n_chans),
                activation=self._make_activation(),
                pool=MeanPool(self.pool, padding=1),
                dropout=Dropout(self.dropout),
                third=third,
                third_norm=nn.BatchNorm1d(n_third),
                fourth=fourth,
                fourth_norm=nn.BatchNorm1d(self.fourth_n_filters),
                second_activation=self._make_activation(),
                second_pool=MeanPool(self.second_pool, padding=1),
                second_dropout=Dropout(self.dropout),
                flatten=nn.Flatten(),
            )
        )
        head = with_max_norm(nn.Linear(n_features(trunk, signal), n_outputs), self.head_max_norm)
        return nn.Sequential(OrderedDict(trunk=trunk, head=head))

    def _front(self, n_chans: int) -> nn.Module:
        return TwoStageTemporalSpatial(
            n_chans,
            self.n_filters,
            self.kernel,
            self.second_n_filters,
            self.second_kernel,
            self.depth,
            self.spatial_max_norm,
        )
