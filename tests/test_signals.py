"""Input conversion (arrays, tensors, Epochs) and standardisation."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import mne
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import signal
from sklearn.model_selection import PredefinedSplit
from torch import nn

from eegsk import EEGClassifier, EEGNetClassifier, EEGNetRegressor, Signal
from eegsk.blocks import Whiten
from eegsk.callbacks import EarlyStopping
from eegsk.signals import read_trials

from .networks import linear, small

CONTAINERS = {
    "fortran": np.asfortranarray,
    "float16": lambda X: X.astype(np.float16),
    "float32": lambda X: X.astype(np.float32),
    "long double": lambda X: X.astype(np.longdouble),
    "big endian": lambda X: X.astype(">f8"),
    "int8": lambda X: X.astype(np.int8),
    "int64": lambda X: X.astype(np.int64),
    "objects": lambda X: X.astype(object),
    "negative strides": lambda X: X[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
    "transposed": lambda X: X.transpose(2, 1, 0).copy().transpose(2, 1, 0),
    "strided": lambda X: X.repeat(2, axis=2)[:, :, ::2],
    "list": lambda X: X.tolist(),
    "list of arrays": list,
    "tensor": torch.from_numpy,
    "tensor of halves": lambda X: torch.from_numpy(X).half(),
    "tensor of bfloat16": lambda X: torch.from_numpy(X).bfloat16(),
    "tensor of ints": lambda X: torch.from_numpy(X).short(),
    "tensor with gradient": lambda X: torch.from_numpy(X).requires_grad_(),
    "transposed tensor": lambda X: torch.from_numpy(X).mT.contiguous().mT,
    "list of tensors": lambda X: list(torch.from_numpy(X)),
}


@pytest.fixture
def integers(X):
    """Return trials of whole numbers, which all number types represent exactly."""
    return (30 * X).round().astype(np.float64)


def fit(X, y=None, **fields):
    return small(EEGNetClassifier, **fields).fit(X, y)


def assert_same(first, X_first, second, X_second, atol=0.0):
    """Check that two classifiers give the same predictions for the same trials."""
    proba = first.predict_proba(X_first)
    assert len(np.unique(proba)) > 2
    np.testing.assert_allclose(proba, second.predict_proba(X_second), rtol=0, atol=atol)
    np.testing.assert_array_equal(first.predict(X_first), second.predict(X_second))


def as_list(epochs):
    """Return a list of one-trial Epochs, as scikit-learn's splitters do."""
    return [epochs[i] for i in range(len(epochs))]


# Arrays, tensors, lists, frames


@pytest.mark.parametrize("convert", CONTAINERS.values(), ids=CONTAINERS)
def test_container_and_number_type_make_no_difference(integers, y, convert):
    converted = convert(integers)
    assert_same(fit(integers, y), integers, fit(converted, y), converted)


def test_trials_in_a_read_only_memmap(X, y, tmp_path):
    np.save(tmp_path / "trials.npy", X)
    mapped = np.load(tmp_path / "trials.npy", mmap_mode="r")
    assert_same(fit(X, y), X, fit(mapped, y), mapped)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("standardize", ["channel", "global", "spectrum"])
def test_unit_and_precision_make_no_difference(X, y, scale, dtype, standardize):
    fields = {"standardize": standardize, "max_epochs": 10}
    scaled = (X * np.float64(scale)).astype(dtype)
    assert_same(fit(X, y, **fields), X, fit(scaled, y, **fields), scaled, atol=1e-4)


def test_offset_of_a_channel_makes_no_difference(X, y):
    offset = X + np.array([[-30.0], [0.0], [100.0]])
    assert_same(fit(X, y), X, fit(offset, y), offset, atol=1e-4)


def test_unit_makes_no_difference_to_regression(X):
    y = X[:, 0].std(axis=1)
    microvolts, volts = small(EEGNetRegressor).fit(X, y), small(EEGNetRegressor).fit(1e-6 * X, y)
    np.testing.assert_allclose(microvolts.predict(X), volts.predict(1e-6 * X), atol=1e-4)


