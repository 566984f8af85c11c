"""Permutation importance of channels and frequency bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import mne
import numpy as np
from sklearn.base import is_classifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import check_scoring
from sklearn.pipeline import Pipeline

from .._arguments import check_groups, errors_named
from .._epochs import is_epochs, list_epochs
from .._steps import is_aligner, members_of, steps_of, unwrapped
from ..alignment import groups_argument
from ..signals import Signal, labels_of, read_trials
from ._matplotlib import BLUE, GREY, label_channels, make_axes, remove_spines
from ._permutation import (
    Rearrange,
    RearrangedEpochs,
    RearrangedScorer,
    band_permutation,
    channel_permutation,
)
from ._scalp import Channels, draw_map, draws_map, find_channels

_CALLER = "ImportanceDisplay.from_estimator"


class ImportanceDisplay:
    """Permutation importance of channels or frequency bands.

    The importance of a channel is the decrease of the score if the signals of this channel are
    exchanged between trials at random, which destroys their relation to the target [1]_. The same
    is done with the part of all signals in a frequency band. This works for every estimator of
    trials, e.g. networks, pipelines with CSP, and Riemannian classifiers. It is recommended to
    create a display by :meth:`from_estimator`.

    Parameters
    ----------
    importances : array of shape (n_features, n_repeats)
        Decrease of the score for each channel, region or band, and each permutation; for several
        estimators, ``n_repeats`` permutations of each.
    names : sequence of str
        Names of the channels, regions or bands.
    bands : dict or None, default=None
        Lowest and highest frequency of each band in Hz, if the features are bands.
    info : mne.Info or None, default=None
        Positions of the channels; None for regions or bands, or if they are unknown.
    score_name : str, default="score"
        Name of the score.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        Figure that contains the axes.

    See Also
    --------
    SaliencyDisplay : Contribution of each sample to the outputs of a network.
    sklearn.inspection.permutation_importance : The function that computes the importances.

    Notes
    -----
    Use trials that were not used for training. Neighbouring channels record similar signals. If one
    of them is permuted, an estimator can use the others, so that all of them may seem unimportant.
    Permute them together, by ``regions``.

    A band is permuted in the discrete Fourier transform of the trials, so that all other
    frequencies stay as they are.

    References
    ----------
    .. [1] Breiman, L. (2001). Random forests. Machine Learning, 45, 5-32.
       https://doi.org/10.1023/A:1010933404324

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.datasets import make_motor_imagery
    >>> from eegsk.display import ImportanceDisplay
    >>> epochs, y, _ = make_motor_imagery(
    ...     n_subjects=1, n_trials=20, as_epochs=True, random_state=0
    ... )
    >>> classifier = EEGNetClassifier(max_epochs=1, random_state=0).fit(epochs, y)
    >>> display = ImportanceDisplay.from_estimator(
    ...     classifier, epochs, y, by="band", n_repeats=2, random_state=0
    ... )
    >>> display.names
    ['delta', 'theta', 'alpha', 'beta', 'gamma']
    >>> display.importances.shape
    (5, 2)
    """

    def __init__(
        self,
        importances: Any,
        *,
        names: Sequence[str],
        bands: Mapping[str, tuple[float, float]] | None = None,
        info: mne.Info | None = None,
        score_name: str = "score",
    ) -> None:
        self.importances = importances
        self.names = names
        self.bands = bands
        self.info = info
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        groups: Any = None,
        by: Literal["channel", "band"] = "channel",
        regions: Mapping[str, Sequence[str]] | None = None,
        bands: Mapping[str, tuple[float, float]] | None = None,
        scoring: Any = None,
        n_repeats: int = 10,
        sfreq: float | None = None,
        ch_names: Sequence[str] | None = None,
        info: mne.Info | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        kind: Literal["auto", "topomap", "bar"] = "auto",
        ax: Any = None,
    ) -> Self:
        """Compute and plot the importance of channels or frequency bands.

        Parameters
        ----------
        estimator : estimator or list of estimators
            Fitted estimator, pipeline or search whose ``predict`` takes arrays of shape (n_trials,
            n_chans, n_times). The importances of several estimators, e.g. of different seeds, are
            those of all their permutations.
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Trials that were not used for training. Epochs are converted to an array, in volts,
            unless an aligner reads the domains from their metadata.
        y : array-like of shape (n_trials,) or (n_trials, n_outputs), or None, default=None
            Targets; None for the names of the events of Epochs and the labels of LazyTrials.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial, e.g. its session, if the estimator has an aligner without ``by``.
            Channels and bands are then permuted within each domain.
        by : {"channel", "band"}, default="channel"
            Whether channels (or regions) or frequency bands are permuted.
        regions : dict or None, default=None
            Names of the channels of each region, e.g. ``{"left": ["C3", "CP3"]}``, which are
            permuted together; None for each channel on its own.
        bands : dict or None, default=None
            Lowest and highest frequency of each band in Hz, e.g. ``{"mu": (9, 13)}``; None for
            delta, theta, alpha, beta and gamma (1, 4, 8, 13, 30 and 45 Hz) up to half of the
            sampling rate.
        scoring : str, callable or None, default=None
            Score, as in scikit-learn; None for ``estimator.score``.
        n_repeats : int, default=10
            Number of permutations of each channel or band.
        sfreq : float or None, default=None
            Sampling rate in Hz; needed for bands if ``X`` is an array and the estimator was fitted
            on arrays.
        ch_names : sequence of str or None, default=None
            Names of the channels, if ``X`` is an array and the estimator was fitted on arrays.
        info : mne.Info or None, default=None
            Positions of the channels; None for those of the Epochs or, by name, of the 10-05
            system.
        n_jobs : int or None, default=None
            Number of jobs that run in parallel.
        random_state : int, RandomState or None, default=None
            Seed of the permutations.
        kind : {"auto", "topomap", "bar"}, default="auto"
            Kind of the plot of channels; ``"auto"`` for a topographic map if the positions of all
            channels, four or more, are known, else bars.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to plot on; None for a new figure.

        Returns
        -------
        display : ImportanceDisplay
            The display.

        Raises
        ------
        ValueError
            If a region has an unknown channel, a band has no frequency, the sampling rate or the
            names of the channels are needed and unknown, or ``predict`` does not take the groups.
        """
        y = labels_of(X) if y is None else y
        estimators = estimator if isinstance(estimator, list | tuple) else [estimator]
        trials, signal = _read(estimators[0], X)
        channels = find_channels(signal, ch_names, info, _CALLER)
        permute = _permutation(by, trials, channels, regions, bands, signal.sfreq or sfreq)
        index = np.tile(np.arange(len(trials))[:, None], len(permute.names))
        options = {"n_repeats": n_repeats, "n_jobs": n_jobs, "random_state": random_state}
        importances = []
        for item in map(unwrapped, estimators):
            arrange, domains = _as_received(item, X, signal, permute, len(trials))
            options["scoring"] = RearrangedScorer(
                check_scoring(item, scoring), arrange, _groups(item, groups, len(trials)), domains
            )
            result: Any = permutation_importance(item, index, y, **options)
            importances.append(result.importances)
        display = cls(
            np.concatenate(importances, axis=1),
            names=permute.names,
            bands=getattr(permute, "bands", None),
            info=channels.info if by == "channel" and regions is None else None,
            score_name=_score_name(estimators[0], scoring),
        )
        return display.plot(kind=kind, ax=ax)

    @property
    def mean(self) -> np.ndarray:
        """Mean importance over the permutations, of shape (n_features,)."""
        return np.asarray(self.importances).mean(axis=1)

    def plot(
        self,
        *,
        kind: Literal["auto", "topomap", "bar"] = "auto",
        cmap: str = "RdBu_r",
        ax: Any = None,
    ) -> Self:
        """Plot the mean importance; bars have error bars of one standard deviation.

        Parameters
        ----------
        kind : {"auto", "topomap", "bar"}, default="auto"
            Kind of the plot of channels; ``"auto"`` for a topographic map if the positions of all
            channels, four or more, are known, else bars.
        cmap : str, default="RdBu_r"
            Colour map of the topographic map.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to plot on; None for a new figure.

        Returns
        -------
        display : ImportanceDisplay
            The display.
        """
        channels = Channels(tuple(self.names), self.info)
        is_map = draws_map(kind, channels, "ImportanceDisplay")
        size = (4.2, 3.4) if is_map else (4.8, 1.2 + 0.22 * min(len(self.names), 24))
        (self.ax_,) = make_axes(ax, 1, "ImportanceDisplay", size=size)
        self.figure_ = self.ax_.figure
        label = f"Decrease in {self.score_name}"
        if is_map:
            limit = float(np.abs(self.mean).max()) or 1.0
            # Unlike the potentials of a pattern, importances are not smooth over the scalp. Cubic
            # interpolation between them would draw values that no channel has.
            options = {"cmap": cmap, "image_interp": "linear"}
            image = draw_map(self.ax_, self.mean, channels, limit, **options)
            self.figure_.colorbar(image, ax=self.ax_, shrink=0.7).set_label(label)
            return self
        rows = np.arange(len(self.names))
        deviation = np.asarray(self.importances).std(axis=1)
        self.ax_.barh(rows, self.mean, xerr=deviation, color=BLUE, ecolor=GREY, capsize=2)
        self.ax_.axvline(0, color=GREY, linewidth=0.8)
        self.ax_.set(xlabel=label, ylim=(len(rows) - 0.5, -0.5))
        labels = [
            name if self.bands is None else "{} ({:g}–{:g} Hz)".format(name, *self.bands[name])  # noqa: RUF001
            for name in self.names
        ]
        label_channels(self.ax_, labels, len(rows))
        self.ax_.set_ylabel("")
        remove_spines(self.ax_)
        return self


def _read(estimator: Any, X: Any) -> tuple[np.ndarray, Signal]:
    """Return trials as an array, and their signal."""
    fitted = getattr(_first_steps(estimator)[0], "signal_", None)
    trials, signal = read_trials(X, fitted)
    trials = np.asarray(trials)
    if trials.ndim != 3:
        raise ValueError(
            f"{_CALLER}: X has shape {trials.shape}; it should be (n_trials, n_chans, n_times)."
        )
    return trials, signal or fitted or Signal(trials.shape[1], trials.shape[2])


def _permutation(
    by: str, X: np.ndarray, channels: Channels, regions: Any, bands: Any, sfreq: float | None
) -> Any:
    """Return the exchange of channels or bands between trials."""
    if by == "channel":
        return channel_permutation(X, channels, regions)
    if by == "band":
        return band_permutation(X, bands, sfreq)
    raise ValueError(f"{_CALLER}: by={by!r} should be 'channel' or 'band'.")


def _as_received(
    estimator: Any, X: Any, signal: Signal, permute: Rearrange, n_trials: int
) -> tuple[Rearrange, Any]:
    """Let a permutation return Epochs if an aligner needs their metadata; return the domains."""
    aligners = [step for step in _first_steps(estimator) if is_aligner(step) and step.by]
    if not aligners or not is_epochs(X):
        return permute, None
    parts = list_epochs(X)
    domains = aligners[0]._labels(parts, None, n_trials)
    return RearrangedEpochs(permute, parts, signal.ch_names or ()), domains


def _first_steps(estimator: Any) -> list[Any]:
    """Return the steps of an estimator, or those of the first member of an ensemble."""
    members = members_of(estimator)
    return steps_of(members[0][0] if members else estimator)


def _groups(estimator: Any, groups: Any, n_trials: int) -> Any:
    """Return the groups, if the methods of the estimator take them."""
    if groups is None:
        return None
    with errors_named(_CALLER):
        groups = check_groups(groups, n_trials)
    # A pipeline takes them by metadata routing.
    if not isinstance(estimator, Pipeline) and not groups_argument(estimator, groups):
        raise ValueError(
            f"{_CALLER}: groups are the domains of an aligner, in an AlignedEstimator without by; "
            f"estimator={type(estimator).__name__} does not use them."
        )
    return groups


def _score_name(estimator: Any, scoring: Any) -> str:
    if scoring is None:
        return "accuracy" if is_classifier(estimator) else "R²"
    return scoring.replace("_", " ") if isinstance(scoring, str) else "score"
