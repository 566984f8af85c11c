"""Checkpoints: the best epoch, runs that are killed and resumed, files that are something else."""

import dataclasses
import functools
import inspect
import io
import os
import pickle
import signal
import threading
import time
from pathlib import Path
from typing import ClassVar

import joblib
import numpy as np
import pytest
import skorch.callbacks
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from torch import nn

from eegsk import EEGClassifier, EEGNetClassifier, EEGNetRegressor, callbacks
from eegsk.augmentation import GaussianNoise, TimeShift
from eegsk.callbacks import Checkpoint, EarlyStopping
from eegsk.training.run import describe, digest
from eegsk.training.state import decode, encode

from . import killed
from .killed import DieIn, make, outcome
from .networks import DoubleLinear, linear, small

KILLED = -signal.SIGKILL


def assert_same(one, other):
    """Compare nested containers of tensors and numbers bit by bit."""
    assert type(one) is type(other) or isinstance(one, dict)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    elif isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    else:
        assert one == other


def read(path):
    return torch.load(path, weights_only=True)


@pytest.fixture(scope="module")
def trials():
    return killed.data()


@pytest.fixture(scope="module")
def uninterrupted(trials, tmp_path_factory):
    """Return what a run without interruption ends with."""
    return outcome(make(tmp_path_factory.mktemp("whole") / "best").fit(*trials))


class Values(skorch.callbacks.Callback):
    """Record given values in the column ``mine``, epoch by epoch."""

    def __init__(self, values):
        self.values = values

    def on_epoch_end(self, net, **kwargs):
        net.history.record("mine", self.values[len(net.history) - 1])


class StateAfter(skorch.callbacks.Callback):
    """Keep the weights after each epoch."""

    def on_train_begin(self, net, **kwargs):
        self.states_ = []

    def on_epoch_end(self, net, **kwargs):
        self.states_.append({k: v.clone() for k, v in net.module_.state_dict().items()})


# Killed and resumed


@pytest.mark.parametrize(
    ("function", "call"),
    [("save", 1), ("save", 5), ("fsync", 3), ("replace", 8), ("after", 1), ("after", 8)],
)
def test_killed_while_writing(function, call, trials, uninterrupted, tmp_path):
    """Whatever is on the disk then, the run ends as if it had never stopped."""
    path, result = tmp_path / "best", tmp_path / "result"
    assert killed.ended(killed.start(path, result, DieIn(function, call))) == KILLED
    assert path.exists() == (call > 1 or function == "after")
    left = {file.name for file in tmp_path.iterdir()} - {"best"}
    assert bool(left) == (function != "after")
    resumed = make(path).fit(*trials)
    assert_same(outcome(resumed), uninterrupted)
    assert {file.name for file in tmp_path.iterdir()} == {"best"}


def test_killed_again_and_again_at_any_moment(uninterrupted, tmp_path):
    path, result = tmp_path / "best", tmp_path / "result"
    rng, codes = np.random.default_rng(), []
    while 0 not in codes and len(codes) < 6:
        process = killed.start(path, result, write_slowly)
        killed.wait_for(path)
        codes.append(killed.kill_after(process, rng.uniform(0, 0.03 if not codes else 0.5)))
    if codes[-1] != 0:
        assert killed.ended(killed.start(path, result)) == 0
    assert KILLED in codes
    assert_same(torch.load(result, weights_only=False), uninterrupted)


def write_slowly():
    """Make writing take most of the time, so that it is what a kill meets."""
    save = torch.save

    def slow(content, file):
        save(content, file)
        time.sleep(0.03)

    torch.save = slow


def test_early_stopping_and_a_kill(trials, tmp_path):
    """Counters of early stopping and its best weights go on, and stop at the same epoch."""
    fields = {"callbacks__earlystopping": EarlyStopping(patience=4), "lr": 0.02, "max_epochs": 60}
    whole = make(tmp_path / "whole").set_params(**fields).fit(*trials)
    assert 5 < whole.n_iter_ < 60
    for n_epochs in (whole.n_iter_ - 3, whole.n_iter_ - 1):
        path = tmp_path / f"{n_epochs}"
        make(path).set_params(**{**fields, "max_epochs": n_epochs}).fit(*trials)
        resumed = make(path).set_params(**fields).fit(*trials)
        assert_same(outcome(resumed), outcome(whole))


CALLBACKS = {
    "plateau": skorch.callbacks.LRScheduler(
        "ReduceLROnPlateau", monitor="train_loss", patience=0, factor=0.5, threshold=0.1
    ),
    "lambda": skorch.callbacks.LRScheduler("LambdaLR", lr_lambda=lambda epoch: 0.9**epoch),
    "each batch": skorch.callbacks.LRScheduler("CyclicLR", base_lr=1e-4, max_lr=1e-2,
                                               step_every="batch", cycle_momentum=False),
    "warm restarts": skorch.callbacks.LRScheduler("WarmRestartLR"),
    "freezing": skorch.callbacks.Freezer("network.head.*"),
    "clipping": skorch.callbacks.GradientNormClipping(0.1),
    "scoring": skorch.callbacks.BatchScoring(
        lambda net, X, y: float(net.history[-1, "batches", -1, "train_loss"]),
        name="scored", on_train=True,
    ),
    "files": skorch.callbacks.TrainEndCheckpoint,
}  # fmt: skip


