"""The score of each epoch, from the outputs that training and validation compute anyway."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from skorch.callbacks import Callback

Score = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def accuracy(output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the weighted share of trials whose largest logit is that of their class."""
    return ((output.argmax(1) == target) * weight).sum() / weight.sum()


def r2(output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the weighted coefficient of determination, averaged over targets."""
    share = (weight / weight.sum())[:, None]
    unexplained = (share * (target - output).square()).sum(0)
    total = (share * (target - (share * target).sum(0)).square()).sum(0)
    return (1 - unexplained / total.clamp_min(torch.finfo(total.dtype).tiny)).mean()


class EpochScores(Callback):
    """Record ``train_score`` and ``valid_score`` in the history.

    The training score is that of the outputs on which the network was trained, dropout included,
    while it went through the epoch.

    Parameters
    ----------
    score : callable
        ``score(output, target, weight)`` returns a scalar tensor.
    """

    def __init__(self, score: Score) -> None:
        self.score = score

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Begin an epoch with nothing seen."""
        self.seen_: dict[str, list[tuple[torch.Tensor, ...]]] = {"train": [], "valid": []}

    def on_batch_end(
        self, net: Any, batch: Any = None, training: bool = False, y_pred: Any = None, **kwargs: Any
    ) -> None:
        """Keep what was computed of a batch."""
        inputs, target = batch
        self.seen_["train" if training else "valid"].append(
            (y_pred.detach(), target, inputs["weight"])
        )

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the scores and forget the outputs."""
        for prefix, seen in self.seen_.items():
            if seen:
                self.record(net, prefix, *map(torch.cat, zip(*seen, strict=True)))
        self.seen_ = {"train": [], "valid": []}

    def record(
        self,
        net: Any,
        prefix: str,
        output: torch.Tensor,
        target: torch.Tensor,
        weight: torch.Tensor,
    ) -> None:
        """Record what the outputs of one side amount to."""
        net.history.record(f"{prefix}_score", self.score(output, target, weight).item())
