"""Exponential moving average of the weights."""

from __future__ import annotations

from typing import Any

from torch.optim.swa_utils import get_ema_multi_avg_fn

from .._fields import Probability
from ._averaging import WeightAverage, tensors_of


class EMA(WeightAverage):
    """Exponential moving average callback.

    The network predicts with an exponential moving average of the weights over the training steps.
    The running statistics of batch normalisation are averaged in the same way.

    Parameters
    ----------
    decay : float, default=0.999
        Factor of the average in each step; the factor of the present weights is ``1 - decay``.
    warm_up : bool, default=True
        Whether the decay after ``n`` steps is at most ``(1 + n) / (10 + n)``, so that the initial
        weights have little influence.

    Attributes
    ----------
    n_averaged_ : int
        Number of averaged steps, also a column of the history.

    Notes
    -----
    ``partial_fit`` continues from the trained weights and continues the average; ``warm_start``
    continues from the average and begins a new one.

    References
    ----------
    .. [1] Polyak, B. T., & Juditsky, A. B. (1992). Acceleration of stochastic approximation by
       averaging. SIAM Journal on Control and Optimization, 30(4), 838-855.
       https://doi.org/10.1137/0330046

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import EMA
    >>> EEGNetClassifier(callbacks=[EMA(0.99)]).callbacks
    [EMA(decay=0.99, warm_up=True, start=0.0, validate=True)]
    """

    decay: Probability = 0.999
    warm_up: bool = True

    def on_batch_end(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        """Update the average after a training step."""
        if not training or not self._has_begun(net):
            return
        n, decay = self.n_averaged_, self.decay
        decay = min(decay, (1 + n) / (10 + n)) if self.warm_up else decay
        averages, values = [], []
        for name, value in tensors_of(net.module_).items():
            average = self.average_.setdefault(name, value.clone())
            if value.is_floating_point():
                averages.append(average)
                values.append(value)
            else:
                average.copy_(value)
        get_ema_multi_avg_fn(decay)(averages, values, n)
        self.n_averaged_ += 1
