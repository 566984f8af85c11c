"""Training: what the history says, who validates, who may stop it, where it runs."""

import signal

import numpy as np
import pytest
import skorch.callbacks
import torch
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
)
from torch import nn

from eegsk import (
    EEGClassifier,
    EEGNetClassifier,
    EEGNetRegressor,
    EEGNeXClassifier,
    EEGRegressor,
)
from eegsk.blocks.temporal_spatial import FrontEnd
from eegsk.callbacks import EMA, Checkpoint, CosineWarmRestarts, EarlyStopping, StopTraining
from eegsk.model_selection import split_for_validation
from eegsk.training import find_device

from .networks import ESTIMATORS, linear, small

CLASSES = [EEGNetClassifier, EEGNetRegressor]


class Witness(skorch.callbacks.Callback):
    """Record the trials of each batch, by their first value, and the weights after each epoch."""

    def on_train_begin(self, net, **kwargs):
        self.train_, self.valid_, self.states_ = [], [], []

    def on_epoch_begin(self, net, **kwargs):
        self.train_.append([])
        self.valid_.append([])

    def on_batch_end(self, net, batch=None, training=False, **kwargs):
        (self.train_ if training else self.valid_)[-1].append(batch[0]["x"][:, 0, 0].tolist())

    def on_epoch_end(self, net, **kwargs):
        self.states_.append({k: v.clone() for k, v in net.module_.state_dict().items()})


def observed(estimator, X, y, **fit_params):
    """Fit with a witness, and return the estimator and what the witness has seen."""
    callbacks = [Witness(), *(estimator.callbacks or [])]
    estimator.set_params(callbacks=callbacks).fit(X, y, **fit_params)
    return estimator, dict(estimator.net_.callbacks_)["witness"]


def trials_of(epoch, X):
    """Return the indices of the trials of an epoch's batches, in their order."""
    index = {value: i for i, value in enumerate(X[:, 0, 0].tolist())}
    return [index[value] for batch in epoch for value in batch]


def sides(estimator, X, y, **fit_params):
    """Return the trials that an estimator trained on and those it validated on."""
    _, witness = observed(estimator, X, y, **fit_params)
    return sorted(trials_of(witness.train_[0], X)), sorted(trials_of(witness.valid_[0], X))


# History


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_history_has_losses_and_scores_of_each_epoch(estimator_class, X, y):
    estimator = small(estimator_class, max_epochs=3, valid_split=0.25).fit(X, y)
    assert estimator.history_ is estimator.net_.history
    assert estimator.n_iter_ == len(estimator.history_) == 3
    for column in ("train_loss", "train_score", "valid_loss", "valid_score"):
        values = estimator.history_[:, column]
        assert np.isfinite(values).all()
        assert len(set(values)) > 1 or column.endswith("score")
    assert estimator.history_[:, "epoch"] == [1, 2, 3]


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_history_has_no_validation_without_a_split(estimator_class, X, y):
    row = small(estimator_class).fit(X, y).history_[-1]
    assert {"train_loss", "train_score"} <= row.keys()
    assert not {"valid_loss", "valid_score"} & row.keys()


@pytest.mark.parametrize("batch_size", [5, 64])
def test_validation_of_a_classifier_is_that_of_its_predictions(batch_size, X, y):
    weight = np.linspace(0.5, 3, len(X))
    fields = {"batch_size": batch_size, "lr": 0.05, "max_epochs": 4, "valid_split": KFold(2)}
    estimator = small(EEGNetClassifier, **fields).fit(X, y, sample_weight=weight)
    valid = slice(0, 12)
    row = estimator.history_[-1]
    loss = log_loss(y[valid], estimator.predict_proba(X[valid]), sample_weight=weight[valid])
    assert row["valid_loss"] == pytest.approx(loss, abs=1e-5)
    score = accuracy_score(y[valid], estimator.predict(X[valid]), sample_weight=weight[valid])
    assert row["valid_score"] == pytest.approx(score)
    assert score == pytest.approx(estimator.score(X[valid], y[valid], weight[valid]))


