"""Checkpoints: the best epoch, fits that are killed and resumed, damaged and foreign files."""

import functools
import io
import os
import pickle
import signal
import threading
import time
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
from eegsk.callbacks import Checkpoint, EarlyStopping, TrainingCallback
from eegsk.callbacks.checkpoint._identity import describe

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
    incomplete = [file for file in tmp_path.iterdir() if file.name != "best"]
    assert bool(incomplete) == (function != "after")
    for file in incomplete:
        os.utime(file, (0, 0))  # so old that no process can still be writing it
    resumed = make(path).fit(*trials)
    assert_same(outcome(resumed), uninterrupted)
    assert {file.name for file in tmp_path.iterdir()} == {"best"}


@pytest.mark.slow
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


def decay(epoch):
    return 0.9**epoch


def last_loss(net, X, y):
    return float(net.history[-1, "batches", -1, "train_loss"])


CALLBACKS = {
    "plateau": skorch.callbacks.LRScheduler(
        "ReduceLROnPlateau", monitor="train_loss", patience=0, factor=0.5, threshold=0.1
    ),
    "function": skorch.callbacks.LRScheduler("LambdaLR", lr_lambda=decay),
    "each batch": skorch.callbacks.LRScheduler("CyclicLR", base_lr=1e-4, max_lr=1e-2,
                                               step_every="batch", cycle_momentum=False),
    "warm restarts": skorch.callbacks.LRScheduler("WarmRestartLR"),
    "freezing": skorch.callbacks.Freezer("network.head.*"),
    "clipping": skorch.callbacks.GradientNormClipping(0.1),
    "scoring": skorch.callbacks.BatchScoring(
        last_loss, name="scored", on_train=True
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


OWN_CALLBACKS = [
    getattr(callbacks, name)
    for name in callbacks.__all__
    if name not in ("Checkpoint", "StopTraining", "TrainingCallback")
]

# Parameters with which a callback needs no validation.
ON_TRAINING = {EarlyStopping: {"monitor": "train_loss"}, callbacks.EpochMetric: {"on_train": True}}


@pytest.mark.parametrize("split", [None, 0.25])
@pytest.mark.parametrize(
    "callback",
    OWN_CALLBACKS,
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


class Falling(TrainingCallback):
    """A schedule that depends on the number of epochs."""

    @property
    def depends_on_max_epochs(self):
        return True


@pytest.mark.parametrize("schedule", [Falling(), callbacks.OneCycle(), callbacks.SWA(start=0.5)])
def test_a_schedule_that_depends_on_max_epochs_is_not_prolonged(schedule, trials, tmp_path):
    items = [schedule, Checkpoint(tmp_path / "best", resume=True)]
    for _ in range(2):
        small(EEGNetClassifier, callbacks=items, max_epochs=2).fit(*trials)
    with pytest.raises(ValueError, match="belongs to another fit: max_epochs was 2, now is 4"):
        small(EEGNetClassifier, callbacks=items, max_epochs=4).fit(*trials)


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
    ("monitor", "message"),
    [
        ("valid_loss", "there is no 'valid_loss' to monitor without validation"),
        ("auc", "the history has no column 'auc' to monitor; check its name"),
    ],
)
def test_a_column_that_does_not_exist(monitor, message, trials, tmp_path):
    callbacks = [Checkpoint(tmp_path / "best", monitor=monitor)]
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
    message = r"Checkpoint: .* is damaged, or not a checkpoint of"
    estimator = make(path).set_params(callbacks__checkpoint__resume=resume)
    assert_refused(path, message, estimator, trials)


def test_a_file_with_a_single_wrong_bit(whole, trials, tmp_path):
    place = whole.index(b"#") + 3  # in the description of the run, which pickles as it is
    path = tmp_path / "best"
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert_refused(path, "is damaged, or not a checkpoint of", make(path), trials)


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
        path, "Checkpoint: .* is damaged, or not a checkpoint of this version", estimator, trials
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"lr": 0.1}, r"lr was 0.003, now is 0.1\."),
        ({"dropout": 0.1}, r"dropout was 0.5, now is 0.1\."),
        ({"activation": nn.ReLU}, r"activation was 'elu', now is torch.*ReLU\."),
        ({"random_state": 1}, r"random_state was 0, now is 1 \(and"),
        ({"random_state": None}, r"random_state was 0, now is None\."),
        ({"valid_split": 0.5}, r"valid_split was 0.25, now is 0.5 \(and"),
        ({"callbacks__earlystopping__patience": 1}, r"earlystopping__patience was 40, now is 1\."),
        ({"callbacks__lrscheduler__T_0": 9}, r"callbacks__lrscheduler__T_0 was 3, now is 9\."),
        (
            {"callbacks__earlystopping": None},
            r"callbacks was \[.*EarlyStopping.*, now is",
        ),
        (
            {"callbacks__checkpoint__monitor": "train_loss"},
            r"monitor was 'auto', now is 'train_loss'\.",
        ),
    ],
)
def test_a_checkpoint_of_other_parameters(fields, words, whole, trials, tmp_path):
    path = tmp_path / "best"
    path.write_bytes(whole)
    assert_refused(path, f"to another fit: .*{words}", make(path).set_params(**fields), trials)


