"""Tools of scikit-learn and imbalanced-learn for two-dimensional data, with flattened trials."""

import pickle

import numpy as np
import pytest
from mne.decoding import Vectorizer
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from eegsk import EEGNetClassifier, EEGNetRegressor
from eegsk.augmentation import ChannelReflection
from eegsk.compose import TrialReshaper

from .networks import small


def reshaping(estimator, **params):
    """Return a pipeline that reshapes flattened trials of three channels."""
    return make_pipeline(TrialReshaper(**(params or {"n_chans": 3})), estimator)


@pytest.fixture
def classifier():
    return small(EEGNetClassifier)


@pytest.fixture
def regressor():
    return small(EEGNetRegressor)


@pytest.fixture
def names():
    return np.array(["feet", "left", "right"])[np.arange(24) % 3]


@pytest.fixture
def columns(X):
    return Vectorizer().fit_transform(X).astype(np.float32)


# Transformer


@parametrize_with_checks([TrialReshaper(n_chans=1)])
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_reshaping_is_the_inverse_of_flattening(X, columns):
    reshaper = TrialReshaper(n_chans=3).fit(columns)
    trials = reshaper.transform(columns)
    np.testing.assert_array_equal(trials, X)
    assert np.shares_memory(trials, columns)
    assert trials.dtype == np.float32
    np.testing.assert_array_equal(reshaper.inverse_transform(trials), columns)


def test_additional_columns_are_constant_channels(X, columns):
    additional = np.arange(48).reshape(24, 2)
    reshaper = TrialReshaper(n_chans=3, n_times=48)
    trials = reshaper.fit_transform(np.column_stack([columns, additional]))
    assert trials.shape == (24, 5, 48)
    np.testing.assert_array_equal(trials[:, :3], X)
    np.testing.assert_array_equal(trials[:, 3:], np.repeat(additional[:, :, None], 48, axis=2))
    np.testing.assert_array_equal(reshaper.inverse_transform(trials)[:, -2:], additional)


def test_info_gives_epochs_with_the_names_of_the_channels(classifier, epochs, y):
    classifier.set_params(augmentation=[ChannelReflection()])
    pipeline = make_pipeline(Vectorizer(), reshaping(classifier, info=epochs.info))
    proba = pipeline.fit(epochs, y).predict_proba(epochs)
    assert pipeline[-1][-1].signal_.ch_names == ("C3", "Cz", "C4")
    assert pipeline[-1][-1].signal_.sfreq == 100
    expected = clone(classifier).fit(epochs, y).predict_proba(epochs)
    np.testing.assert_array_equal(proba, expected)
    reshaper = pipeline[-1][0]
    columns = Vectorizer().fit_transform(epochs)
    trials = reshaper.transform(columns)
    np.testing.assert_array_equal(reshaper.inverse_transform(trials), columns)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "^TrialReshaper takes either n_chans or info; pass one of them"),
        ({"info": ["C3", "Cz", "C4"]}, "info is of type list; it should be mne.Info, e.g. epochs."),
        ({"n_chans": 0}, "^TrialReshaper: n_chans=0 should be an integer of at least 1"),
        ({"n_chans": True}, "^TrialReshaper: n_chans=True should be an integer of at least 1"),
        ({"n_chans": 3, "n_times": "48"}, "n_times='48' should be an integer of at least 1"),
        ({"n_chans": 5}, "X has 144 columns, which are not 5 channels; flatten the trials with"),
        ({"n_chans": 145}, "X has 144 columns, which are not 145 channels; flatten"),
        ({"n_chans": 3, "n_times": 50}, "are not 3 channels of 50 time points; flatten"),
    ],
)
def test_wrong_parameters(columns, params, message):
    with pytest.raises(ValueError, match=message):
        TrialReshaper(**params).fit(columns)


def test_info_has_no_channel_for_additional_columns(columns, epochs):
    with pytest.raises(ValueError, match="3 additional columns, for which info has no channel"):
        TrialReshaper(info=epochs.info, n_times=47).fit(columns)


# Tools


CLASSIFIERS = {
    "bagging": lambda e: BaggingClassifier(e, n_estimators=2, random_state=0),
    "calibrated": lambda e: CalibratedClassifierCV(e, cv=2),
    "one versus rest": OneVsRestClassifier,
    "stacking": lambda e: StackingClassifier(
        [("a", e)], LogisticRegression(max_iter=1000), cv=2, passthrough=True
    ),
    "voting": lambda e: VotingClassifier([("a", e), ("b", clone(e))], voting="soft"),
}


@pytest.mark.parametrize("wrap", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_classifiers_on_epochs(classifier, epochs, names, wrap):
    """The tools accept Epochs and arrays, also in cross-validation, and can be pickled."""
    estimator = make_pipeline(Vectorizer(), wrap(reshaping(classifier)))
    proba = estimator.fit(epochs, names).predict_proba(epochs)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert estimator.classes_.tolist() == ["feet", "left", "right"]
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(estimator)).predict_proba(epochs), proba
    )
    X = epochs.get_data()
    np.testing.assert_array_equal(clone(estimator).fit(X, names).predict_proba(X), proba)


