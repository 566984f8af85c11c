"""Lazy array of trials."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.lib.format import open_memmap

from .._fields import Positive, check_value
from .._imports import import_optional
from ..signals import Signal
from ._cache import parse_bytes
from ._store import Store, as_recording, check_signal, read_columns

# Number of bytes that are read at once when all trials are read.
_CHUNK_BYTES = 2**25
# Part of the cache for statistics of trials, which are 1 to 15 % as large as the trials.
_STATISTICS_SHARE = 1 / 4


class LazyTrials:
    """Array of trials in files, which are read when they are needed.

    The trials of one or many recordings have the shape and the indexing of a NumPy array. Selecting
    trials reads nothing, so that cross-validation and searches of scikit-learn work on trials that
    do not fit in memory. Estimators of eegsk read one batch after the other. Other estimators
    convert the array by ``numpy.asarray``, which reads all trials.

    Parameters
    ----------
    recordings : object or list of object
        One or many recordings: :class:`mne.Epochs` (``preload=False``); paths of ``.npy``,
        ``-epo.fif``, ``.h5`` and ``.hdf5`` files; memory maps; datasets of h5py; arrays of zarr;
        arrays in memory; other LazyTrials, to join them. All must have the same channels, sampling
        rate and length. Channels with names are matched by name.
    columns : mapping or None, default=None
        Table of the trials, e.g. ``{"subject": ["S1", "S2"], "label": [y1, y2]}``: for each column
        a list with one entry for each recording, which is one value, or an array with one value for
        each trial. For one recording that is not in a list, the entry itself. Epochs have the
        column ``"label"`` with the names of their events, and the columns of their metadata.
    sfreq : float or None, default=None
        Sampling rate in Hz of arrays; None if unknown.
    ch_names : sequence of str or None, default=None
        Names of the channels of arrays; None if unknown.
    cache : str, int or None, default="256MB"
        Memory for trials that are kept after they have been read, and for statistics of trials in
        ``fit``: a number of bytes, or e.g. ``"2GB"``; None to keep nothing. Each process has its
        own cache.

    Attributes
    ----------
    signal : Signal
        Number of channels and time points, sampling rate, channel names.

    See Also
    --------
    trials_from_raw : Cut windows out of continuous recordings.

    Notes
    -----
    The property ``columns`` is the table of the trials, a dictionary of arrays; ``table`` is the
    same as a DataFrame (needs pandas), and ``labels`` is column ``"label"``. Column ``"recording"``
    has the name of the recording. Trials are read in single precision, as used by the networks.
    Pickles contain the paths of the files and the table, but not the trials.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.datasets import make_motor_imagery
    >>> from eegsk.recordings import LazyTrials
    >>> X, y, subjects = make_motor_imagery(n_subjects=2, n_trials=20, random_state=0)
    >>> folder = tempfile.TemporaryDirectory()
    >>> np.save(f"{folder.name}/trials.npy", X)
    >>> trials = LazyTrials(f"{folder.name}/trials.npy", {"label": y, "subject": subjects})
    >>> trials.shape == X.shape
    True
    >>> set(trials[:20].groups("subject").tolist()) == set(subjects[:20].tolist())
    True
    >>> classifier = EEGNetClassifier(max_epochs=2, random_state=0).fit(trials, trials.labels)
    >>> classifier.predict(trials[:5]).shape
    (5,)
    >>> folder.cleanup()
    """

    ndim = 3
    dtype = np.dtype(np.float32)

    def __init__(
        self,
        recordings: Any,
        columns: Mapping[str, Any] | None = None,
        *,
        sfreq: float | None = None,
        ch_names: Sequence[str] | None = None,
        cache: str | int | None = "256MB",
    ) -> None:
        is_list = isinstance(recordings, list | tuple)
        items = list(recordings) if is_list else [recordings]
        if sfreq is not None:
            check_value("LazyTrials", "sfreq", sfreq, Positive)
        if not items:
            raise ValueError("LazyTrials: the list of recordings is empty.")
        items = [as_recording(item, sfreq, ch_names) for item in items]
        self._cache = cache
        n_bytes = parse_bytes("cache", cache)
        self.statistics_bytes = int(_STATISTICS_SHARE * n_bytes)
        self._store = Store(items, n_bytes - self.statistics_bytes)
        self._index = np.arange(self._store.n_trials)
        self._channels: np.ndarray | None = None  # selected channels; None for all, in order
        self._columns = read_columns({} if columns is None else columns, items, is_list)
        self.signal = self._store.signal

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the array, (n_trials, n_chans, n_times)."""
        return len(self._index), self.signal.n_chans, self.signal.n_times

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Number of bytes of all trials if they were in memory."""
        return self.size * self.dtype.itemsize

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """Columns of the table, with one value for each trial."""
        return {name: self._column(name) for name in self._names()}

    def _names(self) -> list[str]:
        return list(dict.fromkeys(["recording", *self._columns]))

    def _column(self, name: str) -> np.ndarray:
        # Names of recordings are long, and so are not kept for each trial.
        if name in self._columns:
            return self._columns[name][self._index]
        return self._store.names(self._index)

    @property
    def labels(self) -> np.ndarray:
        """Column ``"label"``."""
        return self.groups("label")

    @property
    def table(self) -> Any:
        """Table of the trials as a DataFrame; it needs pandas."""
        return import_optional("pandas", "recordings", "LazyTrials.table").DataFrame(self.columns)

    def groups(self, *names: str) -> np.ndarray:
        """Return a column of the table, e.g. the subject of each trial.

        Parameters
        ----------
        *names : str
            Names of columns. For several, the values of a trial are joined by ``"/"``.

        Returns
        -------
        groups : array of shape (n_trials,)
            The values.

        Raises
        ------
        ValueError
            If there is no such column.

        Examples
        --------
        >>> import numpy as np
        >>> from eegsk.recordings import LazyTrials
        >>> X = np.zeros((2, 3, 50))
        >>> trials = LazyTrials([X, X], {"subject": ["S1", "S1"], "session": ["1", "2"]})
        >>> trials.groups("subject", "session").tolist()
        ['S1/1', 'S1/1', 'S1/2', 'S1/2']
        """
        if not names:
            raise TypeError(
                "LazyTrials.groups needs the name of a column, e.g. groups('subject'); the columns "
                f"are {', '.join(self._names())}."
            )
        for name in names:
            if name not in self._names():
                raise ValueError(
                    f"LazyTrials: there is no column {name!r}; the columns are "
                    f"{', '.join(self._names())}. Pass it in the argument columns."
                )
        values = [self._column(name) for name in names]
        if len(values) == 1:
            return values[0]
        return np.array(["/".join(map(str, row)) for row in zip(*values, strict=True)])

    def save(self, path: str | os.PathLike[str]) -> LazyTrials:
        """Write the trials to a ``.npy`` file, from which they are read much faster.

        Reading a random trial of a file of MNE or a compressed file takes several times as long.

        Parameters
        ----------
        path : path
            The new file, whose name should end with ``.npy``. An existing file is replaced when all
            trials have been written.

        Returns
        -------
        trials : LazyTrials
            The trials of the new file, with the same table.

        Raises
        ------
        ValueError
            If the name does not end with ``.npy``.
        """
        if not os.fspath(path).lower().endswith(".npy"):
            raise ValueError(f"LazyTrials.save: path={os.fspath(path)!r} should end with '.npy'.")
        # The trials may be read from the file that is replaced.
        unfinished = Path(f"{os.fspath(path)}.part")
        try:
            self._write(unfinished)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        trials = LazyTrials(path, self.columns, cache=self._cache)
        trials.signal = self.signal
        return trials

    def _write(self, path: Path) -> None:
        file = open_memmap(path, mode="w+", dtype=self.dtype, shape=self.shape)
        for part in self._chunks():
            file[part] = self.read(np.arange(len(self))[part])
        file.flush()

    def read(self, trials: np.ndarray, keep: bool = True) -> np.ndarray:
        """Read trials.

        Parameters
        ----------
        trials : array of int
            Indices of the trials, from 0.
        keep : bool, default=True
            Whether the trials are kept in the cache.

        Returns
        -------
        X : array of shape (n_trials, n_chans, n_times)
            The trials in single precision.
        """
        X = self._store.read(self._index[trials], keep)
        return X if self._channels is None else X[:, self._channels]

    def _chunks(self) -> list[slice]:
        size = max(1, _CHUNK_BYTES // max(1, self[:1].nbytes))
        return [slice(start, start + size) for start in range(0, len(self), size)]

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, key: Any) -> Any:
        """Read one trial for an integer; return LazyTrials for a slice, a mask or a list."""
        key, channels = _split_key(key)
        key = np.asarray(key, dtype=int) if isinstance(key, list) and not key else key
        index = self._index[key if isinstance(key, slice) else np.asarray(key)]
        if channels is not None:
            return self._view(np.atleast_1d(index), np.asarray(channels))
        if index.ndim == 0:
            return self.read(np.asarray([key]))[0]
        return self._view(index, None)

    def _view(self, index: np.ndarray, channels: np.ndarray | None) -> Self:
        view = object.__new__(type(self))
        vars(view).update(vars(self), _index=index)
        if channels is not None:
            view._channels = np.arange(self.shape[1])[channels]
            view.signal = self.signal.select(view._channels)
            if self._channels is not None:
                view._channels = self._channels[view._channels]
        return view

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Read all trials."""
        if copy is False:
            raise ValueError("LazyTrials: the trials are not in memory; use copy=None.")
        X = np.empty(self.shape, self.dtype)
        for part in self._chunks():
            X[part] = self.read(np.arange(len(self))[part])
        return X if dtype is None else X.astype(dtype, copy=False)

    def __repr__(self) -> str:
        n_recordings = len(np.unique(self._store.recording_numbers(self._index)))
        return f"<LazyTrials of shape {self.shape} in {n_recordings} recording(s)>"

    def match_signal(self, fitted: Signal | None) -> tuple[Self, Signal | None]:
        """Select the channels of the trials of ``fit`` by their names.

        Parameters
        ----------
        fitted : Signal or None
            Signal of the trials of ``fit``; None in ``fit``.

        Returns
        -------
        trials : LazyTrials
            The trials with the channels in the order of ``fitted``.
        signal : Signal or None
            Their signal; None if neither names of channels nor a rate are known.

        Raises
        ------
        ValueError
            If the channels, rates or lengths differ.
        """
        is_known = self.signal.ch_names is not None or self.signal.sfreq is not None
        if fitted is None or not is_known or (fitted.ch_names is None and fitted.sfreq is None):
            return self, self.signal if is_known else None
        check_signal(self.signal, fitted, "X", "the data of fit")
        names, expected = self.signal.ch_names, fitted.ch_names
        if names is None or expected is None or names == expected:
            return self, fitted
        return self[:, [names.index(name) for name in expected]], fitted

    def name_of(self, trial: int) -> str:
        """Return the number of a trial in its recording, and the name of the recording."""
        selected = self._index[[trial]]
        name = self._store.names(selected)[0]
        return f"trial {self._store.position(selected[0])} of {name}"

    def fingerprint(self) -> list[Any]:
        """Return values that identify the trials: files, their sizes, and the selection."""
        return [self._store.fingerprint(), self._index, self._channels]


def _split_key(key: Any) -> tuple[Any, Any]:
    """Divide an index into that of trials and that of channels, None for all channels."""
    if key is Ellipsis:
        return slice(None), None
    if not isinstance(key, tuple):
        return key, None
    while len(key) > 1 and _is_whole(key[-1]):
        key = key[:-1]
    if len(key) == 1:
        return _split_key(key[0])
    if len(key) == 2 and _is_whole(key[0]) and isinstance(key[1], list | np.ndarray):
        return slice(None), key[1]
    raise IndexError(
        "LazyTrials: only trials can be selected, or a list of channels, X[:, channels]; for time "
        "points, use np.asarray(X[trials])[:, :, times]."
    )


def _is_whole(key: Any) -> bool:
    return key is Ellipsis or (isinstance(key, slice) and key == slice(None))
