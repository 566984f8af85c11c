"""Decoding of streams: the numbers of windows cut offline, problems, and bounded memory."""

import tracemalloc
import warnings

import mne
import numpy as np
import pytest
import scipy.signal
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from eegsk import EEGNetClassifier, EEGNetRegressor, Signal
from eegsk.alignment import EuclideanAlignment
from eegsk.streaming import Decoded, StreamingDecoder, StreamWarning, decode_windows

from .networks import small

N_CHANS, N_TIMES, SFREQ, STEP = 3, 48, 100.0, 12
STEP_SECONDS = STEP / SFREQ


@pytest.fixture
def classifier(epochs):
    return small(EEGNetClassifier).fit(epochs)


@pytest.fixture
def stream():
    """Return 5 s of a continuous recording in volts, (n_chans, n_samples)."""
    rng = np.random.default_rng(1)
    return 1e-6 * rng.standard_normal((N_CHANS, 500)).cumsum(axis=1) * 0.1


@pytest.fixture
def raw(stream, epochs):
    return mne.io.RawArray(stream, epochs.info, verbose="error")


def cut(stream):
    """Return all windows, and the time of the last sample of each."""
    ends = np.arange(N_TIMES, stream.shape[1] + 1, STEP)
    return np.stack([stream[:, end - N_TIMES : end] for end in ends]), (ends - 1) / SFREQ


def push_all(decoder, x, sizes, **kwargs):
    """Push consecutive chunks, whose sizes are repeated; ``x`` has samples first."""
    decoded, start, number = [], 0, 0
    while start < len(x):
        size = sizes[number % len(sizes)]
        decoded += decoder.push(x[start : start + size], **kwargs)
        start, number = start + size, number + 1
    return decoded


def values_of(decoded):
    return np.array([window.values for window in decoded])


def assert_same(values, expected):
    """Compare up to the last digit, which depends on the number of windows that are predicted."""
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-14)


def times_of(decoded):
    return np.array([window.time for window in decoded])


@pytest.mark.parametrize("sizes", [[1], [7, 13, 1], [48], [500]], ids=str)
def test_a_stream_gives_the_numbers_of_windows_cut_offline(sizes, classifier, stream):
    windows, times = cut(stream)
    decoded = push_all(StreamingDecoder(classifier, STEP_SECONDS), stream.T, sizes)
    assert_same(values_of(decoded), classifier.predict_proba(windows))
    np.testing.assert_allclose(times_of(decoded), times, rtol=0, atol=1e-12)
    assert isinstance(decoded[0], Decoded)


def test_chunks_with_channels_first(classifier, stream):
    decoder = StreamingDecoder(classifier, STEP_SECONDS, channels_first=True)
    decoded = decoder.push(stream[:, :100]) + decoder.push(stream[:, 100:])
    windows, _ = cut(stream)
    assert_same(values_of(decoded), classifier.predict_proba(windows))


def test_channels_are_selected_by_name(classifier, stream):
    decoder = StreamingDecoder(classifier, STEP_SECONDS)
    chunk = np.vstack([stream[2], np.zeros(500), stream[0], stream[1]]).T
    decoded = decoder.push(chunk, ch_names=["C4", "EOG", "C3", "Cz"])
    windows, _ = cut(stream)
    assert_same(values_of(decoded), classifier.predict_proba(windows))


@pytest.mark.parametrize("step", [1, 60, 130])
def test_any_step(step, classifier, stream):
    decoded = push_all(StreamingDecoder(classifier, step / SFREQ), stream.T, [17])
    ends = np.arange(N_TIMES, 501, step)
    windows = np.stack([stream[:, end - N_TIMES : end] for end in ends])
    assert_same(values_of(decoded), classifier.predict_proba(windows))


def test_smoothing_is_the_mean_of_the_latest_windows(classifier, stream):
    proba = values_of(StreamingDecoder(classifier, STEP_SECONDS).push(stream.T))
    smooth = values_of(StreamingDecoder(classifier, STEP_SECONDS, 3 * STEP_SECONDS).push(stream.T))
    expected = [proba[max(0, i - 2) : i + 1].mean(axis=0) for i in range(len(proba))]
    np.testing.assert_allclose(smooth, expected, rtol=0, atol=1e-15)


def test_regressors(epochs, y, stream):
    regressor = small(EEGNetRegressor).fit(epochs, np.c_[y, 10.0 * y])
    decoder = StreamingDecoder(regressor, STEP_SECONDS)
    windows, _ = cut(stream)
    assert_same(values_of(decoder.push(stream.T)), regressor.predict(windows))
    assert decoder.classes_ is None


