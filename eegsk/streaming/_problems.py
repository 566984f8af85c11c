"""Problems of a stream, and the detection of samples that must not be decoded."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Codes of samples; windows are decoded only if all their samples are good.
GOOD, ANNOTATED, BAD = 0, 1, 2


class StreamWarning(UserWarning):
    """Warning of a problem in a stream: windows are not decoded."""


class StreamProblem(NamedTuple):
    """Problem in a stream.

    Parameters
    ----------
    time : float
        Time of the first sample that is concerned, in seconds.
    kind : {"gap", "not finite", "flat", "channels", "rate"}
        The kind of the problem.
    message : str
        Description, e.g. with the names of the channels.
    """

    time: float
    kind: str
    message: str


class SampleChecker:
    """Detection of values that are not finite, and of flat channels.

    Parameters
    ----------
    n_flat : int or None
        Number of equal samples from which a channel is flat; None to accept flat channels.
    """

    def __init__(self, n_flat: int | None) -> None:
        self._n_flat = n_flat
        self._last: np.ndarray | None = None

    def reset(self) -> None:
        """Remove the state, e.g. after a gap."""
        self._last = None

    def check(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Check a chunk of shape (n_chans, n_samples), with at least one sample.

        Returns
        -------
        x : array of shape (n_chans, n_samples)
            The chunk. Values that are not finite are replaced by the previous finite value, so
            that they do not remain in the state of a filter.
        is_missing, is_flat : array of bool, shape (n_chans, n_samples)
            Where a value is not finite, and where a channel is flat.
        """
        if self._last is None:
            first = np.where(np.isfinite(x[:, 0]), x[:, 0], 0.0)
            self._last, self._run = first, np.zeros(len(x), dtype=np.int64)
        is_missing = ~np.isfinite(x)
        extended = np.concatenate([self._last[:, None], x], axis=1)
        if is_missing.any():
            position = np.where(np.isfinite(extended), np.arange(extended.shape[1]), 0)
            position = np.maximum.accumulate(position, axis=1)
            extended = np.take_along_axis(extended, position, axis=1)
        run = self._equal_samples(extended)
        self._last, self._run = extended[:, -1].copy(), run[:, -1]
        is_flat = np.zeros_like(is_missing) if self._n_flat is None else run >= self._n_flat
        return extended[:, 1:], is_missing, is_flat

    def _equal_samples(self, extended: np.ndarray) -> np.ndarray:
        """Return how many samples up to each sample have the same value as it."""
        is_new = extended[:, 1:] != extended[:, :-1]
        number = np.arange(is_new.shape[1])
        start = np.maximum.accumulate(np.where(is_new, number, -1), axis=1)
        return np.where(start < 0, self._run[:, None] + number + 1, number - start + 1)
