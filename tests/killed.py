"""Fits in processes of their own, which are killed by a real SIGKILL."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import torch
from skorch.callbacks import LRScheduler
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

import eegsk.training.files
from eegsk import EEGNetClassifier
from eegsk.callbacks import Checkpoint, EarlyStopping

# A server that has imported all once, with what torch imports in a first step, from which each
# process is forked.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["__main__", "tests.killed", "torch._dynamo"])
N_EPOCHS = 8


def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((24, 3, 48)).astype(np.float32), np.arange(24) % 2


def make(path, **fields):
    """Make an estimator with dropout, a schedule, and early stopping far off."""
    checkpoint = Checkpoint(path, resume=True)
    callbacks = [
        EarlyStopping(monitor="train_loss", patience=40),
        checkpoint,
        LRScheduler(CosineAnnealingWarmRestarts, T_0=3),
    ]
    own = {"n_filters": 2, "kernel": 5, "max_epochs": N_EPOCHS, "batch_size": 8}
    common = {"valid_split": 0.25, "random_state": 0, "callbacks": callbacks}
    return EEGNetClassifier(**own, **common).set_params(**fields)


def outcome(estimator):
    """Return what must not depend on interruptions: weights, losses, what is predicted."""
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
    """Fit in this process, and write the outcome."""
    torch.set_num_threads(1)
    prepare = prepare or (lambda: None)
    prepare()
    torch.save(outcome(make(path, **fields).fit(*data())), result)


def start(path, result, prepare=None, **fields):
    """Start a fit in a process of its own."""
    process = _CONTEXT.Process(target=_fit, args=(str(path), str(result), fields, prepare))
    process.start()
    return process


def ended(process):
    """Wait for a process, and return with which code it ended."""
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode


def kill_after(process, seconds):
    """Kill a process, unless it ends before."""
    process.join(seconds)
    process.kill()
    return ended(process)


def wait_for(path, seconds=60):
    """Wait until there is a file."""
    end = time.monotonic() + seconds
    while not Path(path).exists() and time.monotonic() < end:
        time.sleep(0.001)
    assert Path(path).exists()


class DieIn:
    """In the process to be, have one of the functions that write a file kill it at some call.

    Parameters
    ----------
    function : {"save", "fsync", "replace", "after"}
        When: with half of a file written, before it is on the disk, before it is in place, after.
    call : int
        In which writing, counted from one.
    """

    def __init__(self, function, call):
        self.function, self.call = function, call

    def __call__(self):
        self.n_calls = 0
        files = eegsk.training.files
        self.real = files.torch.save if self.function == "save" else files.os.replace
        if self.function == "save":
            files.torch.save = self.save
        elif self.function == "fsync":
            files.os.fsync = self.fsync
        else:
            files.os.replace = self.replace

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