SOS = scipy.signal.butter(2, [8, 30], "bandpass", output="sos", fs=SFREQ)


@pytest.mark.parametrize("kind", ["sos", "coefficients", "FIR", "MNE"])
def test_causal_filters_keep_their_state(kind, classifier, stream):
    b, a = scipy.signal.butter(2, [8, 30], "bandpass", fs=SFREQ)
    taps = scipy.signal.firwin(21, [8, 30], pass_zero=False, fs=SFREQ)
    iir = {"order": 2, "ftype": "butter", "output": "sos"}
    design = {
        "sos": SOS,
        "coefficients": (b, a),
        "FIR": taps,
        "MNE": mne.filter.create_filter(
            None, SFREQ, 8, 30, method="iir", iir_params=iir, verbose="error"
        ),
    }[kind]
    x = stream + 1e-3
    if kind == "FIR":
        start = scipy.signal.lfilter_zi(taps, 1.0)[None] * x[:, :1]
        filtered, _ = scipy.signal.lfilter(taps, 1.0, x, axis=1, zi=start)
    else:
        start = scipy.signal.sosfilt_zi(SOS)[:, None] * x[None, :, :1]
        filtered, _ = scipy.signal.sosfilt(SOS, x, axis=1, zi=start)
    decoder = StreamingDecoder(classifier, STEP_SECONDS, temporal_filter=design)
    decoded = push_all(decoder, x.T, [11, 30])
    expected = classifier.predict_proba(cut(filtered)[0])
    np.testing.assert_allclose(values_of(decoded), expected, rtol=0, atol=1e-6)


# Problems


def decode_with_problem(decoder, *chunks, **kwargs):
    """Push chunks, and return the decoded windows and the single problem."""
    with pytest.warns(StreamWarning, match="StreamingDecoder: at") as record:
        decoded = [window for chunk in chunks for window in decoder.push(chunk, **kwargs)]
    (problem,) = decoder.problems_
    assert len(record) == 1
    assert f"at {problem.time:.3f} s, {problem.message}" in str(record[0].message)
    return decoded, problem


def test_nan_bursts_are_reported_and_not_decoded(classifier, stream):
    broken = stream.copy()
    broken[1, 200:203] = np.nan
    broken[1, 205] = np.inf
    decoder = StreamingDecoder(classifier, STEP_SECONDS, temporal_filter=SOS)
    decoded, problem = decode_with_problem(decoder, broken[:, :201].T, broken[:, 201:].T)
    assert problem == (2.0, "not finite", "NaN or infinity in channel Cz.")
    ends = np.round(times_of(decoded) * SFREQ).astype(int) + 1
    expected = [end for end in range(N_TIMES, 501, STEP) if not 201 <= end < 206 + N_TIMES]
    assert ends.tolist() == expected
    assert decoder.n_skipped_ == len(range(N_TIMES, 501, STEP)) - len(expected)
    assert np.isfinite(values_of(decoded)).all()


def test_flat_channels_are_reported_and_not_decoded(classifier, stream):
    broken = stream.copy()
    broken[2, 150:300] = broken[2, 150]
    decoder = StreamingDecoder(classifier, STEP_SECONDS, max_flat=0.2)
    decoded, problem = decode_with_problem(decoder, broken[:, :160].T, broken[:, 160:].T)
    assert problem.kind == "flat"
    assert problem.time == pytest.approx(1.69)
    assert problem.message.startswith("channel C4 is constant")
    ends = np.round(times_of(decoded) * SFREQ).astype(int) + 1
    assert not ((ends >= 170) & (ends < 300 + N_TIMES)).any()
    tolerant = StreamingDecoder(classifier, STEP_SECONDS, max_flat=None)
    assert len(tolerant.push(broken.T)) == len(range(N_TIMES, 501, STEP))


def test_gaps_are_reported_and_windows_begin_after_them(classifier, stream):
    decoder = StreamingDecoder(classifier, STEP_SECONDS)
    first = decoder.push(stream[:, :100].T, time=50.0)
    with pytest.warns(StreamWarning, match=r"at 51.000 s, 0.500 s of samples are missing"):
        second = decoder.push(stream[:, 150:].T, time=51.5)
    assert decoder.problems_ == [(51.0, "gap", "0.500 s of samples are missing.")]
    windows, times = cut(stream[:, 150:])
    np.testing.assert_allclose(times_of(first), 50 + cut(stream[:, :100])[1])
    np.testing.assert_allclose(times_of(second), 51.5 + times)
    assert_same(values_of(second), classifier.predict_proba(windows))