@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("standardize_target", [True, False])
def test_validation_of_a_regressor_is_that_of_its_predictions(n_targets, standardize_target, X):
    weight = np.linspace(0.5, 3, len(X))
    y = X[:, :n_targets].std(axis=2).astype(float) + 3
    fields = {"lr": 0.05, "max_epochs": 4, "valid_split": KFold(2), "batch_size": 7}
    estimator = small(EEGNetRegressor, standardize_target=standardize_target, **fields)
    estimator.fit(X, y, sample_weight=weight)
    valid, train = slice(0, 12), slice(12, 24)
    mean = np.average(y[train], axis=0, weights=weight[train])
    scale = np.sqrt(np.average((y[train] - mean) ** 2, axis=0, weights=weight[train]))
    unit = scale if standardize_target else 1.0
    row, predicted = estimator.history_[-1], estimator.predict(X[valid])
    loss = mean_squared_error(y[valid] / unit, predicted / unit, sample_weight=weight[valid])
    assert row["valid_loss"] == pytest.approx(loss, rel=1e-4)
    score = r2_score(y[valid], predicted, sample_weight=weight[valid])
    assert row["valid_score"] == pytest.approx(score, rel=1e-3)


def test_training_loss_and_score_are_those_of_the_network_before_each_step(X, y):
    """In one batch, the training loss of an epoch is that of the weights it began with."""
    estimator = EEGClassifier(network=linear, max_epochs=3, lr=0.05, random_state=0)
    estimator, witness = observed(estimator, X, y, sample_weight=1.0 + y)
    row = estimator.history_[-1]
    estimator.module_.load_state_dict(witness.states_[-2])
    loss = log_loss(y, estimator.predict_proba(X), sample_weight=1.0 + y)
    assert row["train_loss"] == pytest.approx(loss, abs=1e-5)
    assert row["train_score"] == pytest.approx(estimator.score(X, y, 1.0 + y))


def test_class_weight_counts_in_validation(X):
    y = (np.arange(24) % 4 == 0).astype(int)
    fields = {"class_weight": {0: 1.0, 1: 5.0}, "max_epochs": 4, "lr": 0.05}
    estimator = small(EEGNetClassifier, valid_split=KFold(2), **fields).fit(X, y)
    valid, weight = slice(0, 12), np.where(y == 1, 5.0, 1.0)[:12]
    loss = log_loss(y[valid], estimator.predict_proba(X[valid]), sample_weight=weight)
    assert estimator.history_[-1]["valid_loss"] == pytest.approx(loss, abs=1e-5)


def test_partial_fit_adds_a_row(X, y):
    estimator = small(EEGNetClassifier).partial_fit(X, y, classes=[0, 1]).partial_fit(X, y)
    assert estimator.history_[:, "epoch"] == [1, 2]


# Validation


@pytest.mark.parametrize(("fraction", "n_valid"), [(0.25, 6), (0.5, 12), (0.1, 3)])
def test_a_fraction_is_drawn_with_the_proportions_of_the_classes(fraction, n_valid, X):
    y = np.repeat([0, 1], [16, 8])
    train, valid = sides(small(EEGNetClassifier, valid_split=fraction), X, y)
    assert len(valid) == n_valid
    assert sorted(train + valid) == list(range(24))
    assert y[valid].sum() == round(n_valid / 3)
    assert valid != list(range(n_valid))


def test_a_fraction_of_a_regression_is_drawn_at_random(X):
    train, valid = sides(small(EEGNetRegressor, valid_split=0.25), X, np.linspace(0, 1, 24))
    assert len(valid) == 6
    assert sorted(train + valid) == list(range(24))