@pytest.mark.parametrize("fit_2d", [True, False])
@pytest.mark.parametrize("predict_2d", [True, False])
def test_two_dimensions_are_one_channel(X, y, fit_2d, predict_2d):
    two_dims, three_dims = X[:, 0], X[:, :1]
    estimator = fit(two_dims if fit_2d else three_dims, y)
    trials = two_dims if predict_2d else three_dims
    assert_same(fit(three_dims, y), three_dims, estimator, trials)
    assert estimator.signal_ == Signal(n_chans=1, n_times=48)
    message = (
        "X has 47 features, but EEGNetClassifier is expecting 48 features as input"
        if fit_2d and predict_2d
        else "X has 47 time points, but the trials of fit had 48; crop or resample the trials"
    )
    with pytest.raises(ValueError, match=message):
        estimator.predict(trials[..., :-1])


def test_data_frame_is_one_channel(X, y):
    frame = pd.DataFrame(X[:, 0], columns=[f"{time} ms" for time in range(48)])
    estimator = fit(frame, y)
    assert_same(fit(X[:, 0], y), X[:, 0], estimator, frame)
    assert estimator.feature_names_in_.tolist() == list(frame.columns)
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        estimator.predict(frame[frame.columns[::-1]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda X: X[0],
            r"X has shape \(3, 48\), but the trials of fit had 3 channels and 48 time points; for "
            r"a single trial, pass X\[np\.newaxis\]",
        ),
        (lambda X: X[0, 0], r"X has shape \(48,\); it should be \(n_trials, n_chans, n_times\)"),
        (lambda X: X[None], r"X has shape \(1, 24, 3, 48\); it should be \(n_trials, "),
        (lambda X: X[:, :2], "X has 2 channels, but the trials of fit had 3; select the same"),
        (lambda X: X[:, :, :-1], "X has 47 time points, but the trials of fit had 48; crop"),
        (lambda X: X.transpose(0, 2, 1), "X has 48 channels, but the trials of fit had 3; sel"),
        (lambda X: [*X[:5], X[5, :, :9]], "the trials in X differ in shape; crop or pad them"),
    ],
)
def test_trials_of_another_shape_than_in_fit(X, y, change, message):
    estimator = fit(X, y)
    with pytest.raises(ValueError, match=f"^EEGNetClassifier: {message}") as raised:
        estimator.predict(change(X))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("convert", [np.copy, torch.from_numpy, np.asfortranarray, list])
@pytest.mark.parametrize("standardize", ["channel", "global", "spectrum", None])
def test_trials_are_not_changed_in_place(X, y, convert, standardize):
    def in_place_network(**shape):
        return nn.Sequential(nn.ReLU(inplace=True), linear(**shape))

    trials = convert(X)
    copied = copy.deepcopy(trials)
    fields = {"max_epochs": 2, "valid_split": 0.25, "standardize": standardize}
    for estimator in (
        small(EEGNetClassifier, **fields),
        EEGClassifier(network=in_place_network, **fields),
    ):
        estimator.fit(trials, y, sample_weight=y + 1.0).partial_fit(trials, y)
        estimator.predict_proba(trials)
    np.testing.assert_array_equal(np.asarray(trials), np.asarray(copied))


# Epochs


def test_epochs_of_any_kind(any_epochs):
    volts, codes = any_epochs.get_data(copy=True), any_epochs.events[:, 2]
    names = np.where(codes == any_epochs.event_id["left"], "left", "right")
    arrays, split = fit(volts, names), as_list(any_epochs)
    for estimator in (fit(any_epochs), fit(split), fit(split, names), fit(any_epochs, codes)):
        for trials in (any_epochs, split, volts):
            proba = estimator.predict_proba(trials)
            np.testing.assert_array_equal(proba, arrays.predict_proba(volts))
            np.testing.assert_array_equal(arrays.predict_proba(trials), proba)


