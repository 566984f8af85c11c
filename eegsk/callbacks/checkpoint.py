"""Checkpoints: the best epoch, and all it takes to go on with a run that was killed."""

from __future__ import annotations

import os
from dataclasses import field
from pathlib import Path
from typing import Any

from .._fields import Count, check_fields, named_items
from ..training.files import prepare_folder, read_checkpoint, write_checkpoint
from ..training.net import StopTraining
from ..training.run import Run, digest
from ..training.state import capture, restore
from ._best_epoch import BestEpoch
from ._same_run import beginnings, check_run

# The part of a path that stands for the fit.
_RUN = "{run}"
# Parameters of the checkpoint itself that leave what is trained as it is.
_NOT_TOLD = {"path", "every", "load_best", "resume"}


class Checkpoint(BestEpoch):
    """Keep the best epoch, and resume a run that was killed as if it had never stopped.

    One file holds the weights of the best epoch by a validation metric and, of the last epoch
    written, all that training depends on: weights, optimizer, schedules and other callbacks,
    generators, history. It is replaced as a whole, so that at any moment it is that of one epoch
    or of the one before. With ``resume``, the same ``fit`` goes on from there, and ends with
    weights that are bit-identical to those of a run without interruption; when the run was
    complete, it returns at once.

    Parameters
    ----------
    path : str or path-like
        The file; its folder is made. Where several fits share a path, as in cross-validation,
        the file is that of the last; write ``"runs/{run}"``, in which ``{run}`` stands for the
        parameters, data and seed, to give each fit a file of its own.
    every : int, default=1
        After how many epochs the file is written; after the last it always is, unless Ctrl-C or a
        callback stops training within an epoch.
    resume : bool, default=False
        Whether ``fit`` goes on from the file, if there is one. All parameters and data must be
        those of the run in it, but for ``max_epochs``, which may have grown unless a callback
        depends on it, ``verbose``, and the seed with ``random_state=None``, which is taken from
        the file.
    monitor : str, default="auto"
        The column of the history that tells which epoch is best: ``"valid_score"``, say.
        ``"auto"`` for ``"valid_loss"`` if the estimator has a ``valid_split``; without, no epoch
        counts as best, and the last is kept.
    lower_is_better : bool or None, default=None
        Whether smaller values are better: True for losses, False for scores; None to know it by
        the name of the column.
    load_best : bool, default=True
        Whether training ends with the weights of the best epoch. Callbacks act in the order of
        the list: one further on that sets the weights when training ends has the last word.

    Attributes
    ----------
    best_epoch_ : int or None
        The best epoch, counted from 1.
    best_value_ : float or None
        What ``monitor`` was then.

    Raises
    ------
    ValueError
        If the file is damaged or no checkpoint, or, with ``resume``, if it is that of another run.
        It is then left as it is.
    OSError
        If no file can be written to the folder.

    Notes
    -----
    ``torch.load(path, weights_only=True)["best"]["weights"]`` are the weights of the best epoch.
    Reading a checkpoint executes nothing that is in it.

    Of the other callbacks, the attributes with a trailing underscore are saved: numbers, strings,
    tensors, arrays, containers of them, generators, and objects with a ``state_dict``, such as
    schedules. A callback that has ``state_dict()`` and ``load_state_dict(state)`` is asked
    instead; ``load_state_dict`` is called after ``on_train_begin``. What a callback has learned
    when training begins is how it is known to depend on ``max_epochs``. Of transforms all
    attributes are saved, of functions the generators that they draw from.

    In ``partial_fit`` each call is a training of its own, with a best epoch of its own.

    Results on a GPU are repeated bit by bit as far as its kernels do so.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import Checkpoint
    >>> from eegsk.datasets import make_motor_imagery
    >>> X, y, _ = make_motor_imagery(n_subjects=1, n_trials=20, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     kept = Checkpoint(f"{folder}/best", resume=True)
    ...     short = {"valid_split": 0.25, "callbacks": [kept], "random_state": 0}
    ...     estimator = EEGNetClassifier(max_epochs=2, **short).fit(X, y)
    ...     EEGNetClassifier(max_epochs=3, **short).fit(X, y).n_iter_
    3
    """

    path: str | os.PathLike[str]
    every: Count = 1
    resume: bool = False
    monitor: str = field(default="auto", kw_only=True)

    def check(self) -> None:
        """Check the parameters.

        Raises
        ------
        TypeError, ValueError
            If a parameter is of a wrong type or out of range.
        """
        check_fields(self)
        if not str(self.path):
            raise ValueError("Checkpoint: path='' should be the path of a file.")

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Begin with no best epoch."""
        self.check()
        super().on_train_begin(net, X=X)
        others = [callback for _, callback in net.callbacks_ if isinstance(callback, Checkpoint)]
        if sum(bool(other.resume) for other in others) > 1:
            raise ValueError(
                "Checkpoint: two checkpoints have resume=True; one of them resumes for both."
            )

    def after_train_begin(self, net: Any, trials: Any, run: Run, n_epochs: int) -> None:
        """Find the file, and go on from what it holds if asked to."""
        if self.resume and run.partial:
            raise ValueError(
                "Checkpoint: resume=True is for fit; partial_fit goes on with what it is given."
            )
        self.n_epochs_ = n_epochs
        self._begin(net, run.describe(trials, net.module_.state_dict()), run.seed)
        prepare_folder(self.file_)
        held = read_checkpoint(self.file_) if self.file_.exists() else None
        if held and self.resume:
            self._check_same(held)
            self._go_on(net, read_checkpoint(self.file_, anywhere=True))

    def when_all_is_compared(self, net: Any, stopped: bool) -> None:
        """Write the file."""
        epoch = len(net.history)
        if stopped or epoch == self.n_epochs_ or epoch % self.every == 0:
            self._write(net, stopped)

    def _column(self, validates: bool) -> str | None:
        if self.monitor != "auto":
            return self.monitor
        return "valid_loss" if validates else None

    def _begin(self, net: Any, description: dict[str, str], seed: int) -> None:
        """Note what the run is, and what its callbacks begin with."""
        own = [name for name, callback in net.callbacks_ if callback is self]
        hidden = {f"callbacks__{name}__{key}" for name in own for key in _NOT_TOLD}
        hidden |= {"callbacks", *(f"callbacks__{name}" for name in own)}
        told = {name: words for name, words in description.items() if name not in hidden}
        self.run_ = {**told, "callbacks": ", ".join(_own_names(net))}
        self.seed_ = seed
        self.begins_ = beginnings(net, self)
        path = str(Path(self.path).expanduser())
        self.file_ = Path(path.replace(_RUN, digest(self.run_, self.n_epochs_)[1:]))
        self.written_: tuple[int, ...] | None = None

    def _check_same(self, held: dict[str, Any]) -> None:
        """See that the file is of this run, of no more epochs."""
        name = f"Checkpoint: {str(self.file_)!r}"
        hint = "" if _RUN in str(self.path) else f"; for several fits, one with {_RUN} in it"
        check_run(name, held["run"], self.run_, hint)
        if held["epoch"] > self.n_epochs_:
            raise ValueError(
                f"{name} has {held['epoch']} epochs, more than max_epochs={self.n_epochs_}; raise "
                "it, or give another path."
            )
        others = [key for key, begin in self.begins_.items() if held["begins"].get(key) != begin]
        if others and held["n_epochs"] != self.n_epochs_:
            raise ValueError(
                f"{name} was to have {held['n_epochs']} epochs, on which callback {others[0]!r} "
                f"depends, now max_epochs={self.n_epochs_}; set it back, or give another path."
            )

    def _go_on(self, net: Any, held: dict[str, Any]) -> None:
        """Go on where the file ends, which may be where training does."""
        restore(net, held["last"])
        best = held["best"] or dict.fromkeys(("epoch", "value", "weights"))
        self.best_epoch_, self.best_value_ = best["epoch"], best["value"]
        self.best_weights_ = best["weights"]
        self.written_ = _stamp(self.file_)
        if held["stopped"]:
            raise StopTraining

    def _write(self, net: Any, stopped: bool) -> None:
        best = {
            "epoch": self.best_epoch_,
            "value": self.best_value_,
            "weights": self.best_weights_,
        }
        content = {
            "run": self.run_,
            "seed": self.seed_,
            "epoch": len(net.history),
            "n_epochs": self.n_epochs_,
            "stopped": stopped,
            "best": best if self.best_epoch_ else None,
            "begins": self.begins_,
            "last": capture(net, without=self),
        }
        if self.resume and _stamp(self.file_) != self.written_:
            self._check_not_others()
        write_checkpoint(self.file_, content)
        self.written_ = _stamp(self.file_)

    def _check_not_others(self) -> None:
        """See that whoever wrote the file meanwhile trains the same."""
        if not self.file_.exists() or read_checkpoint(self.file_)["run"] == self.run_:
            return
        raise ValueError(
            f"Checkpoint: another fit writes to {str(self.file_)!r} too; let each have a file of "
            f"its own, with {_RUN} in the path."
        )


def resumed_seed(callbacks: Any) -> int | None:
    """Return the seed of the run to go on with, if there is one.

    Parameters
    ----------
    callbacks : list or None
        Callbacks of an estimator whose ``random_state`` is None.

    Returns
    -------
    seed : int or None
        What a checkpoint with ``resume`` says.

    Raises
    ------
    ValueError
        If its file is torn or not a checkpoint, or if its path depends on the seed.
    """
    for _, callback in named_items(callbacks):
        if not isinstance(callback, Checkpoint) or not callback.resume:
            continue
        callback.check()
        if _RUN in str(callback.path):
            raise ValueError(
                f"Checkpoint: to find the file of a run to resume, with {_RUN} in the path, takes "
                "a random_state other than None."
            )
        file = Path(callback.path).expanduser()
        if file.is_file():
            return read_checkpoint(file)["seed"]
    return None


def _own_names(net: Any) -> list[str]:
    """Return the names of the callbacks that the estimator was given."""
    default = {name for name, _ in net._default_callbacks}
    return [name for name, _ in net.callbacks_ if name not in default]


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Return what changes when a file is replaced."""
    if not path.exists():
        return None
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
