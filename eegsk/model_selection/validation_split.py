"""Split of the trials of ``fit`` into training and validation trials."""

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

from .._fields import short_repr


def split_for_validation(
    valid_split: Any,
    y: np.ndarray,
    groups: np.ndarray | None = None,
    *,
    stratify: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Split trials into training and validation trials.

    Parameters
    ----------
    valid_split : float or splitter
        Fraction of the trials, or of the groups if there are groups, to use for validation. With a
        splitter of scikit-learn, its first split is used.
    y : array of shape (n_trials,) or (n_trials, n_outputs)
        Targets.
    groups : array of shape (n_trials,) or None, default=None
        Group of each trial, e.g. its subject, session or recording. All trials of a group are used
        either for training or for validation.
    stratify : bool, default=False
        Whether to keep the proportions of the classes, if ``valid_split`` is a fraction and there
        are no groups.
    random_state : int, RandomState or None, default=None
        Seed of the random split, if ``valid_split`` is a fraction.

    Returns
    -------
    train, valid : arrays of int
        Indices of the training and the validation trials.

    Raises
    ------
    ValueError
        If there are no training or no validation trials, if the splitter divides a group, or if
        there is only one group.

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
        _check_split(train, valid, groups)
    except ValueError as error:
        raise ValueError(f"valid_split={short_repr(valid_split)}: {error}") from error
    return train, valid


def split_weighted(
    valid_split: Any,
    y: np.ndarray,
    weight: np.ndarray,
    groups: np.ndarray | None = None,
    **options: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Split weighted trials into training and validation trials; those of weight 0 are left out.

    Parameters
    ----------
    valid_split : float, splitter or None
        See :func:`split_for_validation`; None for no validation trials.
    y : array of shape (n_trials,) or (n_trials, n_outputs)
        Targets.
    weight : array of shape (n_trials,)
        Weights of the trials.
    groups : array of shape (n_trials,) or None, default=None
        See :func:`split_for_validation`.
    **options : dict
        Other parameters of :func:`split_for_validation`.

    Returns
    -------
    train, valid : arrays of int
        Indices of the training and the validation trials.

    Raises
    ------
    ValueError
        If there are no training or no validation trials with a weight above 0, or the split is
        invalid.
    """
    weighted = np.flatnonzero(weight)
    if valid_split is None:
        return weighted, weighted[:0]
    # A fraction refers to the trials with non-zero weight, a splitter to all trials.
    candidates = weighted if isinstance(valid_split, Real) else np.arange(len(y))
    split = split_for_validation(
        valid_split,
        y[candidates],
        None if groups is None else groups[candidates],
        **options,
    )
    train, valid = (np.intersect1d(candidates[part], weighted) for part in split)
    if len(train) == 0 or len(valid) == 0:
        raise ValueError(
            f"valid_split={short_repr(valid_split)} leaves no trial with non-zero weight for "
            "training or for validation; use another split."
        )
    return train, valid


def _fraction_splitter(
    fraction: float, groups: np.ndarray | None, stratify: bool, random_state: Any
) -> Any:
    if groups is not None:
        return GroupShuffleSplit(1, test_size=fraction, random_state=random_state)
    splitter = StratifiedShuffleSplit if stratify else ShuffleSplit
    return splitter(1, test_size=fraction, random_state=random_state)


def _check_groups(groups: np.ndarray | None) -> None:
    unique_groups = [] if groups is None else np.unique(groups).tolist()
    if len(unique_groups) == 1:
        raise ValueError(
            f"all trials belong to one group, {unique_groups[0]!r}; pass trials of at least two "
            "groups, or no groups."
        )


def _first_split(
    splitter: Any, y: np.ndarray, groups: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    with warnings.catch_warnings():  # groups are checked after the split, see _check_split
        warnings.filterwarnings("ignore", "The groups parameter is ignored")
        for train, valid in splitter.split(np.zeros(len(y)), y, groups):
            return train, valid
    raise ValueError("the splitter yields no split.")


def _check_split(train: np.ndarray, valid: np.ndarray, groups: np.ndarray | None) -> None:
    if len(train) == 0 or len(valid) == 0:
        raise ValueError(
            f"the split has {len(train)} training and {len(valid)} validation trials; both need at "
            "least one."
        )
    shared = [] if groups is None else np.intersect1d(groups[train], groups[valid]).tolist()
    if shared:
        raise ValueError(
            f"group {shared[0]!r} has training and validation trials; use a fraction, or a "
            "splitter that keeps groups together, e.g. GroupKFold."
        )