def test_gaps_within_a_chunk(classifier, stream):
    times = np.arange(500) / SFREQ
    times[300:] += 1.0
    decoder = StreamingDecoder(classifier, STEP_SECONDS)
    with pytest.warns(StreamWarning, match=r"at 3.000 s, 1.000 s of samples are missing"):
        decoded = decoder.push(stream.T, times)
    ends = [*range(N_TIMES, 301, STEP), *range(300 + N_TIMES, 501, STEP)]
    np.testing.assert_allclose(times_of(decoded), times[np.array(ends) - 1])
    with pytest.warns(StreamWarning, match="were sent twice or are out of order"):
        decoder.push(stream.T, 1.0)


def test_other_channels_are_reported_and_not_decoded(classifier, stream):
    decoder = StreamingDecoder(classifier, STEP_SECONDS)
    assert len(decoder.push(stream[:, :60].T)) == 2
    wrong = stream[:2, 60:].T
    decoded, problem = decode_with_problem(decoder, wrong, wrong)
    assert decoded == []
    assert problem == (0.6, "channels", "the chunk has 2 channels instead of 3.")
    other = StreamingDecoder(classifier, STEP_SECONDS)
    with pytest.warns(StreamWarning, match="has 3 channels, but ch_names has 2 names"):
        other.push(stream.T, ch_names=["C3", "Cz"])
    other = StreamingDecoder(classifier, STEP_SECONDS)
    with pytest.warns(StreamWarning, match="lacks the channels C4"):
        other.push(stream.T, ch_names=["C3", "Cz", "Fz"])
    again = decoder.push(stream[:, :60].T)
    assert len(again) == 2
    assert again[0].time == pytest.approx((60 + 440 + 440 + N_TIMES - 1) / SFREQ)


def test_another_rate_is_reported_and_not_decoded(classifier, stream):
    decoder = StreamingDecoder(classifier, STEP_SECONDS)
    decoded, problem = decode_with_problem(decoder, stream.T, stream.T, sfreq=128.0)
    assert decoded == []
    assert problem == (0.0, "rate", "the sampling rate is 128 Hz instead of 100 Hz.")
    measured = StreamingDecoder(classifier, STEP_SECONDS)
    with pytest.warns(StreamWarning, match="the sampling rate is 50 Hz instead of 100 Hz"):
        assert measured.push(stream.T, time=3 + np.arange(500) / 50) == []
    assert measured.problems_[0].time == 3.0


def test_many_problems_need_little_memory(classifier, stream):
    broken = stream.copy()
    broken[0, ::60] = np.nan
    decoder = StreamingDecoder(classifier, STEP_SECONDS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StreamWarning)
        for _ in range(150):
            decoder.push(broken.T)
    assert len(decoder.problems_) == 1000


def test_memory_is_bounded(classifier, stream):
    decoder = StreamingDecoder(classifier, STEP_SECONDS, 0.5, temporal_filter=SOS)
    push_all(decoder, stream.T, [25])
    tracemalloc.start()
    for _ in range(5):
        push_all(decoder, stream.T, [25])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 20 * stream[:, :N_TIMES].nbytes + 200_000


def test_a_stream_can_start_again(classifier, stream):
    decoder = StreamingDecoder(classifier, STEP_SECONDS, 1.0, temporal_filter=SOS)
    first = decoder.push(stream.T, time=10.0)
    decoder.reset()
    second = decoder.push(stream.T, time=10.0)
    assert_same(values_of(first), values_of(second))
    assert times_of(first).tolist() == times_of(second).tolist()


# Alignment


def test_causal_alignment_equals_that_of_all_windows(epochs, y, stream):
    pipeline = make_pipeline(EuclideanAlignment(online=True), small(EEGNetClassifier))
    pipeline.fit(epochs, y)
    windows, _ = cut(stream)
    expected = pipeline.predict_proba(windows)
    decoded = push_all(StreamingDecoder(pipeline, STEP_SECONDS), stream.T, [31])
    np.testing.assert_allclose(values_of(decoded), expected, rtol=0, atol=1e-9)
    assert list(pipeline[0].references_) == [None]  # the pipeline has not changed
    known = StreamingDecoder(pipeline, STEP_SECONDS, group="another session")
    np.testing.assert_allclose(values_of(known.push(stream.T)), expected, rtol=0, atol=1e-9)


