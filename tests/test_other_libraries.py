"""Estimators in mne.decoding, mne-bids, pyRiemann, optuna, dask, captum and wandb."""

import mne
import numpy as np
import pytest
import torch
from mne.decoding import (
    CSP,
    GeneralizingEstimator,
    SlidingEstimator,
    SPoC,
    UnsupervisedSpatialFilter,
    cross_val_multiscore,
)
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from eegsk import EEGNetClassifier, EEGNetRegressor

from .networks import small


@pytest.fixture
def classifier():
    return small(EEGNetClassifier)


# mne.decoding


@pytest.fixture
def windows(X):
    """Return three windows of 32 samples of each trial, along the last axis."""
    views = np.lib.stride_tricks.sliding_window_view(X, 32, axis=2)[:, :, ::8]
    return views.swapaxes(2, 3)


def test_decoding_over_windows(classifier, windows, y):
    """The scores are those of one network for each window."""
    cv = KFold(2)
    sliding = SlidingEstimator(classifier, scoring="accuracy", verbose="error")
    scores = cross_val_multiscore(sliding, windows, y, cv=cv)
    for window in range(3):
        expected = cross_val_score(classifier, windows[..., window], y, cv=cv)
        np.testing.assert_array_equal(scores[:, window], expected)


def test_generalization_across_windows(classifier, windows, y):
    generalizing = GeneralizingEstimator(classifier, scoring="accuracy", verbose="error")
    scores = generalizing.fit(windows, y).score(windows, y)
    first = clone(classifier).fit(windows[..., 0], y)
    expected = [accuracy_score(y, first.predict(windows[..., window])) for window in range(3)]
    np.testing.assert_array_equal(scores[0], expected)


def test_transformers_that_return_signals(classifier, X, y):
    X = X.astype(float)
    transformers = [CSP(2, transform_into="csp_space"), UnsupervisedSpatialFilter(PCA(2))]
    for transformer in transformers:
        pipeline = make_pipeline(transformer, classifier).fit(X, y)
        assert pipeline[-1].signal_.n_chans == 2
        assert pipeline.predict_proba(X).shape == (24, 2)
    spoc = make_pipeline(SPoC(2, transform_into="csp_space"), small(EEGNetRegressor))
    assert np.ptp(spoc.fit(X, X.std(axis=(1, 2))).predict(X)) > 0


# mne-bids


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_recordings_of_a_bids_folder(classifier, tmp_path):
    """Each test trial is of another recording than the training trials."""
    mne_bids = pytest.importorskip("mne_bids", reason="requires the extra ecosystem")
    pandas = pytest.importorskip("pandas")
    info, rng = mne.create_info(["C3", "Cz", "C4"], 100.0, "eeg"), np.random.default_rng(0)
    for subject in ("01", "02"):
        raw = mne.io.RawArray(1e-6 * rng.standard_normal((3, 1300)), info, verbose="error")
        raw.set_annotations(mne.Annotations(np.arange(12) + 0.5, 0, ["left", "right"] * 6))
        raw.info["line_freq"] = 50
        path = mne_bids.BIDSPath(subject=subject, task="hands", datatype="eeg", root=tmp_path)
        mne_bids.write_raw_bids(
            raw, path, allow_preload=True, format="BrainVision", verbose="error"
        )
    parts = []
    for path in mne_bids.find_matching_paths(tmp_path, extensions=".vhdr"):
        raw = mne_bids.read_raw_bids(path, verbose="error")
        events, event_id = mne.events_from_annotations(raw, verbose="error")
        where = {"tmin": 0, "tmax": 0.47, "baseline": None, "preload": True}
        part = mne.Epochs(raw, events, event_id, **where, verbose="error")
        part.metadata = pandas.DataFrame({"subject": [path.subject] * len(part)})
        parts.append(part)
    epochs = mne.concatenate_epochs(parts, verbose="error")
    subjects = epochs.metadata["subject"]
    scores = cross_val_score(classifier, epochs, groups=subjects, cv=GroupKFold(2))
    names = np.where(np.arange(24) % 2, "right", "left")
    expected = cross_val_score(
        classifier, epochs.get_data(), names, groups=subjects, cv=GroupKFold(2)
    )
    np.testing.assert_array_equal(scores, expected)


# pyRiemann


