"""Attention over feature maps."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import nn

from .activation import make_activation
from .convolution import SameConv


class FeatureAttention(nn.Module):
    """Squeeze-and-excitation attention with a residual convolution.

    Each feature map of each trial is multiplied by a value between 0 and 1. These values are
    computed from the means of the maps over time by two dense layers and a sigmoid [1]_. A
    batch-normalised convolution of the maps is added to the result.

    Parameters
    ----------
    n_maps : int
        Number of feature maps.
    kernel : int
        Length of the filters of the residual convolution in samples.
    reduction : int
        Number of feature maps divided by the number of hidden values, e.g. 4.
    activation : str or callable
        Name of a torch activation, or a callable that returns a module.

    References
    ----------
    .. [1] Hu, J., Shen, L., & Sun, G. (2018). Squeeze-and-excitation networks. CVPR.
       https://doi.org/10.1109/CVPR.2018.00745

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import FeatureAttention
    >>> attention = FeatureAttention(n_maps=8, kernel=5, reduction=4, activation="gelu")
    >>> attention(torch.zeros(2, 8, 100)).shape
    torch.Size([2, 8, 100])
    """

    def __init__(
        self, n_maps: int, kernel: int, reduction: int, activation: str | Callable[[], nn.Module]
    ) -> None:
        super().__init__()
        n_hidden = max(1, n_maps // reduction)
        self.mask = nn.Sequential(
            OrderedDict(
                squeeze=nn.AdaptiveAvgPool1d(1),
                flatten=nn.Flatten(),
                hidden=nn.Linear(n_maps, n_hidden),
                activation=make_activation(activation),
                output=nn.Linear(n_hidden, n_maps),
                sigmoid=nn.Sigmoid(),
            )
        )
        self.residual = nn.Sequential(
            OrderedDict(
                convolution=SameConv(n_maps, n_maps, kernel),
                norm=nn.BatchNorm1d(n_maps),
                activation=make_activation(activation),
            )
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply attention to maps of shape (n_trials, n_maps, n_times), which stays the same."""
        return x * self.mask(x).unsqueeze(2) + self.residual(x)
