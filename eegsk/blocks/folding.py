"""Networks in evaluation mode with the least work: scales and constants put into the weights."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import chain
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ._time_filters import FixedFilters
from .convolution import SameConv
from .pooling import MeanPool
from .standardize import Standardize
from .temporal_spatial import FrontEnd, Mixture, is_watched


def can_fold(module: nn.Module) -> bool:
    """Check whether a folded copy computes the same as a network.

    Parameters
    ----------
    module : torch.nn.Module
        The network.

    Returns
    -------
    is_foldable : bool
        False if a layer with weights is neither torch's nor eegsk's, or if a layer has hooks or a
        ``forward`` method of its own, e.g. after ``layer.forward = function``.
    """
    is_modified = any(is_watched(layer) or "forward" in vars(layer) for layer in module.modules())
    return not is_modified and all(map(_is_known, _layers(module)))


@torch.no_grad()
def fold(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Fold a network for evaluation: compute the same with fewer operations.

    Standardization, batch normalisation and the layers between them are merged up to the first
    activation. A batch normalisation after a later convolution is merged into it. Dropout layers
    are removed.

    Parameters
    ----------
    module : torch.nn.Module
        A sequence of layers for which :func:`can_fold` returns True. It is not changed.
    dtype : torch.dtype
        Precision of the new weights.

    Returns
    -------
    folded : torch.nn.Module
        The new network. It shares the layers without weights, except ELU, with ``module``.
    """
    folded: list[nn.Module] = []
    for layer in _layers(module):
        if isinstance(layer, _DropoutNd | nn.Identity):
            continue
        copied = copy.deepcopy(layer).to(dtype).eval() if _has_weights(layer) else layer
        merged = _merge(folded[-1], copied) if folded else None
        if merged is None:
            folded.append(copied)
        else:
            folded[-1] = merged
    return nn.Sequential(*_read_out(list(map(_fix, folded)))).eval()


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    """Return the layers of sequences of sequences."""
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        for layer in module:
            yield from _layers(layer)
    else:
        yield module


def _is_known(layer: nn.Module) -> bool:
    """Tell whether a copy of a layer does what the layer does, now and later."""
    home = type(layer).__module__
    return not _has_weights(layer) or home.startswith(("torch.nn.modules.", "eegsk."))


def _has_weights(layer: nn.Module) -> bool:
    return next(chain(layer.parameters(), layer.buffers()), None) is not None


def _merge(previous: nn.Module, layer: nn.Module) -> nn.Module | None:
    """Merge two consecutive layers into one; return None if that is not possible."""
    # torch.nn.utils.fusion merges batch normalisation after a convolution, nothing before it.
    if isinstance(previous, Standardize) and isinstance(layer, FrontEnd):
        return layer.folded(previous.mean.squeeze(1), previous.scale.squeeze(1))
    if not (isinstance(layer, nn.BatchNorm1d) and layer.track_running_stats):
        return None
    if isinstance(previous, FrontEnd):
        previous = _fix(previous)
    return fuse_conv_bn_eval(previous.eval(), layer) if isinstance(previous, nn.Conv1d) else None


def _fix(layer: nn.Module) -> nn.Module:
    """Return a layer that does the same with what its weights are now."""
    if isinstance(layer, FrontEnd):
        weight = layer.spatial.weight  # type: ignore[union-attr]
        n_chans = weight.shape[2]  # type: ignore[index]
        return layer.folded(weight.new_zeros(n_chans), weight.new_ones(n_chans))  # type: ignore
    if type(layer) is nn.ELU:
        return _ELU(layer.alpha)
    if isinstance(layer, SameConv) and layer._is_depthwise():
        return FixedFilters(layer.weight.squeeze(1), layer.reach[0])
    if isinstance(layer, nn.Conv1d) and _is_pointwise(layer):
        bias = layer.weight.new_zeros(layer.out_channels) if layer.bias is None else layer.bias
        return Mixture(layer.weight.squeeze(2), bias)
    return layer


def _read_out(layers: list[nn.Module]) -> list[nn.Module]:
    """Make one of pooling and outputs at the end, unless there are many outputs."""
    if list(map(type, layers[-3:])) != [MeanPool, nn.Flatten, nn.Linear]:
        return layers
    pool: Any
    *before, pool, flatten, linear = layers
    is_plain = pool.stride == pool.size and not pool.padding
    of_trials = (flatten.start_dim, flatten.end_dim) == (1, -1)
    if not (is_plain and of_trials and linear.out_features <= pool.size):
        return layers
    return [*before, _Readout(pool.size, linear)]  # type: ignore[arg-type]


def _is_pointwise(layer: nn.Conv1d) -> bool:
    return (*layer.kernel_size, *layer.stride, layer.groups, layer.padding) == (1, 1, 1, (0,))


class _ELU(nn.Module):
    """ELU that, in double precision, takes half the time of torch's, and rounds near zero."""

    def __init__(self, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the activation; ``x`` is left as it is."""
        if x.dtype != torch.float64:
            return F.elu(x, self.alpha)
        negative = x.clamp_max(0).exp_().sub_(1)
        if self.alpha == 1:
            return torch.maximum(x, negative, out=negative)
        return x.clamp_min(0).add_(negative, alpha=self.alpha)


class _Readout(nn.Module):
    """Outputs of means over stretches of time, as outputs of samples."""

    def __init__(self, size: int, linear: nn.Linear) -> None:
        super().__init__()
        self._of_samples = lru_cache(maxsize=1)(partial(_of_samples, linear.weight / size, size))
        self._bias = linear.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn signals, (n_trials, n_signals, n_times), into outputs (n_trials, n_outputs)."""
        return F.linear(x.flatten(1), self._of_samples(x.shape[1:]), self._bias)


def _of_samples(of_means: torch.Tensor, size: int, shape: torch.Size) -> torch.Tensor:
    """Return the weights of samples, from those of their sums over stretches."""
    n_stretches, n_left = divmod(shape[-1], size)
    each = of_means.unflatten(1, (-1, n_stretches)).repeat_interleave(size, dim=2)
    return F.pad(each, (0, n_left)).flatten(1)