@pytest.mark.parametrize("name", CALLBACKS)
def test_callbacks_of_skorch_go_on(name, trials, tmp_path):
    callback = CALLBACKS[name]
    if name == "files":
        callback = callback(dirname=str(tmp_path / "skorch"))
    callbacks = [callback, Checkpoint(tmp_path / "best", resume=True)]
    fields = {"valid_split": 0.25, "max_epochs": 6}
    parts = small(EEGNetClassifier, **fields, callbacks=callbacks)
    parts.set_params(max_epochs=3).fit(*trials)
    parts.set_params(max_epochs=6).fit(*trials)
    whole = small(EEGNetClassifier, **fields, callbacks=[callback, Checkpoint(tmp_path / "w")])
    whole.fit(*trials)
    assert_same(dict(parts.module_.state_dict()), dict(whole.module_.state_dict()))
    assert parts.history_[:, "train_loss"] == whole.history_[:, "train_loss"]
    assert [p.requires_grad for p in parts.module_.parameters()] == [
        p.requires_grad for p in whole.module_.parameters()
    ]


class Fails(skorch.callbacks.Callback):
    """Fail at the beginning of an epoch, as often as there are epochs to fail in."""

    epochs: ClassVar = []

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) in self.epochs:
            self.epochs.remove(len(net.history))
            raise ZeroDivisionError


def needs_nothing(callback):
    parameters = inspect.signature(callback).parameters.values()
    return all(parameter.default is not parameter.empty for parameter in parameters)


# What some callbacks take to do without validation.
ON_TRAINING = {EarlyStopping: {"monitor": "train_loss"}, callbacks.EpochMetric: {"on_train": True}}


@pytest.mark.parametrize("split", [None, 0.25])
@pytest.mark.parametrize(
    "callback",
    [item for item in vars(callbacks).values() if inspect.isclass(item) and needs_nothing(item)],
)
def test_callbacks_of_eegsk_go_on(callback, split, trials, tmp_path, monkeypatch):
    """Each technique, in the middle of what it does."""

    def fit(path, epochs=()):
        monkeypatch.setattr(Fails, "epochs", list(epochs))
        first = callback(**ON_TRAINING.get(callback, {}))
        own = {"callbacks": [first, Fails(), Checkpoint(path, resume=True)], "valid_split": split}
        estimator = small(EEGNetClassifier, max_epochs=6, batch_size=8, **own)
        for _ in epochs:
            with pytest.raises(ZeroDivisionError):
                estimator.fit(*trials)
        return estimator.fit(*trials)

    parts, whole = fit(tmp_path / "parts", [2, 4, 5, 6]), fit(tmp_path / "whole")
    assert_same(dict(parts.module_.state_dict()), dict(whole.module_.state_dict()))
    assert parts.history_[:, "train_loss"] == whole.history_[:, "train_loss"]
    np.testing.assert_array_equal(parts.predict(trials[0]), whole.predict(trials[0]))


@pytest.mark.parametrize("optimizer", ["sgd", "adamax", "rmsprop", "lbfgs"])
@pytest.mark.parametrize("network", [linear, DoubleLinear])
def test_optimizers_go_on(optimizer, network, trials, tmp_path):
    momentum = {"sgd": {"optimizer__momentum": 0.9}}.get(optimizer)
    fields = {"optimizer": optimizer, "weight_decay": 0.0, "lr": 1e-3, "net_params": momentum}
    parts = EEGClassifier(network=network, random_state=0, **fields)
    whole = clone(parts).set_params(max_epochs=6).fit(*trials)
    parts.set_params(callbacks=[Checkpoint(tmp_path / "best", resume=True)])
    parts.set_params(max_epochs=3).fit(*trials)
    parts.set_params(max_epochs=6).fit(*trials)
    assert_same(dict(parts.module_.state_dict()), dict(whole.module_.state_dict()))


@pytest.mark.parametrize("every", [1, 3, 5, 100])
def test_every_few_epochs(every, trials, uninterrupted, tmp_path):
    path = tmp_path / "best"
    fields = {"callbacks__checkpoint__every": every}
    make(path).set_params(**fields, max_epochs=7).fit(*trials)
    assert read(path)["epoch"] == 7  # the last is always written
    assert_same(outcome(make(path).set_params(**fields).fit(*trials)), uninterrupted)


def test_between_two_writings_the_last_one_counts(trials, uninterrupted, tmp_path):
    path, result = tmp_path / "best", tmp_path / "result"
    every = {"callbacks__checkpoint__every": 3}
    assert killed.ended(killed.start(path, result, DieIn("replace", 2), **every)) == KILLED
    assert read(path)["epoch"] == 3
    assert_same(outcome(make(path, **every).fit(*trials)), uninterrupted)