def test_labels_and_signal_are_taken_from_epochs(any_epochs):
    estimator = fit(any_epochs)
    n_times, sfreq = len(any_epochs.times), any_epochs.info["sfreq"]
    names = tuple(any_epochs.ch_names)
    assert estimator.signal_ == Signal(3, n_times, sfreq, names, ("eeg",) * 3)
    assert fit(any_epochs.get_data(), any_epochs.events[:, 2]).signal_ == Signal(3, n_times)
    assert estimator.classes_.tolist() == ["left", "right"]
    names = ["left" if "left" in epoch.event_id else "right" for epoch in as_list(any_epochs)]
    assert estimator.score(any_epochs) == estimator.score(any_epochs, names)


@pytest.mark.parametrize("suffix", [".fif", ".fif.gz"])
def test_epochs_in_a_file_can_be_pickled(epochs, suffix, tmp_path):
    path = tmp_path / f"trials-epo{suffix}"
    epochs.save(path, verbose="error")
    in_file = mne.read_epochs(path, preload=False, verbose="error")
    copied = pickle.loads(pickle.dumps(as_list(in_file)))
    assert_same(fit(in_file), in_file, fit(copied), copied)


def test_epochs_in_a_file_can_be_read_by_threads(saved):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(read_trials, [saved] * 80))
    for trials, _ in results:
        np.testing.assert_array_equal(trials, saved.get_data())


def test_epochs_are_not_changed(any_epochs):
    copied = any_epochs.copy()
    fit(any_epochs).predict(any_epochs)
    assert any_epochs.preload == copied.preload
    assert any_epochs.drop_log == copied.drop_log
    np.testing.assert_array_equal(any_epochs.get_data(), copied.get_data())


def test_labels_are_event_names_not_codes(epochs):
    recoded = epochs.copy()
    recoded.events[:, 2] = 3 - recoded.events[:, 2]
    recoded.event_id = {"left": 2, "right": 1}
    assert_same(fit(epochs), epochs, fit(recoded), recoded)
    both = [epochs, recoded]
    assert fit(both).score(both) == fit([epochs, epochs]).score(epochs)


def test_bad_epochs_are_dropped(epochs):
    volts = epochs.get_data(copy=True)
    volts[[3, 8, 20], 1] *= 20
    raw = mne.io.RawArray(np.hstack(volts), epochs.info, verbose="error")
    options = {"tmin": 0, "tmax": 0.47, "baseline": None, "reject": {"eeg": 20e-6}}
    lazy = mne.Epochs(raw, epochs.events, epochs.event_id, **options, verbose="error")
    good = epochs.copy().drop([3, 8, 20], verbose="error")
    assert_same(fit(good), good, fit(lazy), lazy, atol=1e-12)
    assert len(lazy.events) == 24
    with pytest.raises(ValueError, match="X has 21 trials, but y has 24 targets"):
        fit(lazy, epochs.events[:, 2])


def test_only_good_data_channels_are_used(epochs):
    info = mne.create_info(["EOG", "STI", "misc", "Oz"], 100.0, ["eog", "stim", "misc", "eeg"])
    noise = np.random.default_rng(1).standard_normal((24, 4, 48))
    noise = mne.EpochsArray(noise, info, epochs.events, event_id=epochs.event_id, verbose="error")
    extended = epochs.copy().add_channels([noise])
    extended.reorder_channels(["EOG", "C3", "Oz", "STI", "Cz", "misc", "C4"])
    extended.info["bads"] = ["Oz"]
    assert fit(extended).signal_ == fit(epochs).signal_
    assert_same(fit(extended), epochs, fit(epochs), extended)


def test_channels_are_matched_by_name(epochs):
    estimator, reordered = fit(epochs), epochs.copy().reorder_channels(["C4", "C3", "Cz"])
    mixed = [*as_list(epochs)[:9], *as_list(reordered)[9:]]
    for trials in (reordered, as_list(reordered), mixed):
        assert_same(estimator, epochs, estimator, trials)
    assert_same(estimator, epochs, fit(mixed), reordered)


