"""Buffer of the latest samples, from which overlapping windows are cut."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# Largest number of windows that are cut from one piece, and largest length of a piece in windows.
# Both bound the memory.
_MAX_WINDOWS, _MAX_LENGTHS = 32, 4


class WindowBuffer:
    """Buffer of the latest samples, from which overlapping windows are cut.

    Parameters
    ----------
    n_chans : int
        Number of channels.
    n_times : int
        Length of a window in samples.
    step : int
        Number of samples from the end of one window to the end of the next.

    Attributes
    ----------
    max_samples : int
        Largest number of samples that may be appended at once.
    n_samples : int
        Number of samples in the buffer.
    """

    def __init__(self, n_chans: int, n_times: int, step: int) -> None:
        self._n_times, self._step = n_times, step
        self.max_samples = min(_MAX_WINDOWS * step, _MAX_LENGTHS * n_times)
        size = 2 * n_times + self.max_samples
        self._samples, self._codes = np.zeros((n_chans, size)), np.zeros(size, dtype=np.uint8)
        self.reset()

    def reset(self) -> None:
        """Remove all samples."""
        self.n_samples, self._next_end = 0, self._n_times

    def append(self, x: np.ndarray, codes: np.ndarray) -> Iterator[tuple[int, np.ndarray, int]]:
        """Append samples and yield the windows that they complete.

        Parameters
        ----------
        x : array of shape (n_chans, n_samples)
            At most ``max_samples`` samples.
        codes : array of int, shape (n_samples,)
            Quality of each sample.

        Yields
        ------
        n_after : int
            Number of samples after the window.
        window : array of shape (n_chans, n_times)
            The samples of the window, a view that is valid until the next call.
        code : int
            Largest code of its samples.
        """
        if self.n_samples + x.shape[1] > self._samples.shape[1]:
            self._drop_old_samples()
        end = self.n_samples + x.shape[1]
        self._samples[:, self.n_samples : end] = x
        self._codes[self.n_samples : end] = codes
        self.n_samples = end
        while self._next_end <= end:
            window = slice(self._next_end - self._n_times, self._next_end)
            n_after = end - self._next_end
            self._next_end += self._step
            yield n_after, self._samples[:, window], int(self._codes[window].max())

    def _drop_old_samples(self) -> None:
        """Move the samples of the next window to the beginning of the buffer."""
        n_old = min(self._next_end - self._n_times, self.n_samples)
        n_kept = self.n_samples - n_old
        self._samples[:, :n_kept] = self._samples[:, n_old : self.n_samples].copy()
        self._codes[:n_kept] = self._codes[n_old : self.n_samples].copy()
        self.n_samples, self._next_end = n_kept, self._next_end - n_old
