"""From whatever holds trials to one array, and what is known of the signal in it."""

from __future__ import annotations

import copyreg
import gzip
import importlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mne
import numpy as np
import torch

_DATA_TYPES: dict[str, Any] = {
    **dict.fromkeys(("meg", "eeg", "csd", "seeg", "ecog", "dbs", "fnirs"), True),
    "ref_meg": False,
}
# Epochs in a file share one place in it: threads that read at once would get each other's trials.
_READING = threading.Lock()


@dataclass(frozen=True)
class Signal:
    """What a network must know of the trials it is built for.

    Parameters
    ----------
    n_chans : int
        Number of electrodes.
    n_times : int
        Number of samples in a trial.
    sfreq : float or None, default=None
        Sampling rate in Hz; None where the trials do not tell.
    ch_names : tuple of str or None, default=None
        The electrodes' names, in order; None where the trials do not tell.

    Examples
    --------
    >>> from eegsk import Signal
    >>> Signal(n_chans=3, n_times=1000, sfreq=250.0)
    Signal(n_chans=3, n_times=1000, sfreq=250.0, ch_names=None)
    """

    n_chans: int
    n_times: int
    sfreq: float | None = None
    ch_names: tuple[str, ...] | None = None


def is_epochs(X: Any) -> bool:
    """Tell whether ``X`` is Epochs, or the list of Epochs that scikit-learn's splits make."""
    if isinstance(X, mne.BaseEpochs):
        return True
    return isinstance(X, list | tuple) and len(X) > 0 and isinstance(X[0], mne.BaseEpochs)


def read_trials(X: Any, fitted: Signal | None = None) -> tuple[Any, Signal | None]:
    """Read trials into an array-like, with the description that Epochs carry.

    Parameters
    ----------
    X : array-like, torch.Tensor, mne.Epochs or list of mne.Epochs
        Trials, ``(n_trials, n_chans, n_times)``, or ``(n_trials, n_times)`` for one electrode. Of
        Epochs, the good data channels are taken, in volts; epochs marked bad are dropped.
    fitted : Signal or None, default=None
        The signal that Epochs must agree with; its electrodes are picked by name, in its order.

    Returns
    -------
    trials : array-like
        The trials, as yet unchecked.
    signal : Signal or None
        What Epochs tell of themselves, None for anything else.

    Raises
    ------
    TypeError
        If ``X`` is Raw or Evoked, which hold no trials.
    ValueError
        If Epochs in a list differ in channels, length or sampling rate, or do not agree with
        ``fitted``; the message says what differs.
    """
    if is_epochs(X):
        return _read_epochs(X if isinstance(X, list | tuple) else [X], fitted)
    if isinstance(X, mne.io.BaseRaw | mne.Evoked):
        raise TypeError(f"X is {type(X).__name__}, which holds no trials; give mne.Epochs of it.")
    return (_to_numpy(X) if isinstance(X, torch.Tensor) else X), None


def event_names(X: Any) -> np.ndarray:
    """Name the event of each trial, as in ``event_id``.

    Parameters
    ----------
    X : mne.Epochs or list of mne.Epochs
        The trials.

    Returns
    -------
    names : array of str, shape (n_trials,)
        The name of each trial's event.
    """
    names: list[str] = []
    for epochs in X if isinstance(X, list | tuple) else [X]:
        name_of = {code: name for name, code in epochs.event_id.items()}
        names += [name_of[code] for code in _without_bad(epochs).events[:, 2]]
    return np.array(names)


