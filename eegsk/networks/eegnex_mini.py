"""The EEGNeXMini network."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torch import nn

from .._fields import Activation, Count, Probability
from ..blocks import Conv, Dropout, TemporalSpatial
from ..signals import Signal
from ._architecture import ActivationNetwork


class EEGNeXMini(ActivationNetwork):
    """EEGNeXMini: EEGNeX reduced to temporal, spatial and pointwise filters.

    The filtered signals are averaged over time and mapped to the outputs by a linear layer. With
    the default ``activation``, all layers except batch normalisation are linear.

    Parameters
    ----------
    n_filters : int, default=8
        Number of temporal filters.
    kernel : int, default=32
        Length of the temporal filters in samples. The signal is padded with ``kernel // 2`` zeros
        on both sides, so that the filtered signal is one sample longer if ``kernel`` is even.
    depth : int, default=1
        Number of spatial filters for each temporal filter.
    second_n_filters : int, default=16
        Number of pointwise filters, which mix the outputs of the spatial filters.
    dropout : float, default=0.0
        Probability of setting a value to zero after the average over time.
    activation : str or callable, default="identity"
        Name of a torch activation, or a callable that returns one, e.g. ``torch.nn.ELU``.

    References
    ----------
    .. [1] Chen, X., Teng, X., Chen, H., Pan, Y., & Geyer, P. (2024). Toward reliable signals
       decoding for electroencephalogram: a benchmark study to EEGNeX. Biomedical Signal Processing
       and Control, 87, 105475. https://doi.org/10.1016/j.bspc.2023.105475

    Examples
    --------
    >>> from eegsk import Signal
    >>> from eegsk.networks import EEGNeXMini
    >>> network = EEGNeXMini().build(Signal(n_chans=72, n_times=500), n_outputs=1)
    >>> sum(parameter.numel() for parameter in network.parameters())
    1073
    """

    n_filters: Count = 8
    kernel: Count = 32
    depth: Count = 1
    second_n_filters: Count = 16
    dropout: Probability = 0.0
    activation: Activation = "identity"
    activation_params: dict[str, Any] | None = None

    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Build the network for a signal; see :meth:`Architecture.build`."""
        n_sources = self.n_filters * self.depth
        trunk = nn.Sequential(
            OrderedDict(
                front=TemporalSpatial(
                    signal.n_chans,
                    self.n_filters,
                    self.kernel,
                    self.depth,
                    bias=True,
                    padding=(self.kernel // 2, self.kernel // 2),
                ),
                activation=self._make_activation(),
                pointwise=Conv(n_sources, self.second_n_filters, 1),
                pointwise_norm=nn.BatchNorm1d(self.second_n_filters),
                pointwise_activation=self._make_activation(),
                pool=nn.AdaptiveAvgPool1d(1),
                flatten=nn.Flatten(),
                dropout=Dropout(self.dropout),
            )
        )
        head = nn.Linear(self.second_n_filters, n_outputs)
        return nn.Sequential(OrderedDict(trunk=trunk, head=head))
