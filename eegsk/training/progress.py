"""Output during training: a progress bar, or a line for each epoch."""

from __future__ import annotations

from typing import Any

import skorch.callbacks
from tqdm.auto import tqdm

from ..augmentation import Mixup
from .batches import TrialSplit
from .callback import TrainingCallback
from .fit_info import FitInfo

_COLUMNS = ("train_loss", "train_score", "valid_loss", "valid_score")


class ProgressBar(TrainingCallback):
    """Progress bar over the epochs, with losses, scores and remaining time, if ``verbose=1``.

    ``partial_fit`` shows no bar. The training score, which is recorded anyway, is not shown with
    Mixup, because mixtures of two classes have no correct label.
    """

    _bar_: Any = None
    _options_: dict[str, Any] | None = None

    def after_train_begin(
        self, net: Any, trials: TrialSplit, fit_info: FitInfo, n_epochs: int
    ) -> None:
        """Store title and length of the bar, which appears with the first epoch."""
        is_shown = int(net.verbose) == 1 and not fit_info.is_partial
        self._options_ = {"desc": fit_info.estimator_name, "total": n_epochs} if is_shown else None

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Show the bar."""
        if self._options_ and self._bar_ is None:
            self._bar_ = tqdm(**self._options_, initial=len(net.history) - 1, unit="epoch")

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Advance the bar by one epoch."""
        if self._bar_ is not None:
            row = net.history[-1]
            hidden = "train_score" if _mixes_targets(net) else ""
            names = [name for name in _COLUMNS if name in row and name != hidden]
            values = {name: f"{row[name]:.3f}" for name in names}
            self._bar_.set_postfix(values, refresh=False)
            self._bar_.update()

    def after_train(self, net: Any) -> None:
        """Close the bar."""
        bar, self._bar_ = self._bar_, None
        if bar is not None:
            bar.close()


def _mixes_targets(net: Any) -> bool:
    return any(isinstance(transform, Mixup) for transform in net.augmentation_)


class EpochLines(skorch.callbacks.PrintLog):
    """Table with a line for each epoch, if ``verbose=2``."""

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Print a line."""
        if int(net.verbose) > 1:
            super().on_epoch_end(net)

    def state_dict(self) -> dict[str, Any]:
        """Return an empty state: a resumed run prints the header again."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing."""
