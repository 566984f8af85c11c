"""Exponential moving average of the weights."""

from __future__ import annotations

from typing import Any

from .._fields import Probability
from ._averaging import WeightAverage, tensors_of


class EMA(WeightAverage):
    """Predict with an exponential moving average of the weights over the steps of training.

    Statistics of batch normalisation are averaged in the same way.

    Parameters
    ----------
    decay : float, default=0.999
        By what the average is multiplied in each step, the weights by the rest.
    warm_up : bool, default=True
        Whether the decay is no larger than ``(1 + n) / (10 + n)`` after ``n`` steps, so that the
        first weights are soon forgotten.
    start : float or int, default=0.0
        The fraction of ``max_epochs`` before averaging begins, or the first epoch that is averaged,
        counted from 1.
    validate : bool, default=True
        Whether validation, once averaging has begun, is of the averaged network, not of that in
        training; a callback that restores the best epoch then restores its average.

    Attributes
    ----------
    n_averaged_ : int
        Of how many steps the average is; a column of the history as well.

    Notes
    -----
    ``partial_fit`` goes on from the weights before averaging, and with the average;
    ``warm_start`` goes on from the average, and begins a new one.

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
        """Move the average towards the weights.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        training : bool, default=False
            Whether there was a step.
        **kwargs : dict
            Not used.
        """
        if not training or not self._has_begun(net):
            return
        n, decay = self.n_averaged_, self.decay
        decay = min(decay, (1 + n) / (10 + n)) if self.warm_up else decay
        for name, value in tensors_of(net.module_).items():
            average = self.average_.setdefault(name, value.clone())
            if value.is_floating_point():
                average.lerp_(value, 1 - decay)
            else:
                average.copy_(value)
        self.n_averaged_ += 1
