"""Domain of each trial, from ``groups`` or from the metadata of Epochs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from .._arguments import check_groups, errors_named


def trials_by_domain(labels: Sequence[Hashable]) -> dict[Any, np.ndarray]:
    """Return the indices of the trials of each domain, in the order of the trials.

    Parameters
    ----------
    labels : sequence
        Domain of each trial.

    Returns
    -------
    indices : dict of array
        Indices by domain; domains come in the order of their first trials.
    """
    indices: dict[Any, list[int]] = {}
    for trial, label in enumerate(labels):
        indices.setdefault(label, []).append(trial)
    return {label: np.array(trials) for label, trials in indices.items()}


def labels_from_groups(name: str, groups: Any, n_trials: int) -> list[Hashable]:
    """Check the groups passed by the user.

    Parameters
    ----------
    name : str
        Name of the transformer, for error messages.
    groups : array-like of shape (n_trials,)
        Domain of each trial.
    n_trials : int
        Number of trials.

    Returns
    -------
    labels : list
        Domain of each trial.

    Raises
    ------
    ValueError
        If the number of groups differs from that of the trials, or a group is missing.
    """
    with errors_named(name):
        labels = check_groups(groups, n_trials)
    return [] if labels is None else labels.tolist()


def labels_from_metadata(name: str, parts: Sequence[Any] | None, by: Any) -> list[Hashable]:
    """Read the domain of each trial from columns of the metadata.

    Parameters
    ----------
    name : str
        Name of the transformer, for error messages.
    parts : list of mne.Epochs or None
        The trials; None if they are not Epochs.
    by : str or sequence of str
        Name of the column, or names of several columns.

    Returns
    -------
    labels : list
        Values of the column, or tuples of the values of several columns.

    Raises
    ------
    ValueError
        If the trials have no metadata, a column does not exist, or a value is missing.
    """
    if parts is None:
        raise ValueError(
            f"{name}: by={by!r} is a column of the metadata of mne.Epochs, but X is an array; pass "
            "groups instead."
        )
    if isinstance(by, str):
        return _column(name, parts, by)
    if len(by) == 0:
        raise ValueError(f"{name}: by={by!r} should have at least one column, or be None.")
    return list(zip(*(_column(name, parts, column) for column in by), strict=True))


def _column(name: str, parts: Sequence[Any], column: str) -> list[Hashable]:
    values: list[Hashable] = []
    for part in parts:
        if part.metadata is None:
            raise ValueError(
                f"{name}: by={column!r}, but the Epochs have no metadata; set epochs.metadata, or "
                "pass groups instead."
            )
        if column not in part.metadata:
            columns = ", ".join(map(str, part.metadata.columns))
            raise ValueError(
                f"{name}: by={column!r} is not a column of the metadata; choose from {columns}."
            )
        if part.metadata[column].isna().any():
            raise ValueError(
                f"{name}: column {column!r} of the metadata has missing values; give each trial "
                "the name of its subject or session."
            )
        values += part.metadata[column].tolist()
    return values
