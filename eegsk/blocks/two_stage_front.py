"""The front end of EEGNeX: two stages of filters over time, then filters over the electrodes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from .constraint import max_norm


class TwoStageTemporalSpatial(nn.Module):
    """Temporal filters of temporal filters, each followed by its own spatial filters.

    All three are batch-normalised, and time keeps its length.

    Parameters
    ----------
    n_chans : int
        Number of electrodes.
    n_filters : int
        Number of temporal filters of the first stage.
    kernel : int
        Their length in samples.
    second_n_filters : int
        Number of temporal filters of the second stage; each sees all of the first.
    second_kernel : int
        Their length in samples.
    depth : int
        Number of spatial filters for each temporal filter of the second stage.
    spatial_max_norm : float or None, default=None
        The largest norm of a spatial filter.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import TwoStageTemporalSpatial
    >>> front = TwoStageTemporalSpatial(
    ...     n_chans=3, n_filters=2, kernel=16, second_n_filters=4, second_kernel=16, depth=2
    ... )
    >>> front(torch.zeros(5, 3, 100)).shape
    torch.Size([5, 8, 100])
    """

    def __init__(
        self,
        n_chans: int,
        n_filters: int,
        kernel: int,
        second_n_filters: int,
        second_kernel: int,
        depth: int,
        spatial_max_norm: float | None = None,
    ) -> None:
        super().__init__()
        n_outputs = second_n_filters * depth
        self.reach = ((kernel - 1) // 2, kernel // 2)
        self.second_reach = ((second_kernel - 1) // 2, second_kernel // 2)
        self.temporal = nn.Conv2d(1, n_filters, (1, kernel), bias=False)
        self.temporal_norm = nn.BatchNorm2d(n_filters)
        self.second_temporal = nn.Conv2d(
            n_filters, second_n_filters, (1, second_kernel), bias=False
        )
        self.second_temporal_norm = nn.BatchNorm2d(second_n_filters)
        spatial = nn.Conv2d(
            second_n_filters, n_outputs, (n_chans, 1), groups=second_n_filters, bias=False
        )
        self.spatial = max_norm(spatial, spatial_max_norm)
        self.spatial_norm = nn.BatchNorm1d(n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter trials, (n_trials, n_chans, n_times), into (n_trials, n_outputs, n_times)."""
        x = self.temporal_norm(self.temporal(F.pad(x, self.reach).unsqueeze(1)))
        x = self.second_temporal_norm(self.second_temporal(F.pad(x, self.second_reach)))
        return self.spatial_norm(self.spatial(x).squeeze(2))
