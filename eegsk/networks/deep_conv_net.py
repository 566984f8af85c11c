"""The DeepConvNet network."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torch import nn

from .._fields import Activation, Count, Positive, Probability
from ..blocks import Conv, DenseTemporalSpatial, Dropout, MaxPool, with_max_norm
from ..signals import Signal
from ._architecture import ActivationNetwork, n_features


class DeepConvNet(ActivationNetwork):
    """DeepConvNet: a deep network of four convolutional stages with max pooling.

    The first stage has temporal filters and spatial filters; each later stage filters the outputs
    of the previous stage, at a lower sampling rate. By default, filters have 5 samples and pooling
    windows have two [2]_. The original network [1]_, also known as Deep4Net, is
    ``DeepConvNet(kernel=10, pool=3)``; it needs trials of at least 441 samples.

    Parameters
    ----------
    n_filters : int, default=25
        Number of temporal filters.
    kernel : int, default=5
        Length of the filters of all stages, in samples of their input.
    spatial_n_filters : int, default=25
        Number of spatial filters; each combines all temporal filters of all channels.
    second_n_filters : int, default=50
        Number of filters of the second stage.
    third_n_filters : int, default=100
        Number of filters of the third stage.
    fourth_n_filters : int, default=200
        Number of filters of the fourth stage.
    pool : int, default=2
        Size of the max pooling of each stage, in samples of its input.
    dropout : float, default=0.5
        Probability of setting a value to zero after each pooling.
    max_norm : float or None, default=2.0
        Maximum norm of the weights of each filter, in all stages; None for no limit.
    head_max_norm : float or None, default=0.5
        Maximum norm of the weights of each output of the linear layer; None for no limit.

    References
    ----------
    .. [1] Schirrmeister, R. T., Springenberg, J. T., Fiederer, L. D. J., Glasstetter, M.,
       Eggensperger, K., Tangermann, M., Hutter, F., Burgard, W., & Ball, T. (2017). Deep learning
       with convolutional neural networks for EEG decoding and visualization. Human Brain Mapping,
       38(11), 5391-5420. https://doi.org/10.1002/hbm.23730
    .. [2] Lawhern, V. J., Solon, A. J., Waytowich, N. R., Gordon, S. M., Hung, C. P., & Lance,
       B. J. (2018). EEGNet: a compact convolutional neural network for EEG-based brain-computer
       interfaces. Journal of Neural Engineering, 15(5), 056013.
       https://doi.org/10.1088/1741-2552/aace8c

    Examples
    --------
    >>> from eegsk import Signal
    >>> from eegsk.networks import DeepConvNet
    >>> network = DeepConvNet().build(Signal(n_chans=2, n_times=750), n_outputs=2)
    >>> sum(parameter.numel() for parameter in network.parameters())
    150977
    """

    n_filters: Count = 25
    kernel: Count = 5
    spatial_n_filters: Count = 25
    second_n_filters: Count = 50
    third_n_filters: Count = 100
    fourth_n_filters: Count = 200
    pool: Count = 2
    dropout: Probability = 0.5
    activation: Activation = "elu"
    activation_params: dict[str, Any] | None = None
    max_norm: Positive | None = 2.0
    head_max_norm: Positive | None = 0.5

    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Build the network for a signal; see :meth:`Architecture.build`."""
        front = DenseTemporalSpatial(
            signal.n_chans,
            self.n_filters,
            self.kernel,
            self.spatial_n_filters,
            max_norm=self.max_norm,
        )
        trunk = nn.Sequential(
            OrderedDict(
                first=self._stage(front, self.spatial_n_filters),
                second=self._later_stage(self.spatial_n_filters, self.second_n_filters),
                third=self._later_stage(self.second_n_filters, self.third_n_filters),
                fourth=self._later_stage(self.third_n_filters, self.fourth_n_filters),
                flatten=nn.Flatten(),
            )
        )
        head = with_max_norm(nn.Linear(n_features(trunk, signal), n_outputs), self.head_max_norm)
        return nn.Sequential(OrderedDict(trunk=trunk, head=head))

    def _stage(self, filters: nn.Module, n_filters: int) -> nn.Module:
        return nn.Sequential(
            OrderedDict(
                filters=filters,
                norm=nn.BatchNorm1d(n_filters),
                activation=self._make_activation(),
                pool=MaxPool(self.pool),
                dropout=Dropout(self.dropout),
            )
        )

    def _later_stage(self, n_inputs: int, n_filters: int) -> nn.Module:
        filters = with_max_norm(Conv(n_inputs, n_filters, self.kernel), self.max_norm)
        return self._stage(filters, n_filters)
