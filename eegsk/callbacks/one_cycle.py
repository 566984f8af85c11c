"""One cycle of the learning rate."""

from __future__ import annotations

import math

from .._fields import Fraction, Positive
from ._schedule import Schedule


class OneCycle(Schedule):
    """Let the learning rate rise to a peak and fall to almost nothing, along cosines.

    It is set for each step, as :class:`torch.optim.lr_scheduler.OneCycleLR` does; momentum is left
    alone.

    Parameters
    ----------
    max_lr : float or None, default=None
        The peak; None for the learning rate of the estimator.
    rise : float, default=0.3
        The fraction of all steps in which it rises.
    start_factor : float, default=0.04
        The fraction of the peak that it begins with.
    end_factor : float, default=4e-06
        The fraction of the peak that it ends with; after that, in ``partial_fit``, it stays there.

    References
    ----------
    .. [1] Smith, L. N., & Topin, N. (2019). Super-convergence: very fast training of neural
       networks using large learning rates. Proc. SPIE 11006.
       https://doi.org/10.1117/12.2520589

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import OneCycle
    >>> EEGNetClassifier(callbacks=[OneCycle(max_lr=0.01)]).callbacks
    [OneCycle(max_lr=0.01, rise=0.3, start_factor=0.04, end_factor=4e-06)]
    """

    max_lr: Positive | None = None
    rise: Fraction = 0.3
    start_factor: Fraction = 0.04
    end_factor: Fraction = 4e-6

    def lr_of(self, lr: float, step: int, epoch_steps: int, n_steps: int) -> float:
        """Return the learning rate of a step; see :meth:`Schedule.lr_of`."""
        top, last = self.rise * n_steps - 1, n_steps - 1
        peak = lr if self.max_lr is None else self.max_lr
        if step < top:
            return peak * _along_cosine(self.start_factor, 1.0, step / top)
        done = min(1.0, (step - top) / max(last - top, 1.0))
        return peak * _along_cosine(1.0, self.end_factor, done)


def _along_cosine(begin: float, end: float, done: float) -> float:
    return end + (begin - end) * (1 + math.cos(math.pi * done)) / 2