def test_a_run_that_is_complete_returns_at_once(trials, uninterrupted, tmp_path):
    path = tmp_path / "best"
    make(path).fit(*trials)
    before = path.read_bytes(), path.stat().st_mtime_ns
    again = make(path).fit(*trials)
    assert_same(outcome(again), uninterrupted)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_run_that_was_stopped_returns_at_once(trials, tmp_path):
    fields = {"callbacks__earlystopping": EarlyStopping(patience=1), "lr": 0.05, "max_epochs": 60}
    path = tmp_path / "best"
    first = make(path).set_params(**fields).fit(*trials)
    assert first.n_iter_ < 60
    before = path.stat().st_mtime_ns
    again = make(path).set_params(**{**fields, "max_epochs": 90}).fit(*trials)
    assert_same(outcome(again), outcome(first))
    assert path.stat().st_mtime_ns == before


def test_without_a_random_state_the_seed_is_that_of_the_run(trials, tmp_path):
    path = tmp_path / "best"
    fields = {"random_state": None, "valid_split": 0.25}
    parts = make(path, **fields).set_params(max_epochs=4).fit(*trials)
    seed = read(path)["seed"]
    resumed = make(path, **fields).fit(*trials)
    assert resumed.history_[:4, "train_loss"] == parts.history_[:, "train_loss"]
    assert read(path)["seed"] == seed
    other = make(tmp_path / "other", **fields).fit(*trials)
    assert other.history_[:4, "train_loss"] != parts.history_[:, "train_loss"]


def test_a_regressor_with_several_targets(trials, tmp_path):
    X, y = trials
    targets = np.column_stack([X[:, 0, 0], y])
    parts = small(EEGNetRegressor, callbacks=[Checkpoint(tmp_path / "best", resume=True)])
    parts.set_params(max_epochs=2).fit(X, targets)
    parts.set_params(max_epochs=4).fit(X, targets)
    whole = small(EEGNetRegressor, max_epochs=4).fit(X, targets)
    np.testing.assert_array_equal(parts.predict(X), whole.predict(X))


class Falling(skorch.callbacks.Callback):
    """Know for how long training is to go on."""

    def after_train_begin(self, net, n_epochs, **kwargs):
        self.n_steps_ = n_epochs


class FallingAsked(Falling):
    """Do not count that as state."""

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


@pytest.mark.parametrize("schedule", [Falling, FallingAsked])
def test_a_schedule_that_depends_on_max_epochs_is_not_prolonged(schedule, trials, tmp_path):
    callbacks = [("schedule", schedule()), Checkpoint(tmp_path / "best", resume=True)]
    for _ in range(2):
        small(EEGNetClassifier, callbacks=callbacks, max_epochs=2).fit(*trials)
    with pytest.raises(ValueError, match="'schedule' depends, now max_epochs=4; set it back"):
        small(EEGNetClassifier, callbacks=callbacks, max_epochs=4).fit(*trials)


# The best epoch


@pytest.mark.parametrize(
    ("values", "lower_is_better", "best"),
    [
        ([3, 1, 2, 1], True, 2),
        ([3, 1, 2, 4], False, 4),
        ([1, 3, 2, 3], False, 2),
        ([float("nan"), 2, 1, float("nan")], True, 3),
    ],
)
@pytest.mark.parametrize("load_best", [True, False])
def test_the_best_epoch_is_kept(values, lower_is_better, best, load_best, trials, tmp_path):
    path = tmp_path / "runs" / "best"
    kept = Checkpoint(path, monitor="mine", lower_is_better=lower_is_better, load_best=load_best)
    callbacks = [Values(values), kept, StateAfter()]
    estimator = small(EEGNetClassifier, max_epochs=4, callbacks=callbacks).fit(*trials)
    states = dict(estimator.net_.callbacks_)["stateafter"].states_
    checkpoint = dict(estimator.net_.callbacks_)["checkpoint"]
    assert (checkpoint.best_epoch_, checkpoint.best_value_) == (best, values[best - 1])
    held = read(path)["best"]
    assert (held["epoch"], held["value"]) == (best, values[best - 1])
    assert_same(dict(held["weights"]), states[best - 1])
    ends_with = states[best - 1] if load_best else states[-1]
    assert_same(dict(estimator.module_.state_dict()), ends_with)


def test_the_epoch_in_which_training_is_stopped_may_be_the_best(trials, tmp_path):
    stopping = skorch.callbacks.EarlyStopping("train_loss", patience=2, threshold=1e9)
    kept = Checkpoint(tmp_path / "best", monitor="mine", lower_is_better=True)
    callbacks = [Values([3, 2, 1]), stopping, kept]
    estimator = small(EEGNetClassifier, max_epochs=9, callbacks=callbacks).fit(*trials)
    assert dict(estimator.net_.callbacks_)["checkpoint"].best_epoch_ == estimator.n_iter_ == 3
    assert read(tmp_path / "best")["best"]["epoch"] == 3


def test_without_validation_the_last_epoch_is_kept(trials, tmp_path):
    callbacks = [Checkpoint(tmp_path / "best")]
    estimator = small(EEGNetClassifier, callbacks=callbacks).fit(*trials)
    assert read(tmp_path / "best")["best"] is None
    plain = small(EEGNetClassifier).fit(*trials)
    assert_same(dict(estimator.module_.state_dict()), dict(plain.module_.state_dict()))


