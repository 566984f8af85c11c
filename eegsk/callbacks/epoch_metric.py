"""Metrics in the history."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from sklearn.metrics import recall_score, roc_auc_score

from .._fields import short_repr
from ..metrics import nrmse
from ..training import TrainingCallback, has_validation
from ..training.net import ClassifierNet
from ..training.scores import EpochScores

_Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], Any]

# Columns that the net records, without their prefix.
_RESERVED = {"loss", "loss_best", "score", "batch_size", "batch_count"}


class EpochMetric(TrainingCallback, EpochScores):
    """Metric callback, which records a metric of each epoch in the history.

    The metric is computed from the outputs of training and validation, so that nothing is computed
    twice. List this callback before callbacks that monitor its column, e.g.
    ``EarlyStopping(monitor="valid_balanced_accuracy")``.

    Parameters
    ----------
    metric : str or callable, default="balanced_accuracy"
        For classifiers, ``"balanced_accuracy"``, the mean recall of the classes among the
        validation trials, or ``"roc_auc"``, the area under the curve (with more than two classes,
        the mean over classes of one against the rest). For regressors, ``"nrmse"``, the mean of
        :func:`eegsk.metrics.nrmse` over targets, or ``"nrmse_by_output"``, one value for each
        target. A function is called as ``metric(y_true, y_pred)``, with ``sample_weight`` if it
        has this parameter; classes are indices of ``classes_``, targets are standardised. It
        returns a number or a list of numbers.
    name : str or None, default=None
        Name of the columns: ``valid_name`` and ``train_name``, or ``valid_name_0``,
        ``valid_name_1``, ... if the metric returns a list. None for the name of the metric.
    on_train : bool, default=False
        Whether to record the training metric too. It is computed from the outputs of the training
        steps, i.e. with dropout and augmentation.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import EarlyStopping, EpochMetric
    >>> early_stopping = EarlyStopping(monitor="valid_roc_auc")
    >>> callbacks = [EpochMetric("roc_auc"), early_stopping]
    >>> estimator = EEGNetClassifier(callbacks=callbacks, valid_split=0.25, max_epochs=2)
    >>> X, y = np.random.default_rng(0).standard_normal((24, 3, 128)), ["left", "right"] * 12
    >>> len(estimator.fit(X, y).history_[:, "valid_roc_auc"])
    2
    """

    metric: str | Callable[..., Any] = "balanced_accuracy"
    name: str | None = None
    on_train: bool = False

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Look up the metric, and check that it can be computed and that its name is not used.

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
            If a parameter has a wrong value, or there is no validation.
        """
        super().on_train_begin(net)
        if not (has_validation(X) or self.on_train):
            raise ValueError(
                "EpochMetric: there are no validation trials; give the estimator a valid_split, "
                "e.g. valid_split=0.2, or set on_train=True."
            )
        self.name_ = self._choose_name()
        metrics = [item for _, item in net.callbacks_ if isinstance(item, EpochMetric)]
        used = {getattr(item, "name_", None) for item in metrics if item is not self}
        if self.name_ in _RESERVED | used:
            raise ValueError(
                f"EpochMetric: the history already has a column {self.name_!r}; set another name, "
                "e.g. name='my_metric'."
            )
        self.compute_ = self._look_up(isinstance(net, ClassifierNet))

    def _choose_name(self) -> str:
        name = self.name or getattr(self.metric, "__name__", self.metric)
        if not isinstance(name, str):
            raise ValueError(
                f"EpochMetric: {self.metric!r} has no name; set one, e.g. name='my_metric'."
            )
        return name

    def _look_up(self, is_classifier: bool) -> _Metric:
        """Return the function that computes the metric from outputs, targets and weights."""
        if callable(self.metric):
            return functools.partial(_call, self.metric, self.name_, is_classifier)
        metrics = _CLASSIFIER_METRICS if is_classifier else _REGRESSOR_METRICS
        if self.metric not in metrics:
            task = "classifier" if is_classifier else "regressor"
            raise ValueError(
                f"EpochMetric: metric={self.metric!r} should be one of {', '.join(metrics)} for a "
                f"{task}, or a function."
            )
        return metrics[self.metric]

    def record(
        self,
        net: Any,
        prefix: str,
        output: torch.Tensor,
        target: torch.Tensor,
        weight: torch.Tensor,
    ) -> None:
        """Record the training or the validation metric."""
        if prefix == "train" and not self.on_train:
            return
        arrays = [tensor.cpu().double().numpy() for tensor in (output, target, weight)]
        values = _numbers(self.name_, self.compute_(*arrays))
        column = f"{prefix}_{self.name_}"
        for index in np.ndindex(values.shape):
            net.history.record("_".join([column, *map(str, index)]), values[index].item())


def _numbers(name: str, value: Any) -> np.ndarray:
    """Convert the value of a metric, a number or a list of numbers, to an array."""
    is_array = isinstance(value, np.ndarray) and value.ndim > 0
    items = list(value) if is_array or isinstance(value, list | tuple) else [value]
    if not items or not all(map(_is_number, items)):
        raise ValueError(
            f"EpochMetric: {name} returned {short_repr(value)}; it should return a number, or a "
            "list of numbers."
        )
    return np.array(value, dtype=float)


def _is_number(item: Any) -> bool:
    return np.ndim(item) == 0 and np.asarray(item).dtype.kind in "biuf"


def _predictions(
    output: np.ndarray, target: np.ndarray, is_classifier: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and predictions in the form of ``sklearn.metrics``."""
    if is_classifier:
        return target.astype(int), output.argmax(1)
    return (target[:, 0], output[:, 0]) if target.shape[1] == 1 else (target, output)


def _call(
    metric: Callable[..., float],
    name: str,
    is_classifier: bool,
    output: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
) -> float:
    """Call the function that the user has passed as ``metric``."""
    y_true, y_pred = _predictions(output, target, is_classifier)
    if "sample_weight" in inspect.signature(metric).parameters:
        return metric(y_true, y_pred, sample_weight=weight)
    if np.ptp(weight) > 0:
        raise ValueError(
            f"EpochMetric: {name} has no parameter sample_weight, but the trials have weights; use "
            "a function with this parameter."
        )
    return metric(y_true, y_pred)


def _balanced_accuracy(output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    return recall_score(
        target, output.argmax(1), labels=np.unique(target), average="macro", sample_weight=weight
    )


def _roc_auc(output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    n_classes = output.shape[1]
    missing = np.setdiff1d(np.arange(n_classes), target)
    if len(missing):
        raise ValueError(
            f"EpochMetric: roc_auc needs trials of every class, but there is none of class "
            f"{missing[0]}; use more validation trials, or metric='balanced_accuracy'."
        )
    if n_classes == 2:
        return roc_auc_score(target, output[:, 1] - output[:, 0], sample_weight=weight)
    proba = softmax(output, axis=1)
    return roc_auc_score(target, proba, sample_weight=weight, multi_class="ovr")


def _nrmse(output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    return nrmse(target, output, sample_weight=weight)


def _nrmse_by_output(output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return nrmse(target, output, sample_weight=weight, multioutput="raw_values")


_CLASSIFIER_METRICS: dict[str, Callable[..., Any]] = {
    "balanced_accuracy": _balanced_accuracy,
    "roc_auc": _roc_auc,
}
_REGRESSOR_METRICS: dict[str, Callable[..., Any]] = {
    "nrmse": _nrmse,
    "nrmse_by_output": _nrmse_by_output,
}
