"""What training shows and to whom: a bar, lines, loggers, or nothing; and Ctrl-C meanwhile."""

import pickle
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import skorch.callbacks
from sklearn.model_selection import cross_val_score

import eegsk.training.progress
from eegsk import EEGNetClassifier, EEGNetRegressor
from eegsk.augmentation import Mixup
from eegsk.callbacks import Checkpoint, EarlyStopping

from .networks import small

CLASSES = [EEGNetClassifier, EEGNetRegressor]


@pytest.fixture
def bars(monkeypatch):
    """Return a list of all bars that are made."""
    made = []

    class Bar(eegsk.training.progress.tqdm):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs, mininterval=0)
            self.n_closed = 0
            made.append(self)

        def close(self):
            self.n_closed += not self.disable
            super().close()

    monkeypatch.setattr(eegsk.training.progress, "tqdm", Bar)
    return made


def shown(capsys):
    """Return what the standard output and the states of the bar were."""
    out, err = capsys.readouterr()
    return out, [state for state in re.split(r"[\r\n]+", err) if state.strip()]


# A bar


@pytest.mark.parametrize("estimator_class", CLASSES)
@pytest.mark.parametrize("verbose", [1, True])
def test_one_bar_over_the_epochs(verbose, estimator_class, X, y, capsys, bars):
    fields = {"verbose": verbose, "max_epochs": 3, "valid_split": 0.25}
    estimator = small(estimator_class, **fields).fit(X, y)
    out, states = shown(capsys)
    assert out == ""
    assert len(bars) == bars[0].n_closed == 1
    row = estimator.history_[-1]
    assert states[-1].startswith(f"{estimator_class.__name__}: 100%")
    assert "3/3 [" in states[-1]
    assert "<00:0" in states[-1]  # how long it takes yet
    for name in ("train_loss", "train_score", "valid_loss", "valid_score"):
        assert f"{name}={row[name]:.3f}" in states[-1]


def test_a_bar_without_validation(X, y, capsys, bars):
    small(EEGNetClassifier, verbose=1).fit(X, y)
    _, states = shown(capsys)
    assert "train_loss=" in states[-1]
    assert "valid" not in states[-1]


def test_a_bar_without_the_training_score_of_mixtures(X, y, capsys, bars):
    small(EEGNetClassifier, verbose=1, augmentation=[Mixup()]).fit(X, y)
    _, states = shown(capsys)
    assert "train_loss=" in states[-1]
    assert "train_score" not in states[-1]


