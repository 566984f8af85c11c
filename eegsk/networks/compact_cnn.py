"""The CompactCNN network."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torch import nn

from .._fields import Activation, Count, Probability
from ..blocks import Dropout
from ..signals import Signal
from ._architecture import ActivationNetwork


class CompactCNN(ActivationNetwork):
    """CompactCNN: three strided convolutions, global average pooling and dense layers.

    The network was designed to predict reaction times from two seconds of 129 channels at 100 Hz,
    as in the EEG Foundation Challenge [1]_. Each filter of the first convolution combines all
    channels. The outputs of the third convolution are averaged over all time points (global
    average pooling [2]_).

    Parameters
    ----------
    n_filters : int, default=32
        Number of filters of the first convolution.
    kernel : int, default=7
        Length of the filters of the first convolution in samples. The input of each convolution is
        padded with half the length of its filters on both sides.
    second_n_filters : int, default=64
        Number of filters of the second convolution.
    second_kernel : int, default=5
        Length of the filters of the second convolution, in samples of its input.
    third_n_filters : int, default=128
        Number of filters of the third convolution.
    third_kernel : int, default=3
        Length of the filters of the third convolution, in samples of its input.
    stride : int, default=2
        Stride of each convolution, in samples of its input.
    n_hidden : int, default=64
        Number of hidden units of the first dense layer.
    second_n_hidden : int, default=32
        Number of hidden units of the second dense layer.
    dropout : float, default=0.3
        Probability of setting a value to zero after the first convolution.
    second_dropout : float, default=0.4
        Probability of setting a value to zero after the second convolution.
    third_dropout : float, default=0.5
        Probability of setting a value to zero after the third convolution.
    hidden_dropout : float, default=0.5
        Probability of setting a value to zero after the first dense layer.
    second_hidden_dropout : float, default=0.4
        Probability of setting a value to zero after the second dense layer.
    activation : str or callable, default="relu"
        Name of a torch activation, or a callable that returns one, e.g. ``torch.nn.ELU``.

    References
    ----------
    .. [1] Aristimunha, B., et al. (2025). EEG Foundation Challenge: from cross-task to
       cross-subject EEG decoding. https://doi.org/10.48550/arXiv.2506.19141
    .. [2] Lin, M., Chen, Q., & Yan, S. (2014). Network in network. ICLR.
       https://doi.org/10.48550/arXiv.1312.4400

    Examples
    --------
    >>> from eegsk import Signal
    >>> from eegsk.networks import CompactCNN
    >>> network = CompactCNN().build(Signal(n_chans=129, n_times=200), n_outputs=1)
    >>> sum(parameter.numel() for parameter in network.parameters())
    74753
    """

    n_filters: Count = 32
    kernel: Count = 7
    second_n_filters: Count = 64
    second_kernel: Count = 5
    third_n_filters: Count = 128
    third_kernel: Count = 3
    stride: Count = 2
    n_hidden: Count = 64
    second_n_hidden: Count = 32
    dropout: Probability = 0.3
    second_dropout: Probability = 0.4
    third_dropout: Probability = 0.5
    hidden_dropout: Probability = 0.5
    second_hidden_dropout: Probability = 0.4
    activation: Activation = "relu"
    activation_params: dict[str, Any] | None = None

    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Build the network for a signal; see :meth:`Architecture.build`."""
        first, second, third = self.n_filters, self.second_n_filters, self.third_n_filters
        # A longer stride than a padded trial gives the same output, but torch's gradient takes time
        # proportional to its square.
        longest = signal.n_times + self.kernel + self.second_kernel + self.third_kernel
        stride = min(self.stride, longest)
        trunk = nn.Sequential(
            OrderedDict(
                first=self._stage(signal.n_chans, first, self.kernel, stride, self.dropout),
                second=self._stage(first, second, self.second_kernel, stride, self.second_dropout),
                third=self._stage(second, third, self.third_kernel, stride, self.third_dropout),
                pool=nn.AdaptiveAvgPool1d(1),
                flatten=nn.Flatten(),
                dense=self._dense(third, self.n_hidden, self.hidden_dropout),
                second_dense=self._dense(
                    self.n_hidden, self.second_n_hidden, self.second_hidden_dropout
                ),
            )
        )
        head = nn.Linear(self.second_n_hidden, n_outputs)
        return nn.Sequential(OrderedDict(trunk=trunk, head=head))

    def _stage(
        self, n_inputs: int, n_filters: int, kernel: int, stride: int, dropout: float
    ) -> nn.Module:
        return nn.Sequential(
            OrderedDict(
                filters=nn.Conv1d(n_inputs, n_filters, kernel, stride, padding=kernel // 2),
                norm=nn.BatchNorm1d(n_filters),
                activation=self._make_activation(),
                dropout=Dropout(dropout),
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
