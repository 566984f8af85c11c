"""Model files: estimators are the same after ``save`` and ``load``."""

import pickle
from functools import partial
from pathlib import Path

import cloudpickle
import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

import eegsk
from eegsk import EEGClassifier, EEGNetClassifier, EEGNetRegressor, EEGRegressor

from .networks import ESTIMATORS, DoubleLinear, Recurrent, linear, small

FILES = Path(__file__).parent / "files"


def saved_and_loaded(estimator, path, **arguments):
    estimator.save(path)
    if hasattr(estimator, "network"):
        arguments.setdefault("network", estimator.network)
    return eegsk.load(path, **arguments)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.eegsk"


def outputs(estimator, X):
    return estimator._output(X)


def assert_same(loaded, estimator, X):
    """Check that two estimators are the same, to the last bit."""
    assert type(loaded) is type(estimator)
    assert vars(loaded).keys() == vars(estimator).keys()
    np.testing.assert_array_equal(outputs(loaded, X), outputs(estimator, X))
    np.testing.assert_array_equal(loaded.predict(X), estimator.predict(X))
    assert loaded.signal_ == estimator.signal_
    assert loaded.history_.to_list() == estimator.history_.to_list()
    weights, expected = (item.module_.state_dict() for item in (loaded, estimator))
    assert weights.keys() == expected.keys()
    for name, weight in expected.items():
        assert torch.equal(weights[name], weight), name


def assert_continues_the_same(loaded, estimator, X, y):
    """Check that both estimators have the same weights after further training."""
    classes = {"classes": estimator.classes_} if is_classifier(estimator) else {}
    for item in (loaded, estimator):
        item.partial_fit(X, y, **classes)
    np.testing.assert_array_equal(outputs(loaded, X), outputs(estimator, X))
    for item in (loaded, estimator):
        item.set_params(warm_start=True).fit(X, y)
    np.testing.assert_array_equal(outputs(loaded, X), outputs(estimator, X))
    columns = [name for name in estimator.history_[-1] if name not in ("batches", "dur")]
    assert loaded.history_[:, columns] == estimator.history_[:, columns]


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_every_estimator_is_the_same_and_continues_the_same(estimator_class, X, y, path):
    estimator = small(estimator_class, max_epochs=1).fit(X, y)
    loaded = saved_and_loaded(estimator, path)
    assert_same(loaded, estimator, X)
    assert_continues_the_same(loaded, estimator, X, y)


# Inputs and targets


def test_signal_of_epochs(epochs, path):
    for number, channel in enumerate(epochs.info["chs"]):
        channel["loc"][:3] = 0.01 * number, 0.1, np.nextafter(0.1, 1)
    estimator = small(EEGNetClassifier).fit(epochs)
    loaded = saved_and_loaded(estimator, path)
    assert_same(loaded, estimator, epochs)
    assert loaded.signal_.ch_names == ("C3", "Cz", "C4")
    assert loaded.signal_.sfreq == 100.0
    assert loaded.signal_.ch_positions is not None
    assert loaded.signal_.ch_positions == estimator.signal_.ch_positions
    reordered = epochs.copy().reorder_channels(["C4", "C3", "Cz"])
    np.testing.assert_array_equal(outputs(loaded, reordered), outputs(estimator, epochs))
    with pytest.raises(ValueError, match="channel"):
        loaded.predict(epochs.copy().drop_channels(["Cz"]))


def test_trials_of_one_channel(X, y, path):
    estimator = small(EEGNetClassifier).fit(X[:, 0], y)
    assert_same(saved_and_loaded(estimator, path), estimator, X[:, 0])


def test_names_of_columns(X, y, path):
    frame = pytest.importorskip("pandas").DataFrame(X[:, 0]).add_prefix("t")
    estimator = small(EEGNetClassifier).fit(frame, y)
    loaded = saved_and_loaded(estimator, path)
    assert_same(loaded, estimator, frame)
    with pytest.raises(ValueError, match="feature names should match"):
        loaded.predict(frame.add_prefix("a"))


@pytest.mark.parametrize(
    "labels",
    [
        ["left", "right"],
        ["Füße", "手"],
        np.array(["left", "right"], dtype=object),
        [False, True],
        [-3, 10**12],
        np.array([1, 2], dtype=np.uint8),
        [0.0, 1.0],
    ],
    ids=str,
)
def test_labels(X, y, labels, path):
    estimator = small(EEGNetClassifier).fit(X, np.asarray(labels)[y])
    loaded = saved_and_loaded(estimator, path)
    assert_same(loaded, estimator, X)
    assert loaded.classes_.dtype == estimator.classes_.dtype
    assert loaded.classes_.tolist() == estimator.classes_.tolist()
    assert loaded._target.classes is loaded.classes_


