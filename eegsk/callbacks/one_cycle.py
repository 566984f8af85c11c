"""One-cycle schedule."""

from __future__ import annotations

import math

from .._fields import Fraction, Positive
from ._schedule import Schedule


class OneCycle(Schedule):
    """One-cycle schedule.

    The learning rate rises along a cosine to a peak, then falls along a cosine until training
    ends. It is set for each step, like by :class:`torch.optim.lr_scheduler.OneCycleLR`, but the
    momentum is not changed.

    Parameters
    ----------
    max_lr : float or None, default=None
        Learning rate at the peak; None for that of the estimator.
    rise : float, default=0.3
        Fraction of the steps before the peak.
    start_factor : float, default=0.04
        Learning rate of the first step, as a fraction of the peak.
    end_factor : float, default=4e-06
        Learning rate of the last step, as a fraction of the peak. If ``partial_fit`` continues,
        the learning rate stays there.

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
        peak_step, last_step = self.rise * n_steps - 1, n_steps - 1
        peak = lr if self.max_lr is None else self.max_lr
        if step < peak_step:
            return peak * _cosine(self.start_factor, 1.0, step / peak_step)
        progress = min(1.0, (step - peak_step) / max(last_step - peak_step, 1.0))
        return peak * _cosine(1.0, self.end_factor, progress)


def _cosine(start: float, end: float, progress: float) -> float:
    """Interpolate between two values along half a period of a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
