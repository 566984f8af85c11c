"""The recordings that ``EEGSK_DATA`` holds, as trials."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import mne
import numpy as np

from eegsk.datasets import load_bci_iv_2b

from .jobs import EVALUATION, TRAINING

# The press must not be in the window, for it would tell when it was. Nobody presses a button within
# 0.2 s of seeing something, so that the window ends there; it begins half a second before the
# square, when it shows how attentive someone is, and hardly reaches into the trial before.
BEFORE_SQUARE, AFTER_SQUARE = -0.5, 0.2

ARITHMETIC_SFREQ = 128.0
WINDOW = 4.0  # seconds
NOT_BRAIN = ("EEG A2-A1", "ECG ECG")
NOT_BRAIN_EEGLAB = ("EOG1", "EOG2")

C3_AND_C4 = [0, 2]  # of C3, Cz and C4
# 750 samples from half a second after the cue, when an imagined movement is under way.
IMAGINING = slice(125, 875)


class Split(NamedTuple):
    """Trials to train on, with their sessions, and trials to test on."""

    X: np.ndarray
    y: np.ndarray
    session: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


@lru_cache(maxsize=2)
def load_hands(subject: int) -> Split:
    """Load imagined movements of a subject: training sessions, and evaluation sessions."""
    X, y, session = load_bci_iv_2b(subject, TRAINING)
    X_test, y_test, _ = load_bci_iv_2b(subject, EVALUATION)
    return Split(X, y, session, X_test, y_test)


def load_two_channels(subject: int) -> Split:
    """Load what the two-channel recipes are for: 750 samples of C3 and C4."""
    split = load_hands(subject)
    X, X_test = (trials[:, C3_AND_C4, IMAGINING] for trials in (split.X, split.X_test))
    return split._replace(X=X, X_test=X_test)


def load_many_classes(subjects: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Load all trials of some subjects; a class is a subject, a session and a hand."""
    trials, labels = [], []
    for subject in subjects:
        X, y, session = load_bci_iv_2b(subject)
        trials.append(X)
        labels.append([f"{subject} {s} {hand}" for s, hand in zip(session, y, strict=True)])
    return np.concatenate(trials), np.concatenate(labels)


def load_reaction_times() -> tuple[np.ndarray, np.ndarray, float]:
    """Load the trials around squares that a press followed, and its latency in seconds.

    Trials are not filtered: a filter would spread the press over the samples before it. Each has
    the mean before the square subtracted.
    """
    path = _folder() / "eeglab" / "eeglab_data.set"
    raw = mne.io.read_raw_eeglab(path, preload=True, verbose="error").drop_channels(
        list(NOT_BRAIN_EEGLAB)
    )
    events, codes = mne.events_from_annotations(raw, verbose="error")
    squares = events[events[:, 2] == codes["square"]]
    presses = events[events[:, 2] == codes["rt"], 0]
    latency = _latencies(squares[:, 0], presses) / raw.info["sfreq"]
    answered = np.isfinite(latency)
    epochs = mne.Epochs(
        raw,
        squares[answered],
        tmin=BEFORE_SQUARE,
        tmax=AFTER_SQUARE,
        baseline=(None, 0),
        preload=True,
        verbose="error",
    )
    return epochs.get_data(), latency[answered], raw.info["sfreq"]


def _latencies(squares: np.ndarray, presses: np.ndarray) -> np.ndarray:
    """Return the samples from each square to the press before the next one, nan without one."""
    latency = np.full(len(squares), np.nan)
    for number, (start, end) in enumerate(zip(squares, [*squares[1:], np.inf], strict=True)):
        after = presses[(presses > start) & (presses < end)]
        if len(after):
            latency[number] = after[0] - start
    return latency


def load_arithmetic() -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Load windows of rest and of counting, with their subjects."""
    trials, labels, subjects = [], [], []
    for path in sorted((_folder() / "eegmat").glob("Subject*_[12].edf")):
        windows = _windows(path)
        trials.append(windows)
        labels += ["rest" if path.stem.endswith("1") else "count"] * len(windows)
        subjects += [path.stem.partition("_")[0]] * len(windows)
    return np.concatenate(trials), np.array(labels), np.array(subjects), ARITHMETIC_SFREQ


def _windows(path: Path) -> np.ndarray:
    raw = mne.io.read_raw_edf(path, preload=True, verbose="error").drop_channels(list(NOT_BRAIN))
    raw.resample(ARITHMETIC_SFREQ, verbose="error")
    n_times = round(WINDOW * ARITHMETIC_SFREQ)
    n_windows = raw.n_times // n_times
    data = raw.get_data()[:, : n_windows * n_times]
    return data.reshape(len(data), n_windows, n_times).transpose(1, 0, 2)


def _folder() -> Path:
    if not os.environ.get("EEGSK_DATA"):
        raise SystemExit("EEGSK_DATA should name the folder that holds the recordings.")
    return Path(os.environ["EEGSK_DATA"])
