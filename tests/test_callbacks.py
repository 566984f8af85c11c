"""Callbacks: each with every estimator, in searches, pickled, and in pairs."""

import functools
import inspect
import itertools
import pickle
from contextlib import contextmanager
from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, KFold
from torch import nn

from eegsk import EEGClassifier, EEGNetClassifier, EEGNetRegressor
from eegsk.callbacks import (
    EMA,
    SAM,
    SWA,
    CosineWarmRestarts,
    CosineWarmup,
    EarlyStopping,
    FocalBalance,
    GradientClipping,
    MixedPrecision,
    OneCycle,
    StopTraining,
    TrainingCallback,
)
from eegsk.losses import FocalBalancedLoss, class_weights

from .networks import ESTIMATORS, linear, small
from .witness import assert_same, differ, observed

# Parameters with which each changes the weights visibly in two epochs.
TECHNIQUES = [
    SAM(rho=0.5),
    SAM(rho=0.5, adaptive=True),
    SWA(start=1),
    EMA(decay=0.5),
    FocalBalance(),
    MixedPrecision(),
    GradientClipping(max_norm=0.01),
    CosineWarmRestarts(t_0=1),
    CosineWarmup(warmup=0.5),
    OneCycle(max_lr=0.05),
]
FIELDS = {"optimizer": "sgd", "weight_decay": 0, "lr": 0.01, "batch_size": 12}
PLAIN = {}  # the module of each estimator without callbacks


def is_for(technique, estimator_class):
    return not isinstance(technique, FocalBalance) or "Classifier" in estimator_class.__name__


# All techniques


@pytest.mark.parametrize(
    ("technique", "estimator_class"),
    [pair for pair in itertools.product(TECHNIQUES, ESTIMATORS) if is_for(*pair)],
)
def test_each_technique_makes_a_difference_to_each_estimator(technique, estimator_class, X, y):
    module = small(estimator_class, callbacks=[technique], **FIELDS).fit(X, y).module_
    assert all(weight.isfinite().all() for weight in module.parameters())
    if estimator_class not in PLAIN:
        PLAIN[estimator_class] = small(estimator_class, **FIELDS).fit(X, y).module_
    assert differ(module, PLAIN[estimator_class])


@pytest.mark.parametrize("technique", TECHNIQUES, ids=str)
def test_parameters_pickles_and_clones(technique, X, y):
    name = type(technique).__name__.lower()
    estimator = small(EEGNetClassifier, callbacks=[technique], valid_split=KFold(2)).fit(X, y)
    assert set(vars(technique)) == set(technique.get_params())  # what is learned is in a copy
    copies = [pickle.loads(pickle.dumps(estimator)), clone(estimator).fit(X, y)]
    for other in copies:
        assert_same(other.module_, estimator.module_)
        np.testing.assert_array_equal(other.predict_proba(X), estimator.predict_proba(X))
    rows = [estimator.partial_fit(X, y).history_[-1], copies[0].partial_fit(X, y).history_[-1]]
    assert rows[0]["train_loss"] == rows[1]["train_loss"]
    assert rows[0]["valid_loss"] == rows[1]["valid_loss"]
    for parameter, value in technique.get_params().items():
        assert estimator.get_params()[f"callbacks__{name}__{parameter}"] == value


@pytest.mark.parametrize(
    ("technique", "grid"),
    [
        (SAM(), {"callbacks__sam__rho": [0.02, 0.1], "callbacks__sam__adaptive": [False, True]}),
        (SWA(), {"callbacks__swa__start": [1, 0.5], "callbacks__swa": [None, SWA(lr=0.01)]}),
        (EMA(), {"callbacks__ema__decay": [0.5, 0.9]}),
        (FocalBalance(), {"callbacks__focalbalance__gamma": [0, 2]}),
        (GradientClipping(), {"callbacks__gradientclipping__max_norm": [0.1, 1]}),
        (CosineWarmRestarts(), {"callbacks__cosinewarmrestarts__t_0": [1, 2]}),
    ],
)
def test_searches(technique, grid, X, y):
    for part in ({name: values} for name, values in grid.items()):
        estimator = small(EEGNetClassifier, callbacks=[technique], max_epochs=1)
        search = GridSearchCV(estimator, part, cv=2, error_score="raise").fit(X, y)
        assert len(search.cv_results_["params"]) == 2
        np.testing.assert_array_equal(search.predict(X), search.best_estimator_.predict(X))


