"""Training and prediction on trials in files: the same bits as in memory, errors of files."""

import os

import numpy as np
import pytest
import torch

import eegsk
from eegsk import EEGNetClassifier, EEGNetRegressor
from eegsk.augmentation import Mixup, TimeShift
from eegsk.blocks.temporal_spatial._window_statistics import trial_sums
from eegsk.callbacks import SAM, SWA, Checkpoint, EarlyStopping, MixedPrecision
from eegsk.recordings import LazyTrials

from .networks import small

QUICK = {"ATCNetClassifier", "EEGNeXRegressor", "ShallowConvNetClassifier"}
NETWORKS = [
    pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow)
    for name in sorted(eegsk.__all__)
    if name.endswith(("Classifier", "Regressor")) and name not in ("EEGClassifier", "EEGRegressor")
]
CACHES = [
    pytest.param(None, marks=pytest.mark.slow),
    3000,
    pytest.param("1GB", marks=pytest.mark.slow),
]


@pytest.fixture
def path(X, tmp_path):
    np.save(tmp_path / "trials.npy", X)
    return tmp_path / "trials.npy"


def assert_same_bits(estimator, X, trials, y, **fit_params):
    """Check that fits and predictions in memory and from a file have the same bits."""
    fitted, streamed = (estimator().fit(data, y, **fit_params) for data in (X, trials))
    weights = streamed.module_.state_dict()
    for name, value in fitted.module_.state_dict().items():
        assert torch.equal(value, weights[name]), name
    np.testing.assert_array_equal(fitted.predict(X), fitted.predict(trials))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_have_the_same_bits(X, y, path, name):
    estimator = getattr(eegsk, name)
    trials = LazyTrials(path, cache=3000)  # some of the trials and statistics are kept
    assert_same_bits(lambda: small(estimator), X, trials, y.astype(float) if "Reg" in name else y)


VARIANTS = {
    "validation": {"valid_split": 0.25, "callbacks": [EarlyStopping(patience=1)]},
    "averages": {"valid_split": 0.25, "callbacks": [SWA(start=1)]},
    "sharpness": {"callbacks": [SAM()]},
    "mixed precision": {"callbacks": [MixedPrecision()]},
    "augmentation": {"augmentation": [TimeShift(0.1), Mixup()]},
    "spectrum": {"standardize": "spectrum"},
    "global": {"standardize": "global"},
    "no standardisation": {"standardize": None},
    "class weights": {"class_weight": {0: 1.0, 1: 3.0}},
}


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("params", VARIANTS.values(), ids=VARIANTS)
def test_variants_have_the_same_bits(X, y, groups, path, params, cache):
    weight = np.linspace(0, 1, len(X))
    trials = LazyTrials(path, cache=cache)

    def estimator():
        return small(EEGNetClassifier, **params)

    assert_same_bits(estimator, X, trials, y, sample_weight=weight, groups=groups)


def test_continued_fits_have_the_same_bits(X, y, path):
    trials = LazyTrials(path)
    first, second = (small(EEGNetClassifier, warm_start=True, max_epochs=1) for _ in range(2))
    for _ in range(2):
        first.fit(X, y)
        second.fit(trials, y)
    for _ in range(2):
        first.partial_fit(X, y)
        second.partial_fit(trials, y)
    assert torch.equal(first.module_.network.head.weight, second.module_.network.head.weight)


def test_statistics_of_a_trial_do_not_depend_on_the_batch():
    torch.manual_seed(0)
    for n_chans, kernel in ((3, 5), (22, 13), (64, 16), (129, 12)):
        X = torch.randn(40, n_chans, 100)
        reach = (kernel - 1) // 2, kernel // 2
        expected, order = trial_sums(X, reach), torch.randperm(40)
        for size in (1, 5, 32):
            sums = torch.cat([trial_sums(X[index], reach) for index in order.split(size)])
            assert torch.equal(sums, expected[order])


def test_trials_are_read_in_batches_and_once_before_the_first_epoch(X, y, path, monkeypatch):
    read, n_read = LazyTrials.read, []

    def count(self, trials, keep=True):
        n_read.append(len(trials))
        return read(self, trials, keep)

    monkeypatch.setattr(LazyTrials, "read", count)
    trials = LazyTrials(path, cache=None)
    classifier = small(EEGNetClassifier, max_epochs=2, batch_size=4).fit(trials, y)
    n_checked = 1 + 1 + 24 + 16  # shape, constancy, the spread, and the last step
    assert sum(n_read) <= n_checked + 3 * len(X)
    assert sorted(n_read)[-4:] == [8, 16, 16, 24]
    n_read.clear()
    classifier.predict(trials)
    assert max(n_read) <= 24


