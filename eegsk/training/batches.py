"""Trials in one tensor, and batches that index it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from ..recordings import LazyTensor

Batch = tuple[dict[str, Any], torch.Tensor]


@dataclass(frozen=True, eq=False)
class Trials(Dataset[Any]):
    """Dataset of a subset of trials, with their targets and weights.

    Parameters
    ----------
    X : torch.Tensor or LazyTensor of shape (n_all, n_chans, n_times)
        All trials. The tensor is shared between datasets and is not changed.
    y : torch.Tensor of shape (n_all,) or (n_all, n_outputs)
        Targets of all trials.
    weight : torch.Tensor of shape (n_all,)
        Weights of all trials in the loss.
    index : torch.Tensor of shape (n_trials,)
        Indices of the trials of this dataset.
    groups : torch.Tensor of shape (n_all,) or None, default=None
        Group of each of all trials, as an integer, for transforms.
    """

    X: torch.Tensor | LazyTensor
    y: torch.Tensor
    weight: torch.Tensor
    index: torch.Tensor
    groups: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.index)

    def chunks(self, size: int) -> Iterator[torch.Tensor]:
        """Return chunks of ``size`` trials, in order; they are views of ``X`` if possible."""
        n_trials = len(self)
        if n_trials == len(self.X) and bool((self.index.diff() == 1).all()):
            return iter(self.X.split(size))
        return (x for x, _ in _select(self.X, self.index.split(size)))

    def batches(self, items: Sequence[torch.Tensor]) -> Iterator[Batch]:
        """Return batches; trials in files are read ahead.

        Parameters
        ----------
        items : sequence of torch.Tensor
            Positions of the trials of each batch in this dataset.

        Returns
        -------
        batches : iterator
            The batches.
        """
        indices = [self.index[item] for item in items]
        for index, (x, statistics) in zip(indices, _select(self.X, indices), strict=True):
            yield self._batch(index, x, statistics)

    def __getitem__(self, item: Any) -> Batch:
        index = self.index[item]
        return self._batch(index, self.X[index])

    def _batch(self, index: torch.Tensor, x: torch.Tensor, statistics: Any = None) -> Batch:
        origin = Origin(index, x, x._version, statistics)
        groups = None if self.groups is None else self.groups[index]
        inputs = {"x": x, "weight": self.weight[index], "origin": origin, "groups": groups}
        return inputs, self.y[index]


@dataclass(frozen=True, eq=False)
class Origin:
    """Indices of the trials of a batch, valid until a callback changes the batch.

    Parameters
    ----------
    index : torch.Tensor of shape (n_trials,)
        Indices of the trials in the whole tensor.
    x : torch.Tensor of shape (n_trials, n_chans, n_times)
        The trials.
    version : int
        Version counter of ``x``, which torch raises when the tensor is changed in place.
    statistics : torch.Tensor of shape (n_trials, n_statistics) or None, default=None
        Statistics of the trials for the front end, if they were computed when the trials were read.
    """

    index: torch.Tensor
    x: torch.Tensor
    version: int
    statistics: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.index)

    def is_unchanged(self, x: torch.Tensor) -> bool:
        """Return whether ``x`` is the same tensor and has not been changed."""
        return x is self.x and x._version == self.version


def _select(
    X: torch.Tensor | LazyTensor, indices: Sequence[torch.Tensor]
) -> Iterator[tuple[torch.Tensor, Any]]:
    """Return the trials of each index, and their statistics if they were computed."""
    if isinstance(X, LazyTensor):
        return X.batches(indices)
    return ((X[index], None) for index in indices)


class TrialSplit(NamedTuple):
    """Training trials and validation trials, if any."""

    train: Trials
    valid: Trials | None = None


def split_trials(
    X: torch.Tensor | LazyTensor,
    target: torch.Tensor,
    weight: np.ndarray,
    groups: np.ndarray | None,
    train: np.ndarray,
    valid: np.ndarray,
    device: torch.device,
) -> TrialSplit:
    """Move trials to a device and split them into training and validation trials.

    Parameters
    ----------
    X : torch.Tensor or LazyTensor of shape (n_trials, n_chans, n_times)
        Trials.
    target : torch.Tensor of shape (n_trials,) or (n_trials, n_outputs)
        Encoded targets.
    weight : array of shape (n_trials,)
        Weights of the trials.
    groups : array of shape (n_trials,) or None
        Groups of the trials.
    train, valid : array of int
        Indices of the training and the validation trials; ``valid`` may be empty.
    device : torch.device
        The device.

    Returns
    -------
    split : TrialSplit
        Training and validation trials, which share one tensor. The weights of each part are scaled
        to a mean of one.
    """
    weight = weight.copy()
    for index in (train, valid):
        weight[index] /= weight[index].mean() if len(index) else 1.0
    precision = torch.float32 if device.type == "mps" else torch.float64
    weights = torch.from_numpy(weight).to(device, precision)
    X, target = X.to(device), target.to(device)
    if groups is not None:
        groups = np.unique(groups, return_inverse=True)[1].ravel()
    codes = None if groups is None else torch.from_numpy(groups).to(device)
    # Statistics are computed when training trials in files are read, not for validation trials.
    both = (X, X.to(device)) if isinstance(X, LazyTensor) else (X, X)
    parts = [
        Trials(x, target, weights, torch.from_numpy(index).to(device), codes)
        for x, index in zip(both, (train, valid), strict=True)
    ]
    return TrialSplit(parts[0], parts[1] if len(valid) else None)


class TrialBatches:
    """Iterator over batches of all trials; the sizes of the batches differ by at most one.

    Parameters
    ----------
    dataset : Trials
        The trials.
    batch_size : int
        The largest size of a batch.
    shuffle : bool, default=False
        Whether to shuffle the trials in each epoch, with torch's global generator.
    """

    def __init__(self, dataset: Trials, batch_size: int, shuffle: bool = False) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        n_trials = len(self.dataset)
        order = torch.randperm(n_trials) if self.shuffle else torch.arange(n_trials)
        batches = order.to(self.dataset.index.device).tensor_split(len(self))
        yield from self.dataset.batches(batches)
