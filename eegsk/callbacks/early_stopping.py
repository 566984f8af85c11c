"""Early stopping that keeps the best weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import field
from typing import Any, ClassVar, Literal

from .._fields import Count, NonNegative
from ._best_epoch import BestEpoch


class EarlyStopping(BestEpoch):
    """Stop when a value of the history no longer improves, and restore the best weights.

    The parameters are those of skorch's callback of the same name, the last three by name only;
    unlike that, it keeps the best weights by default. In ``partial_fit`` each call is a training of
    its own.

    Parameters
    ----------
    monitor : str, default="valid_loss"
        The column of the history to watch.
    patience : int or None, default=20
        For how many epochs to wait for an improvement; None to train to the end, and keep the best
        epoch only.
    threshold : float, default=1e-4
        The improvement that is worth waiting on; the best weights are those of the best epoch,
        however little better it was.
    threshold_mode : {"rel", "abs"}, default="rel"
        Whether ``threshold`` is a fraction of the value that it has to improve on, or absolute.
    lower_is_better : bool or None, default=None
        Whether an improvement is a smaller value: True for losses, False for scores; None to know
        it by the name of the column.
    load_best : bool, default=True
        Whether the weights of the best epoch are restored when training ends, be it early or not.
    sink : callable, default=print
        Where messages go; printed, they take ``verbose=2``.

    Attributes
    ----------
    best_epoch_ : int or None
        The best epoch, counted from 1.
    best_value_ : float or None
        What ``monitor`` was then.

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

    memory: ClassVar = (*BestEpoch.memory, "misses_", "counted_")

    monitor: str = "valid_loss"
    patience: Count | None = 20
    threshold: NonNegative = 1e-4
    threshold_mode: Literal["rel", "abs"] = "rel"
    sink: Callable[[str], Any] = field(default=print, kw_only=True)

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Begin with no best epoch, and no epoch waited."""
        super().on_train_begin(net, X=X)
        self.misses_, self.counted_ = 0, math.inf

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Compare the epoch with the best so far."""
        value = self.sign_ * self._read(net)
        relative = self.threshold_mode == "rel" and math.isfinite(self.counted_)
        needed = self.threshold * (abs(self.counted_) if relative else 1)
        if value < self.counted_ - needed:
            self.misses_, self.counted_ = 0, value
        else:
            self.misses_ += 1
        if self.misses_ == self.patience:
            raise KeyboardInterrupt  # skorch's way to stop

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Put the best weights in place, and say why training has stopped."""
        if self.misses_ == self.patience:
            self._say(
                net,
                f"Stopping since {self.monitor} has not improved in the last {self.patience} "
                f"epoch{'s' * (self.patience != 1)}.",
            )
        if self.load_best and self.best_epoch_ not in (None, len(net.history)):
            self._say(net, f"Restoring best model from epoch {self.best_epoch_}.")
        super().on_train_end(net)

    def _say(self, net: Any, text: str) -> None:
        """Leave a progress bar alone in its line."""
        if self.sink is not print or net.verbose > 1:
            self.sink(text)
