"""Checks of what the user gives, each with one clear line for what is wrong."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import assert_all_finite, validate_data

# A factor between trials that no brain makes, but microvolts for volts do.
_OTHER_UNIT = 1e4
# How many trials tell the order of magnitude of all.
_ENOUGH = 16


def check_trials(estimator: Any, X: Any, reset: bool) -> torch.Tensor:
    """Check trials and return them as one single-precision tensor.

    Parameters
    ----------
    estimator : sklearn.base.BaseEstimator
        Who asks; ``n_features_in_`` and ``feature_names_in_`` are set on it or held to.
    X : array-like of shape (n_trials, n_chans, n_times) or (n_trials, n_times)
        Trials.
    reset : bool
        Whether these trials say what to expect from now on, or are held to what was said.

    Returns
    -------
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        The trials. They may share memory with what was given, and must not be written to.

    Raises
    ------
    ValueError
        If there are no trials, or they are not numbers, not finite, or of another shape than those
        of ``fit``.
    """
    name = type(estimator).__name__
    X = X if hasattr(X, "shape") else _as_array(name, X)
    if not 2 <= len(X.shape) <= 3:
        raise ValueError(
            f"{name}: X has shape {X.shape}; it should be (n_trials, n_chans, n_times), or "
            "(n_trials, n_times) for one electrode. Reshape your data."
        )
    if len(X.shape) == 3 and 0 in X.shape[1:]:
        raise ValueError(f"{name}: X has shape {X.shape}, trials without samples.")
    X = _real(name, X)
    if not reset:
        X = _held_to_fit(estimator, X)
    if reset or not _is_plain(X):
        X = validate_data(
            estimator, X, reset=reset, allow_nd=True, ensure_all_finite=False, dtype="numeric"
        )
    trials = _as_tensor(X if X.ndim == 3 else X[:, None, :])
    _check_finite(name, trials)
    return trials


def spread(X: torch.Tensor) -> float:
    """Return the order of magnitude of trials, the standard deviation of the median one."""
    some = X[:: max(1, len(X) // _ENOUGH), :, :: max(1, X.shape[2] // _ENOUGH)][:_ENOUGH]
    return some.flatten(1).std(dim=1, correction=0).median().item()


def check_unit(name: str, X: torch.Tensor, fitted: float) -> None:
    """Warn of trials so much larger or smaller than those of ``fit`` that the unit must differ.

    Parameters
    ----------
    name : str
        Who asks.
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        Trials, of which some are looked at.
    fitted : float
        Spread of the trials of ``fit``.
    """
    ratio = spread(X) / fitted if fitted > 0 else 0.0
    if ratio > _OTHER_UNIT or 0 < ratio < 1 / _OTHER_UNIT:
        warnings.warn(
            f"{name}: the trials are {ratio:.0e} times as large as those of fit; are both in the "
            "same unit (Epochs are in volts)?",
            stacklevel=4,
        )


def check_weight(sample_weight: Any, n_trials: int) -> np.ndarray:
    """Check the weights of trials; None is a weight of one for each.

    Parameters
    ----------
    sample_weight : array-like of shape (n_trials,) or None
        Weights, none negative and not all zero.
    n_trials : int
        Number of trials.

    Returns
    -------
    weight : array of shape (n_trials,)
        The weights in double precision.

    Raises
    ------
    ValueError
        If their number, shape or sign is wrong.
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
        raise ValueError("sample_weight has negative values; weights should be zero or more.")
    if not weight.any():
        raise ValueError("sample_weight is zero for every trial; some should be more.")
    return weight


def check_groups(groups: Any, n_trials: int) -> np.ndarray | None:
    """Check that there is one group for each trial, if there are groups."""
    if groups is None:
        return None
    groups = np.asarray(groups)
    if groups.shape != (n_trials,):
        raise ValueError(
            f"groups has shape {groups.shape}; it should be ({n_trials},), one for each trial."
        )
    try:
        np.unique(groups)
    except TypeError as error:
        raise TypeError(f"groups cannot be told apart: {error}; use one kind of name.") from error
    return groups


