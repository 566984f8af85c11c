"""Focal-balanced loss and class weights: formulas, limits, gradients."""

import re
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from eegsk import EEGNetClassifier
from eegsk.losses import FocalBalancedLoss, class_weights

from .networks import small

LOGITS = torch.tensor(np.random.default_rng(0).normal(0, 2, (12, 4)))
TARGET = torch.arange(12) % 4
SOFT = torch.softmax(LOGITS.flip(0), 1)
AMOUNTS = "a list of numbers, none below zero, some above."
WEIGHT = torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64)


def by_formula(logits, target, gamma, alpha, weight):
    """Return the loss of each trial, written as in the paper, in the probability."""
    p = torch.softmax(logits, 1)[range(len(target)), target]
    return weight[target] * alpha * (1 - p) ** gamma * -p.log()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("alpha", [1.0, 0.25])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_loss_is_that_of_the_formula(gamma, alpha, weight):
    expected = by_formula(
        LOGITS, TARGET, gamma, alpha, 1 + 0 * WEIGHT if weight is None else weight
    )
    for reduction, value in (
        ("none", expected),
        ("mean", expected.mean()),
        ("sum", expected.sum()),
    ):
        loss = FocalBalancedLoss(gamma, alpha, weight, reduction)
        torch.testing.assert_close(loss(LOGITS, TARGET), value, rtol=1e-12, atol=0)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("target", [TARGET, SOFT])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_without_focus_it_is_cross_entropy(reduction, target, dtype):
    logits, target = LOGITS.to(dtype), target if target is TARGET else target.to(dtype)
    found = FocalBalancedLoss(gamma=0, reduction=reduction)(logits, target)
    torch.testing.assert_close(found, F.cross_entropy(logits, target, reduction=reduction))
    weighted = FocalBalancedLoss(gamma=0, weight=WEIGHT, reduction="none")(logits, target)
    expected = F.cross_entropy(logits, target, WEIGHT.to(dtype), reduction="none")
    torch.testing.assert_close(weighted, expected)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_loss_is_linear_in_soft_targets(gamma):
    loss = FocalBalancedLoss(gamma, weight=WEIGHT, reduction="none")
    hard = [F.one_hot(target, 4).double() for target in (TARGET, TARGET.flip(0))]
    torch.testing.assert_close(loss(LOGITS, hard[0]), loss(LOGITS, TARGET))
    mixed = loss(LOGITS, 0.3 * hard[0] + 0.7 * hard[1])
    expected = 0.3 * loss(LOGITS, TARGET) + 0.7 * loss(LOGITS, TARGET.flip(0))
    torch.testing.assert_close(mixed, expected)


@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("soft", [False, True])
def test_gradients_are_those_of_finite_differences(gamma, soft):
    loss = FocalBalancedLoss(gamma, 0.5, WEIGHT)
    logits = LOGITS.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, SOFT if soft else TARGET), logits)


@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.5, 1.0, 2.0, 10.0])
@pytest.mark.parametrize("size", [0.0, 20.0, 200.0, 1e4, 1e30])
@pytest.mark.parametrize("soft", [False, True])
def test_finite_when_the_network_is_certain(gamma, size, soft):
    """One trial is certainly right, one certainly wrong."""
    logits = (size * torch.tensor([[1.0, -1.0], [-1.0, 1.0]])).requires_grad_()
    target = torch.tensor([[1.0, 0.0], [1.0, 0.0]]) if soft else torch.tensor([0, 0])
    losses = FocalBalancedLoss(gamma, reduction="none")(logits, target)
    losses.sum().backward()
    assert losses.isfinite().all()
    assert logits.grad.isfinite().all()
    if size >= 200:
        assert losses[0] == 0
        assert losses[1].item() == pytest.approx(2 * size)
        torch.testing.assert_close(logits.grad, torch.tensor([[0.0, 0.0], [-1.0, 1.0]]))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"gamma": -1}, "gamma=-1 should be a number of at least 0."),
        ({"gamma": "2"}, "gamma='2' should be a number of at least 0."),
        ({"alpha": float("nan")}, "alpha=nan should be a number of at least 0."),
        ({"reduction": "max"}, "reduction='max' should be 'mean', 'sum' or 'none'."),
        ({"weight": [1, -1]}, f"weight=[1, -1] should be {AMOUNTS}"),
        ({"weight": [1, float("nan")]}, f"weight=[1, nan] should be {AMOUNTS}"),
        ({"weight": [1, float("inf")]}, f"weight=[1, inf] should be {AMOUNTS}"),
        ({"weight": np.zeros(2)}, f"weight=array([0., 0.]) should be {AMOUNTS}"),
        ({"weight": 2.0}, f"weight=2.0 should be {AMOUNTS}"),
        ({"weight": [1j]}, f"weight=[1j] should be {AMOUNTS}"),
        ({"weight": "balanced"}, f"weight='balanced' should be {AMOUNTS}"),
        ({"weight": {0: 1.0}}, f"weight={{0: 1.0}} should be {AMOUNTS}"),
    ],
)
def test_parameters_of_the_loss_are_checked(parameters, message):
    with pytest.raises((TypeError, ValueError), match=f"^FocalBalancedLoss: {re.escape(message)}$"):
        FocalBalancedLoss(**parameters)


