"""Bad streams and recordings: parameters of decoders, chunks, and problems that are reported."""

import mne
import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline

from eegsk import EEGNetClassifier, EEGNetRegressor, Signal
from eegsk.alignment import EuclideanAlignment
from eegsk.streaming import StreamingDecoder, decode_windows

from ..networks import small


def make_raw(X, ch_names=("C3", "Cz", "C4"), sfreq=100.0):
    """Return trials one after the other as a recording."""
    info = mne.create_info(list(ch_names), sfreq, "eeg")
    return mne.io.RawArray(1e-6 * np.hstack(X), info, verbose="error")


def decoder(c, estimator=None, step=0.1, **params):
    """Return a decoder of an estimator that was fitted to Epochs."""
    return StreamingDecoder(estimator or c.of_epochs, step, **params)


def aligned(c, **params):
    """Return a fitted pipeline with an alignment of two sessions."""
    aligner = EuclideanAlignment(**params)
    pipeline = make_pipeline(aligner, small(EEGNetClassifier)).fit(c.epochs, c.y)
    pipeline[0].fit(c.epochs, groups=np.repeat(["monday", "tuesday"], 12))
    return pipeline


_SECTIONS = (
    "it should be second-order sections of scipy, of shape (n_sections, 6), the taps of a FIR "
    "filter, coefficients (b, a), or an IIR design of mne.filter.create_filter."
)

# Parameters of StreamingDecoder.
DECODERS = {
    "step of zero": (
        lambda c: decoder(c, step=0.0),
        "StreamingDecoder: step=0.0 should be at least one sample, 0.01 s.",
    ),
    "negative step": (
        lambda c: decoder(c, step=-0.1),
        "StreamingDecoder: step=-0.1 should be at least one sample, 0.01 s.",
    ),
    "step that is NaN": (
        lambda c: decoder(c, step=np.nan),
        "StreamingDecoder: step=nan should be at least one sample, 0.01 s.",
    ),
    "step that is infinite": (
        lambda c: decoder(c, step=np.inf),
        "StreamingDecoder: step=inf should be at least one sample, 0.01 s.",
    ),
    "step as a string": (
        lambda c: decoder(c, step="0.1"),
        "StreamingDecoder: step='0.1' should be a number of seconds.",
    ),
    "step of None": (
        lambda c: decoder(c, step=None),
        "StreamingDecoder: step=None should be a number of seconds.",
    ),
    "smoothing below a sample": (
        lambda c: decoder(c, smoothing=0.001),
        "StreamingDecoder: smoothing=0.001 should be at least one sample, 0.01 s.",
    ),
    "smoothing as a string": (
        lambda c: decoder(c, smoothing="mean"),
        "StreamingDecoder: smoothing='mean' should be a number of seconds.",
    ),
    "flat channels after no time": (
        lambda c: decoder(c, max_flat=0),
        "StreamingDecoder: max_flat=0 should be at least one sample, 0.01 s.",
    ),
    "gap that is NaN": (
        lambda c: decoder(c, max_gap=np.nan),
        "StreamingDecoder: max_gap=nan should be a number of seconds of at least 0.",
    ),
    "negative gap": (
        lambda c: decoder(c, max_gap=-1.0),
        "StreamingDecoder: max_gap=-1.0 should be a number of seconds of at least 0.",
    ),
    "gap as a string": (
        lambda c: decoder(c, max_gap="1 s"),
        "StreamingDecoder: max_gap='1 s' should be a number of seconds of at least 0.",
    ),
    "filter of another shape": (
        lambda c: decoder(c, temporal_filter=np.ones((2, 5))),
        f"StreamingDecoder: temporal_filter has shape (2, 5); {_SECTIONS}",
    ),
    "filter as a string": (
        lambda c: decoder(c, temporal_filter="alpha"),
        f"StreamingDecoder: temporal_filter is str; {_SECTIONS}",
    ),
    "filter with NaN": (
        lambda c: decoder(c, temporal_filter=[1.0, np.nan]),
        "StreamingDecoder: temporal_filter is empty or has values that are not finite; "
        f"{_SECTIONS}",
    ),
    "filter without taps": (
        lambda c: decoder(c, temporal_filter=[]),
        "StreamingDecoder: temporal_filter is empty or has values that are not finite; "
        f"{_SECTIONS}",
    ),
    "filter with a matrix of coefficients": (
        lambda c: decoder(c, temporal_filter=(np.ones((2, 2)), np.ones(2))),
        f"StreamingDecoder: temporal_filter has coefficients of 2 dimensions; {_SECTIONS}",
    ),
    "signal of another length": (
        lambda c: decoder(c, signal=Signal(3, 50, 100.0)),
        "StreamingDecoder: signal has n_times=50, but the trials of fit had 48.",
    ),
    "signal of another number of channels": (
        lambda c: decoder(c, signal=Signal(4, 48, 100.0)),
        "StreamingDecoder: signal has n_chans=4, but the trials of fit had 3.",
    ),
    "signal of another rate": (
        lambda c: decoder(c, signal=Signal(3, 48, 128.0)),
        "StreamingDecoder: signal has sfreq=128.0, but the trials of fit had 100.0.",
    ),
    "unknown rate": (
        lambda c: decoder(c, c.fitted),
        "StreamingDecoder: the sampling rate is unknown, because fit received no Epochs; pass it, "
        "e.g. signal=Signal(3, 48, sfreq=250.0).",
    ),
    "estimator that is not fitted": (
        lambda c: decoder(c, small(EEGNetClassifier)),
        "This EEGNetClassifier instance is not fitted yet. Call 'fit' with appropriate arguments "
        "before using this estimator.",
    ),
    "classifier without probabilities": (
        lambda c: decoder(c, RidgeClassifier().fit([[0.0], [1.0]], [0, 1])),
        "StreamingDecoder: RidgeClassifier has no predict_proba; use a classifier with "
        "probabilities, or a regressor.",
    ),
    "estimator without a signal": (
        lambda c: decoder(c, LogisticRegression().fit([[0.0], [1.0]], [0, 1])),
        "StreamingDecoder: the sampling rate is unknown, because fit received no Epochs; pass it, "
        "e.g. signal=Signal(n_chans=3, n_times=1000, sfreq=250.0).",
    ),
    "alignment that is not causal": (
        lambda c: decoder(c, aligned(c)),
        "StreamingDecoder: EuclideanAlignment(online=False) aligns all trials of a session "
        "together, which a stream does not have; set online=True before fit, or pass the group of "
        "fit to which the stream belongs.",
    ),
    "unknown session": (
        lambda c: decoder(c, aligned(c), group="sunday"),
        "StreamingDecoder: group='sunday' was not in the fit of EuclideanAlignment; choose from "
        "['monday', 'tuesday'], or set online=True before fit.",
    ),
}

