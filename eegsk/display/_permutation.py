"""Permutation of channels and frequency bands between trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import get_tags

from .._epochs import replace_trials
from ..alignment._domains import trials_by_domain
from ._scalp import Channels

_CALLER = "ImportanceDisplay.from_estimator"
# Limits of the frequency bands in Hz. The lower limit is part of the band.
_BANDS = {
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 13.0),
    "beta": (13.0, 30.0),
    "gamma": (30.0, 45.0),
}

Rearrange = Callable[[np.ndarray], Any]


class RearrangedScorer(NamedTuple):
    """Scorer of trials that are given as indices, one for each trial and feature.

    It lets :func:`sklearn.inspection.permutation_importance`, which permutes the columns of a
    table, permute the features of trials.

    Parameters
    ----------
    scorer : callable
        Scorer of the trials.
    rearrange : callable
        Function that returns the trials with the given indices.
    groups : array of shape (n_trials,) or None
        Domain of each trial, if the methods of the estimator take it.
    domains : list or None
        Domain of each trial, if the estimator reads it from the metadata of Epochs.
    """

    scorer: Any
    rearrange: Rearrange
    groups: Any
    domains: Any

    def __call__(self, estimator: Any, index: np.ndarray, y: Any) -> float:
        """Score the rearranged trials."""
        if self.groups is not None:
            estimator = GroupedEstimator(estimator, self.groups)
        domains = self.domains if self.groups is None else self.groups
        if domains is not None:
            index = within_domains(index, domains)
        return self.scorer(estimator, self.rearrange(index), y)


def within_domains(index: np.ndarray, domains: Any) -> np.ndarray:
    """Permute trials within each domain, in the order in which they are permuted in all trials.

    Channels of another domain may have another amplitude, which an aligner would spread to all
    channels of a trial.
    """
    index = index.copy()
    for trials in trials_by_domain(list(domains)).values():
        index[trials] = trials[index[trials].argsort(axis=0)]
    return index


class GroupedEstimator(BaseEstimator):
    """Fitted estimator whose methods receive the domain of each trial.

    scikit-learn's scorers do not pass ``groups`` to ``predict``.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator whose methods take ``groups``.
    groups : array-like of shape (n_trials,)
        Domain of each trial.
    """

    def __init__(self, estimator: Any, groups: Any) -> None:
        self.estimator = estimator
        self.groups = groups

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.estimator, name)
        if name not in {"predict", "predict_proba", "decision_function", "score"}:
            return attribute
        return wraps(attribute)(partial(attribute, groups=self.groups))

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.estimator)


class RearrangedEpochs(NamedTuple):
    """Rearranged trials as Epochs, for aligners that read the domains from their metadata.

    Parameters
    ----------
    rearrange : callable
        Function that returns the trials with the given indices, in an array.
    parts : list of mne.Epochs
        The Epochs, without bad epochs.
    ch_names : sequence of str
        Names of the channels of the array.
    """

    rearrange: Rearrange
    parts: list[Any]
    ch_names: Sequence[str]

    def __call__(self, index: np.ndarray) -> Any:
        """Return the rearranged trials."""
        return replace_trials(self.parts, self.rearrange(index), self.ch_names)


class ChannelPermutation(NamedTuple):
    """Exchange of channels between trials.

    Parameters
    ----------
    X : array of shape (n_trials, n_chans, n_times)
        Trials.
    names : list of str
        Names of the channels, or of groups of channels.
    groups : list of array
        Indices of the channels with each name.
    """

    X: np.ndarray
    names: list[str]
    groups: list[np.ndarray]

    def __call__(self, index: np.ndarray) -> np.ndarray:
        """Return trials whose channels are those of other trials.

        Parameters
        ----------
        index : array of shape (n_trials, n_names)
            For each trial and name, the trial whose channels to use.

        Returns
        -------
        X : array of shape (n_trials, n_chans, n_times)
            The new trials.
        """
        X = self.X.copy()
        for column, channels in enumerate(self.groups):
            X[:, channels] = self.X[index[:, [column]], channels]
        return X


class BandPermutation(NamedTuple):
    """Exchange of frequency bands between trials.

    Parameters
    ----------
    spectrum : array of shape (n_trials, n_chans, n_freqs)
        Fourier transform of the trials.
    n_times : int
        Number of time points of a trial.
    bands : mapping
        Limits of each band in Hz by name.
    masks : list of array
        For each band, whether each frequency belongs to it.
    """

    spectrum: np.ndarray
    n_times: int
    bands: Mapping[str, tuple[float, float]]
    masks: list[np.ndarray]

    @property
    def names(self) -> list[str]:
        """Names of the bands."""
        return list(self.bands)

    def __call__(self, index: np.ndarray) -> np.ndarray:
        """Return trials whose bands are those of other trials; see ``ChannelPermutation``."""
        spectrum = self.spectrum.copy()
        for column, mask in enumerate(self.masks):
            spectrum[..., mask] = self.spectrum[index[:, column]][..., mask]
        return np.fft.irfft(spectrum, self.n_times)


def channel_permutation(
    X: np.ndarray, channels: Channels, regions: Mapping[str, Sequence[str]] | None
) -> ChannelPermutation:
    """Create the exchange of single channels, or of the channels of regions."""
    if regions is None:
        names = list(channels.names or map(str, range(X.shape[1])))
        return ChannelPermutation(X, names, list(np.arange(X.shape[1])[:, None]))
    if channels.names is None:
        raise ValueError(
            f"{_CALLER}: regions need the names of the channels, which are unknown; pass ch_names."
        )
    for region, members in regions.items():
        unknown = [name for name in members if name not in channels.names]
        if unknown or not members:
            problem = f"has the unknown channel {unknown[0]!r}" if unknown else "has no channel"
            raise ValueError(
                f"{_CALLER}: region {region!r} {problem}; the channels are "
                f"{', '.join(channels.names)}."
            )
    indices = {name: index for index, name in enumerate(channels.names)}
    groups = [np.array([indices[name] for name in members]) for members in regions.values()]
    return ChannelPermutation(X, list(regions), groups)


def band_permutation(
    X: np.ndarray, bands: Mapping[str, tuple[float, float]] | None, sfreq: float | None
) -> BandPermutation:
    """Create the exchange of frequency bands."""
    if sfreq is None:
        raise ValueError(
            f"{_CALLER}: by='band' needs the sampling rate, which is unknown; pass sfreq in Hz."
        )
    freqs = np.fft.rfftfreq(X.shape[2], 1 / sfreq)
    if bands is None:
        bands = {name: limits for name, limits in _BANDS.items() if limits[0] < sfreq / 2}
    masks = [(freqs >= low) & (freqs < high) for low, high in bands.values()]
    for (name, (low, high)), mask in zip(bands.items(), masks, strict=True):
        if not mask.any():
            raise ValueError(
                f"{_CALLER}: band {name!r}, from {low:g} to {high:g} Hz, has no frequency of the "
                f"trials, which have one every {freqs[1]:.2g} Hz up to {freqs[-1]:g} Hz; change "
                "its limits."
            )
    return BandPermutation(np.fft.rfft(X), X.shape[2], bands, masks)
