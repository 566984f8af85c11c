"""What schedules of the learning rate share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from skorch.callbacks import LRScheduler

from ._technique import Technique


class Schedule(Technique):
    """Set the learning rate of each step to a function of the number of steps until then.

    It is set as soon as a step is over, so that what other callbacks set when the next begins
    holds. The history has ``lr`` for each batch and, of its first batch, for each epoch.
    """

    charge: ClassVar = "the learning rate"
    # Whether the schedule depends on how many epochs there will be.
    _ends: ClassVar[bool] = True

    @abstractmethod
    def lr_of(self, lr: float, step: int, epoch_steps: int, n_steps: int) -> float:
        """Return the learning rate of a step.

        Parameters
        ----------
        lr : float
            The learning rate that the optimizer was given.
        step : int
            How many steps there were before.
        epoch_steps : int
            How many steps an epoch has.
        n_steps : int
            How many steps there are in ``max_epochs``; ``partial_fit`` may go beyond.

        Returns
        -------
        lr : float
            The learning rate.
        """

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Take note of the optimizer's learning rates.

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
        super().on_train_begin(net)
        if any(isinstance(other, LRScheduler) for _, other in net.callbacks_):
            raise ValueError(
                f"{type(self).__name__} and LRScheduler both set {self.charge}; give one of them."
            )
        self.epoch_steps_ = len(net.get_iterator(X.train, training=True))
        if self._ends:
            self.n_epochs_ = net.max_epochs  # a checkpoint sees that the schedule depends on it
        for group in net.optimizer_.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self._check_falls(min(group["initial_lr"] for group in net.optimizer_.param_groups))

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Set the learning rate of the first step."""
        self.step_ = (len(net.history) - 1) * self.epoch_steps_
        self._set_lr(net)

    def on_batch_end(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        """Record the learning rate of this step, and set that of the next."""
        if training:
            record_lr(net)
            self.step_ += 1
            self._set_lr(net)

    def after_train(self, net: Any) -> None:
        """Give the optimizer back its own learning rates, whatever ended training."""
        for group in net.optimizer_.param_groups:
            group["lr"] = group.pop("initial_lr", group["lr"])

    def _check_falls(self, lr: float) -> None:
        """See that a schedule that falls to ``lr_min`` does fall."""
        lr_min = getattr(self, "lr_min", 0.0)
        if lr_min > lr:
            raise ValueError(
                f"{type(self).__name__}: lr_min={lr_min} is above the learning rate, lr={lr}, "
                "which is to fall to it; lower lr_min, or raise lr."
            )

    def _set_lr(self, net: Any) -> None:
        n_steps = net.max_epochs * self.epoch_steps_
        for group in net.optimizer_.param_groups:
            group["lr"] = self.lr_of(group["initial_lr"], self.step_, self.epoch_steps_, n_steps)


def record_lr(net: Any) -> None:
    """Record the learning rate of a batch and, if it is the first, of the epoch.

    Parameters
    ----------
    net : skorch.NeuralNet
        The net; what its first group of parameters has is recorded.
    """
    lr = net.optimizer_.param_groups[0]["lr"]
    net.history.record_batch("lr", lr)
    if len(net.history[-1, "batches"]) == 1:
        net.history.record("lr", lr)
