"""Temporal filters and dense spatial filters, composed to one convolution.

Equations are those of docs/user_guide/front_end.md.
"""

from __future__ import annotations

import torch
from torch import nn

from .._convolve import convolve
from ..max_norm import with_max_norm
from ._front_end import FrontEnd
from ._signals import Signals


class DenseTemporalSpatial(FrontEnd):
    """Front end of temporal filters and dense spatial filters.

    Each spatial filter combines all temporal filters of all channels, as in DeepConvNet and
    ShallowConvNet. There is no batch normalisation between the two.

    Parameters
    ----------
    n_chans : int
        Number of channels.
    n_filters : int
        Number of temporal filters.
    kernel : int
        Length of the temporal filters in samples. There is no zero padding, so that the output is
        shorter than the input by ``kernel - 1`` samples.
    spatial_n_filters : int
        Number of spatial filters.
    spatial_bias : bool, default=True
        Whether the spatial filters have biases. The temporal filters always have biases.
    max_norm : float or None, default=None
        Maximum norm of the weights of each temporal or spatial filter; None for no limit.

    Notes
    -----
    The parameters have the names and shapes of the plain layers: ``temporal`` is a ``Conv2d(1,
    n_filters, (1, kernel))``, ``spatial`` a ``Conv2d(n_filters, spatial_n_filters, (n_chans, 1))``.
    The two are computed as one convolution of the channels, Eq. (22) of
    docs/user_guide/front_end.md, so that the channels are not filtered one by one.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import DenseTemporalSpatial
    >>> front = DenseTemporalSpatial(n_chans=22, n_filters=40, kernel=25, spatial_n_filters=40)
    >>> front(torch.zeros(4, 22, 1000)).shape
    torch.Size([4, 40, 976])
    """

    def __init__(
        self,
        n_chans: int,
        n_filters: int,
        kernel: int,
        spatial_n_filters: int,
        spatial_bias: bool = True,
        max_norm: float | None = None,
    ) -> None:
        super().__init__()
        temporal = nn.Conv2d(1, n_filters, (1, kernel))
        spatial = nn.Conv2d(n_filters, spatial_n_filters, (n_chans, 1), bias=spatial_bias)
        self.temporal = with_max_norm(temporal, max_norm)
        self.spatial = with_max_norm(spatial, max_norm)

    def folded(self, mean: torch.Tensor, scale: torch.Tensor) -> nn.Module:
        """Return the front end folded for prediction; see :meth:`FrontEnd.folded`."""
        weight, bias = self._composed()
        weight = weight / scale[:, None]
        n_outputs, n_chans, kernel = weight.shape
        convolution = nn.utils.skip_init(nn.Conv1d, n_chans, n_outputs, kernel)
        convolution.weight.data = weight
        convolution.bias.data = bias - weight.sum(2) @ mean  # type: ignore[union-attr]
        return convolution

    def _plain_is_cheaper(self, x: torch.Tensor) -> bool:
        """Compare the numbers of multiplications per channel and time point, Eq. (25)."""
        n_filters, kernel = self.temporal.out_channels, self.temporal.kernel_size[1]
        n_outputs = self.spatial.out_channels
        return n_filters * (kernel + n_outputs) < n_outputs * kernel

    def _layer_by_layer(self, x: torch.Tensor) -> torch.Tensor:
        return self.spatial(self.temporal(x.unsqueeze(1))).squeeze(2)

    def _factorised(self, signals: Signals) -> torch.Tensor:
        return convolve(signals.standardized(), *self._composed())

    def _composed(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weight (spatial_n_filters, n_chans, kernel) and bias of Eq. (22)."""
        temporal, spatial = self.temporal.weight.flatten(1), self.spatial.weight.squeeze(3)
        bias = spatial.sum(2) @ self.temporal.bias  # type: ignore[operator]
        if self.spatial.bias is not None:
            bias = bias + self.spatial.bias
        return spatial.transpose(1, 2) @ temporal, bias
