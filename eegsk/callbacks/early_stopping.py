"""Early stopping."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import field
from typing import Any, ClassVar, Literal

from .._fields import Count, NonNegative
from ..training import StopTraining
from ._best_epoch import BestEpoch


class EarlyStopping(BestEpoch):
    """Early stopping callback that restores the weights of the best epoch.

    Training stops when a column of the history has not improved for some epochs. The parameters
    are those of the callback of the same name in skorch, with two differences: the best weights
    are restored by default, and the last three parameters are keyword-only. Each call of
    ``partial_fit`` has its own best epoch.

    Parameters
    ----------
    patience : int or None, default=20
        Number of epochs to wait for an improvement; None to train for all epochs and restore the
        best weights at the end.
    threshold : float, default=1e-4
        Smallest improvement that resets the waiting time. The best epoch is the one with the best
        value, even if it is better by less than the threshold.
    threshold_mode : {"rel", "abs"}, default="rel"
        Whether ``threshold`` is a fraction of the last value that reset the waiting time, or
        absolute.
    sink : callable, default=print
        Function that receives messages. With ``print``, messages are printed if ``verbose=2``.

    Attributes
    ----------
    best_epoch_ : int or None
        The best epoch, counted from 1.
    best_value_ : float or None
        Value of ``monitor`` in the best epoch.

    References
    ----------
    .. [1] Prechelt, L. (1998). Early stopping - but when? In Neural networks: tricks of the trade,
       55-69. Springer. https://doi.org/10.1007/3-540-49430-8_3

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import EarlyStopping
    >>> estimator = EEGNetClassifier(callbacks=[EarlyStopping(patience=10)], valid_split=0.2)
    >>> estimator.set_params(callbacks__earlystopping__patience=5).callbacks[0].patience
    5
    """

    state_attributes: ClassVar = (*BestEpoch.state_attributes, "misses_", "reference_")

    monitor: str = "valid_loss"
    patience: Count | None = 20
    threshold: NonNegative = 1e-4
    threshold_mode: Literal["rel", "abs"] = "rel"
    sink: Callable[[str], Any] = field(default=print, kw_only=True)

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Reset the best epoch and the waiting time."""
        super().on_train_begin(net, X=X)
        self.misses_, self.reference_ = 0, math.inf

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Check for an improvement, and stop training after ``patience`` epochs without one."""
        super().on_epoch_end(net)
        value = self.sign_ * self._read(net)
        is_relative = self.threshold_mode == "rel" and math.isfinite(self.reference_)
        improvement = self.threshold * (abs(self.reference_) if is_relative else 1)
        if value < self.reference_ - improvement:
            self.misses_, self.reference_ = 0, value
        else:
            self.misses_ += 1
        if self.misses_ == self.patience:
            raise StopTraining

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Load the weights of the best epoch, and print why training has stopped."""
        if self.misses_ == self.patience:
            self._report(
                net,
                f"Stopping since {self.monitor} has not improved in the last {self.patience} "
                f"epoch{'s' * (self.patience != 1)}.",
            )
        if self.load_best and self.best_epoch_ not in (None, len(net.history)):
            self._report(net, f"Restoring best model from epoch {self.best_epoch_}.")
        super().on_train_end(net)

    def _report(self, net: Any, text: str) -> None:
        """Pass a message to the sink; do not print into a progress bar."""
        if self.sink is not print or net.verbose > 1:
            self.sink(text)
