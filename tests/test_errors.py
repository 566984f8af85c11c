"""Errors for bad input: one line with the estimator, the problem and a remedy."""

import contextlib
from functools import partial

import numpy as np
import pytest
import scipy.sparse
import torch
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold, KFold

from eegsk import EEGNetClassifier, EEGNetRegressor

from .networks import ESTIMATORS, small

CLASSES = [EEGNetClassifier, EEGNetRegressor]
NUMBERS = (ValueError, TypeError)


def error_of(function, *args, errors=NUMBERS, **kwargs):
    """Return the message of the error that a call raises; it is one line."""
    with pytest.raises(errors) as caught:
        function(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    assert 10 < len(message) < 400
    return message


def with_value(X, value):
    """Return trials with a bad value in trial 3, channel 1, time point 7, and in trial 5."""
    X = np.array(X, dtype=object if isinstance(value, str | dict) else float)
    X[3, 1, 7] = X[5, 2, 0] = value
    return X


NO_TRIALS = "X has shape (); it should be (n_trials, n_chans, n_times), or (n_trials, n_times) for"
BAD_TRIALS = {
    "NaN": (lambda X: with_value(X, np.nan), "X contains NaN in 2 of 24 trials, first in trial 3"),
    "infinity": (lambda X: with_value(X, np.inf), "X contains infinity (inf) in 2 of 24 trials"),
    "minus infinity": (
        lambda X: with_value(X, -np.inf),
        "trial 3, channel 1, time point 7; interpo",
    ),
    "too large": (lambda X: with_value(X, 1e300), "X contains infinity (inf) in 2 of 24 trials"),
    "None": (lambda X: with_value(X, None), "X contains NaN in 2 of 24 trials"),
    "NaN in a tensor": (lambda X: torch.tensor(with_value(X, np.nan)), "X contains NaN in 2 of"),
    "no channels": (
        lambda X: X[:, :0],
        "X has shape (24, 0, 48); trials need at least one channel",
    ),
    "no time points": (lambda X: X[:, :, :0], "X has shape (24, 3, 0); trials need at least one"),
    "one dimension": (lambda X: X[:, 0, 0], "X has shape (24,); it should be (n_trials, n_chans"),
    "four dimensions": (lambda X: X[:, None], "X has shape (24, 1, 3, 48); it should be"),
    "a number": (lambda X: 3.0, NO_TRIALS),
    "X=None": (lambda X: None, NO_TRIALS),
    "a string": (lambda X: "trials", NO_TRIALS),
    "a dictionary": (lambda X: {"X": X}, NO_TRIALS),
    "a generator": (lambda X: iter(X), NO_TRIALS),
    "complex": (lambda X: X * 1j, "Complex data not supported; use the real part of X"),
    "complex tensor": (lambda X: torch.tensor(X) * 1j, "Complex data not supported; use the real"),
    "strings": (lambda X: np.full(X.shape, "volts"), "X has dtype <U5; it should contain numbers"),
    "a string among numbers": (
        lambda X: with_value(X, "volts"),
        "X should contain numbers; could not convert string to float: 'volts'",
    ),
    "a dictionary among numbers": (
        lambda X: with_value(X, {}),
        "X should contain numbers; float() argument must be",
    ),
    "dates": (lambda X: X.astype("datetime64[s]"), "X has dtype datetime64[s]; it should contain"),
    "masked array": (
        lambda X: np.ma.masked_greater(X, 1),
        "X is a masked array; fill or drop the masked values",
    ),
    "different lengths": (
        lambda X: [x[:, : 40 + i] for i, x in enumerate(X)],
        "the trials in X differ in shape; crop or pad them",
    ),
    "sparse": (lambda X: scipy.sparse.csr_array(X[:, 0]), "X is a sparse array; pass X.toarray()"),
}


@pytest.mark.parametrize("estimator_class", CLASSES)
@pytest.mark.parametrize(("change", "message"), BAD_TRIALS.values(), ids=BAD_TRIALS)
def test_bad_trials(estimator_class, change, message, X, y):
    fitted = small(estimator_class).fit(X, y)
    for call in (lambda bad: small(estimator_class).fit(bad, y), fitted.predict):
        assert error_of(call, change(X)).startswith(f"{estimator_class.__name__}: ")
        assert message in error_of(call, change(X))


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_no_trials(estimator_class, X, y):
    message = "Found array with 0 sample(s) (shape=(0, 3, 48)) while a minimum of 1 is required by "
    fitted = small(estimator_class).fit(X, y)
    for call in (lambda bad: small(estimator_class).fit(bad, y[:0]), fitted.predict):
        assert error_of(call, X[:0]) == f"{message}{estimator_class.__name__}."


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_one_trial(estimator_class, X, y):
    message = error_of(small(estimator_class).fit, X[:1], y[:1])
    name = estimator_class.__name__
    assert message == f"{name}: X has 1 sample, i.e. one trial; fit needs at least two."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda X: X[:, :2],
            "X has 2 channels, but the trials of fit had 3; select the same channels",
        ),
        (lambda X: X[:, [0, 1, 2, 0]], "X has 4 channels, but the trials of fit had 3"),
        (
            lambda X: X[:, :, :40],
            "X has 40 time points, but the trials of fit had 48; crop or resample",
        ),
        (lambda X: X.transpose(0, 2, 1), "X has 48 channels, but the trials of fit had 3"),
        (lambda X: X[0], "for a single trial, pass X[np.newaxis]"),
    ],
)
@pytest.mark.parametrize("estimator_class", CLASSES)
def test_trials_of_another_shape_than_in_fit(estimator_class, change, message, X, y):
    estimator = small(estimator_class).fit(X, y)
    for call in (estimator.predict, lambda bad: estimator.score(bad, y[: len(bad)])):
        error = error_of(call, change(X))
        assert message in error
        assert error.startswith(f"{estimator_class.__name__}: ")


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_too_short_trials(estimator_class, X, y):
    message = error_of(estimator_class().fit, X[:, :, :20], y)
    assert f"{estimator_class.__name__}: trials of 20 time points are too short" in message
    assert "needs at least 32; use longer trials" in message