def test_the_draw_depends_on_the_seed_alone(X, y):
    drawn = [
        sides(small(EEGNetClassifier, valid_split=0.25, random_state=seed), X, y)[1]
        for seed in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("estimator_class", CLASSES)
@pytest.mark.parametrize(
    "splitter",
    [
        KFold(3),
        StratifiedKFold(4, shuffle=True, random_state=5),
        ShuffleSplit(2, test_size=0.3, random_state=1),
        PredefinedSplit(np.repeat([-1, 0], [18, 6])),
    ],
    ids=lambda splitter: type(splitter).__name__,
)
def test_the_first_split_of_a_splitter(estimator_class, splitter, X, y):
    train, valid = sides(small(estimator_class, valid_split=splitter), X, y)
    expected = next(iter(splitter.split(X, y)))
    assert (train, valid) == tuple(sorted(side.tolist()) for side in expected)


@pytest.mark.parametrize("estimator_class", CLASSES)
@pytest.mark.parametrize(
    "splitter",
    [0.3, 0.5, GroupKFold(3), LeaveOneGroupOut(), KFold(3)],
    ids=lambda splitter: getattr(type(splitter), "__name__", splitter),
)
def test_no_group_is_on_both_sides(estimator_class, splitter, X, y, groups):
    estimator = small(estimator_class, valid_split=splitter)
    train, valid = sides(estimator, X, y, groups=groups)
    assert sorted(train + valid) == list(range(24))
    assert not set(groups[train]) & set(groups[valid])


def test_groups_of_any_kind(X, y, groups):
    named = np.array([f"S{group:02d}" for group in groups], dtype=object)
    by_number = sides(small(EEGNetClassifier, valid_split=0.3), X, y, groups=groups)
    assert sides(small(EEGNetClassifier, valid_split=0.3), X, y, groups=named) == by_number
    assert sides(small(EEGNetClassifier, valid_split=0.3), X, y, groups=list(named)) == by_number


def test_groups_without_validation_change_nothing(X, y, groups):
    estimators = [small(EEGNetClassifier).fit(X, y, groups=g) for g in (None, groups)]
    probabilities = [estimator.predict_proba(X) for estimator in estimators]
    np.testing.assert_array_equal(*probabilities)


@pytest.mark.parametrize(
    ("valid_split", "message"),
    [
        (KFold(5), r"valid_split=KFold\(.*\): group 1 has training and validation trials; use a"),
        (PredefinedSplit(np.arange(24) % 2 - 1), "group 0 has training and validation trials"),
        (
            PredefinedSplit(np.full(24, -1)),
            r"valid_split=PredefinedSplit\(.*: the splitter yields no split",
        ),
        (0.01, r"valid_split=0.01: .*"),
        (0.99, r"valid_split=0.99: .*"),
    ],
)
def test_splits_that_cannot_be(valid_split, message, X, y, groups):
    given = groups if not isinstance(valid_split, float) else None
    with pytest.raises(ValueError, match=message) as error:
        small(EEGNetClassifier, valid_split=valid_split).fit(X, y, groups=given)
    assert "\n" not in str(error.value)


def test_a_splitter_of_groups_needs_groups(X, y):
    with pytest.raises(ValueError, match=r"valid_split=GroupKFold\(.*\): .*groups"):
        small(EEGNetClassifier, valid_split=GroupKFold(3)).fit(X, y)


def test_a_single_group_cannot_be_split(X, y):
    with pytest.raises(ValueError, match=r"valid_split=0\.2: ") as error:
        small(EEGNetClassifier, valid_split=0.2).fit(X, y, groups=np.zeros(24))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("names", [[0, 1], ["left", "right"]])
def test_a_class_must_not_be_lost_to_validation(names, X):
    y = np.repeat(names, 12)
    lost = y[0].item()
    with pytest.raises(
        ValueError, match=f"leaves no training trial of class {lost!r}; use a smaller"
    ) as error:
        small(EEGNetClassifier, valid_split=KFold(2)).fit(X, y)
    assert "\n" not in str(error.value)


def test_a_splitter_splits_all_trials_those_of_no_weight_too(X, y):
    """Its indices refer to the trials as given, whatever their weights."""
    weight = np.ones(24)
    weight[[0, 1, 20]] = 0
    estimator = small(EEGNetClassifier, valid_split=PredefinedSplit(np.repeat([-1, 0], [18, 6])))
    train, valid = sides(estimator, X, y, sample_weight=weight)
    assert train == list(range(2, 18))
    assert valid == [18, 19, 21, 22, 23]


def test_standardisation_is_learned_from_the_training_side_only(X, y):
    valid = np.repeat([-1, 0], [18, 6])
    shifted = X + 100 * (valid[:, None, None] == 0)
    estimator = small(EEGNetClassifier, valid_split=PredefinedSplit(valid)).fit(shifted, y)
    learned = estimator.module_.standardize.mean.squeeze(1).numpy()
    np.testing.assert_allclose(learned, X[:18].mean(axis=(0, 2)), atol=1e-5)


def test_split_for_validation_alone():
    y, groups = np.repeat([0, 1], 10), np.arange(20) // 5
    train, valid = split_for_validation(0.5, y, groups, random_state=0)
    assert set(groups[train]).isdisjoint(groups[valid])
    train, valid = split_for_validation(0.2, y, stratify=True, random_state=0)
    assert y[valid].sum() == 2
    assert len(train) == 16


# Early stopping


def losses_going(*values, name="scripted"):
    """Return a callback that makes the validation losses of the first epochs up."""

    class Scripted(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            net.history.record(name, values[len(net.history) - 1])

    return Scripted()


@pytest.mark.parametrize(
    ("values", "best", "n_epochs"),
    [
        ([3, 1, 2, 2, 2, 2], 1, 4),  # stops after two epochs without an improvement
        ([3, 2, 1, 2, 0.5, 1], 4, 6),  # ends before it would stop
        ([6, 5, 4, 3, 2, 1], 5, 6),
        ([1, 1, 1, 1, 1, 1], 0, 3),
    ],
)
def test_early_stopping_restores_the_best_weights(values, best, n_epochs, X, y):
    stopping = EarlyStopping(monitor="scripted", patience=2, lower_is_better=True)
    fields = {"max_epochs": 6, "lr": 0.05, "callbacks": [losses_going(*values), stopping]}
    estimator, witness = observed(small(EEGNetClassifier, **fields), X, y)
    assert estimator.n_iter_ == n_epochs == len(witness.states_)
    restored = estimator.module_.state_dict()
    assert all(torch.equal(restored[name], v) for name, v in witness.states_[best].items())
    if best < n_epochs - 1:
        last = witness.states_[-1]
        assert not all(torch.equal(restored[name], value) for name, value in last.items())


def test_early_stopping_on_the_validation_loss(X, y):
    fields = {"max_epochs": 30, "lr": 0.2, "valid_split": 0.25}
    estimator = small(EEGNetClassifier, callbacks=[EarlyStopping(patience=3)], **fields)
    estimator, witness = observed(estimator, X, y)
    best = int(np.argmin(estimator.history_[:, "valid_loss"]))
    assert estimator.n_iter_ == best + 4 < 30
    restored = estimator.module_.state_dict()
    assert all(torch.equal(restored[name], v) for name, v in witness.states_[best].items())


def test_early_stopping_may_keep_the_last_weights(X, y):
    stopping = EarlyStopping(monitor="scripted", patience=2, load_best=False, lower_is_better=True)
    fields = {"max_epochs": 6, "callbacks": [losses_going(3, 1, 2, 2, 2, 2), stopping]}
    estimator, witness = observed(small(EEGNetClassifier, **fields), X, y)
    last = estimator.module_.state_dict()
    assert all(torch.equal(last[name], value) for name, value in witness.states_[-1].items())


def test_early_stopping_on_a_score_that_should_rise(X, y):
    stopping = EarlyStopping(monitor="scripted", patience=1, lower_is_better=False)
    fields = {"max_epochs": 6, "callbacks": [losses_going(1, 2, 3, 2, 5, 6), stopping]}
    assert small(EEGNetClassifier, **fields).fit(X, y).n_iter_ == 4


def test_early_stopping_needs_validation(X, y):
    message = "EarlyStopping: there is no 'valid_loss' to monitor without validation; give"
    with pytest.raises(ValueError, match=message):
        small(EEGNetClassifier, callbacks=[EarlyStopping()]).fit(X, y)


def test_early_stopping_keeps_the_best_epoch_however_little_better(X, y):
    values = [3, 2, 1.99, 1.98, 1.97, 1.99]
    stopping = EarlyStopping("valid_scripted_loss", patience=3, threshold=0.1)
    fields = {"max_epochs": 9, "callbacks": [losses_going(*values, name="valid_scripted_loss")]}
    fields["callbacks"].append(stopping)
    estimator, witness = observed(small(EEGNetClassifier, valid_split=0.25, **fields), X, y)
    assert estimator.n_iter_ == 5
    restored = estimator.module_.state_dict()
    assert all(torch.equal(restored[name], v) for name, v in witness.states_[4].items())


@pytest.mark.parametrize(
    ("values", "n_epochs", "best"),
    [([-1.0, -1.005, -1.01, -1.015, -1.02], 3, 1), ([-3.0, -2.0, -1.0, -0.5, -0.4], 5, 5)],
)
@pytest.mark.parametrize("lower_is_better", [False, True])
def test_early_stopping_on_negative_values(values, n_epochs, best, lower_is_better, X, y):
    column = losses_going(*(-value if lower_is_better else value for value in values))
    stopping = EarlyStopping("scripted", 2, 0.01, lower_is_better=lower_is_better)
    estimator = small(EEGNetClassifier, max_epochs=5, callbacks=[column, stopping]).fit(X, y)
    assert estimator.n_iter_ == n_epochs
    assert dict(estimator.net_.callbacks_)["earlystopping"].best_epoch_ == best


@pytest.mark.parametrize(
    ("column", "best"),
    [
        ("valid_score", max),
        ("valid_loss", min),
        ("r2", max),
        ("neg_mse", max),
        ("valid_neg_brier_score", max),
        ("brier_score", min),
        ("valid_nrmse_by_output_0", min),
        ("f1_macro", max),
        ("valid_external_loss", min),
    ],
)
def test_what_is_better_is_known_by_the_name(column, best, X, y):
    values = [2.0, 1.0, 3.0]
    stopping = EarlyStopping(column, patience=None)
    callbacks = [losses_going(*values, name=column), stopping]
    split = 0.25 if column in ("valid_score", "valid_loss") else None
    estimator = small(EEGNetClassifier, valid_split=split, max_epochs=3, callbacks=callbacks)
    kept = dict(estimator.fit(X, y).net_.callbacks_)["earlystopping"]
    assert kept.best_value_ == best(values)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"patience": "2"},
            "EarlyStopping: patience='2' should be an integer of at least 1 or Non",
        ),
        ({"patience": 0}, "EarlyStopping: patience=0 should be an integer of at least 1 or None"),
        ({"threshold": "a"}, "EarlyStopping: threshold='a' should be a number of at least 0"),
        ({"threshold_mode": "share"}, "threshold_mode='share' should be 'rel' or 'abs'"),
        ({"monitor": "my_column"}, "name of the column 'my_column' does not show whether lower"),
    ],
)
def test_parameters_of_early_stopping_are_checked(fields, message, X, y):
    stopping = EarlyStopping(**fields)
    estimator = small(EEGNetClassifier, valid_split=0.25, callbacks=[stopping])
    with pytest.raises((TypeError, ValueError), match=message):
        estimator.fit(X, y)


