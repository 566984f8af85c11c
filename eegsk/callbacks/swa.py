"""Stochastic weight averaging."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import get_swa_multi_avg_fn

from .._fields import Positive
from ..training import TrialBatches, Trials
from ._averaging import Start, WeightAverage
from ._schedule import record_lr


class SWA(WeightAverage):
    """Stochastic weight averaging callback.

    The network predicts with the average of the weights after each of the last epochs. The running
    statistics of batch normalisation are recomputed on the training trials with the averaged
    weights, as by :func:`torch.optim.swa_utils.update_bn`.

    Parameters
    ----------
    start : float or int, default=0.75
        Fraction of ``max_epochs`` before averaging begins, or the first epoch that is averaged,
        counted from 1. If training stops earlier, nothing is averaged.
    lr : float or None, default=None
        Learning rate in the averaged epochs, which replaces that of a schedule; None to keep the
        learning rate of the schedule or the estimator.

    Attributes
    ----------
    n_averaged_ : int
        Number of averaged epochs, also a column of the history.

    Notes
    -----
    ``partial_fit`` continues from the trained weights and continues the average; ``warm_start``
    continues from the average and begins a new one.

    References
    ----------
    .. [1] Izmailov, P., Podoprikhin, D., Garipov, T., Vetrov, D., & Wilson, A. G. (2018). Averaging
       weights leads to wider optima and better generalization. UAI.
       https://doi.org/10.48550/arXiv.1803.05407

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import SWA
    >>> EEGNetClassifier(callbacks=[SWA(start=80, lr=1e-3)]).callbacks
    [SWA(start=80, lr=0.001, validate=True)]
    """

    start: Start = 0.75
    lr: Positive | None = None

    def on_batch_begin(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        """Set the learning rate of the averaged epochs."""
        if training and self.lr is not None:
            if self._has_begun(net):
                for group in net.optimizer_.param_groups:
                    group["lr"] = self.lr
            record_lr(net)

    def on_epoch_trained(self, net: Any, dataset_train: Trials) -> None:
        """Add the weights to the average.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        dataset_train : Trials
            The training trials.
        """
        if self._has_begun(net):
            weights = {name: weight.detach() for name, weight in net.module_.named_parameters()}
            for name, weight in weights.items():
                self.average_.setdefault(name, weight.clone())
            averages = [self.average_[name] for name in weights]
            get_swa_multi_avg_fn()(averages, [*weights.values()], self.n_averaged_)
            self.n_averaged_ += 1
        super().on_epoch_trained(net, dataset_train)

    def _load_average(self, net: Any, trials: Trials) -> None:
        super()._load_average(net, trials)
        recompute_statistics(net, trials)


@torch.no_grad()
def recompute_statistics(net: Any, trials: Trials) -> None:
    """Recompute the running statistics of batch normalisation; the random state is kept.

    Unlike :func:`torch.optim.swa_utils.update_bn`, this leaves frozen blocks as they are.

    Parameters
    ----------
    net : skorch.NeuralNet
        The net.
    trials : Trials
        Trials.
    """
    module, is_training = net.module_, net.module_.training
    net._set_training(True)
    norms = [layer for layer in module.modules() if isinstance(layer, _BatchNorm)]
    norms = [norm for norm in norms if norm.training]  # others are frozen
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    gpus = [trials.X.device] if trials.X.device.type == "cuda" else []
    with torch.random.fork_rng(gpus):
        for inputs, _ in TrialBatches(trials, net.batch_size) if norms else ():
            module(inputs["x"])
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    module.train(is_training)