CHANNELS_DIFFER = "EEGNetClassifier: The good channels of the Epochs differ from those of {}: "


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda epochs: epochs.drop_channels("C4"),
            f"{CHANNELS_DIFFER}missing C4; select the same channels",
        ),
        (
            lambda epochs: epochs.rename_channels({"C4": "Oz"}),
            f"{CHANNELS_DIFFER}missing C4, additional Oz; select the same channels",
        ),
        (
            lambda epochs: epochs.info.update(bads=["Cz"]),
            f"{CHANNELS_DIFFER}missing Cz; select the same channels",
        ),
        (
            lambda epochs: epochs.resample(50.0),
            "EEGNetClassifier: The Epochs are sampled at 50 Hz, but those of {} at 100 Hz; ",
        ),
        (
            lambda epochs: epochs.crop(0, 0.3),
            "EEGNetClassifier: The Epochs have 31 time points, but those of {} have 48; crop them",
        ),
    ],
    ids=["fewer", "renamed", "bad", "rate", "length"],
)
def test_epochs_with_another_signal_than_in_fit(epochs, change, message):
    estimator, changed = fit(epochs), epochs.copy()
    change(changed)
    for trials in (changed, as_list(changed), [epochs, changed]):
        with pytest.raises(ValueError, match=f"^{message.format('fit')}"):
            estimator.predict(trials)
    with pytest.raises(ValueError, match=f"^{message.format('the first Epochs in the list')}"):
        fit([epochs, changed])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda epochs: epochs.drop_channels("C4"),
            "X has 2 channels, but the trials of fit had 3",
        ),
        (lambda epochs: epochs.crop(0, 0.3), "X has 31 time points, but the trials of fit had 48"),
    ],
)
def test_epochs_of_another_shape_than_the_arrays_of_fit(X, y, epochs, change, message):
    estimator = fit(X, y)
    with pytest.raises(ValueError, match=message):
        estimator.predict(change(epochs.copy()))


def test_no_good_data_channel(epochs):
    epochs.info["bads"] = epochs.ch_names
    with pytest.raises(
        ValueError, match=r"The Epochs have no good data channel .*; check info\['bads'\]"
    ):
        fit(epochs)


@pytest.mark.parametrize("kind", ["EvokedArray", "RawArray"])
def test_raw_and_evoked_have_no_trials(epochs, kind):
    raw = mne.io.RawArray(np.hstack(epochs.get_data()), epochs.info, verbose="error")
    recording = {"EvokedArray": epochs.average(), "RawArray": raw}[kind]
    with pytest.raises(
        TypeError, match=f"^EEGNetClassifier: X is {kind}, which has no trials; pass mne.Epochs"
    ):
        fit(recording, [0, 1])


# Standardisation


def mean_and_scale(estimator):
    layer = estimator.module_.standardize
    return layer.mean[:, 0].numpy(), layer.scale[:, 0].numpy()


@pytest.mark.parametrize("weight", [None, np.arange(24) % 3], ids=["unweighted", "weighted"])
def test_standardisation_by_channel_and_global(X, y, weight):
    X = X * np.array([[1.0], [10.0], [0.1]]) + np.array([[2.0], [0.0], [-1.0]])
    n_repeats = np.ones(24, int) if weight is None else weight
    repeated = X.repeat(n_repeats, axis=0)
    mean, scale = repeated.mean((0, 2)), repeated.std((0, 2))
    global_scale = np.full(3, np.sqrt((scale**2).mean()))
    for standardize, expected in {"channel": scale, "global": global_scale}.items():
        estimator = small(EEGNetClassifier, standardize=standardize).fit(X, y, weight)
        np.testing.assert_allclose(mean_and_scale(estimator), (mean, expected), 1e-5, 1e-6)
        standard = estimator.module_.standardize(torch.tensor(X, dtype=torch.float32)).numpy()
        np.testing.assert_allclose(
            standard, (X - mean[:, None]) / expected[:, None], rtol=1e-4, atol=1e-4
        )


def test_no_standardisation(X, y):
    assert isinstance(fit(X, y, standardize=None).module_.standardize, nn.Identity)


def test_standardisation_is_estimated_from_the_training_trials(X, y):
    X[12:] *= 5
    split = PredefinedSplit(np.repeat([-1, 0], 12))
    mean, scale = mean_and_scale(fit(X, y, valid_split=split))
    np.testing.assert_allclose(mean, X[:12].mean((0, 2)), rtol=1e-5)
    np.testing.assert_allclose(scale, X[:12].std((0, 2)), rtol=1e-5)


