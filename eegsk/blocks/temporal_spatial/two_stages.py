"""Two stages of temporal filters, then spatial filters, all batch-normalised.

Equations are those of docs/user_guide/front_end.md.
"""

from __future__ import annotations

from functools import cache, partial

import torch
import torch.nn.functional as F
from torch import nn

from .._precision import at_least_single, full_precision
from ..max_norm import with_max_norm
from ._composition import FixedStages, Stage, TwoStages
from ._folded import FoldedFrontEnd, channel_mixture, fused
from ._front_end import FrontEnd, is_small_on_gpu
from ._normalization import affine, normalize
from ._signals import Signals
from ._window_statistics import Reach

# Measured costs, relative to a multiplication in a matrix product: a tap of a convolution of
# several signals, the batch normalisation of a value, and the Fourier transforms of a sample.
_TAP_COST, _NORM_COST, _FFT_COST = 0.3, 40, 60


class TwoStageTemporalSpatial(FrontEnd):
    """Front end of two stages of temporal filters, then spatial filters, as in EEGNeX.

    The outputs of all three layers are batch-normalised. The output is as long as the input.

    Parameters
    ----------
    n_chans : int
        Number of channels.
    n_filters : int
        Number of temporal filters of the first stage.
    kernel : int
        Length of the temporal filters of the first stage in samples.
    second_n_filters : int
        Number of temporal filters of the second stage; each combines all filters of the first.
    second_kernel : int
        Length of the temporal filters of the second stage in samples.
    depth : int
        Number of spatial filters for each temporal filter of the second stage.
    spatial_max_norm : float or None, default=None
        Maximum norm of the weights of each spatial filter; None for no limit.

    Notes
    -----
    The parameters and running statistics have the names and shapes of the plain layers:
    ``temporal`` is a ``Conv2d(1, n_filters, (1, kernel))``, ``second_temporal`` a
    ``Conv2d(n_filters, second_n_filters, (1, second_kernel))``, ``spatial`` a ``Conv2d`` over the
    channels in ``second_n_filters`` groups. The outputs are those of the plain layers, too, but
    they are computed in another order: the channels are mixed first, and the mixtures are filtered
    once, by the two stages composed to one; see "Two temporal stages" in
    docs/user_guide/front_end.md.

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
        """Number of samples that a composed filter covers before and after the current one."""
        return self.reach[0] + self.second_reach[0], self.reach[1] + self.second_reach[1]

    def temporal_filters(self) -> torch.Tensor:
        """Return the composed filters; see :meth:`FrontEnd.temporal_filters`."""
        stages, scale, _ = self._temporal_stages(Signals(self.temporal.weight))
        return stages.weight * scale[:, None]

    def folded(self, mean: torch.Tensor, scale: torch.Tensor) -> FoldedFrontEnd:
        """Return the front end folded for prediction; see :meth:`FrontEnd.folded`."""
        # The running statistics are used; the argument stands for trials, which are not needed.
        stages, temporal_scale, temporal_shift = self._temporal_stages(Signals(mean))
        spatial, spatial_constant = fused(self.spatial, self.spatial_norm)
        depth = len(spatial) // len(temporal_scale)
        constant = temporal_shift.repeat_interleave(depth) * spatial.sum(1) + spatial_constant
        spatial = spatial * temporal_scale.repeat_interleave(depth)[:, None]
        filters = FixedStages(stages, spatial.sum(1).unflatten(0, (-1, depth)))
        return FoldedFrontEnd(channel_mixture(spatial, mean, scale), filters, constant)

    def _plain_is_cheaper(self, x: torch.Tensor) -> bool:
        """Compare the costs per trial and time point, Eq. (24).

        Trials so short that the corrections at their borders overlap are computed layer by layer.
        """
        n_filters, kernel = self.temporal.weight.shape[0], self.temporal.weight.shape[-1]
        n_second, _, _, second_kernel = self.second_temporal.weight.shape
        n_outputs, n_chans = self.spatial.out_channels, x.shape[1]
        n_taps = n_filters * (kernel + n_second * second_kernel)
        plain = n_chans * (_TAP_COST * n_taps + _NORM_COST * (n_filters + n_second) + n_outputs)
        needs_statistics = self.training and self._statistics is None
        statistics = n_chans * _FFT_COST if needs_statistics else 0
        factorised = n_outputs * (n_chans + _FFT_COST) + statistics
        is_too_short = x.shape[2] < sum(self.second_reach)
        return is_too_short or is_small_on_gpu(x, n_filters) or plain <= factorised

    def _layer_by_layer(self, x: torch.Tensor) -> torch.Tensor:
        x = self.temporal_norm(self.temporal(F.pad(x, self.reach).unsqueeze(1)))
        x = self.second_temporal_norm(self.second_temporal(F.pad(x, self.second_reach)))
        return self.spatial_norm(self.spatial(x).squeeze(2))

    def _factorised(self, signals: Signals) -> torch.Tensor:
        """Compute Eq. (4) with the composed filters, and its batch normalisation."""
        with full_precision(signals.x):
            stages, scale, shift = self._temporal_stages(signals)
        depth = self.spatial.out_channels // len(scale)
        scale, shift = scale.repeat_interleave(depth), shift.repeat_interleave(depth)
        mixing = self.spatial.weight.flatten(1)
        scaled = (mixing * scale[:, None]).to(mixing.dtype)
        mixtures = signals.mixed(scaled).unflatten(1, (-1, depth))
        filtered = stages.filter(mixtures, scaled.sum(1).unflatten(0, (-1, depth)))
        return normalize(self.spatial_norm, filtered.flatten(1, 2), shift * mixing.sum(1))

    def _temporal_stages(self, signals: Signals) -> tuple[TwoStages, torch.Tensor, torch.Tensor]:
        """Return the composed stages, and the affine map of the second normalisation.

        Returns
        -------
        stages : TwoStages
            Both stages, with the first normalisation.
        scale, shift : torch.Tensor of shape (second_n_filters,)
            Scale and shift of the outputs of ``stages.filter``. The shift includes the constants of
            the stages.
        """
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