# Each with each other


def conflict(first, second):
    """Return whether two callbacks control the same quantity."""
    return first.controls is not None and first.controls == second.controls


PAIRS = list(itertools.combinations(TECHNIQUES, 2))


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_pairs_in_either_order(first, second, X, y):
    fields = {"valid_split": 0.25, "max_epochs": 2, "batch_size": 9}
    orders = [[first, second], [second, first]]
    estimators = [small(EEGNetClassifier, callbacks=order, **fields) for order in orders]
    if conflict(first, second):
        with pytest.raises(ValueError, match=f"both set {first.controls}; use only one of them"):
            estimators[0].fit(X, y)
        return
    modules = [estimator.fit(X, y).module_ for estimator in estimators]
    assert all(weight.isfinite().all() for weight in modules[0].parameters())
    assert_same(*modules)


TOGETHER = [
    SAM(),
    FocalBalance(),
    CosineWarmRestarts(t_0=2),
    MixedPrecision(),
    GradientClipping(1.0),
    EarlyStopping(patience=3),
]


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
@pytest.mark.parametrize("average", [SWA(start=2, lr=1e-3), EMA(0.9)])
def test_all_together(estimator_class, average, X, y):
    callbacks = [item for item in (*TOGETHER, average) if is_for(item, estimator_class)]
    fields = {"callbacks": callbacks, "valid_split": 0.25, "max_epochs": 2, "batch_size": 9}
    module = small(estimator_class, **fields).fit(X, y, sample_weight=1.0 + y).module_
    assert all(weight.isfinite().all() for weight in module.parameters())


def test_all_together_the_same_in_each_fit(X, y):
    fields = {"callbacks": [*TOGETHER, SWA(start=2)], "valid_split": 0.25, "max_epochs": 3}
    estimator = small(EEGNetClassifier, **fields)
    module = estimator.fit(X, y).module_
    assert_same(estimator.fit(X, y).module_, module)


# Gradient clipping


@pytest.mark.parametrize("norm_type", [1.0, 2.0, "inf", float("inf")])
@pytest.mark.parametrize("max_norm", [1e-3, 1e6])
def test_clipping_bounds_the_step_of_sgd(norm_type, max_norm, X, y):
    fields = {"network": linear, "optimizer": "sgd", "weight_decay": 0, "lr": 0.1, "max_epochs": 1}
    callbacks = [GradientClipping(max_norm, norm_type)]
    estimator = EEGClassifier(callbacks=callbacks, random_state=0, **fields)
    estimator, witness = observed(estimator, X, y)
    before = nn.utils.parameters_to_vector(witness.before_.parameters())
    step = (nn.utils.parameters_to_vector(estimator.module_.parameters()) - before) / 0.1
    length = torch.linalg.vector_norm(step, float(norm_type)).item()
    if max_norm < 1:
        assert length == pytest.approx(max_norm, rel=1e-2)
    else:
        plain = EEGClassifier(random_state=0, **fields).fit(X, y)
        assert_same(estimator.module_, plain.module_)


@pytest.mark.parametrize(
    "parameters",
    [
        {"max_norm": 0},
        {"max_norm": np.inf},
        {"norm_type": -1},
        {"norm_type": -np.inf},
        {"norm_type": np.nan},
        {"norm_type": "two"},
    ],
)
def test_parameters_of_clipping_are_checked(parameters, X, y):
    with pytest.raises((ValueError, TypeError), match="GradientClipping: (max_norm|norm_type)="):
        small(EEGNetClassifier, callbacks=[GradientClipping(**parameters)]).fit(X, y)


# Focal balance


def focal(estimator):
    return dict(estimator.net_.callbacks_)["focalbalance"]


