"""Validation with groups: a subject is used either for training or for validation."""

import warnings

import mne
import numpy as np
import pandas as pd
import pytest
import sklearn
import skorch.callbacks
from sklearn.model_selection import GridSearchCV, GroupKFold, PredefinedSplit, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegsk import EEGNetClassifier, EEGNetRegressor
from eegsk.callbacks import EarlyStopping, EpochMetric

from .networks import small

NO_FILES = ("f_params", "f_optimizer", "f_criterion", "f_history")
CLASSES = [EEGNetClassifier, EEGNetRegressor]


class SubjectRecorder(skorch.callbacks.Callback):
    """Record the subjects of training and validation; the first value of a trial is its subject."""

    def on_train_begin(self, net, **kwargs):
        self.train_, self.valid_ = set(), set()

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        batch_subjects = batch[0]["x"][:, 0, 0].round().int().tolist()
        (self.train_ if training else self.valid_).update(batch_subjects)


@pytest.fixture
def subjects():
    """Return twelve subjects with six trials each, of both classes."""
    return np.repeat(np.arange(12), 6)


@pytest.fixture
def trials(subjects):
    X = np.random.default_rng(0).standard_normal((72, 3, 48)).astype(np.float32)
    X[:, 0, 0] = subjects
    return X


@pytest.fixture
def target():
    return np.arange(72) % 2


def validated(estimator_class, **fields):
    """Return an estimator with several callbacks that monitor the validation trials."""
    metric = "balanced_accuracy" if estimator_class is EEGNetClassifier else "nrmse"
    callbacks = [
        SubjectRecorder(),
        EpochMetric(metric),
        EarlyStopping(patience=2),
        skorch.callbacks.Checkpoint(monitor="valid_loss_best", **dict.fromkeys(NO_FILES)),
        skorch.callbacks.LRScheduler("ReduceLROnPlateau", monitor="valid_loss"),
    ]
    return small(estimator_class, valid_split=0.3, callbacks=callbacks, **fields)


def alone(estimator):
    return estimator


def in_pipeline(estimator):
    return make_pipeline(FunctionTransformer(), estimator)


def train_and_valid_subjects(fitted):
    estimator = fitted[-1] if hasattr(fitted, "steps") else fitted
    recorder = dict(estimator.net_.callbacks_)["subjectrecorder"]
    return recorder.train_, recorder.valid_


def assert_disjoint(fitted, subjects):
    train, valid = train_and_valid_subjects(fitted)
    assert train
    assert valid
    assert not train & valid
    assert train | valid == set(subjects.tolist())


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_subjects_overlap_without_groups(estimator_class, trials, target):
    """Check that the recorder finds an overlap, which the tests below exclude."""
    train, valid = train_and_valid_subjects(validated(estimator_class).fit(trials, target))
    assert train & valid


@pytest.mark.parametrize("wrap", [alone, in_pipeline])
@pytest.mark.parametrize("estimator_class", CLASSES)
def test_fit(estimator_class, wrap, trials, target, subjects):
    prefix = "" if wrap is alone else f"{estimator_class.__name__.lower()}__"
    fitted = wrap(validated(estimator_class)).fit(trials, target, **{f"{prefix}groups": subjects})
    assert_disjoint(fitted, subjects)


@pytest.mark.parametrize("valid_split", [0.25, GroupKFold(3)])
@pytest.mark.parametrize("estimator_class", CLASSES)
def test_partial_fit(estimator_class, valid_split, trials, target, subjects):
    classes = {"classes": [0, 1]} if estimator_class is EEGNetClassifier else {}
    estimator = small(estimator_class, valid_split=valid_split, callbacks=[SubjectRecorder()])
    for _ in range(2):
        estimator.partial_fit(trials, target, groups=subjects, **classes)
        assert_disjoint(estimator, subjects)


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_groups_can_be_requested_in_partial_fit(estimator_class):
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = small(estimator_class).set_partial_fit_request(groups=True)
        requests = estimator.get_metadata_routing().partial_fit.requests
    assert requests["groups"] is True