@pytest.mark.parametrize("shape", [(24,), (24, 1), (24, 3)])
@pytest.mark.parametrize("standardize_target", [True, False])
def test_targets_of_regressors(X, shape, standardize_target, path):
    y = np.random.default_rng(0).normal(1e3, 1e-2, shape)
    estimator = small(EEGNetRegressor, standardize_target=standardize_target).fit(X, y)
    loaded = saved_and_loaded(estimator, path)
    assert_same(loaded, estimator, X)
    assert loaded.predict(X).shape == shape


@pytest.mark.parametrize("standardize", ["channel", "global", "spectrum", None])
def test_standardisation(X, y, standardize, path):
    estimator = small(EEGNetClassifier, standardize=standardize).fit(X, y)
    assert_same(saved_and_loaded(estimator, path), estimator, X)


# Other ways to save


@pytest.mark.parametrize("library", [pickle, cloudpickle], ids=lambda item: item.__name__)
def test_a_loaded_estimator_can_be_pickled(X, y, path, library):
    estimator = saved_and_loaded(small(EEGNetClassifier).fit(X, y), path)
    assert_same(library.loads(library.dumps(estimator)), estimator, X)


def test_a_pipeline_with_a_loaded_estimator_in_joblib(X, y, path, tmp_path):
    estimator = small(EEGNetClassifier).fit(X, y)
    joblib.dump(make_pipeline("passthrough", saved_and_loaded(estimator, path)), tmp_path / "pipe")
    loaded = joblib.load(tmp_path / "pipe")
    np.testing.assert_array_equal(loaded.predict_proba(X), estimator.predict_proba(X))


def test_a_pickled_estimator_can_be_saved(X, y, path):
    estimator = small(EEGNetClassifier).fit(X, y)
    assert_same(saved_and_loaded(pickle.loads(pickle.dumps(estimator)), path), estimator, X)


def test_a_loaded_estimator_can_be_saved_and_cloned(X, y, path, tmp_path):
    estimator = small(EEGNetClassifier).fit(X, y)
    loaded = saved_and_loaded(estimator, path)
    assert_same(saved_and_loaded(loaded, tmp_path / "second"), estimator, X)
    np.testing.assert_array_equal(clone(loaded).fit(X, y).predict(X), estimator.predict(X))


# Fine-tuning from a file


def test_pretrained_in_a_file(X, y, path):
    source = small(EEGNetClassifier).fit(X, y)
    source.save(path)
    tuned = small(EEGNetClassifier, random_state=1)
    expected = clone(tuned).set_params(pretrained=FrozenEstimator(source)).fit(X, y)
    tuned.set_params(pretrained=str(path)).fit(X, y)
    np.testing.assert_array_equal(outputs(tuned, X), outputs(expected, X))
    np.testing.assert_array_equal(outputs(clone(tuned).fit(X, y), X), outputs(expected, X))


def test_pretrained_in_a_file_with_a_custom_network(X, y, path):
    source = small(EEGClassifier).fit(X, y)
    source.save(path)
    expected = small(EEGClassifier, pretrained=FrozenEstimator(source)).fit(X, y)
    tuned = small(EEGClassifier, pretrained=path).fit(X, y)
    np.testing.assert_array_equal(outputs(tuned, X), outputs(expected, X))


def test_pretrained_in_a_file_keeps_the_classes(X, y, path):
    small(EEGNetClassifier).fit(X, np.array(["a", "b", "c"])[np.arange(24) % 3]).save(path)
    tuned = small(EEGNetClassifier, pretrained=path).fit(X, np.array(["a", "c"])[y])
    assert tuned.classes_.tolist() == ["a", "b", "c"]