# Targets


@pytest.mark.parametrize("estimator_class", CLASSES)
@pytest.mark.parametrize(("n_trials", "n_targets"), [(24, 20), (20, 24), (24, 0)])
def test_number_of_targets_differs(estimator_class, n_trials, n_targets, X, y):
    message = error_of(small(estimator_class).fit, X[:n_trials], y[:n_targets])
    problem = f"X has {n_trials} trials, but y has {n_targets} targets"
    remedy = "give one target for each trial."
    assert message == f"{estimator_class.__name__}: {problem}; {remedy}"


# Messages of a classifier and of a regressor; one message if they are the same.
BAD_TARGETS = {
    "y=None": (lambda y: None, "requires y to be passed, but the target y is None"),
    "NaN": (lambda y: np.where(y, np.nan, 0), "Input y contains NaN"),
    "infinity": (
        lambda y: np.where(y, np.inf, 0),
        "Input y contains infinity or a value too large",
    ),
    "three dimensions": (
        lambda y: np.zeros((24, 2, 2)),
        "y has shape (24, 2, 2); it should be (n_trials,)",
    ),
    "a number": (
        lambda y: 3,
        "y should be a 1d array, got an array of shape () instead",
        "y has shape (); it should be (n_trials,) or (n_trials, n_outputs)",
    ),
    "complex": (
        lambda y: y * 1j,
        "y: Complex data not supported; use names, integers or booleans",
        "y: Complex data not supported; use the real part or the absolute value",
    ),
    "names and NaN": (
        lambda y: np.array(["a", "b", np.nan] * 8, dtype=object),
        "y contains NaN; drop the trials that have no label",
        "y: could not convert string to float: 'a'",
    ),
    "dictionaries": (
        lambda y: [{}] * 24,
        "y has labels that cannot be sorted, e.g. numbers and names together",
        "y: float() argument must be a string or a real number, not 'dict'",
    ),
    "different lengths": (
        lambda y: [[1], [1, 2]] * 12,
        "y has entries of different lengths; it should be (n_trials,) or (n_trials, n_outputs)",
    ),
}


