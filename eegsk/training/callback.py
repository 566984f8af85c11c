"""Base class of callbacks, with the hooks that eegsk adds to those of skorch."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from typing import Any, ClassVar

import torch
from skorch.callbacks import Callback

from .._fields import Fields, check_fields, check_names, clone_callback, named_items
from ..augmentation.transform import Transform
from .batches import Trials, TrialSplit
from .fit_info import FitInfo

Step = dict[str, Any]


class StopTraining(Exception):  # noqa: N818
    """Exception that a callback raises to stop training.

    If it is raised in ``on_epoch_end``, this hook of the other callbacks is still called, and
    training stops after this epoch. If it is raised elsewhere, training stops at once, and the
    incomplete epoch is removed from the history.
    """


class TrainingCallback(Fields, Callback, kw_only=False):
    """Base class of eegsk's callbacks.

    The annotated attributes of a subclass are the parameters of its constructor; they are checked
    when training begins. Attributes that are set during training end with an underscore. A
    callback keeps no reference to the net.

    A callback can override the hooks of :class:`skorch.callbacks.Callback` and those below. Their
    order in a fit is: ``on_train_begin``, ``after_train_begin``; in each epoch
    ``on_epoch_begin``, for each batch ``on_batch_begin``, ``compute_gradients`` (with ``autocast``
    and ``differentiate`` inside), ``on_grad_computed``, ``on_batch_end``, then
    ``on_epoch_trained``, validation, ``on_epoch_end``, ``after_epoch_end``; at last
    ``on_train_end``, ``after_train``. To stop training, raise :class:`StopTraining`.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import StopTraining, TrainingCallback
    >>> class StopAtLoss(TrainingCallback):
    ...     threshold: float = 0.1
    ...     def on_epoch_end(self, net, **kwargs):
    ...         if net.history[-1, "train_loss"] < self.threshold:
    ...             raise StopTraining
    >>> X, y = np.random.default_rng(0).standard_normal((20, 3, 128)), ["left", "right"] * 10
    >>> estimator = EEGNetClassifier(callbacks=[StopAtLoss(threshold=10.0)])
    >>> estimator.fit(X, y).n_iter_
    1
    """

    # A quantity that only one callback of a fit may set, e.g. "the learning rate".
    controls: ClassVar[str | None] = None
    # Attributes that state_dict returns. Attributes that follow from parameters, trials and history
    # need not be listed.
    state_attributes: ClassVar[tuple[str, ...]] = ()

    def __repr__(self) -> str:
        names = [item.name for item in sorted(fields(self), key=lambda item: bool(item.kw_only))]
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({values})"

    @property
    def depends_on_max_epochs(self) -> bool:
        """Whether the weights after the first epochs depend on ``max_epochs``."""
        return False

    def seed_to_resume(self) -> int | None:
        """Return the seed of a fit to resume, None to draw a new one.

        Called before training when the estimator has ``random_state=None``.

        Returns
        -------
        seed : int or None
            The seed.
        """
        return None

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Check the parameters, and that no other callback controls the same quantity.

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
        TypeError, ValueError
            If a parameter has a wrong value, or two callbacks control the same quantity.
        """
        check_fields(self)
        for _, callback in net.callbacks_:
            is_conflict = self.controls and getattr(callback, "controls", None) == self.controls
            if callback is not self and is_conflict:
                raise ValueError(
                    f"{type(self).__name__} and {type(callback).__name__} both set "
                    f"{self.controls}; use only one of them."
                )

    def after_train_begin(
        self, net: Any, trials: TrialSplit, fit_info: FitInfo, n_epochs: int
    ) -> None:
        """Act after ``on_train_begin`` of all callbacks.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net. If a callback extends its history, e.g. from a checkpoint, training resumes
            after the last epoch of the history.
        trials : TrialSplit
            Training and validation trials.
        fit_info : FitInfo
            Name, parameters and seed of the estimator.
        n_epochs : int
            Number of epochs to train.
        """

    def compute_gradients(self, net: Any, batch: Any, compute: Callable[[Any], Step]) -> Step:
        """Compute the gradients of a training batch.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        batch : tuple
            Inputs and targets.
        compute : callable
            ``compute(batch)`` calls this hook of the next callback in the list; for the last
            callback, it computes loss and gradients. It can be called several times.

        Returns
        -------
        step : dict
            ``"loss"`` and ``"y_pred"`` of the batch.
        """
        return compute(batch)

    def autocast(self, net: Any) -> AbstractContextManager[Any]:
        """Return a context in which the outputs of training batches are computed.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.

        Returns
        -------
        context : context manager
            The context, e.g. :class:`torch.autocast`.
        """
        return nullcontext()

    def differentiate(
        self, net: Any, loss: torch.Tensor, backward: Callable[[torch.Tensor], None]
    ) -> None:
        """Differentiate the loss of a training batch.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        loss : torch.Tensor
            The loss.
        backward : callable
            ``backward(loss)`` computes the gradients.
        """
        backward(loss)

    def on_epoch_trained(self, net: Any, dataset_train: Trials) -> None:
        """Act after the last training batch of an epoch, before validation.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        dataset_train : Trials
            The training trials.
        """

    def after_epoch_end(self, net: Any, stopped: bool) -> None:
        """Act after ``on_epoch_end`` of all callbacks.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        stopped : bool
            Whether a callback has stopped training in this epoch.
        """

    def after_train(self, net: Any) -> None:
        """Clean up after training, even if an exception or Ctrl-C has ended it.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the state: tensors, numbers, strings, lists and dictionaries."""
        values = {name: vars(self)[name] for name in self.state_attributes if name in vars(self)}
        return copy.deepcopy(values)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state; called after ``on_train_begin``.

        Parameters
        ----------
        state : dict
            The return value of :meth:`state_dict`.
        """
        vars(self).update(copy.deepcopy(state))

    def __getstate__(self) -> dict[str, Any]:
        """Move tensors to the CPU, so that the pickle loads on a machine without a GPU."""
        return {name: _on_cpu(item) for name, item in vars(self).items()}


def clone_callbacks(callbacks: Any, owner: str) -> list[tuple[str, Any]]:
    """Check and clone the callbacks of an estimator, so that training does not change them.

    Parameters
    ----------
    callbacks : list or None
        Callbacks, functions that create one, or pairs ``(name, callback)``; None instead of a
        callback is skipped.
    owner : str
        Name of the estimator, for error messages.

    Returns
    -------
    clones : list of (str, skorch.callbacks.Callback)
        Names and untrained copies, in order.

    Raises
    ------
    TypeError
        If an item is not a callback of skorch.
    ValueError
        If two callbacks have the same name.
    """
    check_names(owner, "callbacks", callbacks)
    named = [item for item in named_items(callbacks) if item[1] is not None]
    items = [item for _, item in named]
    named = [(name, item() if _is_function(item) else item) for name, item in named]
    for _, callback in named:
        kind = callback if isinstance(callback, type) else type(callback)
        if not issubclass(kind, Callback):
            hint = " Pass transforms as augmentation." if isinstance(callback, Transform) else ""
            raise TypeError(
                f"{owner}: callbacks contains {callback!r}, which should be an instance or a "
                f"subclass of skorch.callbacks.Callback.{hint}"
            )
    return [
        (name, callback if _is_function(item) else clone_callback(callback))
        for item, (name, callback) in zip(items, named, strict=True)
    ]


def _is_function(item: Any) -> bool:
    """Return whether an item is a function that creates a callback."""
    return callable(item) and not isinstance(item, type | Callback | Transform)


def has_validation(X: Any) -> bool:
    """Return whether ``X`` of ``on_train_begin`` has validation trials; True if it is unknown."""
    return X is None or getattr(X, "valid", X) is not None


def _on_cpu(item: Any) -> Any:
    if isinstance(item, dict):
        return {key: _on_cpu(value) for key, value in item.items()}
    return item.cpu() if isinstance(item, torch.Tensor) else item
