"""Splits for validation inside ``fit``."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any

import numpy as np
from sklearn.model_selection import (
    GroupShuffleSplit,
    ShuffleSplit,
    StratifiedShuffleSplit,
)

from ._fields import short_repr


def split_for_validation(
    valid_split: Any,
    y: np.ndarray,
    groups: np.ndarray | None = None,
    *,
    stratify: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the trials to train on and those to validate on.

    Parameters
    ----------
    valid_split : float or splitter
        The fraction of the trials (of the groups, where there are groups) to validate on, or a
        splitter of scikit-learn, of which the first split is used.
    y : array of shape (n_trials,) or (n_trials, n_outputs)
        Targets.
    groups : array of shape (n_trials,) or None, default=None
        The subject, session or recording of each trial. No group is on both sides.
    stratify : bool, default=False
        Whether a fraction keeps the proportions of the classes; groups come before classes.
    random_state : int, RandomState or None, default=None
        Seed of a fraction's draw.

    Returns
    -------
    train, valid : arrays of int
        Indices of the trials on either side.

    Raises
    ------
    ValueError
        If a side is empty, a group is on both sides, or there is one group only.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk.model_selection import split_for_validation
    >>> subjects = np.repeat(["s1", "s2", "s3", "s4"], 10)
    >>> train, valid = split_for_validation(0.25, np.zeros(40), subjects, random_state=0)
    >>> np.unique(subjects[valid])
    array(['s3'], dtype='<U2')
    """
    splitter = valid_split
    if isinstance(valid_split, Real):
        splitter = _fraction_splitter(float(valid_split), groups, stratify, random_state)
    try:
        _check_groups(groups)
        train, valid = _first_split(splitter, y, groups)
        _check_sides(train, valid, groups)
    except ValueError as error:
        raise ValueError(f"valid_split={short_repr(valid_split)}: {error}") from error
    return train, valid


def _fraction_splitter(
    fraction: float, groups: np.ndarray | None, stratify: bool, random_state: Any
) -> Any:
    if groups is not None:
        return GroupShuffleSplit(1, test_size=fraction, random_state=random_state)
    splitter = StratifiedShuffleSplit if stratify else ShuffleSplit
    return splitter(1, test_size=fraction, random_state=random_state)


def _check_groups(groups: np.ndarray | None) -> None:
    there = [] if groups is None else np.unique(groups).tolist()
    if len(there) == 1:
        raise ValueError(
            f"all trials are of one group, {there[0]!r}; give trials of two groups or more, or no "
            "groups."
        )


def _first_split(
    splitter: Any, y: np.ndarray, groups: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    with warnings.catch_warnings():  # a splitter may ignore groups, but what it makes is checked
        warnings.filterwarnings("ignore", "The groups parameter is ignored")
        for train, valid in splitter.split(np.zeros(len(y)), y, groups):
            return train, valid
    raise ValueError("it makes no split.")


def _check_sides(train: np.ndarray, valid: np.ndarray, groups: np.ndarray | None) -> None:
    if len(train) == 0 or len(valid) == 0:
        raise ValueError(
            f"{len(train)} trials to train on and {len(valid)} to validate on; both sides need "
            "some."
        )
    shared = [] if groups is None else np.intersect1d(groups[train], groups[valid]).tolist()
    if shared:
        raise ValueError(
            f"group {shared[0]!r} is on both sides; use a fraction, or a splitter that keeps "
            "groups whole, such as GroupKFold."
        )