def test_a_checkpoint_changes_nothing_about_training(trials, tmp_path):
    fields = {"valid_split": 0.25, "max_epochs": 4}
    plain = small(EEGNetClassifier, **fields).fit(*trials)
    callbacks = [Checkpoint(tmp_path / "best", load_best=False)]
    kept = small(EEGNetClassifier, **fields, callbacks=callbacks).fit(*trials)
    assert_same(dict(kept.module_.state_dict()), dict(plain.module_.state_dict()))


@pytest.mark.parametrize(
    ("monitor", "advice"),
    [("valid_loss", "give the estimator a valid_split"), ("auc", "list what records it before")],
)
def test_a_column_that_is_not_there(monitor, advice, trials, tmp_path):
    callbacks = [Checkpoint(tmp_path / "best", monitor=monitor)]
    message = f"Checkpoint: the history has no '{monitor}' to watch; {advice}"
    with pytest.raises(ValueError, match=message):
        small(EEGNetClassifier, callbacks=callbacks).fit(*trials)


# Files that are something else


@pytest.fixture(scope="module")
def whole(trials, tmp_path_factory):
    """Return the bytes of a checkpoint of two epochs."""
    path = tmp_path_factory.mktemp("file") / "best"
    make(path, max_epochs=2).fit(*trials)
    return path.read_bytes()


def assert_refused(path, message, estimator, trials):
    """See that a fit says in one line what is wrong, and leaves estimator and file alone."""
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message) as caught:
        estimator.fit(*trials)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert not hasattr(estimator, "net_")
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_torn_file(share, resume, whole, trials, tmp_path):
    path = tmp_path / "best"
    path.write_bytes(whole[: int(share * len(whole))])
    message = r"Checkpoint: .* (is damaged or incomplete|is not a checkpoint of eegsk)"
    estimator = make(path).set_params(callbacks__checkpoint__resume=resume)
    assert_refused(path, message, estimator, trials)


def test_a_file_with_a_single_wrong_bit(whole, trials, tmp_path):
    place = whole.index(b"#") + 3  # in the description of the run, which pickles as it is
    path = tmp_path / "best"
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert_refused(path, "is damaged or incomplete", make(path), trials)


class Harmful:
    def __reduce__(self):
        return (os.system, ("touch harmed",))


def zipped():
    """Return a zip file, as a checkpoint is one, of arrays."""
    file = io.BytesIO()
    np.savez(file, x=np.ones(3))
    return file.getvalue()


def save_foreign(path, kind):
    rng = np.random.default_rng(0)
    if kind == "random bytes":
        path.write_bytes(rng.bytes(5000))
    elif kind == "text":
        path.write_text("accuracy 0.9\n")
    elif kind == "numpy":
        path.write_bytes(zipped())
    elif kind == "pickle":
        path.write_bytes(pickle.dumps({"format": "eegsk checkpoint", "x": Harmful()}))
    elif kind == "joblib":
        joblib.dump(EEGNetClassifier(), path)
    else:
        content = {"tensors": torch.ones(3), "module": nn.Linear(2, 2), "code": Harmful()}
        torch.save(content[kind], path)


@pytest.mark.parametrize(
    ("kind", "resume"),
    [
        *((kind, True) for kind in ("random bytes", "text", "numpy", "pickle", "joblib")),
        *((kind, resume) for kind in ("tensors", "module", "code") for resume in (True, False)),
    ],
)
def test_a_file_of_another_kind(kind, resume, trials, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "best"
    save_foreign(path, kind)
    estimator = make(path).set_params(callbacks__checkpoint__resume=resume)
    assert_refused(
        path, "Checkpoint: .* is not a checkpoint of eegsk; it is left", estimator, trials
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"lr": 0.1}, "lr was 0.003, now is 0.1;"),
        ({"dropout": 0.1}, "dropout was 0.5, now is 0.1;"),
        ({"activation": nn.ReLU}, "activation was 'elu', now is torch.*ReLU;"),
        ({"random_state": 1}, "random_state was 0, now is 1, and"),
        ({"random_state": None}, "random_state was 0, now is None;"),
        ({"valid_split": 0.5}, "valid_split was 0.25, now is 0.5, and"),
        ({"callbacks__earlystopping__patience": 1}, "earlystopping__patience was 40, now is 1;"),
        ({"callbacks__lrscheduler__T_0": 9}, "callbacks__lrscheduler__T_0 was 3, now is 9;"),
        ({"callbacks__earlystopping": None}, "callbacks__earlystopping was EarlyStopping, now"),
        (
            {"callbacks__checkpoint__monitor": "train_loss"},
            "monitor was 'auto', now is 'train_loss';",
        ),
    ],
)
def test_a_checkpoint_of_other_parameters(fields, words, whole, trials, tmp_path):
    path = tmp_path / "best"
    path.write_bytes(whole)
    assert_refused(path, f"of another run, .*{words}", make(path).set_params(**fields), trials)


def test_a_checkpoint_of_another_estimator(whole, trials, tmp_path):
    path = tmp_path / "best"
    path.write_bytes(whole)
    other = small(EEGNetRegressor, callbacks=[Checkpoint(path, resume=True)])
    words = "of another run, estimator was EEGNetClassifier, now is EEGNetRegressor"
    assert_refused(path, words, other, trials)