@pytest.mark.parametrize("scheme", ["balanced", "effective", None])
def test_class_weights_are_those_of_the_training_labels_alone(scheme, X):
    y = np.array(["a"] * 9 + ["b"] * 3 + ["b"] * 12)  # the first half is validated on
    y[12:14] = "a"
    callbacks = [FocalBalance(scheme=scheme, beta=0.9)]
    estimator = small(EEGNetClassifier, callbacks=callbacks, valid_split=KFold(2)).fit(X, y)
    assert focal(estimator).counts_ == [2, 10]
    expected = [1, 1] if scheme is None else class_weights([2, 10], scheme, 0.9).tolist()
    assert focal(estimator).class_weight_ == pytest.approx(expected)
    assert estimator.net_.criterion_.weight.tolist() == pytest.approx(expected)
    other = small(EEGNetClassifier, callbacks=callbacks, valid_split=KFold(2))
    y[:12] = np.array(["a", "b"] * 6)
    assert_same(other.fit(X, y).module_, estimator.module_)


def test_folds_do_not_share_class_weights(X):
    y = (np.arange(24) < 8).astype(int)
    estimator = small(EEGNetClassifier, callbacks=[FocalBalance()])
    weights = [
        focal(clone(estimator).fit(X[train], y[train])).class_weight_
        for train in (slice(0, 12), slice(4, 24))
    ]
    assert weights == [pytest.approx([12 / 8, 12 / 16]), pytest.approx([20 / 32, 20 / 8])]


def test_losses_are_those_of_the_formula_in_training_and_validation(X, y):
    y = np.where(np.arange(24) % 4 == 0, 1, 0)
    fields = {"valid_split": KFold(2), "max_epochs": 3, "lr": 0.05, "callbacks": [FocalBalance(1)]}
    estimator = small(EEGNetClassifier, **fields).fit(X, y)
    p = estimator.predict_proba(X[:12])[np.arange(12), y[:12]]
    weight = np.array(focal(estimator).class_weight_)[y[:12]]
    expected = np.mean(weight * (1 - p) * -np.log(p))
    assert estimator.history_[-1, "valid_loss"] == pytest.approx(expected, abs=1e-5)


def test_trials_count_as_often_as_their_weights_say(X):
    """So a trial of weight two is two trials, and classes that are balanced need no more."""
    y = (np.arange(24) < 6).astype(int)
    twice = small(EEGNetClassifier, callbacks=[FocalBalance()])
    twice.fit(X, y, sample_weight=1.0 + y)
    assert focal(twice).class_weight_ == pytest.approx([30 / 36, 30 / 24])
    both = small(EEGNetClassifier, callbacks=[FocalBalance()], class_weight="balanced")
    assert focal(both.fit(X, y)).class_weight_ == pytest.approx([1, 1])


def test_partial_fit_counts_over_all_calls(X):
    y = (np.arange(24) < 6).astype(int)
    estimator = small(EEGNetClassifier, callbacks=[FocalBalance()])
    estimator.partial_fit(X[:6], y[:6], classes=[0, 1])
    assert focal(estimator).class_weight_ == [0, 1]
    estimator.partial_fit(X[6:], y[6:])
    assert focal(estimator).class_weight_ == pytest.approx([24 / 36, 24 / 12])


def test_focal_balance_does_not_replace_a_loss_that_was_chosen(X, y):
    chosen = functools.partial(FocalBalancedLoss, gamma=5.0, alpha=0.3)
    for criterion in (chosen, "focal_balanced"):
        estimator = small(EEGNetClassifier, callbacks=[FocalBalance()], criterion=criterion)
        with pytest.raises(ValueError, match="FocalBalance replaces cross-entropy, but"):
            estimator.fit(X, y)


@pytest.mark.parametrize("criterion", ["multi_margin", nn.CrossEntropyLoss])
def test_focal_balance_is_for_classifiers_with_cross_entropy(criterion, X, y):
    callbacks = [FocalBalance()]
    if criterion == "multi_margin":
        with pytest.raises(ValueError, match="FocalBalance replaces cross-entropy, but"):
            small(EEGNetClassifier, callbacks=callbacks, criterion=criterion).fit(X, y)
    else:
        small(EEGNetClassifier, callbacks=callbacks, criterion=criterion).fit(X, y)
    with pytest.raises(ValueError, match="FocalBalance computes class weights, but the"):
        small(EEGNetRegressor, callbacks=callbacks).fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"gamma": -1}, "FocalBalance: gamma=-1 should be a number of at least 0"),
        ({"scheme": "log"}, "FocalBalance: scheme='log' should be 'balanced', 'effective' or None"),
        ({"beta": 1.0}, "FocalBalance: beta=1.0 should be"),
    ],
)
def test_parameters_of_focal_balance_are_checked(parameters, message, X, y):
    with pytest.raises(ValueError, match=message):
        small(EEGNetClassifier, callbacks=[FocalBalance(**parameters)]).fit(X, y)


