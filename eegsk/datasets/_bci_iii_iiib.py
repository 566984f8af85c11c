"""Loader of data set IIIb of BCI Competition III, as arrays of two channels."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

_SUBJECTS = ("S4b", "X11b")
_CLASSES = ("left_hand", "right_hand")  # coded 1 and 2 in the files


def load_bci_iii_iiib(
    subject: Literal["S4b", "X11b"],
    subset: Literal["train", "test"] = "train",
    *,
    data_dir: str | os.PathLike[str] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Load motor imagery of the left and right hand from BCI Competition III, data set IIIb.

    Two bipolar channels [1]_ are read from files that courses distribute: ``S4b_train.npz``,
    ``S4b_test.npz``, ``X11b_train.npz`` and ``X11b_test.npz``. Nothing is downloaded. Each file has
    the arrays ``signal``, of shape (n_trials, n_times, 2), e.g. (540, 750, 2), and ``label``, 1 for
    the left hand and 2 for the right hand.

    Parameters
    ----------
    subject : {"S4b", "X11b"}
        Name of the subject.
    subset : {"train", "test"}, default="train"
        Training or test trials.
    data_dir : path or None, default=None
        Folder that contains the files, or that contains a folder ``bci_iii_iiib`` with them; None
        for the value of the environment variable ``EEGSK_DATA``.

    Returns
    -------
    X : array of shape (n_trials, 2, n_times)
        Trials, in the unit of the file. Samples that are NaN are replaced by the mean of all finite
        samples of the file, as in most published results, with a warning.
    y : array of shape (n_trials,)
        Imagined movement of each trial, "left_hand" or "right_hand".

    Raises
    ------
    FileNotFoundError
        If the file does not exist, or neither ``data_dir`` nor ``EEGSK_DATA`` is set.
    ValueError
        If there is no such subject or subset, or the file has other arrays.

    See Also
    --------
    load_bci_iv_2b : Nine subjects with three channels.

    References
    ----------
    .. [1] Blankertz, B., Müller, K.-R., Krusienski, D. J., Schalk, G., Wolpaw, J. R., Schlögl, A.,
       Pfurtscheller, G., Millán, J. del R., Schröder, M., & Birbaumer, N. (2006). The BCI
       competition III: validating alternative approaches to actual BCI problems. IEEE
       Transactions on Neural Systems and Rehabilitation Engineering, 14(2), 153-159.
       https://doi.org/10.1109/TNSRE.2006.875642

    Examples
    --------
    >>> from eegsk.datasets import load_bci_iii_iiib
    >>> X, y = load_bci_iii_iiib("S4b", "train")  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (540, 2, 750)
    """
    if subject not in _SUBJECTS:
        raise ValueError(f"load_bci_iii_iiib: subject={subject!r} should be 'S4b' or 'X11b'.")
    if subset not in ("train", "test"):
        raise ValueError(f"load_bci_iii_iiib: subset={subset!r} should be 'train' or 'test'.")
    path = _find_file(data_dir, f"{subject}_{subset}.npz")
    signal, label = _read(path)
    is_bad = ~np.isfinite(signal)
    if is_bad.any():
        signal[is_bad] = signal[~is_bad].mean()
        warnings.warn(
            f"load_bci_iii_iiib: {is_bad.sum()} samples of {path.name} are NaN or infinite; they "
            "were replaced by the mean of the finite samples.",
            stacklevel=2,
        )
    X = np.ascontiguousarray(signal.transpose(0, 2, 1))
    return X, np.array(_CLASSES)[label.astype(int) - 1]


def _find_file(data_dir: str | os.PathLike[str] | None, name: str) -> Path:
    root = data_dir if data_dir is not None else os.environ.get("EEGSK_DATA")
    if not root:
        raise FileNotFoundError(
            "load_bci_iii_iiib: data_dir is None and the environment variable EEGSK_DATA is not "
            f"set; set one of them to the folder that contains {name}."
        )
    folder = Path(root).expanduser()
    for path in (folder / name, folder / "bci_iii_iiib" / name):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"load_bci_iii_iiib: there is no file {name} in {folder} or its folder bci_iii_iiib; set "
        "data_dir to the folder that contains it."
    )


def _read(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read the signal, (n_trials, n_times, 2), and the labels of a file."""
    try:
        with np.load(path, allow_pickle=False) as content:
            signal, label = content["signal"], content["label"].ravel()
        signal = signal.astype(np.float64)
    except (BadZipFile, KeyError, ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{_expected(path)} Reason: {error}") from error
    if signal.ndim != 3 or signal.shape[::2] != (len(label), 2) or not len(label):
        raise ValueError(f"{_expected(path)} It has shapes {signal.shape} and {label.shape}.")
    if not np.isin(label, [1, 2]).all():
        raise ValueError(f"load_bci_iii_iiib: all values of `label` in {path} should be 1 or 2.")
    if not np.isfinite(signal).any():
        raise ValueError(f"load_bci_iii_iiib: `signal` in {path} has no finite value.")
    return signal, label


def _expected(path: Path) -> str:
    return (
        f"load_bci_iii_iiib: {path} should contain `signal` of shape (n_trials, n_times, 2) and "
        "`label` of n_trials values."
    )
