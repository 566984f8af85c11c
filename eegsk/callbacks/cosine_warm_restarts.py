"""Cosine schedule with warm restarts."""

from __future__ import annotations

import math
from typing import ClassVar

from .._fields import Count, NonNegative
from ._schedule import Schedule


class CosineWarmRestarts(Schedule):
    """Let the learning rate fall along a cosine, and rise again at once, in cycles.

    It is set for each step; what
    :class:`torch.optim.lr_scheduler.CosineAnnealingWarmRestarts` does if stepped with fractions of
    epochs.

    Parameters
    ----------
    t_0 : int, default=10
        Number of epochs of the first cycle.
    t_mult : int, default=1
        How many times longer each cycle is than the last.
    lr_min : float, default=0.0
        The learning rate that the cosine falls to; from that of the estimator, which is no lower.

    References
    ----------
    .. [1] Loshchilov, I., & Hutter, F. (2017). SGDR: stochastic gradient descent with warm
       restarts. ICLR. https://doi.org/10.48550/arXiv.1608.03983

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import CosineWarmRestarts
    >>> EEGNetClassifier(callbacks=[CosineWarmRestarts(t_0=20)]).callbacks
    [CosineWarmRestarts(t_0=20, t_mult=1, lr_min=0.0)]
    """

    _ends: ClassVar = False

    t_0: Count = 10
    t_mult: Count = 1
    lr_min: NonNegative = 0.0

    def lr_of(self, lr: float, step: int, epoch_steps: int, n_steps: int) -> float:
        """Return the learning rate of a step; see :meth:`Schedule.lr_of`."""
        length = self.t_0 * epoch_steps
        while step >= length:
            step -= length
            length *= self.t_mult
        return self.lr_min + (lr - self.lr_min) * (1 + math.cos(math.pi * step / length)) / 2
