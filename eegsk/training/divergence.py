"""Detection of training that diverges."""

from __future__ import annotations

import math
import warnings
from typing import Any

import torch

from .batches import Trials

# Ratio of the loss after training to that of the first epoch, or to 1 if that is smaller, above
# which training has diverged.
_LOSS_RATIO = 1000
# Number of training trials on which the weights of the last step are tried.
_N_TRIED = 16


def check_epoch(net: Any) -> None:
    """Check that the training loss and the weights after an epoch are finite.

    Parameters
    ----------
    net : skorch.NeuralNet
        The net, whose history ends with the losses of the epoch.

    Raises
    ------
    ValueError
        If the loss of the last batch or a weight is not finite.
    """
    weights = [parameter.detach().flatten() for parameter in net.module_.parameters()]
    last_loss = net.history[-1, "batches", -1, "train_loss"]
    if not (math.isfinite(last_loss) and bool(torch.cat(weights).isfinite().all())):
        raise ValueError(
            f"Training diverged in epoch {len(net.history)}: loss or weights are not finite; lower "
            f"the learning rate, lr={net.lr}."
        )


def check_last_step(net: Any, trials: Trials, name: str) -> None:
    """Check the loss after training, because the history has only losses before each step.

    Parameters
    ----------
    net : skorch.NeuralNet
        The trained net.
    trials : Trials
        Training trials; the first 16 are used.
    name : str
        Name of the estimator, for the warning.

    Raises
    ------
    ValueError
        If the loss is not finite.
    """
    inputs, target = trials[:_N_TRIED]
    net._set_training(False)
    with torch.no_grad():
        loss = net.get_loss(net.infer(inputs), target, X=inputs).item()
    if not math.isfinite(loss):
        raise ValueError(
            f"Training diverged in its last step: the loss is {loss}; lower the learning rate, "
            f"lr={net.lr}."
        )
    first_loss = next((row["train_loss"] for row in net.history if "train_loss" in row), math.inf)
    if loss > _LOSS_RATIO * max(first_loss, 1.0):
        warnings.warn(
            f"{name}: training diverged: the loss rose from {first_loss:.3g} to {loss:.3g}; lower "
            f"the learning rate, lr={net.lr}.",
            stacklevel=6,
        )