def alpha_and_noise(n_trials, noise, seed=0):
    """Return trials of two channels at 128 Hz: a 10 Hz rhythm and weak white noise."""
    rng = np.random.default_rng(seed)
    b, a = signal.butter(4, (8, 12), btype="band", fs=128)
    alpha = signal.lfilter(b, a, rng.standard_normal((n_trials, 2, 1128)))[..., 1000 - 872 :]
    return alpha + noise * rng.standard_normal(alpha.shape)


def test_whitening_is_a_causal_filter():
    x, weight = torch.randn(4, 3, 50).double(), torch.randn(6).double()
    mean, scale = torch.randn(3).double(), torch.rand(3).double() + 0.5
    layer = Whiten(mean, scale, weight)
    assert layer(x[..., :3]).shape == (4, 3, 3)
    assert not layer(x[..., :3]).any()
    standard = (x - mean[:, None]) / scale[:, None]
    filtered = signal.lfilter(weight.flip(0).numpy(), 1, standard.numpy())
    filtered[..., :5] = 0
    np.testing.assert_allclose(layer(x).numpy(), filtered, atol=1e-12)
    torch.autograd.gradcheck(layer, x[:2].requires_grad_())
    torch.autograd.gradgradcheck(layer, x[:2].requires_grad_())
    single = layer.float()(x.float())
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(layer(x.float()), single)


def test_whitening_flattens_the_spectrum():
    noise = np.random.default_rng(0).standard_normal((60, 2, 1500))
    rhythm = signal.lfilter([1.0], np.poly(0.98 * np.exp([0.5j, -0.5j])).real, noise)[..., 500:]
    X = rhythm * np.array([[1.0], [20.0]]) + 3.0
    estimator = fit(X, np.arange(60) % 2, standardize="spectrum", max_epochs=1)
    layer = estimator.module_.standardize
    assert layer.weight.shape == (1, 21)
    centred = X - X.mean((0, 2), keepdims=True)
    whitened = layer(torch.tensor(X, dtype=torch.float32)).numpy()
    assert (whitened[..., :20] == 0).all()
    np.testing.assert_allclose(whitened[..., 20:].std((0, 2)), 1, rtol=1e-3)
    spectra = [signal.welch(x, 128, nperseg=128)[1].mean((0, 1))[3:-3] for x in (centred, whitened)]
    decibels = [10 * np.log10(power.max() / power.min()) for power in spectra]
    assert decibels[0] > 30 > 2 > decibels[1]


def test_whitening_reveals_weak_frequencies():
    X, y = alpha_and_noise(160, noise=0.003)[..., :384], np.arange(160) % 2
    b, a = signal.butter(2, (28, 32), btype="band", fs=128)
    noise = np.random.default_rng(1).standard_normal((160, 384))
    X[:, 0] += 0.02 * y[:, None] * signal.lfilter(b, a, noise)
    score = {}
    for standardize in ("channel", "spectrum"):
        fields = {"standardize": standardize, "max_epochs": 20, "batch_size": 16}
        classifier = EEGNetClassifier(**fields, random_state=0).fit(X[:80], y[:80])
        score[standardize] = classifier.score(X[80:], y[80:])
    assert score["spectrum"] > 0.9 > 0.7 > score["channel"]


