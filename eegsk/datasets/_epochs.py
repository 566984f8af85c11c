"""Positions of channels, and conversion of arrays to MNE Epochs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import mne
import numpy as np
from numpy.typing import NDArray

# Montage with positions of the 10-20 system on a sphere. Unlike "standard_1005", it has the same
# name in all versions of MNE.
MONTAGE = "biosemi64"


@lru_cache(maxsize=1)
def _montage() -> mne.channels.DigMontage:
    return mne.channels.make_standard_montage(MONTAGE)


def electrode_positions(ch_names: Sequence[str]) -> NDArray[np.float64]:
    """Return positions of the 10-20 system on the scalp, in metres, of shape (n_chans, 3)."""
    positions = _montage().get_positions()["ch_pos"]
    return np.array([positions[name] for name in ch_names])


def to_epochs(
    X: NDArray[np.float64],
    y: NDArray[np.str_],
    *,
    ch_names: Sequence[str],
    sfreq: float,
    classes: Sequence[str],
) -> mne.EpochsArray:
    """Convert trials, in volts, to Epochs; event names are the classes, with codes 1, 2, ..."""
    event_id = {name: code for code, name in enumerate(classes, start=1)}
    codes = [event_id[label] for label in y]
    onsets = np.arange(len(X)) * X.shape[-1]
    events = np.column_stack([onsets, np.zeros_like(onsets), codes])
    info = mne.create_info(list(ch_names), sfreq, "eeg")
    info.set_montage(_montage())
    return mne.EpochsArray(X, info, events, event_id=event_id, verbose="error")
