"""The EEGNet network."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Literal

from torch import nn

from .._fields import Activation, Count, Positive, Probability
from ..blocks import (
    Dropout,
    MeanPool,
    SameConv,
    SeparableConv,
    TemporalSpatial,
    with_max_norm,
)
from ..signals import Signal
from ._architecture import ActivationNetwork, n_features


class EEGNet(ActivationNetwork):
    """EEGNet: a compact network of temporal, spatial and separable convolutions.

    A bank of temporal filters is followed by spatial filters for each of them, as in filter-bank
    common spatial patterns. Their pooled outputs, the sources, are filtered by a second
    convolution, pooled again, and mapped to the outputs by a linear layer [1]_.

    Parameters
    ----------
    n_filters : int, default=8
        Number of temporal filters (F1 in the paper).
    kernel : int, default=64
        Length of the temporal filters in samples. Filters of half a second, i.e. of ``sfreq / 2``
        samples, resolve frequencies from 2 Hz.
    depth : int, default=2
        Number of spatial filters for each temporal filter (D in the paper).
    pool : int, default=4
        Size of the first average pooling in samples.
    second_n_filters : int or None, default=None
        Number of filters of the second convolution (F2 in the paper); None for
        ``n_filters * depth``.
    second_kernel : int, default=16
        Length of the filters of the second convolution, in samples after the first pooling.
    second_pool : int, default=8
        Size of the second average pooling, in samples after the first pooling.
    separable : bool, default=True
        Whether the second convolution is depthwise separable. If False, each of its filters
        combines all sources.
    padding : {"same", "symmetric"}, default="same"
        Zeros around the signals of the two temporal convolutions. ``"same"`` keeps their length.
        ``"symmetric"`` adds ``kernel // 2`` zeros on both sides, so that a kernel of even length
        makes the output one sample longer, as in braindecode.
    dropout : float, default=0.5
        Probability of setting a value to zero after each pooling.
    spatial_max_norm : float or None, default=1.0
        Maximum norm of the weights of each spatial filter; None for no limit.
    head_max_norm : float or None, default=0.25
        Maximum norm of the weights of each output of the linear layer; None for no limit.

    References
    ----------
    .. [1] Lawhern, V. J., Solon, A. J., Waytowich, N. R., Gordon, S. M., Hung, C. P., & Lance,
       B. J. (2018). EEGNet: a compact convolutional neural network for EEG-based brain-computer
       interfaces. Journal of Neural Engineering, 15(5), 056013.
       https://doi.org/10.1088/1741-2552/aace8c

    Examples
    --------
    >>> from eegsk import Signal
    >>> from eegsk.networks import EEGNet
    >>> network = EEGNet().build(Signal(n_chans=22, n_times=1000), n_outputs=4)
    >>> sum(parameter.numel() for parameter in network.parameters())
    3444
    """

    n_filters: Count = 8
    kernel: Count = 64
    depth: Count = 2
    pool: Count = 4
    second_n_filters: Count | None = None
    second_kernel: Count = 16
    second_pool: Count = 8
    separable: bool = True
    padding: Literal["same", "symmetric"] = "same"
    dropout: Probability = 0.5
    activation: Activation = "elu"
    activation_params: dict[str, Any] | None = None
    spatial_max_norm: Positive | None = 1.0
    head_max_norm: Positive | None = 0.25

    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Build the network for a signal; see :meth:`Architecture.build`."""
        n_sources = self.n_filters * self.depth
        n_second = self.second_n_filters or n_sources
        convolution = SeparableConv if self.separable else SameConv
        trunk = nn.Sequential(
            OrderedDict(
                front=TemporalSpatial(
                    signal.n_chans,
                    self.n_filters,
                    self.kernel,
                    self.depth,
                    self.spatial_max_norm,
                    padding=self._padding(self.kernel),
                ),
                activation=self._make_activation(),
                pool=MeanPool(self.pool),
                dropout=Dropout(self.dropout),
                second=convolution(
                    n_sources,
                    n_second,
                    self.second_kernel,
                    padding=self._padding(self.second_kernel),
                ),
                second_norm=nn.BatchNorm1d(n_second),
                second_activation=self._make_activation(),
                second_pool=MeanPool(self.second_pool),
                second_dropout=Dropout(self.dropout),
                flatten=nn.Flatten(),
            )
        )
        head = with_max_norm(nn.Linear(n_features(trunk, signal), n_outputs), self.head_max_norm)
        return nn.Sequential(OrderedDict(trunk=trunk, head=head))

    def _padding(self, kernel: int) -> tuple[int, int] | None:
        """Return the number of zeros before and after a signal, None to keep its length."""
        return None if self.padding == "same" else (kernel // 2, kernel // 2)
