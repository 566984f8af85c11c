"""What averages of weights share: when they begin, and when they are in place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from numbers import Integral
from typing import Any, ClassVar

import torch
from torch import nn

from .._fields import Count, Probability
from ._technique import Technique

Start = Count | Probability


class WeightAverage(Technique):
    """Keep an average of the weights beside those that are trained, to predict with.

    The average is in the module from the end of an epoch's training to the begin of the next, so
    that validation, and callbacks that keep weights, see what would predict; without validation of
    it, from the end of all training on.
    """

    charge: ClassVar = "the weights that predict"
    memory: ClassVar = ("average_", "aside_", "n_averaged_")

    start: Start = field(default=0.0, kw_only=True)
    validate: bool = field(default=True, kw_only=True)

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Begin a new average, or go on with that of a net that goes on.

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
            If averaging would never begin, or another callback would undo it.
        """
        super().on_train_begin(net)
        if not hasattr(self, "average_"):
            self.average_: dict[str, torch.Tensor] = {}
            self.aside_: dict[str, torch.Tensor] = {}
            self.n_averaged_ = 0
        self.average_ = {name: value.to(net.device) for name, value in self.average_.items()}
        self.first_epoch_ = self._first_epoch(net.max_epochs)
        self.validates_ = self.validate and X.valid is not None
        if not self.validates_:
            self._check_alone(net, X.valid is not None)

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Go on from the weights that are trained."""
        if self.aside_:
            _write(net.module_, self.aside_)
            self.aside_ = {}

    def on_epoch_trained(self, net: Any, dataset_train: Any) -> None:
        """Put the average in place for validation."""
        if self.validates_ and self.n_averaged_:
            self._put_in_place(net, dataset_train)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record of how many weights the average is; zero before it begins."""
        net.history.record("n_averaged", self.n_averaged_)

    def on_train_end(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Put the average in place, unless it is."""
        if self.n_averaged_ and not self.aside_:
            self._put_in_place(net, X.train)

    def _has_begun(self, net: Any) -> bool:
        return len(net.history) >= self.first_epoch_

    def _first_epoch(self, max_epochs: int) -> int:
        """Return the number of the first epoch to average over, counted from one."""
        if isinstance(self.start, Integral) and self.start >= 1:
            first = int(self.start)
        else:
            first = math.floor(self.start * max_epochs + 1e-9) + 1
        if first > max_epochs:
            raise ValueError(
                f"{type(self).__name__}: with start={self.start!r} averaging begins in epoch "
                f"{first}, but there are {max_epochs}; start earlier, or raise max_epochs."
            )
        return first

    def _check_alone(self, net: Any, has_validation: bool) -> None:
        """See that the average, not seen in validation, is not replaced by weights that were."""
        name = type(self).__name__
        for _, other in net.callbacks_:
            # What watches "auto" has nothing to restore without validation.
            idle = getattr(other, "monitor", None) == "auto" and not has_validation
            if getattr(other, "load_best", False) and not idle:
                raise ValueError(
                    f"{type(other).__name__} restores the best epoch, of which {name} would keep "
                    f"nothing; give the estimator a valid_split and {name} validate=True, or set "
                    "load_best=False."
                )

    def _put_in_place(self, net: Any, trials: Any) -> None:
        """Put the average into the module, and what is there aside."""
        self.aside_ = {name: value.clone() for name, value in tensors_of(net.module_).items()}
        _write(net.module_, self.average_)


def tensors_of(module: nn.Module) -> dict[str, torch.Tensor]:
    """Return the weights and buffers of a module by name, not copied.

    Parameters
    ----------
    module : torch.nn.Module
        The module.

    Returns
    -------
    tensors : dict
        Each of its tensors once.
    """
    named = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: tensor.detach() for name, tensor in named.items()}


def _write(module: nn.Module, values: Mapping[str, torch.Tensor]) -> None:
    tensors = tensors_of(module)
    for name, value in values.items():
        tensors[name].copy_(value)
