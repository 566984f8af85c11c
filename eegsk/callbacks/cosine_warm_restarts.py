"""Cosine schedule with warm restarts."""

from __future__ import annotations

import math

from .._fields import Count, NonNegative
from ._schedule import Schedule


class CosineWarmRestarts(Schedule):
    """Cosine schedule with warm restarts.

    In each cycle, the learning rate falls along a cosine from that of the estimator to ``lr_min``.
    It is set for each step, like by
    :class:`torch.optim.lr_scheduler.CosineAnnealingWarmRestarts` with fractions of epochs.

    Parameters
    ----------
    t_0 : int, default=10
        Number of epochs of the first cycle.
    t_mult : int, default=1
        Length of each cycle, divided by the length of the previous cycle.
    lr_min : float, default=0.0
        Lowest learning rate.

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

    t_0: Count = 10
    t_mult: Count = 1
    lr_min: NonNegative = 0.0

    @property
    def depends_on_max_epochs(self) -> bool:
        """Always False, because the cycles do not depend on ``max_epochs``."""
        return False

    def lr_of(self, lr: float, step: int, epoch_steps: int, n_steps: int) -> float:
        """Return the learning rate of a step; see :meth:`Schedule.lr_of`."""
        length = self.t_0 * epoch_steps
        while step >= length:
            step -= length
            length *= self.t_mult
        return self.lr_min + (lr - self.lr_min) * (1 + math.cos(math.pi * step / length)) / 2
