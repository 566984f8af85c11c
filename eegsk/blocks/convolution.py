"""Convolutions over time."""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

from ._convolve import convolve
from ._time_filters import filter_time


class Conv(nn.Conv1d):
    """Convolution over time of what lies wholly within the signal.

    Computes what ``torch.nn.Conv1d`` does of batches; gradients take a fraction of the time.

    Parameters
    ----------
    n_inputs : int
        Number of input signals.
    n_filters : int
        Number of output signals.
    kernel : int
        Length of the filters in samples.
    bias : bool, default=True
        Whether each filter has a bias.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import Conv
    >>> Conv(3, 5, kernel=16)(torch.zeros(2, 3, 100)).shape
    torch.Size([2, 5, 85])
    """

    def __init__(self, n_inputs: int, n_filters: int, kernel: int, bias: bool = True) -> None:
        super().__init__(n_inputs, n_filters, kernel, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter ``x`` of shape (n_trials, n_inputs, n_times)."""
        return convolve(x, self.weight, self.bias)


class SameConv(nn.Conv1d):
    """Convolution over time, zero-padded so that the output is as long as the input.

    An even kernel reaches one sample further ahead than back, as in Keras.

    Parameters
    ----------
    n_inputs : int
        Number of input signals.
    n_filters : int
        Number of output signals.
    kernel : int
        Length of the filters in samples.
    groups : int, default=1
        Into how many independent groups the signals fall.
    bias : bool, default=False
        Whether each filter has a bias.
    dilation : int, default=1
        How many samples apart the taps of a filter are.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import SameConv
    >>> SameConv(3, 5, kernel=16)(torch.zeros(2, 3, 100)).shape
    torch.Size([2, 5, 100])
    """

    def __init__(
        self,
        n_inputs: int,
        n_filters: int,
        kernel: int,
        groups: int = 1,
        bias: bool = False,
        dilation: int = 1,
    ) -> None:
        super().__init__(n_inputs, n_filters, kernel, groups=groups, bias=bias, dilation=dilation)
        span = dilation * (kernel - 1)
        self.reach = (span // 2, span - span // 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter ``x`` of shape (n_trials, n_inputs, n_times)."""
        if self._is_depthwise():
            return filter_time(x.unsqueeze(2), self.weight.squeeze(1), self.reach[0]).squeeze(2)
        x = F.pad(x, self.reach)
        if self.groups > 1:
            return super().forward(x)
        return convolve(x, self.weight, self.bias, self.dilation[0])

    def _is_depthwise(self) -> bool:
        """Tell whether each signal has one filter, of adjacent taps and without bias."""
        depthwise = self.groups == self.in_channels == self.out_channels
        return depthwise and self.bias is None and self.dilation == (1,)


class SeparableConv(nn.Sequential):
    """A filter over time for each signal, then mixtures of the signals.

    Parameters
    ----------
    n_inputs : int
        Number of input signals.
    n_filters : int
        Number of output signals.
    kernel : int
        Length of the filters in samples.

    References
    ----------
    .. [1] Chollet, F. (2017). Xception: deep learning with depthwise separable convolutions.
       CVPR. https://doi.org/10.1109/CVPR.2017.195

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import SeparableConv
    >>> SeparableConv(3, 5, kernel=16)(torch.zeros(2, 3, 100)).shape
    torch.Size([2, 5, 100])
    """

    def __init__(self, n_inputs: int, n_filters: int, kernel: int) -> None:
        depthwise = SameConv(n_inputs, n_inputs, kernel, groups=n_inputs)
        pointwise = Conv(n_inputs, n_filters, 1, bias=False)
        super().__init__(OrderedDict(depthwise=depthwise, pointwise=pointwise))
