"""Activation patterns of the sources that a network has learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import mne
import numpy as np
from torch import nn

from ..base import EEGEstimator
from ..blocks import DenseTemporalSpatial
from ._estimators import Network, NetworkTrials, read_networks
from ._gradients import TrainedModule, strongest_freqs
from ._haufe import patterns_of_filters, patterns_of_layer, receptive_field
from ._matplotlib import make_axes
from ._network import (
    channel_scale,
    frequency_response,
    front_end,
    layer_name,
    output_names,
    temporal_filters,
    to_numpy,
    whitening_filter,
)
from ._scalp import Channels, draw_bars, draw_map, draws_map, find_channels

_CALLER = "PatternDisplay.from_estimator"


class PatternDisplay:
    r"""Activation patterns of the sources that a network has learned.

    A spatial filter cannot be read as a map of the brain, because its weights also cancel noise: a
    channel without any signal can have a large weight. The activation pattern of a source shows how
    strongly, and with which sign, the source appears in each channel [1]_.

    It is recommended to create a display by :meth:`from_estimator`.

    Parameters
    ----------
    patterns : array of shape (n_sources, n_chans)
        Change of each channel if a source increases by one standard deviation.
    relevance : array of shape (n_sources, n_classes) or None, default=None
        Effect of each source on each class or target.
    class_names : sequence of str or None, default=None
        Names of the classes or targets.
    peak_freqs : array of shape (n_sources,) or None, default=None
        Frequency in Hz at which each source has its largest effect.
    ch_names : sequence of str or None, default=None
        Names of the channels.
    info : mne.Info or None, default=None
        Positions of the channels.
    unit : str or None, default=None
        Unit of the patterns; None if unknown. Patterns in ``"V"`` are plotted in microvolts.

    Attributes
    ----------
    axes_ : array of matplotlib.axes.Axes
        Axes of the plotted sources.
    figure_ : matplotlib.figure.Figure
        Figure that contains the axes.

    See Also
    --------
    FilterDisplay : Temporal filters.
    SaliencyDisplay : Contribution of each channel and time point.

    Notes
    -----
    **Patterns.** The spatial filters of the front ends of eegsk act on channels that were filtered
    in time. Let :math:`y` be the channels after the temporal filter of a source, in the unit of the
    trials, with a gain of 1 at the frequency of the largest gain. The source is :math:`s = w^T y`
    with the spatial filter :math:`w`, and its pattern is

    .. math:: a = \mathrm{Cov}(y) \, w \, / \, \mathrm{sd}(s) .

    These are the coefficients in a regression of each channel on the source, scaled to unit
    variance. With ``joint=True``, the channels are regressed on all sources of a temporal filter at
    once, whose patterns are the columns of
    :math:`\mathrm{Cov}(y) \, W \, \mathrm{Cov}(s)^{-1}` [1]_. Networks often learn the same source
    twice. The patterns of the joint regression then show the small difference of the two, and not
    the place of the source; hence the default.

    If temporal and spatial filters are not separate, e.g. in ShallowConvNet, and for a ``layer``,
    the recorded channels are regressed on the sources at the delay with the largest coefficients.

    **Alignment.** An aligner before the network, e.g. :class:`~eegsk.alignment.EuclideanAlignment`,
    is a spatial filter, too. The patterns are those of the channels before the aligner, after its
    ``band``, if it has one.

    **Signs.** The sign of a source is arbitrary. It is chosen such that the largest value of the
    pattern is positive.

    **Relevance.** The gradient of a class times the source, summed over time and averaged over
    trials. If a source is an oscillation and the network uses its power, positive relevance means
    that more power raises the output of the class.

    References
    ----------
    .. [1] Haufe, S., Meinecke, F., Görgen, K., Dähne, S., Haynes, J.-D., Blankertz, B., &
       Bießmann, F. (2014). On the interpretation of weight vectors of linear models in
       multivariate neuroimaging. NeuroImage, 87, 96-110.
       https://doi.org/10.1016/j.neuroimage.2013.10.067

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.datasets import make_motor_imagery
    >>> from eegsk.display import PatternDisplay
    >>> epochs, y, _ = make_motor_imagery(
    ...     n_subjects=1, n_trials=20, as_epochs=True, random_state=0
    ... )
    >>> classifier = EEGNetClassifier(max_epochs=1, random_state=0).fit(epochs, y)
    >>> display = PatternDisplay.from_estimator(classifier, epochs, n_sources=4)
    >>> display.patterns.shape
    (16, 16)
    """

    def __init__(
        self,
        patterns: Any,
        *,
        relevance: Any = None,
        class_names: Sequence[str] | None = None,
        peak_freqs: Any = None,
        ch_names: Sequence[str] | None = None,
        info: mne.Info | None = None,
        unit: str | None = None,
    ) -> None:
        self.patterns = patterns
        self.relevance = relevance
        self.class_names = class_names
        self.peak_freqs = peak_freqs
        self.ch_names = ch_names
        self.info = info
        self.unit = unit

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        groups: Any = None,
        layer: str | None = None,
        joint: bool = False,
        sfreq: float | None = None,
        ch_names: Sequence[str] | None = None,
        info: mne.Info | None = None,
        n_sources: int = 8,
        kind: Literal["auto", "topomap", "bar"] = "auto",
        cmap: str = "RdBu_r",
        ax: Any = None,
    ) -> Self:
        """Compute and plot the activation patterns of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted estimator of eegsk, or a pipeline, an ``AlignedEstimator``, a voting ensemble or
            a search that ends in one. Of an ensemble, the sources of all networks are shown.
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Trials from which covariances and relevance are estimated, e.g. the training trials.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial, e.g. its session, if the estimator has an aligner without ``by``.
        layer : str or None, default=None
            Layer of ``estimator.module_`` whose outputs, of shape (n_trials, n_sources, n_times),
            are the sources, e.g. ``"network.trunk.first.filters"``; None for the spatial filters of
            the front end, which all networks of eegsk except CompactCNN have.
        joint : bool, default=False
            Whether to regress the channels on all sources at once; see the notes of
            :class:`PatternDisplay`.
        sfreq : float or None, default=None
            Sampling rate in Hz, if the estimator was fitted on arrays.
        ch_names : sequence of str or None, default=None
            Names of the channels, if the estimator was fitted on arrays.
        info : mne.Info or None, default=None
            Positions of the channels, e.g. ``epochs.info``; None for those of the Epochs or, by
            name, of the 10-05 system.
        n_sources : int, default=8
            Number of sources to plot; those with the largest relevance come first.
        kind : {"auto", "topomap", "bar"}, default="auto"
            Kind of the plot; ``"auto"`` for topographic maps if the positions of all channels, four
            or more, are known, else bars.
        cmap : str, default="RdBu_r"
            Colour map of the topographic maps.
        ax : matplotlib.axes.Axes, array-like of Axes, or None, default=None
            Axes to plot on, one for each source; None for a new figure.

        Returns
        -------
        display : PatternDisplay
            The display. All patterns are in ``display.patterns``, in the order of the network.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it is not an estimator of eegsk.
        ValueError
            If the network has no front end and ``layer`` is None, the outputs of the layer have
            another shape, or there are groups, but no aligner.
        """
        networks = read_networks(estimator, X, groups, _CALLER)
        first = networks[0]
        channels = find_channels(first.signal, ch_names, info, _CALLER)
        sources = [_sources(item, layer, joint, first.signal.sfreq or sfreq) for item in networks]
        patterns, relevance, peak_freqs = zip(*sources, strict=True)
        display = cls(
            _with_positive_peak(np.concatenate(patterns)),
            relevance=np.concatenate(relevance),
            class_names=output_names(first.network, estimator),
            peak_freqs=None if peak_freqs[0] is None else np.concatenate(peak_freqs),
            ch_names=channels.names,
            info=channels.info,
            unit=first.unit,
        )
        return display.plot(n_sources=n_sources, kind=kind, cmap=cmap, ax=ax)

    def plot(
        self,
        *,
        n_sources: int = 8,
        kind: Literal["auto", "topomap", "bar"] = "auto",
        cmap: str = "RdBu_r",
        ax: Any = None,
    ) -> Self:
        """Plot the patterns of the most relevant sources.

        Each map has its own scale, whose limit is above it.

        Parameters
        ----------
        n_sources : int, default=8
            Number of sources to plot; those with the largest relevance come first.
        kind : {"auto", "topomap", "bar"}, default="auto"
            Kind of the plot; ``"auto"`` for topographic maps if the positions of all channels, four
            or more, are known, else bars.
        cmap : str, default="RdBu_r"
            Colour map of the topographic maps.
        ax : matplotlib.axes.Axes, array-like of Axes, or None, default=None
            Axes to plot on, one for each source; None for a new figure.

        Returns
        -------
        display : PatternDisplay
            The display.
        """
        channels = Channels(None if self.ch_names is None else tuple(self.ch_names), self.info)
        is_map = draws_map(kind, channels, "PatternDisplay")
        plotted = self.order[:n_sources]
        height = 2.4 if is_map else 1.2 + 0.16 * min(self.patterns.shape[1], 24)
        self.axes_ = make_axes(
            ax,
            len(plotted),
            "PatternDisplay",
            n_cols=4,
            size=(2.1, height),
            sharey=False if is_map else "row",
        )
        self.figure_ = self.axes_[0].figure
        factor, unit = (1e6, "µV") if self.unit == "V" else (1.0, self.unit or "unit of X")
        for panel, source in zip(self.axes_, plotted, strict=True):
            values = factor * self.patterns[source]
            limit = float(np.abs(values).max()) or 1.0
            panel.set_title(self._title(source, limit, unit), fontsize="medium")
            if is_map:
                draw_map(panel, values, channels, limit, cmap=cmap)
            else:
                draw_bars(panel, values, channels, limit)
                panel.set_xlabel(f"Pattern ({unit})")
                _label_first_column(panel)
        if is_map:
            self._add_colorbar()
        return self

    @property
    def order(self) -> np.ndarray:
        """Indices of the sources, the most relevant first."""
        if self.relevance is None:
            return np.arange(len(self.patterns))
        return np.argsort(-np.abs(self.relevance).max(axis=1), kind="stable")

    def _title(self, source: int, limit: float, unit: str) -> str:
        """Return the number of a source, the limit of its scale, and its relevance."""
        title = f"Source {source}"
        if self.peak_freqs is not None:
            title += f", {self.peak_freqs[source]:.0f} Hz"
        title += f"\n±{limit:.2g}" + (f" {unit}" if self.unit else "")
        if self.relevance is None or self.class_names is None:
            return title
        best = self.relevance[source].argmax()
        return f"{title}\n{self.class_names[best]} {self.relevance[source, best]:+.2g}"

    def _add_colorbar(self) -> None:
        image = self.axes_[0].images[0]
        limit = image.norm.vmax
        bar = self.figure_.colorbar(image, ax=self.axes_.tolist(), shrink=0.6, aspect=15)
        bar.set_ticks([-limit, 0, limit], labels=["\N{MINUS SIGN}1", "0", "1"])
        bar.set_label("Pattern / limit")


def _sources(
    item: Network, layer: str | None, joint: bool, sfreq: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return the pattern, relevance and peak frequency of each source of one network."""
    network, trials = item.network, item.trials
    trained = TrainedModule(network, trials.X)
    name = _layer_of_sources(network, layer)
    if layer is None and not isinstance(front_end(network), DenseTemporalSpatial):
        patterns, stride = _front_end_patterns(network, trials, joint), 1
    else:
        window = receptive_field(trained, name, trials.X)
        patterns = patterns_of_layer(trained, name, trials, window, joint)
        stride = window.stride
    effects = item.weight * trained.effects(name, trials.X)
    return patterns, effects.sum(axis=2), _peak_freqs(effects, sfreq, stride)


