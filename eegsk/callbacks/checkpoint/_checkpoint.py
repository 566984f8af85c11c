"""The callback that writes and resumes checkpoints."""

from __future__ import annotations

import os
from dataclasses import field
from pathlib import Path
from typing import Any

import joblib

from ..._fields import Count, check_fields
from ...training import FitInfo, StopTraining, TrialSplit
from .._best_epoch import BestEpoch
from ._file import prepare_folder, read_checkpoint, write_checkpoint
from ._identity import check_named, check_same, identify
from ._state import capture, restore

# The part of a path that is replaced by a digest of the fit.
_RUN = "{run}"
_BEST = ("epoch", "value", "weights")
# Parameters of the checkpoint itself that do not change the weights after an epoch.
_IGNORED = ("path", "every", "load_best", "resume")


class Checkpoint(BestEpoch):
    """Checkpoint callback: keep the best epoch, and resume a fit that was interrupted.

    One file holds the weights of the best epoch and the complete state of training after the last
    epoch: weights, optimizer, callbacks, random generators and history. The file is replaced as a
    whole, so that it is complete even if the process is killed while writing. With
    ``resume=True``, the same ``fit`` continues from the file and ends with the same weights, bit
    for bit, as a fit without interruption. If training was complete, ``fit`` returns
    immediately.

    Parameters
    ----------
    path : str or path-like
        The file. Its folder is created. If several fits share a path, as in cross-validation, the
        last fit overwrites the file; with ``"runs/{run}"``, ``{run}`` is replaced by a digest of
        parameters, data and seed, and each fit has its own file.
    every : int, default=1
        Number of epochs between two writes. The last epoch is always written, unless Ctrl-C or a
        callback ends training within an epoch.
    resume : bool, default=False
        Whether ``fit`` continues from the file, if it exists. Parameters and data must be those of
        the interrupted fit, except for ``verbose`` and ``max_epochs``. A larger ``max_epochs``
        prolongs the training, unless a callback depends on it. With ``random_state=None``, the
        seed is read from the file.
    monitor : str, default="auto"
        Column of the history that decides which epoch is the best, e.g. ``"valid_score"``.
        ``"auto"`` is ``"valid_loss"`` if the estimator has a ``valid_split``; otherwise there is
        no best epoch, and the weights of the last epoch are kept.
    load_best : bool, default=True
        Whether training ends with the weights of the best epoch. Callbacks act in the order of the
        list: a later callback that sets the weights at the end of training overrides this.

    Attributes
    ----------
    best_epoch_ : int or None
        The best epoch, counted from 1.
    best_value_ : float or None
        Value of ``monitor`` in the best epoch.

    Raises
    ------
    ValueError
        If the file is damaged or not a checkpoint, or, with ``resume=True``, if it belongs to
        another fit. The file is not changed.
    TypeError
        If a parameter is a lambda or a local function or class, and ``resume=True`` or ``path``
        contains ``{run}``: two such parameters can have the same name.
    OSError
        If the file cannot be written.

    Notes
    -----
    ``torch.load(path, weights_only=True)["best"]["weights"]`` are the weights of the best epoch.
    Reading a checkpoint runs no code from the file.

    Callbacks and transforms have a state if they have the methods ``state_dict()`` and
    ``load_state_dict(state)``, which exchange tensors, numbers, strings, lists and dictionaries.
    For a skorch callback without these methods, attributes whose names end with an underscore are
    saved if they hold such values or an object with these methods, e.g. ``lr_scheduler_`` of
    ``LRScheduler``. All other objects are assumed to have no state. Random numbers should be drawn
    from the global generators of torch, numpy or random, which are seeded and saved.

    Parameters are compared by value; functions and classes are compared by their qualified name,
    not by their source code. After a change of the code, use a new path.

    Each call of ``partial_fit`` has its own best epoch. It cannot be resumed.

    On a GPU, a resumed fit is identical if the GPU kernels are deterministic.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import Checkpoint
    >>> from eegsk.datasets import make_motor_imagery
    >>> X, y, _ = make_motor_imagery(n_subjects=1, n_trials=20, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     checkpoint = Checkpoint(f"{folder}/best", resume=True)
    ...     params = {"valid_split": 0.25, "callbacks": [checkpoint], "random_state": 0}
    ...     estimator = EEGNetClassifier(max_epochs=2, **params).fit(X, y)
    ...     EEGNetClassifier(max_epochs=3, **params).fit(X, y).n_iter_  # trains one more epoch
    3
    """

    path: str | os.PathLike[str]
    every: Count = 1
    resume: bool = False
    monitor: str = field(default="auto", kw_only=True)

    @property
    def controls(self) -> str | None:  # type: ignore[override]
        """Name of the quantity that only one callback may set."""
        return "the state to resume" if self.resume else None

    def seed_to_resume(self) -> int | None:
        """Return the seed in the file; see :meth:`TrainingCallback.seed_to_resume`."""
        check_fields(self)
        if not self.resume:
            return None
        if _RUN in str(self.path):
            raise ValueError(
                f"Checkpoint: with resume=True and {_RUN} in the path, the estimator needs a "
                "random_state, e.g. random_state=0, because the file name depends on the seed."
            )
        file = Path(self.path).expanduser()
        return read_checkpoint(file)["seed"] if file.is_file() else None

    def after_train_begin(
        self, net: Any, trials: TrialSplit, fit_info: FitInfo, n_epochs: int
    ) -> None:
        """Resume from the file; see :meth:`TrainingCallback.after_train_begin`."""
        if self.resume and fit_info.is_partial:
            raise ValueError("Checkpoint: partial_fit cannot be resumed; set resume=False.")
        self.n_epochs_, self.seed_ = n_epochs, fit_info.seed
        self.identity_ = self._identify(net, trials, fit_info)
        path = str(Path(self.path).expanduser())
        self.file_ = Path(path.replace(_RUN, str(joblib.hash([self.identity_, n_epochs]))))
        if self.resume or _RUN in path:
            check_named(self.identity_)
        prepare_folder(self.file_)
        content = read_checkpoint(self.file_, net.device) if self.file_.exists() else None
        if content and self.resume:
            self._resume(net, content)

    def after_epoch_end(self, net: Any, stopped: bool) -> None:
        """Write the file; see :meth:`TrainingCallback.after_epoch_end`."""
        epoch = len(net.history)
        if stopped or epoch == self.n_epochs_ or epoch % self.every == 0:
            self._write(net, stopped)

    def _column(self, is_validated: bool) -> str | None:
        if self.monitor != "auto":
            return self.monitor
        return "valid_loss" if is_validated else None

    def _identify(self, net: Any, trials: TrialSplit, fit_info: FitInfo) -> dict[str, str]:
        """Return the identity of the fit, with ``max_epochs`` if a callback depends on it."""
        own_names = [name for name, item in net.callbacks_ if item is self]
        ignored = [f"callbacks__{name}__{param}" for name in own_names for param in _IGNORED]
        identity = identify(fit_info, trials, net.module_.state_dict(), ignored)
        if any(getattr(item, "depends_on_max_epochs", False) for _, item in net.callbacks_):
            identity["max_epochs"] = str(self.n_epochs_)
        return identity

    def _resume(self, net: Any, content: dict[str, Any]) -> None:
        """Restore the state in the file, and end training if a callback had stopped it."""
        name = f"Checkpoint: {str(self.file_)!r}"
        check_same(name, content["identity"], self.identity_)
        if content["epoch"] > self.n_epochs_:
            raise ValueError(
                f"{name} has {content['epoch']} epochs, more than max_epochs={self.n_epochs_}; "
                "raise max_epochs, or use another path."
            )
        restore(net, content["last"], exclude=self)
        best = content["best"] or {}
        vars(self).update({f"best_{name}_": best.get(name) for name in _BEST})
        if content["stopped"]:
            raise StopTraining

    def _write(self, net: Any, stopped: bool) -> None:
        best = {name: getattr(self, f"best_{name}_") for name in _BEST}
        content = {
            "identity": self.identity_,
            "seed": self.seed_,
            "epoch": len(net.history),
            "stopped": stopped,
            "best": best if self.best_epoch_ else None,
            "last": capture(net, exclude=self),
        }
        write_checkpoint(self.file_, content)
