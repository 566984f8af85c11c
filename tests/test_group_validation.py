"""Groups given to ``fit``, by whatever route, keep people whole where validation is used."""

import numpy as np
import pytest
import sklearn
import skorch.callbacks
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegsk import EEGNetClassifier, EEGNetRegressor
from eegsk.callbacks import EarlyStopping, EpochMetric

from .networks import small

NO_FILES = ("f_params", "f_optimizer", "f_criterion", "f_history")
CLASSES = [EEGNetClassifier, EEGNetRegressor]


class Sides(skorch.callbacks.Callback):
    """Note which people are on either side; the first value of a trial says whose it is."""

    def on_train_begin(self, net, **kwargs):
        self.train_, self.valid_ = set(), set()

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        people = batch[0]["x"][:, 0, 0].round().int().tolist()
        (self.train_ if training else self.valid_).update(people)


@pytest.fixture
def people():
    """Return twelve people of six trials each, of whom each has some of both classes."""
    return np.repeat(np.arange(12), 6)


@pytest.fixture
def trials(people):
    X = np.random.default_rng(0).standard_normal((72, 3, 48)).astype(np.float32)
    X[:, 0, 0] = people
    return X


@pytest.fixture
def target():
    return np.arange(72) % 2


def validated(estimator_class, **fields):
    """Make an estimator all of whose watchers read the validation of one split."""
    metric = "balanced_accuracy" if estimator_class is EEGNetClassifier else "nrmse"
    watchers = [
        Sides(),
        EpochMetric(metric),
        EarlyStopping(patience=2),
        skorch.callbacks.Checkpoint(monitor="valid_loss_best", **dict.fromkeys(NO_FILES)),
        skorch.callbacks.LRScheduler("ReduceLROnPlateau", monitor="valid_loss"),
    ]
    return small(estimator_class, valid_split=0.3, callbacks=watchers, **fields)


def alone(estimator):
    return estimator


def in_pipeline(estimator):
    return make_pipeline(FunctionTransformer(), estimator)


def sides_of(fitted):
    estimator = fitted[-1] if hasattr(fitted, "steps") else fitted
    sides = dict(estimator.net_.callbacks_)["sides"]
    return sides.train_, sides.valid_


def are_apart(fitted, people):
    train, valid = sides_of(fitted)
    return train and valid and not train & valid and train | valid == set(people.tolist())


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_without_groups_people_are_on_both_sides(estimator_class, trials, target):
    """What the other tests look for is there to be found."""
    train, valid = sides_of(validated(estimator_class).fit(trials, target))
    assert train & valid


@pytest.mark.parametrize("wrap", [alone, in_pipeline])
@pytest.mark.parametrize("estimator_class", CLASSES)
def test_fit(estimator_class, wrap, trials, target, people):
    prefix = "" if wrap is alone else f"{estimator_class.__name__.lower()}__"
    fitted = wrap(validated(estimator_class)).fit(trials, target, **{f"{prefix}groups": people})
    assert are_apart(fitted, people)


@pytest.mark.parametrize("valid_split", [0.25, GroupKFold(3)])
@pytest.mark.parametrize("estimator_class", CLASSES)
def test_partial_fit(estimator_class, valid_split, trials, target, people):
    classes = {"classes": [0, 1]} if estimator_class is EEGNetClassifier else {}
    estimator = small(estimator_class, valid_split=valid_split, callbacks=[Sides()])
    for _ in range(2):
        estimator.partial_fit(trials, target, groups=people, **classes)
        assert are_apart(estimator, people)


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_groups_can_be_asked_for_in_partial_fit(estimator_class):
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = small(estimator_class).set_partial_fit_request(groups=True)
        requests = estimator.get_metadata_routing().partial_fit.requests
    assert requests["groups"] is True


@pytest.mark.parametrize("wrap", [alone, in_pipeline])
@pytest.mark.parametrize("estimator_class", CLASSES)
def test_cross_validation(estimator_class, wrap, trials, target, people):
    cv = GroupKFold(3)
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = wrap(validated(estimator_class).set_fit_request(groups=True))
        params = {"groups": people}
        found = cross_validate(
            estimator, trials, target, cv=cv, params=params, return_estimator=True
        )
    for fitted, (train, _) in zip(
        found["estimator"], cv.split(trials, target, people), strict=True
    ):
        assert are_apart(fitted, people[train])


@pytest.mark.parametrize("wrap", [alone, in_pipeline])
@pytest.mark.parametrize("estimator_class", CLASSES)
def test_nested_search(estimator_class, wrap, trials, target, people):
    """A search inside cross-validation, which chooses among stopping times."""
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = wrap(validated(estimator_class).set_fit_request(groups=True))
        (name,) = (n for n in estimator.get_params() if n.endswith("earlystopping__patience"))
        search = GridSearchCV(estimator, {name: [1, 2]}, cv=GroupKFold(2))
        params = {"groups": people}
        found = cross_validate(
            search, trials, target, cv=GroupKFold(2), params=params, return_estimator=True
        )
    for fitted, (train, _) in zip(
        found["estimator"], GroupKFold(2).split(trials, target, people), strict=True
    ):
        assert are_apart(fitted.best_estimator_, people[train])


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_groups_must_be_asked_for(estimator_class, trials, target, people):
    """scikit-learn says so, rather than validate on people who are trained on."""
    with (
        sklearn.config_context(enable_metadata_routing=True),
        pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="groups"),
    ):
        cross_validate(
            validated(estimator_class),
            trials,
            target,
            cv=GroupKFold(2),
            params={"groups": people},
        )
