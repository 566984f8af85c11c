"""Decoding of recordings in sliding windows."""

from __future__ import annotations

import warnings
from collections.abc import Hashable
from typing import Any, Literal

import mne
import numpy as np

from ..recordings import annotated_spans
from ..signals import Signal
from ._decoder import Decoded, StreamingDecoder
from ._predictor import signal_of
from ._problems import StreamWarning

# Duration in seconds of the parts of a recording that are read at once.
_BLOCK = 10.0


class _RecordingDecoder(StreamingDecoder):
    """Decoder of a recording, whose errors name the function that a user calls."""

    _name = "decode_windows"


def decode_windows(
    estimator: Any,
    raw: mne.io.BaseRaw,
    step: float,
    smoothing: float | None = None,
    *,
    output: Literal["array", "annotations"] = "array",
    temporal_filter: Any = None,
    max_flat: float | None = 0.5,
    reject_by_annotation: bool = True,
    group: Hashable = None,
) -> Any:
    """Decode a continuous recording in sliding windows.

    The recording is read once, in short parts, and neither it nor the windows are held in memory.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier or regressor of eegsk, or a pipeline that ends with one; see
        :class:`StreamingDecoder`.
    raw : mne.io.Raw
        The recording, preloaded or not. The channels of ``fit`` are selected by name.
    step : float
        Time from the end of one window to the end of the next in seconds, rounded to samples.
    smoothing : float or None, default=None
        Duration in seconds of the causal mean of the values; None for no mean.
    output : {"array", "annotations"}, default="array"
        The type of the result.
    temporal_filter : array, (array, array), dict or None, default=None
        Causal filter, as for :class:`StreamingDecoder`.
    max_flat : float or None, default=0.5
        Duration in seconds from which a channel with constant values is flat; None to decode flat
        channels.
    reject_by_annotation : bool, default=True
        Whether windows that overlap with annotations whose description begins with "bad" or "edge"
        are not decoded.
    group : hashable or None, default=None
        Domain of the recording for aligners in a pipeline; None for a new domain.

    Returns
    -------
    times : array of shape (n_windows,)
        Time of the last sample of each decoded window in seconds, as in ``raw.times``.
    values : array of shape (n_windows, n_classes), (n_windows, n_outputs) or (n_windows,)
        Probabilities in the order of ``classes_``, or predictions of a regressor.
    annotations : mne.Annotations
        Instead of ``times`` and ``values`` if ``output="annotations"``: for each sequence of
        windows with the same most probable class, an annotation with the name of the class.

    Raises
    ------
    TypeError
        If ``raw`` is not a recording.
    ValueError
        If channels are missing, the sampling rate differs from that of ``fit``, the recording is
        shorter than a window, or annotations of a regressor are requested.

    Warns
    -----
    StreamWarning
        If windows were not decoded, because they contain NaN or flat channels.

    See Also
    --------
    StreamingDecoder : The same for a live stream.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.datasets import make_motor_imagery
    >>> from eegsk.streaming import decode_windows
    >>> epochs, y, _ = make_motor_imagery(n_subjects=1, n_chans=4, as_epochs=True, random_state=0)
    >>> classifier = EEGNetClassifier(max_epochs=1, random_state=0).fit(epochs)
    >>> raw = mne.io.RawArray(np.hstack(epochs.get_data()[:5]), epochs.info, verbose="error")
    >>> times, proba = decode_windows(classifier, raw, step=0.5, smoothing=1.0)
    >>> proba.shape
    (17, 2)
    """
    if not isinstance(raw, mne.io.BaseRaw):
        raise TypeError(f"decode_windows: raw is {type(raw).__name__}; it should be mne.io.Raw.")
    if output not in ("array", "annotations"):
        raise ValueError(f"decode_windows: output={output!r} should be 'array' or 'annotations'.")
    signal = _signal_of_raw(raw, signal_of(estimator))
    decoder = _RecordingDecoder(
        estimator,
        step,
        smoothing,
        temporal_filter=temporal_filter,
        signal=signal,
        max_flat=max_flat,
        group=group,
    )
    if output == "annotations" and decoder.classes_ is None:
        raise ValueError("decode_windows: a regressor has no classes; use output='array'.")
    is_bad = _annotated_samples(raw) if reject_by_annotation else None
    decoded = _decode(decoder, raw, list(signal.ch_names or ()), is_bad)
    if output == "array":
        return _to_arrays(decoder, decoded)
    return _to_annotations(raw, decoder, decoded)