@pytest.mark.parametrize("wrap", [alone, in_pipeline])
@pytest.mark.parametrize("estimator_class", CLASSES)
def test_cross_validation(estimator_class, wrap, trials, target, subjects):
    cv = GroupKFold(3)
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = wrap(validated(estimator_class).set_fit_request(groups=True))
        params = {"groups": subjects}
        results = cross_validate(
            estimator, trials, target, cv=cv, params=params, return_estimator=True
        )
    for fitted, (train, _) in zip(
        results["estimator"], cv.split(trials, target, subjects), strict=True
    ):
        assert_disjoint(fitted, subjects[train])


@pytest.mark.parametrize("wrap", [alone, in_pipeline])
@pytest.mark.parametrize("estimator_class", CLASSES)
def test_nested_search(estimator_class, wrap, trials, target, subjects):
    """A grid search over the patience of early stopping inside cross-validation."""
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = wrap(validated(estimator_class).set_fit_request(groups=True))
        (name,) = (n for n in estimator.get_params() if n.endswith("earlystopping__patience"))
        search = GridSearchCV(estimator, {name: [1, 2]}, cv=GroupKFold(2))
        params = {"groups": subjects}
        results = cross_validate(
            search, trials, target, cv=GroupKFold(2), params=params, return_estimator=True
        )
    for fitted, (train, _) in zip(
        results["estimator"], GroupKFold(2).split(trials, target, subjects), strict=True
    ):
        assert_disjoint(fitted.best_estimator_, subjects[train])


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_groups_without_a_request_are_an_error(estimator_class, trials, target, subjects):
    message = r"\[groups\] are passed but are not explicitly set as requested or not requested"
    with (
        sklearn.config_context(enable_metadata_routing=True),
        pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match=message),
    ):
        cross_validate(
            validated(estimator_class),
            trials,
            target,
            cv=GroupKFold(2),
            params={"groups": subjects},
        )


def test_a_predefined_split_is_a_validation_set_of_ones_own(trials, target):
    """As in docs/user_guide/validation.md."""
    X_train, X_valid = trials[:48], trials[48:]
    is_valid = np.repeat([False, True], [len(X_train), len(X_valid)])
    split = PredefinedSplit(np.where(is_valid, 0, -1))
    fields = {"valid_split": split, "callbacks": [SubjectRecorder()], "standardize": None}
    estimator = small(EEGNetClassifier, **fields)
    estimator.fit(np.concatenate([X_train, X_valid]), target)
    recorder = dict(estimator.net_.callbacks_)["subjectrecorder"]
    assert recorder.train_ == set(range(8))
    assert recorder.valid_ == set(range(8, 12))


def epochs_with_metadata(trials, **columns):
    info = mne.create_info(3, 100.0, "eeg")
    table = pd.DataFrame(columns) if columns else None
    return mne.EpochsArray(trials, info, metadata=table, verbose="error")


@pytest.mark.parametrize("column", ["subject", "session"])
def test_metadata_without_groups_give_one_warning(column, trials, target, subjects):
    epochs = epochs_with_metadata(trials, **{column: subjects})
    estimator = small(EEGNetClassifier, valid_split=0.25, max_epochs=1)
    message = f"mixes the trials of each {column} .* pass groups=epochs.metadata\\['{column}'\\]"
    with pytest.warns(UserWarning, match=message) as record:
        estimator.fit(epochs, target)
    assert len(record) == 1
    assert record[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimator.fit(epochs, target, groups=epochs.metadata[column])
        estimator.fit(epochs_with_metadata(trials), target)
        estimator.fit(epochs_with_metadata(trials, **{column: 0 * subjects}), target)
        fold = np.where(subjects == subjects[0], 0, -1)  # a whole subject for validation
        estimator.set_params(valid_split=PredefinedSplit(fold)).fit(epochs, target)
        estimator.set_params(valid_split=None).fit(epochs, target)