def list_epochs(X: Any) -> list[mne.BaseEpochs]:
    """Return Epochs as a list of Epochs without bad ones.

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
        Epochs without bad ones, from :func:`list_epochs`. They are not changed.
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
        with _READING:
            epochs = parts[0].copy().load_data()
    else:
        epochs = _concatenate(parts)
    picks = [epochs.ch_names.index(name) for name in ch_names]
    epochs.get_data(copy=False, verbose="error")[:, picks] = trials
    return epochs


def _concatenate(parts: Sequence[Any]) -> mne.EpochsArray:
    """Join Epochs into one object; ``mne.concatenate_epochs`` takes much longer for many."""
    first = parts[0]
    names = [name for name in first.ch_names if all(name in part.ch_names for part in parts)]
    events, event_id = _join_events(parts)
    return mne.EpochsArray(
        np.concatenate([_values(part, names) for part in parts]),
        mne.pick_info(first.info, [first.ch_names.index(name) for name in names], copy=True),
        events,
        tmin=first.tmin,
        event_id=event_id,
        metadata=_join_metadata([part.metadata for part in parts]),
        proj=False,
        verbose="error",
    )


def _join_events(parts: Sequence[Any]) -> tuple[np.ndarray, dict[str, int]]:
    """Join events; number them anew if two parts use one code, or one sample, for two events."""
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


def _to_numpy(X: torch.Tensor) -> np.ndarray:
    X = X.detach().cpu()
    return (X.float() if X.dtype is torch.bfloat16 else X).numpy()  # numpy has no bfloat16


def _read_epochs(parts: Sequence[Any], fitted: Signal | None) -> tuple[np.ndarray, Signal]:
    if fitted is not None and fitted.ch_names is not None:
        signal, whose = fitted, "fit"
    else:
        signal, whose = _describe(parts[0]), "the first in the list"
    for part in parts:
        _check_alike(_describe(part), signal, whose)
    picks = list(signal.ch_names or ())
    return np.concatenate([_values(part, picks) for part in parts]), signal


def _describe(epochs: mne.BaseEpochs) -> Signal:
    picks = mne.pick_types(epochs.info, exclude="bads", **_DATA_TYPES)
    if len(picks) == 0:
        raise ValueError(
            "The Epochs hold no good data channel (EEG, MEG, ...); look at info['bads'] and at "
            "the channel types, epochs.get_channel_types()."
        )
    names = tuple(epochs.ch_names[pick] for pick in picks)
    return Signal(len(names), len(epochs.times), float(epochs.info["sfreq"]), names)


def _check_alike(found: Signal, wanted: Signal, whose: str) -> None:
    """See that Epochs have the channels, in any order, rate and length that are wanted."""
    lacking = [name for name in wanted.ch_names or () if name not in (found.ch_names or ())]
    besides = [name for name in found.ch_names or () if name not in (wanted.ch_names or ())]
    if lacking or besides:
        raise ValueError(
            f"The Epochs' good channels are not those of {whose}: {_listed(lacking)} missing, "
            f"{_listed(besides)} new; pick the same ones, and interpolate those marked bad."
        )
    if not np.isclose(found.sfreq or 0, wanted.sfreq or 0):
        raise ValueError(
            f"The Epochs are sampled at {found.sfreq:g} Hz, those of {whose} at "
            f"{wanted.sfreq:g} Hz; use epochs.resample({wanted.sfreq:g})."
        )
    if found.n_times != wanted.n_times:
        raise ValueError(
            f"The Epochs have {found.n_times} times, those of {whose} {wanted.n_times}; crop them "
            "alike."
        )


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:5]) or "none"
    return f"{shown}, ... ({len(names)})" if len(names) > 5 else shown


def _values(epochs: mne.BaseEpochs, picks: list[str]) -> np.ndarray:
    epochs = _without_bad(epochs)
    chosen = None if epochs.ch_names == picks else np.array(picks)
    with _READING:
        return epochs.get_data(picks=chosen, copy=False, verbose="error")


def _without_bad(epochs: mne.BaseEpochs) -> mne.BaseEpochs:
    """Drop bad epochs from a copy where MNE has not done so, which it puts off until needed."""
    if epochs.preload or getattr(epochs, "_bad_dropped", False):
        return epochs
    return epochs.copy().drop_bad(verbose="error")


def _reopen(opener: Callable[..., Any], path: str, state: dict[str, Any]) -> Any:
    container = object.__new__(mne.epochs._RawContainer)
    container.__dict__.update(state, fid=opener(path, "rb"))
    return container


def _reduce_container(container: Any) -> tuple[Any, ...]:
    state = {name: value for name, value in vars(container).items() if name != "fid"}
    opener = gzip.open if isinstance(container.fid, gzip.GzipFile) else open
    return _reopen, (opener, container.fid.name, state)


# Epochs read from a file with preload=False hold it open, and joblib cannot send an open file to
# its workers: they open it again.
copyreg.pickle(mne.epochs._RawContainer, _reduce_container)
