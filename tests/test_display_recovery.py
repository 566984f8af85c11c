"""Displays recover the channels, frequencies and latencies that were simulated or recorded."""

import os
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import torch
from scipy.signal import butter, resample_poly, sosfiltfilt
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from eegsk import (
    EEGClassifier,
    EEGNetClassifier,
    EEGNeXClassifier,
    ShallowConvNetClassifier,
    TCFormerClassifier,
)
from eegsk.alignment import AlignedEstimator, EuclideanAlignment
from eegsk.datasets._epochs import electrode_positions
from eegsk.display import FilterDisplay, ImportanceDisplay, PatternDisplay, SaliencyDisplay
from eegsk.display._estimators import NetworkTrials, read_networks
from eegsk.display._gradients import TrainedModule, spectral_product
from eegsk.display._haufe import (
    Window,
    patterns_of_filters,
    receptive_field,
)
from eegsk.display._network import front_end, temporal_filters, to_numpy

from .networks import small

mpl.use("Agg")

pytestmark = pytest.mark.usefixtures("no_figures")

# Limits in Hz of the simulated mu and beta rhythms, whose centres are drawn from 9 to 12 Hz and
# from 17 to 25 Hz.
MU, BETA = (7.0, 14.0), (15.0, 27.0)


@pytest.fixture(scope="module")
def eegnet(planted):
    return EEGNetClassifier(
        n_filters=3, kernel=32, max_epochs=40, lr=0.02, batch_size=16, dropout=0.25, random_state=0
    ).fit(*planted)


@pytest.fixture(scope="module")
def shallow(planted):
    return ShallowConvNetClassifier(
        n_filters=8,
        spatial_n_filters=8,
        max_epochs=25,
        batch_size=16,
        lr=0.01,
        dropout=0.25,
        random_state=0,
    ).fit(*planted)


@pytest.fixture(params=["eegnet", "shallow"])
def network(request):
    return request.getfixturevalue(request.param)


def planted_pattern(channel, ch_names):
    """Return the simulated weights of the source at a channel, for a cap that is not displaced."""
    squared_distance = np.square(
        electrode_positions(ch_names) - electrode_positions([channel])
    ).sum(axis=1)
    return np.exp(-0.5 * squared_distance / 0.045**2)


def is_in(freqs, *bands):
    freqs = np.asarray(freqs)
    return np.any([(freqs >= low) & (freqs <= high) for low, high in bands], axis=0)


# Patterns


def test_patterns_recover_the_sources_of_the_hands(network, planted):
    """The ERD is over the opposite hemisphere: more power over C3 means the left hand."""
    epochs, _ = planted
    display = PatternDisplay.from_estimator(network, epochs)
    assert list(display.class_names) == ["left_hand", "right_hand"]
    for index, channel in enumerate(["C3", "C4"]):
        source = display.relevance[:, index].argmax()
        assert source in display.order[:4]
        expected = planted_pattern(channel, epochs.ch_names)
        assert np.corrcoef(display.patterns[source], expected)[0, 1] > 0.9
        assert epochs.ch_names[display.patterns[source].argmax()] in (channel, "CP" + channel[1])
        assert is_in(display.peak_freqs[source], MU, BETA)
        # The unit: a rhythm of 2.5 to 20 microvolts.
        assert 1e-6 < display.patterns[source].max() < 50e-6


def test_patterns_of_the_front_end_are_those_of_its_outputs(eegnet, planted):
    epochs, _ = planted
    display = PatternDisplay.from_estimator(eegnet, epochs)
    layer = PatternDisplay.from_estimator(eegnet, epochs, layer="network.trunk.front")
    relevant = display.order[:2]
    for source in relevant:
        correlation = np.corrcoef(display.patterns[source], layer.patterns[source])[0, 1]
        assert abs(correlation) > 0.9
    np.testing.assert_allclose(display.relevance, layer.relevance)


def test_patterns_do_not_depend_on_the_unit(planted):
    epochs, y = planted
    X = epochs.get_data()[:40]
    patterns = [
        PatternDisplay.from_estimator(small(EEGNetClassifier).fit(factor * X, y[:40]), factor * X)
        for factor in (1.0, 1e6)
    ]
    np.testing.assert_allclose(patterns[1].patterns, 1e6 * patterns[0].patterns, rtol=1e-3)


def linear_sources(n_samples=20_000):
    """Return two correlated sources in noise, their patterns, and channels."""
    rng = np.random.default_rng(0)
    sources = np.linalg.cholesky([[1.0, 0.6], [0.6, 1.0]]) @ rng.standard_normal((2, n_samples))
    patterns = rng.standard_normal((2, 5))
    noise = 0.5 * rng.standard_normal((5, 5)) @ rng.standard_normal((5, n_samples))
    return sources, patterns, patterns.T @ sources + noise


