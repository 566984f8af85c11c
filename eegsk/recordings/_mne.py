"""Trials in recordings of MNE: Epochs that are not preloaded, and windows of Raw."""

from __future__ import annotations

import os
import re
from typing import Any

import mne
import numpy as np

from .._epochs import event_names, list_epochs
from ..signals import signal_of
from ._source import Recording


class EpochsRecording(Recording):
    """Trials of Epochs, each read from its file if the Epochs are not preloaded.

    Parameters
    ----------
    epochs : mne.Epochs
        The Epochs. They are not changed; bad epochs are left out.
    """

    def __init__(self, epochs: mne.BaseEpochs) -> None:
        (self._epochs,) = list_epochs(epochs)
        signal = signal_of(self._epochs)
        # Names are necessary only for a part of the channels; without them, reading is faster.
        names = list(signal.ch_names or ())
        self._picks = None if names == self._epochs.ch_names else np.array(names)
        files = _files(self._epochs)
        name = str(files[0]) if files else "the Epochs"
        columns = {**_metadata(self._epochs), "label": event_names(self._epochs)}
        super().__init__(name, len(self._epochs.events), signal, files, columns)

    def _read(self, trials: np.ndarray) -> np.ndarray:
        return self._epochs.get_data(picks=self._picks, item=trials, copy=False, verbose="error")

    def fingerprint(self) -> list[Any]:
        """Return values that identify the data, among them the events."""
        data = self._epochs.get_data(copy=False) if self._epochs.preload else None
        return [*super().fingerprint(), self._epochs.events, self._epochs.tmin, data]


class RawRecording(Recording):
    """Windows of a continuous recording.

    Parameters
    ----------
    raw : path or mne.io.Raw
        The recording. A file is opened again in each process.
    starts : array of int
        First sample of each window, from the beginning of the recording.
    n_times : int
        Number of samples in a window.
    n_events : int
        Number of events, e.g. annotations, from which the windows were cut.
    columns : dict or None, default=None
        Known values for each window, e.g. ``{"label": [...]}``.
    """

    def __init__(
        self,
        raw: Any,
        starts: np.ndarray,
        n_times: int,
        n_events: int,
        columns: dict[str, Any] | None = None,
    ) -> None:
        self._path = None if isinstance(raw, mne.io.BaseRaw) else os.path.abspath(raw)
        self._raw = open_raw(raw)
        self._starts, self.n_events = starts, n_events
        signal = signal_of(self._raw, n_times)
        self._picks = np.array([self._raw.ch_names.index(name) for name in signal.ch_names or ()])
        files = _files(self._raw)
        name = str(raw) if self._path else str(files[0]) if files else "the Raw"
        super().__init__(name, len(starts), signal, files, columns)

    def _read(self, trials: np.ndarray) -> np.ndarray:
        if self._raw is None:
            self._raw = open_raw(self._path)
        n_times = self.signal.n_times
        windows = [
            self._raw.get_data(self._picks, int(start), int(start) + n_times, verbose="error")
            for start in self._starts[trials]
        ]
        return np.array(windows)

    def fingerprint(self) -> list[Any]:
        """Return values that identify the data, among them the first sample of each window."""
        is_in_memory = self._raw is not None and self._raw.preload
        data = self._raw.get_data() if is_in_memory else None
        return [*super().fingerprint(), self._starts, data]

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_raw": self._raw if self._path is None else None}


def open_raw(raw: Any) -> mne.io.BaseRaw:
    """Open a continuous recording without reading its data.

    Parameters
    ----------
    raw : path or mne.io.Raw
        A file that :func:`mne.io.read_raw` can read, or Raw, which is returned.

    Returns
    -------
    raw : mne.io.Raw
        The recording. Projectors of a file are applied, as in :class:`mne.Epochs`.
    """
    if isinstance(raw, mne.io.BaseRaw):
        return raw
    raw = mne.io.read_raw(raw, preload=False, verbose="error")
    return raw.apply_proj(verbose="error") if raw.info["projs"] else raw


def annotation_starts(raw: mne.io.BaseRaw) -> np.ndarray:
    """Return the first sample of each annotation, from the beginning of the recording.

    Parameters
    ----------
    raw : mne.io.Raw
        The recording.

    Returns
    -------
    starts : array of int
        The samples; negative for annotations that begin before the recording.
    """
    annotations = raw.annotations
    starts = raw.time_as_index(annotations.onset, use_rounding=True, origin=annotations.orig_time)
    # Without a date, onsets count from the beginning of the acquisition, before raw.crop.
    return starts - raw.first_samp if annotations.orig_time is None else starts


def annotated_spans(raw: mne.io.BaseRaw, pattern: str) -> list[tuple[int, int]]:
    """Return the samples of annotations whose description begins with a pattern.

    Parameters
    ----------
    raw : mne.io.Raw
        The recording.
    pattern : str
        Regular expression; upper and lower case are the same.

    Returns
    -------
    spans : list of (int, int)
        First sample of each annotation, and the sample after its last one. An annotation has at
        least one sample.
    """
    annotations, sfreq = raw.annotations, raw.info["sfreq"]
    lengths = [max(1, round(duration * sfreq)) for duration in annotations.duration]
    return [
        (int(start), int(start) + length)
        for start, length, text in zip(
            annotation_starts(raw), lengths, annotations.description, strict=True
        )
        if re.match(pattern, text, re.IGNORECASE)
    ]


def _files(instance: Any) -> list[Any]:
    """Return the data files of Raw, or of Epochs that are not preloaded."""
    if instance.preload:
        return []
    if isinstance(instance, mne.io.BaseRaw):
        return [path for path in instance.filenames if path is not None]
    raw = getattr(instance, "_raw", None)
    if isinstance(raw, mne.io.BaseRaw):
        return _files(raw)
    return [] if instance.filename is None else [instance.filename]


def _metadata(epochs: mne.BaseEpochs) -> dict[str, Any]:
    """Return the columns of the metadata; there are none if pandas is not installed."""
    table: Any = epochs.metadata
    if not hasattr(table, "columns"):
        return {}
    return {str(name): table[name].to_numpy() for name in table.columns}
