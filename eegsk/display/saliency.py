"""Saliency: contribution of each channel and time point to the outputs of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np

from .._epochs import is_epochs
from ._attributions import Attribution
from ._estimators import fitted_networks, recorded_signal
from ._matplotlib import GREY, label_channels, make_axes
from ._network import output_names, output_unit
from ._scalp import find_names

_CALLER = "SaliencyDisplay.from_estimator"


class SaliencyDisplay:
    r"""Contribution of each channel and time point to the outputs of a network.

    It is recommended to create a display by :meth:`from_estimator`.

    Parameters
    ----------
    attributions : array of shape (n_classes, n_chans, n_times) or (n_classes, n_chans, n_freqs)
        Mean contribution of each sample, or of each frequency, over the trials of a class.
    class_names : sequence of str
        Names of the classes or targets.
    places : array of shape (n_times,) or (n_freqs,) or None, default=None
        Times in seconds, or frequencies in Hz; None if the sampling rate is unknown.
    domain : {"time", "frequency"}, default="time"
        Whether ``places`` are times or frequencies.
    ch_names : sequence of str or None, default=None
        Names of the channels.
    unit : str, default="logit"
        Unit of the attributions.

    Attributes
    ----------
    axes_ : array of matplotlib.axes.Axes
        Axes of the classes.
    figure_ : matplotlib.figure.Figure
        Figure that contains the axes.

    See Also
    --------
    ImportanceDisplay : Importance of channels and frequency bands, for every estimator.
    PatternDisplay : Spatial patterns of the sources.

    Notes
    -----
    The output that is explained is the logit of a class minus the mean logit of the other classes,
    e.g. the decision function for two classes, or a predicted target. It is a function :math:`f`
    of a trial :math:`x` in its recorded unit: standardisation is a part of the network, and so are
    the spatial filters of an aligner before it. If the aligner has a ``band``, :math:`x` is the
    filtered trial. The network is in evaluation mode and, on a CPU, in double precision, as in
    ``predict``.

    With :math:`x_0` the trial in which each channel is constant at its mean over the given trials,

    - ``"gradient_x_input"`` is :math:`(x - x_0) \, \partial f / \partial x`;
    - ``"integrated_gradients"`` is the same with the mean of the gradient between :math:`x_0` and
      :math:`x` [1]_. The attributions of a trial sum to :math:`f(x) - f(x_0)`.

    Integrated gradients do not suit networks that compute the logarithm of the power, e.g.
    ShallowConvNet, because the logarithm diverges at :math:`x_0`.

    Attributions have the unit of :math:`f`, whatever the unit of the trials is. Positive ones
    support the class. Attributions are averaged over the trials of each class. The phase of an
    oscillation does not matter to the mean, because a sample and its gradient change sign together
    where the network uses the power of an oscillation.

    References
    ----------
    .. [1] Sundararajan, M., Taly, A., & Yan, Q. (2017). Axiomatic attribution for deep networks.
       ICML. https://doi.org/10.48550/arXiv.1703.01365

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.datasets import make_motor_imagery
    >>> from eegsk.display import SaliencyDisplay
    >>> epochs, y, _ = make_motor_imagery(
    ...     n_subjects=1, n_trials=20, as_epochs=True, random_state=0
    ... )
    >>> classifier = EEGNetClassifier(max_epochs=1, random_state=0).fit(epochs, y)
    >>> display = SaliencyDisplay.from_estimator(classifier, epochs, y)
    >>> display.attributions.shape
    (2, 16, 256)
    """

    def __init__(
        self,
        attributions: Any,
        *,
        class_names: Sequence[str],
        places: Any = None,
        domain: Literal["time", "frequency"] = "time",
        ch_names: Sequence[str] | None = None,
        unit: str = "logit",
    ) -> None:
        self.attributions = attributions
        self.class_names = class_names
        self.places = places
        self.domain = domain
        self.ch_names = ch_names
        self.unit = unit

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        groups: Any = None,
        method: Literal["gradient_x_input", "integrated_gradients"] = "gradient_x_input",
        domain: Literal["time", "frequency"] = "time",
        n_steps: int = 32,
        sfreq: float | None = None,
        ch_names: Sequence[str] | None = None,
        cmap: str = "RdBu_r",
        ax: Any = None,
    ) -> Self:
        """Compute and plot the attributions of a fitted estimator.

        Parameters
        ----------
        estimator : estimator or list of estimators
            Fitted estimator of eegsk, or a pipeline, an ``AlignedEstimator``, a voting ensemble or
            a search that ends in one. The attributions of several estimators, and of the members of
            an ensemble, e.g. with different seeds, are averaged.
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Trials, best those that were not used for training.
        y : array-like of shape (n_trials,) or None, default=None
            Labels; None for the names of the events of Epochs and the labels of LazyTrials, or the
            predicted labels for other trials. Regressors do not use ``y``.
        groups : array-like of shape (n_trials,) or None, default=None
            Domain of each trial, e.g. its session, if the estimator has an aligner without ``by``.
        method : {"gradient_x_input", "integrated_gradients"}, default="gradient_x_input"
            The attribution method; ``"integrated_gradients"`` requires captum, which
            ``pip install 'eegsk[interpret]'`` installs.
        domain : {"time", "frequency"}, default="time"
            Whether the contributions are those of samples or of frequencies.
        n_steps : int, default=32
            Number of gradients between baseline and trial for integrated gradients.
        sfreq : float or None, default=None
            Sampling rate in Hz, if the estimator was fitted on arrays.
        ch_names : sequence of str or None, default=None
            Names of the channels, if the estimator was fitted on arrays.
        cmap : str, default="RdBu_r"
            Colour map.
        ax : matplotlib.axes.Axes, array-like of Axes, or None, default=None
            Axes to plot on, one for each class; None for a new figure.

        Returns
        -------
        display : SaliencyDisplay
            The display.

        Raises
        ------
        ImportError
            If captum is needed and not installed.
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If it is not an estimator of eegsk.
        ValueError
            If the trials do not match those of ``fit``, a class has no trial, the classes of
            several estimators differ, or there are groups, but no aligner.
        """
        estimators = estimator if isinstance(estimator, list | tuple) else [estimator]
        networks = [fitted_networks(item, _CALLER)[0] for item in estimators]
        names, *rest = map(output_names, networks, estimators)
        if any(item != names for item in rest):
            raise ValueError(f"{_CALLER}: the estimators have different classes or targets.")
        attribute = Attribution(_CALLER, X, y, groups, method, domain, n_steps)
        attributions = [attribute(item) for item in estimators]
        signal = recorded_signal(estimators[0])
        display = cls(
            np.mean(attributions, axis=0),
            class_names=names,
            places=_places(X, signal.n_times, signal.sfreq or sfreq, domain),
            domain=domain,
            ch_names=find_names(signal, ch_names, _CALLER),
            unit=output_unit(networks[0]),
        )
        return display.plot(cmap=cmap, ax=ax)

    @property
    def by_channel(self) -> np.ndarray:
        """Attributions summed over time or frequency, of shape (n_classes, n_chans)."""
        return self.attributions.sum(axis=2)

    @property
    def by_place(self) -> np.ndarray:
        """Attributions summed over channels, of shape (n_classes, n_times or n_freqs)."""
        return self.attributions.sum(axis=1)

    def plot(self, *, cmap: str = "RdBu_r", ax: Any = None) -> Self:
        """Plot the attributions of each class as an image.

        Parameters
        ----------
        cmap : str, default="RdBu_r"
            Colour map. White is zero, and all classes have the same limits.
        ax : matplotlib.axes.Axes, array-like of Axes, or None, default=None
            Axes to plot on, one for each class; None for a new figure.

        Returns
        -------
        display : SaliencyDisplay
            The display.
        """
        n_classes, n_chans, _ = self.attributions.shape
        height = 1.6 + 0.14 * min(n_chans, 24)
        self.axes_ = make_axes(
            ax, n_classes, "SaliencyDisplay", n_cols=3, size=(3.6, height), sharex=True, sharey=True
        )
        self.figure_ = self.axes_[0].figure
        limit = np.abs(self.attributions).max() or 1.0
        for panel, values, name in zip(
            self.axes_, self.attributions, self.class_names, strict=True
        ):
            self._plot_class(panel, values, limit, cmap)
            panel.set_title(name)
            panel.label_outer()
        bar = self.figure_.colorbar(self.axes_[0].images[0], ax=self.axes_.tolist(), pad=0.02)
        place = "sample" if self.domain == "time" else "frequency bin"
        bar.set_label(f"Attribution ({self.unit} per {place})")
        return self

    def _plot_class(self, panel: Any, values: np.ndarray, limit: float, cmap: str) -> None:
        n_chans, n_places = values.shape
        places = np.arange(n_places) if self.places is None else np.asarray(self.places)
        half = (places[1] - places[0]) / 2 if n_places > 1 else 0.5
        panel.imshow(
            values,
            extent=(places[0] - half, places[-1] + half, n_chans - 0.5, -0.5),
            vmin=-limit,
            vmax=limit,
            cmap=cmap,
            aspect="auto",
            interpolation="nearest",
        )
        units = {"time": ("s", "samples"), "frequency": ("Hz", "index")}[self.domain]
        panel.set_xlabel(f"{self.domain.capitalize()} ({units[self.places is None]})")
        if self.domain == "time" and places[0] < 0 < places[-1]:
            panel.axvline(0, color=GREY, linewidth=0.8, linestyle=":")  # the event
        label_channels(panel, self.ch_names, n_chans)


def _places(X: Any, n_times: int, sfreq: float | None, domain: str) -> np.ndarray | None:
    """Return the frequencies in Hz or the times in seconds, for Epochs relative to the event."""
    if domain == "frequency":
        return None if sfreq is None else np.fft.rfftfreq(n_times, 1 / sfreq)
    if is_epochs(X):
        times = (X[0] if isinstance(X, list | tuple) else X).times
        if len(times) == n_times:
            return times
    return None if sfreq is None else np.arange(n_times) / sfreq
