"""Attention over feature maps."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import nn

from .activation import make_activation
from .convolution import Conv, SameConv


class FeatureAttention(nn.Module):
    """Attention over feature maps and time points, with a residual convolution.

    The maps are multiplied by a mask, and a convolution of the maps is added. The mask has a value
    between 0 and 1 for each map and time point of each trial. It is computed from the maps by two
    convolutions: a few temporal filters [1]_, [2]_, then mixtures of their outputs. Each
    convolution is followed by batch normalisation and the activation; for the mixtures, the
    activation is the sigmoid.

    Parameters
    ----------
    n_maps : int
        Number of feature maps.
    kernel : int
        Length of the filters of the mask and of the residual convolution in samples.
    reduction : int
        Ratio of the number of maps to the number of temporal filters of the mask, e.g. 4.
    activation : str or callable
        Name of a torch activation, or a callable that returns a module.

    References
    ----------
    .. [1] Hu, J., Shen, L., & Sun, G. (2018). Squeeze-and-excitation networks. CVPR.
       https://doi.org/10.1109/CVPR.2018.00745
    .. [2] Woo, S., Park, J., Lee, J.-Y., & Kweon, I. S. (2018). CBAM: convolutional block attention
       module. ECCV. https://doi.org/10.1007/978-3-030-01234-2_1

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
                convolution=SameConv(n_maps, n_hidden, kernel),
                norm=nn.BatchNorm1d(n_hidden),
                activation=make_activation(activation),
                mixture=Conv(n_hidden, n_maps, 1, bias=False),
                mixture_norm=nn.BatchNorm1d(n_maps),
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
        """Apply attention to ``x`` of shape (n_trials, n_maps, n_times); the shape is kept."""
        return x * self.mask(x) + self.residual(x)


class GroupAttention(nn.Module):
    """Attention over groups of feature maps.

    Each group of maps is multiplied by a value between 0 and 1, which two dense layers compute from
    the means of the maps over time [1]_.

    Parameters
    ----------
    n_maps : int
        Number of feature maps.
    n_groups : int
        Number of groups of maps. The value of a group depends on its own maps only.
    reduction : int
        Ratio of the number of maps to the number of hidden units, e.g. 4.

    References
    ----------
    .. [1] Hu, J., Shen, L., & Sun, G. (2018). Squeeze-and-excitation networks. CVPR.
       https://doi.org/10.1109/CVPR.2018.00745

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import GroupAttention
    >>> GroupAttention(n_maps=48, n_groups=3, reduction=4)(torch.zeros(2, 48, 60)).shape
    torch.Size([2, 48, 60])
    """

    def __init__(self, n_maps: int, n_groups: int, reduction: int) -> None:
        super().__init__()
        n_hidden = n_groups * max(1, n_maps // n_groups // reduction)
        self.weights = nn.Sequential(
            OrderedDict(
                hidden=nn.Conv1d(n_maps, n_hidden, 1, groups=n_groups, bias=False),
                activation=nn.ReLU(),
                output=nn.Conv1d(n_hidden, n_groups, 1, groups=n_groups, bias=False),
                sigmoid=nn.Sigmoid(),
            )
        )
        self.n_groups = n_groups

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply attention to ``x`` of shape (n_trials, n_maps, n_times); the shape is kept."""
        weights = self.weights(x.mean(2, keepdim=True))
        return x * weights.repeat_interleave(x.shape[1] // self.n_groups, dim=1)
