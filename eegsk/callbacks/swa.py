"""Stochastic weight averaging."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from .._fields import Positive
from ..training import TrialBatches, Trials
from ._averaging import Start, WeightAverage
from ._schedule import record_lr


class SWA(WeightAverage):
    """Predict with the average of the weights at the ends of the last epochs.

    Statistics of batch normalisation are those of the averaged network on the training trials:
    averages over batches, in training mode, dropout included, as
    :func:`torch.optim.swa_utils.update_bn` computes them.

    Parameters
    ----------
    start : float or int, default=0.75
        The fraction of ``max_epochs`` before averaging begins, or the first epoch that is averaged,
        counted from 1. If training stops before, nothing is averaged.
    lr : float or None, default=None
        Learning rate of the epochs that are averaged, whatever a schedule says; None for that of
        the schedule or the estimator.
    validate : bool, default=True
        Whether validation, once averaging has begun, is of the averaged network, not of that in
        training; a callback that restores the best epoch then restores its average.

    Attributes
    ----------
    n_averaged_ : int
        Of how many epochs the average is; a column of the history as well.

    Notes
    -----
    ``partial_fit`` goes on from the weights before averaging, and with the average;
    ``warm_start`` goes on from the average, and begins a new one.

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
        """Hold the learning rate."""
        if training and self.lr is not None:
            if self._has_begun(net):
                for group in net.optimizer_.param_groups:
                    group["lr"] = self.lr
            record_lr(net)

    def on_epoch_trained(self, net: Any, dataset_train: Any) -> None:
        """Add the weights to the average.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        dataset_train : Trials
            The training trials.
        """
        if self._has_begun(net):
            for name, weight in net.module_.named_parameters():
                average = self.average_.setdefault(name, weight.detach().clone())
                average += (weight.detach() - average) / (self.n_averaged_ + 1)
            self.n_averaged_ += 1
        super().on_epoch_trained(net, dataset_train)

    def _put_in_place(self, net: Any, trials: Trials) -> None:
        super()._put_in_place(net, trials)
        recompute_statistics(net.module_, trials, net.batch_size)


@torch.no_grad()
def recompute_statistics(module: nn.Module, trials: Trials, batch_size: int) -> None:
    """Recompute running statistics of batch normalisation as averages over batches.

    Parameters
    ----------
    module : torch.nn.Module
        The module, which is left in the mode that it is in; no random number is used up.
    trials : Trials
        The trials.
    batch_size : int
        The largest size of a batch.
    """
    norms = [norm for norm in module.modules() if isinstance(norm, _BatchNorm)]
    if not norms:
        return
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
    training = module.training
    gpus = [trials.X.device] if trials.X.device.type == "cuda" else []
    with torch.random.fork_rng(gpus):
        module.train()
        for n_batches, (inputs, _) in enumerate(TrialBatches(trials, batch_size), start=1):
            for norm in norms:
                norm.momentum = 1 / n_batches
            module(inputs["x"])
    module.train(training)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