def test_a_bar_that_ends_early(X, y, capsys, bars):
    """It stays where training was stopped, and the next output has a line of its own."""
    callbacks = [EarlyStopping(patience=1, threshold=1e9)]
    fields = {"verbose": 1, "max_epochs": 9, "valid_split": 0.25, "callbacks": callbacks}
    n_epochs = small(EEGNetClassifier, **fields).fit(X, y).n_iter_
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{n_epochs}/9 [" in err
    assert err.endswith("\n")
    assert bars[0].n_closed == 1


class Ends(skorch.callbacks.Callback):
    """Fail, or be interrupted as by Ctrl-C, in the second epoch."""

    def __init__(self, how):
        self.how = how

    def on_batch_end(self, net, **kwargs):
        if len(net.history) == 2 and self.how == "error":
            raise ZeroDivisionError
        if len(net.history) == 2:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(
    ("how", "error"), [("error", ZeroDivisionError), ("ctrl-c", KeyboardInterrupt)]
)
def test_a_bar_is_closed_whatever_happens(how, error, X, y, capsys, bars):
    estimator = small(EEGNetClassifier, verbose=1, max_epochs=5, callbacks=[Ends(how)])
    with pytest.raises(error):
        estimator.fit(X, y)
    _, err = capsys.readouterr()
    assert "1/5 [" in err
    assert err.endswith("\n")
    assert bars[0].n_closed == 1
    pickle.dumps(estimator)


def test_a_bar_of_a_resumed_run(X, y, tmp_path, capsys, bars):
    callbacks = [Checkpoint(tmp_path / "best", resume=True)]
    for n_epochs in (2, 5, 5):
        small(EEGNetClassifier, max_epochs=n_epochs, verbose=1, callbacks=callbacks).fit(X, y)
    assert [(bar.initial, bar.total) for bar in bars] == [(0, 2), (2, 5)]  # nothing left to train


def test_each_fit_has_its_bar(X, y, bars, capsys):
    estimator = small(EEGNetClassifier, verbose=1, warm_start=True)
    estimator.fit(X, y).fit(X, y)
    cross_val_score(estimator, X, y, cv=2)
    assert [(bar.n, bar.total) for bar in bars] == [(2, 2)] * 4


@pytest.mark.parametrize("verbose", [0, 1])
def test_partial_fit_leaves_the_bar_to_its_caller(verbose, X, y, bars, capsys):
    estimator = small(EEGNetClassifier, verbose=verbose)
    for _ in range(2):
        estimator.partial_fit(X, y, classes=[0, 1])
    assert bars == []
    assert shown(capsys) == ("", [])


def test_a_fitted_estimator_with_a_bar_pickles(X, y, capsys):
    estimator = small(EEGNetClassifier, verbose=1).fit(X, y)
    copy = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(copy.predict(X), estimator.predict(X))


@pytest.mark.parametrize("verbose", [1, 2])
def test_what_is_shown_changes_nothing(verbose, X, y, capsys):
    fields = {"valid_split": 0.25, "max_epochs": 3}
    silent = small(EEGNetClassifier, **fields).fit(X, y)
    np.testing.assert_array_equal(
        small(EEGNetClassifier, verbose=verbose, **fields).fit(X, y).predict_proba(X),
        silent.predict_proba(X),
    )


# Lines and loggers


def test_a_line_for_each_epoch(X, y, capsys, bars):
    callbacks = [EarlyStopping(patience=1, threshold=1e9, lower_is_better=False)]
    fields = {"verbose": 2, "max_epochs": 9, "valid_split": 0.25, "callbacks": callbacks}
    n_epochs = small(EEGNetClassifier, **fields).fit(X, y).n_iter_
    out, states = shown(capsys)
    lines = out.splitlines()
    assert states == bars == []
    assert {"train_loss", "train_score", "valid_loss", "valid_score"} <= set(lines[0].split())
    printed = [line.split()[0] for line in lines[2:]]
    assert [word for word in printed if word.isdecimal()] == [*map(str, range(1, n_epochs + 1))]
    assert {"Stopping", "Restoring"} < set(printed)


def test_lines_of_partial_fit(X, y, capsys):
    estimator = small(EEGNetClassifier, verbose=2)
    for _ in range(3):
        estimator.partial_fit(X, y, classes=[0, 1])
    assert len(capsys.readouterr().out.splitlines()) == 2 + 3


class Writer:
    """What TensorBoard's callback asks of a writer."""

    def __init__(self):
        self.scalars, self.n_closed = [], 0
        self.lock = threading.Lock()  # which cannot be copied, as those of writers

    def add_scalar(self, tag, scalar_value, global_step):
        self.scalars.append((tag, global_step, scalar_value))

    def close(self):
        self.n_closed += 1


class Log(skorch.callbacks.Callback):
    """Write losses to a file."""

    def __init__(self, file):
        self.file = file

    def on_epoch_end(self, net, **kwargs):
        print(net.history[-1, "train_loss"], file=self.file)


def test_loggers_write_to_what_they_were_given(X, y, tmp_path):
    with (tmp_path / "losses").open("w+") as file:
        estimator = small(EEGNetClassifier, max_epochs=3, callbacks=[Log(file)]).fit(X, y)
        file.seek(0)
        assert [float(line) for line in file] == estimator.history_[:, "train_loss"]


class Jitter(skorch.callbacks.Callback):
    """Draw from a generator that was given, and list what came."""

    def __init__(self, rng, drawn):
        self.rng = rng
        self.drawn = drawn

    def on_epoch_begin(self, net, **kwargs):
        self.drawn.append(self.rng.normal())


def test_what_callbacks_change_does_not_flow_back(X, y):
    estimator = small(EEGNetClassifier, callbacks=[Jitter(np.random.default_rng(0), [])])
    first, second = (dict(estimator.fit(X, y).net_.callbacks_)["jitter"].drawn for _ in range(2))
    assert first == second != []
    assert estimator.callbacks[0].drawn == []


def test_tensorboard_receives_each_epoch(X, y):
    writer = Writer()
    callbacks = [skorch.callbacks.TensorBoard(writer)]
    fields = {"max_epochs": 3, "valid_split": 0.25, "callbacks": callbacks}
    estimator = small(EEGNetClassifier, **fields).fit(X, y)
    for name in ("train_loss", "train_score", "valid_loss", "valid_score"):
        logged = [(step, value) for tag, step, value in writer.scalars if tag == f"Loss/{name}"]
        assert logged == list(enumerate(estimator.history_[:, name], start=1))
    assert writer.n_closed == 1


def test_a_logger_of_ones_own_receives_each_epoch(X, y):
    rows = []

    class Logger(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            rows.append({name: net.history[-1, name] for name in ("epoch", "train_loss", "dur")})

    estimator = small(EEGNetClassifier, max_epochs=3, callbacks=[Logger()]).fit(X, y)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["train_loss"] for row in rows] == estimator.history_[:, "train_loss"]


# Ctrl-C while callbacks are at work


@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_batch_end", "on_epoch_end"])
def test_ctrl_c_in_a_callback_is_not_taken_for_a_stop(hook, X, y):
    class Busy(skorch.callbacks.Callback):
        pass

    def work(self, net, *args, **kwargs):
        if len(net.history) == 2:
            signal.raise_signal(signal.SIGINT)

    setattr(Busy, hook, work)
    estimator = small(EEGNetClassifier, max_epochs=5, callbacks=[Busy()])
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, y)
    assert estimator.n_iter_ == 1
    assert estimator.predict(X).shape == (24,)


def test_a_run_interrupted_by_ctrl_c_is_not_complete(X, y, tmp_path):
    """Wherever it came, in a callback's work too, the run goes on from the last whole epoch."""

    def made(callbacks):
        kept = ("kept", Checkpoint(tmp_path / f"{len(callbacks)}", resume=True))
        return small(EEGNetClassifier, max_epochs=5, callbacks=[*callbacks, kept])

    class Busy(skorch.callbacks.Callback):
        interrupts = True

        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 3 and Busy.interrupts:
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        made([Busy()]).fit(X, y)
    Busy.interrupts = False
    resumed = made([Busy()]).fit(X, y)
    assert resumed.n_iter_ == 5
    np.testing.assert_array_equal(resumed.predict_proba(X), made([]).fit(X, y).predict_proba(X))


# In a process of its own

PROGRAM = """
import numpy as np, sys
from eegsk import EEGNetClassifier
X, y = np.random.default_rng(0).standard_normal((8, 3, 48)), np.arange(8) % 2
for verbose in (0, 1):
    print(verbose, file=sys.stderr)
    EEGNetClassifier(max_epochs=3, verbose=verbose).fit(X, y)
"""


def test_the_bar_goes_to_the_standard_error():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        cwd=Path(eegsk.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    silent, _, bar = done.stderr.partition("1\n")
    assert (done.stdout, silent) == ("", "0\n")
    assert "EEGNetClassifier: 100%" in bar
