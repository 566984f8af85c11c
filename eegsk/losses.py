"""Losses that torch does not have, and class weights for them."""

from __future__ import annotations

import math
import warnings
from contextlib import suppress
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ._fields import BelowOne, NonNegative, check_value, short_repr
from ._registry import normalized

__all__ = ["FocalBalancedLoss", "class_weights"]

# Ratio of the sizes of classes above which a loss without class weights leads to a warning.
_SIZE_RATIO = 1.5
_FOCAL = "focalbalanced"

_Reduction = Literal["mean", "sum", "none"]
_Scheme = Literal["balanced", "effective"]


class FocalBalancedLoss(nn.CrossEntropyLoss):
    """Focal loss with class weights, for imbalanced classes.

    The loss reduces the weight of trials that are already classified well [1]_. For a trial of
    class ``y`` with predicted probability ``p`` of that class, it is
    ``weight[y] * alpha * (1 - p) ** gamma * -log(p)``.

    Parameters
    ----------
    gamma : float, default=2.0
        Focusing parameter. Larger values reduce the weight of trials that are already classified
        well. With 0, the loss is cross-entropy.
    alpha : float, default=1.0
        Factor by which the loss is multiplied.
    weight : array-like of shape (n_classes,) or None, default=None
        Weights of the classes, e.g. from :func:`class_weights`; None for equal weights.
    reduction : {"mean", "sum", "none"}, default="mean"
        Whether to return the mean over trials, the sum, or the loss of each trial. The mean is the
        sum divided by the number of trials, not by the sum of the class weights.

    Raises
    ------
    TypeError
        If a parameter is of the wrong type.
    ValueError
        If a parameter is out of range.

    Notes
    -----
    The loss is computed from log-probabilities, so that it and its gradients are finite for all
    finite logits and all values of ``gamma``.

    With ``criterion="focal_balanced"``, an estimator uses the loss without class weights, and warns
    if the classes differ in size. To balance the classes, also set ``class_weight="balanced"``, or
    use the callback :class:`eegsk.callbacks.FocalBalance` instead. With
    ``criterion=FocalBalancedLoss``, there is no warning.

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
            weight = _check_non_negative("FocalBalancedLoss", "weight", weight)
        super().__init__(weight, reduction=reduction)
        self.gamma = gamma
        self.alpha = alpha

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Compute the loss of logits.

        Parameters
        ----------
        logits : torch.Tensor of shape (n_trials, n_classes)
            Outputs of the network.
        target : torch.Tensor of shape (n_trials,) or (n_trials, n_classes)
            Class indices, or probabilities of the classes. With probabilities, the loss of a trial
            is the mean of the losses of all classes, weighted by their probabilities.

        Returns
        -------
        loss : torch.Tensor
            A scalar, or an array of shape (n_trials,) with ``reduction="none"``.

        Raises
        ------
        ValueError
            If the number of weights is not the number of classes.
        """
        self._check_n_weights(logits.shape[1])
        loss_function = self._probability_loss if target.is_floating_point() else self._index_loss
        loss = self.alpha * loss_function(logits, target)
        if self.reduction == "none":
            return loss
        return loss.mean() if self.reduction == "mean" else loss.sum()

    def _check_n_weights(self, n_classes: int) -> None:
        if self.weight is not None and len(self.weight) != n_classes:
            raise ValueError(
                f"FocalBalancedLoss: weight has {len(self.weight)} values for {n_classes} classes; "
                "pass one weight for each class."
            )

    def _index_loss(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Compute the loss of each trial for class indices, (n_trials,)."""
        index = target[:, None]
        loss = -F.log_softmax(logits, 1).gather(1, index)[:, 0]
        if self.gamma:
            # log(1 - p): log-sum-exp of the logits of the other classes minus that of all logits.
            log_others = logits.scatter(1, index, -math.inf).logsumexp(1)
            loss = loss * (self.gamma * (log_others - logits.logsumexp(1))).exp()
        return loss if self.weight is None else loss * self.weight.to(loss.dtype)[target]

    def _probability_loss(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Compute the loss of each trial for class probabilities, (n_trials, n_classes)."""
        losses = -F.log_softmax(logits, 1)
        if self.gamma:
            # log(1 - p) for each class: the diagonal leaves out one class after the other.
            diagonal = torch.eye(logits.shape[1], dtype=torch.bool, device=logits.device)
            log_others = logits[:, None].masked_fill(diagonal, -math.inf).logsumexp(2)
            losses = losses * (self.gamma * (log_others - logits.logsumexp(1, keepdim=True))).exp()
        if self.weight is not None:
            losses = losses * self.weight.to(losses.dtype)
        return (losses * target).sum(1)

    def extra_repr(self) -> str:
        """Return the parameters as text, for the representation of the loss."""
        weight = "" if self.weight is None else f", weight={self.weight.tolist()}"
        return f"gamma={self.gamma}, alpha={self.alpha}{weight}, reduction={self.reduction!r}"


def class_weights(counts: Any, scheme: _Scheme = "balanced", beta: float = 0.999) -> torch.Tensor:
    """Compute class weights that compensate for unequal numbers of trials.

    Parameters
    ----------
    counts : array-like of shape (n_classes,)
        Number of trials of each class, or the sum of their weights.
    scheme : {"balanced", "effective"}, default="balanced"
        With ``"balanced"``, a weight is ``counts.sum() / (n_classes * counts)``, so that the total
        weight of each class is the same. With ``"effective"``, it is proportional to one over the
        effective number of trials, ``(1 - beta ** counts) / (1 - beta)`` [1]_; the weights sum to
        the number of classes.
    beta : float, default=0.999
        Parameter of the effective number. With 0, the effective number is 1 for every class. When
        ``beta`` approaches 1, the effective number approaches the number of trials. It has no
        effect with ``"balanced"``.

    Returns
    -------
    weights : torch.Tensor of shape (n_classes,)
        Weights in double precision; 0 for a class without trials.

    Raises
    ------
    TypeError
        If a parameter is of the wrong type.
    ValueError
        If there are no counts, a count is negative, or a parameter is out of range.

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
    counts = _check_non_negative("class_weights", "counts", counts).double()
    has_trials = counts > 0
    n_classes = has_trials.sum()
    if scheme == "balanced":
        return torch.where(has_trials, counts.sum() / (n_classes * counts), 0.0)
    # 1 - beta ** counts; expm1 keeps its precision for beta near 1.
    effective = -torch.expm1(counts * math.log(beta)) if beta else has_trials.double()
    weights = torch.where(has_trials, 1 / effective, 0.0)
    return weights * n_classes / weights.sum()


def warn_about_balance(name: str, criterion: Any, y: Any, weight: Any) -> None:
    """Warn if the focal loss has no class weights, although the classes differ in size.

    Parameters
    ----------
    name : str
        Name of the estimator, for the warning.
    criterion : str or callable
        The criterion; only the name of the loss leads to a warning.
    y : array of shape (n_trials,)
        Labels.
    weight : array of shape (n_trials,)
        Weights of the trials.
    """
    if not isinstance(criterion, str) or normalized(criterion).removesuffix("loss") != _FOCAL:
        return
    labels, codes = np.unique(y[weight > 0], return_inverse=True)
    counts = np.bincount(codes, weights=weight[weight > 0], minlength=len(labels))
    if len(labels) > 1 and counts.max() > _SIZE_RATIO * counts.min():
        warnings.warn(
            f"{name}: criterion={criterion!r} has no class weights, but the largest class is "
            f"{counts.max() / counts.min():.1f} times as large as the smallest; set class_weight="
            "'balanced', or use callbacks=[FocalBalance()] instead of the criterion.",
            stacklevel=6,
        )


def _check_non_negative(owner: str, name: str, values: Any) -> torch.Tensor:
    """Check that values are a list of non-negative numbers, at least one of them positive."""
    numbers = torch.empty(0)
    with suppress(TypeError, ValueError, RuntimeError):
        numbers = torch.as_tensor(values)
    is_real = not numbers.is_complex() and numbers.isfinite().all()
    if numbers.dim() != 1 or not is_real or (numbers < 0).any() or not numbers.any():
        raise ValueError(
            f"{owner}: {name}={short_repr(values)} should be a list of non-negative numbers, at "
            "least one of them positive."
        )
    return numbers
