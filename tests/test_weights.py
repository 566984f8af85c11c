"""Weights of trials and classes; metadata routing of weights and groups to ``fit``."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_sample_weight_equivalence_on_dense_data

from eegsk import EEGClassifier, EEGNetClassifier, EEGRegressor

from .networks import ESTIMATORS, DoubleLinear, small

BY_GROUP = GroupKFold(3)
FULL_BATCHES = {"network": DoubleLinear, "batch_size": 1000, "max_epochs": 20, "random_state": 0}
# Full batches of a linear network in double precision: a weight equals repetitions exactly.
EXACT = [EEGClassifier(**FULL_BATCHES), EEGRegressor(**FULL_BATCHES)]


@pytest.mark.parametrize("estimator", EXACT, ids=["classifier", "regressor"])
@pytest.mark.parametrize("standardize", ["channel", "global", "spectrum", None])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_weight_equals_repetitions_of_a_trial(estimator, standardize, optimizer):
    estimator = clone(estimator).set_params(standardize=standardize, optimizer=optimizer)
    check_sample_weight_equivalence_on_dense_data("estimator", estimator)


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_trials_of_zero_weight_are_ignored(estimator_class, X, y):
    weight = np.tile([1.0, 1.0, 0.0], 8)
    fields = {"batch_size": 7, "max_epochs": 3, "valid_split": 0.25}
    weighted = small(estimator_class, **fields).fit(X, y, weight)
    dropped = small(estimator_class, **fields).fit(X[weight > 0], y[weight > 0])
    np.testing.assert_array_equal(weighted.predict(X), dropped.predict(X))
    np.testing.assert_array_equal(
        weighted.history_[:, "train_loss"], dropped.history_[:, "train_loss"]
    )


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_only_relative_weights_matter(estimator_class, X, y):
    weight = np.random.default_rng(1).uniform(0.1, 3, size=24)
    unweighted = small(estimator_class).fit(X, y)
    weighted = small(estimator_class).fit(X, y, weight)
    scaled = small(estimator_class).fit(X, y, 8 * weight)
    constant = small(estimator_class).fit(X, y, np.full(24, 0.5))
    losses = [estimator.history_[-1, "train_loss"] for estimator in (weighted, unweighted)]
    assert not np.isclose(*losses)
    np.testing.assert_array_equal(scaled.predict(X), weighted.predict(X))
    np.testing.assert_array_equal(constant.predict(X), unweighted.predict(X))


@pytest.mark.parametrize("class_weight", [{"rest": 2.0}, {"move": 0.5, "rest": 3}, "balanced"])
def test_class_weights_multiply_the_weights_of_trials(X, class_weight):
    y = np.where(np.arange(24) < 8, "move", "rest")
    fields = {**FULL_BATCHES, "class_weight": class_weight}
    for weight in (np.ones(24), np.linspace(1, 2, 24), np.arange(24) % 3):
        factors = class_weight
        if class_weight == "balanced":  # the total weight of each class is the same
            factors = {label: weight.sum() / weight[y == label].sum() for label in np.unique(y)}
        product = weight * np.array([factors.get(label, 1.0) for label in y])
        by_class = EEGClassifier(**fields).fit(X, y, weight)
        by_trial = EEGClassifier(**FULL_BATCHES).fit(X, y, product)
        np.testing.assert_allclose(by_class.predict_proba(X), by_trial.predict_proba(X), rtol=1e-6)


# Metadata routing


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture
def weight():
    return np.arange(24) % 3 + 0.0


def in_pipeline(estimator):
    return make_pipeline(FunctionTransformer(), estimator)


def validated_by_group(**fields):
    return small(EEGNetClassifier, valid_split=GroupKFold(2), **fields)


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("container", ["arrays", "epochs"])
@pytest.mark.parametrize("wrap", [clone, in_pipeline], ids=["alone", "in a pipeline"])
def test_groups_and_weights_reach_fit(saved, y, groups, weight, wrap, container, n_jobs):
    X = saved.get_data()
    estimator = validated_by_group().set_fit_request(groups=True, sample_weight=True)
    results = cross_validate(
        wrap(estimator.set_score_request(sample_weight=True)),
        X if container == "arrays" else saved,
        y,
        cv=BY_GROUP,
        params={"groups": groups, "sample_weight": weight},
        n_jobs=n_jobs,
        return_estimator=True,
    )
    for i, (train, test) in enumerate(BY_GROUP.split(X, y, groups)):
        expected = validated_by_group().fit(X[train], y[train], weight[train], groups[train])
        proba = results["estimator"][i].predict_proba(X)
        np.testing.assert_array_equal(proba, expected.predict_proba(X))
        assert results["test_score"][i] == expected.score(X[test], y[test], weight[test])


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("wrap", [clone, in_pipeline], ids=["alone", "in a pipeline"])
def test_groups_and_weights_reach_fit_in_a_search(X, y, groups, weight, wrap):
    estimator = validated_by_group().set_fit_request(groups=True, sample_weight=True)
    inner = wrap(estimator.set_score_request(sample_weight=True))
    name = next(name for name in inner.get_params() if name.endswith("activation"))
    search = GridSearchCV(inner, {name: ["elu", "relu"]}, cv=BY_GROUP)
    search.fit(X, y, groups=groups, sample_weight=weight)
    best = {"activation": search.best_params_[name]}
    expected = validated_by_group(**best).fit(X, y, weight, groups)
    np.testing.assert_array_equal(search.predict_proba(X), expected.predict_proba(X))


@pytest.mark.usefixtures("routing")
def test_metadata_without_a_request_is_an_error(X, y, groups, weight):
    classifier = small(EEGNetClassifier)
    for params in ({"groups": groups}, {"sample_weight": weight}):
        message = rf"\[{next(iter(params))}\] are passed but are not explicitly set as requested or"
        with pytest.raises(UnsetMetadataPassedError, match=message):
            cross_validate(classifier, X, y, params=params)
    partial = classifier.set_partial_fit_request(sample_weight=True, classes=False)
    assert partial.get_metadata_routing().partial_fit.requests["sample_weight"] is True


def test_weights_reach_fit_without_routing(X, y, groups, weight):
    classifier = small(EEGNetClassifier)
    params = {"sample_weight": weight}
    results = cross_validate(
        classifier, X, y, groups=groups, cv=BY_GROUP, params=params, return_estimator=True
    )
    train, _ = next(BY_GROUP.split(X, y, groups))
    expected = clone(classifier).fit(X[train], y[train], weight[train])
    proba = results["estimator"][0].predict_proba(X)
    np.testing.assert_array_equal(proba, expected.predict_proba(X))
