"""Alignment followed by a classifier or regressor, with the domain of each trial as ``groups``."""

from __future__ import annotations

import os
from copy import deepcopy
from typing import Any, Self

from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from ..signals import labels_of


def _estimator_has(name: str) -> Any:
    """Return a check that the fitted, or else the given, estimator has a method."""
    return lambda self: hasattr(getattr(self, "estimator_", self.estimator), name)


class AlignedEstimator(MetaEstimatorMixin, BaseEstimator):
    """Classifier or regressor of aligned trials.

    A pipeline of an aligner and an estimator whose ``fit``, ``predict`` and ``score`` receive the
    domain of each trial as ``groups``, without metadata routing.

    Parameters
    ----------
    aligner : transformer
        :class:`EuclideanAlignment` or :class:`RiemannianAlignment`.
    estimator : estimator
        Classifier or regressor, e.g. an EEGNet or a ``VotingClassifier`` of several.

    Attributes
    ----------
    aligner_ : transformer
        The fitted aligner.
    estimator_ : estimator
        The estimator, fitted to the aligned trials.
    classes_ : array of shape (n_classes,)
        Labels of the classes of a classifier.
    n_features_in_ : int
        Number of channels.

    See Also
    --------
    sklearn.pipeline.make_pipeline : The same for Epochs whose metadata has the domains.

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.alignment import AlignedEstimator, EuclideanAlignment
    >>> from eegsk.datasets import make_motor_imagery
    >>> X, y, subjects = make_motor_imagery(n_subjects=3, n_chans=4, random_state=0)
    >>> classifier = AlignedEstimator(
    ...     EuclideanAlignment(), EEGNetClassifier(max_epochs=2, random_state=0)
    ... )
    >>> is_new = subjects == 3
    >>> classifier.fit(X[~is_new], y[~is_new], groups=subjects[~is_new])
    AlignedEstimator(aligner=EuclideanAlignment(),
                     estimator=EEGNetClassifier(max_epochs=2, random_state=0))
    >>> classifier.predict(X[is_new], groups=subjects[is_new]).shape
    (80,)
    """

    def __init__(self, aligner: Any, estimator: Any) -> None:
        self.aligner = aligner
        self.estimator = estimator

    def fit(self, X: Any, y: Any = None, groups: Any = None, **fit_params: Any) -> Self:
        """Align the trials and fit the estimator.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs or list of mne.Epochs
            Training trials.
        y : array-like of shape (n_trials,) or (n_trials, n_outputs), default=None
            Labels or targets; None for the event names of Epochs.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial, e.g. its session; None if all trials are of one domain. It is also
            passed to ``fit`` of the estimator, if that has this parameter.
        **fit_params : dict
            Further parameters of ``fit`` of the estimator, e.g. ``sample_weight``.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        y = self._labels(X) if y is None else y
        self.aligner_: Any = clone(self.aligner)
        X = self.aligner_.fit_transform(X, groups=groups)
        if groups is not None and has_fit_parameter(self.estimator, "groups"):
            fit_params["groups"] = groups
        self.estimator_: Any = clone(self.estimator)
        self.estimator_.fit(X, y, **fit_params)
        if hasattr(self.estimator_, "classes_"):
            self.classes_ = self.estimator_.classes_
        self.n_features_in_ = self.aligner_.n_features_in_
        return self

    @available_if(_estimator_has("predict"))
    def predict(self, X: Any, groups: Any = None) -> Any:
        """Align the trials and predict their labels or targets.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs or list of mne.Epochs
            Trials.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial; None if all trials are of one new domain.

        Returns
        -------
        y : array of shape (n_trials,) or (n_trials, n_outputs)
            Predicted labels or targets.
        """
        X = self._transform(X, groups)
        return self.estimator_.predict(X)

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: Any, groups: Any = None) -> Any:
        """Align the trials and predict the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs or list of mne.Epochs
            Trials.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial; None if all trials are of one new domain.

        Returns
        -------
        probabilities : array of shape (n_trials, n_classes)
            Probabilities, in the order of ``classes_``.
        """
        X = self._transform(X, groups)
        return self.estimator_.predict_proba(X)

    @available_if(_estimator_has("score"))
    def score(self, X: Any, y: Any = None, groups: Any = None, **score_params: Any) -> float:
        """Align the trials and score the estimator.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs or list of mne.Epochs
            Trials.
        y : array-like of shape (n_trials,) or (n_trials, n_outputs), default=None
            Labels or targets; None for the event names of Epochs.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial; None if all trials are of one new domain.
        **score_params : dict
            Other parameters of ``score`` of the estimator, e.g. ``sample_weight``.

        Returns
        -------
        score : float
            Accuracy of a classifier, or coefficient of determination of a regressor.
        """
        y = self._labels(X) if y is None else y
        X = self._transform(X, groups)
        return self.estimator_.score(X, y, **score_params)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the fitted estimator to a file, which :func:`eegsk.load` reads without running code.

        The file contains the parameters and the weights of the estimator, and the mean covariances
        of the aligner. It contains no trials. An existing file is replaced as a whole.

        Parameters
        ----------
        path : str or path-like
            The file, e.g. ``"model.eegsk"``, in an existing folder.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If ``estimator`` is neither an estimator of eegsk nor a voting ensemble of them, e.g. a
            ``BaggingClassifier``, which can be saved with skops; or a parameter cannot be stored
            without code.
        ValueError
            If a parameter of the network was changed after ``fit``.
        OSError
            If the file cannot be written, e.g. because there is no such folder.
        """
        check_is_fitted(self)
        self._network("AlignedEstimator.save")._save_as(path, self)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = deepcopy(inner.classifier_tags)
        tags.regressor_tags = deepcopy(inner.regressor_tags)
        tags.target_tags = deepcopy(inner.target_tags)
        tags.input_tags = deepcopy(get_tags(self.aligner).input_tags)
        return tags

    def _network(self, owner: str) -> Any:
        """Return the network, or the first one of an ensemble; raise an error if it has none."""
        network = getattr(self.estimator_, "estimators_", [self.estimator_])[0]
        if not hasattr(network, "_save_as"):
            raise TypeError(
                f"{owner}: estimator={type(self.estimator_).__name__} is not an estimator of "
                "eegsk; save it with skops.io.dump, whose files contain no code either, or with "
                "joblib."
            )
        return network

    def _labels(self, X: Any) -> Any:
        """Return the labels that the trials contain, for a classifier."""
        return labels_of(X) if is_classifier(self) else None

    def _transform(self, X: Any, groups: Any) -> Any:
        check_is_fitted(self)
        return self.aligner_.transform(X, groups=groups)