def test_bags_are_networks_of_the_drawn_trials(classifier, X, columns, y):
    bags = BaggingClassifier(reshaping(classifier), n_estimators=2, random_state=0).fit(columns, y)
    for bag, drawn in zip(bags.estimators_, bags.estimators_samples_, strict=True):
        expected = clone(bag[-1]).fit(X[drawn], y[drawn]).predict_proba(X)
        np.testing.assert_array_equal(bag.predict_proba(columns), expected)


@pytest.mark.parametrize("tool", [OneVsOneClassifier, OutputCodeClassifier])
def test_classifiers_of_pairs_and_codes(classifier, columns, names, tool):
    assert set(tool(reshaping(classifier)).fit(columns, names).predict(columns)) <= set(names)


def test_search_over_a_parameter_of_the_network_in_bags(classifier, epochs, y):
    bags = BaggingClassifier(reshaping(classifier), n_estimators=2, random_state=0)
    estimator = make_pipeline(Vectorizer(), bags)
    name = "baggingclassifier__estimator__eegnetclassifier__dropout"
    search = GridSearchCV(estimator, {name: [0.1, 0.5]}, cv=KFold(2), refit=False).fit(epochs, y)
    scores = cross_val_score(estimator.set_params(**{name: 0.1}), epochs, y, cv=KFold(2))
    assert search.cv_results_["mean_test_score"][0] == scores.mean()


@pytest.mark.parametrize("tool", [RegressorChain, MultiOutputRegressor])
def test_several_targets(regressor, X, columns, tool):
    targets = np.column_stack([X.std(axis=(1, 2)), X.max(axis=(1, 2))])
    estimator = tool(reshaping(regressor, n_chans=3, n_times=48)).fit(columns, targets)
    first = clone(regressor).fit(X, targets[:, 0])
    np.testing.assert_array_equal(estimator.predict(columns)[:, 0], first.predict(X))
    if tool is RegressorChain:
        constant = np.repeat(targets[:, :1, None], 48, axis=2)
        second = clone(regressor).fit(np.concatenate([X, constant], axis=1), targets[:, 1])
        constant = np.repeat(first.predict(X)[:, None, None], 48, axis=2)
        expected = second.predict(np.concatenate([X, constant], axis=1))
        np.testing.assert_array_equal(estimator.predict(columns)[:, 1], expected)


@pytest.mark.parametrize("tool", [ClassifierChain, MultiOutputClassifier])
def test_several_labels(classifier, columns, y, tool):
    labels = np.column_stack([y, y[::-1]])
    estimator = tool(reshaping(classifier, n_chans=3, n_times=48)).fit(columns, labels)
    assert estimator.predict(columns).shape == (24, 2)


def test_bags_of_regressors(regressor, X, columns):
    bags = BaggingRegressor(reshaping(regressor), n_estimators=2, random_state=0)
    assert np.ptp(bags.fit(columns, X.std(axis=(1, 2))).predict(columns)) > 0


def test_self_training_labels_trials(classifier, X, columns, y):
    """Trials with the label -1 are labelled by the network of the others."""
    known = np.where(np.arange(24) < 16, y, -1)
    tool = SelfTrainingClassifier(reshaping(classifier), threshold=0.5, max_iter=1)
    tool.fit(columns, known)
    predicted = clone(classifier).fit(X[:16], y[:16]).predict(X[16:])
    np.testing.assert_array_equal(tool.transduction_[16:], predicted)
    expected = clone(classifier).fit(X, tool.transduction_).predict_proba(X)
    np.testing.assert_array_equal(tool.predict_proba(columns), expected)


def test_permutation_importance_of_samples(classifier, columns, y):
    fitted = reshaping(classifier).fit(columns, y)
    result = permutation_importance(fitted, columns, y, n_repeats=1, random_state=0)
    assert result.importances_mean.shape == (144,)


SAMPLERS = {
    "over_sampling.RandomOverSampler": {},
    "over_sampling.SMOTE": {"k_neighbors": 2},
    "under_sampling.RandomUnderSampler": {},
}


@pytest.mark.parametrize("path", SAMPLERS)
@pytest.mark.slow
def test_samplers_of_imbalanced_learn(classifier, epochs, X, columns, path):
    pytest.importorskip("imblearn")
    import importlib

    from imblearn.pipeline import make_pipeline as make_sampling_pipeline

    module, _, name = path.partition(".")
    sampler = getattr(importlib.import_module(f"imblearn.{module}"), name)
    sampler = sampler(random_state=0, **SAMPLERS[path])
    y = np.where(np.arange(24) < 18, "frequent", "rare")
    pipeline = make_sampling_pipeline(sampler, TrialReshaper(n_chans=3), classifier)
    proba = pipeline.fit(columns, y).predict_proba(columns)
    drawn, labels = clone(sampler).fit_resample(columns, y)
    assert len(set(np.unique(labels, return_counts=True)[1])) == 1
    expected = clone(classifier).fit(drawn.reshape(-1, 3, 48), labels).predict_proba(X)
    np.testing.assert_array_equal(proba, expected)
    on_epochs = make_sampling_pipeline(Vectorizer(), clone(pipeline))
    assert cross_val_score(on_epochs, epochs, y, cv=2, error_score="raise").shape == (2,)
