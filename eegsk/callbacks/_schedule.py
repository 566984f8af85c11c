"""Base class of the learning-rate schedules."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from skorch.callbacks import LRScheduler

from ..training import TrainingCallback


class Schedule(TrainingCallback):
    """Base class of schedules, which set the learning rate of each step.

    The learning rate of a step is set at the end of the previous step, so that another callback,
    e.g. SWA, can replace it at the beginning of the step. The column ``lr`` of the history has the
    learning rate of each batch; the value for an epoch is that of its first batch.
    """

    # The learning rate is computed from the step, without a scheduler of torch: schedulers compute
    # it from the previous learning rate, which SWA may have replaced, and raise an error if
    # partial_fit continues.
    controls: ClassVar = "the learning rate"

    @property
    def depends_on_max_epochs(self) -> bool:
        """Whether the schedule ends with the last epoch."""
        return True

    @abstractmethod
    def lr_of(self, lr: float, step: int, epoch_steps: int, n_steps: int) -> float:
        """Return the learning rate of a step.

        Parameters
        ----------
        lr : float
            The initial learning rate of the optimizer.
        step : int
            Number of previous steps.
        epoch_steps : int
            Number of steps of an epoch.
        n_steps : int
            Number of steps in ``max_epochs`` epochs; ``partial_fit`` can take more steps.

        Returns
        -------
        lr : float
            The learning rate.
        """

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Store the initial learning rates; see :meth:`TrainingCallback.on_train_begin`."""
        super().on_train_begin(net)
        if any(isinstance(callback, LRScheduler) for _, callback in net.callbacks_):
            raise ValueError(
                f"{type(self).__name__} and LRScheduler both set {self.controls}; use only one of "
                "them."
            )
        self.epoch_steps_ = len(net.get_iterator(X.train, training=True))
        for group in net.optimizer_.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self._check_lr_min(min(group["initial_lr"] for group in net.optimizer_.param_groups))

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Set the learning rate of the first step."""
        self.step_ = (len(net.history) - 1) * self.epoch_steps_
        self._set_lr(net)

    def on_batch_end(self, net: Any, training: bool = False, **kwargs: Any) -> None:
        """Record the learning rate of this step, and set that of the next step."""
        if training:
            record_lr(net)
            self.step_ += 1
            self._set_lr(net)

    def after_train(self, net: Any) -> None:
        """Restore the initial learning rates of the optimizer."""
        for group in net.optimizer_.param_groups:
            group["lr"] = group.pop("initial_lr", group["lr"])

    def _check_lr_min(self, lr: float) -> None:
        """Raise an error if ``lr_min`` is above the initial learning rate."""
        lr_min = getattr(self, "lr_min", 0.0)
        if lr_min > lr:
            raise ValueError(
                f"{type(self).__name__}: lr_min={lr_min} is above the learning rate, lr={lr}; "
                "lower lr_min, or raise lr."
            )

    def _set_lr(self, net: Any) -> None:
        n_steps = net.max_epochs * self.epoch_steps_
        for group in net.optimizer_.param_groups:
            group["lr"] = self.lr_of(group["initial_lr"], self.step_, self.epoch_steps_, n_steps)


def record_lr(net: Any) -> None:
    """Record the learning rate of a batch and, if it is the first batch, of the epoch.

    Parameters
    ----------
    net : skorch.NeuralNet
        The net; the learning rate is that of its first parameter group.
    """
    lr = net.optimizer_.param_groups[0]["lr"]
    net.history.record_batch("lr", lr)
    if len(net.history[-1, "batches"]) == 1:
        net.history.record("lr", lr)
