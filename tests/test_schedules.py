"""Schedules: those of torch, step by step, and how they go with the rest."""

import copy

import numpy as np
import pytest
import torch
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, OneCycleLR

from eegsk import EEGNetClassifier, EEGNetRegressor
from eegsk.callbacks import CosineWarmRestarts, CosineWarmup, OneCycle

from .networks import ESTIMATORS, small
from .witness import assert_same, observed

N_EPOCHS, N_STEPS = 7, 4


def rates(schedule, X, y, **fields):
    """Return the learning rates of all steps of a fit, and its history."""
    fields = {"max_epochs": N_EPOCHS, "batch_size": 7, "lr": 0.01, **fields}
    estimator, witness = observed(small(EEGNetClassifier, callbacks=[schedule], **fields), X, y)
    return witness.lrs_, estimator.history_


def of_torch(scheduler, *epochs):
    """Return the learning rates of a scheduler of torch, stepped without or with epochs."""
    scheduler.optimizer.step()
    found = []
    for i in range(N_EPOCHS * N_STEPS):
        found.append(scheduler.optimizer.param_groups[0]["lr"])
        if i + 1 < N_EPOCHS * N_STEPS:
            scheduler.step(*(epoch[i + 1] for epoch in epochs))
    return found


def optimizer():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.01)


@pytest.mark.parametrize(("t_0", "t_mult", "lr_min"), [(2, 1, 0.0), (1, 2, 1e-3), (20, 1, 0.0)])
def test_warm_restarts_are_those_of_torch(t_0, t_mult, lr_min, X, y):
    reference = CosineAnnealingWarmRestarts(optimizer(), t_0, t_mult, lr_min)
    expected = of_torch(reference, np.arange(N_EPOCHS * N_STEPS) / N_STEPS)
    found, history = rates(CosineWarmRestarts(t_0, t_mult, lr_min), X, y)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert history[:, "lr"] == found[::N_STEPS]
    batches = [batch["lr"] for batch in history[-1, "batches"]]
    assert batches == found[-N_STEPS:]


@pytest.mark.parametrize("max_lr", [None, 0.5])
@pytest.mark.parametrize("rise", [0.3, 0.5])
def test_one_cycle_is_that_of_torch(max_lr, rise, X, y):
    reference = OneCycleLR(
        optimizer(), max_lr or 0.01, N_EPOCHS * N_STEPS, pct_start=rise, cycle_momentum=False
    )
    found, _ = rates(OneCycle(max_lr, rise, end_factor=1 / 25e4), X, y)
    np.testing.assert_allclose(found, of_torch(reference), atol=1e-12)


@pytest.mark.parametrize(("warmup", "n_rise"), [(0.25, 7), (2, 8), (0.0, 0)])
def test_cosine_with_warm_up(warmup, n_rise, X, y):
    found, _ = rates(CosineWarmup(warmup, lr_min=1e-3), X, y)
    np.testing.assert_allclose(found[:n_rise], 0.01 * np.arange(1, n_rise + 1) / max(n_rise, 1))
    fall = np.arange(28 - n_rise) / (28 - n_rise)
    np.testing.assert_allclose(found[n_rise:], 1e-3 + 9e-3 * (1 + np.cos(np.pi * fall)) / 2)


@pytest.mark.parametrize("schedule", [CosineWarmRestarts(3), CosineWarmup(), OneCycle()])
def test_partial_fit_goes_on_along_the_schedule(schedule, X, y):
    fields = {"max_epochs": 4, "batch_size": 7, "lr": 0.01, "callbacks": [schedule]}
    whole = small(EEGNetRegressor, **fields).fit(X, y).history_[:, "lr"]
    parts = small(EEGNetRegressor, **fields)
    for _ in range(4):
        parts.partial_fit(X, y)
    assert parts.history_[:, "lr"] == whole
    assert parts.net_.optimizer_.param_groups[0]["lr"] == 0.01
    parts.partial_fit(X, y)
    longer = copy.deepcopy(parts).set_params(lr=0.1).partial_fit(X, y)
    usual = parts.partial_fit(X, y)
    assert longer.history_[-1, "lr"] == pytest.approx(10 * usual.history_[-1, "lr"])


def test_a_schedule_matters(X, y):
    fields = {"max_epochs": 4, "lr": 0.05}
    with_it = small(EEGNetClassifier, callbacks=[CosineWarmup()], **fields).fit(X, y)
    without = small(EEGNetClassifier, **fields).fit(X, y)
    assert with_it.history_[-1, "train_loss"] != without.history_[-1, "train_loss"]


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_any_schedule_of_torch_by_skorch(estimator_class, X, y):
    schedule = LRScheduler("ReduceLROnPlateau", monitor="valid_loss", patience=0, threshold=10.0)
    fields = {"callbacks": [schedule], "valid_split": 0.25, "max_epochs": 4}
    estimator = small(estimator_class, lr=0.1, **fields).fit(X, y)
    assert estimator.history_[:, "event_lr"] == pytest.approx([0.1, 0.01, 1e-3, 1e-4])


def test_a_schedule_of_torch_is_the_one_of_that_name_here(X, y):
    fields = {"max_epochs": 4, "batch_size": 24, "lr": 0.05}
    policy = {"T_0": 2, "eta_min": 1e-3}
    schedules = [
        LRScheduler(CosineAnnealingWarmRestarts, **policy),
        CosineWarmRestarts(t_0=2, lr_min=1e-3),
    ]
    found = [small(EEGNetClassifier, callbacks=[item], **fields).fit(X, y) for item in schedules]
    assert_same(found[0].module_, found[1].module_, atol=1e-6)


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        ([CosineWarmRestarts(t_0=0)], "CosineWarmRestarts: t_0=0 should be an integer of at least"),
        ([CosineWarmup(lr_min=-1)], "CosineWarmup: lr_min=-1 should be"),
        ([CosineWarmup(lr_min=0.1)], "CosineWarmup: lr_min=0.1 is above the learning rate, lr=0.0"),
        ([CosineWarmRestarts(lr_min=0.1)], "CosineWarmRestarts: lr_min=0.1 is above the learning"),
        (
            [CosineWarmup(warmup=7)],
            "CosineWarmup: warmup=7 is as long as the training, max",
        ),
        ([OneCycle(rise=1.0)], "OneCycle: rise=1.0 should be a number strictly between 0 and 1"),
        ([OneCycle(), CosineWarmup()], "OneCycle and CosineWarmup both set the learning rate"),
        ([LRScheduler("StepLR", step_size=1), OneCycle()], "OneCycle and LRScheduler both set"),
    ],
)
def test_parameters_are_checked_in_fit(callbacks, message, X, y):
    with pytest.raises(ValueError, match=message):
        small(EEGNetClassifier, callbacks=callbacks, max_epochs=7).fit(X, y)


@pytest.mark.parametrize("schedule", [CosineWarmRestarts(3, lr_min=0.01), CosineWarmup(0, 0.01)])
def test_a_cosine_that_stays_where_it_is(schedule, X, y):
    found, _ = rates(schedule, X, y)
    assert found == [0.01] * N_EPOCHS * N_STEPS