def _signal_of_raw(raw: Any, fitted: Signal | None) -> Signal:
    """Return the channels of the recording to decode, and check them."""
    if fitted is None:
        raise TypeError(
            "decode_windows: no step of the estimator has signal_; pass a fitted estimator of "
            "eegsk."
        )
    names = fitted.ch_names
    if names is None:
        picks = mne.pick_types(raw.info, eeg=True, meg=True, seeg=True, ecog=True, exclude="bads")
        names = tuple(raw.ch_names[pick] for pick in picks)
    missing = [name for name in names if name not in raw.ch_names]
    if missing or len(names) != fitted.n_chans:
        text = (
            f"lacks the channels {', '.join(missing)}" if missing else f"has {len(names)} channels"
        )
        raise ValueError(
            f"decode_windows: the recording {text}, but fit used {fitted.n_chans} channels; select "
            "the same channels and interpolate bad ones."
        )
    sfreq = float(raw.info["sfreq"])
    if fitted.sfreq and not np.isclose(sfreq, fitted.sfreq):
        raise ValueError(
            f"decode_windows: the recording is sampled at {sfreq:g} Hz, but the trials of fit at "
            f"{fitted.sfreq:g} Hz; use raw.resample({fitted.sfreq:g})."
        )
    if raw.n_times < fitted.n_times:
        raise ValueError(
            f"decode_windows: the recording has {raw.n_times} samples, but a window has "
            f"{fitted.n_times}."
        )
    return Signal(fitted.n_chans, fitted.n_times, fitted.sfreq or sfreq, names)


def _annotated_samples(raw: Any) -> np.ndarray:
    """Return whether each sample is within an annotation "bad" or "edge", of at least a sample."""
    is_bad = np.zeros(raw.n_times, dtype=bool)
    for start, stop in annotated_spans(raw, "bad|edge"):
        is_bad[max(start, 0) : max(stop, 0)] = True
    return is_bad


def _decode(decoder: Any, raw: Any, names: list[str], is_bad: np.ndarray | None) -> list[Decoded]:
    """Read the recording in parts, and decode them one after the other."""
    decoder._should_warn = False
    decoded: list[Decoded] = []
    n_block = max(1, round(_BLOCK * raw.info["sfreq"]))
    picks = [raw.ch_names.index(name) for name in names]
    for start in range(0, raw.n_times, n_block):
        part = slice(start, min(start + n_block, raw.n_times))
        x = raw.get_data(picks, part.start, part.stop, verbose="error")
        decoded += decoder._decode(x, None if is_bad is None else is_bad[part])
    if decoder.problems_:
        first = decoder.problems_[0]
        warnings.warn(
            f"decode_windows: {decoder.n_skipped_} windows were not decoded; at "
            f"{first.time:.3f} s, {first.message}",
            StreamWarning,
            stacklevel=3,
        )
    return decoded


def _to_arrays(decoder: Any, decoded: list[Decoded]) -> tuple[np.ndarray, np.ndarray]:
    times = np.array([window.time for window in decoded])
    if decoded:
        return times, np.array([window.values for window in decoded])
    n_outputs = () if decoder.classes_ is None else (len(decoder.classes_),)
    return times, np.zeros((0, *n_outputs))


def _to_annotations(raw: Any, decoder: Any, decoded: list[Decoded]) -> mne.Annotations:
    """Join consecutive windows of the same class to one annotation."""
    step, end = decoder.step_, raw.n_times / raw.info["sfreq"]
    onsets: list[float] = []
    ends: list[float] = []
    labels: list[str] = []
    for time, proba in decoded:
        label = str(decoder.classes_[np.argmax(proba)])
        if labels and labels[-1] == label and time < ends[-1] + step / 2:
            ends[-1] = min(time + step, end)
        else:
            onsets.append(time)
            ends.append(min(time + step, end))
            labels.append(label)
    return mne.Annotations(onsets, np.subtract(ends, onsets), labels, orig_time=None)
