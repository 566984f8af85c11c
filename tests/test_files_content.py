"""Model files: parameters that can be stored by name, and those that are refused."""

import functools
import threading
from functools import partial

import numpy as np
import pytest
import skorch.callbacks
import torch
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupShuffleSplit, KFold, PredefinedSplit, RepeatedKFold
from torch import nn

import eegsk
from eegsk import EEGClassifier, EEGNetClassifier, EEGNetRegressor, augmentation, callbacks
from eegsk.augmentation import Mixup, TimeShift
from eegsk.losses import FocalBalancedLoss
from eegsk.persistence._names import instance_classes, named_values

from .networks import linear, small
from .test_files import assert_continues_the_same, assert_same, path, saved_and_loaded  # noqa: F401

# Parameters with which partial_fit continues exactly, because their state is in the file.
CALLBACKS = {
    "Checkpoint": lambda folder: callbacks.Checkpoint(folder / "checkpoint"),
    "CosineWarmRestarts": lambda folder: callbacks.CosineWarmRestarts(1),
    "CosineWarmup": lambda folder: callbacks.CosineWarmup(),
    "EMA": lambda folder: callbacks.EMA(0.9),
    "EarlyStopping": lambda folder: callbacks.EarlyStopping(patience=3),
    "EpochMetric": lambda folder: callbacks.EpochMetric("roc_auc"),
    "FocalBalance": lambda folder: callbacks.FocalBalance(gamma=1.0),
    "GradientClipping": lambda folder: callbacks.GradientClipping(),
    "OneCycle": lambda folder: callbacks.OneCycle(),
    "SAM": lambda folder: callbacks.SAM(),
    "SWA": lambda folder: callbacks.SWA(start=0.5),
    "function as metric": lambda folder: callbacks.EpochMetric(f1_score),
    "skorch.EarlyStopping": lambda folder: skorch.callbacks.EarlyStopping(patience=3),
    "skorch.EpochScoring": lambda folder: skorch.callbacks.EpochScoring("roc_auc"),
    "skorch.Freezer": lambda folder: skorch.callbacks.Freezer("network.head*"),
    "skorch.LRScheduler": lambda folder: skorch.callbacks.LRScheduler(
        torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5
    ),
}


@pytest.mark.parametrize("name", CALLBACKS)
def test_callbacks_continue_the_same(X, y, path, tmp_path, name):  # noqa: F811
    callback = CALLBACKS[name](tmp_path)
    estimator = small(EEGNetClassifier, callbacks=[callback], valid_split=0.25).fit(X, y)
    loaded = saved_and_loaded(estimator, path)
    assert repr(loaded.callbacks[0].get_params()) == repr(callback.get_params())
    assert_same(loaded, estimator, X)
    if name in ("CosineWarmup", "OneCycle"):  # schedules of the whole training
        return
    assert_continues_the_same(loaded, estimator, X, y)


def test_all_callbacks_and_transforms_are_stored():
    classes = {name.rpartition(".")[2] for name in instance_classes()}
    assert set(augmentation.__all__) | set(callbacks.__all__) <= classes
    names = {name.rpartition(".")[2] for name in named_values()}
    assert {"ELU", "Square", "CrossEntropyLoss", "FocalBalancedLoss", "AdamW", "nrmse"} <= names


PARAMS = {
    "activation": partial(nn.ELU, alpha=0.5),
    "augmentation": [TimeShift(0.1), ("mix", Mixup(probability=0.5))],
    "callbacks": [("stop", callbacks.EarlyStopping()), None, callbacks.GradientClipping],
    "class_weight": {0: 1.0, 1: 2.5},
    "criterion": partial(FocalBalancedLoss, weight=torch.tensor([1.0, 2.0])),
    "device": torch.device("cpu"),
    "freeze": ("front",),
    "n_filters": np.int64(3),
    "net_params": {"optimizer__betas": (0.5, 0.99), "iterator_train__shuffle": False},
    "optimizer": partial(torch.optim.SGD, momentum=0.9),
    "random_state": np.random.RandomState(3),
    "valid_split": KFold(3),
}


def without_identity(value):
    """Return a description of a value that is equal for equal values."""
    if isinstance(value, partial):
        return value.func, repr(value.args), repr(value.keywords)
    if isinstance(value, np.random.RandomState):
        return repr(value.get_state())
    return repr(value.item() if isinstance(value, np.generic) else value)


@pytest.mark.parametrize("name", PARAMS)
def test_parameters(X, y, path, name):  # noqa: F811
    params = {"valid_split": 0.25, name: PARAMS[name]}
    estimator = small(EEGNetClassifier, **params).fit(X, y)
    loaded = saved_and_loaded(estimator, path)
    for key, value in estimator.get_params(deep=False).items():
        assert without_identity(getattr(loaded, key)) == without_identity(value), key
    assert_same(loaded, estimator, X)
    assert_continues_the_same(loaded, estimator, X, y)
    np.testing.assert_array_equal(loaded.fit(X, y).predict(X), estimator.fit(X, y).predict(X))


