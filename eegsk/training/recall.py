"""What the front end needs of the training trials in each epoch, computed once."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..blocks.temporal_spatial import FrontEnd
from .batches import Trials

# How many trials to look at at once.
_CHUNK = 64


@dataclass(frozen=True, eq=False)
class Recall:
    """Sums over each trial, by trial.

    Parameters
    ----------
    front : FrontEnd
        The block that they are for.
    sums : torch.Tensor of shape (n_all, n_sums)
        What it makes of each trial; those of trials that are not trained on are not set.
    """

    front: FrontEnd
    sums: torch.Tensor

    def of(self, batch: dict[str, Any]) -> AbstractContextManager[None]:
        """Return a context in which the front end knows the sums of a batch.

        It does not if somebody, a callback that augments trials for one, has changed them.
        """
        if self.front.training and batch["origin"].is_unchanged(batch["x"]):
            return self.front.recalling(self.sums[batch["origin"].index])
        return nullcontext()


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
    standardize, front = layers
    sums = None
    for chunk in trials.index.split(_CHUNK):
        of_chunk = front.summarize(standardize(trials.X[chunk]))
        if sums is None:
            sums = of_chunk.new_empty(len(trials.X), of_chunk.shape[1])
        sums[chunk] = of_chunk
    return Recall(front, sums) if sums is not None else None


def _first_layers(module: nn.Module) -> tuple[nn.Module, FrontEnd] | None:
    """Return the first two layers of a module of plain sequences, if the second is a front end."""
    if type(module) is not nn.Sequential or len(module) != 2:
        return None
    standardize, layer = module
    while type(layer) is nn.Sequential and len(layer):
        layer = layer[0]
    return (standardize, layer) if isinstance(layer, FrontEnd) else None
