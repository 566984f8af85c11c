"""Temporal filters that a network has learned."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch

from ..base import EEGEstimator
from ._estimators import fitted_network, read_networks, recorded_signal
from ._gradients import TrainedModule, strongest_freqs
from ._matplotlib import BLUE, GREY, ORANGE, make_axes, remove_spines
from ._network import (
    frequency_response,
    front_end,
    layer_name,
    output_unit,
    temporal_filters,
)

_CALLER = "FilterDisplay.from_estimator"


class FilterDisplay:
    """Temporal filters that a network has learned.

    Each filter is shown in time and by its frequency response, i.e. the factor by which it changes
    the amplitude of each frequency. It is recommended to create a display by
    :meth:`from_estimator`.

    Parameters
    ----------
    filters : array of shape (n_filters, n_taps)
        Weights of the filters, the earliest sample first.
    sfreq : float or None, default=None
        Sampling rate in Hz; None if unknown.
    relevance : array of shape (n_filters, n_freqs) or None, default=None
        Contribution of each filter to the outputs of the network at each frequency, from zero to
        half of the sampling rate.
    unit : str, default="logit"
        Unit of the relevance.

    Attributes
    ----------
    axes_ : array of matplotlib.axes.Axes
        Axes of the filters in time, of the frequency responses and, if it is known, of the
        relevance.
    figure_ : matplotlib.figure.Figure
        Figure that contains the axes.

    See Also
    --------
    PatternDisplay : Spatial patterns of the sources.
    ImportanceDisplay : Importance of frequency bands, for every estimator.

    Notes
    -----
    The response is that to the recorded signal. With ``standardize="spectrum"``, the whitening
    before the network is part of the filters. Two stages of filters, e.g. of EEGNeX, are composed
    to one.

    Filters change little from their random initial values if the network does not use them, e.g.
    because it has more filters than it needs. Also, a frequency at which the gain is large need not
    be in the signal. Pass ``X`` to compute the relevance of each filter: the gradient of a class
    times the filtered signal, averaged over trials and decomposed into frequencies. Its absolute
    values are summed over channels, and the class with the largest sum counts.

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.datasets import make_motor_imagery
    >>> from eegsk.display import FilterDisplay
    >>> epochs, y, _ = make_motor_imagery(
    ...     n_subjects=1, n_trials=20, as_epochs=True, random_state=0
    ... )
    >>> classifier = EEGNetClassifier(max_epochs=1, random_state=0).fit(epochs, y)
    >>> display = FilterDisplay.from_estimator(classifier, epochs)
    >>> display.peak_freqs.shape  # in Hz
    (8,)
    """

    def __init__(
        self,
        filters: Any,
        *,
        sfreq: float | None = None,
        relevance: Any = None,
        unit: str = "logit",
    ) -> None:
        self.filters = filters
        self.sfreq = sfreq
        self.relevance = relevance
        self.unit = unit

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        groups: Any = None,
        sfreq: float | None = None,
        fmax: float | None = None,
        ax: Any = None,
    ) -> Self:
        """Plot the temporal filters of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted estimator of eegsk whose network has a front end of temporal and spatial filters,
            or a pipeline, an ``AlignedEstimator`` or a search that ends in one.
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs or None, default=None
            Trials from which the relevance of each filter is computed; None for no relevance.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial, e.g. its session, if the estimator has an aligner without ``by``.
        sfreq : float or None, default=None
            Sampling rate in Hz, if the estimator was fitted on arrays.
        fmax : float or None, default=None
            Highest frequency to plot; None for half of the sampling rate.
        ax : matplotlib.axes.Axes, array-like of Axes, or None, default=None
            Axes to plot on, two or, with ``X``, three; None for a new figure.

        Returns
        -------
        display : FilterDisplay
            The display.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it is an ensemble, or not an estimator of eegsk.
        ValueError
            If its network has no front end, or there are groups, but no aligner.
        """
        network = fitted_network(estimator, _CALLER)
        if front_end(network) is None:
            raise ValueError(
                f"{_CALLER}: the network of {type(network).__name__} has no temporal filters that "
                "act on single channels; use ImportanceDisplay to find the frequency bands that "
                "matter."
            )
        relevance = None
        if X is not None:
            (item,) = read_networks(estimator, X, groups, _CALLER)
            relevance = _relevance(network, item.trials.X)
        display = cls(
            temporal_filters(network),
            sfreq=recorded_signal(estimator).sfreq or sfreq,
            relevance=relevance,
            unit=output_unit(network),
        )
        return display.plot(fmax=fmax, ax=ax)

    @property
    def gain(self) -> np.ndarray:
        """Frequency response of each filter, of shape (n_filters, n_freqs)."""
        return frequency_response(self.filters, self.sfreq)[0]

    @property
    def freqs(self) -> np.ndarray:
        """Frequencies of ``gain`` in Hz, or in cycles per sample if ``sfreq`` is None."""
        return frequency_response(self.filters, self.sfreq)[1]

    @property
    def peak_freqs(self) -> np.ndarray:
        """Frequency at which each filter has its largest gain."""
        return self.freqs[self.gain.argmax(axis=1)]

    @property
    def order(self) -> np.ndarray:
        """Indices of the filters, by descending relevance, or by ascending peak frequency."""
        keys = self.peak_freqs if self.relevance is None else -self.relevance.sum(axis=1)
        return np.argsort(keys, kind="stable")

    @property
    def relevant_freqs(self) -> np.ndarray | None:
        """Frequency at which each filter has its largest relevance; None without relevance."""
        if self.relevance is None:
            return None
        return strongest_freqs(self.relevance, self.sfreq)

    def plot(self, *, fmax: float | None = None, ax: Any = None) -> Self:
        """Plot the filters.

        Parameters
        ----------
        fmax : float or None, default=None
            Highest frequency to plot; None for half of the sampling rate.
        ax : matplotlib.axes.Axes, array-like of Axes, or None, default=None
            Axes to plot on, two or, with relevance, three; None for a new figure.

        Returns
        -------
        display : FilterDisplay
            The display.
        """
        n_axes = 2 if self.relevance is None else 3
        self.axes_ = make_axes(
            ax,
            n_axes,
            "FilterDisplay",
            n_cols=3,
            size=(3.2, 1.2 + 0.35 * min(len(self.filters), 16)),
            sharey=True,
            width_ratios=[3, 3, 1.2][:n_axes],
        )
        self.figure_ = self.axes_[0].figure
        self._plot_time(self.axes_[0])
        self._plot_response(self.axes_[1], fmax)
        if self.relevance is not None:
            self._plot_relevance(self.axes_[2])
        return self

    def _plot_time(self, ax: Any) -> None:
        filters = self.filters[self.order]
        times = np.arange(filters.shape[1]) / (self.sfreq or 1.0)
        limits = np.abs(filters).max(axis=1, keepdims=True)
        heights = 0.45 * filters / np.where(limits > 0, limits, 1.0)
        rows = np.arange(len(filters))
        ax.hlines(rows, times[0], times[-1], color="0.85", linewidth=0.8)
        ax.plot(times, (rows[:, None] - heights).T, color=BLUE, linewidth=1.2)
        step = -(-len(filters) // 20)
        ax.set_yticks(rows[::step], [str(number) for number in self.order[::step]])
        ax.set_title("Weights", fontsize="medium")
        ax.locator_params(axis="x", nbins=5)
        ax.set(
            xlabel="Time (s)" if self.sfreq else "Time (samples)",
            ylabel="Temporal filter",
            ylim=(len(filters) - 0.4, -0.6),
        )
        ax.margins(x=0)
        remove_spines(ax)

    def _plot_response(self, ax: Any, fmax: float | None) -> None:
        freqs = self.freqs
        used = freqs <= (freqs[-1] if fmax is None else fmax)
        gain = self.gain[self.order][:, used]
        peaks = gain.max(axis=1, keepdims=True)
        gain = gain / np.where(peaks > 0, peaks, 1.0)
        edges = (0, freqs[used][-1], len(gain) - 0.5, -0.5)
        options = {"aspect": "auto", "interpolation": "nearest", "cmap": "cividis"}
        image = ax.imshow(gain, extent=edges, vmin=0, vmax=1, **options)
        places = freqs[used][gain.argmax(axis=1)]
        rows = np.arange(len(gain))
        ax.plot(places, rows, "|", color=ORANGE, markersize=9, markeredgewidth=2)
        title = "Frequency response\n| largest gain"
        if self.relevant_freqs is not None:
            ax.plot(self.relevant_freqs[self.order], rows, "o", color="w", markeredgecolor="k")
            title += "   \N{WHITE CIRCLE} largest effect"
        ax.set_title(title, fontsize="medium")
        ax.set(
            xlabel="Frequency (Hz)" if self.sfreq else "Frequency (cycles per sample)",
        )
        ax.tick_params(labelleft=False)
        bar = ax.figure.colorbar(image, ax=ax, pad=0.02)
        bar.set_label("Gain / peak gain")

    def _plot_relevance(self, ax: Any) -> None:
        rows = np.arange(len(self.filters))
        ax.barh(rows, self.relevance.sum(axis=1)[self.order], height=0.6, color=GREY)
        ax.set_title("Relevance", fontsize="medium")
        ax.set_xlabel(f"Effect ({self.unit})")
        ax.tick_params(labelleft=False)
        remove_spines(ax)


def _relevance(network: EEGEstimator, X: torch.Tensor) -> np.ndarray:
    """Compute the relevance of each temporal filter at each frequency."""
    front: Any = front_end(network)
    children = dict(front.named_children())
    last = children.get("second_temporal", children["temporal"])
    trained = TrainedModule(network, X)
    effects = trained.effects(layer_name(network, last), X, _by_channel)
    by_filter = np.split(effects, len(front.temporal_filters()))
    strength = np.abs(by_filter).sum(axis=1)
    largest = strength.sum(axis=2).argmax(axis=1)
    return strength[np.arange(len(strength)), largest]


def _by_channel(output: torch.Tensor, layer: str) -> torch.Tensor:
    """Merge the axes of filters and channels."""
    return output.flatten(1, 2)
