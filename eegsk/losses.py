"""Losses that torch does not have, and weights of classes for them."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import nn

from ._fields import BelowOne, NonNegative, check_value, short_repr

__all__ = ["FocalBalancedLoss", "class_weights"]

_Reduction = Literal["mean", "sum", "none"]
_Scheme = Literal["balanced", "effective"]


class FocalBalancedLoss(nn.CrossEntropyLoss):
    """Cross-entropy that easy trials count less in, and rare classes more.

    Of a trial of class ``y`` to which the network gives the probability ``p`` it is
    ``weight[y] * alpha * (1 - p) ** gamma * -log(p)``.

    Parameters
    ----------
    gamma : float, default=2.0
        How much less easy trials count; with zero it is cross-entropy.
    alpha : float, default=1.0
        What the loss is multiplied by.
    weight : array-like of shape (n_classes,) or None, default=None
        Weights of the classes, such as :func:`class_weights` returns; None for equal ones.
    reduction : {"mean", "sum", "none"}, default="mean"
        Whether to average over trials, to sum, or to return the loss of each. The mean is divided
        by the number of trials, not by the sum of their weights.

    Raises
    ------
    TypeError
        If a parameter has a value of a wrong type.
    ValueError
        If a parameter is out of its range.

    Notes
    -----
    Everything is computed from logarithms of probabilities, so that losses and gradients are
    finite for any finite logits and any ``gamma``.

    References
    ----------
    .. [1] Lin, T.-Y., Goyal, P., Girshick, R., He, K., & Dollar, P. (2017). Focal loss for dense
       object detection. ICCV. https://doi.org/10.1109/ICCV.2017.324

    Examples
    --------
    >>> import torch
    >>> from eegsk.losses import FocalBalancedLoss, class_weights
    >>> loss = FocalBalancedLoss(weight=class_weights([70, 10]), reduction="none")
    >>> logits = torch.tensor([[2.0, -2.0], [2.0, -2.0]])
    >>> loss(logits, torch.tensor([0, 1])) > torch.tensor([0.0, 15.0])
    tensor([True, True])
    """

    def __init__(
        self,
        gamma: float = 2.0,
        alpha: float = 1.0,
        weight: Any = None,
        reduction: _Reduction = "mean",
    ) -> None:
        check_value("FocalBalancedLoss", "gamma", gamma, NonNegative)
        check_value("FocalBalancedLoss", "alpha", alpha, NonNegative)
        check_value("FocalBalancedLoss", "reduction", reduction, _Reduction)
        if weight is not None:
            weight = _amounts("FocalBalancedLoss", "weight", weight)
        super().__init__(weight, reduction=reduction)
        self.gamma = gamma
        self.alpha = alpha

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the loss of logits (n_trials, n_classes).

        Parameters
        ----------
        logits : torch.Tensor of shape (n_trials, n_classes)
            What the network makes of the trials.
        target : torch.Tensor of shape (n_trials,) or (n_trials, n_classes)
            Indices of their classes, or probabilities of the classes; the loss is linear in these.

        Returns
        -------
        loss : torch.Tensor
            The mean or the sum, or of shape (n_trials,).

        Raises
        ------
        ValueError
            If there are more weights than classes, or fewer.
        """
        self._check_number(logits.shape[1])
        loss = self.alpha * (self._soft if target.is_floating_point() else self._hard)(
            logits, target
        )
        if self.reduction == "none":
            return loss
        return loss.mean() if self.reduction == "mean" else loss.sum()

    def _check_number(self, n_classes: int) -> None:
        if self.weight is not None and len(self.weight) != n_classes:
            raise ValueError(
                f"FocalBalancedLoss: weight has {len(self.weight)} values for {n_classes} classes; "
                "give one for each."
            )

    def _hard(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        index = target[:, None]
        loss = -F.log_softmax(logits, 1).gather(1, index)[:, 0]
        if self.gamma:
            others = logits.scatter(1, index, -math.inf).logsumexp(1)
            loss = loss * (self.gamma * (others - logits.logsumexp(1))).exp()
        return loss if self.weight is None else loss * self.weight.to(loss.dtype)[target]

    def _soft(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        losses = -F.log_softmax(logits, 1)
        if self.gamma:
            own = torch.eye(logits.shape[1], dtype=torch.bool, device=logits.device)
            others = logits[:, None].masked_fill(own, -math.inf).logsumexp(2)
            losses = losses * (self.gamma * (others - logits.logsumexp(1, keepdim=True))).exp()
        if self.weight is not None:
            losses = losses * self.weight.to(losses.dtype)
        return (losses * target).sum(1)

    def extra_repr(self) -> str:
        """Return what is shown of the loss."""
        weight = "" if self.weight is None else f", weight={self.weight.tolist()}"
        return f"gamma={self.gamma}, alpha={self.alpha}{weight}, reduction={self.reduction!r}"


def class_weights(counts: Any, scheme: _Scheme = "balanced", beta: float = 0.999) -> torch.Tensor:
    """Compute weights of classes that make up for unequal numbers of trials.

    Parameters
    ----------
    counts : array-like of shape (n_classes,)
        Number of trials of each class, or the sum of their weights.
    scheme : {"balanced", "effective"}, default="balanced"
        Whether each class counts the same, ``n / (n_classes * counts)``, or in the proportion of
        one over the effective number of its trials, ``(1 - beta ** counts) / (1 - beta)``; these
        weights sum to the number of classes.
    beta : float, default=0.999
        With 0 classes of any size have the same effective number, near 1 that of their trials;
        ``"balanced"`` does not use it.

    Returns
    -------
    weights : torch.Tensor of shape (n_classes,)
        The weights, in double precision; zero for a class without trials.

    Raises
    ------
    TypeError
        If a parameter has a value of a wrong type.
    ValueError
        If there are no counts, a count is negative, or a parameter is out of its range.

    References
    ----------
    .. [1] Cui, Y., Jia, M., Lin, T.-Y., Song, Y., & Belongie, S. (2019). Class-balanced loss based
       on effective number of samples. CVPR. https://doi.org/10.1109/CVPR.2019.00949

    Examples
    --------
    >>> from eegsk.losses import class_weights
    >>> class_weights([70, 10])
    tensor([0.5714, 4.0000], dtype=torch.float64)
    """
    check_value("class_weights", "scheme", scheme, _Scheme)
    check_value("class_weights", "beta", beta, BelowOne)
    counts = _amounts("class_weights", "counts", counts).double()
    there = counts > 0
    n_classes = there.sum()
    if scheme == "balanced":
        return torch.where(there, counts.sum() / (n_classes * counts), 0.0)
    effective = -torch.expm1(counts * math.log(beta)) if beta else there.double()
    weights = torch.where(there, 1 / effective, 0.0)
    return weights * n_classes / weights.sum()


def _amounts(owner: str, name: str, values: Any) -> torch.Tensor:
    """Return numbers of which none is negative, and not all are zero."""
    amounts = torch.empty(0)
    with suppress(TypeError, ValueError, RuntimeError):
        amounts = torch.as_tensor(values)
    wrong = amounts.is_complex() or not amounts.isfinite().all() or (amounts < 0).any()
    if amounts.dim() != 1 or wrong or not amounts.any():
        raise ValueError(
            f"{owner}: {name}={short_repr(values)} should be a list of numbers, none below zero, "
            "some above."
        )
    return amounts