@pytest.mark.parametrize("name", ["X", "y", "order", "fewer"])
def test_a_checkpoint_of_other_data(name, whole, trials, tmp_path):
    X, y = trials
    path = tmp_path / "best"
    path.write_bytes(whole)
    other = {
        "X": (np.where(X[5, 1, 7] == X, 0, X), y),
        "y": (X, y[[1, 0, *range(2, 24)]]),
        "order": (X[::-1].copy(), y[::-1].copy()),
        "fewer": (X[:-2], y[:-2]),
    }[name]
    assert_refused(
        path, f"of another run, {'y' if name == 'y' else 'X'} differs", make(path), other
    )


def test_other_weights_of_trials(whole, trials, tmp_path):
    path = tmp_path / "best"
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="of another run, sample_weight differs"):
        make(path).fit(*trials, sample_weight=np.arange(1, 25))
    assert path.read_bytes() == whole


def test_fewer_epochs_than_there_are(whole, trials, tmp_path):
    path = tmp_path / "best"
    path.write_bytes(whole)
    assert_refused(
        path, "has 2 epochs, more than max_epochs=1; raise", make(path, max_epochs=1), trials
    )


def test_a_checkpoint_of_a_later_format(whole, trials, tmp_path):
    path = tmp_path / "best"
    path.write_bytes(whole)
    torch.save({**read(path), "version": 2}, path)
    assert_refused(path, "is of format 2, this version of eegsk reads format 1", make(path), trials)


def test_without_resume_a_checkpoint_is_replaced(whole, trials, tmp_path):
    path = tmp_path / "best"
    path.write_bytes(whole)
    estimator = make(path, max_epochs=1, lr=0.1).set_params(callbacks__checkpoint__resume=False)
    assert estimator.fit(*trials).n_iter_ == read(path)["epoch"] == 1


def test_where_no_file_can_be_written(trials, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Checkpoint: no file can be written to '.*file'"):
        make(tmp_path / "file" / "best").fit(*trials)
    with pytest.raises(IsADirectoryError, match="is a folder; give the path of a file, such as"):
        make(tmp_path).fit(*trials)


@pytest.fixture
def read_only(tmp_path):
    """Return a folder to which this process may not write; nobody may forbid root."""
    folder = tmp_path / "mine"
    folder.mkdir()
    folder.chmod(0o500)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(user)
    folder.chmod(0o700)


def test_a_folder_that_is_read_only(trials, read_only):
    class Witness(skorch.callbacks.Callback):
        def on_epoch_begin(self, net, **kwargs):
            raise AssertionError("training has begun")

    estimator = make(read_only / "best")
    with pytest.raises(PermissionError, match="Checkpoint: no file can be written to .*; give"):
        estimator.set_params(callbacks=[*estimator.callbacks, Witness()]).fit(*trials)


def test_a_disk_that_is_full(trials, tmp_path, monkeypatch):
    """The checkpoint of the epoch before is still there, and training can go on from it."""
    path = tmp_path / "best"
    make(path, max_epochs=2).fit(*trials)
    before = path.read_bytes()

    def full(source, target):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(OSError, match="No space left on device"):
            make(path).fit(*trials)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["best"]


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"path": None}, TypeError, "path=None should be a name or a path"),
        ({"path": ""}, ValueError, "path='' should be the path of a file"),
        ({"monitor": 3}, TypeError, "monitor=3 should be a name"),
        ({"resume": "no"}, TypeError, "resume='no' should be a bool"),
        ({"every": 0}, ValueError, "every=0 should be an integer of at least 1"),
        ({"every": 1.5}, TypeError, "every=1.5 should be an integer of at least 1"),
    ],
)
@pytest.mark.parametrize("random_state", [0, None])
def test_wrong_parameters(fields, error, message, random_state, trials, tmp_path):
    checkpoint = Checkpoint(**{"path": tmp_path / "best", "resume": True, **fields})
    estimator = small(EEGNetClassifier, callbacks=[checkpoint], random_state=random_state)
    with pytest.raises(error, match=f"Checkpoint: {message}"):
        estimator.fit(*trials)


# Other callbacks' states


class Wanders(skorch.callbacks.Callback):
    """Learn all kinds of things that a step depends on."""

    def on_train_begin(self, net, **kwargs):
        self.numbers_ = [1, (2.0, None), {"a": {3}}, b"4", True]
        self.array_, self.scalar_ = np.arange(4.0), np.float32(0.1)
        self.draws_, self.generator_ = np.random.default_rng(0), torch.Generator().manual_seed(0)
        self.old_draws_ = np.random.RandomState(0)
        self.batch_norms_ = [nn.BatchNorm1d(2)]
        self.tensor_ = torch.zeros(2)
        self.function_, self.class_ = len, list
        self.seen_ = []

    def on_epoch_end(self, net, **kwargs):
        drawn = torch.rand(4, 2, generator=self.generator_)
        self.batch_norms_[0](drawn)
        self.tensor_ = self.tensor_ + self.batch_norms_[0].running_mean
        self.array_ = self.array_ * self.draws_.random()
        self.scalar_ = self.scalar_ * np.float32(self.old_draws_.rand())
        self.numbers_[0] += 1
        self.seen_.append([*self.tensor_.tolist(), *self.array_, self.scalar_, self.numbers_[0]])


