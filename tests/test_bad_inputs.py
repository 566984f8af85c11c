"""Bad inputs: one line with the estimator, the problem and a remedy, for every estimator.

The tables in ``tests/bad_inputs`` contain each input and the full sentence.
"""

import os
import re
from importlib.metadata import version

import numpy as np
import pytest
from sklearn.base import ClassifierMixin, is_classifier
from sklearn.exceptions import NotFittedError

from eegsk import EEGNetClassifier, EEGNetRegressor
from eegsk.streaming import StreamWarning

from .bad_inputs import files, parameters, streams, targets, trials
from .bad_inputs.case import make_case, make_epochs
from .networks import ESTIMATORS, small

CLASSIFIERS = [item for item in ESTIMATORS if issubclass(item, ClassifierMixin)]
REGRESSORS = [item for item in ESTIMATORS if item not in CLASSIFIERS]
ERRORS = (ValueError, TypeError, OSError)
# Beginnings of sentences about a function or class other than the estimator.
CALLERS = (
    *("load_weights: ", "Checkpoint: ", "eegsk.load: ", "AlignedEstimator.save: "),
    *("StreamingDecoder: ", "decode_windows: ", "This EEGNetClassifier instance is not fitted"),
)
TABLES = [
    table
    for module in (files, parameters, streams, targets, trials)
    for name, table in vars(module).items()
    if name.isupper() and isinstance(table, dict)
]
# Most errors do not depend on the network. One estimator of each task stands for the rest in the
# fast tests.
FAST = EEGNetClassifier, EEGNetRegressor
EVERY = [
    item if item in FAST else pytest.param(item, marks=pytest.mark.slow) for item in ESTIMATORS
]


def rows(table):
    """Return a parametrization over the rows of a table."""
    return pytest.mark.parametrize(("change", "sentence"), table.values(), ids=table.keys())


def over(classes):
    """Return a parametrization over estimators, of which most are slow tests."""
    selected = [item for item in EVERY if getattr(item, "values", [item])[0] in classes]
    return pytest.mark.parametrize("estimator_class", selected)


@pytest.fixture(scope="module")
def cases():
    """Return a function that returns the case of an estimator class; it is created once."""
    created = {}

    def get(estimator_class, folder):
        if estimator_class not in created:
            created[estimator_class] = make_case(estimator_class)
        created[estimator_class].folder = folder
        return created[estimator_class]

    return get


@pytest.fixture
def case(cases, estimator_class, tmp_path):
    return cases(estimator_class, tmp_path)


def check(case, sentence, *calls):
    """Check that each call raises an error with a sentence."""
    name = type(case.fitted).__name__
    sentence = sentence.replace("NAME", name).replace("CORES", str(os.cpu_count()))
    sentence = sentence.replace("VERSION", version("eegsk"))
    for call in calls:
        with pytest.raises(ERRORS) as caught:
            call()
        message = re.sub(r"0x[0-9a-f]+", "0x...", str(caught.value))
        assert message.replace(str(case.folder), "FOLDER") == sentence


def partial_fit(case, X, y, classes=(0, 1), **arguments):
    """Call ``partial_fit`` of a new estimator."""
    known = {"classes": classes} if is_classifier(case.fitted) else {}
    return case.make().partial_fit(X, y, **known, **arguments)


def test_tables():
    """Each table has sentences of one line, which name the estimator; there are many rows."""
    sentences = [sentence for table in TABLES for _, sentence in table.values()]
    assert len(sentences) >= 200
    for sentence in sentences:
        assert "\n" not in sentence
        assert 10 < len(sentence) < 800
        assert "NAME" in sentence or sentence.startswith(CALLERS)


# Trials


@over(ESTIMATORS)
@rows(trials.TRIALS)
def test_trials(case, change, sentence):
    bad = change(case)
    check(
        case,
        sentence,
        lambda: case.make().fit(bad, case.y),
        lambda: partial_fit(case, bad, case.y),
        lambda: (
            case.fitted.predict(bad)
            if "the first Epochs" not in sentence
            else case.make().fit(bad, case.y)
        ),
    )


@over(ESTIMATORS)
@rows(trials.TRIALS_THAT_DIFFER_FROM_FIT)
def test_trials_that_differ_from_fit(case, change, sentence):
    bad = change(case)
    check(
        case,
        sentence,
        lambda: case.fitted.predict(bad),
        lambda: case.fitted.score(bad, case.y[: len(bad)]),
        lambda: case.fitted.partial_fit(bad, case.y[: len(bad)]),
    )


