"""The best epoch by a column of the history, and its weights."""

from __future__ import annotations

import copy
import math
from dataclasses import field
from numbers import Real
from typing import Any, ClassVar

from .._fields import short_repr
from ._technique import Technique, has_validation

# Last words of columns, by which it is known what is better.
_LOWER = {"loss", "error", "deviance", "mae", "mse", "rmse", "nrmse"}
_HIGHER = {"score", "accuracy", "acc", "auc", "f1", "kappa", "mcc", "precision", "r2", "recall"}
# Words that tell how something was averaged.
_HOW = {"by", "output", "macro", "micro", "weighted", "samples", "ovr", "ovo"}


class BestEpoch(Technique):
    """Keep the weights of the best epoch, and end training with them.

    Each call of ``partial_fit`` is a training of its own, with a validation of its own.

    Parameters
    ----------
    monitor : str, default="valid_loss"
        The column of the history to watch.
    lower_is_better : bool or None, default=None
        Whether smaller values are better; None to know it by the name of the column, of losses,
        errors and scores.
    load_best : bool, default=True
        Whether training ends with the weights of the best epoch.
    """

    memory: ClassVar = ("best_epoch_", "best_value_", "best_weights_")

    monitor: str = field(default="valid_loss", kw_only=True)
    lower_is_better: bool | None = field(default=None, kw_only=True)
    load_best: bool = field(default=True, kw_only=True)

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Begin with no best epoch.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        X : TrialSplit
            Trials to train and to validate on.
        **kwargs : dict
            Not used.

        Raises
        ------
        TypeError, ValueError
            If a parameter is wrong, or there will be nothing to watch.
        """
        super().on_train_begin(net)
        self.best_epoch_, self.best_value_, self.best_weights_ = None, None, None
        validates = has_validation(X)
        self.column_ = self._column(validates)
        if self.column_ is None:
            return
        if self.column_ in ("valid_loss", "valid_score") and not validates:
            raise ValueError(
                f"{type(self).__name__}: the history has no {self.column_!r} to watch; give the "
                "estimator a valid_split, such as valid_split=0.2."
            )
        self.sign_ = 1 if self._wants_lower(self.column_) else -1

    def after_epoch_end(self, net: Any, stopped: bool) -> None:
        """Keep the weights if the epoch is the best so far.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        stopped : bool
            Whether a callback has stopped training, perhaps before another recorded the column.
        """
        if self.column_ is None or (stopped and self.column_ not in net.history[-1]):
            return
        value, best = self._read(net), self.best_value_
        if not math.isnan(value) and (best is None or self.sign_ * (value - best) < 0):
            self.best_epoch_, self.best_value_ = len(net.history), value
            self.best_weights_ = copy.deepcopy(net.module_.state_dict())

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Put the best weights in place."""
        if self.load_best and self.best_weights_ is not None:
            net.module_.load_state_dict(self.best_weights_)

    def after_train(self, net: Any) -> None:
        """Forget the weights, so that pickles hold them once."""
        self.best_weights_ = None

    def _column(self, validates: bool) -> str | None:
        """Return the column to watch, None for none."""
        return self.monitor

    def _wants_lower(self, column: str) -> bool:
        if self.lower_is_better is not None:
            return self.lower_is_better
        words = [word for word in column.split("_") if not word.isdecimal() and word not in _HOW]
        if "neg" in words:
            return False
        if "brier" in words or (words and words[-1] in _LOWER):
            return True
        if words and words[-1] in _HIGHER:
            return False
        raise ValueError(
            f"{type(self).__name__}: whether {column!r} should be low or high cannot be known by "
            "its name; give lower_is_better, True or False."
        )

    def _read(self, net: Any) -> float:
        """Return the value of the last epoch."""
        row = net.history[-1]
        if self.column_ not in row:
            there = ", ".join(sorted(name for name in row if name != "batches"))
            raise ValueError(
                f"{type(self).__name__}: the history has no {self.column_!r} to watch; list what "
                f"records it before this. There are {there}."
            )
        value = row[self.column_]
        if not isinstance(value, Real):
            raise ValueError(
                f"{type(self).__name__}: {self.column_!r} is {short_repr(value)} in the history; "
                "it should be a number."
            )
        return float(value)