def test_all_see_the_epoch_in_which_one_stops(X, y, tmp_path):
    stopping = EarlyStopping("scripted", patience=2, lower_is_better=True, load_best=False)
    kept = EarlyStopping("second_loss", patience=None)
    file = Checkpoint(tmp_path / "best", monitor="second_loss")
    columns = [losses_going(1, 2, 3, 4), losses_going(4, 3, 2, 1, name="second_loss")]
    callbacks = [*columns, stopping, ("kept", kept), file]
    estimator = small(EEGNetClassifier, max_epochs=4, callbacks=callbacks).fit(X, y)
    found = dict(estimator.net_.callbacks_)
    assert estimator.n_iter_ == found["kept"].best_epoch_ == found["checkpoint"].best_epoch_ == 3


def test_callbacks_after_the_one_that_stops_see_the_last_epoch(X, y, tmp_path):
    stopping = EarlyStopping("scripted", patience=2, lower_is_better=True)
    file = Checkpoint(tmp_path / "best", monitor="later_loss")
    columns = [losses_going(1, 2, 3), losses_going(5, 4, 3, name="later_loss")]
    callbacks = [columns[0], stopping, columns[1], file]
    estimator = small(EEGNetClassifier, max_epochs=4, callbacks=callbacks).fit(X, y)
    assert estimator.n_iter_ == 3
    assert dict(estimator.net_.callbacks_)["checkpoint"].best_epoch_ == 3