def patterns_of_channels(channels, weights, joint):
    """Return the patterns of spatial filters after a temporal filter of one sample."""
    X = torch.from_numpy(channels[None])
    return patterns_of_filters(NetworkTrials(X, X), np.ones((1, 1)), weights[None], joint)


@pytest.mark.parametrize("joint", [True, False])
def test_patterns_are_coefficients_of_a_regression_on_the_sources(joint):
    _, _, channels = linear_sources()
    weights = np.random.default_rng(1).standard_normal((2, 5))
    result = patterns_of_channels(channels, weights, joint)
    sources = weights @ channels
    sources = sources / sources.std(axis=1, keepdims=True)
    fit = LinearRegression().fit
    if joint:
        expected = fit(sources.T, channels.T).coef_.T
    else:
        expected = [fit(source[:, None], channels.T).coef_[:, 0] for source in sources]
    np.testing.assert_allclose(result, expected, atol=1e-10)


def test_patterns_are_those_of_the_linear_model():
    """Filters that extract the sources of a linear model have its patterns, not its weights."""
    _, patterns, channels = linear_sources()
    # The filters of least variance with ``weights @ patterns.T`` equal to one.
    projected = patterns @ np.linalg.inv(np.cov(channels))
    weights = np.linalg.solve(projected @ patterns.T, projected)
    result = patterns_of_channels(channels, weights, joint=True)
    for pattern, weight, expected in zip(result, weights, patterns, strict=True):
        assert np.corrcoef(pattern, expected)[0, 1] > 0.9999
        assert np.corrcoef(weight, expected)[0, 1] < 0.9


def test_pattern_of_a_constant_source_is_zero():
    channels = np.array([[1.0, -1.0], [1.0, -1.0], [2.0, 2.0]])
    weights = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    for joint in (True, False):
        result = patterns_of_channels(channels, weights, joint)
        np.testing.assert_allclose(result, [[1, 1, 0], [0, 0, 0]], atol=1e-12)


def test_patterns_are_those_of_the_filtered_channels_of_each_trial():
    rng = np.random.default_rng(0)
    X = 5 + rng.standard_normal((40, 3, 50))
    temporal, spatial = rng.standard_normal((2, 7)), rng.standard_normal((2, 4, 3))
    alignment = rng.standard_normal((40, 3, 3))
    recorded, filters = torch.from_numpy(X), torch.from_numpy(alignment)
    trials = NetworkTrials(filters @ recorded, recorded, filters)
    result = patterns_of_filters(trials, temporal, spatial, joint=False)
    centred = X - X.mean(axis=(0, 2), keepdims=True)
    for index, taps in enumerate(temporal):
        filtered = np.apply_along_axis(np.correlate, 2, centred, taps, mode="same")
        sources = spatial[index] @ alignment @ filtered
        shared = np.einsum("nst,nct->sc", sources, filtered) / (40 * 50)
        deviation = np.sqrt((sources**2).mean(axis=(0, 2)))
        np.testing.assert_allclose(result[4 * index :][:4], shared / deviation[:, None])


def test_patterns_of_whitened_trials_are_those_of_the_network(X, y):
    """Whitening sets the first samples of a trial to zero; those of filtered trials are large."""
    X = sosfiltfilt(butter(4, [8, 30], "bandpass", fs=128, output="sos"), np.tile(X, 4))
    estimator = small(EEGNetClassifier, standardize="spectrum").fit(X, y)
    display = PatternDisplay.from_estimator(estimator, X)
    whiten, front = estimator.module_[0], front_end(estimator)
    with torch.no_grad():
        whitened = to_numpy(whiten(torch.from_numpy(X.copy()).float()))
    weights = to_numpy(front.spatial.weight.flatten(1)).reshape(2, -1, 3)
    gains = FilterDisplay.from_estimator(estimator).gain.max(axis=1)
    expected = []
    for taps, gain, spatial in zip(to_numpy(front.temporal_filters()), gains, weights, strict=True):
        filtered = np.apply_along_axis(np.correlate, 2, whitened, taps / gain, mode="same")
        sources = spatial @ filtered
        shared = np.einsum("nst,nct->sc", sources, filtered) / sources[:, 0].size
        deviation = np.sqrt((sources**2).mean(axis=(0, 2)))
        expected.append(shared / deviation[:, None] * to_numpy(whiten.scale[:, 0]))
    expected = np.concatenate(expected)
    signs = np.sign(np.sum(display.patterns * expected, axis=1, keepdims=True))
    np.testing.assert_allclose(display.patterns, signs * expected, rtol=1e-3, atol=1e-5)