@over(ESTIMATORS)
def test_epochs_that_differ_from_fit(case):
    fitted = case.make().fit(case.epochs, case.y)
    for change, sentence in trials.EPOCHS_THAT_DIFFER_FROM_FIT.values():
        bad = change(case)
        calls = fitted.predict, lambda bad: fitted.partial_fit(bad, case.y)
        for call in calls:
            check(case, sentence, lambda call=call, bad=bad: call(bad))


# Labels, targets, weights and groups


@over(CLASSIFIERS)
@rows(targets.LABELS)
def test_labels(case, change, sentence):
    bad = change(case)
    check(
        case, sentence, lambda: case.make().fit(case.X, bad), lambda: partial_fit(case, case.X, bad)
    )
    if "one target for each trial" not in sentence:  # score has the message of scikit-learn
        check(case, sentence, lambda: case.fitted.score(case.X, bad))


@over(CLASSIFIERS)
@rows(targets.LABELS_OF_FIT)
def test_labels_of_fit(case, change, sentence):
    check(case, sentence, lambda: case.make().fit(case.X, change(case)))


@over(REGRESSORS)
@rows(targets.TARGETS)
def test_targets(case, change, sentence):
    bad = change(case)
    check(
        case, sentence, lambda: case.make().fit(case.X, bad), lambda: partial_fit(case, case.X, bad)
    )
    if "one target for each trial" not in sentence:
        check(case, sentence, lambda: case.fitted.score(case.X, bad))


@over(CLASSIFIERS)
@rows(targets.CLASSES)
def test_classes(case, change, sentence):
    check(case, sentence, lambda: change(case))


@over(REGRESSORS)
@rows(targets.NUMBERS_OF_TARGETS)
def test_numbers_of_targets(case, change, sentence):
    check(case, sentence, lambda: change(case))


@over(ESTIMATORS)
@rows(targets.WEIGHTS)
def test_weights(case, change, sentence):
    weight = change(case)
    check(
        case,
        sentence,
        lambda: case.make().fit(case.X, case.y, sample_weight=weight),
        lambda: partial_fit(case, case.X, case.y, sample_weight=weight),
    )


@over(CLASSIFIERS)
@rows(targets.CLASS_WEIGHTS)
def test_class_weights(case, change, sentence):
    check(case, sentence, lambda: case.make(class_weight=change(case)).fit(case.X, case.y))


@over(ESTIMATORS)
@rows(targets.GROUPS)
def test_groups(case, change, sentence):
    groups = change(case)
    check(
        case,
        sentence,
        lambda: case.make().fit(case.X, case.y, groups=groups),
        lambda: case.make(valid_split=0.25).fit(case.X, case.y, groups=groups),
        lambda: partial_fit(case, case.X, case.y, groups=groups),
    )


@over(REGRESSORS)
@rows(targets.SPLITS)
def test_splits(case, change, sentence):
    valid_split, groups = change(case)
    estimator = case.make(valid_split=valid_split)
    check(case, sentence, lambda: estimator.fit(case.X, case.y, groups=groups))


# Parameters, files and calls


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier])
@rows(parameters.PARAMETERS)
def test_parameters(case, change, sentence):
    check(case, sentence, lambda: case.make(**change(case)).fit(case.X, case.y))


@pytest.mark.filterwarnings("ignore:EEGNetClassifier. load_weights. the names of the layers")
@pytest.mark.parametrize("estimator_class", [EEGNetClassifier])
@rows(parameters.CALLS)
def test_calls(case, change, sentence):
    check(case, sentence, lambda: change(case))


# Model files, streams and recordings


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier])
@rows(files.LOADED | files.SAVED)
def test_files(case, change, sentence):
    check(case, sentence, lambda: change(case))


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier])
@rows(files.PRETRAINED)
def test_files_of_pretrained(case, change, sentence):
    check(case, sentence, lambda: change(case))


@pytest.fixture
def streamed(case):
    """Return the case with an estimator that was fitted to Epochs."""
    if not hasattr(case, "of_epochs"):
        case.of_epochs = case.make().fit(case.epochs)
    return case


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier])
@rows(streams.DECODERS | streams.CHUNKS)
def test_streams(streamed, change, sentence):
    check(streamed, sentence, lambda: change(streamed))


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier])
@rows(streams.RECORDINGS)
def test_recordings(streamed, change, sentence):
    check(streamed, sentence, lambda: change(streamed))


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier])
@rows(streams.WARNINGS)
def test_problems_of_streams(streamed, change, sentence):
    with pytest.warns(StreamWarning, match=f"^{re.escape(sentence)}$") as record:
        assert change(streamed) == []
    assert len(record) == 1


# Before fit, and after a failed fit

METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function", "score"]


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_not_fitted(estimator_class, X, y):
    estimator = small(estimator_class)
    sentence = (
        f"This {estimator_class.__name__} instance is not fitted yet. Call 'fit' with appropriate "
        "arguments before using this estimator."
    )
    for method in METHODS:
        if hasattr(estimator, method):
            arguments = (X, y) if method == "score" else (X,)
            with pytest.raises(NotFittedError, match=f"^{re.escape(sentence)}$"):
                getattr(estimator, method)(*arguments)


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
@pytest.mark.parametrize("attribute", ["net_", "module_", "history_", "n_iter_", "signal_"])
def test_fitted_attributes_do_not_exist_before_fit(estimator_class, attribute):
    assert not hasattr(small(estimator_class), attribute)


@over(ESTIMATORS)
def test_estimator_after_a_failed_fit(case):
    """A failed fit leaves an estimator as it was, fitted or not."""
    bad = np.full_like(case.X, np.nan)
    predicted = case.fitted.predict(case.X)
    unfitted = case.make()
    for estimator in (unfitted, case.fitted):
        with pytest.raises(ValueError, match="X contains NaN in 24 of 24 trials"):
            estimator.fit(bad, case.y)
    assert not hasattr(unfitted, "net_")
    assert not hasattr(unfitted, "classes_")
    np.testing.assert_array_equal(case.fitted.predict(case.X), predicted)


def test_constructor_does_not_check_parameters():
    EEGNetClassifier(n_filters="many", lr=-1, valid_split=str, callbacks=3, device="gpu")


# Warnings


@over(ESTIMATORS)
@pytest.mark.parametrize("value", [0.0, 7.0])
def test_constant_trials(case, value):
    sentence = (
        f"{type(case.fitted).__name__}: X is constant: each channel has the same value at all time "
        "points of all trials, so that nothing can be learned; check how the trials were read."
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(sentence)}$") as record:
        case.make().fit(0 * case.X + value, case.y)
    assert record[0].filename == __file__


def test_exchanged_channels_and_time_points():
    X = np.random.default_rng(0).standard_normal((12, 480, 64))
    y = np.arange(12) % 2
    sentence = (
        "EEGNetClassifier: X has shape (12, 480, 64), i.e. 480 channels and only 64 time points; "
        "if these axes are exchanged, pass X.transpose(0, 2, 1)."
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(sentence)}$") as record:
        small(EEGNetClassifier).fit(X, y)
    assert record[0].filename == __file__


@pytest.mark.parametrize("shape", [(12, 64, 48), (12, 15, 3), (12, 1, 9)])
def test_few_time_points_are_no_reason_to_warn(shape):
    X = np.random.default_rng(0).standard_normal(shape)
    small(EEGNetClassifier, kernel=1, pool=1, second_kernel=1, second_pool=1).fit(X, [0, 1] * 6)


def test_channels_with_names_are_not_exchanged():
    X = np.random.default_rng(0).standard_normal((12, 40, 9))
    names = [f"MEG {number}" for number in range(40)]
    epochs = make_epochs(X, np.arange(12) % 2, ch_names=names)
    small(EEGNetClassifier, kernel=3, pool=1, second_kernel=3, second_pool=1).fit(epochs)


@pytest.mark.parametrize("partial", [True, False])
def test_loss_that_rises(partial, X, y):
    estimator = small(EEGNetRegressor, optimizer="sgd")
    estimator = estimator.partial_fit(X, y) if partial else estimator
    estimator.set_params(lr=300.0)
    pattern = (
        r"^EEGNetRegressor: training diverged: the loss rose from \d\.\d+ to [\d.]+e\+\d+; lower "
        r"the learning rate, lr=300\.0\.$"
    )
    with pytest.warns(UserWarning, match=pattern) as record:
        estimator.partial_fit(X, y) if partial else estimator.fit(X, y)
    assert record[0].filename == __file__


def test_focal_loss_of_classes_that_differ_in_size(X):
    y = np.arange(24) % 4 == 0
    sentence = (
        "EEGNetClassifier: criterion='focal_balanced' has no class weights, but the largest class "
        "is 3.0 times as large as the smallest; set class_weight='balanced', or use "
        "callbacks=[FocalBalance()] instead of the criterion."
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(sentence)}$") as record:
        small(EEGNetClassifier, criterion="focal_balanced").fit(X, y)
    assert record[0].filename == __file__
    small(EEGNetClassifier, criterion="focal_balanced", class_weight="balanced").fit(X, y)
    small(EEGNetClassifier, criterion="focal_balanced").fit(X, np.arange(24) % 2)