def test_a_stop_within_the_first_epoch(X, y):
    class Stop(skorch.callbacks.Callback):
        def on_batch_end(self, net, **kwargs):
            raise StopTraining

    theirs = skorch.callbacks.EarlyStopping("train_loss", load_best=True)
    for other in (EarlyStopping("train_loss"), theirs):
        estimator = small(EEGNetClassifier, callbacks=[Stop(), other]).fit(X, y)
        assert estimator.n_iter_ == 0
        assert estimator.predict(X).shape == (24,)


def test_early_stopping_starts_anew_in_each_fit(X, y):
    stopping = EarlyStopping(monitor="scripted", patience=2, lower_is_better=True)
    callbacks = [losses_going(3, 1, 2, 2, 2, 2), stopping]
    estimator = small(EEGNetClassifier, max_epochs=6, callbacks=callbacks)
    assert [estimator.fit(X, y).n_iter_ for _ in range(2)] == [4, 4]


# skorch's own callbacks


@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc", "neg_log_loss"])
def test_scores_of_skorch(scoring, X, y):
    scorer = skorch.callbacks.EpochScoring(scoring, lower_is_better=False, name="mine")
    fields = {"valid_split": KFold(2), "callbacks": [scorer], "lr": 0.05}
    estimator = small(EEGNetClassifier, **fields).fit(X, y)
    row = estimator.history_[-1]
    if scoring == "accuracy":
        assert row["mine"] == pytest.approx(row["valid_score"])
    elif scoring == "neg_log_loss":
        assert row["mine"] == pytest.approx(-row["valid_loss"], abs=1e-5)
    assert "mine_best" in row


def test_scores_of_skorch_on_the_training_side_and_of_regressors(X, y):
    scorers = [
        ("train", skorch.callbacks.EpochScoring("r2", name="on_train", on_train=True)),
        ("valid", skorch.callbacks.EpochScoring("r2", name="on_valid", lower_is_better=False)),
    ]
    estimator = small(EEGNetRegressor, valid_split=KFold(2), callbacks=scorers).fit(X, y)
    row = estimator.history_[-1]
    assert row["on_valid"] == pytest.approx(row["valid_score"], abs=1e-4)
    assert row["on_train"] == pytest.approx(row["train_score"], abs=1e-4)


