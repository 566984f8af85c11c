"""Several recordings with the same channels, rate and length, read as one array."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mne
import numpy as np
import torch

from .._locks import ForkSafeLock
from ..signals import Signal, is_lazy, to_numpy
from ._arrays import HDF5Recording, MemmapRecording, MemoryRecording, NpyRecording
from ._cache import RowCache
from ._memory import aligned_empty
from ._mne import EpochsRecording
from ._source import Recording

# Threads share files and the cache, so that only one at a time may read.
_LOCK = ForkSafeLock()


class Store:
    """All trials of some recordings, with a cache.

    Parameters
    ----------
    recordings : list of Recording
        The recordings, in order.
    cache_bytes : int
        Memory for trials that are kept.

    Attributes
    ----------
    signal : Signal
        That of the first recording.
    n_trials : int
        Number of trials in all recordings.
    """

    def __init__(self, recordings: Sequence[Recording], cache_bytes: int) -> None:
        self.recordings, self.cache_bytes = list(recordings), cache_bytes
        first = self.recordings[0]
        self.signal = first.signal
        for position, recording in enumerate(self.recordings):
            names = recording.name_at(position), first.name_at(0)
            check_signal(recording.signal, self.signal, *names)
        self._orders = [_order(item.signal, self.signal) for item in self.recordings]
        self._bounds = np.cumsum([0, *(item.n_trials for item in self.recordings)])
        self.n_trials = int(self._bounds[-1])
        self._new_cache()

    def _new_cache(self) -> None:
        self._cache = RowCache(self.n_trials, self.cache_bytes)

    def read(self, trials: np.ndarray, keep: bool = True) -> np.ndarray:
        """Read trials in single precision, with the channels in the order of the first recording.

        Parameters
        ----------
        trials : array of int
            Numbers of the trials.
        keep : bool, default=True
            Whether the trials are kept in the cache.

        Returns
        -------
        X : array of shape (n_trials, n_chans, n_times)
            The trials.
        """
        with _LOCK.hold():
            return self._cache.fetch(trials, lambda missing: self._read(trials[missing]), keep)

    def _read(self, trials: np.ndarray) -> np.ndarray:
        numbers = self.recording_numbers(trials)
        used = np.unique(numbers)
        if len(used) == 1:
            return self._read_one(int(used[0]), trials)
        shape = len(trials), self.signal.n_chans, self.signal.n_times
        X = aligned_empty(shape, np.float32)
        for number in used:
            selected = numbers == number
            X[selected] = self._read_one(int(number), trials[selected])
        return X

    def _read_one(self, number: int, trials: np.ndarray) -> np.ndarray:
        X = self.recordings[number].read(trials - self._bounds[number])
        order = self._orders[number]
        return X if order is None else X[:, order]

    def recording_numbers(self, trials: np.ndarray) -> np.ndarray:
        """Return the number of the recording of each trial."""
        return np.searchsorted(self._bounds, trials, side="right") - 1

    def names(self, trials: np.ndarray) -> np.ndarray:
        """Return the name of the recording of each trial, with its position if it has no file."""
        names = [recording.name for recording in self.recordings]
        if len(names) > 1:
            names = [item.name_at(position) for position, item in enumerate(self.recordings)]
        return np.array(names)[self.recording_numbers(trials)]

    def position(self, trial: int) -> int:
        """Return the number of a trial in its recording."""
        return int(trial - self._bounds[self.recording_numbers(np.array([trial]))[0]])

    def fingerprint(self) -> list[Any]:
        """Return values that identify the data of all recordings."""
        return [recording.fingerprint() for recording in self.recordings]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_cache"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._new_cache()


def as_recording(item: Any, sfreq: float | None, ch_names: Sequence[str] | None) -> Recording:
    """Return a recording for a file or an object with trials.

    Parameters
    ----------
    item : object
        A path, Epochs, or an array.
    sfreq : float or None
        Sampling rate in Hz of arrays.
    ch_names : sequence of str or None
        Names of the channels of arrays.

    Returns
    -------
    recording : Recording
        The recording.
    """
    if isinstance(item, Recording):
        return item
    if is_lazy(item):
        recording = MemoryRecording(item)
        recording.signal, recording.columns = item.signal, dict(item.columns)
        return recording
    if isinstance(item, mne.BaseEpochs):
        return EpochsRecording(item)
    if isinstance(item, mne.io.BaseRaw):
        raise TypeError(
            "LazyTrials: Raw has no trials; use eegsk.recordings.trials_from_raw to cut it."
        )
    if isinstance(item, str | os.PathLike):
        return _open_file(Path(item), sfreq, ch_names)
    if type(item).__module__.startswith("h5py") and hasattr(item, "shape"):
        return HDF5Recording(item.file.filename, item.name, sfreq, ch_names)
    if isinstance(item, np.memmap) and item.filename is not None:
        return MemmapRecording(item, sfreq, ch_names)
    if isinstance(item, torch.Tensor):
        item = to_numpy(item)
    if hasattr(item, "shape") and hasattr(item, "dtype"):
        return MemoryRecording(item, sfreq, ch_names)
    raise TypeError(
        f"LazyTrials: a recording is of type {type(item).__name__}; it should be a path, "
        "mne.Epochs, or an array."
    )


def _open_file(path: Path, sfreq: Any, ch_names: Any) -> Recording:
    """Return a recording for a file, by the end of its name."""
    name = path.name.lower()
    if name.endswith(".npy"):
        return NpyRecording(path, sfreq, ch_names)
    if name.endswith((".fif", ".fif.gz")):
        try:
            epochs = mne.read_epochs(path, preload=False, verbose="error")
        except ValueError as error:
            raise ValueError(
                f"LazyTrials: {path} has no Epochs ({error}); cut continuous recordings with "
                "eegsk.recordings.trials_from_raw."
            ) from error
        return EpochsRecording(epochs)
    if name.endswith((".h5", ".hdf5", ".hdf")):
        return HDF5Recording(path, None, sfreq, ch_names)
    raise ValueError(
        f"LazyTrials: {path} is of an unknown kind; use .npy, -epo.fif, .h5 or .hdf5, open a zarr "
        "array with zarr.open_array, or cut continuous recordings with trials_from_raw."
    )


def read_columns(columns: Mapping[str, Any], recordings: Sequence[Recording], is_list: bool) -> Any:
    """Return the columns of the table, with one value for each trial.

    Parameters
    ----------
    columns : mapping
        For each column and recording, one value or a value for each trial.
    recordings : list of Recording
        The recordings, which may have columns themselves.
    is_list : bool
        Whether the user passed a list of recordings, and so a list of values for each column.

    Returns
    -------
    columns : dict of array of shape (n_trials,)
        The columns by name. Those of the recordings that only some of them have are left out.
    """
    if not isinstance(columns, Mapping):
        raise TypeError(
            f"LazyTrials: columns is of type {type(columns).__name__}; it should be a dictionary, "
            "e.g. {'subject': ['S1', 'S2']}."
        )
    table: dict[str, Any] = {}
    common = set.intersection(*(set(item.columns) for item in recordings))
    for name in recordings[0].columns:
        if name in common:
            table[name] = [item.columns[name] for item in recordings]
    for name, values in columns.items():
        table[name] = list(values) if is_list and not np.isscalar(values) else [values]
        if len(table[name]) != len(recordings):
            raise ValueError(
                f"LazyTrials: column {name!r} has {len(table[name])} entries for "
                f"{len(recordings)} recordings; give one for each recording: a value, or a list of "
                "values, one for each trial."
            )
    return {name: _column(name, values, recordings) for name, values in table.items()}


def _column(name: str, values: Sequence[Any], recordings: Sequence[Recording]) -> np.ndarray:
    parts = []
    for position, (value, recording) in enumerate(zip(values, recordings, strict=True)):
        part = np.asarray(value)
        if part.ndim > 1 or (part.ndim == 1 and len(part) != recording.n_trials):
            raise ValueError(
                f"LazyTrials: column {name!r} has values of shape {part.shape} for "
                f"{recording.name_at(position)}, which has {recording.n_trials} trials; give one "
                "value for the recording, or one for each trial."
            )
        parts.append(np.repeat(part, recording.n_trials) if part.ndim == 0 else part)
    has_numbers = [part.dtype.kind in "biuf" for part in parts]
    if len(set(has_numbers)) > 1:  # NumPy would convert the numbers to text
        number, text = has_numbers.index(True), has_numbers.index(False)
        raise ValueError(
            f"LazyTrials: column {name!r} has numbers ({parts[number].dtype}) for "
            f"{recordings[number].name_at(number)}, but {parts[text].dtype} for "
            f"{recordings[text].name_at(text)}; use the same type for all recordings."
        )
    return np.concatenate(parts)


def check_signal(signal: Signal, expected: Signal, name: str, source: str) -> None:
    """Check that two signals have the same channels (in any order), rate and length.

    Parameters
    ----------
    signal : Signal
        The signal to check.
    expected : Signal
        The expected signal. Names and rates are compared if both are known.
    name, source : str
        Names of the two recordings, for the error message.

    Raises
    ------
    ValueError
        If they differ.
    """
    if signal.ch_names and expected.ch_names:
        pairs = (
            ("lacks", expected.ch_names, signal.ch_names),
            (
                "has in addition",
                signal.ch_names,
                expected.ch_names,
            ),
        )
        for verb, first, second in pairs:
            if names := [channel for channel in first if channel not in second]:
                raise ValueError(
                    f"{name} differs from {source}: it {verb} the channels {', '.join(names[:5])}"
                    f"{', ...' if len(names) > 5 else ''} ({len(names)} in all); select the same "
                    "channels and interpolate bad ones."
                )
    for noun, first, second, remedy in (
        ("channels", signal.n_chans, expected.n_chans, "select the same channels"),
        ("Hz", signal.sfreq, expected.sfreq, "resample the recording"),
        ("time points", signal.n_times, expected.n_times, "crop them to the same length"),
    ):
        if first is not None and second is not None and not np.isclose(first, second):
            raise ValueError(f"{name} has {first:g} {noun}, but {source} has {second:g}; {remedy}.")


def _order(signal: Signal, expected: Signal) -> np.ndarray | None:
    """Return the indices that bring channels into the expected order; None if they are in it."""
    names, expected_names = signal.ch_names, expected.ch_names
    if not names or not expected_names or names == expected_names:
        return None
    return np.array([names.index(name) for name in expected_names])
