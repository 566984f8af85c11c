"""Validation of targets, weights and groups, and errors that name the estimator."""

from __future__ import annotations

import datetime
import mmap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from sklearn.utils.validation import assert_all_finite

Params = ParamSpec("Params")
Result = TypeVar("Result")

# Types of dates and durations, also those of pandas, and numpy's codes of their dtypes.
_DATES = datetime.date, datetime.timedelta, np.datetime64, np.timedelta64
_DATE_KINDS = "mM"
# The same for strings.
_STRINGS = str, bytes
_STRING_KINDS = "USTa"


@contextmanager
def errors_named(name: str) -> Iterator[None]:
    """Add the name of an estimator to the message of a TypeError or ValueError that lacks it.

    Parameters
    ----------
    name : str
        Class name of the estimator.

    Examples
    --------
    >>> from eegsk._arguments import errors_named
    >>> with errors_named("EEGNetClassifier"):
    ...     raise ValueError("sample_weight has negative values.")
    Traceback (most recent call last):
    ValueError: EEGNetClassifier: sample_weight has negative values.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        if type(error) in (TypeError, ValueError) and name not in str(error):
            error.args = (f"{name}: {error}",)
        raise


def names_errors(
    method: Callable[Concatenate[Any, Params], Result],
) -> Callable[Concatenate[Any, Params], Result]:
    """Decorate a method of an estimator, so that its errors name the estimator."""

    @wraps(method)
    def named(self: Any, /, *args: Params.args, **kwargs: Params.kwargs) -> Result:
        with errors_named(type(self).__name__):
            return method(self, *args, **kwargs)

    return named


def check_weight(sample_weight: Any, n_trials: int) -> np.ndarray:
    """Check the weights of trials.

    Parameters
    ----------
    sample_weight : array-like of shape (n_trials,) or None
        Non-negative weights, at least one of them positive; None for weights of one.
    n_trials : int
        Number of trials.

    Returns
    -------
    weight : array of shape (n_trials,)
        The weights in double precision.

    Raises
    ------
    ValueError
        If the shape is wrong, a weight is negative or not finite, or all are zero.
    """
    if sample_weight is None:
        return np.ones(n_trials)
    weight = as_numbers("sample_weight", sample_weight)
    if weight.shape != (n_trials,):
        raise ValueError(
            f"sample_weight has shape {weight.shape}; it should be ({n_trials},), one weight for "
            "each trial."
        )
    if (weight < 0).any():
        raise ValueError("sample_weight has negative values; weights should be zero or positive.")
    if not weight.any():
        raise ValueError("sample_weight is zero for every trial; at least one should be positive.")
    return weight


def check_groups(groups: Any, n_trials: int) -> np.ndarray | None:
    """Check that groups, if any, are one label for each trial.

    Parameters
    ----------
    groups : array-like of shape (n_trials,) or None
        Group of each trial, e.g. its subject.
    n_trials : int
        Number of trials.

    Returns
    -------
    groups : array of shape (n_trials,) or None
        The groups.

    Raises
    ------
    TypeError
        If the groups have types that cannot be compared, e.g. names and numbers.
    ValueError
        If the shape is wrong, or a group is missing (None or NaN).
    """
    if groups is None:
        return None
    groups = _to_array("groups", groups)
    if groups.shape != (n_trials,):
        raise ValueError(
            f"groups has shape {groups.shape}; it should be ({n_trials},), one for each trial."
        )
    for trial, label in enumerate(groups.tolist()):
        if is_missing(label):
            raise ValueError(
                f"groups is {label} for trial {trial}; give each trial the name of its subject or "
                "session."
            )
    try:
        np.unique(groups)
    except TypeError as error:
        raise TypeError(
            f"groups cannot be sorted: {error}; use labels of one type, e.g. names."
        ) from error
    return groups


def is_missing(label: Any) -> bool:
    """Return whether a label is None, NaN, or the NaT or NA of pandas."""
    if label is None or type(label).__name__ == "NAType":
        return True
    return isinstance(label, float | complex | datetime.date) and label != label


def as_numbers(name: str, value: Any) -> np.ndarray:
    """Convert an array-like to finite real numbers in double precision.

    Parameters
    ----------
    name : str
        Name of the argument, for the error message.
    value : array-like
        The numbers.

    Returns
    -------
    numbers : array
        An array of the same shape.

    Raises
    ------
    TypeError, ValueError
        If a value is complex, not finite or not a number, or if rows differ in length.
    """
    array = _to_array(name, value)
    if np.iscomplexobj(array):
        raise ValueError(
            f"{name}: Complex data not supported; use the real part or the absolute value."
        )
    array = to_float(name, array)
    check_finite(name, array)
    return array


def check_finite(name: str, array: np.ndarray) -> None:
    """Raise a ValueError if an array contains NaN or infinity."""
    try:
        assert_all_finite(array, input_name=name)
    except ValueError as error:
        message = str(error).rstrip(".")
        raise ValueError(f"{message}; drop these trials or replace the values.") from error


def check_file_size(name: str, array: Any) -> None:
    """Check that the file of a memory map has not been cut, which would end the process.

    The operating system sends the signal SIGBUS to a process that reads beyond the end of a file.

    Parameters
    ----------
    name : str
        Name of the argument, for the error message.
    array : object
        An array, which may be a view of a memory map; other objects are ignored.

    Raises
    ------
    ValueError
        If the file is shorter than its memory map.
    """
    base = array if isinstance(array, np.ndarray) else None
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    if not isinstance(base, mmap.mmap):
        return
    try:
        n_bytes = base.size()
    except (ValueError, OSError):  # a memory map without a file, e.g. shared memory
        return
    if n_bytes < len(base):
        raise ValueError(
            f"{name} is a memory map of {len(base)} bytes, but its file has only {n_bytes} bytes; "
            "write the file again, or wait until it is complete."
        )


def to_float(name: str, array: np.ndarray) -> np.ndarray:
    """Convert numbers to double precision; strings and dates are errors, not numbers.

    Parameters
    ----------
    name : str
        Name of the argument, for the error message.
    array : array
        Real numbers, or Python objects that can be converted to real numbers.

    Returns
    -------
    numbers : array
        The numbers in double precision.

    Raises
    ------
    TypeError, ValueError
        If a value is a string, a date or another object that is not a number.
    """
    objects = array.flat if array.dtype.kind == "O" else array.flat[:1]
    for item in objects:
        if isinstance(item, _DATES) or array.dtype.kind in _DATE_KINDS:
            raise TypeError(
                f"{name} contains dates or durations, e.g. {item}; convert them to numbers, e.g. "
                "seconds: (dates - dates[0]) / np.timedelta64(1, 's')."
            )
        if isinstance(item, _STRINGS) or array.dtype.kind in _STRING_KINDS:
            example = item.tolist() if isinstance(item, np.generic) else item
            raise TypeError(
                f"{name} contains strings, e.g. {example!r}; convert them to numbers, e.g. with "
                "astype(float)."
            )
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} should contain numbers; {error}.") from error


def _to_array(name: str, value: Any) -> np.ndarray:
    value = value.detach().cpu() if hasattr(value, "detach") else value
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{name} has entries of different lengths; it should be an array of one value for each "
            "trial."
        ) from error
