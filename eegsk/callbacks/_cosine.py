"""What cosine schedules share."""

from __future__ import annotations

from typing import Any


def check_lr_min(owner: str, lr_min: float, net: Any) -> None:
    """See that a cosine that falls to ``lr_min`` does fall.

    Parameters
    ----------
    owner : str
        The schedule, for the error message.
    lr_min : float
        What the learning rate is to fall to.
    net : skorch.NeuralNet
        The net, of whose learning rates a schedule has taken note.

    Raises
    ------
    ValueError
        If the optimizer was given a lower learning rate.
    """
    lr = min(group["initial_lr"] for group in net.optimizer_.param_groups)
    if lr_min > lr:
        raise ValueError(
            f"{owner}: lr_min={lr_min} is above the learning rate, lr={lr}, which is to fall to "
            "it; lower lr_min, or raise lr."
        )
