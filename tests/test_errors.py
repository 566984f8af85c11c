"""Bad input: one line that says who, what is wrong, and what to do."""

import contextlib
import re
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
    """Return the one line that a call's error is."""
    with pytest.raises(errors) as caught:
        function(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    assert 10 < len(message) < 400
    return message


def with_value(X, value):
    """Return trials with a value in two places, the first in trial 3, electrode 1, time 7."""
    X = np.array(X, dtype=object if isinstance(value, str | dict) else float)
    X[3, 1, 7] = X[5, 2, 0] = value
    return X


BAD_TRIALS = {
    "NaN": (lambda X: with_value(X, np.nan), "X contains NaN in 2 of 24 trials, first in trial 3"),
    "infinity": (lambda X: with_value(X, np.inf), "X contains infinity (inf) in 2 of 24 trials"),
    "minus infinity": (lambda X: with_value(X, -np.inf), "trial 3, electrode 1, time 7; interp"),
    "beyond single precision": (lambda X: with_value(X, 1e300), "X contains infinity"),
    "None": (lambda X: with_value(X, None), "X contains NaN"),
    "NaN in a tensor": (lambda X: torch.tensor(with_value(X, np.nan)), "X contains NaN in 2 of"),
    "no electrodes": (lambda X: X[:, :0], "X has shape (24, 0, 48)"),
    "no times": (lambda X: X[:, :, :0], "X has shape (24, 3, 0)"),
    "one dimension": (lambda X: X[:, 0, 0], "X has shape (24,); it should be (n_trials, n_chans"),
    "four dimensions": (lambda X: X[:, None], "X has shape (24, 1, 3, 48); it should be"),
    "a number": (lambda X: 3.0, "X has shape ()"),
    "nothing": (lambda X: None, "X"),
    "a text": (lambda X: "trials", "X"),
    "a dictionary": (lambda X: {"X": X}, "X"),
    "a generator": (lambda X: iter(X), "X"),
    "complex": (lambda X: X * 1j, "Complex data not supported; give the real part of X"),
    "complex tensor": (lambda X: torch.tensor(X) * 1j, "Complex data not supported"),
    "texts": (lambda X: np.full(X.shape, "volts"), "X"),
    "a text among objects": (lambda X: with_value(X, "volts"), "X"),
    "a dictionary among objects": (lambda X: with_value(X, {}), "X"),
    "dates": (lambda X: X.astype("datetime64[s]"), "X"),
    "a mask": (lambda X: np.ma.masked_greater(X, 1), "X"),
    "lengths that differ": (lambda X: [x[:, : 40 + i] for i, x in enumerate(X)], "trials in X"),
    "sparse": (lambda X: scipy.sparse.csr_array(X[:, 0]), "X"),
}


@pytest.mark.parametrize("estimator_class", CLASSES)
@pytest.mark.parametrize(("change", "message"), BAD_TRIALS.values(), ids=BAD_TRIALS)
def test_bad_trials(estimator_class, change, message, X, y):
    fitted = small(estimator_class).fit(X, y)
    name = estimator_class.__name__
    for call in (lambda bad: small(estimator_class).fit(bad, y), fitted.predict):
        found = error_of(call, change(X))
        assert name in found or "X" in found
        if call != fitted.predict or "shape" not in message:
            assert message in found


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_no_trials(estimator_class, X, y):
    assert estimator_class.__name__ in error_of(small(estimator_class).fit, X[:0], y[:0])
    fitted = small(estimator_class).fit(X, y)
    assert estimator_class.__name__ in error_of(fitted.predict, X[:0])


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_one_trial(estimator_class, X, y):
    message = error_of(small(estimator_class).fit, X[:1], y[:1])
    assert f"{estimator_class.__name__}: X has 1 sample; it takes two trials to learn" in message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X[:, :2], "X has 2 electrodes, the trials of fit had 3; pick the same ones"),
        (lambda X: X[:, [0, 1, 2, 0]], "X has 4 electrodes, the trials of fit had 3"),
        (lambda X: X[:, :, :40], "X has 40 times, the trials of fit had 48; crop or resample"),
        (lambda X: X.transpose(0, 2, 1), "X has 48 electrodes, the trials of fit had 3"),
        (lambda X: X[0], "for a single trial, give X[np.newaxis]"),
    ],
)
@pytest.mark.parametrize("estimator_class", CLASSES)
def test_trials_unlike_those_of_fit(estimator_class, change, message, X, y):
    estimator = small(estimator_class).fit(X, y)
    for call in (estimator.predict, lambda bad: estimator.score(bad, y[: len(bad)])):
        found = error_of(call, change(X))
        assert message in found
        assert found.startswith(estimator_class.__name__)


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_trials_that_are_too_short(estimator_class, X, y):
    message = error_of(estimator_class().fit, X[:, :, :20], y)
    assert f"{estimator_class.__name__}: trials of 20 times are too short" in message
    assert "needs at least 32; take longer windows" in message