@pytest.mark.slow
def test_pipelines_with_pyriemann(classifier, X, y):
    pytest.importorskip("pyriemann", reason="requires the extra pyriemann")
    from pyriemann.estimation import Covariances
    from pyriemann.spatialfilters import Xdawn
    from pyriemann.tangentspace import TangentSpace

    X = X.astype(float)
    filtered = make_pipeline(Xdawn(nfilter=1), classifier).fit(X, y)
    assert filtered[-1].signal_.n_chans == 2  # one filter for each class
    tangent = make_pipeline(Covariances("oas"), TangentSpace(), LogisticRegression())
    members = [("network", classifier), ("tangent", tangent)]
    voting = VotingClassifier(members, voting="soft").fit(X, y)
    expected = [clone(member).fit(X, y).predict_proba(X) for _, member in members]
    np.testing.assert_allclose(voting.predict_proba(X), np.mean(expected, axis=0))
    stacking = StackingClassifier(members, LogisticRegression(), cv=2).fit(X, y)
    assert stacking.predict_proba(X).shape == (24, 2)


# optuna


class Report(Callback):
    """Report the validation loss to optuna, which may end the fit."""

    def __init__(self, trial):
        self.trial = trial

    def on_epoch_end(self, net, **kwargs):
        import optuna

        self.trial.report(net.history[-1]["valid_loss"], step=len(net.history))
        if self.trial.should_prune():
            raise optuna.TrialPruned


@pytest.fixture
def optuna():
    optuna = pytest.importorskip("optuna", reason="requires the extra ecosystem")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


@pytest.mark.slow
def test_optuna_ends_poor_candidates(optuna, classifier, X, y):
    def objective(trial):
        lr = trial.suggest_float("lr", 1e-5, 1.0, log=True)
        callbacks = [lambda: Report(trial)]
        candidate = clone(classifier).set_params(
            lr=lr, callbacks=callbacks, valid_split=0.25, max_epochs=5
        )
        return candidate.fit(X, y).history_[-1, "valid_loss"]

    study = optuna.create_study(
        sampler=optuna.samplers.RandomSampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=1),
    )
    study.optimize(objective, n_trials=6)
    assert {trial.state.name for trial in study.trials} == {"COMPLETE", "PRUNED"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_search_of_optuna(optuna, classifier, X, y):
    sklearn = pytest.importorskip("optuna_integration.sklearn")
    grid = {"activation": optuna.distributions.CategoricalDistribution(["elu", "relu"])}
    cv = KFold(2)
    search = sklearn.OptunaSearchCV(classifier, grid, cv=cv, n_trials=3, random_state=0)
    search.fit(X, y)
    chosen = {name: [value] for name, value in search.best_params_.items()}
    expected = GridSearchCV(classifier, chosen, cv=cv).fit(X, y)
    assert search.best_score_ == expected.best_score_
    np.testing.assert_array_equal(search.predict(X), expected.predict(X))


# dask arrays, captum, wandb


@pytest.mark.slow
def test_arrays_of_dask(classifier, X, y):
    da = pytest.importorskip("dask.array", reason="requires the extra dask")
    expected = clone(classifier).fit(X, y).predict_proba(X)
    trials = da.from_array(X, chunks=(8, 3, 48))
    fitted = clone(classifier).fit(trials, da.from_array(y, chunks=8))
    np.testing.assert_array_equal(fitted.predict_proba(trials), expected)
    scores = cross_val_score(classifier, trials, y, cv=2, error_score="raise")
    np.testing.assert_array_equal(scores, cross_val_score(classifier, X, y, cv=2))


def test_attributions_of_captum_sum_to_the_difference_of_logits(classifier, X, y):
    captum = pytest.importorskip("captum.attr")
    module = classifier.fit(X, y).module_.double()
    trials = torch.as_tensor(X[:4], dtype=torch.float64)
    attributions = captum.IntegratedGradients(module).attribute(trials, target=1, n_steps=200)
    with torch.no_grad():
        difference = (module(trials) - module(torch.zeros_like(trials)))[:, 1]
    torch.testing.assert_close(attributions.sum(dim=(1, 2)), difference, atol=1e-3, rtol=1e-2)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_logger_of_wandb(classifier, X, y, tmp_path):
    wandb = pytest.importorskip("wandb")
    from skorch.callbacks import WandbLogger

    run = wandb.init(mode="disabled", dir=tmp_path)
    classifier.set_params(callbacks=[lambda: WandbLogger(run, save_model=False)])
    expected = small(EEGNetClassifier).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(classifier.fit(X, y).predict_proba(X), expected)
    assert cross_val_score(classifier, X, y, cv=2, error_score="raise").shape == (2,)
    run.finish()
