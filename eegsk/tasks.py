"""Base classes of the two tasks: classification and regression."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted

from ._arguments import as_numbers, errors_named, names_errors
from ._fields import CriterionFactory
from ._targets import ClassTarget, ContinuousTarget, check_classes
from .base import EEGEstimator
from .loading import ClassifierWeightsMixin, RegressorWeightsMixin
from .losses import warn_about_balance
from .persistence import SavingMixin
from .signals import labels_of
from .training import ClassifierNet, RegressorNet, pretrained_classes


class Classifier(ClassifierMixin, ClassifierWeightsMixin, SavingMixin, EEGEstimator):
    """Base class of the classifiers.

    Parameters
    ----------
    criterion : str or callable, default="cross_entropy"
        Name of a torch loss of logits and class indices, its class, or a ``functools.partial`` of
        it.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes by label, e.g. ``{"left": 1, "right": 2}``, which multiply
        ``sample_weight``. ``"balanced"`` gives each class the same total weight.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The labels, sorted.
    """

    criterion: CriterionFactory = "cross_entropy"
    class_weight: dict[Any, float] | Literal["balanced"] | None = None

    _net_class: ClassVar = ClassifierNet
    _stratify: ClassVar = True

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None) -> Self:
        """Train a new network or, with ``warm_start=True``, continue to train the present one.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Trials in any unit; of shape (n_trials, n_times) for one channel.
            :class:`~eegsk.recordings.LazyTrials` stay in their files.
        y : array-like of shape (n_trials,) or None, default=None
            Labels, e.g. strings or integers; None for the event names of Epochs.
        sample_weight : array-like of shape (n_trials,) or None, default=None
            Weights of the trials.
        groups : array-like of shape (n_trials,) or None, default=None
            Group of each trial, e.g. its subject, session or recording; ``valid_split`` keeps the
            trials of a group together.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError
            If a parameter has a value of the wrong type.
        ValueError
            If a parameter is out of range, or if trials, labels, weights or groups are invalid:
            not finite, of different lengths, too short for the network, or of one class only.
        """
        return self._fit(X, y, sample_weight, groups)

    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        classes: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> Self:
        """Train the present network, or a new one, for one epoch.

        Standardisation is learned from the trials of the first call. Later calls use the
        parameters of the first call, except for ``lr`` and ``batch_size``. ``valid_split`` splits
        the trials of each call.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Trials.
        y : array-like of shape (n_trials,) or None, default=None
            Labels; None for the event names of Epochs.
        classes : array-like of shape (n_classes,) or None, default=None
            All labels; required in the first call.
        sample_weight : array-like of shape (n_trials,) or None, default=None
            Weights of the trials.
        groups : array-like of shape (n_trials,) or None, default=None
            Group of each trial, e.g. its subject, session or recording; ``valid_split`` keeps the
            trials of a group together.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            As in ``fit``. ValueError also if ``classes`` is missing in the first call, or if
            ``class_weight="balanced"``.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                f"{type(self).__name__}: class_weight='balanced' needs all trials at once; for "
                "partial_fit, use a dictionary of weights."
            )
        classes = self._read_classes(classes)
        return self._fit(X, y, sample_weight, groups, partial=True, classes=classes)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the label of each trial.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Trials with the same channels, length and unit as the trials of ``fit``.

        Returns
        -------
        y : array of shape (n_trials,)
            The most probable labels.
        """
        logits = self._output(X)
        return self.classes_[logits.argmax(axis=1)]

    def decision_function(self, X: Any) -> np.ndarray:
        """Compute the logits of each trial.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Trials with the same channels, length and unit as the trials of ``fit``.

        Returns
        -------
        logits : array of shape (n_trials, n_classes), or (n_trials,) for two classes
            Logits in the order of ``classes_``; for two classes, the second logit minus the first.
        """
        logits = self._output(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the logarithm of the class probabilities of each trial.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Trials with the same channels, length and unit as the trials of ``fit``.

        Returns
        -------
        log_proba : array of shape (n_trials, n_classes)
            Logarithms of the probabilities, in the order of ``classes_``.
        """
        return torch.log_softmax(torch.from_numpy(self._output(X)), dim=1).numpy()

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the class probabilities of each trial.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Trials with the same channels, length and unit as the trials of ``fit``.

        Returns
        -------
        proba : array of shape (n_trials, n_classes)
            Probabilities, in the order of ``classes_``.
        """
        return torch.softmax(torch.from_numpy(self._output(X)), dim=1).numpy()

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the accuracy.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Trials with the same channels, length and unit as the trials of ``fit``.
        y : array-like of shape (n_trials,) or None, default=None
            Labels; None for the event names of Epochs.
        sample_weight : array-like of shape (n_trials,) or None, default=None
            Weights of the trials.

        Returns
        -------
        score : float
            Fraction of trials with the correct label, weighted by ``sample_weight``.

        Raises
        ------
        ValueError
            If the labels are numbers and those of ``fit`` are names, or the other way round.
        """
        check_is_fitted(self)
        with errors_named(type(self).__name__):
            y = self._read_target(X, y)
            self._target.check_kind(y)
            return super().score(X, y, sample_weight)

    def _task_params(self) -> dict[str, Any]:
        return {"classes": np.arange(len(self.classes_))}

    @names_errors
    def _read_classes(self, classes: Any) -> np.ndarray | None:
        """Validate the argument ``classes`` of ``partial_fit``."""
        is_first = not hasattr(self, "net_")
        if classes is None and is_first:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is None:
            return None
        labels = np.unique(ClassTarget.read(classes, "classes"))
        if not is_first and not np.array_equal(labels, self.classes_):
            raise ValueError(f"classes differ from those of the first call, {self.classes_}.")
        return labels

    def _read_target(self, X: Any, y: Any) -> np.ndarray:
        return ClassTarget.read(self._required(labels_of(X) if y is None else y))

    def _learn_target(
        self, y: np.ndarray, weight: np.ndarray, train: np.ndarray, classes: Any = None
    ) -> ClassTarget:
        if classes is None:
            check_classes(y[weight > 0], y[train])
            classes = pretrained_classes(self._source, np.unique(y))
        self.classes_ = classes
        return ClassTarget(self.classes_)

    def _weigh(self, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        if isinstance(self.class_weight, dict):
            if (as_numbers("class_weight", list(self.class_weight.values())) < 0).any():
                raise ValueError(
                    "class_weight has negative values; weights should be zero or positive."
                )
            weight = weight * compute_sample_weight(self.class_weight, y)
        elif self.class_weight == "balanced":
            labels, codes = np.unique(y, return_inverse=True)
            totals = np.bincount(codes, weights=weight, minlength=len(labels))
            weight = weight / np.where(totals > 0, totals, 1.0)[codes]
        else:
            warn_about_balance(type(self).__name__, self.criterion, y, weight)
        if not weight.any():
            raise ValueError(
                "class_weight is zero for every trial; at least one should be positive."
            )
        return weight


class Regressor(RegressorMixin, RegressorWeightsMixin, SavingMixin, EEGEstimator):
    """Base class of the regressors, for one or several continuous targets.

    Parameters
    ----------
    criterion : str or callable, default="mse"
        Name of a torch loss of predictions and targets, its class, or a ``functools.partial`` of
        it.
    standardize_target : bool, default=True
        Whether the network is trained on standardised targets, so that their unit makes no
        difference. Predictions are always in the unit of ``y``.
    """

    criterion: CriterionFactory = "mse"
    standardize_target: bool = True

    _net_class: ClassVar = RegressorNet
    _stratify: ClassVar = False

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None) -> Self:
        """Train a new network or, with ``warm_start=True``, continue to train the present one.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Trials in any unit; of shape (n_trials, n_times) for one channel.
            :class:`~eegsk.recordings.LazyTrials` stay in their files.
        y : array-like of shape (n_trials,) or (n_trials, n_outputs)
            Targets in any unit.
        sample_weight : array-like of shape (n_trials,) or None, default=None
            Weights of the trials.
        groups : array-like of shape (n_trials,) or None, default=None
            Group of each trial, e.g. its subject, session or recording; ``valid_split`` keeps the
            trials of a group together.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError
            If a parameter has a value of the wrong type.
        ValueError
            If a parameter is out of range, or if trials, targets, weights or groups are invalid:
            not finite, of different lengths, or too short for the network.
        """
        return self._fit(X, y, sample_weight, groups)

    def partial_fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None
    ) -> Self:
        """Train the present network, or a new one, for one epoch.

        Standardisation of trials and targets is learned in the first call. Later calls use the
        parameters of the first call, except for ``lr`` and ``batch_size``. ``valid_split`` splits
        the trials of each call.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Trials.
        y : array-like of shape (n_trials,) or (n_trials, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_trials,) or None, default=None
            Weights of the trials.
        groups : array-like of shape (n_trials,) or None, default=None
            Group of each trial, e.g. its subject, session or recording; ``valid_split`` keeps the
            trials of a group together.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            As in ``fit``.
        """
        return self._fit(X, y, sample_weight, groups, partial=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the targets of each trial.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Trials with the same channels, length and unit as the trials of ``fit``.

        Returns
        -------
        y : array of shape (n_trials,) or (n_trials, n_outputs)
            Predictions in the unit and shape of the targets of ``fit``.
        """
        output = self._output(X)
        return self._target.decode(output)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination, averaged over targets.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Trials with the same channels, length and unit as the trials of ``fit``.
        y : array-like of shape (n_trials,) or (n_trials, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_trials,) or None, default=None
            Weights of the trials.

        Returns
        -------
        score : float
            1 for perfect predictions, 0 for predictions equal to the mean of ``y``.
        """
        check_is_fitted(self)
        with errors_named(type(self).__name__):
            return super().score(X, self._read_target(X, y), sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _read_target(self, X: Any, y: Any) -> np.ndarray:
        return ContinuousTarget.read(self._required(y))

    def _learn_target(
        self, y: np.ndarray, weight: np.ndarray, train: np.ndarray
    ) -> ContinuousTarget:
        return ContinuousTarget.learn(y[train], weight[train], self.standardize_target)