def _layer_of_sources(network: EEGEstimator, layer: str | None) -> str:
    """Return the name of the layer whose outputs are the sources."""
    layers = dict(network.module_.named_modules())
    if layer is None:
        front = front_end(network)
        if front is not None:
            return layer_name(network, front)
    elif layer in layers and layer:
        return layer
    names = [name for name, module in layers.items() if isinstance(module, nn.Conv1d | nn.Conv2d)]
    problem = f"has no layer {layer!r}" if layer else "has no front end of eegsk"
    raise ValueError(
        f"{_CALLER}: the network of {type(network).__name__} {problem}; set layer to the layer "
        f"after its spatial filters. Its convolutions are {', '.join(names) or 'none'}."
    )


def _front_end_patterns(network: EEGEstimator, trials: NetworkTrials, joint: bool) -> np.ndarray:
    """Compute the patterns of spatial filters that each have one temporal filter."""
    front: Any = front_end(network)
    gain, _ = frequency_response(temporal_filters(network), network.signal_.sfreq)
    weights = to_numpy(front.spatial.weight.flatten(1)) / channel_scale(network)
    spatial = weights.reshape(len(gain), -1, weights.shape[1])
    # A gain of 1 at the peak keeps the unit of the channels.
    temporal = to_numpy(front.temporal_filters()) / gain.max(axis=1, keepdims=True)
    return patterns_of_filters(trials, temporal, spatial, joint, whitening_filter(network))


def _peak_freqs(effects: np.ndarray, sfreq: float | None, stride: int) -> np.ndarray | None:
    """Return the frequency in Hz at which each source has its largest effect."""
    if sfreq is None:
        return None
    largest = np.abs(effects.sum(axis=2)).argmax(axis=1)
    return strongest_freqs(effects[np.arange(len(effects)), largest], sfreq / stride)


def _label_first_column(panel: Any) -> None:
    position = panel.get_subplotspec()
    if position is not None and not position.is_first_col():
        panel.set_ylabel("")


def _with_positive_peak(patterns: np.ndarray) -> np.ndarray:
    """Change the sign of each pattern such that its largest value is positive."""
    peak = np.abs(patterns).argmax(axis=1)
    sign = np.sign(np.take_along_axis(patterns, peak[:, None], axis=1))
    return patterns * np.where(sign == 0, 1.0, sign)
