"""Focal loss with class weights from the training labels."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from skorch import NeuralNetClassifier
from torch import nn

from .._fields import BelowOne, NonNegative, Positive
from ..losses import FocalBalancedLoss, class_weights
from ..training import TrainingCallback


class FocalBalance(TrainingCallback):
    """Focal loss callback with class weights.

    The focal loss replaces cross-entropy in training and validation. The class weights are
    computed in each fit from the labels of the training trials, without the validation trials. The
    size of a class is the sum of the weights of its trials. ``"balanced"`` therefore gives all
    classes the same total weight for any ``sample_weight`` and ``class_weight``; within a class,
    these have their usual effect. ``partial_fit`` counts the trials of all calls.

    Parameters
    ----------
    gamma : float, default=2.0
        Focusing parameter of the focal loss. Larger values reduce the weight of trials that are
        already classified well. With 0, it has no effect.
    alpha : float, default=1.0
        Factor by which the loss is multiplied.
    scheme : {"balanced", "effective"} or None, default="balanced"
        Class weights: ``"balanced"`` for the same total weight of each class, ``"effective"`` for
        weights by the effective number of trials [2]_, None for no weights. See
        :func:`eegsk.losses.class_weights`.
    beta : float, default=0.999
        Parameter of the effective number of trials.

    Attributes
    ----------
    counts_ : list of float
        Sum of the weights of the training trials of each class.
    class_weight_ : list of float
        Weights of the classes.

    References
    ----------
    .. [1] Lin, T.-Y., Goyal, P., Girshick, R., He, K., & Dollar, P. (2017). Focal loss for dense
       object detection. ICCV. https://doi.org/10.1109/ICCV.2017.324
    .. [2] Cui, Y., Jia, M., Lin, T.-Y., Song, Y., & Belongie, S. (2019). Class-balanced loss based
       on effective number of samples. CVPR. https://doi.org/10.1109/CVPR.2019.00949

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import FocalBalance
    >>> EEGNetClassifier(callbacks=[FocalBalance(gamma=1.0)]).callbacks
    [FocalBalance(gamma=1.0, alpha=1.0, scheme='balanced', beta=0.999)]
    """

    controls: ClassVar = "the loss"
    state_attributes: ClassVar = ("counts_",)

    gamma: NonNegative = 2.0
    alpha: Positive = 1.0
    scheme: Literal["balanced", "effective"] | None = "balanced"
    beta: BelowOne = 0.999

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Compute the class weights and set the loss.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net of a classifier.
        X : TrialSplit
            Training and validation trials.
        **kwargs : dict
            Not used.

        Raises
        ------
        ValueError
            If the estimator is a regressor, or its criterion is not cross-entropy.
        """
        super().on_train_begin(net)
        _check_net(net)
        index, n_classes = X.train.index, len(net.classes)
        counts = torch.bincount(X.train.y[index], X.train.weight[index], minlength=n_classes)
        previous = torch.tensor(getattr(self, "counts_", 0.0))
        self.counts_ = (counts.cpu().double() + previous).tolist()
        weights = torch.ones(n_classes) if self.scheme is None else self._weights()
        self.class_weight_ = weights.tolist()
        loss = _BalancedLoss(self.gamma, self.alpha, weights.float(), reduction="none")
        net.criterion_ = loss.to(net.device)

    def _weights(self) -> torch.Tensor:
        return class_weights(self.counts_, self.scheme or "balanced", self.beta)


class _BalancedLoss(FocalBalancedLoss):
    """Loss that this callback sets, which the next ``partial_fit`` recognises and replaces."""

    def _get_name(self) -> str:
        return "FocalBalancedLoss"


def _check_net(net: Any) -> None:
    if not isinstance(net, NeuralNetClassifier):
        raise ValueError(
            "FocalBalance computes class weights, but the estimator is a regressor; remove it."
        )
    criterion = net.criterion_
    is_plain = type(criterion) is nn.CrossEntropyLoss and criterion.weight is None
    if not (is_plain and criterion.label_smoothing == 0) and not isinstance(
        criterion, _BalancedLoss
    ):
        raise ValueError(
            f"FocalBalance replaces cross-entropy, but the criterion is {criterion}; set "
            "criterion='cross_entropy', or remove FocalBalance."
        )