# Chunks and time stamps of StreamingDecoder.push.
CHUNKS = {
    "one dimension": (
        lambda c: decoder(c).push([1.0, 2.0, 3.0]),
        "StreamingDecoder: the chunk has shape (3,) and dtype float64; it should be an array of "
        "numbers, (n_samples, n_chans); see channels_first.",
    ),
    "three dimensions": (
        lambda c: decoder(c, channels_first=True).push(c.X),
        "StreamingDecoder: the chunk has shape (24, 3, 48) and dtype float32; it should be an "
        "array of numbers, (n_chans, n_samples); see channels_first.",
    ),
    "strings": (
        lambda c: decoder(c).push([["a", "b", "c"]]),
        "StreamingDecoder: the chunk has shape (1, 3) and dtype <U1; it should be an array of "
        "numbers, (n_samples, n_chans); see channels_first.",
    ),
    "complex numbers": (
        lambda c: decoder(c).push(np.zeros((2, 3), complex)),
        "StreamingDecoder: the chunk has shape (2, 3) and dtype complex128; it should be an array "
        "of numbers, (n_samples, n_chans); see channels_first.",
    ),
    "objects": (
        lambda c: decoder(c).push([[None, 1.0, 2.0]]),
        "StreamingDecoder: the chunk has shape (1, 3) and dtype object; it should be an array of "
        "numbers, (n_samples, n_chans); see channels_first.",
    ),
    "a number": (
        lambda c: decoder(c).push(1.0),
        "StreamingDecoder: the chunk has shape () and dtype float64; it should be an array of "
        "numbers, (n_samples, n_chans); see channels_first.",
    ),
    "lists of different lengths": (
        lambda c: decoder(c).push([[1.0, 2.0, 3.0], [1.0]]),
        "StreamingDecoder: the chunk has rows of different lengths; it should be an array of "
        "numbers, (n_samples, n_chans); see channels_first.",
    ),
    "too few time stamps": (
        lambda c: decoder(c).push(np.zeros((4, 3)), [0.0, 0.01]),
        "StreamingDecoder: time has shape (2,), but the chunk has 4 samples; pass the time stamp "
        "of the first sample, or one for each.",
    ),
    "time stamps that are NaN": (
        lambda c: decoder(c).push(np.zeros((4, 3)), np.nan),
        "StreamingDecoder: time has values that are not finite.",
    ),
    "time stamps as strings": (
        lambda c: decoder(c).push(np.zeros((4, 3)), "now"),
        "StreamingDecoder: time='now' should be a number of seconds, or one for each sample.",
    ),
}

