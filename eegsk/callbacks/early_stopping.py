"""Early stopping that keeps the best weights."""

from __future__ import annotations

from typing import Any

import skorch.callbacks


class EarlyStopping(skorch.callbacks.EarlyStopping):
    """Stop when a value of the history no longer improves, and restore the best weights.

    It is skorch's callback of the same name, which by default keeps the last weights.

    Parameters
    ----------
    monitor : str, default="valid_loss"
        The column of the history to watch.
    patience : int, default=20
        For how many epochs to wait for an improvement.
    threshold : float, default=1e-4
        The improvement that counts.
    threshold_mode : {"rel", "abs"}, default="rel"
        Whether ``threshold`` is a fraction of the best value so far, or absolute.
    lower_is_better : bool, default=True
        Whether an improvement is a smaller value: True for losses, False for scores.
    sink : callable, default=print
        Where messages go; printed, they take ``verbose=2``.
    load_best : bool, default=True
        Whether the weights of the best epoch are restored when training ends, be it early or not.

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import EarlyStopping
    >>> estimator = EEGNetClassifier(callbacks=[EarlyStopping(patience=10)], valid_split=0.2)
    >>> estimator.set_params(callbacks__earlystopping__patience=5).callbacks[0].patience
    5
    """

    def __init__(
        self,
        monitor: str = "valid_loss",
        patience: int = 20,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        lower_is_better: bool = True,
        sink: Any = print,
        load_best: bool = True,
    ) -> None:
        super().__init__(
            monitor=monitor,
            patience=patience,
            threshold=threshold,
            threshold_mode=threshold_mode,
            lower_is_better=lower_is_better,
            sink=sink,
            load_best=load_best,
        )

    def __repr__(self) -> str:
        return f"EarlyStopping(monitor={self.monitor!r}, patience={self.patience})"

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Compare the epoch with the best so far."""
        if self.monitor not in net.history[-1]:
            raise ValueError(
                f"EarlyStopping: the history has no {self.monitor!r} to watch; give the estimator "
                "a valid_split, such as valid_split=0.2, and list what records it before this."
            )
        super().on_epoch_end(net, **kwargs)

    def _sink(self, text: str, verbose: int) -> None:
        """Leave a progress bar alone in its line."""
        super()._sink(text, int(verbose) > 1)