def test_states_of_all_kinds_go_on(trials, tmp_path):
    def seen(path, *lengths):
        for n_epochs in lengths:
            callbacks = [Checkpoint(path, resume=True), Wanders()]
            estimator = small(EEGNetClassifier, max_epochs=n_epochs, callbacks=callbacks)
            estimator.fit(*trials)
        return dict(estimator.net_.callbacks_)["wanders"].seen_

    assert seen(tmp_path / "parts", 2, 3, 5) == seen(tmp_path / "whole", 5)


class Asked(skorch.callbacks.Callback):
    def on_train_begin(self, net, **kwargs):
        self.handle_, self.count_ = threading.Lock(), 0

    def on_epoch_end(self, net, **kwargs):
        self.count_ += 1

    def state_dict(self):
        return {"count": self.count_}

    def load_state_dict(self, state):
        self.count_ = state["count"]


def test_a_callback_may_say_what_its_state_is(trials, tmp_path):
    callbacks = [Asked(), Checkpoint(tmp_path / "best", resume=True)]
    estimator = small(EEGNetClassifier, callbacks=callbacks)
    estimator.set_params(max_epochs=2).fit(*trials)
    estimator.set_params(max_epochs=5).fit(*trials)
    assert dict(estimator.net_.callbacks_)["asked"].count_ == 5


def test_a_state_that_cannot_be_saved(trials, tmp_path):
    class Holds(skorch.callbacks.Callback):
        def on_train_begin(self, net, **kwargs):
            self.lock_ = threading.Lock()

    estimator = small(EEGNetClassifier, callbacks=[Holds(), Checkpoint(tmp_path / "best")])
    message = "cannot save lock_ of callback 'holds', a lock; give the callback or tra"
    with pytest.raises(TypeError, match=message):
        estimator.fit(*trials)