# Chunks that push reports by a warning, and does not decode.
WARNINGS = {
    "NaN": (
        lambda c: decoder(c).push(np.full((4, 3), np.nan)),
        "StreamingDecoder: at 0.000 s, NaN or infinity in channel C3, Cz, C4.",
    ),
    "infinity in one channel": (
        lambda c: decoder(c).push([[1.0, 2.0, 3.0], [2.0, np.inf, 1.0]]),
        "StreamingDecoder: at 0.010 s, NaN or infinity in channel Cz.",
    ),
    "a flat channel": (
        lambda c: decoder(c, max_flat=0.05).push(
            np.c_[np.arange(8), np.zeros(8), np.arange(8) % 3]
        ),
        "StreamingDecoder: at 0.040 s, channel Cz is constant; check the contact of the electrode.",
    ),
    "one channel less": (
        lambda c: decoder(c).push(np.zeros((4, 2))),
        "StreamingDecoder: at 0.000 s, the chunk has 2 channels instead of 3.",
    ),
    "channels and samples exchanged": (
        lambda c: decoder(c).push(np.zeros((3, 10))),
        "StreamingDecoder: at 0.000 s, the chunk has 10 channels instead of 3.",
    ),
    "another channel": (
        lambda c: decoder(c).push(np.zeros((4, 3)), ch_names=["C3", "Cz", "Pz"]),
        "StreamingDecoder: at 0.000 s, the chunk lacks the channels C4.",
    ),
    "another rate": (
        lambda c: decoder(c).push(np.zeros((4, 3)), sfreq=250.0),
        "StreamingDecoder: at 0.000 s, the sampling rate is 250 Hz instead of 100 Hz.",
    ),
    "time stamps of another rate": (
        lambda c: decoder(c).push(np.zeros((9, 3)), 7 + np.arange(9) / 50),
        "StreamingDecoder: at 7.000 s, the sampling rate is 50 Hz instead of 100 Hz.",
    ),
}

# Arguments of decode_windows.
RECORDINGS = {
    "Epochs": (
        lambda c: decode_windows(c.of_epochs, c.epochs, 0.1),
        "decode_windows: raw is EpochsArray; it should be mne.io.Raw.",
    ),
    "an array": (
        lambda c: decode_windows(c.of_epochs, np.hstack(c.X), 0.1),
        "decode_windows: raw is ndarray; it should be mne.io.Raw.",
    ),
    "a path": (
        lambda c: decode_windows(c.of_epochs, "recording.fif", 0.1),
        "decode_windows: raw is str; it should be mne.io.Raw.",
    ),
    "a missing channel": (
        lambda c: decode_windows(c.of_epochs, make_raw(c.X).drop_channels(["C4"]), 0.1),
        "decode_windows: the recording lacks the channels C4, but fit used 3 channels; select the "
        "same channels and interpolate bad ones.",
    ),
    "an additional channel without names in fit": (
        lambda c: decode_windows(
            c.fitted, make_raw(np.tile(c.X[:, :2], (1, 2, 1)), ["C3", "Cz", "C4", "Pz"]), 0.1
        ),
        "decode_windows: the recording has 4 channels, but fit used 3 channels; select the same "
        "channels and interpolate bad ones.",
    ),
    "another rate": (
        lambda c: decode_windows(c.of_epochs, make_raw(c.X, sfreq=128.0), 0.1),
        "decode_windows: the recording is sampled at 128 Hz, but the trials of fit at 100 Hz; use "
        "raw.resample(100).",
    ),
    "a recording that is shorter than a window": (
        lambda c: decode_windows(c.of_epochs, make_raw(c.X[:1, :, :20]), 0.1),
        "decode_windows: the recording has 20 samples, but a window has 48.",
    ),
    "an unknown output": (
        lambda c: decode_windows(c.of_epochs, make_raw(c.X), 0.1, output="csv"),
        "decode_windows: output='csv' should be 'array' or 'annotations'.",
    ),
    "annotations of a regressor": (
        lambda c: decode_windows(
            small(EEGNetRegressor).fit(c.epochs, c.y), make_raw(c.X), 0.1, output="annotations"
        ),
        "decode_windows: a regressor has no classes; use output='array'.",
    ),
    "an estimator without a signal": (
        lambda c: decode_windows(
            LogisticRegression().fit([[0.0], [1.0]], [0, 1]), make_raw(c.X), 0.1
        ),
        "decode_windows: no step of the estimator has signal_; pass a fitted estimator of eegsk.",
    ),
    "a step of zero": (
        lambda c: decode_windows(c.of_epochs, make_raw(c.X), 0.0),
        "decode_windows: step=0.0 should be at least one sample, 0.01 s.",
    ),
    "a filter as a string": (
        lambda c: decode_windows(c.of_epochs, make_raw(c.X), 0.1, temporal_filter="alpha"),
        f"decode_windows: temporal_filter is str; {_SECTIONS}",
    ),
}