def as_numbers(name: str, value: Any) -> np.ndarray:
    """Return finite real numbers in double precision.

    Parameters
    ----------
    name : str
        What they are called, for the error message.
    value : array-like
        The numbers.

    Returns
    -------
    numbers : array
        An array of the same shape.

    Raises
    ------
    TypeError, ValueError
        If they are not numbers, complex, ragged, or not finite.
    """
    try:
        array = np.asarray(value)
        if np.iscomplexobj(array):
            raise ValueError("Complex data not supported; give the real part, or the abs.")
        array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from error
    assert_all_finite(array, input_name=name)
    return array


def _as_array(name: str, X: Any) -> np.ndarray:
    try:
        return np.asarray(X)
    except ValueError as error:
        raise ValueError(
            f"{name}: the trials in X differ in shape; crop or pad them alike."
        ) from error


def _real(name: str, X: Any) -> Any:
    """Return what holds real numbers as it is, objects that are numbers as numbers."""
    if np.iscomplexobj(X):
        raise ValueError(
            f"{name}: Complex data not supported; give the real part of X, or its abs."
        )
    if np.ma.isMaskedArray(X):
        raise TypeError(f"{name}: X is a masked array; fill or drop what is masked.")
    kind = getattr(getattr(X, "dtype", None), "kind", "f")
    if kind not in "biufOV":
        raise TypeError(f"{name}: X holds {X.dtype}; it should hold numbers.")
    if kind != "O":
        return X
    try:
        return X.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: X should hold numbers; {error}") from error


def _held_to_fit(estimator: Any, X: Any) -> Any:
    """See that trials are like those of ``fit``, and give those of one electrode as many axes."""
    name, signal = type(estimator).__name__, estimator.signal_
    was_flat = signal.n_chans == 1 and estimator.n_features_in_ == signal.n_times
    if len(X.shape) == 2 and signal.n_chans > 1:
        raise ValueError(
            f"{name}: X has shape {X.shape}, the trials of fit had {signal.n_chans} electrodes "
            f"and {signal.n_times} times; for a single trial, give X[np.newaxis]."
        )
    if len(X.shape) == 2 and was_flat:
        return X
    X = np.asarray(X) if len(X.shape) == 3 else np.asarray(X)[:, None]
    _check_axis(name, "electrodes", X.shape[1], signal.n_chans)
    _check_axis(name, "times", X.shape[2], signal.n_times)
    return X[:, 0] if was_flat else X


def _is_plain(X: Any) -> bool:
    """Tell an array of which nothing is left to validate, for one trial is decoded in no time."""
    return type(X) is np.ndarray and X.ndim == 3 and X.dtype.kind == "f" and len(X) > 0


def _check_axis(name: str, what: str, found: int, fitted: int) -> None:
    if found != fitted:
        mend = "pick the same ones" if what == "electrodes" else "crop or resample them alike"
        raise ValueError(f"{name}: X has {found} {what}, the trials of fit had {fitted}; {mend}.")


def _as_tensor(X: np.ndarray) -> torch.Tensor:
    with np.errstate(over="ignore"):  # what overflows is infinite, and reported as such
        X = np.ascontiguousarray(X, dtype=np.float32)
    with warnings.catch_warnings():  # read-only arrays are welcome: nothing is written to them
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(X)


def _check_finite(name: str, trials: torch.Tensor) -> None:
    if math.isfinite(trials.sum().item()):
        return
    bad = ~torch.isfinite(trials)
    if not bad.any():  # finite values whose sum is not
        return
    trial, electrode, time = (int(i) for i in bad.nonzero()[0])
    kind = "NaN" if trials[trial, electrode, time].isnan() else "infinity (inf)"
    raise ValueError(
        f"{name}: X contains {kind} in {int(bad.any(2).any(1).sum())} of {len(trials)} trials, "
        f"first in trial {trial}, electrode {electrode}, time {time}; interpolate or drop them."
    )