def test_an_object_that_is_not_there_when_training_begins(trials, tmp_path):
    class Late(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            self.late_ = nn.Linear(1, 1)

    estimator = small(EEGNetClassifier, callbacks=[Late(), Checkpoint(tmp_path / "b", resume=True)])
    estimator.fit(*trials)
    with pytest.raises(TypeError, match="cannot restore late_ of callback 'late'.* on_train_begin"):
        estimator.fit(*trials)


def test_two_checkpoints_side_by_side(trials, tmp_path):
    """One of them resumes, and the other goes on with it."""

    def made(folder, n_epochs, both=False):
        callbacks = [
            ("loss", Checkpoint(tmp_path / folder / "loss", resume=True)),
            ("score", Checkpoint(tmp_path / folder / "score", monitor="train_loss", resume=both)),
        ]
        fields = {"max_epochs": n_epochs, "valid_split": 0.25, "callbacks": callbacks}
        return small(EEGNetClassifier, **fields).fit(*trials)

    whole = made("whole", 6)
    made("parts", 3)
    parts = made("parts", 6)
    assert_same(dict(parts.module_.state_dict()), dict(whole.module_.state_dict()))
    for name in ("loss", "score"):
        assert_same(
            read(tmp_path / "parts" / name)["best"], read(tmp_path / "whole" / name)["best"]
        )
    with pytest.raises(ValueError, match="two checkpoints have resume=True; one of them resumes"):
        made("parts", 6, both=True)


@pytest.mark.parametrize("value", [np.float32(1.5), np.arange(3, dtype=">i2"), np.array(2.0)])
def test_arrays_come_back_as_they_were(value):
    back = decode(encode(value, "it"), None, "it")
    assert type(back) is type(value)
    assert back.dtype == value.dtype
    np.testing.assert_array_equal(back, value)


def test_descriptions_are_the_same_in_every_process():
    for value in (len, nn.ReLU, object(), lambda: 0, np.arange(3), KFold(3), {"a": [1, None]}):
        assert " at 0x" not in describe(value)
    assert describe(np.int64(3)) == describe(3)
    assert describe(np.arange(3)) != describe(np.arange(4))
    assert digest(torch.ones(2)) == "#" + digest(torch.ones(1).expand(2))[1:]
    assert digest(torch.ones(2)) != digest(torch.ones(2, dtype=torch.float64))
    assert digest([torch.ones(1), torch.ones(1)]) != digest([torch.ones(2)])


# In the company of scikit-learn


def test_clone_and_pickle(trials, tmp_path):
    estimator = make(tmp_path / "best", max_epochs=2).fit(*trials)
    copy = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(copy.predict_proba(trials[0]), estimator.predict_proba(trials[0]))
    own = {"path", "monitor", "lower_is_better", "every", "load_best", "resume"}
    assert vars(clone(estimator).callbacks[1]).keys() == own
    assert dict(estimator.net_.callbacks_)["checkpoint"].get_params().keys() == own
    assert "Checkpoint(path=" in repr(estimator)
    assert dict(copy.net_.callbacks_)["checkpoint"].best_weights_ is None


def test_a_grid_search_with_a_file_for_each_fit(trials, tmp_path):
    """A search that is run again goes on with each of its fits, in whatever process."""
    grid = {"lr": [1e-3, 1e-2]}
    fields = {"callbacks": [Checkpoint(tmp_path / "{run}", resume=True)], "max_epochs": 2}
    search = GridSearchCV(small(EEGNetClassifier, **fields), grid, cv=2, n_jobs=2)
    search.fit(*trials)
    files = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert len(files) == 2 * 2 + 1
    again = clone(search).set_params(n_jobs=1).fit(*trials)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == files
    proba = [each.predict_proba(trials[0]) for each in (search, again)]
    np.testing.assert_array_equal(*proba)
    plain = GridSearchCV(small(EEGNetClassifier), grid, cv=2).fit(*trials)
    np.testing.assert_array_equal(plain.predict_proba(trials[0]), proba[0])


def test_fits_that_share_a_file(trials, tmp_path):
    """Without ``resume`` it is that of the last fit; with it, none is lost."""
    path = tmp_path / "best"
    estimator = small(EEGNetClassifier, callbacks=[Checkpoint(path)])
    scores = cross_val_score(estimator, *trials, cv=KFold(2))
    np.testing.assert_array_equal(
        scores, cross_val_score(small(EEGNetClassifier), *trials, cv=KFold(2))
    )
    before = path.read_bytes()
    estimator.set_params(callbacks__checkpoint__resume=True)
    with pytest.raises(ValueError, match=r"of another run, X differs.*one with \{run\} in it"):
        cross_val_score(estimator, *trials, cv=KFold(2), error_score="raise")
    assert path.read_bytes() == before


def test_a_fit_that_another_one_overtakes(trials, tmp_path):
    """Two fits that begin at the same time do not destroy each other's file."""
    path = tmp_path / "best"

    class Other(skorch.callbacks.Callback):
        def on_epoch_begin(self, net, **kwargs):
            if not path.exists():
                small(EEGNetRegressor, callbacks=[Checkpoint(path)]).fit(*trials)

    estimator = small(EEGNetClassifier, callbacks=[Other(), Checkpoint(path, resume=True)])
    with pytest.raises(ValueError, match=r"another fit writes to .*best' too; .*\{run\}"):
        estimator.fit(*trials)
    assert read(path)["run"]["estimator"] == "EEGNetRegressor"


def test_a_file_for_each_fit_takes_a_random_state(trials, tmp_path):
    callbacks = [Checkpoint(tmp_path / "{run}", resume=True)]
    with pytest.raises(ValueError, match="takes a random_state other than None"):
        small(EEGNetClassifier, callbacks=callbacks, random_state=None).fit(*trials)


def test_partial_fit_and_warm_start(trials, tmp_path):
    path = tmp_path / "best"
    estimator = small(EEGNetClassifier, callbacks=[Checkpoint(path)])
    for n_epochs in (1, 2):
        estimator.partial_fit(*trials, classes=[0, 1])
        assert read(path)["epoch"] == n_epochs
    estimator = small(EEGNetClassifier, callbacks=[Checkpoint(path, resume=True)])
    with pytest.raises(ValueError, match="resume=True is for fit"):
        estimator.partial_fit(*trials, classes=[0, 1])
    estimator = small(EEGNetClassifier, warm_start=True)
    estimator.set_params(callbacks=[Checkpoint(tmp_path / "warm", resume=True)])
    first = pickle.dumps(estimator.fit(*trials))
    with pytest.raises(ValueError, match="of another run, initial weights differs"):
        estimator.fit(*trials)
    fields = {"callbacks__checkpoint__path": tmp_path / "second"}
    parts, whole = (pickle.loads(first).set_params(**fields) for _ in range(2))
    whole.set_params(callbacks=None, max_epochs=4).fit(*trials)
    parts.fit(*trials)
    parts = pickle.loads(first).set_params(**fields, max_epochs=4).fit(*trials)
    assert_same(dict(parts.module_.state_dict()), dict(whole.module_.state_dict()))


# Transforms with a state


class OwnNoise:
    """Add noise of a generator of its own, more of it from call to call."""

    def __init__(self, seed=0):
        self.generator, self.n_calls, self.apply = np.random.default_rng(seed), 0, self._apply
        self.device, self.lengths = torch.device("cpu"), []

    def __call__(self, X, y):
        self.n_calls += 1
        self.lengths.append(len(X))
        return self.apply(X), y

    def _apply(self, X):
        drawn = self.generator.standard_normal(X.shape).astype("f4")
        return X + self.n_calls * sum(self.lengths) / 1000 * torch.from_numpy(drawn)


class AskedNoise(OwnNoise):
    """Say what its state is, beside what nothing can hold."""

    def __init__(self):
        super().__init__()
        self.window = range(3)

    def state_dict(self):
        return {"bits": self.generator.bit_generator.state, "n": self.n_calls, "l": self.lengths}

    def load_state_dict(self, state):
        self.generator.bit_generator.state = state["bits"]
        self.n_calls, self.lengths = state["n"], state["l"]


class NoisyLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("n_calls", torch.zeros(()))

    def forward(self, X, y):
        self.n_calls += 1
        return X * self.n_calls, y


class OneOf:
    """Take turns between transforms."""

    def __init__(self, *transforms):
        self.transforms, self.first, self.n_calls = list(transforms), transforms[0], 0

    def __call__(self, X, y):
        self.n_calls += 1
        return self.transforms[self.n_calls % len(self.transforms)](X, y)


@dataclasses.dataclass(frozen=True)
class FrozenNoise:
    generator: torch.Generator

    def __call__(self, X, y):
        return X + torch.randn(X.shape, generator=self.generator), y


class SlimNoise:
    __slots__ = ("generator",)

    def __init__(self):
        self.generator = np.random.RandomState(0)

    def __call__(self, X, y):
        return X + torch.from_numpy(self.generator.standard_normal(X.shape).astype("f4")), y


class Learning(GaussianNoise):
    """A transform of eegsk that counts."""

    def __call__(self, X, y):
        self.n_calls_ = getattr(self, "n_calls_", 0) + 1
        return X * self.n_calls_, y


def add_noise(generator, X, y):
    return X + torch.from_numpy(generator.standard_normal(X.shape).astype("f4")), y


def closed_over(seed):
    generator = np.random.default_rng(seed)

    def noise(X, y):
        return add_noise(generator, X, y)

    return noise


def torch_noise(X, y):
    return X + torch.randn_like(X), y


GLOBAL = np.random.default_rng(0)


def global_noise(X, y):
    return add_noise(GLOBAL, X, y)


def with_global():
    GLOBAL.bit_generator.state = np.random.default_rng(0).bit_generator.state
    return global_noise


STATEFUL = {
    "own": OwnNoise,
    "asked": AskedNoise,
    "module": NoisyLayer,
    "one of": lambda: OneOf(OwnNoise(), OwnNoise(1), TimeShift(), closed_over(1)),
    "frozen": lambda: FrozenNoise(torch.Generator().manual_seed(0)),
    "slots": SlimNoise,
    "of eegsk": TimeShift,
    "learning": Learning,
    "method": lambda: OwnNoise().__call__,
    "function": lambda: torch_noise,
    "closure": lambda: closed_over(0),
    "global": with_global,
    "partial": lambda: functools.partial(add_noise, np.random.default_rng(0)),
}


@pytest.mark.parametrize("name", STATEFUL)
def test_transforms_go_on(name, trials, tmp_path):
    def fit(path, *lengths):
        for n_epochs in lengths:
            # As in a process of its own: nothing of the fit before is left.
            own = {"augmentation": [TimeShift(), ("mine", STATEFUL[name]())]}
            callbacks = [Checkpoint(path, resume=True)]
            fields = {"batch_size": 8, "max_epochs": n_epochs, "callbacks": callbacks}
            estimator = small(EEGNetClassifier, **own, **fields).fit(*trials)
        return estimator

    parts, whole = fit(tmp_path / "parts", 3, 4, 6), fit(tmp_path / "whole", 6)
    assert_same(dict(parts.module_.state_dict()), dict(whole.module_.state_dict()))
    if name == "own":
        counts = [each.net_.augmentation_[1].n_calls for each in (parts, whole)]
        assert counts == [6 * 3, 6 * 3]


class Holds:
    """Hold what cannot be saved, and change it or not."""

    def __init__(self, writes):
        self.writes = writes
        self.file = io.StringIO()
        self.folder = Path("trials")

    def __call__(self, X, y):
        if self.writes:
            self.file.write("another batch")
        return X, y


@pytest.mark.parametrize("writes", [False, True])
def test_a_transform_that_holds_what_cannot_be_saved(writes, trials, tmp_path):
    """It does no harm unless it has changed."""
    callbacks = [Checkpoint(tmp_path / "best", resume=True)]
    fields = {"augmentation": [OneOf(Holds(writes))], "callbacks": callbacks, "valid_split": 0.25}
    small(EEGNetClassifier, max_epochs=2, **fields).fit(*trials)
    longer = small(EEGNetClassifier, max_epochs=3, **fields)
    if writes:
        with pytest.raises(
            TypeError, match="cannot restore file of .*transform 'OneOf': it has ch"
        ):
            longer.fit(*trials)
    else:
        assert longer.fit(*trials).n_iter_ == 3


def test_a_transform_whose_generator_is_not_there_at_first(trials, tmp_path):
    class Late:
        def __call__(self, X, y):
            self.late = np.random.default_rng(0)
            return X, y

    callbacks = [Checkpoint(tmp_path / "best", resume=True)]
    estimator = small(EEGNetClassifier, augmentation=[Late()], callbacks=callbacks).fit(*trials)
    with pytest.raises(
        TypeError, match="cannot restore late of transform 'Late'.* in __init__, or"
    ):
        estimator.fit(*trials)


# Files that lack something


@pytest.mark.parametrize(
    "key", ["version", "run", "seed", "epoch", "n_epochs", "stopped", "best", "begins", "last"]
)
@pytest.mark.parametrize("seed", [0, None])
def test_a_file_that_lacks_something(key, seed, whole, trials, tmp_path):
    path = tmp_path / "best"
    path.write_bytes(whole)
    content = read(path)
    del content[key]
    torch.save(content, path)
    assert_refused(path, "is damaged or incomplete", make(path, random_state=seed), trials)
