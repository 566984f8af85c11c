"""Base class of the recordings from which trials are read."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..signals import Signal


class Recording(ABC):
    """Trials of one file, or of one object of MNE, which are read when they are needed.

    Parameters
    ----------
    name : str
        Name for error messages, e.g. the path.
    n_trials : int
        Number of trials.
    signal : Signal
        Channels, time points and sampling rate.
    files : iterable of path
        Files from which the trials are read; their sizes must not change.
    columns : dict or None, default=None
        Known values for each trial, e.g. ``{"label": [...]}`` from the events of Epochs.
    """

    def __init__(
        self,
        name: str,
        n_trials: int,
        signal: Signal,
        files: Iterable[Any] = (),
        columns: dict[str, Any] | None = None,
    ) -> None:
        self.name, self.n_trials, self.signal = name, n_trials, signal
        self.columns = columns or {}
        self._sizes = {os.path.abspath(path): os.stat(path).st_size for path in files}

    def name_at(self, position: int) -> str:
        """Return the name, with the position in the list of recordings if there is no file."""
        return self.name if self._sizes else f"{self.name} (recordings[{position}])"

    @abstractmethod
    def _read(self, trials: np.ndarray) -> np.ndarray:
        """Read trials by their numbers in this recording, in any precision."""

    def read(self, trials: np.ndarray) -> np.ndarray:
        """Read trials.

        Parameters
        ----------
        trials : array of int
            Numbers of the trials in this recording.

        Returns
        -------
        X : array of shape (n_trials, n_chans, n_times)
            The trials in single precision. Values that are too large become infinite.

        Raises
        ------
        OSError
            If a file is missing, has another size than before, or cannot be read.
        """
        self.check_files()
        try:
            X = self._read(trials)
        except Exception as error:
            self.check_files()  # for a file that was cut while it was read
            raise OSError(
                f"{self.name}: trials cannot be read ({type(error).__name__}: {error}); check the "
                "file."
            ) from error
        expected = (len(trials), self.signal.n_chans, self.signal.n_times)
        if X.shape != expected:
            raise OSError(
                f"{self.name}: trials of shape {X.shape} were read instead of {expected}; check "
                "whether the file is complete."
            )
        with np.errstate(over="ignore"):
            return X.astype(np.float32, copy=False)

    def check_files(self) -> None:
        """Raise an OSError if a file is missing, or is not as large as when it was opened."""
        for path, size in self._sizes.items():
            try:
                current = os.stat(path).st_size
            except OSError as error:
                raise OSError(
                    f"{path} cannot be read any more ({error.strerror}); restore the file."
                ) from error
            if current != size:
                raise OSError(
                    f"{path} has {current} bytes, but had {size} bytes when it was opened; restore "
                    "the file, or open it again."
                )

    def fingerprint(self) -> list[Any]:
        """Return values that identify the data: paths, sizes and times of change of the files."""
        times = [os.stat(path).st_mtime_ns for path in self._sizes]
        return [type(self).__name__, self.name, self.n_trials, [*self._sizes.items()], times]


def runs(trials: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Divide numbers of trials into runs of successive numbers.

    Parameters
    ----------
    trials : array of int
        Numbers of trials in any order.

    Yields
    ------
    position, first, n_trials : int
        Position of the run in ``trials``, its first number, and its length.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk.recordings._source import runs
    >>> list(runs(np.array([5, 6, 7, 2])))
    [(0, 5, 3), (3, 2, 1)]
    """
    starts = np.flatnonzero(np.diff(trials, prepend=-2) != 1)
    for start, stop in zip(starts, [*starts[1:], len(trials)], strict=True):
        yield int(start), int(trials[start]), int(stop - start)
