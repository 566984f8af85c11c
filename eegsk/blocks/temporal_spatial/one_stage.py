"""One stage of filters over time, then filters over the electrodes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from .._precision import full_precision
from .._time_filters import FixedFilters, filter_time
from ..max_norm import with_max_norm
from ._folded import Folded
from ._front_end import FrontEnd, electrodes
from ._normalization import affine, normalize, running_affine
from ._signals import Signals
from ._window_statistics import Reach

# How much longer a multiplication takes in a torch convolution over time than in a matrix product.
_CONVOLUTION = 1.5


class TemporalSpatial(FrontEnd):
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
    bias : bool, default=False
        Whether filters, temporal and spatial, have biases; normalisation takes them away again,
        while it is trained.

    Notes
    -----
    Weights and running statistics are those of the plain layers, by name and shape: ``temporal``
    is a ``Conv2d(1, n_filters, (1, kernel))``, ``spatial`` a ``Conv2d`` over the electrodes in
    ``n_filters`` groups. What is computed is exactly what they would, in another order: the
    electrodes are mixed first, and ``n_filters * depth`` mixtures are filtered.

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
        bias: bool = False,
    ) -> None:
        super().__init__()
        n_outputs = n_filters * depth
        self.reach = ((kernel - 1) // 2, kernel // 2)
        self.temporal = nn.Conv2d(1, n_filters, (1, kernel), bias=bias)
        self.temporal_norm = nn.BatchNorm2d(n_filters)
        spatial = nn.Conv2d(n_filters, n_outputs, (n_chans, 1), groups=n_filters, bias=bias)
        self.spatial = with_max_norm(spatial, spatial_max_norm)
        self.spatial_norm = nn.BatchNorm1d(n_outputs)

    @property
    def window(self) -> Reach:
        """How many samples before and after its own a filter sees."""
        return self.reach

    def folded(self, mean: torch.Tensor, scale: torch.Tensor) -> Folded:
        """Return what the front end is in evaluation mode; see :meth:`FrontEnd.folded`."""
        depth = self.spatial.out_channels // self.temporal.out_channels
        norms = running_affine(self.temporal_norm), running_affine(self.spatial_norm)
        (by, plus), (then_by, then_plus) = norms
        plus = (plus + by * _bias(self.temporal)).repeat_interleave(depth)
        mixing, weight = self.spatial.weight.flatten(1), self.temporal.weight.flatten(1)
        constant = then_by * (plus * mixing.sum(1) + _bias(self.spatial)) + then_plus
        mixing = mixing * (by.repeat_interleave(depth) * then_by)[:, None]
        filters = FixedFilters(weight.repeat_interleave(depth, dim=0), self.reach[0])
        return Folded(electrodes(mixing, mean, scale), filters, constant)

    def _plain_is_best(self, x: torch.Tensor) -> bool:
        """Compare how much is multiplied for each trial and time."""
        n_filters, kernel = self.temporal.weight.shape[0], self.temporal.weight.shape[-1]
        n_outputs, n_chans = self.spatial.out_channels, x.shape[1]
        statistics = n_chans * kernel if self.training and self._sums is None else 0
        plain = n_chans * n_filters * kernel + n_outputs * n_chans
        return _CONVOLUTION * plain <= n_outputs * (n_chans + kernel) + statistics

    def _layer_by_layer(self, x: torch.Tensor) -> torch.Tensor:
        x = self.temporal(F.pad(x, self.reach).unsqueeze(1))
        return self.spatial_norm(self.spatial(self.temporal_norm(x)).squeeze(2))

    def _factorised(self, signals: Signals) -> torch.Tensor:
        with full_precision(signals.x):
            scale, shift = self._temporal_affine(signals)
        depth = self.spatial.out_channels // len(scale)
        scale, shift = scale.repeat_interleave(depth), shift.repeat_interleave(depth)
        mixing = self.spatial.weight.flatten(1)
        sources = signals.mixed((mixing * scale[:, None]).to(mixing.dtype))
        filtered = filter_time(
            sources.unflatten(1, (-1, depth)), self.temporal.weight.flatten(1), self.reach[0]
        )
        constant = shift * mixing.sum(1) + _bias(self.spatial)
        return normalize(self.spatial_norm, filtered.flatten(1, 2), constant)

    def _temporal_affine(self, signals: Signals) -> tuple[torch.Tensor, torch.Tensor]:
        """Return by what the first normalisation multiplies the filtered signals, and adds."""
        bias = _bias(self.temporal)

        def batch_statistics() -> tuple[torch.Tensor, torch.Tensor]:
            weight = self.temporal.weight.flatten(1)
            mean, variance = self._window_statistics(signals).filtered(weight)
            return mean + bias, variance

        scale, shift = affine(self.temporal_norm, batch_statistics, signals.x.numel())
        return scale, shift + scale * bias


def _bias(layer: nn.Conv2d) -> torch.Tensor | float:
    """Return the biases of a layer, zero if it has none."""
    return 0.0 if layer.bias is None else layer.bias
