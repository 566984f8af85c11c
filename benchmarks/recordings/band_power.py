"""Band power features for the baselines."""

from __future__ import annotations

import numpy as np
from scipy.signal import periodogram

BANDS = {"theta": (4, 8), "alpha": (8, 13), "beta": (13, 30)}  # Hz


def log_band_power(X: np.ndarray, sfreq: float) -> np.ndarray:
    """Return the logarithmic power in each band and channel, one row per trial."""
    freqs, power = periodogram(X, sfreq, window="hann", detrend="linear")
    masks = [(freqs >= low) & (freqs < high) for low, high in BANDS.values()]
    return np.log(np.concatenate([power[..., mask].mean(-1) for mask in masks], axis=1))