def test_schedule_of_skorch(X, y):
    schedule = skorch.callbacks.LRScheduler("StepLR", step_size=1, gamma=0.1)
    estimator = small(EEGNetClassifier, lr=0.1, max_epochs=3, callbacks=[schedule]).fit(X, y)
    assert estimator.history_[:, "event_lr"] == pytest.approx([0.1, 0.01, 0.001])


def test_checkpoint_of_skorch(X, y, tmp_path):
    checkpoint = skorch.callbacks.Checkpoint(dirname=tmp_path, monitor="valid_loss_best")
    fields = {"valid_split": 0.25, "max_epochs": 5, "lr": 0.1, "callbacks": [checkpoint]}
    estimator, witness = observed(small(EEGNetClassifier, **fields), X, y)
    saved = torch.load(tmp_path / "params.pt", weights_only=True)
    best = int(np.argmin(estimator.history_[:, "valid_loss"]))
    assert all(torch.equal(saved[name], value) for name, value in witness.states_[best].items())


def test_early_stopping_of_skorch(X, y):
    stopping = skorch.callbacks.EarlyStopping(monitor="scripted", patience=2)
    callbacks = [losses_going(3, 1, 2, 2, 2, 2), stopping]
    assert small(EEGNetClassifier, max_epochs=6, callbacks=callbacks).fit(X, y).n_iter_ == 4


def test_gradient_clipping_and_freezing_of_skorch(X, y):
    callbacks = [
        skorch.callbacks.GradientNormClipping(1e-9),
        skorch.callbacks.Freezer("network.head.*"),
    ]
    fields = {"optimizer": "sgd", "weight_decay": 0, "lr": 0.1, "callbacks": callbacks}
    estimator, witness = observed(small(EEGNetClassifier, **fields), X, y)
    assert not estimator.module_.network.head.weight.requires_grad
    for name, parameter in estimator.module_.named_parameters():
        torch.testing.assert_close(parameter, witness.states_[0][name], rtol=0, atol=1e-6)


def test_a_callback_as_a_class_and_default_callbacks_taken_out(X, y, capsys):
    fields = {"callbacks": [Witness], "net_params": {"callbacks__print_log": None}}
    estimator = small(EEGNetClassifier, verbose=2, **fields).fit(X, y)
    assert len(dict(estimator.net_.callbacks_)["witness"].states_) == 2
    assert capsys.readouterr().out == ""


# Batches


@pytest.mark.parametrize("batch_size", [1, 5, 7, 12, 23, 24, 25, 1000])
def test_each_epoch_uses_every_trial_once_in_even_batches(batch_size, X, y):
    estimator = small(EEGNetClassifier, batch_size=batch_size)
    _, witness = observed(estimator, X, y)
    for epoch in witness.train_:
        sizes = [len(batch) for batch in epoch]
        assert sorted(trials_of(epoch, X)) == list(range(24))
        assert max(sizes) <= batch_size
        assert max(sizes) - min(sizes) <= 1
        assert len(sizes) == -(-24 // batch_size)


def test_trials_come_in_another_order_in_each_epoch(X, y):
    _, witness = observed(small(EEGNetClassifier, max_epochs=3), X, y)
    orders = [tuple(trials_of(epoch, X)) for epoch in witness.train_]
    assert len({*orders, tuple(range(24))}) == 4


def test_validation_keeps_the_order(X, y):
    _, witness = observed(small(EEGNetClassifier, valid_split=KFold(2), batch_size=5), X, y)
    assert trials_of(witness.valid_[0], X) == list(range(12))


def test_training_that_diverges_is_an_error(X, y):
    estimator = small(EEGNetClassifier, lr=1e30, optimizer="sgd", max_epochs=20)
    estimator.set_params(spatial_max_norm=None, head_max_norm=None)
    with pytest.raises(ValueError, match="Training diverged in epoch .*; lower the learning rate"):
        estimator.fit(X, y)
    assert not hasattr(estimator, "net_")


def test_shuffling_can_be_turned_off(X, y):
    estimator = small(EEGNetClassifier, net_params={"iterator_train__shuffle": False})
    _, witness = observed(estimator, X, y)
    assert trials_of(witness.train_[1], X) == list(range(24))


# Stopping


class Interrupting(nn.Module):
    """A network that is interrupted, as by Ctrl-C, in its second training step."""

    def __init__(self, n_chans, n_times, n_outputs):
        super().__init__()
        self.network = linear(n_chans, n_times, n_outputs)
        self.n_steps = 0

    def forward(self, x):
        self.n_steps += self.training
        if self.training and self.n_steps == 2:
            raise KeyboardInterrupt
        return self.network(x)


@pytest.mark.parametrize("estimator_class", [EEGClassifier, EEGRegressor])
def test_ctrl_c_is_not_swallowed(estimator_class, X, y):
    estimator = estimator_class(network=Interrupting, max_epochs=3)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, y)
    assert estimator.n_iter_ == 1  # the second was cut short
    assert estimator.predict(X).shape == (24,)


