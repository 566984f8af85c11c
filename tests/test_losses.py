"""Focal loss and class weights: formulas, limits, gradients."""

import re
import warnings
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from eegsk import EEGNetClassifier
from eegsk.losses import FocalBalancedLoss, class_weights, warn_about_balance

from .networks import small

LOGITS = torch.tensor(np.random.default_rng(0).normal(0, 2, (12, 4)))
TARGET = torch.arange(12) % 4
SOFT = torch.softmax(LOGITS.flip(0), 1)
NON_NEGATIVE = "a list of non-negative numbers, at least one of them positive."
WEIGHT = torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64)


def by_formula(logits, target, gamma, alpha, weight):
    """Return the loss of each trial by the formula of the paper."""
    p = torch.softmax(logits, 1)[range(len(target)), target]
    return weight[target] * alpha * (1 - p) ** gamma * -p.log()


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("alpha", [1.0, 0.25])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_loss_equals_the_formula(gamma, alpha, weight):
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
def test_loss_with_gamma_zero_is_cross_entropy(reduction, target, dtype):
    logits, target = LOGITS.to(dtype), target if target is TARGET else target.to(dtype)
    loss = FocalBalancedLoss(gamma=0, reduction=reduction)(logits, target)
    torch.testing.assert_close(loss, F.cross_entropy(logits, target, reduction=reduction))
    weighted = FocalBalancedLoss(gamma=0, weight=WEIGHT, reduction="none")(logits, target)
    expected = F.cross_entropy(logits, target, WEIGHT.to(dtype), reduction="none")
    torch.testing.assert_close(weighted, expected)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_loss_is_linear_in_class_probabilities(gamma):
    loss = FocalBalancedLoss(gamma, weight=WEIGHT, reduction="none")
    hard = [F.one_hot(target, 4).double() for target in (TARGET, TARGET.flip(0))]
    torch.testing.assert_close(loss(LOGITS, hard[0]), loss(LOGITS, TARGET))
    mixed = loss(LOGITS, 0.3 * hard[0] + 0.7 * hard[1])
    expected = 0.3 * loss(LOGITS, TARGET) + 0.7 * loss(LOGITS, TARGET.flip(0))
    torch.testing.assert_close(mixed, expected)


@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("soft", [False, True])
def test_gradients_equal_finite_differences(gamma, soft):
    loss = FocalBalancedLoss(gamma, 0.5, WEIGHT)
    logits = LOGITS.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, SOFT if soft else TARGET), logits)


@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.5, 1.0, 2.0, 10.0])
@pytest.mark.parametrize("size", [0.0, 20.0, 200.0, 1e4, 1e30])
@pytest.mark.parametrize("soft", [False, True])
def test_loss_is_finite_for_large_logits(gamma, size, soft):
    """One trial is classified correctly with certainty, the other wrongly."""
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
        ({"weight": [1, -1]}, f"weight=[1, -1] should be {NON_NEGATIVE}"),
        ({"weight": [1, float("nan")]}, f"weight=[1, nan] should be {NON_NEGATIVE}"),
        ({"weight": [1, float("inf")]}, f"weight=[1, inf] should be {NON_NEGATIVE}"),
        ({"weight": np.zeros(2)}, f"weight=array([0., 0.]) should be {NON_NEGATIVE}"),
        ({"weight": 2.0}, f"weight=2.0 should be {NON_NEGATIVE}"),
        ({"weight": [1j]}, f"weight=[1j] should be {NON_NEGATIVE}"),
        ({"weight": "balanced"}, f"weight='balanced' should be {NON_NEGATIVE}"),
        ({"weight": {0: 1.0}}, f"weight={{0: 1.0}} should be {NON_NEGATIVE}"),
    ],
)
def test_bad_parameters_of_the_loss(parameters, message):
    with pytest.raises((TypeError, ValueError), match=f"^FocalBalancedLoss: {re.escape(message)}$"):
        FocalBalancedLoss(**parameters)


@pytest.mark.parametrize("target", [TARGET, SOFT])
@pytest.mark.parametrize("weight", [[1.0], [1.0, 1.0, 1.0], np.ones(5)])
def test_number_of_weights_is_that_of_the_classes(weight, target):
    message = f"^FocalBalancedLoss: weight has {len(weight)} values for 4 classes; pass one weight"
    with pytest.raises(ValueError, match=message):
        FocalBalancedLoss(weight=weight)(LOGITS, target)


@pytest.mark.parametrize(
    "criterion",
    ["focal_balanced", "FocalBalancedLoss", FocalBalancedLoss, partial(FocalBalancedLoss, gamma=2)],
)
def test_loss_is_the_criterion_of_an_estimator(criterion, X, y):
    weight = np.linspace(1, 2, len(X))
    estimator = small(EEGNetClassifier, criterion=criterion, valid_split=0.25)
    estimator.fit(X, y, sample_weight=weight)
    assert isinstance(estimator.net_.criterion_, FocalBalancedLoss)
    np.testing.assert_allclose(estimator.net_.predict_proba(X).sum(1), 1, rtol=1e-5)
    cross_entropy = small(EEGNetClassifier, valid_split=0.25).fit(X, y, sample_weight=weight)
    assert estimator.history_[0, "train_loss"] < cross_entropy.history_[0, "train_loss"] / 2


def test_loss_with_gamma_zero_trains_as_cross_entropy(X, y):
    criterion = partial(FocalBalancedLoss, gamma=0)
    states = [
        small(EEGNetClassifier, criterion=item).fit(X, y).module_.state_dict()
        for item in (criterion, "cross_entropy")
    ]
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name])