# Invalid values


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("trial", [0, 13])
def test_values_that_are_not_finite_are_found(X, y, tmp_path, value, trial):
    X = X.copy()
    np.save(tmp_path / "good.npy", X)
    fitted = small(EEGNetClassifier).fit(X, y)
    X[trial, 1, 5] = value
    np.save(tmp_path / "bad.npy", X[12 * (trial // 12) :][:12])
    files = ["good.npy", "bad.npy", "good.npy"] if trial else ["bad.npy", "good.npy"]
    trials = LazyTrials([tmp_path / file for file in files])
    message = "in 1 of 1 trials, first in trial 0, channel 1, time point 5"
    if trial:
        message = r"in trial 25 \(trial 1 of .*bad.npy\), channel 1, time point 5; in"
    y = np.arange(len(trials)) % 2
    for call in (small(EEGNetClassifier).fit, lambda X, y: fitted.predict(X)):
        with pytest.raises(ValueError, match=message):
            call(trials, y)


def test_validation_trials_are_checked(X, y, tmp_path):
    X = X.copy()
    X[20, 0, 0] = np.nan
    np.save(tmp_path / "a.npy", X)
    for valid_split in (0.5, 0.3):
        with pytest.raises(ValueError, match="X contains NaN in trial 20"):
            small(EEGNetClassifier, valid_split=valid_split).fit(LazyTrials(tmp_path / "a.npy"), y)


def test_shapes_and_units_are_checked(X, y, path, tmp_path):
    classifier = small(EEGNetClassifier).fit(LazyTrials(path), y)
    np.save(tmp_path / "other.npy", X[:, :2])
    with pytest.raises(ValueError, match="X has 2 channels, but the trials of fit had 3"):
        classifier.predict(LazyTrials(tmp_path / "other.npy"))
    np.save(tmp_path / "large.npy", 1e6 * X)
    with pytest.warns(UserWarning, match="times as large as those of fit"):
        classifier.predict(LazyTrials(tmp_path / "large.npy"))
    np.save(tmp_path / "constant.npy", np.ones_like(X))
    with pytest.warns(UserWarning, match="X is constant"):
        small(EEGNetClassifier).fit(LazyTrials(tmp_path / "constant.npy"), y)
    with pytest.raises(ValueError, match="X has 24 trials, but y has 5 targets"):
        small(EEGNetClassifier).fit(LazyTrials(path), y[:5])
    with pytest.raises(ValueError, match="0 sample"):
        classifier.predict(LazyTrials(path)[:0])


# Files that change


@pytest.mark.parametrize("when", ["fit", "predict"])
@pytest.mark.parametrize("change", ["remove", "cut"])
def test_a_file_that_changes_is_named(X, y, path, change, when):
    trials = LazyTrials(path, cache=None)
    fitted = small(EEGNetClassifier).fit(trials, y)

    def break_file():
        os.remove(path) if change == "remove" else os.truncate(path, path.stat().st_size - 1)

    class Breaking(EEGNetClassifier):
        def build(self, *args):
            break_file()
            return super().build(*args)

    if when == "predict":
        break_file()
    method = small(Breaking).fit if when == "fit" else lambda X, y: fitted.predict(X)
    message = "cannot be read any more" if change == "remove" else "had .* bytes when it was opened"
    with pytest.raises(OSError, match=f"trials.npy .*{message}"):
        method(trials, y)


def test_a_file_that_is_cut_while_it_is_read(X, path, monkeypatch):
    trials = LazyTrials(path, cache=None)
    os.truncate(path, path.stat().st_size - 1)
    with monkeypatch.context() as context:
        context.setattr(type(trials._store.recordings[0]), "check_files", lambda self: None)
        with pytest.raises(OSError, match=r"trials.npy: trials cannot be read .*ends too early"):
            np.asarray(trials)
    with pytest.raises(OSError, match="trials.npy has .* but 24 trials need"):
        LazyTrials(path)


def test_checkpoint_resumes_only_with_the_same_trials(X, y, path, tmp_path):
    def fit(trials, max_epochs):
        callbacks = [Checkpoint(tmp_path / "fit", resume=True)]
        return small(EEGNetClassifier, callbacks=callbacks, max_epochs=max_epochs).fit(trials, y)

    trials = LazyTrials(path)
    fit(trials, 1)
    resumed = fit(LazyTrials(path), 2)
    whole = small(EEGNetClassifier, max_epochs=2).fit(X, y)
    assert torch.equal(resumed.module_.network.head.weight, whole.module_.network.head.weight)
    with pytest.raises(ValueError, match="belongs to another fit: X differs"):
        fit(trials[::-1], 3)


def test_regression_on_several_targets(X, path):
    y = np.random.default_rng(0).standard_normal((len(X), 2))
    assert_same_bits(lambda: small(EEGNetRegressor), X, LazyTrials(path), y)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_batches_are_copied_to_the_gpu(X, y, path):
    classifiers = (
        small(EEGNetClassifier, device="cuda").fit(data, y) for data in (X, LazyTrials(path))
    )
    first, second = (classifier.predict_proba(X) for classifier in classifiers)
    np.testing.assert_allclose(first, second, atol=1e-5)