@pytest.mark.parametrize(
    ("hook", "n_whole"), [("on_batch_begin", 1), ("on_batch_end", 1), ("on_epoch_end", 2)]
)
def test_a_callback_may_stop_training(hook, n_whole, X, y):
    class Stop(skorch.callbacks.Callback):
        def on_train_end(self, net, **kwargs):
            self.ended_ = True

    def stop(self, net, *args, **kwargs):
        if len(net.history) == 2:
            raise StopTraining

    setattr(Stop, hook, stop)
    estimator = small(EEGNetClassifier, max_epochs=5, callbacks=[Stop()]).fit(X, y)
    assert estimator.n_iter_ == n_whole
    assert len(estimator.history_[:, "train_loss"]) == n_whole
    assert dict(estimator.net_.callbacks_)["stop"].ended_
    assert not estimator.module_.training


def test_averages_go_on_after_ctrl_c_in_the_first_validation(X, y):
    class Interrupt(skorch.callbacks.Callback):
        def on_batch_begin(self, net, training=False, **kwargs):
            if not training and not hasattr(self, "done_"):
                self.done_ = True
                signal.raise_signal(signal.SIGINT)

    callbacks = [EMA(0.99, warm_up=False), Interrupt(), EarlyStopping()]
    fields = {"valid_split": 0.25, "batch_size": 6}
    estimator = small(EEGNetClassifier, callbacks=callbacks, **fields)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, y)
    average = dict(estimator.net_.callbacks_)["ema"]
    assert estimator.n_iter_ == 0 < average.n_averaged_ == 3
    trained = {name: value.clone() for name, value in average.trained_.items()}
    estimator.set_params(lr=1e-30).partial_fit(X, y)
    assert average.n_averaged_ == 6
    weights = dict(estimator.module_.named_parameters())
    assert any(not torch.equal(trained[name], value) for name, value in weights.items())
    for name in weights:  # which predict, while training goes on from those that were trained
        torch.testing.assert_close(average.trained_[name], trained[name])
    assert dict(estimator.net_.callbacks_)["earlystopping"].best_weights_ is None


def test_going_on_after_ctrl_c(X, y, tmp_path):
    class Interrupt(skorch.callbacks.Callback):
        def on_batch_end(self, net, **kwargs):
            if len(net.history) == 2 and not hasattr(self, "done_"):
                self.done_ = True
                signal.raise_signal(signal.SIGINT)

    callbacks = [CosineWarmRestarts(t_0=1), Interrupt()]
    estimator = small(EEGNetClassifier, max_epochs=4, batch_size=9, callbacks=callbacks)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, y)
    estimator.history_.to_file(tmp_path / "history.json")
    estimator.set_params(lr=0.5).partial_fit(X, y)
    assert estimator.history_[-1, "lr"] == 0.5
    assert estimator.n_iter_ == 2


def test_an_error_in_a_callback_is_not_swallowed(X, y):
    class Fail(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        small(EEGNetClassifier, callbacks=[Fail()]).fit(X, y)


# Output and devices


def test_silent_by_default(X, y, capsys):
    small(EEGNetClassifier, valid_split=0.25).fit(X, y).predict(X)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "")


@pytest.mark.parametrize("device", ["auto", "cpu", torch.device("cpu")])
def test_devices_that_are_there(device, X, y):
    estimator = small(EEGNetClassifier, device=device).fit(X, y)
    wanted = find_device("auto") if device == "auto" else torch.device("cpu")
    assert {p.device.type for p in estimator.module_.parameters()} == {wanted.type}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:3", torch.device("cuda", 1)])
def test_a_gpu_that_is_not_there(device, X, y):
    with pytest.raises(ValueError, match=r"is not available: torch finds .*; use device='auto'"):
        small(EEGNetClassifier, device=device).fit(X, y)


@pytest.mark.parametrize("device", ["gpu", "", "cuda:one"])
def test_a_device_that_is_none(device, X, y):
    message = f"device={device!r} is not a torch device; use 'auto', 'cpu' or 'cuda'"
    with pytest.raises(ValueError, match=message):
        small(EEGNetClassifier, device=device).fit(X, y)


# Going on


