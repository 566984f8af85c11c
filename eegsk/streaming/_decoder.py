"""Decoding of a stream of samples in sliding windows."""

from __future__ import annotations

import math
import warnings
from collections import deque
from collections.abc import Hashable, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from ..signals import Signal
from ._buffer import WindowBuffer
from ._causal_filter import CausalFilter
from ._chunks import ChunkReader, complete_signal
from ._predictor import make_predictor, signal_of
from ._problems import ANNOTATED, BAD, GOOD, SampleChecker, StreamProblem, StreamWarning

# Number of problems that are kept.
_N_PROBLEMS = 1000


class Decoded(NamedTuple):
    """Decoded window.

    Parameters
    ----------
    time : float
        Time of the last sample of the window in seconds.
    values : array of shape (n_classes,) or (n_outputs,), or float
        Probabilities of the classes, in the order of ``classes_``, or predictions of a regressor.
    """

    time: float
    values: Any


class StreamingDecoder:
    """Decoder of a stream in sliding windows.

    Chunks of any size are pushed, and each push returns the windows that it completes. The results
    are those of windows that are cut from the whole recording, and depend only on past samples.
    Memory does not grow with the length of the stream.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier or regressor of eegsk, an ``AlignedEstimator`` or
        ``AlignedVotingClassifier`` with one, or a pipeline that ends with any of them. Aligners
        (:mod:`eegsk.alignment`) need ``online=True`` or a ``group`` of ``fit``. They align each
        window by the windows before it. The estimator is not changed.
    step : float
        Time from the end of one window to the end of the next in seconds, rounded to samples. The
        length of the windows is that of the trials of ``fit``.
    smoothing : float or None, default=None
        Duration in seconds over which the values are averaged: each is the mean of the windows
        that ended in the last ``smoothing`` seconds. None for no average.
    temporal_filter : array, (array, array), dict or None, default=None
        Causal filter, whose state is kept between chunks: second-order sections of scipy, e.g.
        ``scipy.signal.butter(4, [8, 30], "bandpass", output="sos", fs=sfreq)``, the taps of a FIR
        filter, ``(b, a)``, or an IIR design of :func:`mne.filter.create_filter`. The trials of
        ``fit`` should have been filtered in the same way. None for no filter.
    signal : Signal or None, default=None
        Channels, length and sampling rate of the windows; None for those of ``fit``. Necessary if
        ``fit`` received an array, which has no sampling rate, e.g. ``Signal(3, 1000, sfreq=250)``.
    channels_first : bool, default=False
        Whether chunks have the shape (n_chans, n_samples), as in MNE, instead of (n_samples,
        n_chans), as in LSL.
    max_flat : float or None, default=0.5
        Duration in seconds from which a channel with constant values is flat. At most the length of
        a window. None to decode flat channels, e.g. a reference channel that is always zero.
    max_gap : float or None, default=None
        Difference in seconds between the time stamp of a chunk and the expected time from which
        samples are missing; None for two samples.
    group : hashable or None, default=None
        Domain of the stream for the aligners, e.g. its session; None for a new domain.

    Attributes
    ----------
    signal_ : Signal
        Channels, length and sampling rate of the windows.
    step_ : float
        Time from the end of one window to the end of the next in seconds.
    classes_ : array of shape (n_classes,) or None
        Classes, in the order of the probabilities; None for a regressor.
    problems_ : list of StreamProblem
        The latest 1,000 problems: gaps, values that are not finite, flat channels, other channels,
        and another sampling rate.
    n_skipped_ : int
        Number of windows that were not decoded because of a problem.

    Raises
    ------
    TypeError, ValueError
        If a parameter is invalid, or if an aligner of a new domain has ``online=False``.

    See Also
    --------
    decode_windows : The same for a recording.

    Notes
    -----
    A problem is reported once, with its time, by a :class:`StreamWarning` and in ``problems_``.
    Windows that contain samples with a problem are not decoded. After a gap, or after chunks that
    were rejected, the next window begins with the first sample afterwards.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.datasets import make_motor_imagery
    >>> from eegsk.streaming import StreamingDecoder
    >>> epochs, y, _ = make_motor_imagery(n_subjects=1, n_chans=4, as_epochs=True, random_state=0)
    >>> classifier = EEGNetClassifier(max_epochs=1, random_state=0).fit(epochs)
    >>> decoder = StreamingDecoder(classifier, step=0.5, smoothing=1.0)
    >>> stream = np.hstack(epochs.get_data()).T  # (n_samples, n_chans)
    >>> for start in range(0, 640, 64):
    ...     for time, proba in decoder.push(stream[start : start + 64]):
    ...         print(f"{time:.2f} s: {proba.shape}")
    1.99 s: (2,)
    2.49 s: (2,)
    2.99 s: (2,)
    3.49 s: (2,)
    3.99 s: (2,)
    4.49 s: (2,)
    4.99 s: (2,)
    """

    _name = "StreamingDecoder"  # for error messages

    def __init__(
        self,
        estimator: Any,
        step: float,
        smoothing: float | None = None,
        *,
        temporal_filter: Any = None,
        signal: Signal | None = None,
        channels_first: bool = False,
        max_flat: float | None = 0.5,
        max_gap: float | None = None,
        group: Hashable = None,
    ) -> None:
        name = self._name
        self._predictor = make_predictor(name, estimator, group)
        self.signal_ = complete_signal(name, signal, signal_of(estimator))
        self.classes_ = self._predictor.classes
        self.n_skipped_ = 0
        self._sfreq: float = self.signal_.sfreq  # type: ignore[assignment]
        n_step = self._n_samples("step", step)
        smoothed = n_step if smoothing is None else self._n_samples("smoothing", smoothing)
        self._n_smoothed = max(1, smoothed // n_step)
        self.step_ = n_step / self._sfreq
        n_flat = None if max_flat is None else self._n_samples("max_flat", max_flat)
        self._checker = SampleChecker(n_flat and min(n_flat, self.signal_.n_times))
        self._filter = None if temporal_filter is None else CausalFilter(name, temporal_filter)
        self._reader = ChunkReader(name, self.signal_, channels_first, max_gap)
        self._buffer = WindowBuffer(self.signal_.n_chans, self.signal_.n_times, n_step)
        self._problems: deque[StreamProblem] = deque(maxlen=_N_PROBLEMS)
        self._should_warn = True
        self.reset()

    @property
    def problems_(self) -> list[StreamProblem]:
        """The latest problems."""
        return list(self._problems)

    def reset(self) -> None:
        """Start a new stream at time zero. Aligners keep the windows that they have seen."""
        self._n_pushed, self._origin, self._rejected = 0, 0.0, ""
        self._last_bad: dict[str, int] = {}
        self._restart()

    def push(
        self,
        chunk: Any,
        time: Any = None,
        *,
        ch_names: Sequence[str] | None = None,
        sfreq: float | None = None,
    ) -> list[Decoded]:
        """Add samples and decode the windows that they complete.

        Parameters
        ----------
        chunk : array-like of shape (n_samples, n_chans), or (n_chans, n_samples)
            Samples in the unit of the trials of ``fit``; see ``channels_first``.
        time : float, array-like of shape (n_samples,) or None, default=None
            Time stamp of the first sample, or of each sample, in seconds. Gaps are detected by
            time stamps only. None if no sample is missing since the previous chunk; the first
            sample of a stream then has time zero.
        ch_names : sequence of str or None, default=None
            Names of the channels of this chunk, from which those of ``fit`` are selected; None if
            they are the channels of ``fit`` in the same order.
        sfreq : float or None, default=None
            Sampling rate of this chunk in Hz; None if it has not changed.

        Returns
        -------
        windows : list of Decoded
            Pairs ``(time, values)`` of the windows, oldest first.

        Raises
        ------
        TypeError, ValueError
            If the chunk is not a two-dimensional array of real numbers, or ``time`` has another
            length.
        """
        x, times = self._reader.read(chunk, time)
        if x.shape[1] == 0:
            return []
        picks, problem = self._reader.select(x, times, ch_names, sfreq)
        if problem is not None:
            self._reject(x.shape[1], times, *problem)
            return []
        self._rejected = ""
        decoded: list[Decoded] = []
        for start, stop in self._reader.segments(x, times):
            if times is not None:
                self._move_to(float(times[start]))
            decoded += self._decode(x[picks, start:stop])
        return decoded

    def _n_samples(self, parameter: str, seconds: Any) -> int:
        if not isinstance(seconds, Real):
            text = f"{parameter}={seconds!r} should be a number of seconds."
            raise TypeError(f"{self._name}: {text}")
        n_samples = float(seconds) * self._sfreq
        if not math.isfinite(n_samples) or round(n_samples) < 1:
            raise ValueError(
                f"{self._name}: {parameter}={seconds} should be at least one sample, "
                f"{1 / self._sfreq:.3g} s."
            )
        return round(n_samples)

    def _restart(self) -> None:
        """Begin a new segment: the next window has no samples of the past."""
        self._n_windows = 0
        self._recent: deque[tuple[int, Any]] = deque()
        self._buffer.reset()
        self._checker.reset()
        if self._filter is not None:
            self._filter.reset()

    def _time(self, index: int) -> float:
        """Return the time of a sample, counted from the first of the stream."""
        return self._origin + index / self._sfreq

    def _report(self, time: float, kind: str, message: str) -> None:
        self._problems.append(StreamProblem(time, kind, message))
        if self._should_warn:
            text = f"{type(self).__name__}: at {time:.3f} s, {message}"
            warnings.warn(text, StreamWarning, stacklevel=4)

    def _reject(self, n_samples: int, times: Any, kind: str, message: str) -> None:
        """Report a chunk that cannot be decoded, once for several equal ones."""
        if times is not None:
            self._origin = float(times[0]) - self._n_pushed / self._sfreq
        if self._rejected != kind:
            self._report(self._time(self._n_pushed), kind, message)
        self._rejected = kind
        self._n_pushed += n_samples
        self._restart()

    def _move_to(self, time: float) -> None:
        """Set the time of the next sample, and begin a new segment if samples are missing."""
        expected = self._time(self._n_pushed)
        if self._n_pushed and self._buffer.n_samples and self._reader.is_gap(time - expected):
            verb = "are missing" if time > expected else "were sent twice or are out of order"
            self._report(expected, "gap", f"{abs(time - expected):.3f} s of samples {verb}.")
            self._restart()
        self._origin = time - self._n_pushed / self._sfreq

    def _decode(self, x: np.ndarray, is_annotated: np.ndarray | None = None) -> list[Decoded]:
        """Add consecutive samples, (n_chans, n_samples), and decode windows."""
        decoded: list[Decoded] = []
        for start in range(0, x.shape[1], self._buffer.max_samples):
            piece = slice(start, start + self._buffer.max_samples)
            codes = np.zeros(x[:, piece].shape[1], dtype=np.uint8)
            if is_annotated is not None:
                codes[is_annotated[piece]] = ANNOTATED
            decoded += self._decode_piece(x[:, piece], codes)
        return decoded

    def _decode_piece(self, x: np.ndarray, codes: np.ndarray) -> list[Decoded]:
        """Decode the windows that a few samples complete."""
        is_used = codes == GOOD
        x, is_missing, is_flat = self._checker.check(np.asarray(x, dtype=np.float64))
        for kind, bad, text in (
            ("not finite", is_missing, "NaN or infinity in {}."),
            ("flat", is_flat, "{} is constant; check the contact of the electrode."),
        ):
            is_bad = bad.any(axis=0) & is_used
            self._report_samples(kind, bad, np.flatnonzero(is_bad), text)
            codes[is_bad] = BAD
        if self._filter is not None:
            x = self._filter.filter(x)
        self._n_pushed += x.shape[1]
        windows, times = [], []
        for n_after, window, code in self._buffer.append(x, codes):
            self._n_windows += 1
            self.n_skipped_ += code == BAD
            if code == GOOD:
                windows.append(window)
                times.append((self._n_windows, self._time(self._n_pushed - n_after - 1)))
        values = self._predictor.predict(np.stack(windows)) if windows else ()
        return [
            Decoded(time, self._smooth(number, value))
            for (number, time), value in zip(times, values, strict=True)
        ]

    def _report_samples(self, kind: str, bad: np.ndarray, indices: np.ndarray, text: str) -> None:
        """Report samples whose previous sample of this kind is in none of their windows."""
        if len(indices) == 0:
            return
        previous = self._last_bad.get(kind, -self.signal_.n_times) - self._n_pushed
        distances = np.diff(indices, prepend=previous)
        for index in indices[distances >= self.signal_.n_times]:
            names = self._reader.names(np.flatnonzero(bad[:, index]))
            self._report(self._time(self._n_pushed + int(index)), kind, text.format(names))
        self._last_bad[kind] = self._n_pushed + int(indices[-1])

    def _smooth(self, number: int, value: Any) -> Any:
        """Return the mean of the values of the latest windows."""
        self._recent.append((number, value))
        while self._recent[0][0] <= number - self._n_smoothed:
            self._recent.popleft()
        if len(self._recent) == 1:
            return value
        return np.mean([recent for _, recent in self._recent], axis=0)
