"""Cosine schedule with warm-up."""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any

from .._fields import Count, NonNegative, Probability
from ._schedule import Schedule


class CosineWarmup(Schedule):
    """Cosine schedule with linear warm-up.

    The learning rate rises linearly to that of the estimator, then falls along a cosine until
    training ends. It is set for each step.

    Parameters
    ----------
    warmup : float or int, default=0.1
        Fraction of ``max_epochs``, or number of epochs, of the warm-up.
    lr_min : float, default=0.0
        Learning rate at the end of training.

    References
    ----------
    .. [1] Loshchilov, I., & Hutter, F. (2017). SGDR: stochastic gradient descent with warm
       restarts. ICLR. https://doi.org/10.48550/arXiv.1608.03983
    .. [2] Goyal, P., et al. (2017). Accurate, large minibatch SGD: training ImageNet in 1 hour.
       https://doi.org/10.48550/arXiv.1706.02677

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import CosineWarmup
    >>> EEGNetClassifier(callbacks=[CosineWarmup(warmup=5)]).callbacks
    [CosineWarmup(warmup=5, lr_min=0.0)]
    """

    warmup: Count | Probability = 0.1
    lr_min: NonNegative = 0.0

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Check the length of the warm-up; see :meth:`TrainingCallback.on_train_begin`."""
        super().on_train_begin(net, X=X, **kwargs)
        if self._n_warmup(self.epoch_steps_, net.max_epochs * self.epoch_steps_) is None:
            raise ValueError(
                f"CosineWarmup: warmup={self.warmup!r} is as long as the training, "
                f"max_epochs={net.max_epochs}; lower warmup, or raise max_epochs."
            )

    def lr_of(self, lr: float, step: int, epoch_steps: int, n_steps: int) -> float:
        """Return the learning rate of a step; see :meth:`Schedule.lr_of`."""
        n_warmup = self._n_warmup(epoch_steps, n_steps) or 0
        if step < n_warmup:
            return lr * (step + 1) / n_warmup
        progress = min(1.0, (step - n_warmup) / (n_steps - n_warmup))
        return self.lr_min + (lr - self.lr_min) * (1 + math.cos(math.pi * progress)) / 2

    def _n_warmup(self, epoch_steps: int, n_steps: int) -> int | None:
        """Return the number of warm-up steps; None if no step remains after the warm-up."""
        is_epochs = isinstance(self.warmup, Integral)
        n_warmup = round(self.warmup * (epoch_steps if is_epochs else n_steps))
        return n_warmup if n_warmup < n_steps else None