@pytest.mark.parametrize("target", [TARGET, SOFT])
@pytest.mark.parametrize("weight", [[1.0], [1.0, 1.0, 1.0], np.ones(5)])
def test_a_weight_for_each_class(weight, target):
    message = f"^FocalBalancedLoss: weight has {len(weight)} values for 4 classes; give one for"
    with pytest.raises(ValueError, match=message):
        FocalBalancedLoss(weight=weight)(LOGITS, target)


@pytest.mark.parametrize(
    "criterion",
    ["focal_balanced", "FocalBalancedLoss", FocalBalancedLoss, partial(FocalBalancedLoss, gamma=2)],
)
def test_as_the_criterion_of_an_estimator(criterion, X, y):
    weight = np.linspace(1, 2, len(X))
    estimator = small(EEGNetClassifier, criterion=criterion, valid_split=0.25)
    estimator.fit(X, y, sample_weight=weight)
    assert isinstance(estimator.net_.criterion_, FocalBalancedLoss)
    np.testing.assert_allclose(estimator.net_.predict_proba(X).sum(1), 1, rtol=1e-5)
    plain = small(EEGNetClassifier, valid_split=0.25).fit(X, y, sample_weight=weight)
    assert estimator.history_[0, "train_loss"] < plain.history_[0, "train_loss"] / 2


def test_as_cross_entropy_it_trains_to_the_same_weights(X, y):
    criterion = partial(FocalBalancedLoss, gamma=0)
    states = [
        small(EEGNetClassifier, criterion=item).fit(X, y).module_.state_dict()
        for item in (criterion, "cross_entropy")
    ]
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name])


# Class weights


def test_what_is_shown_of_the_loss():
    assert repr(FocalBalancedLoss(1.5)) == (
        "FocalBalancedLoss(gamma=1.5, alpha=1.0, reduction='mean')"
    )
    assert "alpha=1.0, weight=[1.0, 9.0], reduction" in repr(FocalBalancedLoss(weight=[1.0, 9.0]))


def test_balanced_weights():
    weights = class_weights([70, 10, 20]).numpy()
    np.testing.assert_allclose(weights, 100 / (3 * np.array([70, 10, 20])))
    np.testing.assert_allclose(weights * [70, 10, 20], 100 / 3)


def test_weights_by_effective_number():
    """The formula of the paper: (1 - beta) / (1 - beta ** n), scaled to sum to the classes."""
    counts = np.array([700.0, 10.0, 20.0])
    raw = (1 - 0.99) / (1 - 0.99**counts)
    found = class_weights(counts, "effective", 0.99).numpy()
    np.testing.assert_allclose(found, raw * 3 / raw.sum())


def test_effective_numbers_lie_between_equal_and_inverse():
    counts = [700, 10, 20]
    np.testing.assert_allclose(class_weights(counts, "effective", 0.0), 1)
    inverse = class_weights(counts)
    nearly = class_weights(counts, "effective", 1 - 1e-9)
    np.testing.assert_allclose(nearly / nearly.sum(), inverse / inverse.sum(), rtol=1e-5)


@pytest.mark.parametrize("scheme", ["balanced", "effective"])
def test_a_class_without_trials_has_no_weight(scheme):
    weights = class_weights([5, 0, 5], scheme)
    assert weights.tolist() == pytest.approx([1, 0, 1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), f"counts=[] should be {AMOUNTS}"),
        (([0, 0],), f"counts=[0, 0] should be {AMOUNTS}"),
        (([1, -1],), f"counts=[1, -1] should be {AMOUNTS}"),
        (([1, float("nan")],), f"counts=[1, nan] should be {AMOUNTS}"),
        (("many",), f"counts='many' should be {AMOUNTS}"),
        (([1, 2], "log"), "scheme='log' should be 'balanced' or 'effective'."),
        (([1, 2], "effective", 1.0), "beta=1.0 should be a number of at least 0 and below 1."),
        (([1, 2], "effective", "1"), "beta='1' should be a number of at least 0 and below 1."),
    ],
)
def test_class_weights_are_checked(arguments, message):
    with pytest.raises((TypeError, ValueError), match=f"^class_weights: {re.escape(message)}$"):
        class_weights(*arguments)
