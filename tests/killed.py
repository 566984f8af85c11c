"""Fits in child processes, which are killed by SIGKILL."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import torch
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

from eegsk import EEGNetClassifier
from eegsk.callbacks import Checkpoint, EarlyStopping

# Child processes are forked from a server that has imported eegsk and the modules that torch
# imports in the first training step.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["__main__", "tests.killed", "torch._dynamo"])
N_EPOCHS = 8


def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((24, 3, 48)).astype(np.float32), np.arange(24) % 2


def make(path, **fields):
    """Return an estimator with dropout, a schedule, and early stopping that never stops."""
    checkpoint = Checkpoint(path, resume=True)
    callbacks = [
        EarlyStopping(monitor="train_loss", patience=40),
        checkpoint,
        LRScheduler(CosineAnnealingWarmRestarts, T_0=3),
    ]
    params = {"n_filters": 2, "kernel": 5, "max_epochs": N_EPOCHS, "batch_size": 8}
    common = {"valid_split": 0.25, "random_state": 0, "callbacks": callbacks}
    return EEGNetClassifier(**params, **common).set_params(**fields)


def outcome(estimator):
    """Return the results that must not depend on interruptions."""
    X, _ = data()
    columns = ("epoch", "train_loss", "valid_loss", "valid_score", "event_lr", "valid_loss_best")
    return {
        "weights": {k: v.clone() for k, v in estimator.module_.state_dict().items()},
        "optimizer": estimator.net_.optimizer_.state_dict()["state"],
        "history": [[float(row.get(name, -1)) for name in columns] for row in estimator.history_],
        "proba": torch.from_numpy(estimator.predict_proba(X)),
        "best": dict(estimator.net_.callbacks_)["checkpoint"].best_epoch_,
    }


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def _fit(path, result, fields, prepare):
    """Fit in this process, and write the results."""
    torch.set_num_threads(1)
    prepare = prepare or (lambda: None)
    prepare()
    torch.save(outcome(make(path, **fields).fit(*data())), result)


def start(path, result, prepare=None, **fields):
    """Start a fit in a child process."""
    process = _CONTEXT.Process(target=_fit, args=(str(path), str(result), fields, prepare))
    process.start()
    return process


def ended(process):
    """Wait for a process, and return its exit code."""
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode


def kill_after(process, seconds):
    """Kill a process after some seconds, unless it has ended."""
    process.join(seconds)
    process.kill()
    return ended(process)


def wait_for(path, seconds=60):
    """Wait until a file exists."""
    end = time.monotonic() + seconds
    while not Path(path).exists() and time.monotonic() < end:
        time.sleep(0.001)
    assert Path(path).exists()


class DieIn:
    """Make a function that writes the file kill the child process.

    Parameters
    ----------
    function : {"save", "fsync", "replace", "after"}
        When to kill: with half of the file written, before ``fsync``, before the file is replaced,
        or after.
    call : int
        Number of the call, counted from one.
    """

    def __init__(self, function, call):
        self.function, self.call = function, call

    def __call__(self):
        self.n_calls = 0
        self.real = torch.save if self.function == "save" else os.replace
        if self.function == "save":
            torch.save = self.save
        elif self.function == "fsync":
            os.fsync = self.fsync
        else:
            os.replace = self.replace

    def is_due(self):
        self.n_calls += 1
        return self.n_calls == self.call

    def save(self, content, file):
        self.real(content, file)
        if self.is_due() and hasattr(file, "truncate"):
            file.flush()
            file.truncate(file.tell() // 2)
            die()

    def fsync(self, descriptor):
        if self.is_due():
            die()

    def replace(self, source, target):
        due = self.is_due()
        if due and self.function == "replace":
            die()
        self.real(source, target)
        if due:
            die()
