"""Further metrics in the history."""

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
from ..training.net import ClassifierNet
from ..training.scores import EpochScores
from ._technique import Technique, has_validation

_Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], Any]

# What the net and its scores record with a prefix.
_TAKEN = {"loss", "loss_best", "score", "batch_size", "batch_count"}


class EpochMetric(Technique, EpochScores):
    """Record a metric of each epoch in the history.

    It is computed of the outputs that training and validation compute anyway. List it before
    callbacks that watch its column, such as
    ``EarlyStopping(monitor="valid_balanced_accuracy")``.

    Parameters
    ----------
    metric : str or callable, default="balanced_accuracy"
        For classifiers ``"balanced_accuracy"``, the mean recall of the classes that are there, or
        ``"roc_auc"``, the area under the curve (of more than two classes, the mean of each against
        the rest); for regressors ``"nrmse"`` or ``"nrmse_by_output"``, the mean of
        :func:`eegsk.metrics.nrmse` over targets or one for each. A function is called as
        ``metric(y_true, y_pred)``, and with ``sample_weight`` if it has such a parameter: classes
        are given as indices of ``classes_``, targets standardised. It returns a number, or a list
        of them.
    name : str or None, default=None
        The columns are ``valid_name`` and ``train_name``, of a list ``valid_name_0`` and so on;
        None for the name of the metric.
    on_train : bool, default=False
        Whether to record it of the training side too, as of the outputs on which the network was
        trained, dropout and augmentation included.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import EarlyStopping, EpochMetric
    >>> watch = EarlyStopping(monitor="valid_roc_auc")
    >>> estimator = EEGNetClassifier(
    ...     callbacks=[EpochMetric("roc_auc"), watch], valid_split=0.25, max_epochs=2
    ... )
    >>> X, y = np.random.default_rng(0).standard_normal((24, 3, 128)), ["left", "right"] * 12
    >>> len(estimator.fit(X, y).history_[:, "valid_roc_auc"])
    2
    """

    metric: str | Callable[..., Any] = "balanced_accuracy"
    name: str | None = None
    on_train: bool = False

    def on_train_begin(self, net: Any, X: Any = None, **kwargs: Any) -> None:
        """Look the metric up, and see that there is something to record and a column for it.

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
        TypeError, ValueError
            If a parameter is wrong, or there are no trials to validate on.
        """
        super().on_train_begin(net)
        if not (has_validation(X) or self.on_train):
            raise ValueError(
                "EpochMetric: there are no trials to validate on; give the estimator a "
                "valid_split, such as valid_split=0.2, or set on_train=True."
            )
        self.name_ = self._choose_name()
        others = [other for _, other in net.callbacks_ if isinstance(other, EpochMetric)]
        taken = {getattr(other, "name_", None) for other in others if other is not self}
        if self.name_ in _TAKEN | taken:
            raise ValueError(
                f"EpochMetric: the history has a {self.name_!r} of its own already; give another "
                "name, as name=..."
            )
        self.compute_ = self._find(isinstance(net, ClassifierNet))

    def _choose_name(self) -> str:
        name = self.name or getattr(self.metric, "__name__", self.metric)
        if not isinstance(name, str):
            raise ValueError(f"EpochMetric: {self.metric!r} has no name; give one, as name=...")
        return name

    def _find(self, is_classifier: bool) -> _Metric:
        """Return what computes the metric of outputs, targets and weights."""
        if callable(self.metric):
            return functools.partial(_call, self.metric, self.name_, is_classifier)
        known = _OF_CLASSIFIERS if is_classifier else _OF_REGRESSORS
        if self.metric not in known:
            task = "classifier" if is_classifier else "regressor"
            raise ValueError(
                f"EpochMetric: metric={self.metric!r} is none of a {task}'s, {', '.join(known)}; "
                "choose from these, or give a function."
            )
        return known[self.metric]

    def record(
        self,
        net: Any,
        prefix: str,
        output: torch.Tensor,
        target: torch.Tensor,
        weight: torch.Tensor,
    ) -> None:
        """Record the metric of one side."""
        if prefix == "train" and not self.on_train:
            return
        arrays = [tensor.cpu().double().numpy() for tensor in (output, target, weight)]
        values = _numbers(self.name_, self.compute_(*arrays))
        column = f"{prefix}_{self.name_}"
        for place in np.ndindex(values.shape):
            net.history.record("_".join([column, *map(str, place)]), values[place].item())


def _numbers(name: str, found: Any) -> np.ndarray:
    """Return what a metric has computed, a number or a list of them."""
    is_array = isinstance(found, np.ndarray) and found.ndim > 0
    items = list(found) if is_array or isinstance(found, list | tuple) else [found]
    if not items or not all(map(_is_number, items)):
        raise ValueError(
            f"EpochMetric: {name} returned {short_repr(found)}; it should return a number, or a "
            "list of numbers."
        )
    return np.array(found, dtype=float)


def _is_number(item: Any) -> bool:
    return np.ndim(item) == 0 and np.asarray(item).dtype.kind in "biuf"


def _decide(
    output: np.ndarray, target: np.ndarray, is_classifier: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and predictions as functions of scikit-learn take them."""
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
    """Call the user's function."""
    y_true, y_pred = _decide(output, target, is_classifier)
    if "sample_weight" in inspect.signature(metric).parameters:
        return metric(y_true, y_pred, sample_weight=weight)
    if np.ptp(weight) > 0:
        raise ValueError(
            f"EpochMetric: {name} takes no sample_weight, but trials are weighted; give a function "
            "that takes it."
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
            f"EpochMetric: roc_auc takes trials of every class, but there are none of class "
            f"{missing[0]}; set more trials aside, or watch balanced_accuracy."
        )
    if n_classes == 2:
        return roc_auc_score(target, output[:, 1] - output[:, 0], sample_weight=weight)
    proba = softmax(output, axis=1)
    return roc_auc_score(target, proba, sample_weight=weight, multi_class="ovr")


def _nrmse(output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    return nrmse(target, output, sample_weight=weight)


def _nrmse_by_output(output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return nrmse(target, output, sample_weight=weight, multioutput="raw_values")


_OF_CLASSIFIERS: dict[str, Callable[..., Any]] = {
    "balanced_accuracy": _balanced_accuracy,
    "roc_auc": _roc_auc,
}
_OF_REGRESSORS: dict[str, Callable[..., Any]] = {
    "nrmse": _nrmse,
    "nrmse_by_output": _nrmse_by_output,
}