def test_whitening_predicts_samples_by_least_squares():
    X = np.random.default_rng(0).standard_normal((30, 2, 400)).cumsum(2)
    classifier = small(EEGClassifier, network=linear, standardize="spectrum", max_epochs=1)
    weight = classifier.fit(X, np.arange(30) % 2).module_.standardize.weight[0].numpy()
    standard = (X - X.mean((0, 2), keepdims=True)) / X.std((0, 2), keepdims=True)
    padded = np.pad(standard, ((0, 0), (0, 0), (20, 20)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 21, axis=2).reshape(-1, 21)
    past, last = windows[:, :-1], windows[:, -1]
    power = np.mean(standard**2) * standard.size
    noisy = past.T @ past + 1e-6 * power * np.eye(20)
    np.testing.assert_allclose(weight[:-1], -np.linalg.solve(noisy, past.T @ last), atol=1e-4)
    assert weight[-1] == 1


@pytest.mark.parametrize("n_times", [4, 9, 200])
def test_whitening_filter_is_at_most_an_eighth_of_a_trial(n_times):
    X = np.random.default_rng(0).standard_normal((20, 3, n_times)).cumsum(2)
    fields = {"network": linear, "standardize": "spectrum"}
    estimator = small(EEGClassifier, **fields).fit(X, np.arange(20) % 2)
    assert estimator.module_.standardize.weight.shape[1] - 1 == min(20, n_times // 8)
    assert np.isfinite(estimator.predict_proba(X)).all()


def test_whitening_is_estimated_from_the_training_trials(X, y):
    changed = X.copy()
    changed[12:] = changed[12:].cumsum(2)
    fields = {"valid_split": PredefinedSplit(np.repeat([-1, 0], 12)), "standardize": "spectrum"}
    layers = [fit(trials, y, **fields).module_.standardize for trials in (X, changed)]
    for first, second in zip(*(layer.buffers() for layer in layers), strict=True):
        torch.testing.assert_close(first, second, rtol=0, atol=0)


@pytest.mark.parametrize("standardize", ["channel", "global", "spectrum", None])
@pytest.mark.parametrize("value", [0.0, 7.0, 1e-9])
@pytest.mark.filterwarnings("ignore:EEGNetClassifier. X is constant")
@pytest.mark.parametrize("flat", [[1], [0, 1, 2]], ids=["one", "all"])
def test_flat_channels(X, y, standardize, value, flat):
    X[:, flat] = value
    estimator = fit(X, y, standardize=standardize, valid_split=0.25)
    assert np.isfinite(estimator.predict_proba(X)).all()
    assert np.isfinite(estimator.predict_proba(X + 1)).all()
    assert np.isfinite(estimator.history_[:, ("train_loss", "valid_loss")]).all()


# Parameters and attributes after fit


def test_fit_changes_no_parameter(epochs):
    estimator = EEGClassifier(
        network=linear,
        callbacks=[("stop", EarlyStopping(patience=1)), EarlyStopping],
        net_params={"optimizer__amsgrad": True},
        network_params={},
        valid_split=0.25,
        random_state=np.random.RandomState(0),
        max_epochs=2,
    )
    params = estimator.get_params()
    dictionaries = {name: copy.deepcopy(params[name]) for name in ("net_params", "network_params")}
    attributes = set(vars(params["callbacks__stop"]))
    estimator.fit(epochs).partial_fit(epochs).predict(epochs)
    assert all(value is params[name] for name, value in estimator.get_params().items())
    assert dictionaries == {name: params[name] for name in dictionaries}
    assert set(vars(params["callbacks__stop"])) == attributes


def test_refit_on_another_montage(X, y, epochs):
    frame = pd.DataFrame(X[:, 0], columns=[f"{time} ms" for time in range(48)])
    fewer = epochs.copy().drop_channels("C4").resample(50.0)
    estimator = small(EEGNetClassifier)
    for trials in (X, epochs, frame, fewer, X[:, :2, :30], X[:, 0], epochs):
        labels = None if isinstance(trials, mne.BaseEpochs) else y
        fresh = fit(trials, labels)
        assert_same(fresh, trials, estimator.fit(trials, labels), trials)
        assert estimator.signal_ == fresh.signal_
        assert estimator.n_features_in_ == fresh.n_features_in_
        assert hasattr(estimator, "feature_names_in_") == hasattr(fresh, "feature_names_in_")


@pytest.mark.parametrize("resume", ["partial_fit", "fit"])
def test_training_does_not_continue_on_another_montage(X, y, epochs, resume):
    fewer = epochs.copy().drop_channels("C4")
    messages = ["X has 2 channels, but the trials of fit had 3", CHANNELS_DIFFER.format("fit")]
    for trials, message in zip((X, epochs), messages, strict=True):
        estimator = fit(trials, y, warm_start=True)
        with pytest.raises(ValueError, match=message):
            getattr(estimator, resume)(fewer, y)