class Nested(TrainingCallback):
    """Note when the hooks of a training step begin and end."""

    name: str = ""
    calls: ClassVar = []

    def compute_gradients(self, net, batch, compute):
        self.calls.append(f"compute {self.name}")
        step = compute(batch)
        self.calls.append(f"computed {self.name}")
        return step

    @contextmanager
    def autocast(self, net):
        self.calls.append(f"autocast {self.name}")
        yield

    def differentiate(self, net, loss, backward):
        self.calls.append(f"differentiate {self.name}")
        backward(loss)


def test_hooks_of_a_step_are_nested_in_the_order_of_the_list(X, y):
    Nested.calls.clear()
    callbacks = [Nested("a"), Nested("b")]
    small(EEGNetClassifier, callbacks=callbacks, max_epochs=1, batch_size=24).fit(X, y)
    hooks = ["compute", "autocast", "differentiate"]
    expected = [f"{hook} {name}" for hook in hooks for name in "ab"]
    assert Nested.calls == [*expected, "computed b", "computed a"]


class Stops(TrainingCallback):
    """Stop training in a hook of the second epoch."""

    hook: str = "on_epoch_end"

    def on_epoch_end(self, net, **kwargs):
        if self.hook == "on_epoch_end" and len(net.history) == 2:
            raise StopTraining

    def on_batch_end(self, net, training=False, **kwargs):
        if self.hook == "on_batch_end" and len(net.history) == 2:
            raise StopTraining


@pytest.mark.parametrize(("hook", "n_epochs"), [("on_epoch_end", 2), ("on_batch_end", 1)])
def test_a_callback_stops_training(hook, n_epochs, X, y):
    """A later callback still sees the last complete epoch."""
    callbacks = [Stops(hook), EarlyStopping(monitor="train_loss")]
    estimator = small(EEGNetClassifier, callbacks=callbacks, max_epochs=5).fit(X, y)
    losses = estimator.history_[:, "train_loss"]
    assert estimator.n_iter_ == len(losses) == n_epochs
    early = dict(estimator.net_.callbacks_)["earlystopping"]
    assert early.best_epoch_ == 1 + int(np.argmin(losses))


def test_the_base_class_documents_every_hook():
    hooks = {name for name in vars(TrainingCallback) if not name.startswith("_")}
    assert {"after_train_begin", "compute_gradients", "autocast", "differentiate"} < hooks
    assert {"on_epoch_trained", "after_epoch_end", "after_train", "state_dict"} < hooks
    for name in hooks - {"controls", "state_attributes"}:
        assert inspect.getdoc(getattr(TrainingCallback, name))


def imbalanced(rng, n_of_each):
    """Return trials of two classes that differ in the power of one electrode."""
    y = np.repeat([0, 1], n_of_each)
    X = rng.standard_normal((len(y), 3, 48))
    X[:, 0] *= np.where(y, 1.6, 1.0)[:, None]
    return X, y


@pytest.mark.slow
def test_it_helps_the_rare_class():
    """One trial in eight is of the rare class; both classes count the same in the score."""
    scores = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X, y = imbalanced(rng, [105, 15])
        X_test, y_test = imbalanced(rng, [100, 100])
        found = []
        for callbacks in ([], [FocalBalance()]):
            fields = {"n_filters": 4, "max_epochs": 25, "dropout": 0.25, "callbacks": callbacks}
            estimator = small(EEGNetClassifier, **{**fields, "random_state": seed}).fit(X, y)
            found.append(balanced_accuracy_score(y_test, estimator.predict(X_test)))
        scores.append(found)
    without, with_it = np.mean(scores, axis=0)
    assert with_it > without + 0.1
