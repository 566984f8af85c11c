"""Folding: networks for evaluation, with normalisation merged into the weights."""

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
from ._tracing import is_traced
from .convolution import SameConv
from .pooling import MeanPool, complete_windows
from .standardize import Standardize
from .temporal_spatial import FrontEnd, Mixture, has_hooks


def can_fold(module: nn.Module) -> bool:
    """Check whether a network can be folded.

    Parameters
    ----------
    module : torch.nn.Module
        The network.

    Returns
    -------
    is_foldable : bool
        False if a layer has hooks or a ``forward`` that was replaced by hand, e.g. by
        ``layer.forward = function``, or if a layer with weights is neither a layer of torch nor of
        eegsk. A copy of such a layer might compute something else.
    """
    is_modified = any(has_hooks(layer) or "forward" in vars(layer) for layer in module.modules())
    return not is_modified and all(map(_is_known, _layers(module)))


@torch.no_grad()
def fold(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Return a network that computes the same in evaluation mode, with fewer operations.

    Standardisation and batch normalisation before the first activation are merged into the
    weights of the front end. Batch normalisation after a later convolution is merged into the
    weights of that convolution. Dropout layers are removed.

    Parameters
    ----------
    module : torch.nn.Module
        A network for which :func:`can_fold` returns True. Its weights are not changed.
    dtype : torch.dtype
        Precision of the new weights.

    Returns
    -------
    folded : torch.nn.Module
        The new network. Layers without weights, except ELU, are shared with ``module`` and set to
        evaluation mode.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from eegsk.blocks.folding import fold
    >>> fold(nn.Sequential(nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4), nn.Dropout()), torch.float64)
    Sequential(
      (0): Conv1d(2, 4, kernel_size=(3,), stride=(1,))
    )
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
    return nn.Sequential(*map(_freeze, _merge_head(folded))).eval()


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the layers of nested ``nn.Sequential`` modules in order."""
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        for layer in module:
            yield from _layers(layer)
    else:
        yield module


def _is_known(layer: nn.Module) -> bool:
    """Check whether a layer has no weights, or is a layer of torch or eegsk."""
    source = type(layer).__module__
    return not _has_weights(layer) or source.startswith(("torch.nn.modules.", "eegsk."))


def _has_weights(layer: nn.Module) -> bool:
    return next(chain(layer.parameters(), layer.buffers()), None) is not None


def _merge(previous: nn.Module, layer: nn.Module) -> nn.Module | None:
    """Merge two consecutive layers into one; return None if that is not possible."""
    # torch.nn.utils.fusion merges only normalisation after a layer, not standardisation before it.
    # Its fuse_linear_bn_eval is not used: it is right only for inputs (n_trials, n_features).
    if isinstance(previous, Standardize) and isinstance(layer, FrontEnd):
        return layer.folded(previous.mean.squeeze(1), previous.scale.squeeze(1))
    if not (isinstance(layer, nn.BatchNorm1d) and layer.track_running_stats):
        return None
    if isinstance(previous, FrontEnd):
        previous = _freeze(previous)
    return fuse_conv_bn_eval(previous.eval(), layer) if isinstance(previous, nn.Conv1d) else None


def _freeze(layer: nn.Module) -> nn.Module:
    """Return a faster layer that computes the same with constant weights."""
    if isinstance(layer, FrontEnd):
        weight = layer.spatial.weight  # type: ignore[union-attr]
        n_chans = weight.shape[2]  # type: ignore[index]
        return layer.folded(weight.new_zeros(n_chans), weight.new_ones(n_chans))  # type: ignore
    if type(layer) is MeanPool and layer.stride == layer.size and not layer.padding:
        return _WindowMeans(layer.size)
    if type(layer) is nn.ELU:
        return _ELU(layer.alpha)
    if isinstance(layer, SameConv) and layer._is_depthwise():
        return FixedFilters(layer.weight.squeeze(1), *layer.reach)
    if isinstance(layer, nn.Conv1d) and _is_pointwise(layer):
        bias = layer.weight.new_zeros(layer.out_channels) if layer.bias is None else layer.bias
        return Mixture(layer.weight.squeeze(2), bias)
    return layer


def _merge_head(layers: list[nn.Module]) -> list[nn.Module]:
    """Merge mean pooling, flattening and a linear layer at the end of a network.

    They are not merged if there are more outputs than samples in a pooling window, because the
    merged layer would need more multiplications.
    """
    if list(map(type, layers[-3:])) != [MeanPool, nn.Flatten, nn.Linear]:
        return layers
    pool: Any
    *trunk, pool, flatten, linear = layers
    has_plain_windows = pool.stride == pool.size and not pool.padding
    keeps_trials = (flatten.start_dim, flatten.end_dim) == (1, -1)
    if not (has_plain_windows and keeps_trials and linear.out_features <= pool.size):
        return layers
    return [*trunk, _PooledLinear(pool.size, linear)]  # type: ignore[arg-type]


def _is_pointwise(layer: nn.Conv1d) -> bool:
    return (*layer.kernel_size, *layer.stride, layer.groups, layer.padding) == (1, 1, 1, (0,))


class _WindowMeans(nn.Module):
    """Mean over windows that do not overlap, as in :class:`MeanPool`, with stored weights.

    Parameters
    ----------
    size : int
        Length of the windows in samples.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self._weights = lru_cache(maxsize=1)(partial(torch.full, (size,), 1 / size))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pool ``x`` of shape (n_trials, n_signals, n_times)."""
        if is_traced():
            return F.avg_pool1d(x, self.size)
        n_windows = x.shape[-1] // self.size
        windows = complete_windows(x, self.size).reshape(-1, self.size)
        means = windows @ self._weights(dtype=x.dtype, device=x.device)
        return means.view(*x.shape[:-1], n_windows)


class _ELU(nn.Module):
    """ELU activation, twice as fast as torch's in double precision.

    In double precision, ``exp(x) - 1`` replaces ``expm1(x)``, which is less precise near zero.
    """

    def __init__(self, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the activation without changing ``x``."""
        if x.dtype != torch.float64 or is_traced():
            return F.elu(x, self.alpha)
        negative = x.clamp_max(0).exp_().sub_(1)
        if self.alpha == 1:
            return torch.maximum(x, negative, out=negative)
        return x.clamp_min(0).add_(negative, alpha=self.alpha)


class _PooledLinear(nn.Module):
    """Linear layer of mean-pooled signals, computed without pooling.

    Parameters
    ----------
    size : int
        Length of the pooling windows in samples.
    linear : torch.nn.Linear
        The layer after pooling. Each of its weights, divided by ``size``, becomes the weight of
        all samples in the window.
    """

    def __init__(self, size: int, linear: nn.Linear) -> None:
        super().__init__()
        weights = partial(_sample_weights, linear.weight / size, size)
        self._sample_weights, self._weight = weights, lru_cache(maxsize=1)(weights)
        self._bias = linear.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map signals, (n_trials, n_signals, n_times), to outputs (n_trials, n_outputs)."""
        weights = self._sample_weights if is_traced() else self._weight
        return F.linear(x.flatten(1), weights(x.shape[1:]), self._bias)


def _sample_weights(window_weights: torch.Tensor, size: int, shape: torch.Size) -> torch.Tensor:
    """Repeat the weight of each window for its samples; later samples have a weight of zero."""
    n_windows, n_remaining = divmod(shape[-1], size)
    weights = window_weights.unflatten(1, (-1, n_windows)).repeat_interleave(size, dim=2)
    return F.pad(weights, (0, n_remaining)).flatten(1)
