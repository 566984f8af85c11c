"""The front end of the networks: filters over time, then filters over the electrodes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from .constraint import max_norm


class TemporalSpatial(nn.Module):
    """Temporal filters, each followed by its own spatial filters, both batch-normalised.

    Parameters
    ----------
    n_chans : int
        Number of electrodes.
    n_filters : int
        Number of temporal filters.
    kernel : int
        Their length in samples; zero-padded, so that time keeps its length.
    depth : int
        Number of spatial filters for each temporal filter.
    spatial_max_norm : float or None, default=None
        The largest norm of a spatial filter.

    Notes
    -----
    Weights and running statistics have the shapes of the plain layers: ``temporal`` is a
    ``Conv2d(1, n_filters, (1, kernel))``, ``spatial`` a grouped ``Conv2d`` over the electrodes.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import TemporalSpatial
    >>> front = TemporalSpatial(n_chans=22, n_filters=8, kernel=64, depth=2)
    >>> front(torch.zeros(4, 22, 1000)).shape
    torch.Size([4, 16, 1000])
    """

    def __init__(
        self,
        n_chans: int,
        n_filters: int,
        kernel: int,
        depth: int,
        spatial_max_norm: float | None = None,
    ) -> None:
        super().__init__()
        n_outputs = n_filters * depth
        self.reach = ((kernel - 1) // 2, kernel // 2)
        self.temporal = nn.Conv2d(1, n_filters, (1, kernel), bias=False)
        self.temporal_norm = nn.BatchNorm2d(n_filters)
        spatial = nn.Conv2d(n_filters, n_outputs, (n_chans, 1), groups=n_filters, bias=False)
        self.spatial = max_norm(spatial, spatial_max_norm)
        self.spatial_norm = nn.BatchNorm1d(n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter trials, (n_trials, n_chans, n_times), into (n_trials, n_outputs, n_times)."""
        x = self.temporal(F.pad(x, self.reach).unsqueeze(1))
        x = self.spatial(self.temporal_norm(x)).squeeze(2)
        return self.spatial_norm(x)
