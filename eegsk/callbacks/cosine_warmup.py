"""Cosine schedule with a warm-up."""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any

from .._fields import Count, NonNegative, Probability
from ._schedule import Schedule


class CosineWarmup(Schedule):
    """Let the learning rate rise linearly, then fall along a cosine until training ends.

    It is set for each step.

    Parameters
    ----------
    warmup : float or int, default=0.1
        The fraction of ``max_epochs``, or the number of epochs, in which it rises to the
        estimator's.
    lr_min : float, default=0.0
        What it falls to, at most the estimator's.

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
        """Take note of the learning rates, and see that the warm-up ends.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        X : TrialSplit
            Trials to train and to validate on.
        **kwargs : dict
            Not used.

        Raises
        ------
        ValueError
            If a parameter is wrong, or there is another schedule.
        """
        super().on_train_begin(net, X=X, **kwargs)
        if self._rise(self.epoch_steps_, net.max_epochs * self.epoch_steps_) is None:
            raise ValueError(
                f"CosineWarmup: warmup={self.warmup!r} takes all of the {net.max_epochs} epochs; "
                "make it shorter, or raise max_epochs."
            )

    def lr_of(self, lr: float, step: int, epoch_steps: int, n_steps: int) -> float:
        """Return the learning rate of a step; see :meth:`Schedule.lr_of`."""
        rise = self._rise(epoch_steps, n_steps) or 0
        if step < rise:
            return lr * (step + 1) / rise
        fallen = min(1.0, (step - rise) / (n_steps - rise))
        return self.lr_min + (lr - self.lr_min) * (1 + math.cos(math.pi * fallen)) / 2

    def _rise(self, epoch_steps: int, n_steps: int) -> int | None:
        """Return in how many steps it rises, None if there would be none left."""
        whole = isinstance(self.warmup, Integral)
        rise = round(self.warmup * (epoch_steps if whole else n_steps))
        return rise if rise < n_steps else None
