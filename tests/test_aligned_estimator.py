"""Alignment followed by an estimator, with domains as ``groups``."""

import pickle

import mne
import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from eegsk import EEGNetClassifier, EEGNetRegressor
from eegsk.alignment import AlignedEstimator, EuclideanAlignment
from eegsk.datasets import make_motor_imagery
from eegsk.recordings import LazyTrials

from .networks import small


@pytest.fixture(scope="module")
def trials():
    X, y, subjects = make_motor_imagery(
        n_subjects=4, n_trials=24, n_chans=4, n_times=64, random_state=0
    )
    return X.astype(np.float32), y, subjects


def make_aligned(estimator_class=EEGNetClassifier, **params):
    return AlignedEstimator(EuclideanAlignment(), small(estimator_class, **params))


def split(trials):
    """Return the trials of subjects 1 to 3, and those of subject 4."""
    is_new = trials[2] == 4
    return [part[~is_new] for part in trials], [part[is_new] for part in trials]


def test_equals_alignment_by_hand(trials):
    (X, y, subjects), (X_new, y_new, new) = split(trials)
    aligned = make_aligned().fit(X, y, groups=subjects)
    aligner = EuclideanAlignment().fit(X, groups=subjects)
    network = small(EEGNetClassifier).fit(aligner.transform(X, groups=subjects), y)
    expected = network.predict_proba(aligner.transform(X_new, groups=new))
    assert_array_equal(aligned.predict_proba(X_new, groups=new), expected)
    assert_array_equal(aligned.predict(X_new, groups=new), network.classes_[expected.argmax(1)])
    assert aligned.score(X_new, y_new, groups=new) == np.mean(
        aligned.predict(X_new, groups=new) == y_new
    )
    assert_array_equal(aligned.classes_, network.classes_)


def test_groups_define_the_domains_of_a_prediction(trials):
    (X, y, subjects), (X_new, _, _) = split(trials)
    aligned = make_aligned().fit(X, y, groups=subjects)
    halves = np.repeat(["morning", "evening"], [12, 12])
    together = aligned.predict_proba(X_new, groups=halves)
    apart = [aligned.predict_proba(X_new[halves == half]) for half in ("morning", "evening")]
    assert_allclose(together, np.concatenate(apart), rtol=1e-5)


def test_groups_reach_the_estimator(trials):
    X, y, subjects = trials
    aligned = make_aligned(valid_split=0.25).fit(X, y, groups=subjects)
    network = small(EEGNetClassifier, valid_split=0.25)
    network.fit(EuclideanAlignment().fit_transform(X, groups=subjects), y, groups=subjects)
    losses = [model.history_[:, "valid_loss"] for model in (aligned.estimator_, network)]
    assert losses[0] == losses[1]


def test_sample_weights_reach_the_estimator(trials):
    X, y, subjects = trials
    weights = np.random.default_rng(0).uniform(size=len(y))
    aligned = make_aligned().fit(X, y, groups=subjects, sample_weight=weights)
    unweighted = make_aligned().fit(X, y, groups=subjects)
    assert not np.allclose(aligned.predict_proba(X), unweighted.predict_proba(X))


def test_ensemble_of_seeds(trials):
    (X, y, subjects), (X_new, _, new) = split(trials)
    members = [(f"seed{seed}", small(EEGNetClassifier, random_state=seed)) for seed in range(2)]
    ensemble = VotingClassifier(members, voting="soft")
    aligned = AlignedEstimator(EuclideanAlignment(), ensemble).fit(X, y, groups=subjects)
    single = [
        AlignedEstimator(EuclideanAlignment(), member)
        .fit(X, y, groups=subjects)
        .predict_proba(X_new, groups=new)
        for _, member in members
    ]
    assert_allclose(aligned.predict_proba(X_new, groups=new), np.mean(single, axis=0), atol=1e-6)


@pytest.mark.parametrize("is_ensemble", [False, True])
def test_labels_are_those_of_the_trials(is_ensemble, epochs, X, y):
    estimator = small(EEGNetClassifier)
    if is_ensemble:
        estimator = VotingClassifier([("seed0", estimator)], voting="soft")
    aligned = AlignedEstimator(EuclideanAlignment(), estimator)
    expected = clone(aligned).fit(epochs, np.array(["left", "right"])[y])
    aligned.fit(epochs)
    assert_array_equal(aligned.predict_proba(epochs), expected.predict_proba(epochs))
    assert aligned.score(epochs) == aligned.score(epochs, np.array(["left", "right"])[y])
    trials = LazyTrials(X, {"label": y})
    assert aligned.fit(trials).score(trials) == aligned.score(X, y)


def test_cross_validation_with_metadata_routing(trials):
    X, y, subjects = trials
    with sklearn.config_context(enable_metadata_routing=True):
        aligned = make_aligned().set_fit_request(groups=True).set_score_request(groups=True)
        scores = cross_val_score(
            aligned, X, y, cv=GroupKFold(2), params={"groups": subjects}, error_score="raise"
        )
    expected = [
        make_aligned()
        .fit(X[train], y[train], subjects[train])
        .score(X[test], y[test], subjects[test])
        for train, test in GroupKFold(2).split(X, y, subjects)
    ]
    assert_array_equal(scores, expected)


def test_grid_search_over_alignment_and_network(trials):
    X, y, _ = trials
    grid = {"aligner__online": [False, True], "estimator__n_filters": [1, 2]}
    search = GridSearchCV(make_aligned(), grid, cv=2, error_score="raise").fit(X, y)
    assert set(search.best_params_) == set(grid)


def test_metadata_of_epochs_equals_groups(trials):
    X, y, subjects = trials
    epochs = mne.EpochsArray(X, mne.create_info(4, 100.0, "eeg"), verbose="error")
    epochs.metadata = pd.DataFrame({"subject": subjects})
    by_column = AlignedEstimator(EuclideanAlignment(by="subject"), small(EEGNetClassifier))
    expected = make_aligned().fit(epochs, y, groups=subjects).predict_proba(epochs, groups=subjects)
    assert_array_equal(by_column.fit(epochs, y).predict_proba(epochs), expected)


def test_regressor(trials):
    X, _, subjects = trials
    aligned = make_aligned(EEGNetRegressor).fit(X, np.arange(len(X)) / 10, groups=subjects)
    assert is_regressor(aligned)
    assert not is_classifier(aligned)
    assert not hasattr(aligned, "predict_proba")
    assert aligned.predict(X, groups=subjects).shape == (len(X),)


def test_pickle_and_clone(trials):
    X, y, subjects = trials
    aligned = make_aligned().fit(X, y, groups=subjects)
    loaded = pickle.loads(pickle.dumps(aligned))
    assert_array_equal(loaded.predict_proba(X, subjects), aligned.predict_proba(X, subjects))
    assert not hasattr(clone(aligned), "estimator_")


def test_pipeline_before_alignment(trials):
    X, y, _ = trials
    pipeline = make_pipeline(FunctionTransformer(np.negative), make_aligned()).fit(X, y)
    assert_allclose(pipeline.predict_proba(X), make_aligned().fit(-X, y).predict_proba(-X))


def reasons(estimator):
    reason = "a call without groups is one domain, which is aligned by all of its trials"
    return {"check_methods_subset_invariance": reason}


@parametrize_with_checks(
    [
        AlignedEstimator(EuclideanAlignment(), LogisticRegression()),
        AlignedEstimator(EuclideanAlignment(), Ridge()),
    ],
    expected_failed_checks=reasons,
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)
