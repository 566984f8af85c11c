"""One stage of temporal filters, then spatial filters, both batch-normalised.

Equations are those of docs/user_guide/front_end.md.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from .._precision import full_precision
from .._time_filters import FixedFilters, filter_time
from ..max_norm import with_max_norm
from ._folded import FoldedFrontEnd, channel_mixture, fused
from ._front_end import FrontEnd, is_small_on_gpu
from ._normalization import affine, normalize
from ._signals import Signals
from ._window_statistics import Reach

# Time of a multiplication in a torch convolution over time, relative to one in a matrix product.
_CONVOLUTION_COST = 1.5


class TemporalSpatial(FrontEnd):
    """Front end of temporal filters, each with its own spatial filters, as in EEGNet.

    The outputs of both are batch-normalised. By default the output is as long as the input.

    Parameters
    ----------
    n_chans : int
        Number of channels.
    n_filters : int
        Number of temporal filters.
    kernel : int
        Length of the temporal filters in samples.
    depth : int
        Number of spatial filters for each temporal filter.
    spatial_max_norm : float or None, default=None
        Maximum norm of the weights of each spatial filter; None for no limit.
    bias : bool, default=False
        Whether the temporal and the spatial filters have biases. In training, the batch
        normalisation after a layer removes its biases.
    padding : (int, int) or None, default=None
        Number of zeros before and after the signal, at most ``kernel - 1`` each; None for
        ``((kernel - 1) // 2, kernel // 2)``. With ``kernel - 1`` zeros in total, the output is as
        long as the input. Each additional zero adds one sample, e.g. ``padding=(16, 16)`` with
        ``kernel=32``. Fewer zeros are not allowed.

    Raises
    ------
    ValueError
        If the output would be shorter than the input, or ``padding`` exceeds ``kernel - 1``.

    Notes
    -----
    The parameters and running statistics have the names and shapes of the plain layers:
    ``temporal`` is a ``Conv2d(1, n_filters, (1, kernel))``, ``spatial`` a ``Conv2d`` over the
    channels in ``n_filters`` groups. The outputs are those of the plain layers, too, but they are
    computed in another order, Eq. (4) of docs/user_guide/front_end.md: the channels are mixed
    first, and the ``n_filters * depth`` mixtures are filtered.

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
        padding: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        n_outputs = n_filters * depth
        self.padding = ((kernel - 1) // 2, kernel // 2) if padding is None else padding
        self.n_added = sum(self.padding) - (kernel - 1)
        if self.n_added < 0 or max(self.padding) > kernel - 1:
            raise ValueError(
                f"TemporalSpatial: padding={padding} should be two integers of at most kernel - 1 "
                f"= {kernel - 1} each, with a sum of at least {kernel - 1}."
            )
        self.reach = (self.padding[0], kernel - 1 - self.padding[0])
        self.temporal = nn.Conv2d(1, n_filters, (1, kernel), bias=bias)
        self.temporal_norm = nn.BatchNorm2d(n_filters)
        spatial = nn.Conv2d(n_filters, n_outputs, (n_chans, 1), groups=n_filters, bias=bias)
        self.spatial = with_max_norm(spatial, spatial_max_norm)
        self.spatial_norm = nn.BatchNorm1d(n_outputs)

    @property
    def window(self) -> Reach:
        """Number of samples that a temporal filter covers before and after the current one."""
        return self.reach

    def folded(self, mean: torch.Tensor, scale: torch.Tensor) -> FoldedFrontEnd:
        """Return the front end folded for prediction; see :meth:`FrontEnd.folded`."""
        temporal, temporal_constant = fused(self.temporal, self.temporal_norm)
        spatial, spatial_constant = fused(self.spatial, self.spatial_norm)
        depth = len(spatial) // len(temporal)
        filters = FixedFilters(temporal.repeat_interleave(depth, dim=0), *self.padding)
        constant = temporal_constant.repeat_interleave(depth) * spatial.sum(1) + spatial_constant
        return FoldedFrontEnd(channel_mixture(spatial, mean, scale), filters, constant)

    def _plain_is_cheaper(self, x: torch.Tensor) -> bool:
        """Compare the numbers of multiplications per trial and time point, Eq. (23)."""
        n_filters, kernel = self.temporal.weight.shape[0], self.temporal.weight.shape[-1]
        n_outputs, n_chans = self.spatial.out_channels, x.shape[1]
        needs_statistics = self.training and self._statistics is None
        statistics = n_chans * kernel if needs_statistics else 0
        plain = n_chans * n_filters * kernel + n_outputs * n_chans
        factorised = n_outputs * (n_chans + kernel) + statistics
        return is_small_on_gpu(x, n_filters) or _CONVOLUTION_COST * plain <= factorised

    def _layer_by_layer(self, x: torch.Tensor) -> torch.Tensor:
        x = self.temporal(F.pad(x, self.padding).unsqueeze(1))
        return self.spatial_norm(self.spatial(self.temporal_norm(x)).squeeze(2))

    def _factorised(self, signals: Signals) -> torch.Tensor:
        """Compute Eq. (4) and its batch normalisation."""
        with full_precision(signals.x):
            scale, shift = self._temporal_affine(signals)
        depth = self.spatial.out_channels // len(scale)
        scale, shift = scale.repeat_interleave(depth), shift.repeat_interleave(depth)
        mixing = self.spatial.weight.flatten(1)
        mixtures = signals.mixed((mixing * scale[:, None]).to(mixing.dtype))  # Eq. (5)
        filtered = filter_time(
            mixtures.unflatten(1, (-1, depth)), self.temporal.weight.flatten(1), *self.padding
        )
        constant = shift * mixing.sum(1) + _bias(self.spatial)
        return normalize(self.spatial_norm, filtered.flatten(1, 2), constant)

    def _temporal_affine(self, signals: Signals) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ``g`` and ``g a + h`` of Eq. (4), which scale and shift filters without bias."""
        bias = _bias(self.temporal)

        def batch_statistics() -> tuple[torch.Tensor, torch.Tensor]:
            weight = self.temporal.weight.flatten(1)
            mean, variance = self._window_statistics(signals).filtered(weight)
            return mean + bias, variance

        scale, shift = affine(self.temporal_norm, batch_statistics, self._n_values(signals.x))
        return scale, shift + scale * bias


def _bias(layer: nn.Conv2d) -> torch.Tensor | float:
    """Return the biases of a layer, zero if it has none."""
    return 0.0 if layer.bias is None else layer.bias
