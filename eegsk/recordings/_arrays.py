"""Trials in arrays: .npy files, HDF5, zarr and arrays in memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from .._imports import import_optional
from ..signals import Signal
from ._memory import aligned_empty
from ._source import Recording, runs


class ArrayRecording(Recording):
    """Base class of recordings whose trials are rows of an array of three dimensions.

    Parameters
    ----------
    name : str
        Name for error messages.
    shape : tuple of int
        Shape of the array, (n_trials, n_chans, n_times).
    dtype : numpy.dtype
        Type of the numbers.
    sfreq : float or None
        Sampling rate in Hz.
    ch_names : sequence of str or None
        Names of the channels.
    files : sequence of path
        Files of the array.
    """

    def __init__(
        self,
        name: str,
        shape: Sequence[int],
        dtype: Any,
        sfreq: float | None,
        ch_names: Sequence[str] | None,
        files: Sequence[Any] = (),
    ) -> None:
        if len(shape) != 3 or 0 in shape[1:]:
            raise ValueError(
                f"{name} has shape {tuple(shape)}; it should be (n_trials, n_chans, n_times)."
            )
        if np.dtype(dtype).kind not in "fiu":
            raise TypeError(f"{name} has the type {dtype}; it should contain real numbers.")
        if isinstance(ch_names, str):
            raise TypeError(f"{name}: ch_names={ch_names!r} should be a list of names.")
        if ch_names is not None and len(ch_names) != shape[1]:
            raise ValueError(
                f"{name} has {shape[1]} channels, but ch_names has {len(ch_names)} names."
            )
        names = None if ch_names is None else tuple(ch_names)
        if names is not None and len(set(names)) < len(names):
            raise ValueError(f"{name}: ch_names has the same name twice; names should be unique.")
        signal = Signal(shape[1], shape[2], sfreq, names)
        super().__init__(name, shape[0], signal, files)


class MemoryRecording(ArrayRecording):
    """Trials of an array in memory, or of a zarr array, which reopens its files by itself.

    Parameters
    ----------
    array : array
        The array.
    sfreq : float or None, default=None
        Sampling rate in Hz.
    ch_names : sequence of str or None, default=None
        Names of the channels.
    """

    def __init__(self, array: Any, sfreq: Any = None, ch_names: Any = None) -> None:
        self._array = array
        files = _zarr_files(array)
        name = str(files[0].parent) if files else f"the {type(array).__name__}"
        super().__init__(name, array.shape, array.dtype, sfreq, ch_names, files)

    def _read(self, trials: np.ndarray) -> np.ndarray:
        rows = getattr(self._array, "oindex", self._array)  # zarr reads each chunk once
        return np.asarray(rows[trials])

    def fingerprint(self) -> list[Any]:
        """Return values that identify the data, e.g. the array itself."""
        if hasattr(self._array, "fingerprint"):  # LazyTrials
            return self._array.fingerprint()
        array = self._array if isinstance(self._array, np.ndarray) else None
        return [*super().fingerprint(), array]


class NpyRecording(ArrayRecording):
    """Trials in a .npy file, which are read without a memory map.

    Pages of a memory map count as memory of the process, and a file that is cut ends the process.

    Parameters
    ----------
    path : path
        The file.
    sfreq : float or None, default=None
        Sampling rate in Hz.
    ch_names : sequence of str or None, default=None
        Names of the channels.
    """

    def __init__(self, path: Any, sfreq: Any = None, ch_names: Any = None) -> None:
        with open(path, "rb") as file:
            version = npy_format.read_magic(file)
            header = (
                npy_format.read_array_header_1_0(file)
                if version == (1, 0)
                else npy_format.read_array_header_2_0(file)
            )
            shape, is_fortran, dtype = header
            offset = file.tell()
        if is_fortran:
            raise ValueError(
                f"{path} is in Fortran order, in which the values of a trial are not together; "
                "save np.ascontiguousarray(X)."
            )
        self._set_layout(path, dtype, offset, shape)
        super().__init__(str(path), shape, dtype, sfreq, ch_names, [path])

    def _set_layout(self, path: Any, dtype: Any, offset: int, shape: Sequence[int]) -> None:
        self._path, self._dtype, self._offset = os.path.abspath(path), dtype, offset
        self._n_bytes = int(np.prod(shape[1:])) * dtype.itemsize
        if dtype.hasobject or len(shape) != 3:
            return  # the constructor of the base class raises an error
        expected, n_bytes = offset + shape[0] * self._n_bytes, os.stat(path).st_size
        if n_bytes < expected:
            raise OSError(
                f"{path} has {n_bytes} bytes, but {shape[0]} trials need {expected} bytes; write "
                "the file again, or wait until it is complete."
            )

    def _read(self, trials: np.ndarray) -> np.ndarray:
        shape = (len(trials), self.signal.n_chans, self.signal.n_times)
        X = aligned_empty(shape, self._dtype)
        with open(self._path, "rb") as file:
            for position, first, n_trials in runs(trials):
                file.seek(self._offset + first * self._n_bytes)
                part = X[position : position + n_trials]
                if file.readinto(part.reshape(-1).view(np.uint8).data) != part.nbytes:
                    raise OSError("the file ends too early")
        return X


class MemmapRecording(NpyRecording):
    """Trials of a memory map, which are read from its file.

    Parameters
    ----------
    array : numpy.memmap
        The memory map of a file, or a part of successive trials of it.
    sfreq : float or None, default=None
        Sampling rate in Hz.
    ch_names : sequence of str or None, default=None
        Names of the channels.
    """

    def __init__(self, array: np.memmap, sfreq: Any = None, ch_names: Any = None) -> None:
        path, whole = str(array.filename), array
        if not array.flags.c_contiguous:
            raise ValueError(
                f"the memory map of {path} is not in C order; pass the whole memory map of a file."
            )
        while isinstance(whole.base, np.memmap):
            whole = whole.base
        start = array.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
        self._set_layout(path, array.dtype, whole.offset + start, array.shape)
        ArrayRecording.__init__(self, path, array.shape, array.dtype, sfreq, ch_names, [path])


class HDF5Recording(ArrayRecording):
    """Trials in a dataset of an HDF5 file.

    Parameters
    ----------
    path : path
        The file.
    key : str or None, default=None
        Name of the dataset; None if the file has one dataset of three dimensions.
    sfreq : float or None, default=None
        Sampling rate in Hz.
    ch_names : sequence of str or None, default=None
        Names of the channels.
    """

    def __init__(
        self, path: Any, key: str | None = None, sfreq: Any = None, ch_names: Any = None
    ) -> None:
        h5py = import_optional("h5py", "recordings", "Reading HDF5 files")
        self._path, self._dataset = os.path.abspath(path), None
        with h5py.File(path, "r") as file:
            self._key = _find_dataset(file, path) if key is None else key
            dataset = file[self._key]
            shape, dtype = dataset.shape, dataset.dtype
        super().__init__(f"{path}, {self._key}", shape, dtype, sfreq, ch_names, [path])

    def _read(self, trials: np.ndarray) -> np.ndarray:
        if self._dataset is None:
            h5py = import_optional("h5py", "recordings", "Reading HDF5 files")
            self._dataset = h5py.File(self._path, "r")[self._key]
        # Slices are much faster than a list of numbers, which h5py reads one after the other.
        parts = [self._dataset[first : first + n] for _, first, n in runs(trials)]
        return np.concatenate(parts)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_dataset": None}


def _find_dataset(file: Any, path: Any) -> str:
    """Return the name of the only dataset of three dimensions in an HDF5 file."""
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if _has_trials(item) else None)
    if len(names) != 1:
        raise ValueError(
            f"{path} has {len(names)} datasets of three dimensions{_listed(names)}; pass the "
            "dataset, h5py.File(path)[name]."
        )
    return names[0]


def _has_trials(item: Any) -> bool:
    return len(getattr(item, "shape", ())) == 3


def _listed(names: list[str]) -> str:
    return f" ({', '.join(names[:5])})" if names else ""


def _zarr_files(array: Any) -> list[Path]:
    """Return the file with the description of a zarr array on disk; none for other arrays."""
    store = getattr(array, "store", None)
    root = getattr(store, "root", None) or getattr(store, "path", None)
    if root is None:
        return []
    folder = Path(root) / str(getattr(array, "path", "") or "")
    return [path for name in ("zarr.json", ".zarray") if (path := folder / name).exists()]
