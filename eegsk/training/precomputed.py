"""Per-trial statistics for the front end, computed once and reused in every epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ..blocks import Standardize
from ..blocks.temporal_spatial import FrontEnd, has_hooks
from ..recordings import LazyTensor, RowCache, aligned
from .batches import Trials

# Number of trials whose statistics are computed at once.
_CHUNK = 32
# Largest ratio of mean to standard deviation of a channel for which single precision is sufficient
# if the mean is subtracted after the channels are mixed.
_MAX_OFFSET = 10


@dataclass(frozen=True, eq=False)
class PrecomputedStatistics:
    """Statistics of each training trial, for the front end of a network.

    Parameters
    ----------
    module : torch.nn.Module
        A standardisation layer followed by a network.
    front : FrontEnd
        The first block of the network.
    standardize : Standardize or None
        The standardisation layer if it is skipped, because the front end includes the
        standardisation; None if it is applied.
    values : torch.Tensor of shape (n_all, n_statistics) or None
        Statistics by trial. Rows of trials outside the training set are not initialised. None if
        the statistics are computed when the trials are read from files.
    """

    module: nn.Sequential
    front: FrontEnd
    standardize: Standardize | None
    values: torch.Tensor | None

    def apply(self, batch: dict[str, Any]) -> torch.Tensor:
        """Apply the module to a batch, with the statistics of its trials.

        The statistics are not used in evaluation mode, nor if the trials have been changed, e.g. by
        a callback that augments them.
        """
        origin, x = batch["origin"], batch["x"]
        if not (self.front.training and origin.is_unchanged(x)):
            return self.module(x)
        network = self.module if self.standardize is None else self.module[1]
        values = origin.statistics if self.values is None else self.values[origin.index]
        if values is None:  # the batch was not read ahead, e.g. the net was called by the user
            return self.module(x)
        with self.front.using_statistics(values, self.standardize):
            return network(x)


@torch.no_grad()
def precompute_statistics(module: nn.Module, trials: Trials) -> PrecomputedStatistics | None:
    """Compute the statistics of training trials, if the module begins with a front end.

    Parameters
    ----------
    module : torch.nn.Module
        A standardisation layer followed by a network.
    trials : Trials
        The training trials.

    Returns
    -------
    statistics : PrecomputedStatistics or None
        The statistics; None if the network does not begin with a front end, or if its front end
        needs no statistics, e.g. ``DenseTemporalSpatial``.
    """
    layers = _first_layers(module)
    if layers is None or layers[1].window is None:
        return None
    first, front = layers
    if isinstance(trials.X, LazyTensor):
        trials.X.prepare = StatisticsOnReading(first, front, trials.X)
        values = None
    else:
        chunks = [front.trial_statistics(first(x)) for x in trials.chunks(_CHUNK)]
        values = chunks[0].new_empty(len(trials.X), chunks[0].shape[1])
        values[trials.index] = torch.cat(chunks)
    is_skipped = _can_be_skipped(first) and not any(map(has_hooks, (module, first)))
    standardize = first if is_skipped else None
    return PrecomputedStatistics(module, front, standardize, values)  # type: ignore[arg-type]


class StatisticsOnReading:
    """Statistics of the trials of a batch, computed by the thread that reads the trials.

    Some of them are kept. The others are computed again in each epoch; they have the same bits,
    because the statistics of a trial do not depend on the other trials of a batch.

    Parameters
    ----------
    standardize : torch.nn.Module
        The standardisation layer.
    front : FrontEnd
        The first block of the network.
    X : LazyTensor
        The trials, which have the amount of memory for statistics.
    """

    def __init__(self, standardize: nn.Module, front: FrontEnd, X: LazyTensor) -> None:
        self._standardize, self._front = standardize, front
        self._cache = RowCache(len(X), X.statistics_bytes)

    @torch.no_grad()
    def __call__(self, index: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Return the statistics of the trials ``x`` with the given indices."""

        def compute(missing: np.ndarray) -> np.ndarray:
            part = x if len(missing) == len(x) else x[torch.from_numpy(missing).to(x.device)]
            return self._front.trial_statistics(self._standardize(part)).cpu().numpy()

        values = self._cache.fetch(index.cpu().numpy(), compute)
        return aligned(values).to(x.device)


def _can_be_skipped(layer: nn.Module) -> bool:
    """Return whether the front end can include the standardisation without loss of precision."""
    if not isinstance(layer, Standardize):
        return False
    return bool((layer.mean.abs() <= _MAX_OFFSET * layer.scale).all())


def _first_layers(module: nn.Module) -> tuple[nn.Module, FrontEnd] | None:
    """Return the standardisation layer and the front end; None if there is no front end."""
    if type(module) is not nn.Sequential or len(module) != 2:
        return None
    standardize, layer = module
    while type(layer) is nn.Sequential and len(layer):
        layer = layer[0]
    return (standardize, layer) if isinstance(layer, FrontEnd) else None
