"""The skorch nets that train eegsk's estimators."""

from __future__ import annotations

import copy
import dis
import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

import torch
from skorch import NeuralNet, NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import EpochTimer, PassthroughScoring
from torch import nn
from torch.nn.modules import loss as torch_losses

from .. import losses
from .._fields import CriterionFactory, OptimizerFactory
from .._names import by_name, catalogue
from ..augmentation.transform import Augmentation, MixedTarget, augment
from ..blocks import project_max_norm
from .batches import TrialBatches, Trials, TrialSplit
from .pickling import dump_net
from .progress import EpochLines, ProgressBar
from .recall import Recall, recall
from .run import Run
from .scores import EpochScores, Score, accuracy, r2

_CRITERIA = catalogue(torch_losses, torch_losses._Loss, suffix="Loss") | catalogue(
    losses, nn.Module, suffix="Loss"
)
_OPTIMIZERS = catalogue(torch.optim, torch.optim.Optimizer)

# What one callback may do in place of the net.
_STEP_HOOKS = ("compute_gradients", "autocast", "differentiate")


class StopTraining(Exception):  # noqa: N818
    """A callback has asked to stop training."""


class TrialNet(NeuralNet):
    """What eegsk adds to a skorch net: batches of one tensor, trial weights, max-norm.

    A batch is ``({"x": trials, "weight": weights}, targets)``, so that callbacks of skorch find
    inputs and targets where they expect them.

    Callbacks may have hooks that skorch does not know: ``compute_gradients(net, batch)`` in place
    of the net's own, ``autocast(net)``, a context for the outputs of training,
    ``differentiate(net, loss)`` in place of ``loss.backward()``, and
    ``on_epoch_trained(net, dataset_train)`` between the training of an epoch and its validation.
    What a callback returns as its ``state_dict()`` is part of a snapshot.

    Four more are called when all callbacks are done with skorch's:
    ``after_train_begin(net, trials, run, n_epochs)``, which may go on from an earlier epoch;
    ``after_epoch_end(net, stopped)``, when a callback has stopped training, too;
    ``when_all_is_compared(net, stopped)``, when all are done with that;
    ``after_train(net)``, whatever ended it.
    """

    score_: Score
    augmentation_: Sequence[Augmentation] = ()
    _recall: Recall | None = None
    _unfinished: int | None = None  # the epoch that has begun and not ended, counted from 0

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
        """Take the module over; only the trained one is kept, so that pickles hold it once."""
        super().initialize_module()
        self.module = type(self.module_)
        return self

    def get_dataset(self, X: Any, y: Any = None) -> Trials:
        """Return trials; an array of them, as is given to ``net.predict``, is put on the device."""
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
        """Return the split as it was made before training."""
        return X.train, X.valid

    def check_data(self, X: Any, y: Any = None) -> None:
        """Leave the data as they are; the estimator has checked them."""

    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        classes: Any = None,
        epochs: int | None = None,
        run: Run | None = None,
        **fit_params: Any,
    ) -> TrialNet:
        """Train until the epochs are over or a callback stops it.

        Unlike in skorch, Ctrl-C is not taken for a callback's stop: it ends whatever is running,
        a grid search for one, and leaves the net as it was trained until then.
        """
        if not self.initialized_:
            self.initialize()
        epochs = self.max_epochs if epochs is None else epochs
        run = run or Run(type(self).__name__, self.get_params, 0, partial=True)
        before = len(self.history)
        try:
            with suppress(StopTraining):
                self.notify("on_train_begin", X=X, y=y)
                self._check_hooks()
                self._notify_those_with("after_train_begin", trials=X, run=run, n_epochs=epochs)
                resumed = len(self.history) - before
                with self._recalling(X.train):
                    self.fit_loop(X, y, epochs=epochs - resumed, **fit_params)
            self.notify("on_train_end", X=X, y=y)
        finally:
            self._forget_unfinished()
            self._notify_those_with("after_train")
        return self

    @contextmanager
    def _recalling(self, trials: Trials) -> Iterator[None]:
        """Keep what the front end needs of the training trials in each epoch."""
        self._recall = None if self.augmentation_ else recall(self.module_, trials)
        try:
            yield
        finally:
            self._recall = None

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        """Call the callbacks; what skorch's raise to stop training becomes StopTraining."""
        stop = None
        if method_name == "on_epoch_begin":
            self._unfinished = len(self.history)
        try:
            super().notify(method_name, **cb_kwargs)
        except KeyboardInterrupt as interrupt:
            if not _was_raised(interrupt):
                raise
            stop = interrupt
        if method_name == "on_epoch_end":
            self._unfinished = None
            self._notify_those_with("after_epoch_end", stopped=stop is not None)
            self._notify_those_with("when_all_is_compared", stopped=stop is not None)
        if stop is not None:
            raise StopTraining from stop

    def _forget_unfinished(self) -> None:
        """Take an epoch that was cut short out of the history, whose values have not been read."""
        if self._unfinished is not None:
            del self.history[self._unfinished :]
            self._unfinished = None

    def _check_hooks(self) -> None:
        """See that no two callbacks would do the same part of a step."""
        for hook in _STEP_HOOKS:
            names = [name for name, callback in self.callbacks_ if hasattr(callback, hook)]
            if len(names) > 1:
                raise ValueError(
                    f"Callbacks {names[0]!r} and {names[1]!r} both have {hook}(), of which a step "
                    "takes one; leave one of them out."
                )

    def _notify_those_with(self, method_name: str, **kwargs: Any) -> None:
        """Call the callbacks that have a hook that skorch does not know."""
        for _, callback in self.callbacks_:
            if hasattr(callback, method_name):
                getattr(callback, method_name)(self, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state that skorch's ``__setstate__`` loads, on machines without a GPU too."""
        attributes = dict(vars(self))
        state = {name: attributes.pop(name) for name in ("device", "torch_load_kwargs")}
        return {**state, "__cuda_dependent_attributes__": dump_net(attributes)}

    def snapshot(self) -> tuple[dict[str, Any], int]:
        """Return the states of module, optimizer and callbacks, and the length of the history."""
        states = {name: part.state_dict() for name, part in self._stateful().items()}
        return copy.deepcopy(states), len(self.history)

    def restore(self, snapshot: tuple[dict[str, Any], int]) -> None:
        """Go back to a snapshot."""
        states, n_epochs = snapshot
        for name, part in self._stateful().items():
            part.load_state_dict(states[name])
        del self.history[n_epochs:]

    def _stateful(self) -> dict[str, Any]:
        """Return what has a state, by name."""
        callbacks = {f"callbacks__{name}": callback for name, callback in self.callbacks_}
        found = {name: item for name, item in callbacks.items() if hasattr(item, "state_dict")}
        return {"module": self.module_, "optimizer": self.optimizer_, **found}

    def _hook(self, name: str, default: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method of that name of the callback that has one, else the default."""
        found = [getattr(item, name) for _, item in self.callbacks_ if hasattr(item, name)]
        return found[0] if found else default

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Go through the batches; a loss that is not finite is no reason to go on.

        Unlike in skorch, the host waits for the losses once an epoch, not after each batch; until
        then those in the history are tensors.
        """
        if iterator is None:
            return
        for batch in iterator:
            self.notify("on_batch_begin", batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            self.history.record_batch(f"{prefix}_loss", step["loss"].detach())
            self.history.record_batch(f"{prefix}_batch_size", len(batch[1]))
            self.notify("on_batch_end", batch=batch, training=training, **step)
            del batch, step  # before the next batch is made
        self.history.record(f"{prefix}_batch_count", len(iterator))
        self._read_losses(f"{prefix}_loss")
        if training and not self._is_finite():
            raise ValueError(
                f"Training diverged in epoch {len(self.history)}: loss or weights are not finite; "
                f"lower the learning rate, lr={self.lr}."
            )
        if training:
            self._notify_those_with("on_epoch_trained", dataset_train=iterator.dataset)

    def _read_losses(self, column: str) -> None:
        """Put numbers in the place of the tensors that the last epoch's losses are."""
        epoch: Any = self.history[-1]
        rows = [row for row in epoch["batches"] if column in row]
        values = torch.stack([row[column] for row in rows]).tolist()
        for row, value in zip(rows, values, strict=True):
            row[column] = value

    def _is_finite(self) -> bool:
        """Tell whether the last training loss and all weights are numbers."""
        last: Any = self.history[-1, "batches", -1, "train_loss"]
        weights = [parameter.detach().flatten() for parameter in self.module_.parameters()]
        return math.isfinite(last) and bool(torch.cat(weights).isfinite().all())

    def train_step(self, batch: Any, **fit_params: Any) -> Any:
        """Step, then put weights with a max-norm back within it."""
        step = super().train_step(self._augmented(batch), **fit_params)
        project_max_norm(self.module_)
        return step

    def _augmented(self, batch: Any) -> Any:
        """Augment standardised trials, so that their unit makes no difference."""
        if not self.augmentation_:
            return batch
        inputs, y = batch
        X = self.module_.get_submodule("standardize")(inputs["x"])
        X, y = augment(self.augmentation_, X, y)
        return {"x": X, "weight": inputs["weight"], "standardized": True}, y

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Compute the loss of a batch and its gradients, as a callback does if it has its way."""
        return self._hook("compute_gradients", type(self).compute_gradients)(self, batch)

    def compute_gradients(self, batch: Any) -> dict[str, Any]:
        """Compute the loss of a batch and its gradients."""
        self._set_training(True)
        inputs, target = batch
        with self._hook("autocast", nullcontext)(self):
            output = self.infer(inputs)
        output = output.float() if output.dtype.itemsize < 4 else output
        loss = self.get_loss(output, target, X=inputs, training=True)
        self._hook("differentiate", _differentiate)(self, loss)
        return {"loss": loss, "y_pred": output}

    def infer(self, x: dict[str, Any], **fit_params: Any) -> torch.Tensor:
        """Send the trials of a batch through the module."""
        if "standardized" in x:
            return self.module_.get_submodule("network")(x["x"])
        return self.module_(x["x"]) if self._recall is None else self._recall.apply(x)

    def get_loss(
        self, y_pred: torch.Tensor, y_true: Any, X: Any = None, training: bool = False
    ) -> torch.Tensor:
        """Average the loss over the batch, each trial with its weight."""
        weight = X["weight"]
        if isinstance(y_true, MixedTarget):
            y_pred, y_true, weight = y_true.unmixed(y_pred, weight)
        loss = self.criterion_(y_pred, y_true)
        weight = weight.to(loss.dtype)
        if loss.dim() == 0:
            if not torch.equal(weight, torch.ones_like(weight)):
                raise ValueError(
                    f"{type(self.criterion_).__name__} returns one loss for the whole batch, so "
                    "sample_weight and class_weight cannot act, nor Mixup; it should take "
                    "reduction='none'."
                )
            return loss
        return (loss.flatten(1).mean(1) * weight if loss.dim() > 1 else loss * weight).mean()


class ClassifierNet(TrialNet, NeuralNetClassifier):
    """The net of a classifier; its module returns logits."""

    score_ = staticmethod(accuracy)


class RegressorNet(TrialNet, NeuralNetRegressor):
    """The net of a regressor; its module returns standardised targets."""

    score_ = staticmethod(r2)


def make_net(
    net_class: type[TrialNet],
    module: nn.Module,
    criterion: CriterionFactory,
    optimizer: OptimizerFactory,
    weight_decay: float,
    **params: Any,
) -> TrialNet:
    """Make a net that is ready to train.

    Parameters
    ----------
    net_class : type
        ClassifierNet or RegressorNet.
    module : torch.nn.Module
        What to train.
    criterion, optimizer : str or callable
        The name of a torch loss or optimizer, its class, or a partial of it.
    weight_decay : float
        What the optimizer is given.
    **params : dict
        Parameters of the skorch net.

    Returns
    -------
    net : skorch.NeuralNet
        The initialised net.
    """
    criterion = by_name("criterion", criterion, _CRITERIA)
    optimizer = by_name("optimizer", optimizer, _OPTIMIZERS)
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


def _differentiate(net: TrialNet, loss: torch.Tensor) -> None:
    loss.backward()


def _accepts(factory: Any, parameter: str) -> bool:
    return parameter in inspect.signature(factory).parameters


def _can_fuse(optimizer: Any, module: nn.Module, params: dict[str, Any]) -> bool:
    """Tell whether the optimizer can take its steps as one operation, if nothing else is said."""
    others = {"optimizer__fused", "optimizer__foreach", "optimizer__differentiable"}
    devices = {parameter.device.type for parameter in module.parameters()}
    plain = isinstance(optimizer, type) and _accepts(optimizer, "fused")
    return plain and devices <= {"cpu", "cuda"} and not others & set(params)


def _was_raised(interrupt: KeyboardInterrupt) -> bool:
    """Tell a callback's ``raise KeyboardInterrupt`` from Ctrl-C, which comes at any instruction."""
    trace = interrupt.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    code = trace.tb_frame.f_code.co_code
    return dis.opname[code[trace.tb_lasti]] == "RAISE_VARARGS"
