"""Base class of the callbacks that average weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from numbers import Integral
from typing import Any, ClassVar

import torch
from torch import nn

from .._fields import Count, Probability
from ..training import TrainingCallback, Trials

Start = Count | Probability


class WeightAverage(TrainingCallback):
    """Base class of callbacks that average weights for prediction.

    After the training steps of an epoch, the average is loaded into the module for validation, so
    that callbacks that keep weights keep the average. At the beginning of the next epoch, the
    trained weights are loaded again. With ``validate=False``, or without validation trials, the
    average is loaded only at the end of training.

    Parameters
    ----------
    start : float or int, default=0.0
        Fraction of ``max_epochs`` before averaging begins, or the first epoch that is averaged,
        counted from 1.
    validate : bool, default=True
        Whether validation uses the averaged weights once averaging has begun. If True, a callback
        that restores the best epoch restores the average after that epoch.
    """

    controls: ClassVar = "the weights for prediction"
    # The averages are tensors, not an AveragedModel of torch: it holds a copy of the module and a
    # local function, so that fitted estimators could not be pickled.
    state_attributes: ClassVar = ("average_", "trained_", "n_averaged_")

    start: Start = field(default=0.0, kw_only=True)
    validate: bool = field(default=True, kw_only=True)

    @property
    def depends_on_max_epochs(self) -> bool:
        """Whether ``start`` is a fraction of ``max_epochs``."""
        return not isinstance(self.start, Integral) and self.start > 0

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Begin an average, or continue that of the last ``partial_fit``.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        X : TrialSplit
            Training and validation trials.
        **kwargs : dict
            Not used.

        Raises
        ------
        ValueError
            If averaging would never begin, or another callback would replace the average.
        """
        super().on_train_begin(net)
        if not hasattr(self, "average_"):
            self.average_: dict[str, torch.Tensor] = {}
            self.trained_: dict[str, torch.Tensor] = {}
            self.n_averaged_ = 0
        self.average_ = {name: value.to(net.device) for name, value in self.average_.items()}
        self.first_epoch_ = self._first_epoch(net.max_epochs)
        self.validates_ = self.validate and X.valid is not None
        if not self.validates_:
            self._check_restoring(net, X.valid is not None)

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Load the trained weights, from which training continues."""
        if self.trained_:
            _load(net.module_, self.trained_)
            self.trained_ = {}

    def on_epoch_trained(self, net: Any, dataset_train: Trials) -> None:
        """Load the average for validation."""
        if self.validates_ and self.n_averaged_:
            self._load_average(net, dataset_train)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Record the number of averaged weights, which is zero before averaging begins."""
        net.history.record("n_averaged", self.n_averaged_)

    def on_train_end(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Load the average, unless it is loaded already."""
        if self.n_averaged_ and not self.trained_:
            self._load_average(net, X.train)

    def _has_begun(self, net: Any) -> bool:
        return len(net.history) >= self.first_epoch_

    def _first_epoch(self, max_epochs: int) -> int:
        """Return the first epoch that is averaged, counted from 1."""
        if isinstance(self.start, Integral) and self.start >= 1:
            first = int(self.start)
        else:
            # The small number avoids e.g. floor(0.29 * 100) = 28.
            first = math.floor(self.start * max_epochs + 1e-9) + 1
        if first > max_epochs:
            raise ValueError(
                f"{type(self).__name__}: start={self.start!r} is epoch {first}, but "
                f"max_epochs={max_epochs}; lower start, or raise max_epochs."
            )
        return first

    def _check_restoring(self, net: Any, has_validation: bool) -> None:
        """Raise an error if a callback would replace the average by weights of the best epoch."""
        name = type(self).__name__
        for _, callback in net.callbacks_:
            # With monitor="auto" and without validation, there is no best epoch to restore.
            has_no_best_epoch = getattr(callback, "monitor", None) == "auto" and not has_validation
            if getattr(callback, "load_best", False) and not has_no_best_epoch:
                raise ValueError(
                    f"{type(callback).__name__} would replace the average of {name} by the weights "
                    f"of the best epoch; set valid_split, and validate=True in {name}, or "
                    "load_best=False."
                )

    def _load_average(self, net: Any, trials: Trials) -> None:
        """Store the trained weights, and load the average into the module."""
        self.trained_ = {name: value.clone() for name, value in tensors_of(net.module_).items()}
        _load(net.module_, self.average_)


def tensors_of(module: nn.Module) -> dict[str, torch.Tensor]:
    """Return the weights and buffers of a module by name, detached but not copied.

    Parameters
    ----------
    module : torch.nn.Module
        The module.

    Returns
    -------
    tensors : dict of torch.Tensor
        The tensors; a shared tensor is included once.
    """
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: tensor.detach() for name, tensor in tensors.items()}


def _load(module: nn.Module, values: Mapping[str, torch.Tensor]) -> None:
    tensors = tensors_of(module)
    for name, value in values.items():
        tensors[name].copy_(value)