@pytest.mark.parametrize(
    "splitter",
    [
        GroupShuffleSplit(2, test_size=0.3, random_state=1),
        PredefinedSplit(np.arange(24) // 4 % 3 - 1),
    ],
    ids=lambda item: type(item).__name__,
)
def test_splitters(X, y, groups, path, splitter):  # noqa: F811
    estimator = small(EEGNetClassifier, valid_split=splitter).fit(X, y, groups=groups)
    loaded = saved_and_loaded(estimator, path)
    assert_same(loaded, estimator, X)
    assert repr(vars(loaded.valid_split)) == repr(vars(splitter))


def test_a_generator_is_shared_between_parameter_and_estimator(X, y, path):  # noqa: F811
    estimator = small(EEGNetClassifier, random_state=np.random.RandomState(0)).fit(X, y)
    loaded = saved_and_loaded(estimator, path)
    assert loaded._random_state is loaded.random_state


def test_infinite_numbers(X, y, path):  # noqa: F811
    estimator = small(EEGNetClassifier, valid_split=0.25).fit(X, y)
    estimator.history_[-1]["valid_loss"] = float("nan")
    estimator.history_[-1]["lowest"] = -float("inf")
    history = saved_and_loaded(estimator, path).history_
    assert np.isnan(history[-1, "valid_loss"])
    assert history[-1, "lowest"] == -np.inf


def test_callbacks_that_were_removed_after_fit(X, y, path):  # noqa: F811
    estimator = small(EEGNetClassifier, callbacks=[callbacks.EMA(0.9)]).fit(X, y)
    estimator.set_params(callbacks__ema=None)
    assert_same(saved_and_loaded(estimator, path), estimator, X)


# Parameters that cannot be stored


class OwnCallback(callbacks.TrainingCallback):
    pass


class OwnTransform(augmentation.transform.Transform):
    def _transform(self, X, is_chosen):
        return X.clone()


class OwnNetwork(EEGNetClassifier):
    pass


def own_metric(y_true, y_pred):
    return 0.0


REFUSED = {
    "lambda": ({"activation": lambda: nn.ELU()}, "activation=<function <lambda>"),
    "own callback": ({"callbacks": [OwnCallback()]}, r"callbacks.0=OwnCallback\(\)"),
    "own transform": ({"augmentation": [OwnTransform()]}, "augmentation.0=OwnTransform"),
    "own metric": (
        {"callbacks": [callbacks.EpochMetric(own_metric, on_train=True)]},
        "callbacks.0.metric=<function own_metric",
    ),
    "own loss": (
        {"criterion": type("OwnLoss", (nn.CrossEntropyLoss,), {})},
        "criterion=<class .*OwnLoss",
    ),
    "own class in a partial": (
        {"criterion": functools.partial(type("OwnLoss", (nn.CrossEntropyLoss,), {}))},
        "criterion=<class .*OwnLoss",
    ),
    "function as transform": ({"augmentation": [lambda X, y: (X, y)]}, "augmentation.0=<function"),
    "callback that reads pickles": (
        {"callbacks": [skorch.callbacks.LoadInitState(skorch.callbacks.Checkpoint())]},
        "callbacks.0=<skorch.callbacks.training.LoadInitState",
    ),
    "splitter": ({"valid_split": RepeatedKFold(n_splits=2)}, "valid_split=RepeatedKFold"),
    "lock": ({"net_params": {"extra": threading.Lock()}}, "net_params.extra=<unlocked"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_parameters_that_contain_code_are_refused(X, y, path, name):  # noqa: F811
    params, message = REFUSED[name]
    if "net_params" in params:
        estimator = small(EEGNetClassifier).fit(X, y).set_params(**params)
    else:
        estimator = small(EEGNetClassifier, **params).fit(X, y)
    remedy = (
        ".* cannot be stored without code; use a name, or a class or function of eegsk, torch, "
        "skorch or scikit-learn; remove it with set_params; or save the estimator with joblib, "
        "whose files can contain code.$"
    )
    with pytest.raises(TypeError, match=f"^EEGNetClassifier.save: {message}{remedy}"):
        estimator.save(path)
    assert not path.exists()


def test_a_subclass_is_refused(X, y, path):  # noqa: F811
    with pytest.raises(TypeError, match="OwnNetwork.save: OwnNetwork is not an estimator of eegsk"):
        small(OwnNetwork).fit(X, y).save(path)


def test_parameters_of_the_network_that_were_changed(X, y, path):  # noqa: F811
    estimator = small(EEGNetClassifier).fit(X, y).set_params(n_filters=7)
    with pytest.raises(
        ValueError, match="the network was built with n_filters=2, but n_filters is"
    ):
        estimator.save(path)


def test_types_of_weights_that_a_file_does_not_contain(X, y, path):  # noqa: F811
    estimator = small(EEGClassifier).fit(X, y)
    layer = estimator.module_.network[1]
    layer.bias = nn.Parameter(layer.bias.detach().to(torch.complex64))
    with pytest.raises(TypeError, match="a tensor of type torch.complex64"):
        estimator.save(path)


def test_parameters_of_a_pretrained_estimator_are_named(X, y, path):  # noqa: F811
    from sklearn.frozen import FrozenEstimator

    source = small(EEGNetRegressor, callbacks=[OwnCallback()]).fit(X, y)
    estimator = small(EEGNetRegressor, pretrained=FrozenEstimator(source)).fit(X, y)
    with pytest.raises(TypeError, match=r"pretrained.estimator.callbacks.0=OwnCallback\(\)"):
        estimator.save(path)


def test_lambda_networks_are_passed_to_load(X, y, path):  # noqa: F811
    estimator = EEGClassifier(network=lambda **shape: linear(**shape), max_epochs=1).fit(X, y)
    loaded = saved_and_loaded(estimator, path)
    assert_same(loaded, estimator, X)
    assert eegsk.load(path, network=linear).network is linear
