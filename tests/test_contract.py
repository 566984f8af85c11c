"""scikit-learn's own checks of an estimator."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from eegsk import EEGClassifier, EEGNetClassifier, EEGNetRegressor, EEGRegressor

from .networks import linear

WEIGHTS_AND_REPETITIONS = {
    "check_sample_weight_equivalence_on_dense_data": (
        "minibatches, dropout and batch statistics tell a weight of two from two trials"
    )
}
SMALL = {"kernel": 5, "second_kernel": 3, "pool": 1, "second_pool": 1, "dropout": 0.0} | {
    "lr": 0.01,
    "max_epochs": 40,
}
ESTIMATORS = [
    EEGNetClassifier(**SMALL),
    EEGNetRegressor(**SMALL),
    EEGClassifier(network=linear, lr=0.03, max_epochs=40),
    EEGRegressor(network=linear, lr=0.03, max_epochs=40),
]


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=lambda _: WEIGHTS_AND_REPETITIONS)
def test_scikit_learn_contract(estimator, check):
    check(estimator)
