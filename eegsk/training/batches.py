"""Trials as one tensor, and batches cut from it: no trial is ever collated alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset


@dataclass(frozen=True, eq=False)
class Trials(Dataset[Any]):
    """Some of the trials of a tensor, with their targets and weights.

    Parameters
    ----------
    X : torch.Tensor of shape (n_all, n_chans, n_times)
        All trials; shared between subsets, never copied or written to.
    y : torch.Tensor of shape (n_all,) or (n_all, n_outputs)
        Their targets.
    weight : torch.Tensor of shape (n_all,)
        Their weights in the loss.
    index : torch.Tensor of shape (n_trials,)
        Which trials these are.
    """

    X: torch.Tensor
    y: torch.Tensor
    weight: torch.Tensor
    index: torch.Tensor

    def __len__(self) -> int:
        return len(self.index)

    def chunks(self, size: int) -> Iterator[torch.Tensor]:
        """Return the trials in order, ``size`` at a time; they may be views of ``X``."""
        n_trials = len(self)
        if n_trials == len(self.X) and bool((self.index.diff() == 1).all()):
            return iter(self.X.split(size))
        return (self.X[chunk] for chunk in self.index.split(size))

    def __getitem__(self, item: Any) -> tuple[dict[str, Any], torch.Tensor]:
        chosen = self.index[item]
        x = self.X[chosen]
        origin = Origin(chosen, x, x._version)
        return {"x": x, "weight": self.weight[chosen], "origin": origin}, self.y[chosen]


@dataclass(frozen=True, eq=False)
class Origin:
    """Which trials a batch has, as long as nobody changes them.

    Parameters
    ----------
    index : torch.Tensor of shape (n_trials,)
        Which of all trials these are.
    x : torch.Tensor of shape (n_trials, n_chans, n_times)
        The trials.
    version : int
        How often they had been written to.
    """

    index: torch.Tensor
    x: torch.Tensor
    version: int

    def __len__(self) -> int:
        return len(self.index)

    def is_unchanged(self, x: torch.Tensor) -> bool:
        """Tell whether these still are the trials as they were read."""
        return x is self.x and x._version == self.version


class TrialSplit(NamedTuple):
    """Trials to train on, and those to validate on, if any."""

    train: Trials
    valid: Trials | None = None


def split_trials(
    X: torch.Tensor,
    target: torch.Tensor,
    weight: np.ndarray,
    train: np.ndarray,
    valid: np.ndarray,
    device: torch.device,
) -> TrialSplit:
    """Put trials on a device and deal them to the two sides, on each of which weights average one.

    Parameters
    ----------
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        Trials.
    target : torch.Tensor of shape (n_trials,) or (n_trials, n_outputs)
        Encoded targets.
    weight : array of shape (n_trials,)
        Weights of the trials, in any unit.
    train, valid : arrays of int
        Which trials are on either side; ``valid`` may be empty.
    device : torch.device
        Where to put them.

    Returns
    -------
    split : TrialSplit
        The two sides, of one tensor.
    """
    weight = weight.copy()
    for side in (train, valid):
        weight[side] /= weight[side].mean() if len(side) else 1.0
    precision = torch.float32 if device.type == "mps" else torch.float64
    weights = torch.from_numpy(weight).to(device, precision)
    on_device = (X.to(device), target.to(device), weights)
    sides = [Trials(*on_device, torch.from_numpy(side).to(device)) for side in (train, valid)]
    return TrialSplit(sides[0], sides[1] if len(valid) else None)


class TrialBatches:
    """Batches of trials, of sizes that differ by at most one, so that every trial is used.

    Parameters
    ----------
    dataset : Trials
        The trials.
    batch_size : int
        The largest size of a batch.
    shuffle : bool, default=False
        Whether to draw a new order for each pass, from torch's global generator.
    """

    def __init__(self, dataset: Trials, batch_size: int, shuffle: bool = False) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[dict[str, Any], torch.Tensor]]:
        n_trials = len(self.dataset)
        order = torch.randperm(n_trials) if self.shuffle else torch.arange(n_trials)
        for batch in order.to(self.dataset.index.device).tensor_split(len(self)):
            yield self.dataset[batch]
