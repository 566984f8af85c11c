"""Convolutions over time."""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

from ._convolve import convolve
from ._time_filters import filter_time


class Conv(nn.Conv1d):
    """Convolution over time without padding.

    The results are those of ``torch.nn.Conv1d``. On a CPU, the gradients take a fraction of the
    time.

    Parameters
    ----------
    in_channels : int
        Number of input signals.
    out_channels : int
        Number of filters.
    kernel_size : int
        Length of the filters in samples.
    bias : bool, default=True
        Whether each filter has a bias.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import Conv
    >>> Conv(3, 5, kernel_size=16)(torch.zeros(2, 3, 100)).shape
    torch.Size([2, 5, 85])
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, bias: bool = True
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter ``x`` of shape (n_trials, in_channels, n_times)."""
        return convolve(x, self.weight, self.bias)


class SameConv(nn.Conv1d):
    """Convolution over time, zero-padded so that the output is as long as the input.

    If ``kernel_size`` is even, one more zero is added after the signal than before it, as in
    Keras.

    Parameters
    ----------
    in_channels : int
        Number of input signals.
    out_channels : int
        Number of filters.
    kernel_size : int
        Length of the filters in samples.
    dilation : int, default=1
        Distance between the taps of a filter in samples.
    groups : int, default=1
        Number of groups of signals; a filter combines the signals of its group only.
    bias : bool, default=False
        Whether each filter has a bias.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import SameConv
    >>> SameConv(3, 5, kernel_size=16)(torch.zeros(2, 3, 100)).shape
    torch.Size([2, 5, 100])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, dilation=dilation, groups=groups, bias=bias
        )
        span = dilation * (kernel_size - 1)
        self.reach = (span // 2, span - span // 2)  # numbers of zeros before and after the signal

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter ``x`` of shape (n_trials, in_channels, n_times)."""
        if self._is_depthwise():
            return filter_time(x.unsqueeze(2), self.weight.squeeze(1), self.reach[0]).squeeze(2)
        x = F.pad(x, self.reach)
        if self.groups > 1:
            return super().forward(x)
        return convolve(x, self.weight, self.bias, self.dilation[0])

    def _is_depthwise(self) -> bool:
        """Return whether each signal has one filter, without dilation and bias."""
        is_depthwise = self.groups == self.in_channels == self.out_channels
        return is_depthwise and self.bias is None and self.dilation == (1,)


class SeparableConv(nn.Sequential):
    """Depthwise separable convolution: one temporal filter per signal, then mixtures of signals.

    Parameters
    ----------
    in_channels : int
        Number of input signals.
    out_channels : int
        Number of output signals.
    kernel_size : int
        Length of the temporal filters in samples.

    References
    ----------
    .. [1] Chollet, F. (2017). Xception: deep learning with depthwise separable convolutions.
       CVPR. https://doi.org/10.1109/CVPR.2017.195

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import SeparableConv
    >>> SeparableConv(3, 5, kernel_size=16)(torch.zeros(2, 3, 100)).shape
    torch.Size([2, 5, 100])
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        depthwise = SameConv(in_channels, in_channels, kernel_size, groups=in_channels)
        pointwise = Conv(in_channels, out_channels, 1, bias=False)
        super().__init__(OrderedDict(depthwise=depthwise, pointwise=pointwise))