class Convolution(nn.Module):
    """A network of one strided convolution."""

    def __init__(self, n_chans, n_times, n_outputs, kernel=7, stride=1, padding=0):
        super().__init__()
        self.first = nn.Conv1d(n_chans, 4, kernel, stride=stride, padding=padding)
        self.head = nn.Linear(4, n_outputs)

    def forward(self, x):
        return self.head(self.first(x).square().mean(2))


@pytest.mark.parametrize(
    ("params", "window"),
    [
        ({"kernel": 7}, Window(0, 1, 7)),
        ({"kernel": 5, "padding": 2}, Window(-2, 1, 5)),
        ({"kernel": 8, "stride": 3, "padding": 1}, Window(-1, 3, 8)),
    ],
)
def test_receptive_field_is_that_of_the_convolution(params, window, X, y):
    estimator = EEGClassifier(network=Convolution, network_params=params, max_epochs=1)
    trials = read_networks(estimator.fit(X, y), X, None, "")[0].trials.X
    assert receptive_field(TrainedModule(estimator, trials), "network.first", trials) == window
    places = np.arange(48.0)[None, None]
    n_outputs = (48 + 2 * params.get("padding", 0) - params["kernel"]) // window.stride + 1
    cut = window.cut(places, n_outputs)
    assert len(cut) == window.length
    assert [len(values[0, 0]) for values in cut] == [n_outputs] * window.length
    second = window.first + window.stride
    assert cut[2][0, 0, 1] == second + 2


# Filters


def test_the_most_relevant_filter_passes_the_simulated_rhythms(network, planted):
    epochs, _ = planted
    display = FilterDisplay.from_estimator(network, epochs)
    best = display.order[0]
    assert is_in(display.relevant_freqs[best], MU, BETA)
    total = display.relevance.sum(axis=0)
    freqs = np.linspace(0, 64, len(total))
    assert total[is_in(freqs, MU, BETA)].sum() > 0.7 * total.sum()
    gain = display.gain[best] / display.gain[best].max()
    assert gain[is_in(display.freqs, MU, BETA)].max() > 0.9