# Targets


@pytest.mark.parametrize("estimator_class", CLASSES)
@pytest.mark.parametrize(("n_trials", "n_targets"), [(24, 20), (20, 24), (24, 0)])
def test_lengths_that_differ(estimator_class, n_trials, n_targets, X, y):
    message = error_of(small(estimator_class).fit, X[:n_trials], y[:n_targets])
    assert message == f"X has {n_trials} trials, but y has {n_targets} targets; give one for each."


BAD_TARGETS = {
    "missing": (lambda y: None, "requires y to be passed"),
    "NaN": (lambda y: np.where(y, np.nan, 0), "y contains NaN"),
    "infinity": (lambda y: np.where(y, np.inf, 0), "y contains infinity"),
    "three dimensions": (lambda y: np.zeros((24, 2, 2)), "y"),
    "a number": (lambda y: 3, "y"),
    "complex": (lambda y: y * 1j, "y"),
    "texts and NaN": (lambda y: np.array(["a", "b", np.nan] * 8, dtype=object), "y"),
    "dictionaries": (lambda y: [{}] * 24, "y"),
    "lengths that differ": (lambda y: [[1], [1, 2]] * 12, "y"),
}


@pytest.mark.parametrize("estimator_class", CLASSES)
@pytest.mark.parametrize(("change", "message"), BAD_TARGETS.values(), ids=BAD_TARGETS)
def test_bad_targets(estimator_class, change, message, X, y):
    for call in (small(estimator_class).fit, small(estimator_class).fit(X, y).score):
        found = error_of(call, X, change(y))
        assert message in found
        assert re.search(r"\by\b", found)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            np.zeros(24),
            "EEGNetClassifier: all trials with a weight are of one class, 0.0; it takes",
        ),
        (["left"] * 24, "are of one class, 'left'; it takes two classes"),
        (np.linspace(0, 1, 24), "y"),
        (np.zeros((24, 2)), "y should be a 1d array, got an array of shape (24, 2)"),
        (np.array(["a", None] * 12, dtype=object), "y mixes labels that cannot be sorted"),
        (np.array(["a", 1] * 12, dtype=object), "y mixes labels that cannot be sorted"),
    ],
    ids=["one class", "one name", "continuous", "two columns", "None", "names and numbers"],
)
def test_bad_labels(labels, message, X):
    assert message in error_of(small(EEGNetClassifier).fit, X, labels)


@pytest.mark.parametrize("targets", [["left", "right"] * 12, [None] * 24])
def test_targets_of_a_regression_that_are_no_numbers(targets, X):
    found = error_of(small(EEGNetRegressor).fit, X, targets)
    assert found.startswith(("y: could not convert", "Input y contains NaN"))


def test_labels_that_partial_fit_does_not_know(X, y):
    assert "classes must be passed" in error_of(small(EEGNetClassifier).partial_fit, X, y)
    estimator = small(EEGNetClassifier).partial_fit(X, y, classes=[0, 1])
    message = error_of(estimator.partial_fit, X, y + 1)
    assert message == "y has labels that are not in classes: [2]."
    message = error_of(estimator.partial_fit, X, y, classes=[0, 1, 2])
    assert "classes" in message


def test_targets_that_partial_fit_does_not_know(X, y):
    estimator = small(EEGNetRegressor).partial_fit(X, y)
    message = error_of(estimator.partial_fit, X, np.column_stack([y, y]))
    assert message == "y has 2 targets, the first y had 1."


# Weights and groups


