"""Permutation of channels and frequency bands between trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

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

Rearrange = Callable[[np.ndarray], np.ndarray]


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
    """

    scorer: Callable[..., float]
    rearrange: Rearrange

    def __call__(self, estimator: Any, index: np.ndarray, y: Any) -> float:
        return self.scorer(estimator, self.rearrange(index), y)


class ChannelPermutation(NamedTuple):
    """Trials with channels of other trials; ``groups`` has the features that permute them."""

    X: np.ndarray
    groups: Sequence[np.ndarray]

    def __call__(self, index: np.ndarray) -> np.ndarray:
        X = self.X.copy()
        for feature, channels in enumerate(self.groups):
            X[:, channels] = self.X[index[:, [feature]], channels]
        return X


class BandPermutation(NamedTuple):
    """Trials with frequency bands of other trials; ``masks`` has the frequencies of the bands."""

    spectrum: np.ndarray
    masks: Sequence[np.ndarray]
    n_times: int

    def __call__(self, index: np.ndarray) -> np.ndarray:
        spectrum = self.spectrum.copy()
        for feature, mask in enumerate(self.masks):
            spectrum[..., mask] = self.spectrum[index[:, feature]][..., mask]
        return np.fft.irfft(spectrum, self.n_times)


def channel_permutation(
    X: np.ndarray, channels: Channels, regions: Mapping[str, Sequence[str]] | None
) -> tuple[list[str], Rearrange]:
    if regions is None:
        names = list(channels.names or map(str, range(X.shape[1])))
        return names, ChannelPermutation(X, list(np.arange(X.shape[1])[:, None]))
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
    groups = [
        np.array([channels.names.index(name) for name in members]) for members in regions.values()
    ]
    return list(regions), ChannelPermutation(X, groups)


def band_permutation(
    X: np.ndarray, bands: Mapping[str, tuple[float, float]] | None, sfreq: float | None
) -> tuple[Mapping[str, tuple[float, float]], Rearrange]:
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
                f"trials, whose resolution is {freqs[1]:.2g} Hz, up to {freqs[-1]:g} Hz; change "
                "its limits."
            )
    return bands, BandPermutation(np.fft.rfft(X), masks, X.shape[2])
