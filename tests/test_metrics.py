"""Normalised root mean squared error, and metrics in the history."""

import functools
import pickle

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import (
    balanced_accuracy_score,
    mean_absolute_error,
    r2_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate

from eegsk import EEGClassifier, EEGNetClassifier, EEGNetRegressor
from eegsk.callbacks import EarlyStopping, EpochMetric
from eegsk.metrics import nrmse, nrmse_by_output, nrmse_scorer
from eegsk.model_selection import split_for_validation

from .networks import ESTIMATORS, linear, small

TRAIN, VALID = np.arange(12), np.arange(12, 24)


class Halves:
    """Splitter: train on the first half of the trials, validate on the second."""

    def split(self, X, y=None, groups=None):
        yield TRAIN, VALID

    def get_n_splits(self, X=None, y=None, groups=None):
        return 1


@pytest.fixture
def labels():
    return np.array(["feet", "left", "right"])[np.random.default_rng(1).integers(3, size=24)]


# NRMSE


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_nrmse_is_rmse_over_standard_deviation(n_outputs, weighted):
    rng = np.random.default_rng(0)
    y, p = rng.normal(5, 3, size=(2, 40, n_outputs))
    weight = rng.integers(0, 4, size=40) if weighted else None
    repeated = slice(None) if weight is None else np.repeat(np.arange(40), weight)
    expected = np.sqrt(np.mean((y - p)[repeated] ** 2, axis=0)) / np.std(y[repeated], axis=0)
    raw = nrmse(y, p, sample_weight=weight, multioutput="raw_values")
    np.testing.assert_allclose(raw, expected)
    assert nrmse(y, p, sample_weight=weight) == pytest.approx(expected.mean())
    r2 = r2_score(y, p, sample_weight=weight, multioutput="raw_values")
    np.testing.assert_allclose(raw**2, 1 - r2)


def test_nrmse_does_not_depend_on_the_unit():
    y, p = np.random.default_rng(0).normal(size=(2, 40))
    assert nrmse(1e-3 * y + 7, 1e-3 * p + 7) == pytest.approx(nrmse(y, p))
    assert nrmse(list(y), y) == 0
    assert nrmse(y, np.full(40, y.mean())) == pytest.approx(1)


@pytest.mark.parametrize(
    ("y", "params", "message"),
    [
        (
            [0.1, 0.1, 0.1],
            {},
            "nrmse: target 0 of y_true is constant, so its standard deviation is 0",
        ),
        ([[1, 3], [2, 3], [3, 3]], {}, "nrmse: target 1 of y_true is constant, so its standard"),
        ([1, 1, 2], {"sample_weight": [1, 1, 0]}, "nrmse: target 0 of y_true is constant, so its"),
        (
            [1, 2, 3],
            {"multioutput": "mean"},
            "nrmse: multioutput='mean' should be 'uniform_average' or 'raw_values'",
        ),
    ],
)
def test_nrmse_of_bad_input(y, params, message):
    with pytest.raises(ValueError, match=message) as error:
        nrmse(y, np.zeros_like(y), **params)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_nrmse_scorer(n_outputs, X):
    y = X[:, :n_outputs, 0].squeeze()
    features = X[:, :, 1:5].reshape(24, -1)
    scores = cross_val_score(LinearRegression(), features, y, scoring=nrmse_scorer, cv=3)
    r2 = cross_val_score(LinearRegression(), features, y, cv=3, scoring="r2")
    if n_outputs == 1:
        np.testing.assert_allclose(scores, -np.sqrt(1 - r2))
    assert (scores < 0).all()
    grid = {"lr": [1e-6, 1e-2]}
    search = GridSearchCV(small(EEGNetRegressor), grid, cv=2, scoring=nrmse_scorer)
    results = search.fit(X, y).cv_results_["mean_test_score"]
    assert search.best_params_["lr"] == grid["lr"][np.argmax(results)]


def test_nrmse_by_output(X):
    y = X[:, :3, 0] * [1, 10, 100]
    fields = {"cv": 3, "scoring": nrmse_by_output, "return_estimator": True, "return_indices": True}
    results = cross_validate(small(EEGNetRegressor), X, y, **fields)
    for fold, estimator in enumerate(results["estimator"]):
        test = results["indices"]["test"][fold]
        expected = nrmse(y[test], estimator.predict(X[test]), multioutput="raw_values")
        scores = [results[f"test_neg_nrmse_{output}"][fold] for output in range(3)]
        np.testing.assert_allclose(scores, -expected)
        assert results["test_neg_nrmse"][fold] == pytest.approx(-expected.mean())
    search = GridSearchCV(
        small(EEGNetRegressor), {"lr": [1e-6, 1e-2]}, scoring=nrmse_by_output, refit="neg_nrmse"
    )
    assert "mean_test_neg_nrmse_2" in search.fit(X, y).cv_results_


# Metrics in the history


def fit(estimator_class, X, y, *metrics, weight=None, **fields):
    fields = {"valid_split": Halves(), "callbacks": [*metrics], **fields}
    return small(estimator_class, **fields).fit(X, y, weight)


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_of_the_last_epoch_agree_with_predict(estimator_class, weighted, X, y):
    weight = np.random.default_rng(0).uniform(0.5, 2, size=24) if weighted else np.ones(24)
    y = np.where(np.arange(24) % 3 == 0, 1, 0)
    score = {"sample_weight": weight[VALID]}
    if hasattr(estimator_class, "predict_proba"):
        metrics = [EpochMetric(), EpochMetric("roc_auc")]
        estimator = fit(estimator_class, X, y, *metrics, weight=weight, batch_size=5)
        predicted, last = estimator.predict(X[VALID]), estimator.history_[-1]
        expected = balanced_accuracy_score(y[VALID], predicted, **score)
        assert last["valid_balanced_accuracy"] == pytest.approx(expected)
        expected = roc_auc_score(y[VALID], estimator.decision_function(X[VALID]), **score)
        assert last["valid_roc_auc"] == pytest.approx(expected)
    else:
        y = 1000 + 10 * y + X[:, 0, 0]
        estimator = fit(estimator_class, X, y, EpochMetric("nrmse"), weight=weight, batch_size=5)
        expected = nrmse(y[VALID], estimator.predict(X[VALID]), **score)
        assert estimator.history_[-1, "valid_nrmse"] == pytest.approx(expected, rel=1e-4)
        r2 = estimator.history_[-1, "valid_score"]
        assert estimator.history_[-1, "valid_nrmse"] == pytest.approx(np.sqrt(1 - r2), rel=1e-4)


def test_roc_auc_of_several_classes(X, labels):
    estimator = fit(EEGNetClassifier, X, labels, EpochMetric("roc_auc"))
    expected = roc_auc_score(labels[VALID], estimator.predict_proba(X[VALID]), multi_class="ovr")
    assert estimator.history_[-1, "valid_roc_auc"] == pytest.approx(expected)


def test_nrmse_of_several_targets(X):
    y = 100 + X[:, :2, 0]
    estimator = fit(EEGNetRegressor, X, y, EpochMetric("nrmse"), EpochMetric(mean_absolute_error))
    expected = nrmse(y[VALID], estimator.predict(X[VALID]))
    assert estimator.history_[-1, "valid_nrmse"] == pytest.approx(expected, rel=1e-4)
    errors = np.abs(y[VALID] - estimator.predict(X[VALID])) / y[TRAIN].std(axis=0)
    recorded = estimator.history_[-1, "valid_mean_absolute_error"]
    assert recorded == pytest.approx(errors.mean(), rel=1e-3)


def test_nrmse_of_each_target_in_the_history(X):
    y = 100 + X[:, :2, 0]
    raw = functools.partial(nrmse, multioutput="raw_values")
    metrics = [EpochMetric("nrmse_by_output"), EpochMetric(raw, name="mine")]
    estimator = fit(EEGNetRegressor, X, y, *metrics)
    expected = raw(y[VALID], estimator.predict(X[VALID]))
    for name in ("nrmse_by_output", "mine"):
        recorded = [estimator.history_[-1, f"valid_{name}_{output}"] for output in range(2)]
        np.testing.assert_allclose(recorded, expected, rtol=1e-4)


@pytest.mark.parametrize("value", [None, "0.5", [[0.5]], [], [[1], [1, 2]]])
def test_metric_does_not_return_numbers(value, X, y):
    with pytest.raises(
        ValueError, match="EpochMetric: mine returned .* should return a number, or"
    ):
        fit(EEGNetClassifier, X, y, EpochMetric(lambda y_true, y_pred: value, name="mine"))


def test_column_names_are_unique(X, y):
    for name in ("loss", "score"):
        with pytest.raises(ValueError, match=f"the history already has a column '{name}'"):
            fit(EEGNetClassifier, X, y, EpochMetric(name=name))
    with pytest.raises(ValueError, match="the history already has a column 'balanced_accuracy'"):
        fit(EEGNetClassifier, X, y, EpochMetric(), EpochMetric())
    assert EpochMetric("roc_auc", name="loss").get_params()["name"] == "loss"


def test_a_class_without_validation_trials(X):
    y = np.arange(24) % 2
    y[TRAIN[:4]] = 2
    estimator = fit(EEGNetClassifier, X, y, EpochMetric())
    is_correct = estimator.predict(X[VALID]) == y[VALID]
    expected = np.mean([is_correct[y[VALID] == label].mean() for label in (0, 1)])
    assert estimator.history_[-1, "valid_balanced_accuracy"] == pytest.approx(expected)
    with pytest.raises(ValueError, match="roc_auc needs trials of every class, but there is none"):
        fit(EEGNetClassifier, X, y, EpochMetric("roc_auc"))


def test_functions_as_metrics(X, labels):
    def sensitivity(y_true, y_pred):
        return np.mean(y_pred[y_true == 2] == 2)

    feet = functools.partial(recall_score, labels=[0], average="macro")
    metrics = [EpochMetric(sensitivity), EpochMetric(feet, name="feet", on_train=True)]
    estimator = fit(EEGNetClassifier, X, labels, *metrics)
    predicted = estimator.predict(X[VALID])
    for column, label in [("valid_sensitivity", "right"), ("valid_feet", "feet")]:
        expected = np.mean(predicted[labels[VALID] == label] == label)
        assert estimator.history_[-1, column] == expected
    assert len(estimator.history_[:, "train_feet"]) == 2
    assert "train_sensitivity" not in estimator.history_[-1]


def test_metrics_of_training_trials(X, labels):
    """Without dropout and at a tiny learning rate, training and prediction outputs are the same."""
    estimator = EEGClassifier(network=linear, max_epochs=1, lr=1e-30, optimizer="sgd")
    estimator.set_params(weight_decay=0, batch_size=7, random_state=0)
    estimator.set_params(callbacks=[EpochMetric(on_train=True)]).fit(X, labels)
    expected = balanced_accuracy_score(labels, estimator.predict(X))
    assert estimator.history_[-1, "train_balanced_accuracy"] == pytest.approx(expected)
    assert "valid_balanced_accuracy" not in estimator.history_[-1]


@pytest.mark.parametrize(
    ("estimator_class", "metric", "column", "lower_is_better"),
    [
        (EEGNetClassifier, "balanced_accuracy", "valid_balanced_accuracy", False),
        (EEGNetClassifier, "roc_auc", "valid_roc_auc", False),
        (EEGNetRegressor, "nrmse", "valid_nrmse", True),
    ],
)
def test_early_stopping_monitors_a_metric(estimator_class, metric, column, lower_is_better, X, y):
    watch = EarlyStopping(column, patience=3)
    fields = {"valid_split": 0.25, "max_epochs": 60, "lr": 0.03}
    fields["callbacks"] = [EpochMetric(metric), watch]
    X = X + y[:, None, None] * np.sin(np.arange(48))
    estimator = small(estimator_class, **fields).fit(X, y)
    values = estimator.history_[:, column]
    best = np.argmin(values) if lower_is_better else np.argmax(values)
    assert len(values) == 60 or len(values) <= best + 5
    chosen = small(estimator_class, **{**fields, "callbacks": None, "max_epochs": int(best) + 1})
    np.testing.assert_array_equal(chosen.fit(X, y).predict(X), estimator.predict(X))


def test_early_stopping_comes_after_its_metric(X, y):
    watch = EarlyStopping("valid_roc_auc")
    with pytest.raises(ValueError, match="no column 'valid_roc_auc' to monitor; check its name"):
        fit(EEGNetClassifier, X, y, watch, EpochMetric("roc_auc"))


def test_metrics_are_searched_pickled_and_reset_by_fit(X, y):
    metric = EpochMetric()
    estimator = fit(EEGNetClassifier, X, y, metric)
    assert [name for name in vars(metric) if name.endswith("_")] == []
    copy = pickle.loads(pickle.dumps(estimator))
    assert copy.history_ == estimator.history_
    estimator.set_params(callbacks__epochmetric__metric="roc_auc").fit(X, y)
    assert "valid_roc_auc" in estimator.history_[0]
    assert "valid_balanced_accuracy" not in estimator.history_[0]


@pytest.mark.parametrize(
    ("estimator_class", "metric", "fields", "message"),
    [
        (EEGNetClassifier, EpochMetric("nrmse"), {}, "metric='nrmse' should be one of balanced"),
        (EEGNetRegressor, EpochMetric("auc"), {}, "metric='auc' should be one of nrmse, nrmse_by"),
        (
            EEGNetClassifier,
            EpochMetric(),
            {"valid_split": None},
            "there are no validation trials; give",
        ),
        (
            EEGNetClassifier,
            EpochMetric(functools.partial(recall_score)),
            {},
            "has no name; set one, e.g. name=",
        ),
        (
            EEGNetClassifier,
            EpochMetric(lambda y_true, y_pred: 0, name="mine"),
            {"class_weight": {0: 2.0}},
            "EpochMetric: mine has no parameter sample_weight, but the trials have",
        ),
    ],
)
def test_bad_metrics(estimator_class, metric, fields, message, X, y):
    with pytest.raises(ValueError, match=message) as error:
        fit(estimator_class, X, y, metric, **fields)
    assert "\n" not in str(error.value)


def test_halves_is_a_valid_splitter(y):
    train, valid = split_for_validation(Halves(), y)
    assert (train.tolist(), valid.tolist()) == (TRAIN.tolist(), VALID.tolist())