@pytest.mark.parametrize("standardize", ["channel", "spectrum"])
@pytest.mark.parametrize(
    "estimator_class", [EEGNetClassifier, EEGNeXClassifier, TCFormerClassifier]
)
def test_gain_is_that_of_the_front_end(estimator_class, standardize, X, y):
    """The amplitude of a sine wave after the layers is that of the frequency response."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((16, 3, 400))
    params = {"pool": 8} if estimator_class is TCFormerClassifier else {}
    estimator = small(estimator_class, standardize=standardize, **params).fit(X, np.arange(16) % 2)
    display = FilterDisplay.from_estimator(estimator, sfreq=100.0)
    front = front_end(estimator)
    last = dict(front.named_children()).get("second_temporal", front.temporal)
    norm = getattr(front, "temporal_norm", None) if last is not front.temporal else None
    index = 200
    freq = display.freqs[index]
    wave = np.exp(2j * np.pi * freq / 100 * np.arange(400))
    outputs = []
    handle = last.register_forward_hook(lambda layer, x, output: outputs.append(output))
    scale = to_numpy(estimator.module_[0].scale[0])
    mean = to_numpy(estimator.module_[0].mean)
    with torch.no_grad():
        for part in (wave.real, wave.imag, 0 * wave.real):
            trials = np.tile(part, (1, 3, 1)) * scale + mean
            estimator.module_(torch.tensor(trials, dtype=torch.float32))
    handle.remove()
    real, imaginary, constant = (to_numpy(output)[0, :, 0, 150:250] for output in outputs)
    amplitude = np.abs((real - constant) + 1j * (imaginary - constant))
    factor = 1.0 if norm is None else _scale_of(front)
    np.testing.assert_allclose(amplitude * factor, display.gain[:, [index]] + 0 * amplitude, 2e-3)


def _scale_of(front):
    """Return the scale of the normalisation after the second stage, (n_filters, 1)."""
    norm = front.second_temporal_norm
    return to_numpy(norm.weight / (norm.running_var + norm.eps).sqrt())[:, None]


def test_filters_without_trials_are_sorted_by_frequency(eegnet):
    display = FilterDisplay.from_estimator(eegnet)
    assert display.relevance is None
    assert display.relevant_freqs is None
    assert (np.diff(display.peak_freqs[display.order]) >= 0).all()
    np.testing.assert_array_equal(display.filters, temporal_filters(eegnet))


# Saliency


def test_saliency_recovers_channels_latency_and_frequencies(eegnet, planted):
    epochs, y = planted
    display = SaliencyDisplay.from_estimator(eegnet, epochs, y)
    names = epochs.ch_names
    for name, own, other in [("left_hand", "C3", "C4"), ("right_hand", "C4", "C3")]:
        by_channel = display.by_channel[list(display.class_names).index(name)]
        # Most positive and most negative, with the neighbours that record the same source.
        assert names[by_channel.argmax()][-1] == own[-1]
        assert names[by_channel.argmin()][-1] == other[-1]
        assert by_channel[names.index(own)] > 0 > by_channel[names.index(other)]
    # The ERD begins about 0.4 s after the cue.
    strength = np.abs(display.attributions).mean(axis=(0, 1))
    np.testing.assert_array_equal(display.places, epochs.times)
    before, after = display.places < 0.2, (display.places > 0.6) & (display.places < 1.3)
    assert strength[after].mean() > 2.5 * strength[before].mean()

    spectrum = SaliencyDisplay.from_estimator(eegnet, epochs, y, domain="frequency")
    strength = np.abs(spectrum.attributions).sum(axis=(0, 1))
    in_bands = is_in(spectrum.places, MU, BETA)
    assert strength[in_bands].sum() > 0.75 * strength.sum()
    assert is_in(spectrum.places[strength.argmax()], MU, BETA)


def contrasts(estimator, X):
    """Return the logit of each class minus the mean of the other logits."""
    logits = estimator._output(X)
    n_classes = logits.shape[1]
    return (logits - logits.mean(1, keepdims=True)) * n_classes / (n_classes - 1)


def test_gradient_is_that_of_the_decision_function(eegnet, planted):
    """A finite difference of the trained module, in the unit of the recording."""
    epochs, y = planted
    X, y = epochs.get_data()[:6], y[:6]
    display = SaliencyDisplay.from_estimator(eegnet, X, y)
    baseline = X.mean(axis=(0, 2))
    for index, name in enumerate(display.class_names):
        trials = X[y == name]
        for channel, time in [(0, 50), (3, 120)]:
            step = np.zeros_like(trials)
            step[:, channel, time] = 2e-8
            change = contrasts(eegnet, trials + step) - contrasts(eegnet, trials - step)
            slope = change[:, index] / 4e-8
            expected = np.mean(slope * (trials[:, channel, time] - baseline[channel]))
            value = display.attributions[index, channel, time]
            assert value == pytest.approx(expected, rel=0.02, abs=1e-5)


def test_saliency_of_two_classes_explains_the_decision_function(eegnet, planted):
    epochs, _ = planted
    np.testing.assert_allclose(contrasts(eegnet, epochs)[:, 1], eegnet.decision_function(epochs))


@pytest.mark.parametrize("domain", ["time", "frequency"])
def test_integrated_gradients_sum_to_the_difference_of_outputs(domain, eegnet, planted):
    pytest.importorskip("captum")
    epochs, y = planted
    X, y = epochs.get_data()[:12], y[:12]
    display = SaliencyDisplay.from_estimator(
        eegnet, X, y, method="integrated_gradients", domain=domain, n_steps=100
    )
    baseline = np.broadcast_to(X.mean(axis=(0, 2), keepdims=True), X[:1].shape)
    for index, name in enumerate(display.class_names):
        difference = contrasts(eegnet, X[y == name]) - contrasts(eegnet, baseline)
        total = display.attributions[index].sum()
        assert total == pytest.approx(difference[:, index].mean(), rel=0.01, abs=0.01)


@pytest.mark.parametrize("n_times", [20, 21])
def test_frequencies_decompose_the_sum_over_time(n_times):
    signal, gradient = torch.randn(2, 3, n_times, dtype=torch.float64)
    product = spectral_product(torch.fft.rfft(signal), gradient)
    torch.testing.assert_close(product.sum(-1), (signal * gradient).sum(-1))
    wave = torch.cos(2 * torch.pi * 4 * torch.arange(n_times, dtype=torch.float64) / n_times)
    product = spectral_product(torch.fft.rfft(wave), wave)
    assert product.argmax() == 4
    torch.testing.assert_close(product[4], wave.square().sum())


# Importance


def log_power(X):
    """Return the logarithm of the power of each channel from 8 to 13 Hz."""
    spectrum = np.abs(np.fft.rfft(X)) ** 2
    freqs = np.fft.rfftfreq(X.shape[2], 1 / 128)
    return np.log(spectrum[..., (freqs >= 8) & (freqs < 13)].mean(axis=2))


def test_importance_recovers_channels_and_bands_for_every_estimator(eegnet, planted):
    epochs, y = planted
    baseline = make_pipeline(FunctionTransformer(log_power), LinearDiscriminantAnalysis())
    baseline.fit(epochs.get_data(), y)
    options = {"n_repeats": 3, "random_state": 0}
    for estimator, bands in [(eegnet, {"alpha", "beta"}), (baseline, {"alpha"})]:
        display = ImportanceDisplay.from_estimator(estimator, epochs, y, by="band", **options)
        importance = dict(zip(display.names, display.mean, strict=True))
        assert max(importance, key=lambda name: importance[name]) in bands
        for name in set(importance) - bands:
            assert abs(importance[name]) < 0.03
        regions = {"left": ["C3", "FC3", "CP3"], "right": ["C4", "FC4", "CP4"], "back": ["Oz"]}
        display = ImportanceDisplay.from_estimator(estimator, epochs, y, regions=regions, **options)
        left, right, back = display.mean
        assert min(left, right) > 0.1
        assert abs(back) < 0.05
    display = ImportanceDisplay.from_estimator(eegnet, epochs, y, **options)
    best = [epochs.ch_names[index] for index in np.argsort(-display.mean)[:4]]
    assert {name[-1] for name in best[:2]} <= {"3", "4"}
    assert display.ax_.images  # a map, because the positions are known


# Recordings


def load_fists(subjects):
    """Return imagined left and right fists from 4 to 35 Hz at 80 Hz, and the subjects."""
    if not os.environ.get("EEGSK_DATA"):
        pytest.skip("needs recordings: set EEGSK_DATA to their folder")
    folder = Path(os.environ["EEGSK_DATA"]) / "eegmmidb"
    if not folder.exists():
        pytest.skip("needs the recordings eegmmidb in the folder EEGSK_DATA")
    trials, labels, people = [], [], []
    bandpass = butter(3, [4, 35], "bandpass", fs=80, output="sos")
    for subject in subjects:
        with np.load(folder / f"S{subject:03d}.npz") as recording:
            X, y = recording["X"].astype(float), recording["y"]
            names = [str(name) for name in recording["ch_names"]]
        X = sosfiltfilt(bandpass, resample_poly(X, 1, 2, axis=-1))[..., 40:]
        trials.append(10 * X / X.std())
        labels.append(np.where(y == 1, "left", "right"))
        people.append(np.repeat(subject, len(y)))
    return *map(np.concatenate, (trials, labels, people)), names


@pytest.mark.slow
@pytest.mark.parametrize("is_aligned", [False, True], ids=["scaled", "aligned"])
def test_patterns_of_the_hands_lie_over_the_opposite_motor_cortex(is_aligned):
    """Less power over the hemisphere opposite to a hand means this hand."""
    X, y, people, names = load_fists([2, 7, 10, 13, 29, 31, 33, 34])
    estimator = EEGNetClassifier(kernel=40, max_epochs=40, random_state=0)
    options = {"ch_names": names, "sfreq": 80.0}
    if is_aligned:
        options["groups"] = people
        estimator = AlignedEstimator(EuclideanAlignment(), estimator).fit(X, y, groups=people)
    else:
        estimator.fit(X, y)
    display = PatternDisplay.from_estimator(estimator, X, **options)
    assert display.axes_[0].images
    power = (display.patterns / np.abs(display.patterns).max(axis=1, keepdims=True)) ** 2
    motor = {
        side: [f"{row}{number}" for row in ("FC", "C", "CP") for number in numbers]
        for side, numbers in {"left": (1, 3, 5), "right": (2, 4, 6)}.items()
    }
    for index, hand in enumerate(display.class_names):
        opposite = "left" if hand == "right" else "right"
        against = display.relevance[:, index] @ power
        assert names[against.argmin()] in motor[opposite]
        assert names[against.argmax()] in motor[hand]
    for source in display.order[:2]:
        assert 8 <= display.peak_freqs[source] <= 14

    saliency = SaliencyDisplay.from_estimator(estimator, X, y, **options)
    for index, hand in enumerate(saliency.class_names):
        by_side = {
            side: saliency.by_channel[index, [names.index(name) for name in members]].sum()
            for side, members in motor.items()
        }
        assert by_side[hand] > 0 > by_side["left" if hand == "right" else "right"]