@pytest.mark.parametrize("estimator_class", CLASSES)
@pytest.mark.parametrize("name", BAD_TARGETS)
def test_bad_targets(estimator_class, name, X, y):
    change, *messages = BAD_TARGETS[name]
    message = messages[0 if estimator_class is EEGNetClassifier else -1]
    for call in (small(estimator_class).fit, small(estimator_class).fit(X, y).score):
        assert message in error_of(call, X, change(y))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            np.zeros(24),
            "EEGNetClassifier: all trials with non-zero weight are of one class, 0.0; at least two",
        ),
        (["left"] * 24, "are of one class, 'left'; at least two classes are needed"),
        (np.linspace(0, 1, 24), "Unknown label type: continuous. Maybe you are trying to fit"),
        (np.zeros((24, 2)), "y should be a 1d array, got an array of shape (24, 2)"),
        (np.array(["a", None] * 12, dtype=object), "y has labels that cannot be sorted, e.g. num"),
        (np.array(["a", 1] * 12, dtype=object), "y has labels that cannot be sorted, e.g. numbers"),
    ],
    ids=["one class", "one name", "continuous", "two columns", "None", "names and numbers"],
)
def test_bad_labels(labels, message, X):
    assert message in error_of(small(EEGNetClassifier).fit, X, labels)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (["left", "right"] * 12, "y: could not convert string to float: np.str_('left')"),
        ([None] * 24, "Input y contains NaN."),
    ],
)
def test_targets_of_a_regression_are_numbers(targets, message, X):
    assert error_of(small(EEGNetRegressor).fit, X, targets) == message


def test_labels_that_are_not_in_classes_of_partial_fit(X, y):
    message = error_of(small(EEGNetClassifier).partial_fit, X, y)
    assert message == "classes must be passed on the first call to partial_fit."
    estimator = small(EEGNetClassifier).partial_fit(X, y, classes=[0, 1])
    message = error_of(estimator.partial_fit, X, y + 1)
    assert message == "y has labels that are not in classes: [2]."
    message = error_of(estimator.partial_fit, X, y, classes=[0, 1, 2])
    assert message == "classes differ from those of the first call, [0 1]."


def test_partial_fit_with_another_number_of_targets(X, y):
    estimator = small(EEGNetRegressor).partial_fit(X, y)
    message = error_of(estimator.partial_fit, X, np.column_stack([y, y]))
    assert message == "y has 2 targets, but y of the first call had 1."


# Weights and groups


@pytest.mark.parametrize("estimator_class", CLASSES)
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (-np.ones(24), "sample_weight has negative values; weights should be zero or positive"),
        (np.zeros(24), "sample_weight is zero for every trial; at least one should be positive"),
        (np.ones(5), "sample_weight has shape (5,); it should be (24,), one weight for each"),
        (np.ones((24, 1)), "sample_weight has shape (24, 1); it should be (24,)"),
        (np.full(24, np.nan), "Input sample_weight contains NaN"),
        (np.full(24, np.inf), "Input sample_weight contains infinity or a value too large"),
        (2.0, "sample_weight has shape (); it should be (24,), one weight for each trial"),
        (["a"] * 24, "sample_weight: could not convert string to float: np.str_('a')"),
        (np.full(24, 1j), "sample_weight: Complex data not supported; use the real part"),
    ],
)
def test_bad_weights(estimator_class, weight, message, X, y):
    estimator = small(estimator_class)
    assert message in error_of(estimator.fit, X, y, sample_weight=weight)
    estimator.fit(X, y)
    assert message in error_of(estimator.partial_fit, X, y, sample_weight=weight)


def test_only_one_class_has_weight(X, y):
    message = error_of(small(EEGNetClassifier).fit, X, y, sample_weight=1.0 * y)
    assert "all trials with non-zero weight are of one class, 1; at least two classes" in message


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({5: 2.0}, ", are not in class_weight"),
        ({0: -1.0, 1: 1.0}, "class_weight has negative values; weights should be zero or"),
        ({0: np.nan}, "Input class_weight contains NaN"),
        ({0: "a"}, "class_weight: could not convert string to float: np.str_('a')"),
    ],
)
def test_bad_class_weights(class_weight, message, X, y):
    for labels in (y, np.arange(24) % 3):
        estimator = small(EEGNetClassifier, class_weight=class_weight)
        assert message in error_of(estimator.fit, X, labels)


