"""Scores of subjects, with chance level and confidence intervals."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from scipy import stats
from sklearn.base import is_classifier
from sklearn.metrics import r2_score

from ..alignment import groups_argument
from ..signals import labels_of
from ._matplotlib import COLORS, GREY, MARKERS, make_axes, remove_spines
from ._names import named_estimators

Metric = Callable[[Any, Any], float]

# Resamples of the trials of a subject for the confidence interval of a score that is not accuracy.
_N_RESAMPLES = 1000


class SubjectDisplay:
    """Scores of subjects, with chance level and confidence intervals.

    Scores differ more between subjects than between networks, so that a mean score alone says
    little. If there are two estimators, they are compared by a Wilcoxon signed-rank test of the
    paired scores [1]_, as in MOABB [2]_. It is recommended to create a display by
    :meth:`from_predictions` or :meth:`from_estimator`.

    Parameters
    ----------
    scores : dict
        Scores of each estimator by its name, arrays of shape (n_subjects,).
    subjects : sequence or None, default=None
        Names of the subjects; None for numbers from 1.
    intervals : dict or None, default=None
        Confidence intervals of the scores of each estimator, arrays of shape (n_subjects, 2).
    chance : float or None, default=None
        Chance level, i.e. the score of guessing.
    chance_limits : array of shape (n_subjects,) or None, default=None
        Score of each subject that guessing exceeds in 5 % of cases.
    score_name : str, default="Score"
        Name of the score.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        Figure that contains the axes.

    Notes
    -----
    The interval of the accuracy of a subject is Wilson's [3]_, that of another score the bootstrap
    interval over trials. The interval of the mean is that of Student's t distribution over
    subjects. All intervals have a confidence level of 95 %. The chance level is the frequency of
    the most frequent label. ``chance_limits`` are quantiles of the binomial distribution with this
    probability.

    The test assumes that subjects are independent, as in a cross-validation over sessions or trials
    of each subject. If subjects were left out in turn, the estimators share most of their training
    data, and the p-value is too small.

    References
    ----------
    .. [1] Wilcoxon, F. (1945). Individual comparisons by ranking methods. Biometrics Bulletin,
       1(6), 80-83. https://doi.org/10.2307/3001968
    .. [2] Jayaram, V., & Barachant, A. (2018). MOABB: trustworthy algorithm benchmarking for BCIs.
       Journal of Neural Engineering, 15(6), 066011. https://doi.org/10.1088/1741-2552/aadea0
    .. [3] Wilson, E. B. (1927). Probable inference, the law of succession, and statistical
       inference. Journal of the American Statistical Association, 22(158), 209-212.
       https://doi.org/10.1080/01621459.1927.10502953

    Examples
    --------
    >>> from eegsk.display import SubjectDisplay
    >>> display = SubjectDisplay(
    ...     {
    ...         "EEGNet": [0.8, 0.7, 0.9, 0.6, 0.75, 0.85],
    ...         "CSP + LDA": [0.7, 0.65, 0.75, 0.55, 0.77, 0.70],
    ...     },
    ...     chance=0.5,
    ... )
    >>> display.plot()
    <...>
    >>> round(float(display.p_value), 3)
    0.062
    """

    def __init__(
        self,
        scores: Mapping[str, Any],
        *,
        subjects: Sequence[Any] | None = None,
        intervals: Mapping[str, Any] | None = None,
        chance: float | None = None,
        chance_limits: Any = None,
        score_name: str = "Score",
    ) -> None:
        self.scores = scores
        self.subjects = subjects
        self.intervals = intervals
        self.chance = chance
        self.chance_limits = chance_limits
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        groups: Any,
        metric: Metric | None = None,
        chance: float | None = None,
        ax: Any = None,
    ) -> Self:
        """Plot the scores of one or several fitted estimators for each subject.

        Parameters
        ----------
        estimator : estimator, list, or dict
            Fitted estimator, list of estimators, or dictionary of estimators by name.
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Trials that were not used for training.
        y : array-like of shape (n_trials,) or None, default=None
            Targets; None for the names of the events of Epochs and the labels of LazyTrials.
        groups : array-like of shape (n_trials,)
            Subject of each trial.
        metric : callable or None, default=None
            See :meth:`from_predictions`.
        chance : float or None, default=None
            See :meth:`from_predictions`.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to plot on; None for a new figure.

        Returns
        -------
        display : SubjectDisplay
            The display.
        """
        estimators = named_estimators(estimator)
        first = next(iter(estimators.values()))
        y = labels_of(X) if y is None else y
        if y is None:
            raise ValueError("SubjectDisplay: y is None; pass the targets, or Epochs with events.")
        predictions = {
            name: item.predict(X, **groups_argument(item, groups))
            for name, item in estimators.items()
        }
        return cls.from_predictions(
            y,
            predictions,
            groups=groups,
            metric=metric if metric is not None or is_classifier(first) else r2_score,
            chance=chance,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        *,
        groups: Any,
        metric: Metric | None = None,
        chance: float | None = None,
        ax: Any = None,
    ) -> Self:
        """Plot the scores of predictions for each subject.

        Parameters
        ----------
        y_true : array-like of shape (n_trials,)
            Targets.
        y_pred : array-like of shape (n_trials,), or dict
            Predictions, e.g. of :func:`sklearn.model_selection.cross_val_predict`, or a dictionary
            of predictions by the name of the estimator.
        groups : array-like of shape (n_trials,)
            Subject of each trial.
        metric : callable or None, default=None
            Score ``metric(y_true, y_pred)``, e.g. ``balanced_accuracy_score``; None for accuracy.
        chance : float or None, default=None
            Chance level. If it is None and ``metric`` is None, it is the frequency of the most
            frequent label.
        ax : matplotlib.axes.Axes or None, default=None
            Axes to plot on; None for a new figure.

        Returns
        -------
        display : SubjectDisplay
            The display.

        Raises
        ------
        ValueError
            If targets, predictions and groups have different lengths.
        """
        y_true, groups = np.asarray(y_true), np.asarray(groups)
        predictions = y_pred if isinstance(y_pred, Mapping) else {"estimator": y_pred}
        predictions = {name: np.asarray(values) for name, values in predictions.items()}
        for name, values in {**predictions, "groups": groups}.items():
            if len(values) != len(y_true):
                raise ValueError(
                    f"SubjectDisplay: {name} has {len(values)} values, but y_true has "
                    f"{len(y_true)}; give one for each trial."
                )
        subjects = np.unique(groups)
        members = [np.flatnonzero(groups == subject) for subject in subjects]
        results = {
            name: [_score(y_true[trials], values[trials], metric) for trials in members]
            for name, values in predictions.items()
        }
        limits = None
        if metric is None:
            chance = _most_frequent(y_true) if chance is None else chance
            sizes = np.array([len(trials) for trials in members])
            limits = stats.binom.ppf(0.95, sizes, chance) / sizes
        display = cls(
            {name: np.array([score for score, _ in row]) for name, row in results.items()},
            subjects=list(subjects),
            intervals={name: np.array([ends for _, ends in row]) for name, row in results.items()},
            chance=chance,
            chance_limits=limits,
            score_name=_metric_name(metric),
        )
        return display.plot(ax=ax)

    @property
    def p_value(self) -> float:
        """P-value of the two-sided Wilcoxon signed-rank test of two estimators."""
        if len(self.scores) != 2:
            raise ValueError(
                f"SubjectDisplay: the test compares two estimators, but there are "
                f"{len(self.scores)}."
            )
        first, second = (np.asarray(values, dtype=float) for values in self.scores.values())
        if np.array_equal(first, second):
            return 1.0
        result: Any = stats.wilcoxon(first, second)
        return float(result.pvalue)

    @property
    def mean_intervals(self) -> dict[str, Interval]:
        """Mean score of each estimator, with its 95 % confidence interval over subjects."""
        return {name: _mean_interval(values) for name, values in self.scores.items()}

    def plot(self, *, ax: Any = None) -> Self:
        """Plot the scores, sorted by the mean over estimators.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Axes to plot on; None for a new figure.

        Returns
        -------
        display : SubjectDisplay
            The display.
        """
        n_subjects = len(next(iter(self.scores.values())))
        size = (3.0 + 0.32 * min(max(n_subjects, 6), 30), 3.8)
        (self.ax_,) = make_axes(ax, 1, "SubjectDisplay", size=size)
        self.figure_ = self.ax_.figure
        order = np.argsort(np.mean([*self.scores.values()], axis=0), kind="stable")[::-1]
        self._plot_chance(order)
        for number, name in enumerate(self.scores):
            self._plot_scores(number, name, order)
        names = np.arange(1, n_subjects + 1) if self.subjects is None else self.subjects
        places = [*range(n_subjects), n_subjects + 0.5]
        labels = [*(str(names[index]) for index in order), "mean"]
        self.ax_.set_xticks(places, labels, rotation=90 if n_subjects > 20 else 0)
        self.ax_.set(xlabel="Subject", ylabel=self.score_name)
        self.ax_.axvline(n_subjects - 0.25, color="0.85", linewidth=0.8)
        if len(self.scores) == 2:
            self.ax_.set_title(self._test_result(), fontsize="medium", loc="left")
        remove_spines(self.ax_)
        self.ax_.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        return self

    def _plot_chance(self, order: np.ndarray) -> None:
        if self.chance is None:
            return
        n_subjects = len(order)
        self.ax_.axhline(self.chance, color=GREY, linestyle="--", linewidth=1, label="chance")
        if self.chance_limits is not None:
            limits = np.asarray(self.chance_limits)[order]
            self.ax_.bar(
                np.arange(n_subjects),
                limits - self.chance,
                bottom=self.chance,
                width=1.0,
                color="0.9",
                zorder=0,
                label="guessing, 95 % of cases",
            )

    def _plot_scores(self, number: int, name: str, order: np.ndarray) -> None:
        n_subjects, n_estimators = len(order), len(self.scores)
        shift = 0.6 / n_estimators * (number - (n_estimators - 1) / 2)
        style = {"color": COLORS[number % len(COLORS)], "fmt": MARKERS[number % len(MARKERS)]}
        scores = np.asarray(self.scores[name], dtype=float)[order]
        ends = None if self.intervals is None else np.asarray(self.intervals[name])[order].T
        errors = None if ends is None else np.abs(ends - scores)
        places = np.arange(n_subjects) + shift
        self.ax_.errorbar(places, scores, errors, elinewidth=1, markersize=6, label=name, **style)
        mean, low, high = self.mean_intervals[name]
        error = [[mean - low], [high - mean]]
        self.ax_.errorbar(
            n_subjects + 0.5 + 1.5 * shift, mean, error, capsize=4, markersize=8, **style
        )

    def _test_result(self) -> str:
        first, second = self.scores
        difference = np.asarray(self.scores[second]) - np.asarray(self.scores[first])
        mean, low, high = _mean_interval(difference)
        text = (
            f"{second} minus {first}: {mean:+.3f} (95 % CI {low:+.3f} to {high:+.3f})\n"
            f"Wilcoxon signed rank, {len(difference)} subjects: p = {self.p_value:.2g}"
        )
        return text.replace("-", "\N{MINUS SIGN}") if "-" not in first + second else text


class Interval(NamedTuple):
    """Mean with the limits of its confidence interval."""

    mean: float
    low: float
    high: float


def _mean_interval(values: Any) -> Interval:
    values = np.asarray(values, dtype=float)
    mean = float(values.mean())
    if len(values) < 2:
        return Interval(mean, np.nan, np.nan)
    error = stats.sem(values) * stats.t.ppf(0.975, len(values) - 1)
    return Interval(mean, float(mean - error), float(mean + error))


def _score(y_true: np.ndarray, y_pred: np.ndarray, metric: Metric | None) -> tuple[float, Any]:
    """Return the score of a subject and its 95 % confidence interval."""
    if metric is None:
        correct = y_true == y_pred
        interval = stats.binomtest(int(correct.sum()), len(correct)).proportion_ci(method="wilson")
        return float(correct.mean()), (interval.low, interval.high)
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a resample can lack a class
        resamples = rng.integers(len(y_true), size=(_N_RESAMPLES, len(y_true)))
        scores = [metric(y_true[index], y_pred[index]) for index in resamples]
    return float(metric(y_true, y_pred)), np.nanpercentile(scores, [2.5, 97.5])


def _most_frequent(y: np.ndarray) -> float:
    """Return the frequency of the most frequent label."""
    return float(np.unique(y, return_counts=True)[1].max() / len(y))


def _metric_name(metric: Metric | None) -> str:
    if metric is None:
        return "Accuracy"
    name = getattr(metric, "__name__", "score").removesuffix("_score").replace("_", " ")
    return {"r2": "R²"}.get(name, name.capitalize())
