"""Reading of chunks: layout, channels, sampling rate and time stamps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Real
from typing import Any

import numpy as np

from .._fields import short_repr
from ..signals import Signal

# Relative difference from which two sampling rates differ. Rates measured from time stamps are less
# exact than nominal rates.
_RATE_TOLERANCE, _MEASURED_RATE_TOLERANCE = 1e-3, 0.1
# Number of time stamps from which a sampling rate is measured.
_MIN_TIMES = 8


def complete_signal(name: str, signal: Signal | None, fitted: Signal | None) -> Signal:
    """Return the signal of the windows, with a sampling rate.

    Parameters
    ----------
    name : str
        Name of the caller, for error messages.
    signal : Signal or None
        Signal passed by the user.
    fitted : Signal or None
        Signal of the trials of ``fit``; None if it is unknown.

    Returns
    -------
    signal : Signal
        The first one that is not None.

    Raises
    ------
    ValueError
        If the sampling rate is unknown, or the two differ.
    """
    used = fitted if signal is None else signal
    if used is None or not used.sfreq:
        shape = "n_chans=3, n_times=1000" if used is None else f"{used.n_chans}, {used.n_times}"
        raise ValueError(
            f"{name}: the sampling rate is unknown, because fit received no Epochs; pass it, e.g. "
            f"signal=Signal({shape}, sfreq=250.0)."
        )
    for attribute in ("n_chans", "n_times", "sfreq"):
        value, expected = getattr(used, attribute), getattr(fitted, attribute, None)
        if expected is not None and value != expected:
            raise ValueError(
                f"{name}: signal has {attribute}={value}, but the trials of fit had {expected}."
            )
    return used


class ChunkReader:
    """Reader of chunks, which checks their channels, sampling rate and time stamps.

    Parameters
    ----------
    name : str
        Name of the caller, for error messages.
    signal : Signal
        The expected channels and sampling rate.
    channels_first : bool
        Whether chunks have the shape (n_chans, n_samples).
    max_gap : float or None
        Difference from the expected time in seconds from which samples are missing; None for two
        samples.
    """

    def __init__(
        self, name: str, signal: Signal, channels_first: bool, max_gap: float | None
    ) -> None:
        self._name, self._signal, self._channels_first = name, signal, channels_first
        self._sfreq: float = signal.sfreq  # type: ignore[assignment]
        self._max_gap = 2 / self._sfreq if max_gap is None else max_gap
        if not (isinstance(self._max_gap, Real) and self._max_gap >= 0):
            raise ValueError(
                f"{name}: max_gap={max_gap!r} should be a number of seconds of at least 0."
            )

    def read(self, chunk: Any, time: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """Return a chunk with the shape (n_chans, n_samples), and its time stamps as an array."""
        layout = "n_chans, n_samples" if self._channels_first else "n_samples, n_chans"
        expected = f"it should be an array of numbers, ({layout}); see channels_first."
        try:
            x = np.asarray(chunk)
        except ValueError as error:
            raise ValueError(
                f"{self._name}: the chunk has rows of different lengths; {expected}"
            ) from error
        if x.size == 0:
            return np.zeros((self._signal.n_chans, 0)), None
        if x.ndim != 2 or x.dtype.kind not in "biuf":
            raise ValueError(
                f"{self._name}: the chunk has shape {x.shape} and dtype {x.dtype}; {expected}"
            )
        x = x if self._channels_first else x.T
        return x, None if time is None else self._read_times(time, x.shape[1])

    def _read_times(self, time: Any, n_samples: int) -> np.ndarray:
        """Return the time stamps of a chunk as an array."""
        try:
            times = np.asarray(time, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{self._name}: time={short_repr(time)} should be a number of seconds, or one for "
                "each sample."
            ) from error
        if times.shape not in ((), (n_samples,)):
            raise ValueError(
                f"{self._name}: time has shape {times.shape}, but the chunk has {n_samples} "
                "samples; pass the time stamp of the first sample, or one for each."
            )
        if not np.isfinite(times).all():
            raise ValueError(f"{self._name}: time has values that are not finite.")
        return np.atleast_1d(times)

    def select(
        self,
        x: np.ndarray,
        times: np.ndarray | None,
        ch_names: Sequence[str] | None,
        sfreq: float | None,
    ) -> tuple[Any, tuple[str, str] | None]:
        """Return the indices of the channels, and the kind and the message of a problem."""
        names, problem = self._signal.ch_names, self._rate_problem(times, sfreq)
        picks: Any = slice(None)
        if ch_names is not None and len(ch_names) != x.shape[0]:
            text = f"the chunk has {x.shape[0]} channels, but ch_names has {len(ch_names)} names."
            return picks, ("channels", text)
        if ch_names is not None and names is not None:
            missing = [channel for channel in names if channel not in ch_names]
            picks = [list(ch_names).index(channel) for channel in names if channel not in missing]
            if missing:
                return picks, ("channels", f"the chunk lacks the channels {', '.join(missing)}.")
        elif x.shape[0] != self._signal.n_chans:
            text = f"the chunk has {x.shape[0]} channels instead of {self._signal.n_chans}."
            return picks, ("channels", text)
        return picks, problem

    def segments(self, x: np.ndarray, times: np.ndarray | None) -> Iterator[tuple[int, int]]:
        """Yield the first and the last index of the parts of a chunk between gaps."""
        starts = [0]
        if times is not None and len(times) > 1:
            is_gap = np.abs(np.diff(times) - 1 / self._sfreq) > self._max_gap
            starts += (1 + np.flatnonzero(is_gap)).tolist()
        yield from zip(starts, [*starts[1:], x.shape[1]], strict=True)

    def is_gap(self, difference: float) -> bool:
        """Return whether a difference from the expected time means that samples are missing."""
        return abs(difference) > self._max_gap

    def names(self, indices: np.ndarray) -> str:
        """Return the names of channels, or their indices, for a message."""
        names = self._signal.ch_names
        texts = [str(i) if names is None else names[i] for i in indices[:5]]
        suffix = f", ... ({len(indices)} channels)" if len(indices) > 5 else ""
        return f"channel {', '.join(texts)}{suffix}"

    def _rate_problem(
        self, times: np.ndarray | None, sfreq: float | None
    ) -> tuple[str, str] | None:
        tolerance = _RATE_TOLERANCE
        if sfreq is None and times is not None and len(times) >= _MIN_TIMES:
            interval = float(np.median(np.diff(times)))
            sfreq, tolerance = 1 / interval if interval > 0 else None, _MEASURED_RATE_TOLERANCE
        if sfreq is None or abs(sfreq / self._sfreq - 1) <= tolerance:
            return None
        return "rate", f"the sampling rate is {sfreq:g} Hz instead of {self._sfreq:g} Hz."
