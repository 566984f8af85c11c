"""What the front end needs of the training trials in each epoch, computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..blocks import Standardize
from ..blocks.temporal_spatial import FrontEnd, has_hooks
from .batches import Trials

# How many trials to look at at once.
_CHUNK = 32
# A mean this many times the standard deviation would leave too few digits in single precision.
_FAR = 10


@dataclass(frozen=True, eq=False)
class Recall:
    """Sums over each trial, by trial.

    Parameters
    ----------
    module : torch.nn.Module
        A layer that standardises, then a network.
    front : FrontEnd
        The block with which the network begins.
    standardize : Standardize or None
        The first layer, if the front end can make up for it.
    sums : torch.Tensor of shape (n_all, n_sums)
        What the front end makes of each trial; those of trials that are not trained on are not set.
    """

    module: nn.Sequential
    front: FrontEnd
    standardize: Standardize | None
    sums: torch.Tensor

    def apply(self, batch: dict[str, Any]) -> torch.Tensor:
        """Apply the module to a batch, of which the front end is told what is known.

        It is not if somebody, a callback that augments trials for one, has changed them.
        """
        origin, x = batch["origin"], batch["x"]
        if not (self.front.training and origin.is_unchanged(x)):
            return self.module(x)
        network = self.module if self.standardize is None else self.module[1]
        with self.front.using_statistics(self.sums[origin.index], self.standardize):
            return network(x)


@torch.no_grad()
def recall(module: nn.Module, trials: Trials) -> Recall | None:
    """Sum up training trials, if the module begins with a front end that asks for it.

    Parameters
    ----------
    module : torch.nn.Module
        A layer that standardises, then a network.
    trials : Trials
        The training trials.

    Returns
    -------
    recall : Recall or None
        The sums; None if there is nothing to sum up.
    """
    layers = _first_layers(module)
    if layers is None or layers[1].window is None:
        return None
    first, front = layers
    parts = [front.trial_statistics(first(x)) for x in trials.chunks(_CHUNK)]
    sums = parts[0].new_empty(len(trials.X), parts[0].shape[1])
    sums[trials.index] = torch.cat(parts)
    skipped = first if _can_be_skipped(first) and not any(map(has_hooks, (module, first))) else None
    return Recall(module, front, skipped, sums)  # type: ignore[arg-type]


def _can_be_skipped(layer: nn.Module) -> bool:
    """Tell whether to subtract means after mixing, not before, costs no precision."""
    return isinstance(layer, Standardize) and bool((layer.mean.abs() <= _FAR * layer.scale).all())


def _first_layers(module: nn.Module) -> tuple[nn.Module, FrontEnd] | None:
    """Return the first two layers of a module of plain sequences, if the second is a front end."""
    if type(module) is not nn.Sequential or len(module) != 2:
        return None
    standardize, layer = module
    while type(layer) is nn.Sequential and len(layer):
        layer = layer[0]
    return (standardize, layer) if isinstance(layer, FrontEnd) else None
