"""Histories of fitted estimators, and those that a search has kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

# Beginning of the names of the scores by which HistoryScorer keeps histories.
PREFIX = "history_"


class History(NamedTuple):
    """Learning curves of one fit.

    Parameters
    ----------
    columns : dict
        Arrays of shape (n_epochs,) by name, e.g. ``"valid_loss"``.
    best_epoch : int or None
        The best epoch, counted from 1; None without validation.
    """

    columns: dict[str, np.ndarray]
    best_epoch: int | None


def read_history(network: Any) -> History:
    """Read the columns of the history of an estimator that are numbers in every epoch."""
    rows = network.history_
    names = [
        name
        for name, value in (rows[0].items() if len(rows) else ())
        if isinstance(value, int | float) and all(name in row for row in rows)
    ]
    columns = {name: np.array([row[name] for row in rows], dtype=float) for name in names}
    for _, callback in network.net_.callbacks_:
        if getattr(callback, "best_epoch_", None):
            return History(columns, int(callback.best_epoch_))
    losses = columns.get("valid_loss", np.array([np.nan]))
    return History(columns, None if np.isnan(losses).all() else int(np.nanargmin(losses)) + 1)


def keeps_histories(search: Any) -> bool:
    """Check whether a fitted search has kept the histories of its candidates."""
    return f"split0_test_{PREFIX}n_epochs" in getattr(search, "cv_results_", {})


def kept_history(results: Mapping[str, Any], split: int, candidate: int) -> History:
    """Read the history of a fold of a candidate, which HistoryScorer has kept."""
    prefix = f"split{split}_test_{PREFIX}"
    scores = {
        key.removeprefix(prefix): values[candidate]
        for key, values in results.items()
        if key.startswith(prefix)
    }
    n_epochs, best_epoch = int(scores.pop("n_epochs")), int(scores.pop("best_epoch"))
    names = dict.fromkeys(key.rpartition("_")[0] for key in scores)
    columns = {
        name: np.array([scores[f"{name}_{epoch:03d}"] for epoch in range(1, n_epochs + 1)])
        for name in names
    }
    return History(columns, best_epoch or None)
