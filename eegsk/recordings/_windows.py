"""From continuous recordings to trials: windows around annotations, BIDS folders, MOABB's data."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mne
import numpy as np

from .._imports import import_optional
from ..signals import signal_of
from ._arrays import NpyRecording
from ._mne import RawRecording, annotated_spans, annotation_starts, open_raw
from ._trials import LazyTrials

# Extensions of files with EEG in BIDS folders; others describe them.
_BIDS_EXTENSIONS = [".edf", ".bdf", ".vhdr", ".set", ".fif", ".cnt", ".mff"]

Labels = Sequence[str] | Mapping[str, Any] | None


def trials_from_raw(
    recordings: Any,
    labels: Labels = None,
    *,
    duration: float,
    tmin: float = 0.0,
    tmax: float | None = None,
    step: float | None = None,
    columns: Mapping[str, Any] | None = None,
    cache: str | int | None = "256MB",
) -> LazyTrials:
    """Cut windows out of continuous recordings, which are not read.

    Parameters
    ----------
    recordings : path, mne.io.Raw, or list of these
        Continuous recordings with annotations, in a format of :func:`mne.io.read_raw`. Raw that is
        preloaded stays in memory.
    labels : list of str, mapping or None, default=None
        Annotations to cut around, e.g. ``["T1", "T2"]``, or their labels, e.g. ``{"T1": "left",
        "T2": "right"}``; None to cut the whole recordings into windows.
    duration : float
        Length of a window in seconds.
    tmin : float, default=0.0
        Start of the first window in seconds after the onset of an annotation, or after the start of
        the recording.
    tmax : float or None, default=None
        End of the last window of an annotation in seconds after its onset; None for one window, or,
        without ``labels``, for the end of the recording.
    step : float or None, default=None
        Time between the starts of successive windows in seconds; None for ``duration``.
    columns : mapping or None, default=None
        Further columns of the table, with one value for each recording, e.g. ``{"subject": ["S1",
        "S2"]}``; for a single recording that is not in a list, the value.
    cache : str, int or None, default="256MB"
        Memory for trials that are kept, see :class:`LazyTrials`.

    Returns
    -------
    trials : LazyTrials
        The windows, in volts. Column ``"label"`` has the labels. Column ``"trial"`` is a number for
        each annotation: its windows overlap or are similar, so use it as ``groups`` in
        cross-validation, unless the groups are larger, e.g. subjects. Windows that overlap with an
        annotation whose description begins with "bad" are left out.

    Raises
    ------
    ValueError
        If a recording has none of the annotations, or the recordings differ in channels or sampling
        rate.

    Warns
    -----
    UserWarning
        If windows extend beyond the recording; they are left out. If no recording has one of the
        annotations in ``labels``.

    See Also
    --------
    trials_from_bids : The same for a BIDS folder.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from eegsk.recordings import trials_from_raw
    >>> info = mne.create_info(["C3", "C4"], sfreq=100.0, ch_types="eeg")
    >>> raw = mne.io.RawArray(np.zeros((2, 2000)), info, verbose="error")
    >>> annotations = mne.Annotations(onset=[1, 8], duration=4, description=["left", "right"])
    >>> raw = raw.set_annotations(annotations)
    >>> trials = trials_from_raw(raw, ["left", "right"], duration=2, tmax=4, step=1)
    >>> trials.shape
    (6, 2, 200)
    >>> trials.labels.tolist()
    ['left', 'left', 'left', 'right', 'right', 'right']
    >>> trials.groups("trial").tolist()
    [0, 0, 0, 1, 1, 1]
    """
    is_list = isinstance(recordings, list | tuple)
    step = duration if step is None else step
    for name, value in {"duration": duration, "step": step}.items():
        if not value > 0:
            raise ValueError(f"trials_from_raw: {name}={value!r} should be greater than zero.")
    names = _names(labels)
    unused = set(names or ())
    parts: list[RawRecording] = []
    for item in recordings if is_list else [recordings]:
        raw = open_raw(item)
        n_times, offsets = _offsets(raw, duration, step, (tmin, tmax), names is None)
        onsets, values = _events(raw, names, item)
        unused -= set(raw.annotations.description)
        starts, events = _windows(raw, onsets, offsets, n_times, _name(raw, item))
        table = {"trial": events + sum(part.n_events for part in parts)}
        if names is not None:
            table["label"] = values[events]
        parts.append(RawRecording(item, starts, n_times, len(onsets), table))
    if unused:
        warnings.warn(
            f"trials_from_raw: no recording has the annotations {', '.join(sorted(unused))}; check "
            "their names.",
            stacklevel=2,
        )
    return LazyTrials(parts if is_list else parts[0], columns, cache=cache)


def _names(labels: Labels) -> dict[str, Any] | None:
    """Return the label of each annotation."""
    if labels is None or isinstance(labels, Mapping):
        return None if labels is None else dict(labels)
    labels = [labels] if isinstance(labels, str) else list(labels)
    return dict(zip(labels, labels, strict=True))


def _events(
    raw: mne.io.BaseRaw, names: dict[str, Any] | None, item: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first sample and the label of each event; one event if ``names`` is None."""
    if names is None:
        return np.array([0]), np.array([None])
    annotations = raw.annotations
    selected = np.flatnonzero(np.isin(annotations.description, list(names)))
    if len(selected) == 0:
        existing = ", ".join(sorted(set(annotations.description))) or "no annotations"
        raise ValueError(
            f"trials_from_raw: {_name(raw, item)} has none of the annotations {', '.join(names)}; "
            f"it has {existing}."
        )
    labels = np.array([names[description] for description in annotations.description[selected]])
    return annotation_starts(raw)[selected], labels


