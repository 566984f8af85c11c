"""Inputs that the tables change."""

from types import SimpleNamespace

import mne
import numpy as np
import torch

from ..networks import small

N_TRIALS, N_CHANS, N_TIMES = 24, 3, 48


def make_case(estimator_class, folder=None):
    """Return valid inputs of an estimator class, which the rows of the tables change.

    ``X``, ``y`` and ``groups`` are arrays, ``epochs`` are the same trials as Epochs with the events
    "left" and "right", ``make`` creates an estimator, and ``fitted`` is a fitted estimator.
    """

    def make(**fields):
        return small(estimator_class, **fields)

    X = np.random.default_rng(0).standard_normal((N_TRIALS, N_CHANS, N_TIMES)).astype(np.float32)
    y = np.arange(N_TRIALS) % 2
    groups = np.arange(N_TRIALS) // 4
    return SimpleNamespace(
        X=X, y=y, groups=groups, epochs=make_epochs(X, y), make=make, fitted=make().fit(X, y),
        folder=folder,
    )  # fmt: skip


def make_epochs(X, y=None, ch_names=("C3", "Cz", "C4"), sfreq=100.0):
    """Return trials as Epochs in volts."""
    n_trials, _, n_times = X.shape
    codes = np.ones(n_trials, int) if y is None else y + 1
    events = np.column_stack([n_times * np.arange(n_trials), 0 * codes, codes])
    event_id = {"left": 1} if y is None else {"left": 1, "right": 2}
    info = mne.create_info(list(ch_names), sfreq, "eeg")
    return mne.EpochsArray(1e-6 * X, info, events, event_id=event_id, verbose="error")


def with_value(X, value):
    """Return trials with a bad value in trial 3, channel 1, time point 7, and in trial 5."""
    X = np.array(X, dtype=object if isinstance(value, str | dict | np.datetime64) else float)
    X[3, 1, 7] = X[5, 2, 0] = value
    return X


def cut_memory_map(values, folder):
    """Return a memory map whose file is then cut to half of its length."""
    path = folder / "values.dat"
    values.tofile(path)
    mapped = np.memmap(path, values.dtype, "r", shape=values.shape)
    with path.open("r+b") as file:
        file.truncate(values.nbytes // 2)
    return mapped


def save_state(state, path):
    """Save a state dict with torch; return the path."""
    torch.save(state, path)
    return path