def test_representation_of_the_loss():
    assert repr(FocalBalancedLoss(1.5)) == (
        "FocalBalancedLoss(gamma=1.5, alpha=1.0, reduction='mean')"
    )
    assert "alpha=1.0, weight=[1.0, 9.0], reduction" in repr(FocalBalancedLoss(weight=[1.0, 9.0]))


# Class weights


def test_balanced_weights():
    weights = class_weights([70, 10, 20]).numpy()
    np.testing.assert_allclose(weights, 100 / (3 * np.array([70, 10, 20])))
    np.testing.assert_allclose(weights * [70, 10, 20], 100 / 3)


def test_weights_by_effective_number():
    """Formula of the paper: (1 - beta) / (1 - beta ** n), scaled to sum to n_classes."""
    counts = np.array([700.0, 10.0, 20.0])
    expected = (1 - 0.99) / (1 - 0.99**counts)
    weights = class_weights(counts, "effective", 0.99).numpy()
    np.testing.assert_allclose(weights, expected * 3 / expected.sum())
    assert weights.sum() == pytest.approx(3)


def test_limits_of_weights_by_effective_number():
    counts = [700, 10, 20]
    np.testing.assert_allclose(class_weights(counts, "effective", 0.0), 1)
    balanced = class_weights(counts)
    effective = class_weights(counts, "effective", 1 - 1e-9)
    np.testing.assert_allclose(effective / effective.sum(), balanced / balanced.sum(), rtol=1e-5)


@pytest.mark.parametrize("scheme", ["balanced", "effective"])
@pytest.mark.parametrize("count", [1, 5, 0.5])
def test_weight_of_a_class_without_trials_is_zero(scheme, count):
    weights = class_weights([count, 0, count], scheme)
    assert weights.tolist() == pytest.approx([1, 0, 1])
    assert class_weights([count, 0, count], "effective", 0.0).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), f"counts=[] should be {NON_NEGATIVE}"),
        (([0, 0],), f"counts=[0, 0] should be {NON_NEGATIVE}"),
        (([1, -1],), f"counts=[1, -1] should be {NON_NEGATIVE}"),
        (([1, float("nan")],), f"counts=[1, nan] should be {NON_NEGATIVE}"),
        (("many",), f"counts='many' should be {NON_NEGATIVE}"),
        (([1, 2], "log"), "scheme='log' should be 'balanced' or 'effective'."),
        (([1, 2], "effective", 1.0), "beta=1.0 should be a number of at least 0 and below 1."),
        (([1, 2], "effective", "1"), "beta='1' should be a number of at least 0 and below 1."),
    ],
)
def test_bad_arguments_of_class_weights(arguments, message):
    with pytest.raises((TypeError, ValueError), match=f"^class_weights: {re.escape(message)}$"):
        class_weights(*arguments)


# Warning about classes that differ in size


def balance_warning(sizes, criterion="focal_balanced", weight=None):
    """Return the warning about classes of some sizes, or None."""
    y = np.repeat(np.arange(len(sizes)), sizes)
    weight = np.ones(len(y)) if weight is None else np.asarray(weight)
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        warn_about_balance("EEGNetClassifier", criterion, y, weight)
    return str(record[0].message) if record else None


@pytest.mark.parametrize("criterion", ["focal_balanced", "FocalBalancedLoss", "focalbalancedloss"])
@pytest.mark.parametrize(
    ("sizes", "ratio"), [([16, 10], "1.6"), ([2, 1], "2.0"), ([5, 20, 10], "4.0")]
)
def test_classes_that_differ_in_size(criterion, sizes, ratio):
    assert balance_warning(sizes, criterion) == (
        f"EEGNetClassifier: criterion={criterion!r} has no class weights, but the largest class is "
        f"{ratio} times as large as the smallest; set class_weight='balanced', or use "
        "callbacks=[FocalBalance()] instead of the criterion."
    )


@pytest.mark.parametrize("sizes", [[5], [10, 10], [15, 10], [1, 1, 1]])
def test_classes_of_similar_sizes(sizes):
    assert balance_warning(sizes) is None


@pytest.mark.parametrize("criterion", ["cross_entropy", FocalBalancedLoss, None])
def test_other_criteria_of_classes_that_differ_in_size(criterion):
    assert balance_warning([100, 1], criterion) is None


def test_sizes_of_classes_are_sums_of_weights():
    assert balance_warning([2, 2], weight=[1, 1, 1, 0.5]) is None
    assert "is 3.0 times" in balance_warning([2, 2], weight=[1, 2, 0.5, 0.5])
    assert balance_warning([4, 2], weight=[0.5] * 4 + [1] * 2) is None
    assert balance_warning([3, 3, 1], weight=[1] * 6 + [0]) is None  # a class without weight


def test_classes_of_probabilities_have_the_loss_of_the_formula():
    """The loss of a trial is a mean over the classes, with the probabilities as weights."""
    p = torch.softmax(LOGITS, 1)
    losses = WEIGHT * 0.5 * (1 - p) ** 1.5 * -p.log()
    loss = FocalBalancedLoss(1.5, 0.5, WEIGHT, "none")(LOGITS, SOFT)
    torch.testing.assert_close(loss, (losses * SOFT).sum(1))


def test_weights_of_the_loss_can_be_integers():
    loss = FocalBalancedLoss(weight=[1, 3])(LOGITS[:, :2].float(), TARGET[:12] % 2)
    assert loss.dtype == torch.float32


@pytest.mark.parametrize("weight", [[[1.0, 2.0]], 1.0, [1j, 1.0], [1.0, np.inf], ["a", "b"], []])
def test_weights_that_are_no_list_of_numbers(weight):
    with pytest.raises(ValueError, match=f"^FocalBalancedLoss: weight=.* should be {NON_NEGATIVE}"):
        FocalBalancedLoss(weight=weight)
