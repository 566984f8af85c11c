"""The skorch nets that train eegsk's estimators."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import skorch.callbacks
import torch
from skorch import NeuralNet, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import EpochTimer, PassthroughScoring
from torch import nn
from torch.nn.modules import loss as torch_losses

from .. import losses
from .._fields import CriterionFactory, OptimizerFactory
from .._registry import class_registry, find_class
from ..augmentation.transform import Augmentation, MixedTarget, augment
from ..blocks import apply_max_norm
from .batches import TrialBatches, Trials, TrialSplit
from .callback import Step, StopTraining, TrainingCallback
from .divergence import check_epoch, check_last_step
from .fit_info import FitInfo
from .freezing import frozen
from .net_params import check_net_names
from .pickling import dump_net
from .precomputed import PrecomputedStatistics, precompute_statistics
from .progress import EpochLines, ProgressBar
from .scores import EpochScores, Score, accuracy, r2

CRITERIA = class_registry(torch_losses, torch_losses._Loss, suffix="Loss") | class_registry(
    losses, nn.Module, suffix="Loss"
)
OPTIMIZERS = class_registry(torch.optim, torch.optim.Optimizer)


class TrialNet(NeuralNet):
    """skorch net with trial weights, max-norm constraints and the hooks of eegsk's callbacks.

    A batch is ``({"x": trials, "weight": weights}, targets)``; as usual in skorch, it is a pair of
    inputs and targets. The hooks are those of :class:`~eegsk.training.TrainingCallback`. A snapshot
    contains the state of all callbacks with a ``state_dict``, including those of skorch.
    """

    score_: Score
    augmentation_: Sequence[Augmentation] = ()
    frozen_: Sequence[str] = ()  # paths of blocks of the network that are not trained
    _statistics: PrecomputedStatistics | None = None
    _incomplete_epoch: int | None = None  # index of an epoch that has begun and not ended

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        return [
            ("epoch_timer", EpochTimer()),
            ("train_loss", PassthroughScoring("train_loss", on_train=True)),
            ("valid_loss", PassthroughScoring("valid_loss")),
            ("epoch_scores", EpochScores(type(self).score_)),
            ("progress_bar", ProgressBar()),
            ("print_log", EpochLines()),
        ]

    def initialize_module(self) -> TrialNet:
        """Initialize the module, and keep only ``module_``, so that pickles contain it once."""
        super().initialize_module()
        self.module = type(self.module_)
        return self

    def get_dataset(self, X: Any, y: Any = None) -> Trials:
        """Return trials; convert an array, e.g. the argument of ``net.predict``, to trials."""
        if isinstance(X, Trials):
            return X
        X = torch.as_tensor(X, dtype=torch.float32, device=self.device)
        y = torch.zeros(len(X)) if y is None else torch.as_tensor(y)
        return Trials(
            X, y.to(X.device), torch.ones_like(X[:, 0, 0]), torch.arange(len(X), device=X.device)
        )

    def get_split_datasets(
        self, X: TrialSplit, y: None = None, **fit_params: Any
    ) -> tuple[Trials, Trials | None]:
        """Return the training and validation trials."""
        return X.train, X.valid

    def check_data(self, X: Any, y: Any = None) -> None:
        """Do nothing, because the estimator has checked the data."""

    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        classes: Any = None,
        epochs: int | None = None,
        fit_info: FitInfo | None = None,
        **fit_params: Any,
    ) -> TrialNet:
        """Train for some epochs, or until a callback stops training.

        Unlike in skorch, Ctrl-C raises ``KeyboardInterrupt``, so that it also ends a grid search.
        The net then has the weights of the last training step.
        """
        if not self.initialized_:
            self.initialize()
        epochs = self.max_epochs if epochs is None else epochs
        fit_info = fit_info or FitInfo(type(self).__name__, self.get_params, 0, is_partial=True)
        n_epochs_before = len(self.history)
        try:
            with suppress(StopTraining), frozen(self._frozen_blocks()):
                self.notify("on_train_begin", X=X, y=y)
                for callback in self._training_callbacks():
                    callback.after_train_begin(self, X, fit_info, epochs)
                n_resumed = len(self.history) - n_epochs_before
                with self._using_statistics(X.train):
                    self.fit_loop(X, y, epochs=epochs - n_resumed, **fit_params)
            self.notify("on_train_end", X=X, y=y)
            check_last_step(self, X.train, fit_info.estimator_name)
        finally:
            self._remove_incomplete_epoch()
            for callback in self._training_callbacks():
                callback.after_train(self)
        return self

    def _frozen_blocks(self) -> list[nn.Module]:
        return [self.module_.get_submodule(f"network.{path}") for path in self.frozen_]

    def _set_training(self, training: bool = True) -> None:
        """Set training or evaluation mode; frozen blocks are always in evaluation mode."""
        super()._set_training(training)
        for block in self._frozen_blocks():
            block.eval()

    @contextmanager
    def _using_statistics(self, trials: Trials) -> Iterator[None]:
        """Use precomputed statistics of the training trials, unless they are augmented."""
        if not self.augmentation_:
            self._statistics = precompute_statistics(self.module_, trials)
        try:
            yield
        finally:
            self._statistics = None

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        """Call a hook of all callbacks, then stop training if one of them has requested it."""
        if method_name == "on_epoch_begin":
            self._incomplete_epoch = len(self.history)
        getattr(self, method_name)(self, **cb_kwargs)
        stops = [
            stop
            for _, callback in self.callbacks_
            if (stop := _call(callback, method_name, self, cb_kwargs)) is not None
        ]
        if method_name == "on_epoch_end":
            self._incomplete_epoch = None
            for callback in self._training_callbacks():
                callback.after_epoch_end(self, stopped=bool(stops))
        if stops:
            raise StopTraining from stops[0]

    def _training_callbacks(self) -> list[TrainingCallback]:
        """Return the callbacks that have the hooks of eegsk."""
        return [item for _, item in self.callbacks_ if isinstance(item, TrainingCallback)]

    def _remove_incomplete_epoch(self) -> None:
        """Remove an interrupted epoch from the history, because some of its values are missing."""
        if self._incomplete_epoch is not None:
            del self.history[self._incomplete_epoch :]
            self._incomplete_epoch = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for ``__setstate__`` of skorch, which also loads without a GPU."""
        attributes = dict(vars(self))
        state = {name: attributes.pop(name) for name in ("device", "torch_load_kwargs")}
        return {**state, "__cuda_dependent_attributes__": dump_net(attributes)}

    def snapshot(self) -> tuple[dict[str, Any], int]:
        """Return the states of module, optimizer and callbacks, and the length of the history."""
        states = {name: item.state_dict() for name, item in self._with_state().items()}
        return copy.deepcopy(states), len(self.history)

    def restore(self, snapshot: tuple[dict[str, Any], int]) -> None:
        """Restore a snapshot."""
        states, n_epochs = snapshot
        for name, item in self._with_state().items():
            item.load_state_dict(states[name])
        del self.history[n_epochs:]

    def _with_state(self) -> dict[str, Any]:
        """Return module, optimizer and the callbacks that have a ``state_dict``, by name."""
        callbacks = {
            f"callbacks__{name}": callback
            for name, callback in self.callbacks_
            if hasattr(callback, "state_dict")
        }
        return {"module": self.module_, "optimizer": self.optimizer_, **callbacks}

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Process the batches of an epoch.

        Unlike in skorch, losses are copied from the device once an epoch, not after each batch;
        until then the history holds tensors.

        Raises
        ------
        ValueError
            If the training loss or a weight is not finite.
        """
        if iterator is None:
            return
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            self.history.record_batch(f"{prefix}_loss", step["loss"].detach())
            self.history.record_batch(f"{prefix}_batch_size", len(batch[1]))
            self.notify("on_batch_end", batch=batch, training=training, **step)
            del batch, step  # free the memory before the next batch is created
        self.history.record(f"{prefix}_batch_count", len(iterator))
        self._read_losses(f"{prefix}_loss")
        if training:
            check_epoch(self)
            for callback in self._training_callbacks():
                callback.on_epoch_trained(self, dataset_train=iterator.dataset)

    def _read_losses(self, column: str) -> None:
        """Replace the losses of the last epoch, which are tensors, by numbers."""
        epoch: Any = self.history[-1]
        rows = [row for row in epoch["batches"] if column in row]
        values = torch.stack([row[column] for row in rows]).tolist()
        for row, value in zip(rows, values, strict=True):
            row[column] = value

    def train_step(self, batch: Any, **fit_params: Any) -> Any:
        """Take a step of the optimizer, then apply the max-norm constraints."""
        step = super().train_step(self._augmented(batch), **fit_params)
        apply_max_norm(self.module_)
        return step

    def _augmented(self, batch: Any) -> Any:
        """Standardise and augment a batch, so that transforms do not depend on the unit."""
        if not self.augmentation_:
            return batch
        inputs, y = batch
        X = self.module_.get_submodule("standardize")(inputs["x"])
        X, y = augment(self.augmentation_, X, y, inputs["groups"])
        return {"x": X, "weight": inputs["weight"], "standardized": True}, y

    def train_step_single(self, batch: Any, **fit_params: Any) -> Step:
        """Compute loss and gradients of a batch through the hooks of the callbacks."""
        compute = self._compute_gradients
        for callback in reversed(self._training_callbacks()):
            compute = _bind(callback.compute_gradients, self, compute)
        return compute(batch)

    def _compute_gradients(self, batch: Any) -> Step:
        """Compute loss and gradients of a batch."""
        self._set_training(True)
        callbacks = self._training_callbacks()
        inputs, target = batch
        with ExitStack() as stack:
            for callback in callbacks:
                stack.enter_context(callback.autocast(self))
            output = self.infer(inputs)
        output = output.float() if output.dtype.itemsize < 4 else output
        loss = self.get_loss(output, target, X=inputs, training=True)
        backward: Callable[[torch.Tensor], None] = torch.Tensor.backward
        for callback in reversed(callbacks):
            backward = _bind(callback.differentiate, self, backward)
        backward(loss)
        return {"loss": loss, "y_pred": output, "target": target}

    def infer(self, x: dict[str, Any], **fit_params: Any) -> torch.Tensor:
        """Return the outputs of the module for the trials of a batch."""
        if "standardized" in x:
            return self.module_.get_submodule("network")(x["x"])
        return self.module_(x["x"]) if self._statistics is None else self._statistics.apply(x)

    def get_loss(
        self, y_pred: torch.Tensor, y_true: Any, X: Any = None, training: bool = False
    ) -> torch.Tensor:
        """Return the weighted mean of the loss over the trials of a batch."""
        weight = X["weight"]
        if isinstance(y_true, MixedTarget):
            y_pred, y_true, weight = y_true.unmixed(y_pred, weight)
        loss = self.criterion_(y_pred, y_true)
        weight = weight.to(loss.dtype)
        if loss.dim() == 0:
            if not torch.equal(weight, torch.ones_like(weight)):
                raise ValueError(
                    f"{type(self.criterion_).__name__} returns one loss for the whole batch, so "
                    "sample_weight, class_weight and Mixup have no effect; use a criterion with "
                    "reduction='none'."
                )
            return loss
        return (loss.flatten(1).mean(1) * weight if loss.dim() > 1 else loss * weight).mean()


class ClassifierNet(TrialNet, NeuralNetClassifier):
    """Net of a classifier; its module returns logits."""

    score_ = staticmethod(accuracy)


class RegressorNet(TrialNet, NeuralNetRegressor):
    """Net of a regressor; its module returns standardised targets."""

    score_ = staticmethod(r2)


def make_net(
    net_class: type[TrialNet],
    module: nn.Module,
    criterion: CriterionFactory,
    optimizer: OptimizerFactory,
    weight_decay: float,
    net_params: Mapping[str, Any],
    **params: Any,
) -> TrialNet:
    """Return an initialised net.

    Parameters
    ----------
    net_class : type
        ClassifierNet or RegressorNet.
    module : torch.nn.Module
        The module to train.
    criterion, optimizer : str or callable
        The name of a torch loss or optimizer, its class, or a ``functools.partial`` of it.
    weight_decay : float
        Weight decay of the optimizer.
    net_params : dict
        Further parameters of the skorch net that the user has set.
    **params : dict
        Parameters of the skorch net.

    Returns
    -------
    net : skorch.NeuralNet
        The net.
    """
    criterion = find_class("criterion", criterion, CRITERIA)
    optimizer = find_class("optimizer", optimizer, OPTIMIZERS)
    check_net_names(net_params, {"criterion": criterion, "optimizer": optimizer})
    params.update(net_params)
    defaults: dict[str, Any] = {
        "criterion": criterion,
        "optimizer": optimizer,
        "iterator_train": TrialBatches,
        "iterator_train__shuffle": True,
        "iterator_valid": TrialBatches,
        "train_split": None,
    }
    if _accepts(criterion, "reduction"):
        defaults["criterion__reduction"] = "none"
    if _can_fuse(optimizer, module, params):
        defaults["optimizer__fused"] = True
    if _accepts(optimizer, "weight_decay"):
        defaults["optimizer__weight_decay"] = weight_decay
    elif weight_decay > 0:
        raise ValueError(f"optimizer={optimizer!r} has no weight decay; set weight_decay=0.")
    return net_class(module, **{**defaults, **params}).initialize()


def _call(
    callback: Any, method_name: str, net: TrialNet, kwargs: dict[str, Any]
) -> BaseException | None:
    """Call a hook, and return the exception with which the callback stops training, if any."""
    try:
        getattr(callback, method_name)(net, **kwargs)
    except StopTraining as stop:
        return stop
    except KeyboardInterrupt as stop:  # raised by skorch's EarlyStopping, or by Ctrl-C
        if not isinstance(callback, skorch.callbacks.EarlyStopping):
            raise
        return stop
    return None


def _bind(hook: Callable[..., Any], net: TrialNet, function: Callable[[Any], Any]) -> Any:
    """Return a function that calls a hook with ``net``, its argument, and ``function``."""
    return lambda argument: hook(net, argument, function)


def _accepts(factory: Any, parameter: str) -> bool:
    return parameter in inspect.signature(factory).parameters


def _can_fuse(optimizer: Any, module: nn.Module, params: dict[str, Any]) -> bool:
    """Return whether to use the fused form of the optimizer, which is faster."""
    alternatives = {"optimizer__fused", "optimizer__foreach", "optimizer__differentiable"}
    devices = {parameter.device.type for parameter in module.parameters()}
    has_fused = isinstance(optimizer, type) and _accepts(optimizer, "fused")
    return has_fused and devices <= {"cpu", "cuda"} and not alternatives & set(params)
