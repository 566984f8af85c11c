"""Check every estimator with scikit-learn's estimator checks and on small data."""

import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone, is_regressor
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from .networks import ESTIMATORS, DoubleLinear, small

GENERIC = ["EEGClassifier", "EEGRegressor"]
CATALOGUE = [estimator for estimator in ESTIMATORS if estimator.__name__ not in GENERIC]

# Parameters with which a network learns from trials of one channel and a few samples, or of one
# sample, as in scikit-learn's checks.
TINY = {
    "ATCNet": {
        "n_filters": 4,
        "kernel": 3,
        "pool": 1,
        "second_kernel": 3,
        "second_pool": 1,
        "n_windows": 1,
        "block_kernel": 2,
    },
    "AdvancedEEGNet": {
        "n_filters": 4,
        "kernel": 3,
        "attention_kernel": 3,
        "second_n_filters": 8,
        "second_kernel": 3,
        "n_stretches": 2,
        "n_projections": 8,
        "n_hidden": 16,
        "second_n_hidden": 8,
    },
    "CompactCNN": {
        "n_filters": 8,
        "second_n_filters": 8,
        "third_n_filters": 8,
        "n_hidden": 8,
        "second_n_hidden": 8,
    },
    "DeepConvNet": {
        "n_filters": 4,
        "spatial_n_filters": 4,
        "second_n_filters": 8,
        "third_n_filters": 8,
        "fourth_n_filters": 8,
        "kernel": 1,
        "pool": 1,
    },
    "EEGConformer": {
        "n_filters": 4,
        "kernel": 1,
        "spatial_n_filters": 8,
        "pool": 1,
        "pool_stride": 1,
        "n_layers": 1,
        "n_heads": 2,
        "n_hidden": 16,
        "second_n_hidden": 8,
    },
    "EEGNeX": {
        "n_filters": 2,
        "kernel": 3,
        "second_n_filters": 4,
        "second_kernel": 3,
        "pool": 2,
        "third_n_filters": 8,
        "third_kernel": 3,
        "fourth_kernel": 3,
        "second_pool": 2,
    },
    # With the default activation, the mean over time depends little on the order of samples.
    "EEGNeXMini": {
        "n_filters": 16,
        "kernel": 16,
        "second_n_filters": 32,
        "activation": "square",
    },
    "EEGNet": {"kernel": 5, "second_kernel": 3, "pool": 1, "second_pool": 1},
    "EEGTCNet": {
        "n_filters": 4,
        "kernel": 5,
        "pool": 1,
        "second_kernel": 3,
        "second_pool": 1,
        "block_kernel": 2,
    },
    "ShallowConvNet": {
        "n_filters": 8,
        "spatial_n_filters": 8,
        "kernel": 1,
        "pool": 1,
        "pool_stride": 1,
        "activation": "elu",
        "pool_activation": "identity",
    },
    "TCFormer": {
        "n_filters": 4,
        "kernels": (3, 5),
        "pool": 1,
        "group_size": 4,
        "second_kernel": 3,
        "second_pool": 1,
        "n_layers": 1,
        "n_heads": 2,
        "block_kernel": 2,
    },
}
# Estimators that need more epochs or smaller steps to pass the checks of their accuracy.
LEARNING = {
    "DeepConvNetClassifier": {"max_epochs": 20, "lr": 0.01, "batch_size": 16},
    "EEGNeXMiniRegressor": {"max_epochs": 30},
}
FULL_BATCH = {"network": DoubleLinear, "batch_size": 10_000, "lr": 0.03, "max_epochs": 60}


def tiny(estimator_class):
    """Create an estimator without dropout for scikit-learn's checks."""
    name = estimator_class.__name__
    if name in GENERIC:
        return estimator_class(**FULL_BATCH)
    estimator = estimator_class()
    dropouts = [field for field in estimator.get_params() if field.endswith("dropout")]
    fields = TINY.get(name.removesuffix("Classifier").removesuffix("Regressor"), {})
    training = {"lr": 0.03, "max_epochs": 15 if is_regressor(estimator) else 10}
    training |= LEARNING.get(name, {}) | dict.fromkeys(dropouts, 0.0)
    return estimator.set_params(**training, **fields)


def exceptions(estimator):
    """Return the check that fails with minibatches and batch normalisation, and the reason."""
    if type(estimator).__name__ in GENERIC:
        return {}
    reason = "batches and batch statistics differ between a weight of two and two equal trials"
    return {"check_sample_weight_equivalence_on_dense_data": reason}


# EEGNet and the generic estimators stand for the rest: all share the same base classes.
CORE = [item for item in ESTIMATORS if item.__name__.startswith(("EEGNetC", "EEGNetR", *GENERIC))]


@parametrize_with_checks([tiny(item) for item in CORE], expected_failed_checks=exceptions)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [tiny(item) for item in ESTIMATORS if item not in CORE], expected_failed_checks=exceptions
)
def test_scikit_learn_contract_of_all_networks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator_class", CATALOGUE)
def test_fit_clone_pickle_and_refit_on_another_montage(estimator_class, X, y):
    estimator = small(estimator_class).fit(X, y)
    predicted = estimator.predict(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(estimator)).predict(X), predicted)
    np.testing.assert_array_equal(clone(estimator).fit(X, y).predict(X), predicted)
    smaller = X[:, :2, 2:]
    assert estimator.fit(smaller, y).predict(smaller).shape == (24,)
    np.testing.assert_array_equal(estimator.fit(X, y).predict(X), predicted)


@pytest.mark.parametrize("estimator_class", CATALOGUE)
def test_search_over_activation_and_dropout(estimator_class, X, y):
    has_params = "activation_params" in inspect.signature(estimator_class).parameters
    alphas = {"activation_params__alpha": [0.2, 0.7]} if has_params else {}
    grid = [
        {"activation": ["tanh"], "dropout": [0.0]},
        {"activation": ["elu"], **alphas, "dropout": [0.4]},
    ]
    search = GridSearchCV(small(estimator_class, max_epochs=1), grid, cv=2).fit(X, y)
    scores = [search.cv_results_[f"split{fold}_test_score"] for fold in range(2)]
    assert np.isfinite(scores).all()
    best = small(estimator_class, max_epochs=1).set_params(**search.best_params_).fit(X, y)
    np.testing.assert_array_equal(search.predict(X), best.predict(X))


@pytest.mark.parametrize("estimator_class", CATALOGUE)
def test_several_outputs(estimator_class, X, y):
    several = np.arange(24) % 4
    if is_regressor(estimator_class()):
        several = np.column_stack([X.std((1, 2)), y, 1e3 - y])
    estimator = small(estimator_class).fit(X, several)
    predicted = estimator.predict(X)
    assert predicted.shape == several.shape
    if is_regressor(estimator):
        np.testing.assert_allclose(predicted.mean(0), several.mean(0), rtol=0.5, atol=1)
    else:
        assert estimator.predict_proba(X).shape == (24, 4)
        assert set(predicted) <= set(several)
