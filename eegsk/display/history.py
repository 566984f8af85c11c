"""Learning curves: loss and score by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from ._estimators import fitted_networks, is_search
from ._histories import keeps_histories, kept_history, read_history
from ._matplotlib import COLORS, GREY, MARKERS, make_axes, remove_spines
from ._names import named_estimators, names_by_parameters

_CALLER = "HistoryDisplay"
# Names and units of losses on axes.
_LOSSES = {"cross_entropy": "Cross-entropy (nats)", "mse": "Mean squared error (standardised y)"}


class HistoryDisplay:
    """Learning curves: loss and score by epoch, in training and validation.

    It is recommended to create a display by :meth:`from_estimator`, :meth:`from_cv_results` or
    :meth:`from_search`.

    Parameters
    ----------
    histories : dict
        For each curve, by its name, a list with the history of each fit, e.g. of each fold. A
        history is a pair of a dictionary of columns, e.g. ``{"train_loss": [0.7, 0.6]}``, and the
        best epoch, counted from 1, or None.
    labels : dict or None, default=None
        Labels of the vertical axes by quantity, e.g. ``{"loss": "Cross-entropy (nats)"}``.

    Attributes
    ----------
    axes_ : array of matplotlib.axes.Axes
        Axes of the quantities.
    figure_ : matplotlib.figure.Figure
        Figure that contains the axes.

    See Also
    --------
    HistoryScorer : Keep the histories of a search.
    sklearn.model_selection.LearningCurveDisplay : Score by number of training trials.

    Notes
    -----
    The lines of several fits are the mean over fits, and the bands are one standard deviation wide
    on both sides. If fits have different numbers of epochs, e.g. because of early stopping, the
    mean is that of the fits that are still training.

    The best epoch is that of a callback with an attribute ``best_epoch_``, e.g. ``EarlyStopping``,
    or else the epoch with the lowest validation loss. The marker of several fits is at the median
    of their best epochs.

    The training score of an epoch is computed during training, with dropout.

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.datasets import make_motor_imagery
    >>> from eegsk.display import HistoryDisplay
    >>> X, y, _ = make_motor_imagery(n_subjects=1, n_trials=40, random_state=0)
    >>> classifier = EEGNetClassifier(max_epochs=3, valid_split=0.25, random_state=0).fit(X, y)
    >>> display = HistoryDisplay.from_estimator(classifier)
    >>> columns, best_epoch = display.histories["EEGNetClassifier"][0]
    >>> columns["valid_loss"].shape
    (3,)
    """

    def __init__(
        self, histories: Mapping[str, Sequence[Any]], *, labels: Mapping[str, str] | None = None
    ) -> None:
        self.histories = histories
        self.labels = labels

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        quantities: Sequence[str] = ("loss", "score"),
        ax: Any = None,
    ) -> Self:
        """Plot the learning curves of one or several fitted estimators.

        Parameters
        ----------
        estimator : estimator, list, or dict
            Fitted estimator, pipeline or ``AlignedEstimator`` that ends in one, voting ensemble, or
            search. Each estimator in a list, or in a dictionary by name, is a curve; each list in a
            dictionary, and each ensemble, is a curve with the mean and the standard deviation of
            its estimators. A search whose scorer is :class:`HistoryScorer` has a
            curve for each candidate, another search one for its best estimator.
        quantities : sequence of str, default=("loss", "score")
            Quantities to plot, each on its axes: columns of the history, or their names without
            ``train_`` and ``valid_``.
        ax : matplotlib.axes.Axes, array-like of Axes, or None, default=None
            Axes to plot on, one for each quantity; None for a new figure.

        Returns
        -------
        display : HistoryDisplay
            The display.

        Raises
        ------
        NotFittedError
            If an estimator is not fitted.
        TypeError
            If an estimator is not one of eegsk.
        ValueError
            If there is no such quantity.
        """
        if is_search(estimator) and keeps_histories(estimator):
            return cls.from_search(estimator, quantities=quantities, ax=ax)
        caller = f"{_CALLER}.from_estimator"
        networks = {
            name: [
                network
                for fit in (item if _is_list(item) else [item])
                for network in fitted_networks(fit, caller)
            ]
            for name, item in named_estimators(estimator).items()
        }
        first = next(iter(networks.values()))[0]
        histories = {name: [read_history(fit) for fit in fits] for name, fits in networks.items()}
        return cls(histories, labels=_labels(first)).plot(quantities=quantities, ax=ax)

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        *,
        quantities: Sequence[str] = ("loss", "score"),
        ax: Any = None,
    ) -> Self:
        """Plot the mean learning curves over the folds of a cross-validation.

        Parameters
        ----------
        cv_results : dict
            Result of :func:`sklearn.model_selection.cross_validate` with ``return_estimator=True``,
            or a dictionary of such results by name.
        quantities : sequence of str, default=("loss", "score")
            See :meth:`from_estimator`.
        ax : matplotlib.axes.Axes, array-like of Axes, or None, default=None
            Axes to plot on, one for each quantity; None for a new figure.

        Returns
        -------
        display : HistoryDisplay
            The display.

        Raises
        ------
        ValueError
            If the result has no estimators.
        """
        is_single = "test_score" in cv_results or "fit_time" in cv_results
        results = {"": cv_results} if is_single else cv_results
        for result in results.values():
            if "estimator" not in result:
                raise ValueError(
                    f"{_CALLER}.from_cv_results: cv_results has no estimators; call cross_validate "
                    "with return_estimator=True."
                )
        if is_single:
            name = type(fitted_networks(cv_results["estimator"][0], _CALLER)[0]).__name__
            results = {name: cv_results}
        estimators = {name: list(result["estimator"]) for name, result in results.items()}
        return cls.from_estimator(estimators, quantities=quantities, ax=ax)

    @classmethod
    def from_search(
        cls,
        search: Any,
        *,
        quantities: Sequence[str] = ("loss", "score"),
        ax: Any = None,
    ) -> Self:
        """Plot the mean learning curves over folds of each candidate of a search.

        Parameters
        ----------
        search : GridSearchCV or RandomizedSearchCV
            Fitted search whose ``scoring`` is a :class:`HistoryScorer`.
        quantities : sequence of str, default=("loss", "score")
            See :meth:`from_estimator`.
        ax : matplotlib.axes.Axes, array-like of Axes, or None, default=None
            Axes to plot on, one for each quantity; None for a new figure.

        Returns
        -------
        display : HistoryDisplay
            The display.

        Raises
        ------
        NotFittedError
            If the search is not fitted.
        ValueError
            If the search has not kept the histories.
        """
        check_is_fitted(search, "cv_results_")
        if not keeps_histories(search):
            raise ValueError(
                f"{_CALLER}.from_search: the search has not kept the histories; fit it with "
                "scoring=HistoryScorer() and refit='score'."
            )
        results = search.cv_results_
        names = names_by_parameters(results["params"])
        histories = {
            name: [kept_history(results, split, number) for split in range(search.n_splits_)]
            for number, name in enumerate(names)
        }
        display = cls(histories, labels=_labels(search.estimator))
        return display.plot(quantities=quantities, ax=ax)

    def plot(self, *, quantities: Sequence[str] = ("loss", "score"), ax: Any = None) -> Self:
        """Plot the curves.

        Parameters
        ----------
        quantities : sequence of str, default=("loss", "score")
            See :meth:`from_estimator`.
        ax : matplotlib.axes.Axes, array-like of Axes, or None, default=None
            Axes to plot on, one for each quantity; None for a new figure.

        Returns
        -------
        display : HistoryDisplay
            The display.
        """
        columns = {quantity: self._columns_of(quantity) for quantity in quantities}
        self.axes_ = make_axes(ax, len(columns), _CALLER, n_cols=2, size=(4.2, 3.4))
        self.figure_ = self.axes_[0].figure
        for panel, (quantity, names) in zip(self.axes_, columns.items(), strict=True):
            for number, fits in enumerate(self.histories.values()):
                for column in names:
                    _plot_curve(panel, fits, column, number)
            label = (self.labels or {}).get(quantity, quantity.replace("_", " ").capitalize())
            panel.set(xlabel="Epoch", ylabel=label)
            panel.margins(x=0.02)
            remove_spines(panel)
        self._add_legend([name for names in columns.values() for name in names])
        return self

    def _columns_of(self, quantity: str) -> list[str]:
        """Return the columns of a quantity that at least one history has."""
        existing = {
            name for fits in self.histories.values() for columns, _ in fits for name in columns
        }
        names = [f"train_{quantity}", f"valid_{quantity}", quantity]
        columns = [name for name in names if name in existing]
        if not columns:
            raise ValueError(
                f"{_CALLER}: there is no quantity {quantity!r} in the histories; the columns are "
                f"{', '.join(sorted(existing))}."
            )
        return columns

    def _add_legend(self, columns: Sequence[str]) -> None:
        """Explain the colours of the curves, and the styles of training and validation."""
        panel = self.axes_[-1]
        handles = []
        if len(self.histories) > 1:
            for number, name in enumerate(self.histories):
                handles += panel.plot([], [], color=COLORS[number % len(COLORS)], label=name)
        has_marker = any(best for fits in self.histories.values() for _, best in fits)
        if any(name.startswith("train_") for name in columns):
            handles += panel.plot([], [], linestyle=":", color=GREY, label="training")
        if any(name.startswith("valid_") for name in columns):
            handles += panel.plot([], [], color=GREY, label="validation")
        n_fits = max(map(len, self.histories.values()))
        if n_fits > 1:
            band = panel.fill_between([], [], color=GREY, alpha=0.3, linewidth=0)
            band.set_label(f"± 1 SD of {n_fits} fits")
            handles.append(band)
        if has_marker:
            handles += panel.plot([], [], "o", color=GREY, label="best epoch")
        panel.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _plot_curve(panel: Any, fits: Sequence[Any], column: str, number: int) -> None:
    """Plot mean and standard deviation of a column over fits, and the median best epoch."""
    curves = [np.asarray(columns[column], float) for columns, _ in fits if column in columns]
    if not curves:
        return
    values = np.full((len(curves), max(map(len, curves))), np.nan)
    for row, curve in zip(values, curves, strict=True):
        row[: len(curve)] = curve
    epochs = np.arange(1, values.shape[1] + 1)
    mean, deviation = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    color = COLORS[number % len(COLORS)]
    is_training = column.startswith("train_")
    panel.plot(epochs, mean, ":" if is_training else "-", color=color, linewidth=1.6)
    if is_training:
        return
    if len(curves) > 1:
        panel.fill_between(
            epochs, mean - deviation, mean + deviation, color=color, alpha=0.18, linewidth=0
        )
    best_epochs = [best for _, best in fits if best]
    if best_epochs:
        best = int(np.median(best_epochs))
        marker = MARKERS[number % len(MARKERS)]
        panel.plot(best, mean[best - 1], marker, color=color, markersize=8, markeredgecolor="w")


def _labels(estimator: Any) -> dict[str, str]:
    """Return the labels of the axes of loss and score."""
    last = estimator[-1] if hasattr(estimator, "steps") else estimator
    loss = getattr(last, "criterion", None)
    standardized = getattr(last, "standardize_target", True)
    label = _LOSSES.get(loss, "Loss") if isinstance(loss, str) and standardized else "Loss"
    return {"loss": label, "score": "Accuracy" if is_classifier(estimator) else "R²"}


def _is_list(item: Any) -> bool:
    return isinstance(item, list | tuple)