@pytest.mark.parametrize("estimator_class", CLASSES)
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (-np.ones(24), "sample_weight has negative values; weights should be zero or more"),
        (np.zeros(24), "sample_weight is zero for every trial; some should be more"),
        (np.ones(5), "sample_weight has shape (5,); it should be (24,), one weight for each"),
        (np.ones((24, 1)), "sample_weight has shape (24, 1); it should be (24,)"),
        (np.full(24, np.nan), "sample_weight contains NaN"),
        (np.full(24, np.inf), "sample_weight contains infinity"),
        (2.0, "sample_weight"),
        (["a"] * 24, "sample_weight"),
        (np.full(24, 1j), "sample_weight"),
    ],
)
def test_bad_weights(estimator_class, weight, message, X, y):
    estimator = small(estimator_class)
    assert message in error_of(estimator.fit, X, y, sample_weight=weight)
    estimator.fit(X, y)
    assert message in error_of(estimator.partial_fit, X, y, sample_weight=weight)


def test_weights_that_leave_one_class(X, y):
    message = error_of(small(EEGNetClassifier).fit, X, y, sample_weight=1.0 * y)
    assert "all trials with a weight are of one class, 1; it takes two classes" in message


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({5: 2.0}, "class_weight"),
        ({0: -1.0, 1: 1.0}, "class_weight"),
        ({0: np.nan}, "class_weight"),
        ({0: "a"}, "class_weight"),
    ],
)
def test_bad_class_weights(class_weight, message, X, y):
    for labels in (y, np.arange(24) % 3):
        estimator = small(EEGNetClassifier, class_weight=class_weight)
        assert message in error_of(estimator.fit, X, labels)


def test_class_weights_that_leave_nothing(X, y):
    estimator = small(EEGNetClassifier, class_weight={0: 0.0, 1: 0.0})
    assert "class_weight is zero for every trial" in error_of(estimator.fit, X, y)
    message = error_of(estimator.fit, X, np.arange(24) % 3)
    assert "all trials with a weight are of one class, 2" in message


@pytest.mark.parametrize("valid_split", [None, 0.25])
@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.zeros(5), "groups has shape (5,); it should be (24,), one for each trial"),
        (np.zeros((24, 1)), "groups has shape (24, 1); it should be (24,)"),
        (3, "groups has shape ()"),
    ],
)
def test_groups_of_another_shape(groups, message, valid_split, X, y):
    estimator = small(EEGNetClassifier, valid_split=valid_split)
    assert message in error_of(estimator.fit, X, y, groups=groups)


@pytest.mark.parametrize(
    "groups",
    [np.full(24, np.nan), [None] * 24, np.array(["a", 1] * 12, dtype=object)],
    ids=["NaN", "None", "names and numbers"],
)
def test_groups_that_cannot_be_told_apart(groups, X, y):
    estimator = small(EEGNetClassifier, valid_split=0.25)
    assert "groups" in error_of(estimator.fit, X, y, groups=groups)


@pytest.mark.parametrize("valid_split", [0.25, KFold(2), GroupKFold(2)])
@pytest.mark.parametrize("group", ["s1", 7])
def test_one_group_is_not_divided(group, valid_split, X, y):
    estimator = small(EEGNetClassifier, valid_split=valid_split)
    message = error_of(estimator.fit, X, y, groups=[group] * 24)
    start, mend = "all trials are of one group", "give trials of two groups or more, or no groups."
    assert message == f"valid_split={valid_split!r}: {start}, {group!r}; {mend}"


# Before fit, and after a fit that failed


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
def test_what_is_learned_is_not_there_before_fit(estimator_class, attribute):
    assert not hasattr(small(estimator_class), attribute)


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_a_first_fit_that_fails_leaves_the_estimator_unfitted(estimator_class, X, y):
    estimator = estimator_class()
    error_of(estimator.fit, X[:, :, :20], y)  # too short
    error_of(estimator.predict, X[:, :, :20], errors=NotFittedError)


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_a_fit_that_fails_does_not_make_predictions_wrong(estimator_class, X, y):
    """It either leaves the estimator as it was, or unfitted."""
    estimator = small(estimator_class).fit(X, y)
    before = estimator.predict(X)
    error_of(estimator.fit, X[:, :2, :3], y)  # too short
    with contextlib.suppress(NotFittedError):
        np.testing.assert_array_equal(estimator.predict(X), before)


def test_errors_come_from_fit_and_not_from_the_constructor():
    EEGNetClassifier(n_filters="many", lr=-1, valid_split=KFold, callbacks=3, device="gpu")
