"""Selection of the best epoch by a column of the history."""

from __future__ import annotations

import copy
import math
from dataclasses import field
from numbers import Real
from typing import Any, ClassVar

from .._fields import short_repr
from ..training import TrainingCallback, has_validation

# Words at the end of a column name that indicate whether lower or higher values are better.
_LOWER = {"loss", "error", "deviance", "mae", "mse", "rmse", "nrmse"}
_HIGHER = {"score", "accuracy", "acc", "auc", "f1", "kappa", "mcc", "precision", "r2", "recall"}
# Words at the end of a column name that indicate how the metric was averaged.
_AVERAGES = {"by", "output", "macro", "micro", "weighted", "samples", "ovr", "ovo"}


class BestEpoch(TrainingCallback):
    """Base class of callbacks that keep the weights of the best epoch.

    The callback that records the column must be listed earlier. Each call of ``partial_fit`` has
    its own best epoch.

    Parameters
    ----------
    monitor : str, default="valid_loss"
        Column of the history that decides which epoch is the best, e.g. ``"valid_score"``.
    lower_is_better : bool or None, default=None
        Whether lower values of ``monitor`` are better; None to decide by its name, e.g. True for
        ``"valid_loss"`` and False for ``"valid_score"``.
    load_best : bool, default=True
        Whether training ends with the weights of the best epoch.
    """

    state_attributes: ClassVar = ("best_epoch_", "best_value_", "best_weights_")

    monitor: str = field(default="valid_loss", kw_only=True)
    lower_is_better: bool | None = field(default=None, kw_only=True)
    load_best: bool = field(default=True, kw_only=True)

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Reset the best epoch; see :meth:`TrainingCallback.on_train_begin`."""
        super().on_train_begin(net, X=X)
        self.best_epoch_, self.best_value_, self.best_weights_ = None, None, None
        is_validated = has_validation(X)
        self.column_ = self._column(is_validated)
        if self.column_ is None:
            return
        if self.column_ in ("valid_loss", "valid_score") and not is_validated:
            raise ValueError(
                f"{type(self).__name__}: there is no {self.column_!r} to monitor without "
                "validation; give the estimator a valid_split, e.g. valid_split=0.2."
            )
        self.sign_ = 1 if self._is_lower_better(self.column_) else -1

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Keep the weights if the epoch is the best so far."""
        if self.column_ is None:
            return
        value, best = self._read(net), self.best_value_
        if not math.isnan(value) and (best is None or self.sign_ * (value - best) < 0):
            self.best_epoch_, self.best_value_ = len(net.history), value
            self.best_weights_ = copy.deepcopy(net.module_.state_dict())

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Load the weights of the best epoch."""
        if self.load_best and self.best_weights_ is not None:
            net.module_.load_state_dict(self.best_weights_)

    def after_train(self, net: Any) -> None:
        """Delete the copy of the weights, so that pickles hold them once."""
        self.best_weights_ = None

    def _column(self, is_validated: bool) -> str | None:
        """Return the column to monitor; None if no best epoch is kept."""
        return self.monitor

    def _is_lower_better(self, column: str) -> bool:
        if self.lower_is_better is not None:
            return self.lower_is_better
        words = [
            word for word in column.split("_") if not word.isdecimal() and word not in _AVERAGES
        ]
        if "neg" in words:
            return False
        if "brier" in words or (words and words[-1] in _LOWER):
            return True
        if words and words[-1] in _HIGHER:
            return False
        raise ValueError(
            f"{type(self).__name__}: the name of the column {column!r} does not show whether lower "
            "values are better; set lower_is_better=True or False."
        )

    def _read(self, net: Any) -> float:
        """Return the value of the monitored column in the last epoch."""
        row = net.history[-1]
        if self.column_ not in row:
            columns = ", ".join(sorted(name for name in row if name != "batches"))
            raise ValueError(
                f"{type(self).__name__}: the history has no column {self.column_!r} to monitor; "
                "check its name, or put the callback that records it earlier in the list. Columns: "
                f"{columns}."
            )
        value = row[self.column_]
        if not isinstance(value, Real):
            raise ValueError(
                f"{type(self).__name__}: {self.column_!r} is {short_repr(value)} in the history; "
                "it should be a number."
            )
        return float(value)