def test_alignment_of_a_session_of_fit(epochs, y, stream):
    aligner = EuclideanAlignment()
    groups = np.repeat(["monday", "friday"], 12)
    aligned = aligner.fit_transform(epochs, groups=groups)
    pipeline = make_pipeline(aligner, small(EEGNetClassifier).fit(aligned, y))
    windows, _ = cut(stream)
    decoder = StreamingDecoder(pipeline, STEP_SECONDS, group="monday")
    expected = aligner.transform(windows, groups=["monday"] * len(windows))
    expected = pipeline[-1].predict_proba(expected)
    np.testing.assert_allclose(values_of(decoder.push(stream.T)), expected, rtol=0, atol=1e-9)
    with pytest.raises(ValueError, match="aligns all trials of a session together"):
        StreamingDecoder(pipeline, STEP_SECONDS)
    with pytest.raises(ValueError, match="group='sunday' was not in the fit of EuclideanAlign"):
        StreamingDecoder(pipeline, STEP_SECONDS, group="sunday")


# Recordings


def test_a_recording_gives_the_numbers_of_its_windows(classifier, raw, stream):
    windows, expected_times = cut(stream)
    times, proba = decode_windows(classifier, raw, STEP_SECONDS)
    assert_same(proba, classifier.predict_proba(windows))
    np.testing.assert_allclose(times, expected_times, rtol=0, atol=1e-12)
    epochs = mne.make_fixed_length_epochs(
        raw, 0.48, overlap=0.48 - STEP_SECONDS, preload=True, verbose="error"
    )
    assert_same(proba, classifier.predict_proba(epochs))


def test_a_recording_is_read_in_parts(classifier, raw, stream, tmp_path, monkeypatch):
    long = mne.io.RawArray(np.tile(stream, 10), raw.info, verbose="error")
    long.save(tmp_path / "long_raw.fif", fmt="double", verbose="error")
    saved = mne.io.read_raw_fif(tmp_path / "long_raw.fif", preload=False, verbose="error")
    sizes = []
    original = type(saved).get_data

    def get_data(self, *args, **kwargs):
        data = original(self, *args, **kwargs)
        sizes.append(data.shape[1])
        return data

    monkeypatch.setattr(type(saved), "get_data", get_data)
    times, proba = decode_windows(classifier, saved, STEP_SECONDS, 0.5, temporal_filter=SOS)
    assert sizes == [1000] * 5
    decoder = StreamingDecoder(classifier, STEP_SECONDS, 0.5, temporal_filter=SOS)
    expected = decoder.push(np.tile(stream, 10).T)
    np.testing.assert_allclose(proba, values_of(expected), rtol=0, atol=1e-12)
    np.testing.assert_allclose(times, times_of(expected))


@pytest.mark.parametrize("first_samp", [0, 700])
@pytest.mark.parametrize("has_date", [True, False])
def test_annotations_of_a_recording(first_samp, has_date, classifier, stream, epochs):
    raw = mne.io.RawArray(stream, epochs.info, first_samp=first_samp, verbose="error")
    raw.set_meas_date(1_000_000 if has_date else None)
    times, proba = decode_windows(classifier, raw, STEP_SECONDS)
    annotations = decode_windows(classifier, raw, STEP_SECONDS, output="annotations")
    names = classifier.classes_[proba.argmax(axis=1)]
    raw.set_annotations(annotations)
    assert sum(annotations.duration) == pytest.approx(5 - times[0])
    onsets = raw.annotations.onset - raw.first_time
    starts = np.searchsorted(onsets, times + 1e-9) - 1
    assert raw.annotations.description[starts].tolist() == names.tolist()
    assert set(np.round(onsets, 6)) <= set(np.round(times, 6))


@pytest.mark.parametrize("first_samp", [0, 700])
def test_bad_segments_of_a_recording_are_left_out(first_samp, classifier, stream, epochs):
    raw = mne.io.RawArray(stream, epochs.info, first_samp=first_samp, verbose="error")
    raw.set_annotations(mne.Annotations([2.0, 4.0], [0.1, 0.0], ["bad blink", "EDGE boundary"]))
    times, _ = decode_windows(classifier, raw, STEP_SECONDS)
    ends = np.round(times * SFREQ).astype(int) + 1
    is_free = [not (201 <= end < 210 + N_TIMES or 401 <= end < 401 + N_TIMES)
               for end in range(N_TIMES, 501, STEP)]  # fmt: skip
    assert ends.tolist() == np.arange(N_TIMES, 501, STEP)[is_free].tolist()
    every, _ = decode_windows(classifier, raw, STEP_SECONDS, reject_by_annotation=False)
    assert len(every) == len(range(N_TIMES, 501, STEP))