def test_a_missing_file_of_pretrained(X, y, path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        small(EEGNetClassifier, pretrained=path).fit(X, y)


@pytest.mark.parametrize("is_file", [True, False])
def test_a_fine_tuned_estimator_is_saved_with_its_source(X, y, path, tmp_path, is_file):
    source = small(EEGNetClassifier).fit(X, y)
    source.save(tmp_path / "source.eegsk")
    pretrained = tmp_path / "source.eegsk" if is_file else FrozenEstimator(source)
    estimator = small(EEGNetClassifier, pretrained=pretrained, freeze="front").fit(X, y)
    loaded = saved_and_loaded(estimator, path)
    assert_same(loaded, estimator, X)
    assert_continues_the_same(loaded, estimator, X, y)
    np.testing.assert_array_equal(outputs(loaded.fit(X, y), X), outputs(estimator.fit(X, y), X))


# Custom networks


@pytest.mark.parametrize("network", [linear, DoubleLinear, Recurrent])
def test_custom_networks(X, y, path, network):
    estimator = small(EEGRegressor, network=network).fit(X, y)
    loaded = saved_and_loaded(estimator, path)
    assert_same(loaded, estimator, X)
    assert_continues_the_same(loaded, estimator, X, y)


def test_parameters_of_a_custom_network_are_stored(X, y, path):
    estimator = small(EEGClassifier, network=Recurrent, network_params={"n_hidden": 7}).fit(X, y)
    loaded = saved_and_loaded(estimator, path)
    assert loaded.network_params == {"n_hidden": 7}
    assert_same(loaded, estimator, X)


def test_a_custom_network_should_be_passed(X, y, path):
    small(EEGClassifier).fit(X, y).save(path)
    message = (
        "cannot be loaded: it contains a EEGClassifier with the network 'linear', but not the code "
        r"of this network; pass its class or function, eegsk.load\(path, network=...\)."
    )
    with pytest.raises(ValueError, match=message):
        eegsk.load(path)


def test_another_network_does_not_fit(X, y, path):
    small(EEGClassifier).fit(X, y).save(path)
    with pytest.raises(ValueError, match="it has the weights 'network.1.bias', but the network"):
        eegsk.load(path, network=Recurrent)
    with pytest.raises(ValueError, match=r"type float32 in the file, but .* type float64 in the"):
        eegsk.load(path, network=DoubleLinear)
    small(EEGClassifier, network=Recurrent).fit(X, y).save(path)
    with pytest.raises(
        ValueError, match=r"has shape \(16, 3\) .* in the file, but shape \(20, 3\)"
    ):
        eegsk.load(path, network=partial(Recurrent, n_hidden=5))


def test_a_network_of_eegsk_should_not_be_passed(X, y, path):
    small(EEGNetClassifier).fit(X, y).save(path)
    with pytest.raises(ValueError, match="contains a EEGNetClassifier, which has its own network"):
        eegsk.load(path, network=linear)


# Versions and devices


def make_first_version():
    """Write the file of the first version; it is kept, and not written again."""
    X, y = first_version_trials()
    params = {"n_filters": 2, "kernel": 8, "second_kernel": 4, "max_epochs": 3, "random_state": 0}
    callbacks = [eegsk.callbacks.EarlyStopping(patience=5)]
    estimator = EEGNetClassifier(valid_split=0.25, callbacks=callbacks, **params).fit(X, y)
    estimator.save(FILES / "v1.eegsk")
    return estimator.predict_proba(X[:4])[:, 0]


def first_version_trials():
    times = np.arange(48) / 48
    frequencies = np.arange(1, 13)[:, None, None] + np.arange(3)[:, None]
    return np.sin(2 * np.pi * frequencies * times), np.array(["left", "right"])[np.arange(12) % 2]


FIRST_VERSION_PROBABILITIES = [0.3925928, 0.3923504, 0.3956786, 0.3967319]


def test_files_of_the_first_version():
    X, y = first_version_trials()
    estimator = eegsk.load(FILES / "v1.eegsk")
    probabilities = estimator.predict_proba(X[:4])[:, 0]
    np.testing.assert_allclose(probabilities, FIRST_VERSION_PROBABILITIES, atol=1e-6)
    assert estimator.callbacks[0].patience == 5
    assert len(estimator.partial_fit(X, y).history_) == 4


def test_a_device_that_this_machine_does_not_have(X, y, path):
    estimator = small(EEGNetClassifier).fit(X, y)
    estimator.device = "cuda:7"
    loaded = saved_and_loaded(estimator, path)
    assert loaded.device == "cuda:7"
    assert {weight.device.type for weight in loaded.module_.parameters()} == {"cpu"}
    np.testing.assert_array_equal(outputs(loaded, X), outputs(estimator, X))
    loaded.set_params(device="cpu").partial_fit(X, y)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_an_estimator_that_was_trained_on_a_gpu(X, y, path, monkeypatch):
    estimator = small(EEGNetClassifier, device="cuda", dropout=0.0).fit(X, y)
    loaded = saved_and_loaded(estimator, path)
    np.testing.assert_array_equal(outputs(loaded, X), outputs(estimator, X))
    assert_continues_the_same(loaded, estimator, X, y)
    estimator.save(path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    on_cpu = eegsk.load(path)
    assert {weight.device.type for weight in on_cpu.module_.parameters()} == {"cpu"}
    np.testing.assert_allclose(outputs(on_cpu, X), outputs(estimator, X), rtol=1e-4, atol=1e-4)
    on_cpu.set_params(device="cpu").partial_fit(X, y)


# Files


def test_an_existing_file_stays_if_writing_fails(X, y, path, monkeypatch):
    estimator = small(EEGNetClassifier).fit(X, y)
    estimator.save(path)
    content = path.read_bytes()
    monkeypatch.setattr("os.fsync", lambda file: (_ for _ in ()).throw(OSError(28, "disk full")))
    with pytest.raises(OSError, match="disk full"):
        estimator.save(path)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_an_estimator_that_is_not_fitted(path):
    with pytest.raises(NotFittedError, match="EEGNetClassifier instance is not fitted"):
        small(EEGNetClassifier).save(path)
    assert not path.exists()


def test_a_folder_that_does_not_exist(X, y, tmp_path):
    with pytest.raises(FileNotFoundError, match="EEGNetClassifier.save: there is no folder"):
        small(EEGNetClassifier).fit(X, y).save(tmp_path / "models" / "model.eegsk")


def test_paths(X, y, tmp_path, monkeypatch):
    estimator = small(EEGNetClassifier).fit(X, y)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    estimator.save("model.eegsk")
    assert_same(eegsk.load("~/model.eegsk"), estimator, X)
    with pytest.raises(FileNotFoundError, match="eegsk.load: there is no file 'other.eegsk'"):
        eegsk.load("other.eegsk")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        eegsk.load(tmp_path)


def test_the_file_is_a_safetensors_file(X, y, path):
    from safetensors.torch import load_file

    estimator = small(EEGNetClassifier).fit(X, y)
    estimator.save(path)
    tensors = load_file(path)
    for name, weight in estimator.module_.state_dict().items():
        assert torch.equal(tensors[f"module.{name}"], weight)


def test_the_random_generator_is_not_changed(X, y, path):
    small(EEGClassifier).fit(X, y).save(path)
    state = torch.get_rng_state()
    eegsk.load(path, network=linear)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_default_precision_makes_no_difference(X, y, path):
    estimator = small(EEGNetClassifier).fit(X, y)
    estimator.save(path)
    torch.set_default_dtype(torch.float64)
    try:
        loaded = eegsk.load(path)
    finally:
        torch.set_default_dtype(torch.float32)
    assert_same(loaded, estimator, X)


# Pipelines in skops


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier, EEGRegressor])
def test_the_state_for_skops_contains_no_pickle(X, y, estimator_class):
    """Check the state that skops stores, which calls __getstate__ instead of pickling."""
    estimator = small(estimator_class).fit(X, y)
    state = estimator.__getstate__()
    assert state.keys() == {"eegsk", "network"} & {"eegsk", *vars(estimator)}
    assert isinstance(state["eegsk"], bytes)
    loaded = estimator_class.__new__(estimator_class)
    loaded.__setstate__(state)
    assert_same(loaded, estimator, X)
    assert "net_" in pickle.loads(pickle.dumps(estimator)).__dict__


def test_a_state_for_skops_that_contains_code_is_refused(X, y):
    estimator = small(EEGNetClassifier, activation=lambda: torch.nn.ELU()).fit(X, y)
    with pytest.raises(TypeError, match="EEGNetClassifier in skops: activation=<function test"):
        estimator.__getstate__()


def test_a_pipeline_in_skops(X, y):
    skops_io = pytest.importorskip("skops.io")
    estimator = small(EEGNetClassifier).fit(X, y)
    data = skops_io.dumps(make_pipeline("passthrough", estimator))
    types = skops_io.get_untrusted_types(data=data)
    assert types == ["eegsk.estimators.EEGNetClassifier"]
    loaded = skops_io.loads(data, trusted=types)
    assert_same(loaded[-1], estimator, X)
    assert_continues_the_same(loaded[-1], estimator, X, y)
    unfitted = skops_io.dumps(clone(estimator))
    assert repr(skops_io.loads(unfitted, trusted=types)) == repr(clone(estimator))
