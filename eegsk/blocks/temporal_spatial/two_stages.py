"""Two stages of filters over time, then filters over the electrodes."""

from __future__ import annotations

from functools import cache, partial

import torch
import torch.nn.functional as F
from torch import nn

from .._precision import at_least_single, full_precision
from ..max_norm import with_max_norm
from ._composition import FixedStages, Stage, TwoStages
from ._folded import Folded
from ._front_end import FrontEnd, electrodes
from ._normalization import affine, normalize, running_affine
from ._signals import Signals
from ._window_statistics import Reach

# What takes how long, measured, in multiplications of a matrix product: a tap of a convolution of
# several signals, a value that is normalised, and a signal's sample in Fourier transforms.
_TAP, _VALUE, _TRANSFORMS = 0.3, 40, 60


class TwoStageTemporalSpatial(FrontEnd):
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

    Notes
    -----
    Weights and running statistics are those of the plain layers, by name and shape: ``temporal``
    is a ``Conv2d(1, n_filters, (1, kernel))``, ``second_temporal`` a ``Conv2d(n_filters,
    second_n_filters, (1, second_kernel))``, ``spatial`` a ``Conv2d`` over the electrodes in
    ``second_n_filters`` groups. What is computed is exactly what they would, in another order: the
    electrodes are mixed first, and the mixtures are filtered once, by the two stages composed.

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
        self.spatial = with_max_norm(spatial, spatial_max_norm)
        self.spatial_norm = nn.BatchNorm1d(n_outputs)

    @property
    def window(self) -> Reach:
        """How many samples before and after its own a filter of filters sees."""
        return self.reach[0] + self.second_reach[0], self.reach[1] + self.second_reach[1]

    def folded(self, mean: torch.Tensor, scale: torch.Tensor) -> Folded:
        """Return what the front end is in evaluation mode; see :meth:`FrontEnd.folded`."""
        stages, by, plus = self._temporal_stages(Signals(mean))
        depth = self.spatial.out_channels // len(by)
        then_by, then_plus = running_affine(self.spatial_norm)
        mixing = self.spatial.weight.flatten(1)
        constant = then_by * plus.repeat_interleave(depth) * mixing.sum(1) + then_plus
        mixing = mixing * (by.repeat_interleave(depth) * then_by)[:, None]
        filters = FixedStages(stages, of_ones=mixing.sum(1).unflatten(0, (-1, depth)))
        return Folded(electrodes(mixing, mean, scale), filters, constant)

    def _plain_is_best(self, x: torch.Tensor) -> bool:
        """Compare the work for each trial and time, borders left out."""
        n_filters, kernel = self.temporal.weight.shape[0], self.temporal.weight.shape[-1]
        n_second, _, _, second_kernel = self.second_temporal.weight.shape
        n_outputs, n_chans = self.spatial.out_channels, x.shape[1]
        n_taps = n_filters * (kernel + n_second * second_kernel)
        plain = n_chans * (_TAP * n_taps + _VALUE * (n_filters + n_second) + n_outputs)
        statistics = n_chans * _TRANSFORMS if self.training and self._sums is None else 0
        factorised = n_outputs * (n_chans + _TRANSFORMS) + statistics
        borders_meet = x.shape[2] < sum(self.second_reach)
        return borders_meet or plain <= factorised

    def _layer_by_layer(self, x: torch.Tensor) -> torch.Tensor:
        x = self.temporal_norm(self.temporal(F.pad(x, self.reach).unsqueeze(1)))
        x = self.second_temporal_norm(self.second_temporal(F.pad(x, self.second_reach)))
        return self.spatial_norm(self.spatial(x).squeeze(2))

    def _factorised(self, signals: Signals) -> torch.Tensor:
        with full_precision(signals.x):
            stages, scale, shift = self._temporal_stages(signals)
        depth = self.spatial.out_channels // len(scale)
        scale, shift = scale.repeat_interleave(depth), shift.repeat_interleave(depth)
        mixing = self.spatial.weight.flatten(1)
        scaled = (mixing * scale[:, None]).to(mixing.dtype)
        sources = signals.mixed(scaled).unflatten(1, (-1, depth))
        filtered = stages.filter(sources, of_ones=scaled.sum(1).unflatten(0, (-1, depth)))
        return normalize(self.spatial_norm, filtered.flatten(1, 2), shift * mixing.sum(1))

    def _temporal_stages(self, signals: Signals) -> tuple[TwoStages, torch.Tensor, torch.Tensor]:
        """Return both stages as one, and what the second normalisation multiplies by and adds."""
        windows = cache(partial(self._window_statistics, signals))
        weight = self.temporal.weight.flatten(1)
        scale, shift = affine(
            self.temporal_norm,
            lambda: windows().within(self.reach).filtered(weight),
            n_values=signals.x.numel(),
        )
        first = Stage(at_least_single(weight) * scale[:, None], shift, self.reach)
        second_weight = at_least_single(self.second_temporal.weight.squeeze(2))
        stages = TwoStages(first, second_weight, self.second_reach)
        scale, shift = affine(
            self.second_temporal_norm,
            lambda: stages.statistics(signals, windows()),
            n_values=signals.x.numel(),
        )
        return stages, scale, shift + scale * stages.constant
