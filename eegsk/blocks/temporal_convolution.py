"""Temporal convolutional networks: residual blocks of causal, dilated convolutions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from ._convolve import convolve
from .activation import make_activation
from .containers import Residual
from .dropout import Dropout


class CausalConv(nn.Conv1d):
    """Causal convolution: an output does not depend on later samples of the input.

    The signal is zero-padded at its beginning, so that the output is as long as the input. The
    initial weights are uniform with the variance of [1]_.

    Parameters
    ----------
    in_channels : int
        Number of input signals.
    out_channels : int
        Number of filters.
    kernel_size : int
        Number of taps of a filter.
    dilation : int, default=1
        Distance between the taps of a filter in samples.
    groups : int, default=1
        Number of groups of signals; a filter combines the signals of its group only.
    bias : bool, default=True
        Whether each filter has a bias.

    References
    ----------
    .. [1] He, K., Zhang, X., Ren, S., & Sun, J. (2015). Delving deep into rectifiers: surpassing
       human-level performance on ImageNet classification. ICCV.
       https://doi.org/10.1109/ICCV.2015.123

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import CausalConv
    >>> CausalConv(3, 5, kernel_size=4, dilation=2)(torch.zeros(2, 3, 100)).shape
    torch.Size([2, 5, 100])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, dilation=dilation, groups=groups, bias=bias
        )
        nn.init.kaiming_uniform_(self.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter ``x`` of shape (n_trials, in_channels, n_times)."""
        x = F.pad(x, (self.dilation[0] * (self.kernel_size[0] - 1), 0))
        if self.groups > 1:
            return super().forward(x)
        return convolve(x, self.weight, self.bias, self.dilation[0])


class TemporalConvNet(nn.Sequential):
    """Temporal convolutional network: residual blocks whose dilation doubles.

    A block has two causal convolutions, each followed by batch normalisation, an activation and
    dropout. Its input is added to the result, and another activation follows. The taps of the
    filters are 1, 2, 4, ... samples apart in the first, second, third, ... block.

    Parameters
    ----------
    in_channels : int
        Number of input signals.
    out_channels : int
        Number of filters of each convolution. If it differs from ``in_channels``, filters of one
        tap are applied to the input of the first block before it is added.
    kernel_size : int
        Number of taps of the filters.
    n_blocks : int
        Number of blocks.
    groups : int, default=1
        Number of groups of signals that are not mixed, i.e. of independent networks.
    bias : bool, default=True
        Whether the causal convolutions have biases, which batch normalisation removes.
    dropout : float, default=0.0
        Probability of setting a value to zero after each causal convolution.
    activation : str or callable, default="elu"
        Name of a torch activation, or a callable that returns a module.
    norm_eps : float, default=1e-5
        Value added to the variances by batch normalisation.

    References
    ----------
    .. [1] Bai, S., Kolter, J. Z., & Koltun, V. (2018). An empirical evaluation of generic
       convolutional and recurrent networks for sequence modeling.
       https://doi.org/10.48550/arXiv.1803.01271

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import TemporalConvNet
    >>> network = TemporalConvNet(16, 12, kernel_size=4, n_blocks=2)
    >>> network(torch.zeros(2, 16, 15)).shape
    torch.Size([2, 12, 15])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        n_blocks: int,
        groups: int = 1,
        bias: bool = True,
        dropout: float = 0.0,
        activation: str | Callable[[], nn.Module] = "elu",
        norm_eps: float = 1e-5,
    ) -> None:
        def unit(n_signals: int, dilation: int) -> nn.Module:
            return nn.Sequential(
                OrderedDict(
                    convolution=CausalConv(
                        n_signals, out_channels, kernel_size, dilation, groups, bias
                    ),
                    norm=nn.BatchNorm1d(out_channels, eps=norm_eps),
                    activation=make_activation(activation),
                    dropout=Dropout(dropout),
                )
            )

        layers = []
        for block in range(n_blocks):
            n_signals = out_channels if block else in_channels
            units = OrderedDict(
                first=unit(n_signals, 2**block), second=unit(out_channels, 2**block)
            )
            shortcut = None
            if n_signals != out_channels:
                shortcut = CausalConv(n_signals, out_channels, 1, groups=groups)
            layers += [Residual(units, shortcut), make_activation(activation)]
        super().__init__(*layers)
