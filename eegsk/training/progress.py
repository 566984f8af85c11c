"""What training shows of itself: nothing, a bar, or a line for each epoch."""

from __future__ import annotations

from typing import Any

import skorch.callbacks
from tqdm.auto import tqdm

from .run import Run

_SHOWN = ("train_loss", "valid_loss", "valid_score")


class ProgressBar(skorch.callbacks.Callback):
    """With ``verbose=1``, show one bar over the epochs of a fit, with losses, score and time left.

    In ``partial_fit`` there is none: the loop is the caller's.
    """

    _bar_: Any = None
    _shown_: dict[str, Any] | None = None

    def after_train_begin(self, net: Any, trials: Any, run: Run, n_epochs: int) -> None:
        """Note what the bar is to show; it appears with the first epoch, resumed or not."""
        shows = int(net.verbose) == 1 and not run.partial
        self._shown_ = {"desc": run.name, "total": n_epochs} if shows else None

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Show the bar."""
        if self._shown_ and self._bar_ is None:
            self._bar_ = tqdm(**self._shown_, initial=len(net.history) - 1, unit="epoch")

    def after_epoch_end(self, net: Any, stopped: bool) -> None:
        """Move on by an epoch."""
        if self._bar_ is not None:
            row = net.history[-1]
            shown = {name: f"{row[name]:.3f}" for name in _SHOWN if name in row}
            self._bar_.set_postfix(shown, refresh=False)
            self._bar_.update()

    def after_train(self, net: Any) -> None:
        """Leave the bar where it is, whatever ended the training."""
        bar, self._bar_ = self._bar_, None
        if bar is not None:
            bar.close()

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: a bar is not learned."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take nothing over."""


class EpochLines(skorch.callbacks.PrintLog):
    """With ``verbose=2``, print a line for each epoch."""

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Wait for the other callbacks, of which one may stop training."""

    def after_epoch_end(self, net: Any, stopped: bool) -> None:
        """Print the line."""
        if int(net.verbose) > 1:
            super().on_epoch_end(net)

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: a resumed run has its own header."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take nothing over."""
