"""Power in bands of frequency, the features to compare with."""

from __future__ import annotations

import numpy as np
from scipy.signal import periodogram

BANDS = {"theta": (4, 8), "alpha": (8, 13), "beta": (13, 30)}  # Hz


def log_band_power(X: np.ndarray, sfreq: float) -> np.ndarray:
    """Return the logarithm of the power in each band at each electrode, one row a trial."""
    freqs, power = periodogram(X, sfreq, window="hann", detrend="linear")
    inside = [(freqs >= low) & (freqs < high) for low, high in BANDS.values()]
    return np.log(np.concatenate([power[..., band].mean(-1) for band in inside], axis=1))
