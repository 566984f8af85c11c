"""Base class of the aligners."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._epochs import is_epochs, list_epochs, replace_trials
from .._fields import Count, Fields, Positive, check_fields
from .._validation import check_trials
from ..signals import Signal, read_trials
from ._band_pass import BandPass
from ._covariance import Array, covariances, inverse_sqrt
from ._domains import labels_from_groups, labels_from_metadata, trials_by_domain

# Attributes that map the names of domains to values.
_BY_DOMAIN = {"references_", "n_trials_"}


class Trials(NamedTuple):
    """Validated trials of one call, with the indices of the trials of each domain."""

    X: np.ndarray
    domains: dict[Any, np.ndarray]
    has_labels: bool
    restore: Callable[[np.ndarray], Any]  # converts aligned trials to the type of the input


class Alignment(Fields, TransformerMixin, BaseEstimator):
    """Base class of aligners, which whiten trials by the mean covariance of their domain.

    A domain is a set of trials with similar covariances, e.g. a session or a subject.

    Parameters
    ----------
    by : str, list of str or None, default=None
        Column of the metadata of Epochs that has the domain of each trial, e.g. ``"session"``, or
        several columns, e.g. ``["subject", "session"]``. None if the domains are passed as
        ``groups``, or if all trials of a call are of one domain.
    online : bool, default=False
        How to align the trials of a domain that was not in ``fit``. If False, all its trials in
        the call are aligned by their mean covariance. If True, each trial is aligned by the mean
        covariance of the previous trials of its domain in the call.
    min_trials : int, default=20
        Minimum number of trials for a mean covariance without shrinkage. With fewer trials, it is
        shrunk towards ``reference_`` by ``1 - n_trials / min_trials``. 1 for no shrinkage.
    diagonal : bool, default=False
        Whether to use only the variances of the channels. Channels are then scaled to variance one,
        but stay correlated. With many channels, e.g. 64, the mean covariance has directions with
        little signal, which whitening would amplify.
    band : (float, float) or None, default=None
        Lowest and highest frequency in Hz, e.g. ``(8, 30)`` for motor imagery. Trials are filtered
        before their covariances are computed, by a Butterworth filter of order 4 that is applied
        forwards and backwards; the aligned trials are filtered, too. None for no filter.
    sfreq : float or None, default=None
        Sampling rate in Hz, for ``band`` and trials in arrays. Epochs contain their sampling rate.

    Attributes
    ----------
    reference_ : array of shape (n_chans, n_chans)
        Mean covariance of all training trials. With fewer than ``min_trials`` trials, it is shrunk
        towards its diagonal by the same rule.
    references_ : dict of array of shape (n_chans, n_chans)
        Mean covariance of each domain of ``fit``, before shrinkage. Without ``by`` and ``groups``,
        the only domain is None.
    n_trials_ : dict of int
        Number of trials of each domain.
    signal_ : Signal
        Channels, time points and sampling rate of the training trials.
    n_features_in_ : int
        Number of channels; number of time points if the trials were two-dimensional.
    """

    by: str | list[str] | tuple[str, ...] | None = None
    online: bool = False
    min_trials: Count = 20
    diagonal: bool = False
    band: tuple[float, float] | list[float] | None = None
    sfreq: Positive | None = None

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Estimate the mean covariance of each domain.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs or list of mne.Epochs
            Training trials. The good data channels of Epochs are aligned.
        y : None
            Ignored: alignment does not use labels.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial, e.g. its session, if ``by`` is None.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        TypeError
            If a parameter, the trials or the groups are of the wrong type.
        ValueError
            If the trials or groups are invalid, or there is only one trial.
        """
        self._fit(X, groups)
        return self

    def fit_transform(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        """Estimate the mean covariance of each domain and align the trials.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs or list of mne.Epochs
            Training trials. The good data channels of Epochs are aligned.
        y : None
            Ignored: alignment does not use labels.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial, e.g. its session, if ``by`` is None.

        Returns
        -------
        X_aligned : array of shape (n_trials, n_chans, n_times) or mne.Epochs
            The aligned trials, as :meth:`transform` returns them.
        """
        return self._align(self._fit(X, groups), self.references_)

    def transform(self, X: Any, groups: Any = None) -> Any:
        """Align trials.

        The trials of a domain that was in ``fit`` are aligned by its mean covariance in ``fit``.
        Those of a new domain are aligned by its trials in this call; see ``online``. The call does
        not change the transformer; use :meth:`update` to add the trials of a live session to the
        mean of their domain.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs or list of mne.Epochs
            Trials with the channels and time points of ``fit``.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial, e.g. its session, if ``by`` is None. Without ``by`` and
            ``groups``, the trials are of one new domain.

        Returns
        -------
        X_aligned : array of shape (n_trials, n_chans, n_times) or mne.Epochs
            The aligned trials, in standardised units: over the trials of a domain, channels have
            variance one and are not correlated. Epochs keep their events, metadata and other
            channels.

        Raises
        ------
        TypeError
            If the trials or the groups are of the wrong type.
        ValueError
            If the trials or the groups are invalid, or differ from those of ``fit``.
        """
        trials = self._read_fitted(X, groups)
        return self._align(trials, self._known_references(trials))

    def update(self, X: Any, groups: Any = None) -> Self:
        """Add trials to the mean covariances of their domains.

        Use it in a live session after each call of :meth:`transform`, which stores no trials. With
        ``online=True``, the results for trials that are transformed and added one by one are those
        of one call of :meth:`transform` with all trials.

        Parameters
        ----------
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs or list of mne.Epochs
            Trials of domains that were in ``fit``, or of new domains.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial, if ``by`` is None.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If there are neither ``groups`` nor ``by``, or the trials are invalid.
        """
        trials = self._read_fitted(X, groups)
        if not trials.has_labels:
            raise ValueError(
                f"{type(self).__name__}: update needs the domain of each trial; pass groups, or "
                "set by to a column of the metadata."
            )
        for label, indices in trials.domains.items():
            n_trials = self.n_trials_.get(label, 0)
            mean = self.references_.get(label, self.reference_)
            matrices = self._covariances(trials.X[indices])
            self.references_[label] = self._running_means(matrices, mean, n_trials)[-1]
            self.n_trials_[label] = n_trials + len(indices)
        return self

    def __getstate__(self) -> Any:
        """Return the state, with lists instead of dictionaries whose keys are names of domains.

        skops stores only dictionaries whose keys are strings, numbers or types.
        """
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[arg-type]
        return state | {name: [*state[name].items()] for name in _BY_DOMAIN & state.keys()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(
            state | {name: dict(state[name]) for name in _BY_DOMAIN & state.keys()}
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @abstractmethod
    def _mean(self, matrices: Array, weights: Array, n_times: int | None = None) -> Array:
        """Return the weighted mean of covariances, each estimated from ``n_times`` samples."""

    @abstractmethod
    def _running_means(self, matrices: Array, mean: Array, n_trials: int) -> Array:
        """Update the mean of ``n_trials`` trials with each covariance; return all means."""

    @abstractmethod
    def _interpolate(self, start: Array, end: Array, share: Array) -> Array:
        """Interpolate between covariances: ``start`` for a share of 0, ``end`` for a share of 1."""

    def _fit(self, X: Any, groups: Any) -> Trials:
        check_fields(self)
        trials = self._read(X, groups, reset=True)
        self.n_trials_ = {label: len(indices) for label, indices in trials.domains.items()}
        self.references_ = {
            label: self._mean_of_trials(trials.X[indices])
            for label, indices in trials.domains.items()
        }
        weights = np.array([*self.n_trials_.values()], dtype=np.float64)
        mean = self._mean(np.stack([*self.references_.values()]), weights)
        self.reference_ = self._shrink(np.diag(np.diag(mean)), mean, weights.sum())
        return trials

    def _align(self, trials: Trials, references: dict[Any, Array]) -> Any:
        """Whiten the trials of each domain, by its mean in ``references`` if there is one."""
        aligned = np.empty_like(trials.X)
        for indices, filters in self._spatial_filters(trials, references):
            aligned[indices] = filters.astype(aligned.dtype) @ trials.X[indices]
        return trials.restore(aligned)

    def _spatial_filters(
        self, trials: Trials, references: dict[Any, Array]
    ) -> Iterator[tuple[np.ndarray, Array]]:
        """Yield the indices and the whitening of the trials of each domain.

        The whitening has shape (n_chans, n_chans), or (n_trials, n_chans, n_chans) if it differs
        between the trials of the domain.
        """
        for label, indices in trials.domains.items():
            X = trials.X[indices]
            if label in references:
                mean, n_trials = references[label], self.n_trials_[label]
            elif self.online:
                mean, n_trials = self._means_before(self._covariances(X)), np.arange(len(X))
            else:
                mean, n_trials = self._mean_of_trials(X), len(X)
            yield indices, self._whitening(mean, n_trials)

    def _whitening(self, mean: Array, n_trials: Any) -> Array:
        """Return the spatial filters by which trials with a mean covariance are whitened."""
        return inverse_sqrt(self._shrink(self.reference_, mean, n_trials))

    def _trials_and_filters(self, X: Any, groups: Any) -> tuple[np.ndarray, Array]:
        """Return trials before the whitening, after the filter, and the whitening of each trial."""
        trials = self._read_fitted(X, groups)
        n_chans = trials.X.shape[1]
        filters = np.empty((len(trials.X), n_chans, n_chans))
        for indices, whitening in self._spatial_filters(trials, self._known_references(trials)):
            filters[indices] = whitening
        return trials.X, filters

    def _read_fitted(self, X: Any, groups: Any) -> Trials:
        """Validate trials, and that the transformer is fitted."""
        check_is_fitted(self, "reference_")
        check_fields(self)
        return self._read(X, groups, reset=False)

    def _known_references(self, trials: Trials) -> dict[Any, Array]:
        """Return the references of ``fit``; none for trials without the names of domains."""
        return self.references_ if trials.has_labels else {}

    def _covariances(self, X: np.ndarray) -> Array:
        matrices = covariances(X)
        return matrices * np.eye(X.shape[1]) if self.diagonal else matrices

    def _mean_of_trials(self, X: np.ndarray) -> Array:
        return self._mean(self._covariances(X), np.ones(len(X)), self.signal_.n_times)

    def _means_before(self, matrices: Array) -> Array:
        """Return the mean of the covariances before each one; ``reference_`` for the first."""
        means = self._running_means(matrices[:-1], self.reference_, 0)
        return np.concatenate([self.reference_[None], means])

    def _shrink(self, target: Array, mean: Array, n_trials: Any) -> Array:
        """Shrink means of ``n_trials`` trials towards a target, if the trials are few."""
        return self._interpolate(target, mean, np.minimum(1.0, n_trials / self.min_trials))

    def _read(self, X: Any, groups: Any, reset: bool) -> Trials:
        """Validate trials and their domains."""
        parts = list_epochs(X) if is_epochs(X) else None
        values, signal = read_trials(parts or X, None if reset else self.signal_)
        checked = check_trials(self, values, reset)
        values = np.asarray(values)
        if values.dtype not in (np.float32, np.float64):
            values = values.astype(np.float64)
        labels = self._labels(parts, groups, len(values))
        signal = signal or Signal(checked.shape[1], checked.shape[2])
        if reset:
            self._check_training_trials(checked.shape, parts, signal)
            self.signal_ = signal
        trials = self._filter(values.reshape(checked.shape), signal)

        def restore(aligned: np.ndarray) -> Any:
            if parts is None:
                return aligned.reshape(values.shape)
            return replace_trials(parts, aligned, signal.ch_names or ())

        domains = trials_by_domain([None] * len(values) if labels is None else labels)
        return Trials(trials, domains, labels is not None, restore)

    def _filter(self, X: np.ndarray, signal: Signal) -> np.ndarray:
        """Filter trials in ``band``, if there is one."""
        if self.band is None:
            return X
        rate = self.signal_.sfreq if signal.sfreq is None else signal.sfreq
        return BandPass(type(self).__name__, self.band, self.sfreq, rate).filter(X)

    def _labels(self, parts: Any, groups: Any, n_trials: int) -> list[Any] | None:
        """Return the domain of each trial; None if all trials are of one unnamed domain."""
        name = type(self).__name__
        if self.by is not None and groups is not None:
            raise ValueError(
                f"{name}: by={self.by!r} and groups both define the domains; use one of them."
            )
        if groups is not None:
            return labels_from_groups(name, groups, n_trials)
        return None if self.by is None else labels_from_metadata(name, parts, self.by)

    def _check_training_trials(self, shape: Any, parts: Any, signal: Any) -> None:
        name = type(self).__name__
        n_trials, _, n_times = shape
        if n_trials < 2:
            raise ValueError(f"{name}: X has 1 sample; at least two trials are needed to fit.")
        if n_times < 2:
            raise ValueError(
                f"{name}: X has 1 feature(s), i.e. one time point in each trial; a covariance "
                "needs at least two."
            )
        if parts is None:
            return
        units = {ch["ch_name"]: ch["unit"] for ch in parts[0].info["chs"]}
        if len({units[channel] for channel in signal.ch_names}) > 1:
            raise ValueError(
                f"{name}: the channels have different units, e.g. EEG and MEG; align one type of "
                "channels, e.g. epochs.pick('eeg')."
            )
