"""Trials in files with the operations of a tensor that training and prediction use."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from .._validation import check_trials
from ._trials import LazyTrials

# Number of batches that are read while the network computes.
_N_AHEAD = 2

Prepare = Callable[[torch.Tensor, torch.Tensor], Any]


class LazyTensor:
    """Tensor of trials in files, from which batches are read ahead by a thread.

    Parameters
    ----------
    trials : LazyTrials
        The trials.
    device : torch.device, default=torch.device("cpu")
        Device to which batches are copied.
    prepare : callable or None, default=None
        Function of the indices and the trials of a batch, which the thread calls after reading.
    """

    def __init__(
        self,
        trials: LazyTrials,
        device: torch.device = torch.device("cpu"),  # noqa: B008  (immutable)
        prepare: Prepare | None = None,
    ) -> None:
        self.trials, self.device, self.prepare = trials, device, prepare
        self.shape = torch.Size(trials.shape)
        self.statistics_bytes = trials.statistics_bytes

    def __len__(self) -> int:
        return self.shape[0]

    def to(self, device: torch.device) -> LazyTensor:
        """Return the same trials, which are copied to another device when they are read."""
        return LazyTensor(self.trials, device)

    def __getitem__(self, index: Any) -> torch.Tensor:
        """Read the trials of an index, a slice or a tensor of indices."""
        is_tensor = isinstance(index, torch.Tensor)
        trials = index.cpu().numpy() if is_tensor else np.arange(len(self))[index]
        X = aligned(self.trials.read(np.atleast_1d(trials)))
        self._check_finite(X, np.atleast_1d(trials))
        X = X.to(self.device)
        return X if trials.ndim else X[0]

    def split(self, size: int) -> Iterator[torch.Tensor]:
        """Read chunks of ``size`` trials, in order."""
        chunks = torch.arange(len(self)).split(size)
        return (X for X, _ in self.batches(chunks))

    def batches(self, indices: Iterable[torch.Tensor]) -> Iterator[tuple[torch.Tensor, Any]]:
        """Read batches, the next ones while the caller uses the present one.

        Parameters
        ----------
        indices : iterable of torch.Tensor
            Indices of the trials of each batch.

        Yields
        ------
        X : torch.Tensor of shape (n_trials, n_chans, n_times)
            The trials of a batch.
        prepared : object
            The result of ``prepare`` for this batch; None without it.
        """
        waiting: deque[Any] = deque()
        # A new thread would use all cores for matrix products and Fourier transforms.
        n_threads = torch.get_num_threads()
        with ThreadPoolExecutor(
            1, "eegsk-read", initializer=torch.set_num_threads, initargs=(n_threads,)
        ) as thread:
            try:
                for index in indices:
                    waiting.append(thread.submit(self._read_batch, index))
                    if len(waiting) > _N_AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _read_batch(self, index: torch.Tensor) -> tuple[torch.Tensor, Any]:
        X = self[index]
        return X, None if self.prepare is None else self.prepare(index, X)

    def _check_finite(self, X: torch.Tensor, trials: np.ndarray) -> None:
        """Raise an error if a trial that was read contains NaN or infinity."""
        if math.isfinite(X.sum().item()):
            return
        bad = (~torch.isfinite(X)).nonzero()
        if len(bad) == 0:  # the values are finite, but their sum overflows
            return
        row, channel, time = (int(i) for i in bad[0])
        kind = "NaN" if X[row, channel, time].isnan() else "infinity (inf)"
        trial = int(trials[row])
        raise ValueError(
            f"X contains {kind} in trial {trial} ({self.trials.name_of(trial)}), channel "
            f"{channel}, time point {time}; interpolate or drop it."
        )

    def fingerprint(self) -> list[Any]:
        """Return values that identify the trials."""
        return self.trials.fingerprint()


def aligned(array: np.ndarray) -> torch.Tensor:
    """Convert an array to a tensor that begins at a multiple of 64 bytes, as those of torch do.

    The rounding errors of matrix products depend on it. Memory of NumPy begins at multiples of 16.

    Parameters
    ----------
    array : array
        The array.

    Returns
    -------
    tensor : torch.Tensor
        The tensor, which is a copy if necessary.
    """
    tensor = torch.from_numpy(array)
    return tensor.clone() if tensor.data_ptr() % 64 else tensor


def check_input(estimator: Any, X: Any, reset: bool) -> torch.Tensor | LazyTensor:
    """Check trials as :func:`~eegsk._validation.check_trials`; LazyTrials are not read.

    Parameters
    ----------
    estimator : sklearn.base.BaseEstimator
        The estimator.
    X : array-like or LazyTrials
        Trials.
    reset : bool
        True in ``fit``, False in ``predict``.

    Returns
    -------
    X : torch.Tensor or LazyTensor of shape (n_trials, n_chans, n_times)
        The trials. The values of LazyTrials are checked when they are read.
    """
    if not isinstance(X, LazyTrials):
        return check_trials(estimator, X, reset)
    check_trials(estimator, np.asarray(X[:1]), reset)
    return LazyTensor(X)
