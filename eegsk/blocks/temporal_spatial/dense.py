"""Filters over time, then mixtures of all of them and all electrodes, as one convolution."""

from __future__ import annotations

import torch
from torch import nn

from .._convolve import convolve
from ..max_norm import with_max_norm
from ._front_end import FrontEnd
from ._signals import Signals


class DenseTemporalSpatial(FrontEnd):
    """Temporal filters, then spatial filters that each see all of them on all electrodes.

    Parameters
    ----------
    n_chans : int
        Number of electrodes.
    n_filters : int
        Number of temporal filters.
    kernel : int
        Their length in samples; they stay within the signal, which gets shorter.
    spatial_n_filters : int
        Number of spatial filters.
    spatial_bias : bool, default=True
        Whether the spatial filters have biases, as the temporal ones have.
    max_norm : float or None, default=None
        The largest norm of a filter, temporal or spatial.

    Notes
    -----
    Weights are those of the plain layers, by name and shape: ``temporal`` is a
    ``Conv2d(1, n_filters, (1, kernel))``, ``spatial`` a ``Conv2d(n_filters, spatial_n_filters,
    (n_chans, 1))``. With nothing but sums between them, the two are one convolution of the
    electrodes, which spares the temporal filters' outputs on every electrode.

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
        """Return what the front end is in evaluation mode; see :meth:`FrontEnd.folded`."""
        weight, bias = self._composed()
        weight = weight / scale[:, None]
        n_outputs, n_chans, kernel = weight.shape
        convolution = nn.utils.skip_init(nn.Conv1d, n_chans, n_outputs, kernel)
        convolution.weight.data = weight
        convolution.bias.data = bias - weight.sum(2) @ mean  # type: ignore[union-attr]
        return convolution

    def _plain_is_best(self, x: torch.Tensor) -> bool:
        """Tell whether one after the other the layers take fewer multiplications than as one."""
        n_filters, kernel = self.temporal.out_channels, self.temporal.kernel_size[1]
        n_outputs = self.spatial.out_channels
        return n_filters * (kernel + n_outputs) < n_outputs * kernel

    def _layer_by_layer(self, x: torch.Tensor) -> torch.Tensor:
        return self.spatial(self.temporal(x.unsqueeze(1))).squeeze(2)

    def _factorised(self, signals: Signals) -> torch.Tensor:
        return convolve(signals.all(), *self._composed())

    def _composed(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weight, (spatial_n_filters, n_chans, kernel), and bias of the one convolution."""
        temporal, spatial = self.temporal.weight.flatten(1), self.spatial.weight.squeeze(3)
        bias = spatial.sum(2) @ self.temporal.bias  # type: ignore[operator]
        if self.spatial.bias is not None:
            bias = bias + self.spatial.bias
        return spatial.transpose(1, 2) @ temporal, bias
