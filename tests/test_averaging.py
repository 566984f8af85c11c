"""SWA and EMA: the averages of torch, statistics, validation, partial_fit."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
import skorch.callbacks
import torch
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from eegsk import EEGClassifier, EEGNetClassifier
from eegsk.callbacks import EMA, SWA, CosineWarmRestarts, EarlyStopping

from .networks import small
from .witness import assert_same, differ, double_network, observed

VALID = slice(0, 12)
AVERAGES = [SWA(start=3), EMA(decay=0.9), EMA(decay=0.9, warm_up=False, start=2)]


def double(callbacks, dropout=0.5, **fields):
    """Return an estimator in double precision that trains on the second half of the trials."""
    network = partial(double_network, dropout=dropout)
    defaults = {"max_epochs": 5, "batch_size": 5, "lr": 0.02, "random_state": 0}
    return EEGClassifier(network=network, callbacks=callbacks, **{**defaults, **fields})


# Against torch


@pytest.mark.parametrize("start", [1, 3, 0.4, 5, 0.0])
@pytest.mark.parametrize("valid_split", [None, KFold(2)])
def test_swa_is_the_average_of_torch(start, valid_split, X, y):
    _, witness = observed(double([], valid_split=valid_split), X, y)
    first = {1: 1, 3: 3, 0.4: 3, 5: 5, 0.0: 1}[start]
    reference = AveragedModel(witness.modules_[0])
    for module in witness.modules_[first - 1 :]:
        reference.update_parameters(module)
    estimator = double([SWA(start=start)], valid_split=valid_split).fit(X, y)
    for found, expected in zip(
        estimator.module_.parameters(), reference.module.parameters(), strict=True
    ):
        torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)
    assert estimator.history_[:, "n_averaged"] == [max(0, n - first + 1) for n in range(1, 6)]


@pytest.mark.parametrize("validate", [True, False])
def test_statistics_of_swa_are_those_of_torch(validate, X, y):
    swa = SWA(start=3, validate=validate)
    estimator = double([swa], dropout=0.0, valid_split=KFold(2)).fit(X, y)
    reference = copy.deepcopy(estimator.module_)
    reference[1][1].reset_running_stats()
    train = torch.from_numpy(X[12:])
    update_bn(train.tensor_split(3), reference)
    assert_same(estimator.module_, reference, atol=1e-12)


def test_statistics_of_swa_of_the_networks_here(X, y):
    """They are averages over batches of what each batch alone would leave."""
    fields = {"batch_size": 5, "max_epochs": 4, "dropout": 0.0, "lr": 0.05}
    module = small(EEGNetClassifier, callbacks=[SWA(0.5)], **fields).fit(X, y).module_
    batches, alone = torch.from_numpy(X).tensor_split(5), []
    norms = [name for name, item in module.named_modules() if isinstance(item, nn.BatchNorm1d)]
    norms.append("network.trunk.front.temporal_norm")
    for batch in batches:
        fresh = copy.deepcopy(module).train()
        for name in norms:
            fresh.get_submodule(name).momentum = 1.0
        fresh(batch)
        alone.append(fresh)
    for name in norms:
        norm = module.get_submodule(name)
        assert (norm.momentum, norm.num_batches_tracked) == (0.1, 5)
        for part in ("running_mean", "running_var"):
            mean = torch.stack([getattr(item.get_submodule(name), part) for item in alone]).mean(0)
            torch.testing.assert_close(getattr(norm, part), mean, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("start", [1, 0.4])
@pytest.mark.parametrize("valid_split", [None, KFold(2)])
def test_ema_is_the_average_of_torch(start, valid_split, X, y):
    _, witness = observed(double([], valid_split=valid_split), X, y)
    n_steps = len(witness.steps_) // 5
    first = 0 if start == 1 else 2 * n_steps
    average = get_ema_multi_avg_fn(0.9)
    reference = AveragedModel(witness.before_, multi_avg_fn=average, use_buffers=True)
    for module in witness.steps_[first:]:
        reference.update_parameters(module)
    ema = EMA(decay=0.9, warm_up=False, start=start)
    estimator = double([ema], valid_split=valid_split).fit(X, y)
    found, expected = estimator.module_.state_dict(), reference.module.state_dict()
    for name in expected:
        if "num_batches" not in name:
            torch.testing.assert_close(found[name], expected[name], atol=1e-12, rtol=0)
    counts = [max(0, n * n_steps - first) for n in range(1, 6)]
    assert estimator.history_[:, "n_averaged"] == counts


def test_ema_forgets_the_first_weights_soon_if_it_warms_up(X, y):
    _, witness = observed(double([]), X, y)
    average = {name: value.clone() for name, value in witness.steps_[0].named_parameters()}
    for n, module in enumerate(witness.steps_[1:], start=1):
        decay = min(0.6, (1 + n) / (10 + n))
        for name, value in module.named_parameters():
            average[name] = decay * average[name] + (1 - decay) * value
    estimator = double([EMA(decay=0.6)]).fit(X, y)
    for name, value in estimator.module_.named_parameters():
        torch.testing.assert_close(value, average[name], atol=1e-12, rtol=0)


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("validate", [True, False])
def test_averaging_does_not_disturb_training(average, validate, X, y):
    """The weights that are trained, and so the training loss, are those without averaging."""
    average = average.__class__(**{**average.get_params(), "validate": validate})
    with_it, seen = observed(double([average], valid_split=KFold(2)), X, y)
    without, plain = observed(double([], valid_split=KFold(2)), X, y)
    assert with_it.history_[:, "train_loss"] == without.history_[:, "train_loss"]
    for module, other in zip(seen.modules_, plain.modules_, strict=True):
        assert_same(module, other)
    assert differ(with_it.module_, without.module_)


def test_swa_holds_its_learning_rate(X, y):
    callbacks = [SWA(start=3, lr=1e-4), CosineWarmRestarts(t_0=2)]
    for order in (callbacks, callbacks[::-1]):
        estimator, witness = observed(double(order, batch_size=12, lr=0.1), X, y)
        expected = [0.1, 0.1 * 0.8535533905932737, 0.05, 0.1 * 0.1464466094067262]
        assert witness.lrs_ == pytest.approx(expected + [1e-4] * 6)
        assert estimator.history_[:, "lr"] == pytest.approx([0.1, 0.05, 1e-4, 1e-4, 1e-4])
    alone, witness = observed(double([SWA(start=3, lr=1e-4)], batch_size=24, lr=0.1), X, y)
    assert witness.lrs_ == alone.history_[:, "lr"] == [0.1, 0.1, 1e-4, 1e-4, 1e-4]


# Validation


@pytest.mark.parametrize("average", AVERAGES)
def test_validation_is_that_of_what_predicts(average, X, y):
    fields = {"callbacks": [average], "valid_split": KFold(2), "lr": 0.05, "max_epochs": 4}
    estimator = small(EEGNetClassifier, **fields).fit(X, y)
    loss = log_loss(y[VALID], estimator.predict_proba(X[VALID]))
    assert estimator.history_[-1, "valid_loss"] == pytest.approx(loss, abs=1e-5)


@pytest.mark.parametrize("average", AVERAGES)
def test_validation_may_be_that_of_what_is_trained(average, X, y):
    average = average.__class__(**{**average.get_params(), "validate": False})
    fields = {"valid_split": KFold(2), "lr": 0.05, "max_epochs": 4}
    estimator = small(EEGNetClassifier, callbacks=[average], **fields).fit(X, y)
    plain = small(EEGNetClassifier, **fields).fit(X, y)
    assert estimator.history_[:, "valid_loss"] == plain.history_[:, "valid_loss"]
    assert differ(estimator.module_, plain.module_)


# Callbacks that keep weights


class Scripted(skorch.callbacks.Callback):
    """Say how good each epoch was."""

    def __init__(self, values):
        self.values = values

    def on_epoch_end(self, net, **kwargs):
        net.history.record("scripted", self.values[len(net.history) - 1])


@pytest.mark.parametrize("average", [SWA(start=3), EMA(decay=0.9, start=3)])
@pytest.mark.parametrize("values", [[5, 4, 3, 1, 2], [5, 1, 4, 3, 2], [5, 4, 3, 2, 1]])
@pytest.mark.parametrize("is_first", [True, False])
def test_early_stopping_restores_what_was_validated(average, values, is_first, X, y):
    """From the start of averaging on it is the average as it was in the best epoch."""
    stopping = [
        Scripted(values),
        EarlyStopping(monitor="scripted", patience=10, lower_is_better=True),
    ]
    callbacks = [average, *stopping] if is_first else [*stopping, average]
    estimator, witness = observed(double(callbacks, valid_split=KFold(2)), X, y)
    best = int(np.argmin(values))
    assert_same(estimator.module_, witness.after_[best])
    assert differ(estimator.module_, witness.modules_[best]) == (best >= 2)


def test_what_stops_before_averaging_begins_is_not_averaged(X, y):
    callbacks = [
        SWA(start=4),
        Scripted([1, 2, 3]),
        EarlyStopping("scripted", patience=2, lower_is_better=True),
    ]
    estimator, witness = observed(double(callbacks, valid_split=KFold(2)), X, y)
    assert estimator.history_[:, "n_averaged"] == [0, 0, 0]
    assert_same(estimator.module_, witness.modules_[0])


@pytest.mark.parametrize("average", [SWA(validate=False), EMA(validate=False), SWA()])
def test_weights_that_are_not_validated_cannot_be_the_best(average, X, y):
    valid_split = None if average.validate else 0.25
    stopping = EarlyStopping(monitor="train_loss")
    message = f"EarlyStopping would replace the average of {type(average).__name__} by the weights"
    with pytest.raises(ValueError, match=message):
        double([average, stopping], valid_split=valid_split).fit(X, y)
    stopping.set_params(load_best=False)
    double([average, stopping], valid_split=valid_split).fit(X, y)


# Going on


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("pickled", [False, True])
def test_partial_fit_goes_on_from_the_weights_that_were_trained(average, pickled, X, y):
    estimators = [double([average], max_epochs=3), double([], max_epochs=3)]
    for estimator in estimators:
        estimator.fit(X, y)
    if pickled:
        estimators[0] = pickle.loads(pickle.dumps(estimators[0]))
    for estimator in estimators:
        estimator.partial_fit(X, y).partial_fit(X, y)
    with_it, without = estimators
    assert with_it.history_[:, "train_loss"] == without.history_[:, "train_loss"]
    counts = with_it.history_[:, "n_averaged"]
    assert counts[-1] - counts[-2] == counts[-2] - counts[-3] > 0
    assert differ(with_it.module_, without.module_)


def test_partial_fit_that_fails_leaves_the_average_as_it_was(X, y):
    class Fails(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 4:
                raise RuntimeError("on purpose")

    estimator = double([EMA(0.9), Fails()], max_epochs=3).fit(X, y)
    before = copy.deepcopy(estimator)
    with pytest.raises(RuntimeError, match="on purpose"):
        estimator.partial_fit(X, y)
    assert_same(estimator.module_, before.module_)
    states = [dict(item.net_.callbacks_)["ema"].state_dict() for item in (estimator, before)]
    assert states[0]["n_averaged_"] == states[1]["n_averaged_"] == 15
    for part in ("average_", "trained_"):
        for name, value in states[0][part].items():
            assert torch.equal(value, states[1][part][name])


@pytest.mark.parametrize("average", [SWA(start=2), EMA(0.9)])
def test_warm_start_goes_on_from_the_average(average, X, y):
    estimator = double([average], max_epochs=3, warm_start=True).fit(X, y)
    averaged = copy.deepcopy(estimator.module_)
    estimator, witness = observed(estimator, X, y)
    assert_same(witness.before_, averaged)
    assert len(estimator.history_) == 3


# Parameters


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        ([SWA(start=6)], r"SWA: start=6 is epoch 6, but max_epochs=5; lower start"),
        ([EMA(start=1.0)], r"EMA: start=1.0 is epoch 6, but max_epochs=5; lower start"),
        ([SWA(start=-1)], "SWA: start=-1 should be an integer of at least 1 or a number between"),
        ([SWA(start=1.5)], "SWA: start=1.5 should be"),
        ([SWA(lr=0)], "SWA: lr=0 should be a number above 0 or None"),
        ([EMA(decay=1.1)], "EMA: decay=1.1 should be a number between 0 and 1"),
        ([SWA(), EMA()], "SWA and EMA both set the weights for prediction; use only one"),
    ],
)
def test_parameters_are_checked_in_fit(callbacks, message, X, y):
    with pytest.raises(ValueError, match=message):
        double(callbacks).fit(X, y)