def test_bad_samples_of_a_recording_are_reported(classifier, raw):
    raw._data[1, 200] = np.nan
    message = (
        "decode_windows: 4 windows were not decoded; at 2.000 s, NaN or infinity in channel Cz"
    )
    with pytest.warns(StreamWarning, match=message):
        times, proba = decode_windows(classifier, raw, STEP_SECONDS)
    assert len(times) == len(proba) == len(range(N_TIMES, 501, STEP)) - 4


def test_estimators_fitted_to_arrays(X, y, raw, stream):
    classifier = small(EEGNetClassifier).fit(1e-6 * X, y)
    _, proba = decode_windows(classifier, raw, STEP_SECONDS)
    assert_same(proba, classifier.predict_proba(cut(stream)[0]))
    with pytest.raises(ValueError, match=r"pass it, e.g. signal=Signal\(3, 48, sfreq=250.0\)"):
        StreamingDecoder(classifier, STEP_SECONDS)
    decoder = StreamingDecoder(classifier, STEP_SECONDS, signal=Signal(3, 48, sfreq=SFREQ))
    assert_same(values_of(decoder.push(stream.T)), proba)


# Invalid input


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"step": 0.0}, "StreamingDecoder: step=0.0 should be at least one sample, 0.01 s."),
        ({"step": float("nan")}, "step=nan should be at least one sample"),
        ({"smoothing": 0.001}, "smoothing=0.001 should be at least one sample"),
        ({"max_flat": 0}, "max_flat=0 should be at least one sample"),
        ({"temporal_filter": np.ones((2, 5))}, r"temporal_filter has shape \(2, 5\); it should"),
        ({"temporal_filter": "alpha"}, "temporal_filter is str; it should be second-order"),
        ({"temporal_filter": [1.0, np.nan]}, "has values that are not finite"),
        ({"signal": Signal(3, 50, 100.0)}, "signal has n_times=50, but the trials of fit had 48"),
        ({"signal": Signal(3, 48, 128.0)}, "signal has sfreq=128.0, but the trials of fit had 100"),
    ],
)
def test_invalid_parameters(params, message, classifier):
    with pytest.raises(ValueError, match=message):
        StreamingDecoder(classifier, **{"step": STEP_SECONDS, **params})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0, 3.0],), r"the chunk has shape \(3,\) and dtype float64; it should be an"),
        (([["a", "b", "c"]],), r"dtype <U1; it should be an array of numbers, \(n_samples, n_ch"),
        ((np.zeros((4, 3)), [0.0, 0.1]), r"time has shape \(2,\), but the chunk has 4 samples"),
        ((np.zeros((4, 3)), np.nan), "time has values that are not finite"),
    ],
)
def test_invalid_chunks(arguments, message, classifier):
    with pytest.raises(ValueError, match=message):
        StreamingDecoder(classifier, STEP_SECONDS).push(*arguments)


def test_empty_chunks(classifier):
    assert StreamingDecoder(classifier, STEP_SECONDS).push([]) == []


def test_invalid_recordings(classifier, raw, epochs, y):
    def error(match, *args, raises=ValueError, **kwargs):
        with pytest.raises(raises, match=match):
            decode_windows(*args, STEP_SECONDS, **kwargs)

    error("raw is EpochsArray; it should be mne.io.Raw", classifier, epochs, raises=TypeError)
    error("the recording lacks the channels C4", classifier, raw.copy().drop_channels(["C4"]))
    error(r"sampled at 50 Hz, but .* use raw.resample\(100\)", classifier, raw.copy().resample(50))
    short = raw.copy().crop(0, 0.4)
    error("the recording has 41 samples, but a window has 48", classifier, short)
    error("output='csv' should be 'array' or 'annotations'", classifier, raw, output="csv")
    regressor = small(EEGNetRegressor).fit(epochs, y)
    error("a regressor has no classes", regressor, raw, output="annotations")
    linear = LinearRegression().fit([[0.0], [1.0]], [0, 1])
    error("no step of the estimator has signal_", linear, raw, raises=TypeError)
