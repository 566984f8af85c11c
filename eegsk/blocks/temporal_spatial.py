"""The front end of the networks: filters over time, then filters over the electrodes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ._time_filters import filter_time
from ._window_statistics import window_statistics
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
    bias : bool, default=False
        Whether filters, temporal and spatial, have biases; normalisation takes them away again.

    Notes
    -----
    Weights and running statistics are those of the plain layers, by name and shape: ``temporal``
    is a ``Conv2d(1, n_filters, (1, kernel))``, ``spatial`` a ``Conv2d`` over the electrodes in
    ``n_filters`` groups. What is computed is exactly what they would, in another order.

    Filters over time and over electrodes commute, so that the electrodes are mixed first and only
    the ``n_filters * depth`` mixtures are filtered, not each electrode by each filter. The batch
    statistics of the temporal filters' outputs, which then never exist, are a quadratic form of
    the weights in the signal's autocovariance.

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
        self.spatial = max_norm(spatial, spatial_max_norm)
        self.spatial_norm = nn.BatchNorm1d(n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter trials, (n_trials, n_chans, n_times), into (n_trials, n_outputs, n_times)."""
        if self._plain_is_best(x):
            return self._layer_by_layer(x)
        depth = self.spatial.out_channels // self.temporal.out_channels
        scale, shift = (part.repeat_interleave(depth) for part in self._temporal_affine(x))
        mixing = self.spatial.weight.flatten(1)
        sources = (mixing * scale[:, None]) @ x
        weight = self.temporal.weight.flatten(1)
        grouped = sources.unflatten(1, (len(weight), depth))
        filtered = filter_time(grouped, weight, self.reach[0]).flatten(1, 2)
        return self._normalize(filtered, shift * mixing.sum(1) + _bias(self.spatial))

    def _plain_is_best(self, x: torch.Tensor) -> bool:
        """Tell whether mixing the electrodes first saves nothing, or hides what depends on x."""
        depth = self.spatial.out_channels // self.temporal.out_channels
        return self.training and (x.shape[1] <= depth or x.requires_grad)

    def _layer_by_layer(self, x: torch.Tensor) -> torch.Tensor:
        x = self.temporal(F.pad(x, self.reach).unsqueeze(1))
        return self.spatial_norm(self.spatial(self.temporal_norm(x)).squeeze(2))

    def _temporal_affine(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return by what batch normalisation multiplies temporal filters' outputs, and adds."""
        norm = self.temporal_norm
        mean, variance = self._batch_statistics(x) if self.training else _running(norm)
        scale = norm.weight * (variance + norm.eps).rsqrt()
        return scale, norm.bias + scale * (_bias(self.temporal) - mean)

    def _batch_statistics(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and variance of the temporal filters' outputs, and keep running ones."""
        weight = self.temporal.weight.flatten(1)
        window_mean, window_covariance = window_statistics(x, self.reach)
        mean = weight @ window_mean + _bias(self.temporal)
        variance = ((weight @ window_covariance) * weight).sum(1).clamp_min(0)
        _track(self.temporal_norm, mean.detach(), variance.detach(), n_values=x.numel())
        return mean, variance

    def _normalize(self, x: torch.Tensor, constant: torch.Tensor) -> torch.Tensor:
        """Batch-normalise ``x + constant`` without adding the constant to the whole of ``x``."""
        norm = self.spatial_norm
        mean, variance = _running(norm)
        if not self.training:
            bias = norm.bias + constant * norm.weight * (variance + norm.eps).rsqrt()
            return F.batch_norm(x, mean, variance, norm.weight, bias, False, 0.0, norm.eps)
        # The batch mean takes the constant away again, so that its gradient is zero, not none.
        bias, momentum = norm.bias + 0 * constant, norm.momentum or 0.0
        mean_of_x = mean.clone()
        x = F.batch_norm(x, mean_of_x, variance, norm.weight, bias, True, momentum, norm.eps)
        mean.copy_(mean_of_x + momentum * constant.detach())
        norm.num_batches_tracked += 1  # type: ignore[operator]
        return x


def _bias(layer: nn.Conv2d) -> torch.Tensor | float:
    """Return the biases of a layer, zero if it has none."""
    return 0.0 if layer.bias is None else layer.bias


def _running(norm: nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the running mean and variance of a batch normalisation."""
    return norm.running_mean, norm.running_var  # type: ignore[return-value]


@torch.no_grad()
def _track(norm: nn.Module, mean: torch.Tensor, variance: torch.Tensor, n_values: int) -> None:
    """Move running statistics towards those of a batch, as batch normalisation does."""
    running_mean, running_variance = _running(norm)
    running_mean.lerp_(mean, norm.momentum)  # type: ignore[arg-type]
    running_variance.lerp_(variance * (n_values / max(n_values - 1, 1)), norm.momentum)  # type: ignore[arg-type]
    norm.num_batches_tracked += 1  # type: ignore[operator]
