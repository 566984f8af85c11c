"""Cache of rows with a limited amount of memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from numbers import Integral

import numpy as np

_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


class RowCache:
    """Rows of an array that were read first, up to an amount of memory.

    Rows are kept until the cache is full, and never replaced. In training, each epoch reads all
    rows in another order, so that replacing old rows would not make more of them available.

    Parameters
    ----------
    n_rows : int
        Number of rows of the array.
    n_bytes : int
        Largest size of the rows that are kept.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk.recordings._cache import RowCache
    >>> cache, squares = RowCache(n_rows=10, n_bytes=16), np.arange(10)[:, None] ** 2
    >>> rows = np.array([3, 1, 2])
    >>> cache.fetch(rows, lambda missing: squares[rows[missing]]).tolist()
    [[9], [1], [4]]
    >>> cache.fetch(np.array([1, 2]), lambda missing: -np.ones((len(missing), 1), int)).tolist()
    [[1], [-1]]
    """

    def __init__(self, n_rows: int, n_bytes: int) -> None:
        self._slots = np.full(n_rows, -1)  # position of each row in _values; -1 if it is not kept
        self._values: np.ndarray | None = None
        self._n_kept, self._n_bytes = 0, n_bytes

    def fetch(self, rows: np.ndarray, read: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return rows; those that are not kept are read.

        Parameters
        ----------
        rows : array of int
            Numbers of the rows.
        read : callable
            Function that takes positions in ``rows`` and returns the rows at these positions.

        Returns
        -------
        values : array
            The rows, which the caller may change.
        """
        slots = self._slots[rows]
        missing = np.flatnonzero(slots < 0)
        if self._values is None or len(missing) == len(rows):
            values = read(missing)
            self._keep(rows, values)
            return values
        values = self._values[slots]  # those of missing rows are replaced
        if len(missing):
            values[missing] = read(missing)
            self._keep(rows[missing], values[missing])
        return values

    def _keep(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Keep as many of the rows as possible."""
        if self._values is None and len(values):
            n_slots = min(len(self._slots), self._n_bytes // max(1, values[0].nbytes))
            self._values = np.empty((n_slots, *values.shape[1:]), values.dtype)
        if self._values is None or self._n_kept == len(self._values):
            return
        stop = min(self._n_kept + len(rows), len(self._values))
        kept = slice(0, stop - self._n_kept)
        self._values[self._n_kept : stop] = values[kept]
        self._slots[rows[kept]] = np.arange(self._n_kept, stop)
        self._n_kept = stop


def parse_bytes(name: str, size: str | int | None) -> int:
    """Convert an amount of memory to bytes.

    Parameters
    ----------
    name : str
        Name of the parameter, for the error message.
    size : str, int or None
        A number of bytes, or a number with a unit, e.g. ``"2GB"``; None for zero.

    Returns
    -------
    n_bytes : int
        Number of bytes.

    Examples
    --------
    >>> from eegsk.recordings._cache import parse_bytes
    >>> parse_bytes("cache", "1.5GB")
    1500000000
    """
    if size is None:
        return 0
    if isinstance(size, Integral) and not isinstance(size, bool) and int(size) >= 0:
        return int(size)
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([KMG]i?B)\s*", str(size), re.IGNORECASE)
    if match is None:
        raise ValueError(
            f"{name}={size!r} is not an amount of memory; use e.g. '500MB', '2GB', a number of "
            "bytes, or None."
        )
    return int(float(match[1]) * _UNITS[match[2].upper()])
