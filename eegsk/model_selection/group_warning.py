"""Warning of a validation split that mixes the trials of a subject."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any

from ..recordings import LazyTrials
from ..signals import is_epochs, list_epochs

# Columns of a table whose trials should not be divided between training and validation.
_GROUP_COLUMNS = "subject", "session"


def warn_about_groups(name: str, X: Any) -> None:
    """Warn if a table names subjects or sessions that a validation split without groups mixes.

    Parameters
    ----------
    name : str
        Name of the estimator, for the warning.
    X : object
        Trials; the metadata of Epochs and the columns of LazyTrials are read.
    """
    for column in _GROUP_COLUMNS:
        if len(_values(X, column)) > 1:
            groups = "X.groups({!r})" if isinstance(X, LazyTrials) else "epochs.metadata[{!r}]"
            warnings.warn(
                f"{name}: valid_split mixes the trials of each {column} between training and "
                f"validation, which makes the validation score too high; pass "
                f"groups={groups.format(column)} to fit.",
                stacklevel=5,
            )
            return


def _values(X: Any, column: str) -> set[Any]:
    """Return the values in a column of the table of the trials; none without this column."""
    if isinstance(X, LazyTrials):
        with suppress(ValueError):  # there is no such column
            return set(X.groups(column))
        return set()
    values: set[Any] = set()
    for table in [part.metadata for part in list_epochs(X)] if is_epochs(X) else []:
        if table is None:
            return set()
        if isinstance(table, list):  # of dictionaries, where pandas is not installed
            values |= {row.get(column) for row in table}
        elif column in table:
            values |= set(table[column])
    return values
