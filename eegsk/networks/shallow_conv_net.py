"""The ShallowConvNet network."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torch import nn

from .._fields import Activation, Count, Probability
from ..blocks import DenseTemporalSpatial, Dropout, MeanPool, make_activation
from ..signals import Signal
from ._architecture import ActivationNetwork, n_features


class ShallowConvNet(ActivationNetwork):
    """ShallowConvNet: log power of learned sources, as in filter-bank common spatial patterns.

    Temporal and spatial filters compute the sources. Their squares, averaged over overlapping
    windows, are their power. A linear layer maps the logarithm of the power to the outputs [1]_.

    Parameters
    ----------
    n_filters : int, default=40
        Number of temporal filters.
    kernel : int, default=25
        Length of the temporal filters in samples. The default suits sampling rates near 250 Hz.
    spatial_n_filters : int, default=40
        Number of spatial filters; each combines all temporal filters of all channels.
    pool : int, default=75
        Size of the average pooling in samples.
    pool_stride : int, default=15
        Distance between the first samples of consecutive pooling windows.
    dropout : float, default=0.5
        Probability of setting a value to zero after the pooling.
    activation : str or callable, default="square"
        Activation before the pooling: name of a torch activation, or a callable that returns one,
        e.g. ``torch.nn.ELU``.
    pool_activation : str or callable, default="safe_log"
        Activation after the pooling. Use ``"identity"`` if the pooled values can be negative, e.g.
        with ``activation="elu"``.

    References
    ----------
    .. [1] Schirrmeister, R. T., Springenberg, J. T., Fiederer, L. D. J., Glasstetter, M.,
       Eggensperger, K., Tangermann, M., Hutter, F., Burgard, W., & Ball, T. (2017). Deep learning
       with convolutional neural networks for EEG decoding and visualization. Human Brain Mapping,
       38(11), 5391-5420. https://doi.org/10.1002/hbm.23730

    Examples
    --------
    >>> from eegsk import Signal
    >>> from eegsk.networks import ShallowConvNet
    >>> network = ShallowConvNet().build(Signal(n_chans=22, n_times=1000), n_outputs=4)
    >>> sum(parameter.numel() for parameter in network.parameters())
    46084
    """

    n_filters: Count = 40
    kernel: Count = 25
    spatial_n_filters: Count = 40
    pool: Count = 75
    pool_stride: Count = 15
    dropout: Probability = 0.5
    activation: Activation = "square"
    activation_params: dict[str, Any] | None = None
    pool_activation: Activation = "safe_log"

    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Build the network for a signal; see :meth:`Architecture.build`."""
        front = DenseTemporalSpatial(
            signal.n_chans, self.n_filters, self.kernel, self.spatial_n_filters, spatial_bias=False
        )
        trunk = nn.Sequential(
            OrderedDict(
                front=front,
                norm=nn.BatchNorm1d(self.spatial_n_filters),
                activation=self._make_activation(),
                pool=MeanPool(self.pool, self.pool_stride),
                pool_activation=make_activation(self.pool_activation),
                dropout=Dropout(self.dropout),
                flatten=nn.Flatten(),
            )
        )
        head = nn.Linear(n_features(trunk, signal), n_outputs)
        return nn.Sequential(OrderedDict(trunk=trunk, head=head))
