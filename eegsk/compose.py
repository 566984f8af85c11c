"""Transformer for estimators of trials in tools that accept two-dimensional data only."""

from __future__ import annotations

from typing import Any, Self

import mne
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ._arguments import names_errors

__all__ = ["TrialReshaper"]


class TrialReshaper(TransformerMixin, BaseEstimator):
    """Transformer that reshapes flattened trials to channels and time points.

    Some tools of scikit-learn and of imbalanced-learn accept two-dimensional data only, e.g.
    ``BaggingClassifier``. To train an estimator of trials with such a tool, flatten the trials,
    and make this transformer the first step of a pipeline with the estimator. It is the inverse of
    :class:`mne.decoding.Vectorizer`, but is not fitted to three-dimensional trials.

    Parameters
    ----------
    n_chans : int or None, default=None
        Number of channels; None if ``info`` is passed.
    n_times : int or None, default=None
        Number of time points; None to compute it from the number of columns. If there are more than
        ``n_chans * n_times`` columns, each of the others is an additional channel with the same
        value at all time points. ``RegressorChain`` and ``ClassifierChain`` add such columns, which
        contain the previous targets.
    info : mne.Info or None, default=None
        Description of the channels, e.g. ``epochs.info``. If it is passed, ``transform`` returns
        Epochs, so that the estimator knows sampling rate, names and positions of the channels.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns.

    See Also
    --------
    mne.decoding.Vectorizer : Flatten trials.
    eegsk.display.ImportanceDisplay : Permutation importance of channels and frequency bands.

    Notes
    -----
    A column is one sample, e.g. the third time point of the second channel. Tools that leave out
    columns, e.g. ``BaggingClassifier(max_features=0.5)`` or ``SequentialFeatureSelector``, cannot
    be used. Set ``n_times`` to get an error in such a case; without it, there is no error if the
    number of columns is a multiple of the number of channels.

    Examples
    --------
    >>> import numpy as np
    >>> from mne.decoding import Vectorizer
    >>> from sklearn.ensemble import BaggingClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.compose import TrialReshaper
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((20, 4, 128)), ["left", "right"] * 10
    >>> classifier = EEGNetClassifier(max_epochs=1, random_state=0)
    >>> network = make_pipeline(TrialReshaper(n_chans=4), classifier)
    >>> bagging = BaggingClassifier(network, n_estimators=2, random_state=0)
    >>> make_pipeline(Vectorizer(), bagging).fit(X, y).predict_proba(X).shape
    (20, 2)
    """

    n_features_in_: int

    def __init__(
        self,
        n_chans: int | None = None,
        n_times: int | None = None,
        info: mne.Info | None = None,
    ) -> None:
        self.n_chans = n_chans
        self.n_times = n_times
        self.info = info

    @names_errors
    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the number of columns.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_columns)
            Flattened trials.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        self._check(X, reset=True)
        self._count()
        return self

    @names_errors
    def transform(self, X: Any) -> np.ndarray | mne.EpochsArray:
        """Reshape flattened trials.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_columns)
            Flattened trials.

        Returns
        -------
        trials : array of shape (n_trials, n_chans, n_times), or mne.EpochsArray
            The trials; Epochs if ``info`` was passed. An array shares memory with ``X`` if there
            are no additional channels.
        """
        check_is_fitted(self)
        X = self._check(X, reset=False)
        n_chans, n_times = self._count()
        samples, additional = np.split(X, [n_chans * n_times], axis=1)
        trials = samples.reshape(len(X), n_chans, n_times)
        if additional.shape[1]:
            constant = np.repeat(additional[:, :, None], n_times, axis=2)
            trials = np.concatenate([trials, constant], axis=1)
        if self.info is None:
            return trials
        return mne.EpochsArray(trials, self.info, proj=False, verbose="error")

    @names_errors
    def inverse_transform(self, X: Any) -> np.ndarray:
        """Flatten trials.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times) or mne.Epochs
            Trials from :meth:`transform`.

        Returns
        -------
        columns : array of shape (n_trials, n_columns)
            Flattened trials.
        """
        check_is_fitted(self)
        if isinstance(X, mne.BaseEpochs):
            X = X.get_data(copy=False, verbose="error")
        X = np.asarray(X)
        n_chans, n_times = self._count()
        samples = X[:, :n_chans].reshape(len(X), n_chans * n_times)
        return np.concatenate([samples, X[:, n_chans:, 0]], axis=1)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # the estimator of trials checks the values
        return tags

    def _check(self, X: Any, reset: bool) -> np.ndarray:
        """Check the shape and the type of flattened trials."""
        dtypes = [np.float64, np.float32]
        checked: Any = validate_data(self, X, reset=reset, dtype=dtypes, ensure_all_finite=False)
        return checked

    def _count(self) -> tuple[int, int]:
        """Return the number of channels and of time points, without additional channels."""
        n_chans, n_columns = self._count_chans(), self.n_features_in_
        n_times = n_columns // n_chans if self.n_times is None else _check_count(self, "n_times")
        n_additional = n_columns - n_chans * n_times
        if n_times == 0 or n_additional < 0 or (n_additional > 0 and self.n_times is None):
            times = "" if self.n_times is None else f" of {n_times} time points"
            raise ValueError(
                f"TrialReshaper: X has {n_columns} columns, which are not {n_chans} channels"
                f"{times}; flatten the trials with mne.decoding.Vectorizer, and set n_times if a "
                "tool adds columns."
            )
        if n_additional > 0 and self.info is not None:
            raise ValueError(
                f"TrialReshaper: X has {n_additional} additional columns, for which info has no "
                "channel; pass n_chans instead of info."
            )
        return n_chans, n_times

    def _count_chans(self) -> int:
        if (self.n_chans is None) == (self.info is None):
            raise ValueError("TrialReshaper takes either n_chans or info; pass one of them.")
        if self.info is not None:
            if not isinstance(self.info, mne.Info):
                raise ValueError(
                    f"TrialReshaper: info is of type {type(self.info).__name__}; it should be "
                    "mne.Info, e.g. epochs.info."
                )
            return len(self.info["ch_names"])
        return _check_count(self, "n_chans")


def _check_count(reshaper: TrialReshaper, name: str) -> int:
    value = getattr(reshaper, name)
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value > 0:
        return int(value)
    raise ValueError(f"TrialReshaper: {name}={value!r} should be an integer of at least 1.")