def test_a_checkpoint_of_another_estimator(whole, trials, tmp_path):
    path = tmp_path / "best"
    path.write_bytes(whole)
    other = small(EEGNetRegressor, callbacks=[Checkpoint(path, resume=True)])
    words = "to another fit: estimator was EEGNetClassifier, now is EEGNetRegressor"
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
        path, f"to another fit: {'y' if name == 'y' else 'X'} differs", make(path), other
    )


def test_other_weights_of_trials(whole, trials, tmp_path):
    path = tmp_path / "best"
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="to another fit: sample_weight differs"):
        make(path).fit(*trials, sample_weight=np.arange(1, 25))
    assert path.read_bytes() == whole


def test_other_groups(trials, tmp_path):
    """Groups can have an effect without validation, e.g. with SegmentRecombination."""
    estimator = make(tmp_path / "best", valid_split=None).fit(*trials, groups=np.arange(24) // 6)
    with pytest.raises(ValueError, match="to another fit: groups differs"):
        clone(estimator).fit(*trials, groups=np.arange(24) // 8)


def test_fewer_epochs_than_there_are(whole, trials, tmp_path):
    path = tmp_path / "best"
    path.write_bytes(whole)
    assert_refused(
        path, "has 2 epochs, more than max_epochs=1; raise", make(path, max_epochs=1), trials
    )


def test_a_checkpoint_of_a_later_format(whole, trials, tmp_path):
    path = tmp_path / "best"
    path.write_bytes(whole)
    torch.save({**read(path), "format": "eegsk checkpoint 3"}, path)
    assert_refused(path, "not a checkpoint of this version of eegsk", make(path), trials)


def test_without_resume_a_checkpoint_is_replaced(whole, trials, tmp_path):
    path = tmp_path / "best"
    path.write_bytes(whole)
    estimator = make(path, max_epochs=1, lr=0.1).set_params(callbacks__checkpoint__resume=False)
    assert estimator.fit(*trials).n_iter_ == read(path)["epoch"] == 1


def test_where_no_file_can_be_written(trials, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Checkpoint: cannot write to the folder '.*file'"):
        make(tmp_path / "file" / "best").fit(*trials)
    with pytest.raises(IsADirectoryError, match="is a folder; give the path of a file, e.g."):
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
    with pytest.raises(PermissionError, match="Checkpoint: cannot write to the folder .*; use a"):
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


class Draws(skorch.callbacks.Callback):
    """A skorch callback whose attributes are its state, and influence the weights."""

    def on_train_begin(self, net, **kwargs):
        self.count_, self.values_, self.norm_ = np.float64(1), [1, (2.0, None)], nn.BatchNorm1d(2)
        self.function_, self.lock_ = len, threading.Lock()

    def on_epoch_end(self, net, **kwargs):
        self.count_ = self.count_ * 1.5
        self.norm_(torch.rand(4, 2))
        self.values_.append(self.count_ + float(self.norm_.running_mean.sum()))
        with torch.no_grad():
            for weight in net.module_.parameters():
                weight.add_(1e-3 * self.values_[-1])


class Asked(skorch.callbacks.Callback):
    """A skorch callback with a state_dict."""

    def on_train_begin(self, net, **kwargs):
        self.count_ = 0

    def on_epoch_end(self, net, **kwargs):
        self.count_ += 1

    def state_dict(self):
        return {"count": self.count_}

    def load_state_dict(self, state):
        self.count_ = state["count"]


def test_state_of_callbacks_is_resumed(trials, tmp_path):
    def fit(path, *lengths):
        for n_epochs in lengths:
            callbacks = [Draws(), Asked(), Checkpoint(path, resume=True)]
            estimator = small(EEGNetClassifier, max_epochs=n_epochs, callbacks=callbacks)
            estimator.fit(*trials)
        return estimator

    parts, whole = fit(tmp_path / "parts", 2, 3, 5), fit(tmp_path / "whole", 5)
    assert_same(dict(parts.module_.state_dict()), dict(whole.module_.state_dict()))
    assert dict(parts.net_.callbacks_)["asked"].count_ == 5


def test_a_state_that_cannot_be_saved(trials, tmp_path):
    class Holds(skorch.callbacks.Callback):
        def state_dict(self):
            return {"lock": threading.Lock()}

        def load_state_dict(self, state):
            pass

    estimator = small(EEGNetClassifier, callbacks=[Holds(), Checkpoint(tmp_path / "best")])
    message = "the state of callback 'holds' contains a lock; it should contain tensors, numbers"
    with pytest.raises(TypeError, match=message):
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
    with pytest.raises(ValueError, match="both set the state to resume; use only one of them"):
        made("parts", 6, both=True)


# Identity of a fit


def activation(alpha):
    return nn.ELU(alpha)


class Spectrum:
    def __init__(self, values, name="spectrum"):
        self.values, self.name = values, name


DIFFERENT = {
    "numbers": (1, 1.0),
    "arrays": (np.arange(3), np.arange(4)),
    "dtypes": (torch.ones(2), torch.ones(2, dtype=torch.float64)),
    "functions": (activation, len),
    "partials": (functools.partial(activation, 0.1), functools.partial(activation, 0.2)),
    "classes": (nn.ELU, nn.ReLU),
    "objects": (Spectrum(np.arange(3)), Spectrum(np.arange(4))),
    "splitters": (KFold(3), KFold(4)),
    "modules": (nn.CrossEntropyLoss(torch.ones(2)), nn.CrossEntropyLoss(2 * torch.ones(2))),
    "settings": (nn.ELU(0.1), nn.ELU(0.2)),
    "lists": ([GaussianNoise(), TimeShift()], [TimeShift(), GaussianNoise()]),
    "dictionaries": ({"a": 1}, {"a": 2}),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_descriptions_differ_if_values_differ(name):
    first, second = DIFFERENT[name]
    assert describe(first) != describe(second)
    assert describe(pickle.loads(pickle.dumps(first))) == describe(first)
    assert " at 0x" not in describe(first)


def test_descriptions_do_not_depend_on_hashes():
    assert describe({"a", "b", "c"}) == describe({"c", "b", "a"}) == "['a', 'b', 'c']"
    assert describe(np.int64(3)) == describe(3) == "3"


def local_function(alpha):
    def activation():
        return nn.ELU(alpha)

    return activation


UNNAMED = {
    "lambda": {"activation": lambda: nn.ELU(0.1)},
    "local function": {"activation": local_function(0.1)},
    "local class": {"activation": type("Local", (nn.ELU,), {"__qualname__": "f.<locals>.Local"})},
    "in a callback": {"callbacks__batchscoring__scoring": lambda net, X, y: 0.0},
}


@pytest.mark.parametrize("path", ["best", "{run}"])
@pytest.mark.parametrize("name", UNNAMED)
def test_lambdas_and_local_functions_cannot_be_resumed(name, path, trials, tmp_path):
    """Two of them can have the same name, so a file could be that of another one."""
    scoring = skorch.callbacks.BatchScoring("accuracy", name="scored", on_train=True)
    callbacks = [scoring, Checkpoint(tmp_path / path, resume=True)]
    estimator = small(EEGNetClassifier, callbacks=callbacks).set_params(**UNNAMED[name])
    message = f"Checkpoint: {next(iter(UNNAMED[name]))} is a lambda, or a local function or class"
    with pytest.raises(TypeError, match=message):
        estimator.fit(*trials)
    assert list(tmp_path.iterdir()) == []
    if path == "best":
        estimator.set_params(callbacks__checkpoint__resume=False).fit(*trials)
        assert read(tmp_path / path)["epoch"] == 2


# With scikit-learn


def test_clone_and_pickle(trials, tmp_path):
    estimator = make(tmp_path / "best", max_epochs=2).fit(*trials)
    copy = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(copy.predict_proba(trials[0]), estimator.predict_proba(trials[0]))
    own = {"path", "monitor", "lower_is_better", "every", "load_best", "resume"}
    assert vars(clone(estimator).callbacks[1]).keys() == own
    assert dict(estimator.net_.callbacks_)["checkpoint"].get_params().keys() == own
    assert "Checkpoint(path=" in repr(estimator)
    assert dict(copy.net_.callbacks_)["checkpoint"].best_weights_ is None


@pytest.mark.slow
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
    with pytest.raises(ValueError, match=r"to another fit: X differs.*one that contains \{run\}"):
        cross_val_score(estimator, *trials, cv=KFold(2), error_score="raise")
    assert path.read_bytes() == before


def test_a_file_for_each_fit_takes_a_random_state(trials, tmp_path):
    callbacks = [Checkpoint(tmp_path / "{run}", resume=True)]
    with pytest.raises(ValueError, match="the estimator needs a random_state"):
        small(EEGNetClassifier, callbacks=callbacks, random_state=None).fit(*trials)


def test_partial_fit_and_warm_start(trials, tmp_path):
    path = tmp_path / "best"
    estimator = small(EEGNetClassifier, callbacks=[Checkpoint(path)])
    for n_epochs in (1, 2):
        estimator.partial_fit(*trials, classes=[0, 1])
        assert read(path)["epoch"] == n_epochs
    estimator = small(EEGNetClassifier, callbacks=[Checkpoint(path, resume=True)])
    with pytest.raises(ValueError, match="partial_fit cannot be resumed"):
        estimator.partial_fit(*trials, classes=[0, 1])
    estimator = small(EEGNetClassifier, warm_start=True)
    estimator.set_params(callbacks=[Checkpoint(tmp_path / "warm", resume=True)])
    first = pickle.dumps(estimator.fit(*trials))
    with pytest.raises(ValueError, match="to another fit: initial weights differs"):
        estimator.fit(*trials)
    fields = {"callbacks__checkpoint__path": tmp_path / "second"}
    parts, whole = (pickle.loads(first).set_params(**fields) for _ in range(2))
    whole.set_params(callbacks=None, max_epochs=4).fit(*trials)
    parts.fit(*trials)
    parts = pickle.loads(first).set_params(**fields, max_epochs=4).fit(*trials)
    assert_same(dict(parts.module_.state_dict()), dict(whole.module_.state_dict()))


# Transforms


class CountingNoise:
    """A transform with a generator and a counter, which state_dict returns."""

    def __init__(self):
        self.generator, self.n_calls = np.random.default_rng(0), 0

    def __call__(self, X, y):
        self.n_calls += 1
        noise = self.generator.standard_normal(X.shape).astype("f4")
        return X + self.n_calls * torch.from_numpy(noise), y

    def state_dict(self):
        return {"generator": self.generator.bit_generator.state, "n_calls": self.n_calls}

    def load_state_dict(self, state):
        self.generator.bit_generator.state = state["generator"]
        self.n_calls = state["n_calls"]


class NoisyLayer(nn.Module):
    """A transform whose buffer is its state."""

    def __init__(self):
        super().__init__()
        self.register_buffer("n_calls", torch.zeros(()))

    def forward(self, X, y):
        self.n_calls += 1
        return X * self.n_calls, y


def torch_noise(X, y):
    return X + torch.randn_like(X), y


@pytest.mark.parametrize("transform", [CountingNoise, NoisyLayer, TimeShift, lambda: torch_noise])
def test_transforms_are_resumed(transform, trials, tmp_path):
    def fit(path, *lengths):
        for n_epochs in lengths:
            augmentation = [TimeShift(), ("mine", transform())]
            callbacks = [Checkpoint(path, resume=True)]
            fields = {"batch_size": 8, "max_epochs": n_epochs, "callbacks": callbacks}
            estimator = small(EEGNetClassifier, augmentation=augmentation, **fields).fit(*trials)
        return estimator

    parts, whole = fit(tmp_path / "parts", 3, 4, 6), fit(tmp_path / "whole", 6)
    assert_same(dict(parts.module_.state_dict()), dict(whole.module_.state_dict()))


# Files that lack something


@pytest.mark.parametrize("key", ["format", "identity", "seed", "epoch", "stopped", "best", "last"])
@pytest.mark.parametrize("seed", [0, None])
def test_a_file_that_lacks_something(key, seed, whole, trials, tmp_path):
    path = tmp_path / "best"
    path.write_bytes(whole)
    content = read(path)
    del content[key]
    torch.save(content, path)
    assert_refused(
        path, "is damaged, or not a checkpoint of", make(path, random_state=seed), trials
    )
