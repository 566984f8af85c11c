"""Scorer that keeps the learning curves of the candidates of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import check_scoring

from ._estimators import fitted_network
from ._histories import PREFIX, read_history

_COLUMNS = ("train_loss", "valid_loss", "train_score", "valid_score")


class HistoryScorer:
    """Scorer that keeps the history of each fit in a search.

    A search keeps the scores of its candidates, but not their histories. With this scorer, the
    losses and scores of each epoch become additional scores, so that
    :meth:`HistoryDisplay.from_search` can plot them. It works with any number of jobs.

    Parameters
    ----------
    scoring : str, callable or None, default=None
        Score by which candidates are compared, as in scikit-learn; None for ``estimator.score``.
        It is called ``"score"``, so that the search needs ``refit="score"``, or ``refit=False``.
    columns : sequence of str, default=("train_loss", "valid_loss", "train_score", "valid_score")
        Columns of the history to keep, of those that it has.
    max_epochs : int or None, default=None
        Number of epochs for which there is space; None for ``max_epochs`` of the estimator. Set it
        to the largest value if ``max_epochs`` is searched.

    See Also
    --------
    HistoryDisplay.from_search : Plot the histories of a search.

    Notes
    -----
    ``cv_results_`` has the usual entries, e.g. ``"mean_test_score"``, and entries such as
    ``"split0_test_history_valid_loss_012"`` for each column and epoch. Epochs after the end of a
    fit are zero there, and ``"split0_test_history_n_epochs"`` is the number of epochs.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.datasets import make_motor_imagery
    >>> from eegsk.display import HistoryDisplay, HistoryScorer
    >>> X, y, _ = make_motor_imagery(n_subjects=1, n_trials=40, random_state=0)
    >>> classifier = EEGNetClassifier(max_epochs=2, valid_split=0.25, random_state=0)
    >>> search = GridSearchCV(
    ...     classifier,
    ...     {"activation": ["relu", "elu"]},
    ...     scoring=HistoryScorer(),
    ...     refit="score",
    ...     cv=2,
    ... ).fit(X, y)
    >>> list(HistoryDisplay.from_search(search).histories)
    ['activation=relu', 'activation=elu']
    """

    def __init__(
        self,
        scoring: Any = None,
        *,
        columns: Sequence[str] = _COLUMNS,
        max_epochs: int | None = None,
    ) -> None:
        self.scoring = scoring
        self.columns = columns
        self.max_epochs = max_epochs

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> dict[str, float]:
        """Score a fitted estimator, and return its history as further scores.

        Parameters
        ----------
        estimator : estimator
            Fitted estimator of eegsk, or pipeline that ends in one.
        X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
            Test trials.
        y : array-like of shape (n_trials,) or None, default=None
            Their targets.

        Returns
        -------
        scores : dict
            ``"score"`` and the values of the history.

        Raises
        ------
        ValueError
            If the history has more than ``max_epochs`` epochs.
        """
        network = fitted_network(estimator, "HistoryScorer")
        columns, best_epoch = read_history(network)
        n_epochs = len(network.history_)
        n_kept = network.max_epochs if self.max_epochs is None else self.max_epochs
        if n_epochs > n_kept:
            raise ValueError(
                f"HistoryScorer: the history has {n_epochs} epochs, but max_epochs={n_kept}; pass "
                f"max_epochs={n_epochs} to HistoryScorer."
            )
        scorer: Any = check_scoring(estimator, self.scoring)
        scores = {"score": float(scorer(estimator, X, y))}
        scores[f"{PREFIX}n_epochs"] = n_epochs
        scores[f"{PREFIX}best_epoch"] = best_epoch or 0
        for name in self.columns:
            if name in columns:
                values = np.zeros(n_kept)
                values[:n_epochs] = columns[name]
                scores |= {
                    f"{PREFIX}{name}_{epoch:03d}": float(value)
                    for epoch, value in enumerate(values, start=1)
                }
        return scores
