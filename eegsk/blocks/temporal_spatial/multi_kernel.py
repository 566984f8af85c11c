"""Front end with temporal filters of several lengths."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from .._tracing import is_traced
from ._window_statistics import Reach
from .one_stage import TemporalSpatial


class MultiKernelTemporalSpatial(TemporalSpatial):
    """Front end of temporal filters of several lengths, each with its own spatial filters.

    The outputs of both are batch-normalised. The output is as long as the input.

    Parameters
    ----------
    n_chans : int
        Number of channels.
    n_filters : int
        Number of temporal filters of each length.
    kernels : sequence of int
        Lengths of the temporal filters in samples.
    depth : int
        Number of spatial filters for each temporal filter.
    spatial_max_norm : float or None, default=None
        Maximum norm of the weights of each spatial filter; None for no limit.

    Notes
    -----
    The filters are zero-padded to the length of the longest, so that all are computed together by
    the factorised form of :class:`TemporalSpatial`. The parameters are those of one ``Conv2d(1,
    n_filters, (1, kernel))`` for each length, and of layers for all filters together: batch
    normalisation and spatial filters.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import MultiKernelTemporalSpatial
    >>> front = MultiKernelTemporalSpatial(n_chans=22, n_filters=4, kernels=(20, 32, 64), depth=2)
    >>> front(torch.zeros(4, 22, 1000)).shape
    torch.Size([4, 24, 1000])
    """

    temporal: _FilterBank  # type: ignore[assignment]

    def __init__(
        self,
        n_chans: int,
        n_filters: int,
        kernels: Sequence[int],
        depth: int,
        spatial_max_norm: float | None = None,
    ) -> None:
        super().__init__(n_chans, n_filters * len(kernels), max(kernels), depth, spatial_max_norm)
        self.temporal = _FilterBank(n_filters, kernels, self.reach)


def _pad(weight: torch.Tensor, left: int, right: int) -> torch.Tensor:
    if not is_traced():
        return F.pad(weight, (left, right))
    # ONNX does not know the shape of padded weights, which it needs for a convolution.
    start, end = (weight.new_zeros(*weight.shape[:3], n) for n in (left, right))
    return torch.cat([start, weight, end], dim=3)


class _FilterBank(nn.Module):
    """Temporal filters of several lengths, with the interface of one ``Conv2d``.

    Parameters
    ----------
    n_filters : int
        Number of filters of each length.
    kernels : sequence of int
        Lengths of the filters in samples.
    reach : (int, int)
        Number of samples that the longest filter covers before and after the current one.
    """

    bias: None = None

    def __init__(self, n_filters: int, kernels: Sequence[int], reach: Reach) -> None:
        super().__init__()
        self.out_channels = n_filters * len(kernels)
        self.filters = nn.ModuleList(
            nn.Conv2d(1, n_filters, (1, kernel), bias=False) for kernel in kernels
        )
        # Numbers of zeros before and after the taps of each filter.
        self._margins = [(reach[0] - (k - 1) // 2, reach[1] - k // 2) for k in kernels]

    @property
    def weight(self) -> torch.Tensor:
        """All filters, zero-padded to the length of the longest."""
        weights = [
            _pad(filters.weight, *margins)  # type: ignore[arg-type]
            for filters, margins in zip(self.filters, self._margins, strict=True)
        ]
        return torch.cat(weights)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter ``x`` of shape (n_trials, 1, n_chans, n_times), padded for the longest filter."""
        filtered = [
            filters(x[..., start : x.shape[-1] - end])
            for filters, (start, end) in zip(self.filters, self._margins, strict=True)
        ]
        return torch.cat(filtered, dim=1)
