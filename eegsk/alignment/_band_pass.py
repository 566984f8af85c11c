"""Band-pass filter of trials."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
from scipy.signal import butter, sosfiltfilt

_ORDER = 4
# Number of values that are filtered at once, in double precision.
_VALUES_PER_BLOCK = 2**23


class BandPass:
    """Butterworth filter of order 4 that is applied forwards and backwards, without delay.

    Parameters
    ----------
    name : str
        Name of the aligner, for error messages.
    band : (float, float)
        Lowest and highest frequency in Hz.
    sfreq : float or None
        Sampling rate in Hz that the user has passed.
    known_sfreq : float or None
        Sampling rate in Hz of the trials; None if it is unknown, e.g. of arrays.

    Raises
    ------
    ValueError
        If the sampling rate is unknown or differs from that of the trials, or the band is not
        between 0 and half the sampling rate.
    """

    def __init__(
        self, name: str, band: Sequence[float], sfreq: float | None, known_sfreq: float | None
    ) -> None:
        rate = known_sfreq if sfreq is None else sfreq
        if rate is None:
            raise ValueError(
                f"{name}: band={band} requires the sampling rate of arrays; set sfreq, or pass "
                "Epochs."
            )
        if known_sfreq is not None and not np.isclose(rate, known_sfreq):
            raise ValueError(
                f"{name}: sfreq={sfreq} differs from the sampling rate of the trials, "
                f"{known_sfreq:g} Hz; resample the trials, or set sfreq to their rate before fit."
            )
        limits = (0, *band, rate / 2)
        is_valid = len(band) == 2 and all(
            isinstance(value, Real) and not isinstance(value, bool) for value in band
        )
        if not is_valid or any(not low < high for low, high in pairwise(limits)):
            raise ValueError(
                f"{name}: band={band} should be two increasing frequencies between 0 and "
                f"{rate / 2:g} Hz, half the sampling rate."
            )
        self._name, self._band = name, band
        self._sections: Any = butter(_ORDER, band, "bandpass", fs=rate, output="sos")

    def filter(self, X: np.ndarray) -> np.ndarray:
        """Filter trials of shape (n_trials, n_chans, n_times); raise an error if they are short."""
        n_times = X.shape[2]
        n_pad = 3 * (2 * len(self._sections) + 1)  # samples that scipy adds at both ends
        if n_times <= n_pad:
            raise ValueError(
                f"{self._name}: trials with {n_times} time points are too short for the filter of "
                f"band={self._band}, which needs more than {n_pad}; use longer trials, or filter "
                "the recording and set band=None."
            )
        filtered = np.empty_like(X)
        n_trials = max(1, _VALUES_PER_BLOCK // X[0].size)
        for start in range(0, len(X), n_trials):
            block = slice(start, start + n_trials)
            filtered[block] = sosfiltfilt(self._sections, X[block], axis=-1)
        return filtered