def _offsets(
    raw: mne.io.BaseRaw,
    duration: float,
    step: float,
    limits: tuple[float, float | None],
    is_whole: bool,
) -> tuple[int, np.ndarray]:
    """Return the length of a window, and the first sample of each window from its event."""
    (tmin, tmax), sfreq = limits, raw.info["sfreq"]
    n_times, n_step = (max(1, round(value * sfreq)) for value in (duration, step))
    first, n_samples = round(tmin * sfreq), n_times
    if tmax is not None:
        n_samples = round((tmax - tmin) * sfreq)
    elif is_whole:
        n_samples = max(n_times, raw.n_times - first)
    if n_samples < n_times:
        raise ValueError(f"trials_from_raw: no window of {duration} s fits in {tmin=} to {tmax=}.")
    return n_times, np.arange(first, first + n_samples - n_times + 1, n_step)


def _windows(
    raw: mne.io.BaseRaw, onsets: np.ndarray, offsets: np.ndarray, n_times: int, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first sample and the event of each window."""
    starts = (onsets[:, None] + offsets).ravel()
    events = np.repeat(np.arange(len(onsets)), len(offsets))
    is_inside = (starts >= 0) & (starts + n_times <= raw.n_times)
    if not is_inside.all():
        warnings.warn(
            f"trials_from_raw: {(~is_inside).sum()} of {len(starts)} windows of {name} extend "
            "beyond the recording and are left out.",
            stacklevel=3,
        )
    kept = is_inside & ~_is_bad(raw, starts, n_times)
    return starts[kept], events[kept]


def _is_bad(raw: mne.io.BaseRaw, starts: np.ndarray, n_times: int) -> np.ndarray:
    """Return whether each window overlaps with an annotation that begins with "bad"."""
    is_bad = np.zeros(len(starts), bool)
    for first, stop in annotated_spans(raw, "bad"):
        is_bad |= (starts < stop) & (starts + n_times > first)
    return is_bad


def _name(raw: mne.io.BaseRaw, item: Any) -> str:
    return str(item) if item is not raw else str((*raw.filenames, None)[0] or "the Raw")


def trials_from_bids(
    root: str | os.PathLike[str],
    labels: Labels = None,
    *,
    subjects: Sequence[str] | None = None,
    sessions: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    runs: Sequence[str] | None = None,
    **params: Any,
) -> LazyTrials:
    """Cut windows out of the EEG recordings of a BIDS folder, which are not read.

    Needs mne-bids (``pip install 'eegsk[recordings]'``). Channel types, bad channels and events are
    those of the folder.

    Parameters
    ----------
    root : path
        The BIDS folder.
    labels : list of str, mapping or None, default=None
        Events to cut around, see :func:`trials_from_raw`.
    subjects, sessions, tasks, runs : sequence of str or None, default=None
        Which recordings are used; None for all.
    **params : dict
        Parameters of :func:`trials_from_raw`, e.g. ``duration=2.0``.

    Returns
    -------
    trials : LazyTrials
        The windows, with the columns ``"subject"``, ``"session"``, ``"task"`` and ``"run"``.

    Raises
    ------
    ImportError
        If mne-bids is not installed.
    ValueError
        If no recording is found.

    Examples
    --------
    >>> from eegsk.recordings import trials_from_bids
    >>> trials = trials_from_bids(
    ...     "bids", ["left", "right"], tasks=["hands"], duration=0.8
    ... )  # doctest: +SKIP
    """
    mne_bids = import_optional("mne_bids", "recordings", "trials_from_bids")
    paths = mne_bids.find_matching_paths(
        root,
        subjects=subjects,
        sessions=sessions,
        tasks=tasks,
        runs=runs,
        suffixes="eeg",
        datatypes="eeg",
        extensions=_BIDS_EXTENSIONS,
    )
    if not paths:
        raise ValueError(f"trials_from_bids: {root} has no EEG recording that matches.")
    raws = [mne_bids.read_raw_bids(path, verbose="error") for path in paths]
    names = ("subject", "session", "task", "run")
    columns = {name: [getattr(path, name) or "" for path in paths] for name in names}
    return trials_from_raw(raws, labels, columns=columns, **params)


def trials_from_moabb(
    dataset: Any,
    paradigm: Any,
    folder: str | os.PathLike[str],
    *,
    subjects: Sequence[int] | None = None,
    cache: str | int | None = "256MB",
) -> LazyTrials:
    """Write the trials of a data set of MOABB to files, one subject after the other.

    The data of only one subject are in memory at a time. Existing files are replaced.

    Parameters
    ----------
    dataset : moabb.datasets.base.BaseDataset
        The data set.
    paradigm : moabb.paradigms.base.BaseParadigm
        The paradigm, which filters, cuts and resamples the recordings.
    folder : path
        Folder of the files, one for each subject; it is created if necessary.
    subjects : sequence of int or None, default=None
        The subjects; None for all.
    cache : str, int or None, default="256MB"
        Memory for trials that are kept, see :class:`LazyTrials`.

    Returns
    -------
    trials : LazyTrials
        The trials, in volts, with the columns ``"label"``, ``"subject"``, ``"session"`` and
        ``"run"``.

    Examples
    --------
    >>> from moabb.datasets import BNCI2014_001  # doctest: +SKIP
    >>> from moabb.paradigms import LeftRightImagery  # doctest: +SKIP
    >>> from eegsk.recordings import trials_from_moabb
    >>> trials = trials_from_moabb(BNCI2014_001(), LeftRightImagery(), "data")  # doctest: +SKIP
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    parts: list[NpyRecording] = []
    columns: dict[str, list[Any]] = {}
    for subject in dataset.subject_list if subjects is None else subjects:
        epochs, y, metadata = paradigm.get_data(dataset, [subject], return_epochs=True)
        signal = signal_of(epochs)
        path = folder / f"{dataset.code}-{subject}.npy"
        X = epochs.get_data(picks=list(signal.ch_names or ()), copy=False)
        np.save(path, X.astype(np.float32))
        parts.append(NpyRecording(path, signal.sfreq, signal.ch_names))
        table = {"label": y, **{name: metadata[name].to_numpy() for name in metadata.columns}}
        for name, values in table.items():
            columns.setdefault(name, []).append(np.asarray(values))
    return LazyTrials(parts, columns, cache=cache)
