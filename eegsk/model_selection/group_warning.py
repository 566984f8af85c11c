"""Warning of a validation split that mixes the trials of a subject."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from .._epochs import is_epochs, list_epochs
from ..recordings import LazyTrials

# Columns of a table whose trials should not be divided between training and validation.
_GROUP_COLUMNS = "subject", "session"


def warn_about_groups(name: str, X: Any, train: np.ndarray, valid: np.ndarray) -> None:
    """Warn if a validation split without groups mixes subjects or sessions that a table names.

    Parameters
    ----------
    name : str
        Name of the estimator, for the warning.
    X : object
        Trials; the metadata of Epochs and the columns of LazyTrials are read.
    train, valid : array of int
        Indices of the trials for training and for validation.
    """
    for column in _GROUP_COLUMNS:
        values = _values(X, column)
        if len(set(values)) < 2:
            continue
        if {values[i] for i in train} & {values[i] for i in valid}:
            groups = "X.groups({!r})" if isinstance(X, LazyTrials) else "epochs.metadata[{!r}]"
            warnings.warn(
                f"{name}: valid_split mixes the trials of each {column} between training and "
                f"validation, which makes the validation score too high; pass "
                f"groups={groups.format(column)} to fit.",
                stacklevel=5,
            )
        return


def _values(X: Any, column: str) -> Sequence[Any]:
    """Return the values in a column of the table of the trials; none without this column."""
    if isinstance(X, LazyTrials):
        with suppress(ValueError):  # there is no such column
            return X.groups(column).tolist()
        return []
    values: list[Any] = []
    for table in [part.metadata for part in list_epochs(X)] if is_epochs(X) else []:
        if isinstance(table, list):  # of dictionaries, where pandas is not installed
            values += [row.get(column) for row in table]
        elif table is not None and column in table:
            values += list(table[column])
        else:
            return []
    return values