@pytest.mark.parametrize("partial", [False, True])
def test_training_that_diverges_does_not_harm_what_it_went_on_from(partial, X, y):
    fields = {"warm_start": True, "optimizer": "sgd", "lr": 0.01, "max_epochs": 20}
    estimator = EEGClassifier(network=linear, random_state=0, **fields).fit(X, y)
    before, n_epochs = estimator.predict_proba(X), estimator.n_iter_
    estimator.set_params(lr=1e38, batch_size=2)
    with pytest.raises(ValueError, match="diverged"):
        (estimator.partial_fit if partial else estimator.fit)(X, y)
    np.testing.assert_array_equal(estimator.predict_proba(X), before)
    assert estimator.n_iter_ == n_epochs


def test_partial_fit_takes_the_present_lr_and_batch_size(X, y):
    estimator = small(EEGNetClassifier).partial_fit(X, y, classes=[0, 1])
    estimator.set_params(lr=0.5, batch_size=8).partial_fit(X, y)
    assert estimator.net_.optimizer_.param_groups[0]["lr"] == 0.5
    assert len(estimator.history_[-1, "batches"]) == 3


def test_partial_fit_refuses_weights_that_need_all_trials(X, y):
    estimator = small(EEGNetClassifier, class_weight="balanced")
    with pytest.raises(ValueError, match="for partial_fit, use a dictionary of weights"):
        estimator.partial_fit(X, y, classes=[0, 1])


def test_a_side_whose_trials_have_no_weight_is_an_error(X, y):
    estimator = small(EEGNetClassifier, valid_split=KFold(4))
    with pytest.raises(ValueError, match="leaves no trial with non-zero weight for training or"):
        estimator.fit(X, y, sample_weight=np.arange(24) >= 6)


class Modes(skorch.callbacks.Callback):
    """Record whether modules are in training mode when batches end."""

    def on_train_begin(self, net, **kwargs):
        self.seen_ = {True: set(), False: set()}

    def on_batch_end(self, net, training=False, **kwargs):
        self.seen_[training] |= {module.training for module in net.module_.modules()}


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_every_layer_is_in_training_mode_while_it_is_trained(estimator_class, X, y):
    estimator = small(estimator_class, callbacks=[Modes()], valid_split=0.25).fit(X, y)
    assert dict(estimator.net_.callbacks_)["modes"].seen_ == {True: {True}, False: {False}}


# Precomputed statistics of the trials


class Doubling(skorch.callbacks.Callback):
    """Write to the trials of a batch, or put others in their place."""

    def __init__(self, in_place):
        self.in_place = in_place

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        inputs = batch[0]
        if self.in_place:
            inputs["x"].mul_(2)
        else:
            inputs["x"] = inputs["x"] * 2


@pytest.fixture
def n_computed(monkeypatch):
    """Count the trials whose statistics the front end computes, one number per call."""
    numbers, original = [], FrontEnd.trial_statistics

    def counted(front, x):
        numbers.append(len(x))
        return original(front, x)

    monkeypatch.setattr(FrontEnd, "trial_statistics", counted)
    return numbers


def logits_of(estimator_class, X, y, **fields):
    return small(estimator_class, max_epochs=3, **fields).fit(X, y)._output(X)


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier, EEGNeXClassifier])
def test_precomputed_statistics_do_not_change_results(
    estimator_class, n_computed, X, y, monkeypatch
):
    logits = logits_of(estimator_class, X, y)
    assert sum(n_computed) == len(X)
    monkeypatch.setattr("eegsk.training.net.precompute_statistics", lambda module, trials: None)
    np.testing.assert_allclose(logits_of(estimator_class, X, y), logits, atol=1e-5)
    assert sum(n_computed) > len(X)


@pytest.mark.parametrize("in_place", [True, False])
def test_precomputed_statistics_are_not_used_for_trials_that_a_callback_changes(
    in_place, n_computed, X, y, monkeypatch
):
    fields = {"callbacks": [Doubling(in_place)], "spatial_max_norm": None}
    changed = logits_of(EEGNetClassifier, X, y, **fields)
    assert sum(n_computed) == (1 + 3) * len(X)  # before training, and in each epoch
    monkeypatch.setattr("eegsk.training.net.precompute_statistics", lambda module, trials: None)
    np.testing.assert_array_equal(logits_of(EEGNetClassifier, X, y, **fields), changed)


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier, EEGNeXClassifier])
def test_precomputed_statistics_are_deleted_after_training(estimator_class, n_computed, X, y):
    estimator = small(estimator_class).fit(X, y)
    assert sum(n_computed) == len(X)
    assert estimator.net_._statistics is None
    assert all(getattr(m, "_statistics", None) is None for m in estimator.module_.modules())
