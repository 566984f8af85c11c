"""Trials of the recordings in the folder ``EEGSK_DATA``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import mne
import numpy as np
from scipy.io import loadmat
from scipy.signal import butter, sosfilt

from eegsk.datasets import load_bci_iv_2b

from .jobs import EVALUATION, TRAINING

# Window around the square, in seconds. It must not contain the button press, which would reveal the
# reaction time. Reaction times are longer than 0.2 s, so the window ends there. It begins 0.5 s
# before the square, to include the state of attention, and hardly overlaps with the previous trial.
BEFORE_SQUARE, AFTER_SQUARE = -0.5, 0.2

ARITHMETIC_SFREQ = 128.0
WINDOW = 4.0  # seconds
NOT_BRAIN = ("EEG A2-A1", "ECG ECG")
NOT_BRAIN_EEGLAB = ("EOG1", "EOG2")

N_TIMES_FISTS = 480  # samples of a trial of eegmmidb that are used, i.e. 3 s

ODDBALL_BAND = (0.5, 20.0)  # Hz
ODDBALL_SFREQ = 125.0
ODDBALL_WINDOW = 0.8  # seconds after the stimulus
ODDBALL_TRAINING = 0.6  # first part of the trials of a person

C3_AND_C4 = [0, 2]  # of C3, Cz and C4
# 750 samples from 0.5 s after the cue, i.e. during the imagined movement.
IMAGINING = slice(125, 875)


class Split(NamedTuple):
    """Training and test trials with their sessions."""

    X: np.ndarray
    y: np.ndarray
    session: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    session_test: np.ndarray


@lru_cache(maxsize=2)
def load_hands(subject: int) -> Split:
    """Load the training and evaluation sessions of a subject."""
    X, y, session = load_bci_iv_2b(subject, TRAINING)
    return Split(X, y, session, *load_bci_iv_2b(subject, EVALUATION))


def load_two_channels(subject: int) -> Split:
    """Load 750 samples of channels C3 and C4, the input of the two-channel recipes."""
    split = load_hands(subject)
    X, X_test = (trials[:, C3_AND_C4, IMAGINING] for trials in (split.X, split.X_test))
    return split._replace(X=X, X_test=X_test)


def load_many_classes(subjects: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Load all trials of the subjects; each class is a combination of subject, session and hand."""
    trials, labels = [], []
    for subject in subjects:
        X, y, session = load_bci_iv_2b(subject)
        trials.append(X)
        labels.append([f"{subject} {s} {hand}" for s, hand in zip(session, y, strict=True)])
    return np.concatenate(trials), np.concatenate(labels)


def load_oddball(person: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Load the first trials of a person, with labels, and the later trials, with labels.

    The label is "target" or "other". The filter is causal.
    """
    file = loadmat(_folder() / "p300" / f"{person}.mat")
    sfreq, trigger = float(file["fs"].item()), file["trig"].ravel()
    sos = butter(4, ODDBALL_BAND, "bandpass", fs=sfreq, output="sos")
    data = 1e-6 * sosfilt(sos, file["y"].astype(float), axis=0).T
    n_times, step = round(ODDBALL_WINDOW * sfreq), round(sfreq / ODDBALL_SFREQ)
    onsets = np.flatnonzero(trigger)
    onsets = onsets[onsets + n_times <= data.shape[1]]
    X = np.stack([data[:, onset : onset + n_times : step] for onset in onsets])
    y = np.where(trigger[onsets] > 0, "target", "other")
    n_training = int(ODDBALL_TRAINING * len(y))
    return X[:n_training], y[:n_training], X[n_training:], y[n_training:]


def load_reaction_times() -> tuple[np.ndarray, np.ndarray, float]:
    """Load trials around the squares that were followed by a press, and its latency in seconds.

    The trials are not filtered, because a filter would spread the press over earlier samples. The
    baseline, i.e. the mean before the square, is subtracted.
    """
    path = _folder() / "eeglab" / "eeglab_data.set"
    raw = mne.io.read_raw_eeglab(path, preload=True, verbose="error").drop_channels(
        list(NOT_BRAIN_EEGLAB)
    )
    events, codes = mne.events_from_annotations(raw, verbose="error")
    squares = events[events[:, 2] == codes["square"]]
    presses = events[events[:, 2] == codes["rt"], 0]
    latency = _latencies(squares[:, 0], presses) / raw.info["sfreq"]
    is_answered = np.isfinite(latency)
    epochs = mne.Epochs(
        raw,
        squares[is_answered],
        tmin=BEFORE_SQUARE,
        tmax=AFTER_SQUARE,
        baseline=(None, 0),
        preload=True,
        verbose="error",
    )
    return epochs.get_data(), latency[is_answered], raw.info["sfreq"]


def _latencies(squares: np.ndarray, presses: np.ndarray) -> np.ndarray:
    """Return the samples from each square to the next press, nan if the next square comes first."""
    latency = np.full(len(squares), np.nan)
    for number, (start, end) in enumerate(zip(squares, [*squares[1:], np.inf], strict=True)):
        answers = presses[(presses > start) & (presses < end)]
        if len(answers):
            latency[number] = answers[0] - start
    return latency


def load_arithmetic() -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Load windows of rest and of mental arithmetic, with their subjects."""
    trials, labels, subjects = [], [], []
    for path in sorted((_folder() / "eegmat").glob("Subject*_[12].edf")):
        windows = _windows(path)
        trials.append(windows)
        labels += ["rest" if path.stem.endswith("1") else "count"] * len(windows)
        subjects += [path.stem.partition("_")[0]] * len(windows)
    return np.concatenate(trials), np.array(labels), np.array(subjects), ARITHMETIC_SFREQ


@lru_cache(maxsize=1)
def load_fists() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Load imagined movements of a fist in eegmmidb, in volts, with their labels and people."""
    trials, labels, people = [], [], []
    for path in fist_files():
        with np.load(path) as file:
            trials.append(1e-6 * file["X"][:, :, :N_TIMES_FISTS].astype(np.float32))
            labels.append(file["y"])
            people.append(np.repeat(path.stem, len(file["y"])))
    return np.concatenate(trials), np.concatenate(labels), np.concatenate(people)


def fist_files() -> list[Path]:
    """Return the files of eegmmidb, one for each person."""
    return sorted((_folder() / "eegmmidb").glob("S*.npz"))


def load_fist_runs() -> np.ndarray:
    """Load the number of the run of each trial of :func:`load_fists`."""
    runs = []
    for path in fist_files():
        with np.load(path) as file:
            runs.append(file["run"])
    return np.concatenate(runs)


def fist_channels() -> list[str]:
    """Return the names of the channels of eegmmidb."""
    with np.load(fist_files()[0]) as file:
        return list(map(str, file["ch_names"]))


def _windows(path: Path) -> np.ndarray:
    raw = mne.io.read_raw_edf(path, preload=True, verbose="error").drop_channels(list(NOT_BRAIN))
    raw.resample(ARITHMETIC_SFREQ, verbose="error")
    n_times = round(WINDOW * ARITHMETIC_SFREQ)
    n_windows = raw.n_times // n_times
    data = raw.get_data()[:, : n_windows * n_times]
    return data.reshape(len(data), n_windows, n_times).transpose(1, 0, 2)


def _folder() -> Path:
    if not os.environ.get("EEGSK_DATA"):
        raise SystemExit("EEGSK_DATA is not set; set it to the folder of the recordings.")
    return Path(os.environ["EEGSK_DATA"])
