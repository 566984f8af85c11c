"""Epochs: their trials and events, and new Epochs with other values."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import mne
import numpy as np

from . import _epochs_pickling  # noqa: F401  (registers the pickling of Epochs)
from ._locks import ForkSafeLock

# Copies of Epochs that are not preloaded share one file handle. Threads that read at the same time
# would move its position for each other, and read wrong trials.
_FILE_LOCK = ForkSafeLock()


def is_epochs(X: Any) -> bool:
    """Return whether ``X`` is Epochs or a list of Epochs.

    Parameters
    ----------
    X : object
        Trials. The splitters of scikit-learn turn Epochs into a list of Epochs with one trial each.

    Returns
    -------
    is_epochs : bool
        True for Epochs and for a list or tuple of Epochs.

    Raises
    ------
    TypeError
        If a list contains Epochs and other objects.
    """
    if not (isinstance(X, list | tuple) and len(X) > 0 and isinstance(X[0], mne.BaseEpochs)):
        return isinstance(X, mne.BaseEpochs)
    for item in X:
        if not isinstance(item, mne.BaseEpochs):
            raise TypeError(f"X is a list of Epochs and of {type(item).__name__}; pass one kind.")
    return True


def event_names(X: Any) -> np.ndarray:
    """Return the name of the event of each trial.

    Parameters
    ----------
    X : mne.Epochs or list of mne.Epochs
        Trials.

    Returns
    -------
    names : array of str, shape (n_trials,)
        Names as in ``event_id``, e.g. ``"left_hand"``; bad epochs are left out.
    """
    names: list[str] = []
    for epochs in X if isinstance(X, list | tuple) else [X]:
        names_by_code = {code: name for name, code in epochs.event_id.items()}
        names += [names_by_code[code] for code in _without_bad(epochs).events[:, 2]]
    return np.array(names)


def list_epochs(X: Any) -> list[mne.BaseEpochs]:
    """Return a list of Epochs without bad epochs.

    Parameters
    ----------
    X : mne.Epochs or list of mne.Epochs
        Trials. They are not changed.

    Returns
    -------
    parts : list of mne.Epochs
        One item for Epochs, and as many items as ``X`` for a list.
    """
    return [_without_bad(epochs) for epochs in (X if isinstance(X, list | tuple) else [X])]


def replace_trials(parts: Sequence[Any], trials: np.ndarray, ch_names: Sequence[str]) -> Any:
    """Return Epochs with other values in some channels.

    Parameters
    ----------
    parts : list of mne.Epochs
        Epochs without bad epochs, from :func:`list_epochs`. They are not changed.
    trials : array of shape (n_trials, n_chans, n_times)
        The new values.
    ch_names : sequence of str
        Names of the channels of ``trials``. Other channels keep their values.

    Returns
    -------
    epochs : mne.Epochs
        One object with the trials of all parts, their events and metadata.
    """
    if len(parts) == 1:
        with _FILE_LOCK.hold():
            epochs = parts[0].copy().load_data()
    else:
        epochs = _concatenate(parts)
    picks = [epochs.ch_names.index(name) for name in ch_names]
    epochs.get_data(copy=False, verbose="error")[:, picks] = trials
    return epochs


def read_values(epochs: mne.BaseEpochs, picks: list[str]) -> np.ndarray:
    """Read the trials of Epochs, in volts, with channels in the order of ``picks``.

    Parameters
    ----------
    epochs : mne.Epochs
        Trials; bad epochs are left out.
    picks : list of str
        Names of channels.

    Returns
    -------
    values : array of shape (n_trials, n_chans, n_times)
        The trials, which may share memory with the Epochs.
    """
    epochs = _without_bad(epochs)
    names = None if epochs.ch_names == picks else np.array(picks)
    with _FILE_LOCK.hold():
        return epochs.get_data(picks=names, copy=False, verbose="error")


def _concatenate(parts: Sequence[Any]) -> mne.EpochsArray:
    """Join Epochs into one object; ``mne.concatenate_epochs`` takes much longer for many."""
    first = parts[0]
    names = [name for name in first.ch_names if all(name in part.ch_names for part in parts)]
    events, event_id = _join_events(parts)
    return mne.EpochsArray(
        np.concatenate([read_values(part, names) for part in parts]),
        mne.pick_info(first.info, [first.ch_names.index(name) for name in names], copy=True),
        events,
        tmin=first.tmin,
        event_id=event_id,
        metadata=_join_metadata([part.metadata for part in parts]),
        proj=False,
        verbose="error",
    )


def _join_events(parts: Sequence[Any]) -> tuple[np.ndarray, dict[str, int]]:
    """Join events, and change codes or samples that two parts use for different events."""
    events = np.concatenate([part.events for part in parts])
    if len(np.unique(events[:, 0])) < len(events):
        events[:, 0] = np.arange(len(events)) * len(parts[0].times)
    pairs = {pair for part in parts for pair in part.event_id.items()}
    event_id = dict(sorted(pairs, key=lambda pair: pair[1]))
    if not len(pairs) == len(event_id) == len(set(event_id.values())):
        event_id = {name: code for code, name in enumerate(event_id, start=1)}
        events[:, 2] = [event_id[name] for name in event_names(parts)]
    return events, event_id


def _join_metadata(tables: Sequence[Any]) -> Any:
    if any(table is None for table in tables):
        return None
    if isinstance(tables[0], list):  # of dictionaries, where pandas is not installed
        return [row for table in tables for row in table]
    return importlib.import_module("pandas").concat(tables, ignore_index=True)


def _without_bad(epochs: mne.BaseEpochs) -> mne.BaseEpochs:
    """Return Epochs without bad epochs, which MNE drops only when it reads the data."""
    if epochs.preload or getattr(epochs, "_bad_dropped", False):
        return epochs
    return epochs.copy().drop_bad(verbose="error")
