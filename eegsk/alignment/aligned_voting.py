"""Soft voting of classifiers that receive the domain of each trial."""

from __future__ import annotations

import os
from typing import Any, Self

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import VotingClassifier
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import Bunch, assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from .._fields import short_repr
from ..signals import labels_of
from .aligned_estimator import AlignedEstimator


class AlignedVotingClassifier(VotingClassifier):
    """Mean of the probabilities of classifiers that align trials differently.

    A ``VotingClassifier`` with soft voting whose ``fit``, ``predict`` and ``score`` pass the domain
    of each trial to every member as ``groups``. Members with different alignments or frequency
    bands make errors in different trials. Their mean is therefore often more accurate than that of
    networks that differ in the seed only.

    Parameters
    ----------
    estimators : list of (str, AlignedEstimator)
        Names and members, e.g. ``[("broad", AlignedEstimator(...)), ("mu", ...)]``.
    weights : array-like of shape (n_estimators,) or None, default=None
        Weights of the members; None for equal weights.
    n_jobs : int or None, default=None
        Number of members that are trained in parallel, as in ``VotingClassifier``.

    Attributes
    ----------
    estimators_ : list of AlignedEstimator
        The fitted members, whose classes are indices into ``classes_``.
    named_estimators_ : Bunch
        The fitted members by name.
    le_ : LabelEncoder
        Encoder of the labels.
    classes_ : array of shape (n_classes,)
        Labels of the classes.
    n_features_in_ : int
        Number of channels.

    See Also
    --------
    AlignedEstimator : Alignment followed by a classifier or regressor.
    sklearn.ensemble.VotingClassifier : Ensemble without groups, e.g. of seeds.

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.alignment import AlignedEstimator, AlignedVotingClassifier, EuclideanAlignment
    >>> from eegsk.datasets import make_motor_imagery
    >>> X, y, subjects = make_motor_imagery(n_subjects=3, n_chans=4, random_state=0)
    >>> network = EEGNetClassifier(max_epochs=2, random_state=0)
    >>> rhythms = EuclideanAlignment(band=(8, 30), sfreq=128)
    >>> classifier = AlignedVotingClassifier(
    ...     [
    ...         ("broad", AlignedEstimator(EuclideanAlignment(diagonal=True), network)),
    ...         ("rhythms", AlignedEstimator(rhythms, network)),
    ...     ]
    ... )
    >>> is_new = subjects == 3
    >>> fitted = classifier.fit(X[~is_new], y[~is_new], groups=subjects[~is_new])
    >>> fitted.predict(X[is_new], groups=subjects[is_new]).shape
    (80,)
    """

    classes_: Any
    estimators_: Any
    weights: Any

    def __init__(self, estimators: Any, *, weights: Any = None, n_jobs: int | None = None) -> None:
        super().__init__(estimators, voting="soft", weights=weights, n_jobs=n_jobs)

    @property
    def n_features_in_(self) -> int:
        """Number of channels."""
        if not hasattr(self, "estimators_"):
            raise AttributeError(f"{type(self).__name__} is not fitted; call fit first.")
        return self.estimators_[0].n_features_in_

    def fit(self, X: Any, y: Any = None, groups: Any = None, **fit_params: Any) -> Self:
        """Fit all members.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs or list of mne.Epochs
            Training trials.
        y : array-like of shape (n_trials,), default=None
            Labels; None for the event names of Epochs.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial, e.g. its subject; None if all trials are of one domain.
        **fit_params : dict
            Further parameters of ``fit`` of the members, e.g. ``sample_weight``.

        Returns
        -------
        self : object
            The fitted ensemble.

        Raises
        ------
        TypeError
            If a member is not an :class:`AlignedEstimator`, or has no probabilities.
        ValueError
            If names, weights or labels are invalid, or a pretrained member has other classes.
        """
        y = self._labels(X, y)
        self._validate_params()
        names, members = self._check_members()
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        encoder: Any = LabelEncoder().fit(y)
        codes = encoder.transform(y)
        fitted: Any = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit)(clone(member), X, codes, groups, fit_params) for member in members
        )
        named = dict(zip(names, fitted, strict=True))
        self._check_classes(named, len(encoder.classes_))
        self.le_, self.classes_ = encoder, encoder.classes_
        self.estimators_, self.named_estimators_ = fitted, Bunch(**named)
        return self

    def fit_transform(  # type: ignore[override]
        self, X: Any, y: Any = None, groups: Any = None, **fit_params: Any
    ) -> np.ndarray:
        """Fit all members, and return the probabilities of each.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs or list of mne.Epochs
            Training trials.
        y : array-like of shape (n_trials,), default=None
            Labels; None for the event names of Epochs.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial; None if all trials are of one domain.
        **fit_params : dict
            Further parameters of ``fit`` of the members, e.g. ``sample_weight``.

        Returns
        -------
        probabilities : array of shape (n_trials, n_estimators * n_classes)
            The return value of :meth:`transform` for the training trials.
        """
        return self.fit(X, y, groups, **fit_params).transform(X, groups)

    def predict(self, X: Any, groups: Any = None) -> np.ndarray:
        """Predict the labels of trials.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs or list of mne.Epochs
            Trials.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial; None if all trials are of one new domain.

        Returns
        -------
        y : array of shape (n_trials,)
            Labels with the highest mean probability.
        """
        probabilities = self.predict_proba(X, groups)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(  # type: ignore[override]
        self, X: Any, groups: Any = None
    ) -> np.ndarray:
        """Average the probabilities of all members.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs or list of mne.Epochs
            Trials.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial; None if all trials are of one new domain.

        Returns
        -------
        probabilities : array of shape (n_trials, n_classes)
            Weighted mean of the probabilities, in the order of ``classes_``.
        """
        check_is_fitted(self)
        return np.average(self._collect_probas(X, groups), axis=0, weights=self.weights)

    def score(self, X: Any, y: Any = None, groups: Any = None, sample_weight: Any = None) -> float:
        """Return the accuracy.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs or list of mne.Epochs
            Trials.
        y : array-like of shape (n_trials,), default=None
            Labels; None for the event names of Epochs.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial; None if all trials are of one new domain.
        sample_weight : array-like of shape (n_trials,) or None, default=None
            Weights of the trials.

        Returns
        -------
        score : float
            Accuracy.
        """
        y = self._labels(X, y)
        return float(accuracy_score(y, self.predict(X, groups), sample_weight=sample_weight))

    def transform(self, X: Any, groups: Any = None) -> np.ndarray:
        """Return the probabilities of each member, e.g. to study how they differ.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs or list of mne.Epochs
            Trials.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial; None if all trials are of one new domain.

        Returns
        -------
        probabilities : array of shape (n_trials, n_estimators * n_classes)
            Probabilities of the first member, then of the second, etc.
        """
        check_is_fitted(self)
        return np.concatenate([*self._collect_probas(X, groups)], axis=1)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the fitted ensemble to a file, which :func:`eegsk.load` reads without running code.

        The file contains the parameters and the weights of all networks, and the mean covariances
        of the aligners. It contains no trials. An existing file is replaced as a whole.

        Parameters
        ----------
        path : str or path-like
            The file, e.g. ``"model.eegsk"``, in an existing folder.

        Raises
        ------
        NotFittedError
            If the ensemble is not fitted.
        TypeError
            If a member has another estimator than those of eegsk, or a parameter cannot be stored
            without code.
        ValueError
            If the names, the weights or the parameters of a fitted network were changed after
            ``fit``.
        OSError
            If the file cannot be written, e.g. because there is no such folder.
        """
        check_is_fitted(self)
        self.estimators_[0]._network(f"{type(self).__name__}.save")._save_as(path, self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def get_metadata_routing(self) -> Any:
        """Return the metadata that the methods request, e.g. after ``set_fit_request``.

        Returns
        -------
        routing : MetadataRequest
            The request of each method.
        """
        return BaseEstimator.get_metadata_routing(self)  # all members receive the same groups

    def _check_members(self) -> tuple[list[str], list[Any]]:
        """Return names and members; raise an error if they are invalid."""
        name = type(self).__name__
        names, members = self._validate_estimators()
        for key, member in zip(names, members, strict=True):
            if not isinstance(member, AlignedEstimator):
                raise TypeError(
                    f"{name}: member {key!r} is {short_repr(member)}; each member should be an "
                    "AlignedEstimator."
                )
            if not hasattr(member, "predict_proba"):
                raise TypeError(
                    f"{name}: {type(member.estimator).__name__}, the estimator of member {key!r}, "
                    "has no predict_proba; use a classifier with probabilities, e.g. a "
                    "VotingClassifier with voting='soft'."
                )
        if self.weights is not None:
            self._check_weights(len(members))
        return list(names), list(members)

    def _check_weights(self, n_members: int) -> None:
        weights = np.asarray(self.weights)
        is_valid = weights.shape == (n_members,) and weights.dtype.kind in "buif"
        if not (is_valid and np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
            raise ValueError(
                f"{type(self).__name__}: weights={short_repr(self.weights)} should be {n_members} "
                "numbers of at least 0, one for each member, and one of them above 0."
            )

    def _check_classes(self, named: dict[str, Any], n_classes: int) -> None:
        """Check that the members have the classes of the labels, and no classes of pretraining."""
        for name, member in named.items():
            if not np.array_equal(member.classes_, np.arange(n_classes)):
                raise ValueError(
                    f"{type(self).__name__}: member {name!r} has {len(member.classes_)} classes, "
                    f"but the labels have {n_classes}; if it is pretrained, pretrain it with the "
                    "same classes."
                )

    def _labels(self, X: Any, y: Any) -> Any:
        """Return the labels, or those that the trials contain."""
        y = labels_of(X) if y is None else y
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None; pass "
                "the labels of the trials."
            )
        return y

    def _collect_probas(self, X: Any, groups: Any = None) -> np.ndarray:
        return np.stack([member.predict_proba(X, groups=groups) for member in self.estimators_])


def _fit(member: Any, X: Any, y: np.ndarray, groups: Any, fit_params: dict[str, Any]) -> Any:
    return member.fit(X, y, groups=groups, **fit_params)