def test_class_weights_are_zero(X, y):
    estimator = small(EEGNetClassifier, class_weight={0: 0.0, 1: 0.0})
    assert "class_weight is zero for every trial" in error_of(estimator.fit, X, y)
    message = error_of(estimator.fit, X, np.arange(24) % 3)
    assert "all trials with non-zero weight are of one class, 2; at least two classes" in message


@pytest.mark.parametrize("valid_split", [None, 0.25])
@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.zeros(5), "groups has shape (5,); it should be (24,), one for each trial"),
        (np.zeros((24, 1)), "groups has shape (24, 1); it should be (24,)"),
        (3, "groups has shape (); it should be (24,), one for each trial"),
    ],
)
def test_groups_of_wrong_shape(groups, message, valid_split, X, y):
    estimator = small(EEGNetClassifier, valid_split=valid_split)
    assert message in error_of(estimator.fit, X, y, groups=groups)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.full(24, np.nan), "all trials belong to one group, nan; pass trials of at least two"),
        ([None] * 24, "groups cannot be sorted: '<' not supported between instances of 'NoneType'"),
        (
            np.array(["a", 1] * 12, dtype=object),
            "groups cannot be sorted: '<' not supported between instances of 'int' and 'str'; use "
            "labels of one type, e.g. names.",
        ),
    ],
    ids=["NaN", "None", "names and numbers"],
)
def test_bad_groups(groups, message, X, y):
    estimator = small(EEGNetClassifier, valid_split=0.25)
    assert message in error_of(estimator.fit, X, y, groups=groups)


@pytest.mark.parametrize("valid_split", [0.25, KFold(2), GroupKFold(2)])
@pytest.mark.parametrize("group", ["s1", 7])
def test_one_group_is_not_divided(group, valid_split, X, y):
    estimator = small(EEGNetClassifier, valid_split=valid_split)
    message = error_of(estimator.fit, X, y, groups=[group] * 24)
    problem = f"all trials belong to one group, {group!r}"
    remedy = "pass trials of at least two groups, or no groups."
    assert message == f"valid_split={valid_split!r}: {problem}; {remedy}"


# Before fit, and after a failed fit


METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function", "score"]


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_not_fitted(estimator_class, X, y):
    estimator = small(estimator_class)
    for method in filter(partial(hasattr, estimator), METHODS):
        args = (X, y) if method == "score" else (X,)
        message = error_of(getattr(estimator, method), *args, errors=NotFittedError)
        start = f"This {estimator_class.__name__} instance is not fitted yet. Call 'fit'"
        assert message.startswith(start)


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
@pytest.mark.parametrize("attribute", ["net_", "module_", "history_", "n_iter_", "signal_"])
def test_fitted_attributes_do_not_exist_before_fit(estimator_class, attribute):
    assert not hasattr(small(estimator_class), attribute)


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_estimator_is_not_fitted_after_a_failed_first_fit(estimator_class, X, y):
    estimator = estimator_class()
    error_of(estimator.fit, X[:, :, :20], y)  # too short
    error_of(estimator.predict, X[:, :, :20], errors=NotFittedError)


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_predictions_do_not_change_after_a_failed_fit(estimator_class, X, y):
    """A failed fit may leave the estimator unfitted, but never with other predictions."""
    estimator = small(estimator_class).fit(X, y)
    predicted = estimator.predict(X)
    error_of(estimator.fit, X[:, :2, :3], y)  # too short
    with contextlib.suppress(NotFittedError):
        np.testing.assert_array_equal(estimator.predict(X), predicted)


def test_constructor_does_not_check_parameters():
    EEGNetClassifier(n_filters="many", lr=-1, valid_split=KFold, callbacks=3, device="gpu")
