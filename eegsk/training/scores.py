"""Scores of each epoch, from the outputs of training and validation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from skorch.callbacks import Callback

Score = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def accuracy(output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the weighted accuracy."""
    return ((output.argmax(1) == target) * weight).sum() / weight.sum()


def r2(output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the weighted coefficient of determination, averaged over targets."""
    weight = (weight / weight.sum())[:, None]
    residual = (weight * (target - output).square()).sum(0)
    total = (weight * (target - (weight * target).sum(0)).square()).sum(0)
    return (1 - residual / total.clamp_min(torch.finfo(total.dtype).tiny)).mean()


class EpochScores(Callback):
    """Score callback, which records ``train_score`` and ``valid_score`` in the history.

    The training score is computed from the outputs of the training steps, i.e. with dropout and
    augmentation, and with weights that change during the epoch. The target of a mixture of trials
    is that of the trial with the larger share.

    Parameters
    ----------
    score : callable
        ``score(output, target, weight)`` returns a scalar tensor.
    """

    def __init__(self, score: Score) -> None:
        self.score = score

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Delete the outputs of the previous epoch."""
        self.outputs_: dict[str, list[tuple[torch.Tensor, ...]]] = {"train": [], "valid": []}

    def on_batch_end(
        self,
        net: Any,
        batch: Any = None,
        training: bool = False,
        y_pred: Any = None,
        target: Any = None,
        **kwargs: Any,
    ) -> None:
        """Store the outputs of a batch, and its targets, which augmentation may have changed."""
        inputs, original = batch
        target = original if target is None else getattr(target, "target", target)
        self.outputs_["train" if training else "valid"].append(
            (y_pred.detach(), target, inputs["weight"])
        )

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the scores and delete the outputs."""
        for prefix, batches in self.outputs_.items():
            if batches:
                self.record(net, prefix, *map(torch.cat, zip(*batches, strict=True)))
        self.outputs_ = {"train": [], "valid": []}

    def record(
        self,
        net: Any,
        prefix: str,
        output: torch.Tensor,
        target: torch.Tensor,
        weight: torch.Tensor,
    ) -> None:
        """Record the training or the validation score."""
        net.history.record(f"{prefix}_score", self.score(output, target, weight).item())
