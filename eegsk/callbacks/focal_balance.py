"""Focal loss with class weights learned from the training labels."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from skorch import NeuralNetClassifier
from torch import nn

from .._fields import BelowOne, NonNegative, Positive
from ..losses import FocalBalancedLoss, class_weights
from ._technique import Technique


class FocalBalance(Technique):
    """Train with the focal loss, and let each class count by how rare it is in training.

    It takes the place of cross-entropy, in validation too. Class weights are learned from the
    labels of the trials that are trained on, in each fit anew, never from those validated on. A
    trial counts as many times as its weight says, so that ``"balanced"`` makes up for whatever
    ``sample_weight`` and ``class_weight`` do to the share of a class; within a class they act as
    ever. In ``partial_fit`` trials are counted over all calls.

    Parameters
    ----------
    gamma : float, default=2.0
        How much less easy trials count; 0 for none.
    alpha : float, default=1.0
        What the loss is multiplied by.
    scheme : {"balanced", "effective"} or None, default="balanced"
        Whether each class counts the same, or by the effective number of its trials, or classes
        are not weighed. See :func:`eegsk.losses.class_weights`.
    beta : float, default=0.999
        Of the effective number of trials.

    Attributes
    ----------
    counts_ : list of float
        Training trials of each class, with their weights.
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

    charge: ClassVar = "the loss"
    memory: ClassVar = ("counts_",)

    gamma: NonNegative = 2.0
    alpha: Positive = 1.0
    scheme: Literal["balanced", "effective"] | None = "balanced"
    beta: BelowOne = 0.999

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Learn the weights of the classes, and put the loss in place.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net of a classifier.
        X : TrialSplit
            Trials to train and to validate on.
        **kwargs : dict
            Not used.

        Raises
        ------
        ValueError
            If there are no classes, or the criterion is another than cross-entropy.
        """
        super().on_train_begin(net)
        _check_net(net)
        index, n_classes = X.train.index, len(net.classes)
        now = torch.bincount(X.train.y[index], X.train.weight[index], minlength=n_classes)
        before = getattr(self, "counts_", [])
        self.counts_ = (now.cpu().double() + torch.tensor(before or 0.0)).tolist()
        weights = torch.ones(n_classes) if self.scheme is None else self._weights()
        self.class_weight_ = weights.tolist()
        loss = _LearnedLoss(self.gamma, self.alpha, weights.float(), reduction="none")
        net.criterion_ = loss.to(net.device)

    def _weights(self) -> torch.Tensor:
        return class_weights(self.counts_, self.scheme or "balanced", self.beta)


class _LearnedLoss(FocalBalancedLoss):
    """The loss that is put in place, which another ``partial_fit`` may replace."""

    def _get_name(self) -> str:
        return "FocalBalancedLoss"


def _check_net(net: Any) -> None:
    if not isinstance(net, NeuralNetClassifier):
        raise ValueError(
            "FocalBalance weighs classes, of which a regressor has none; leave it out."
        )
    criterion = net.criterion_
    plain = type(criterion) is nn.CrossEntropyLoss and criterion.weight is None
    if not (plain and criterion.label_smoothing == 0) and not isinstance(criterion, _LearnedLoss):
        raise ValueError(
            f"FocalBalance takes the place of cross-entropy, but the criterion is {criterion}; "
            "leave criterion='cross_entropy', or FocalBalance out."
        )
