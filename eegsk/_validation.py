"""Validation of trials."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import scipy.sparse
import torch
from sklearn.utils.validation import validate_data

from ._arguments import check_file_size, errors_named, to_float

# Ratio of amplitudes above which trials seem to have another unit than those of fit. Values in
# microvolts are 1e6 times as large as in volts; recordings in the same unit differ far less.
_UNIT_RATIO = 1e4
# Ratio of the number of channels to that of time points above which the two seem to be exchanged,
# e.g. 480 "channels" and 64 "time points", and the number of channels from which this is checked.
_CHANS_PER_TIME, _MIN_CHANS = 4, 16
# Number of trials, and approximate number of time points, from which the spread is estimated.
_N_SAMPLED = 16
# Number of trials that are compared at once.
_N_COMPARED = 64


def check_trials(estimator: Any, X: Any, reset: bool) -> torch.Tensor:
    """Check trials and convert them to a single-precision tensor.

    Parameters
    ----------
    estimator : sklearn.base.BaseEstimator
        The estimator, for its ``n_features_in_`` and ``feature_names_in_`` and for error messages.
    X : array-like of shape (n_trials, n_chans, n_times) or (n_trials, n_times)
        Trials.
    reset : bool
        True in ``fit``, to set ``n_features_in_`` and ``feature_names_in_``; False in ``predict``,
        to compare the trials with those of ``fit``.

    Returns
    -------
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        The trials. They may share memory with the input and must not be changed in place.

    Raises
    ------
    TypeError
        If the trials are not numbers.
    ValueError
        If there are no trials, a value is not finite, or the shape differs from that of ``fit``.
    """
    name = type(estimator).__name__
    kind = type(X).__name__
    X = X if hasattr(X, "shape") else _as_array(name, X)
    with errors_named(name):
        check_file_size("X", X)
    if len(X.shape) == 0:
        raise ValueError(
            f"{name}: X is of type {kind}; it should be an array of shape (n_trials, n_chans, "
            "n_times), or mne.Epochs."
        )
    if not 2 <= len(X.shape) <= 3:
        raise ValueError(
            f"{name}: X has shape {X.shape}; it should be (n_trials, n_chans, n_times), or "
            "(n_trials, n_times) for one channel. Reshape your data."
        )
    if len(X.shape) == 3 and 0 in X.shape[1:]:
        raise ValueError(
            f"{name}: X has shape {X.shape}; trials need at least one channel and one time point."
        )
    X = _real_numbers(name, X)
    if not reset:
        X = _match_fit(estimator, X)
    if reset or not _can_skip_validation(X):
        X = validate_data(
            estimator, X, reset=reset, allow_nd=True, ensure_all_finite=False, dtype="numeric"
        )
    trials = _as_tensor(X if X.ndim == 3 else X[:, None, :])
    _check_finite(name, trials)
    return trials


def check_lengths(X: torch.Tensor, y: np.ndarray, is_epochs: bool, reset: bool) -> None:
    """Check the number of trials and of targets.

    Parameters
    ----------
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        Trials.
    y : array of shape (n_trials,) or (n_trials, n_outputs)
        Targets.
    is_epochs : bool
        Whether the trials come from Epochs, of which bad ones are dropped.
    reset : bool
        Whether a new network is trained, which needs at least two trials.

    Raises
    ------
    ValueError
        If the lengths differ, or there are too few trials.
    """
    if len(X) < 2 and reset:
        raise ValueError("X has 1 sample, i.e. one trial; fit needs at least two.")
    if len(X) != len(y):
        hint = " that epochs.drop_bad() keeps" if is_epochs else ""
        raise ValueError(
            f"X has {len(X)} trials, but y has {len(y)} targets; give one target for each "
            f"trial{hint}."
        )


def spread(X: Any) -> float:
    """Estimate the standard deviation of a typical trial.

    Parameters
    ----------
    X : torch.Tensor or LazyTensor of shape (n_trials, n_chans, n_times)
        Trials.

    Returns
    -------
    spread : float
        Median over up to 16 trials of the standard deviation over channels and some time points.
    """
    trial_step, time_step = (max(1, size // _N_SAMPLED) for size in (len(X), X.shape[2]))
    sampled = X[::trial_step][:_N_SAMPLED, :, ::time_step]
    if len(sampled) == 1:
        return sampled.std(correction=0).item()
    return sampled.flatten(1).std(dim=1, correction=0).median().item()


def check_content(name: str, X: Any, has_names: bool) -> None:
    """Warn if a network cannot learn from the trials of ``fit``, or their axes seem exchanged.

    Parameters
    ----------
    name : str
        Name of the estimator, for the warning.
    X : torch.Tensor or LazyTensor of shape (n_trials, n_chans, n_times)
        Trials of ``fit``.
    has_names : bool
        Whether the channels have names, so that they cannot be time points.
    """
    n_trials, n_chans, n_times = X.shape
    if not has_names and n_chans >= _MIN_CHANS and n_chans > _CHANS_PER_TIME * n_times:
        warnings.warn(
            f"{name}: X has shape {(n_trials, n_chans, n_times)}, i.e. {n_chans} channels and only "
            f"{n_times} time points; if these axes are exchanged, pass X.transpose(0, 2, 1).",
            stacklevel=6,
        )
    first = X[:1]
    value = first[:, :, :1]  # of each channel
    if bool((first == value).all()) and all(bool((x == value).all()) for x in X.split(_N_COMPARED)):
        warnings.warn(
            f"{name}: X is constant: each channel has the same value at all time points of all "
            "trials, so that nothing can be learned; check how the trials were read.",
            stacklevel=6,
        )


def check_unit(name: str, X: Any, fitted_spread: float) -> None:
    """Warn if trials seem to have another unit than those of ``fit``, e.g. microvolts.

    Parameters
    ----------
    name : str
        Name of the estimator, for the warning.
    X : torch.Tensor or LazyTensor of shape (n_trials, n_chans, n_times)
        Trials.
    fitted_spread : float
        :func:`spread` of the trials of ``fit``.
    """
    ratio = spread(X) / fitted_spread if fitted_spread > 0 else 0.0
    if ratio > _UNIT_RATIO or 0 < ratio < 1 / _UNIT_RATIO:
        warnings.warn(
            f"{name}: the trials are {ratio:.0e} times as large as those of fit; check that both "
            "have the same unit (Epochs are in volts).",
            stacklevel=5,
        )


def _as_array(name: str, X: Any) -> np.ndarray:
    try:
        return np.asarray(X)
    except ValueError as error:
        raise ValueError(
            f"{name}: the trials in X differ in shape; crop or pad them to the same shape."
        ) from error


def _real_numbers(name: str, X: Any) -> Any:
    """Check that an array contains real numbers, and convert Python objects to numbers."""
    if np.iscomplexobj(X):
        raise ValueError(
            f"{name}: Complex data not supported; use the real part of X or its absolute value."
        )
    if scipy.sparse.issparse(X):
        raise TypeError(f"{name}: X is a sparse array; pass X.toarray().")
    if np.ma.isMaskedArray(X):
        raise TypeError(f"{name}: X is a masked array; fill or drop the masked values.")
    # A DataFrame has column names, which scikit-learn compares with those of fit.
    values = X.to_numpy() if hasattr(X, "columns") and hasattr(X, "to_numpy") else X
    # numpy's codes of booleans, integers, unsigned integers, floats, and structured arrays (which
    # scikit-learn rejects later).
    if getattr(getattr(values, "dtype", None), "kind", "f") in "biufV":
        return X
    with errors_named(name):
        numbers = to_float("X", values)
    return numbers if values is X else X


def _match_fit(estimator: Any, X: Any) -> Any:
    """Check that trials have the shape of those of ``fit``; return them with as many axes.

    Trials of one channel may have the shape (n_trials, n_times) or (n_trials, 1, n_times).
    """
    name, signal = type(estimator).__name__, estimator.signal_
    fit_was_2d = signal.n_chans == 1 and estimator.n_features_in_ == signal.n_times
    if len(X.shape) == 2 and signal.n_chans > 1:
        raise ValueError(
            f"{name}: X has shape {X.shape}, but the trials of fit had {signal.n_chans} channels "
            f"and {signal.n_times} time points; for a single trial, pass X[np.newaxis]."
        )
    if len(X.shape) == 2 and fit_was_2d:
        return X
    X = np.asarray(X) if len(X.shape) == 3 else np.asarray(X)[:, None]
    _check_size(name, "channels", X.shape[1], signal.n_chans, "select the same channels")
    _check_size(name, "time points", X.shape[2], signal.n_times, "crop or resample the trials")
    return X[:, 0] if fit_was_2d else X


def _can_skip_validation(X: Any) -> bool:
    """Return whether ``validate_data`` can be skipped, because X is an array of floats.

    ``validate_data`` of scikit-learn takes longer than the prediction of one trial.
    """
    return type(X) is np.ndarray and X.ndim == 3 and X.dtype.kind == "f" and len(X) > 0


def _check_size(name: str, axis: str, size: int, fitted: int, remedy: str) -> None:
    if size != fitted:
        raise ValueError(
            f"{name}: X has {size} {axis}, but the trials of fit had {fitted}; {remedy}."
        )


def _as_tensor(X: np.ndarray) -> torch.Tensor:
    if X.dtype == np.float32 and X.flags.c_contiguous and X.flags.writeable:
        return torch.from_numpy(X)  # the rest takes longer than many layers do for one trial
    with np.errstate(over="ignore"):  # too large values become infinite, see _check_finite
        X = np.ascontiguousarray(X, dtype=np.float32)
    with warnings.catch_warnings():  # read-only arrays are safe: the tensor is never changed
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(X)


def _check_finite(name: str, trials: torch.Tensor) -> None:
    if math.isfinite(trials.sum().item()):
        return
    bad = ~torch.isfinite(trials)
    if not bad.any():  # the values are finite, but their sum overflows
        return
    trial, channel, time = (int(i) for i in bad.nonzero()[0])
    kind = "NaN" if trials[trial, channel, time].isnan() else "infinity (inf)"
    raise ValueError(
        f"{name}: X contains {kind} in {int(bad.any(2).any(1).sum())} of {len(trials)} trials, "
        f"first in trial {trial}, channel {channel}, time point {time}; interpolate or drop them."
    )
