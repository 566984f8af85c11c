"""Loader of data set 2b of BCI Competition IV."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, overload

import mne
import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from ._epochs import to_epochs

_CH_NAMES = ("C3", "Cz", "C4")
_CLASSES = ("left_hand", "right_hand")  # coded 1 and 2 in the files
_SFREQ = 250.0
_VOLTS_PER_MICROVOLT = 1e-6
_FILE_NAME = re.compile(r"B(\d\d)(\d\d[TE])\.mat")


@overload
def load_bci_iv_2b(
    subject: int,
    sessions: str | Sequence[str] | None = ...,
    *,
    data_dir: str | os.PathLike[str] | None = ...,
    as_epochs: Literal[False] = ...,
) -> tuple[NDArray[np.float64], NDArray[np.str_], NDArray[np.str_]]: ...


@overload
def load_bci_iv_2b(
    subject: int,
    sessions: str | Sequence[str] | None = ...,
    *,
    data_dir: str | os.PathLike[str] | None = ...,
    as_epochs: Literal[True],
) -> tuple[mne.EpochsArray, NDArray[np.str_], NDArray[np.str_]]: ...


def load_bci_iv_2b(
    subject: int,
    sessions: str | Sequence[str] | None = None,
    *,
    data_dir: str | os.PathLike[str] | None = None,
    as_epochs: bool = False,
) -> tuple[Any, NDArray[np.str_], NDArray[np.str_]]:
    """Load motor imagery of the left and right hand from BCI Competition IV, data set 2b.

    Trials [1]_ last 4 s at 250 Hz and have three bipolar channels. Nothing is downloaded: the files
    are read from the folder ``data_dir/bci_iv_2b``. Their names are ``B0101T.mat`` (subject 1,
    session 01T) and so on. Each file has the variables ``data``, of shape (n_times, n_chans,
    n_trials) in microvolts, and ``label``, 1 for the left hand and 2 for the right hand.

    Parameters
    ----------
    subject : int
        Number of the subject, from 1 to 9.
    sessions : str, sequence of str or None, default=None
        Names of the sessions to load, in this order; None for all sessions in the folder. In the
        competition, "01T", "02T" and "03T" were for training, "04E" and "05E" for evaluation.
    data_dir : path or None, default=None
        Folder that contains ``bci_iv_2b``; None for the value of the environment variable
        ``EEGSK_DATA``.
    as_epochs : bool, default=False
        Whether to return the trials as :class:`mne.EpochsArray`, with channel positions and with
        classes as event names.

    Returns
    -------
    X : array of shape (n_trials, 3, 1000) or mne.EpochsArray
        Trials, in volts. The channels are C3, Cz and C4.
    y : array of shape (n_trials,)
        Imagined movement of each trial, "left_hand" or "right_hand".
    session : array of shape (n_trials,)
        Name of the session of each trial, e.g. "01T".

    Raises
    ------
    FileNotFoundError
        If the folder does not exist, or neither ``data_dir`` nor ``EEGSK_DATA`` is set.
    ValueError
        If the folder has no files of the subject or session, or a file has other variables.

    See Also
    --------
    make_motor_imagery : Simulated recordings.

    References
    ----------
    .. [1] Leeb, R., Lee, F., Keinrath, C., Scherer, R., Bischof, H., & Pfurtscheller, G. (2007).
       Brain-computer communication: motivation, aim, and impact of exploring a virtual apartment.
       IEEE Transactions on Neural Systems and Rehabilitation Engineering, 15(4), 473-482.
       https://doi.org/10.1109/TNSRE.2007.906956

    Examples
    --------
    >>> from eegsk.datasets import load_bci_iv_2b
    >>> X, y, session = load_bci_iv_2b(4, ["01T", "02T"])  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (240, 3, 1000)
    """
    files = _find_sessions(_find_folder(data_dir), subject)
    names = _choose_sessions(sessions, list(files), subject)
    recordings = [_read(files[name]) for name in names]
    X = np.concatenate([trials for trials, _ in recordings])
    y = np.concatenate([labels for _, labels in recordings])
    session = np.repeat(names, [len(labels) for _, labels in recordings])
    if as_epochs:
        epochs = to_epochs(X, y, ch_names=_CH_NAMES, sfreq=_SFREQ, classes=_CLASSES)
        return epochs, y, session
    return X, y, session


def _find_folder(data_dir: str | os.PathLike[str] | None) -> Path:
    root = data_dir if data_dir is not None else os.environ.get("EEGSK_DATA")
    if not root:
        raise FileNotFoundError(
            "load_bci_iv_2b: data_dir is None and the environment variable EEGSK_DATA is not set; "
            "set one of them to the folder that contains bci_iv_2b."
        )
    folder = Path(root).expanduser() / "bci_iv_2b"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"load_bci_iv_2b: there is no folder {folder}; data_dir, or the environment variable "
            "EEGSK_DATA, should be the folder that contains bci_iv_2b."
        )
    return folder


def _find_sessions(folder: Path, subject: int) -> dict[str, Path]:
    """Return the files of a subject by session name, in order."""
    matches = [(_FILE_NAME.fullmatch(path.name), path) for path in sorted(folder.iterdir())]
    recordings = [(int(match[1]), match[2], path) for match, path in matches if match]
    files = {session: path for number, session, path in recordings if number == subject}
    if not files:
        existing = ", ".join(map(str, sorted({number for number, _, _ in recordings}))) or "none"
        raise ValueError(
            f"load_bci_iv_2b: subject={subject!r} has no file in {folder}; the subjects are "
            f"{existing}."
        )
    return files


def _choose_sessions(
    sessions: str | Sequence[str] | None, existing: list[str], subject: int
) -> list[str]:
    if sessions is None:
        return existing
    names = [sessions] if isinstance(sessions, str) else list(sessions)
    if not names or not set(names) <= set(existing) or len(set(names)) < len(names):
        raise ValueError(
            f"load_bci_iv_2b: sessions={sessions!r} for subject {subject} should be one or several "
            f"of {', '.join(existing)}, each at most once, or None for all."
        )
    return names


def _read(path: Path) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Read the trials of a file, in volts, and their labels."""
    content = loadmat(path, variable_names=["data", "label"])
    data, codes = content.get("data"), content.get("label")
    if data is None or codes is None or data.shape[1:] != (len(_CH_NAMES), codes.size):
        raise ValueError(
            f"load_bci_iv_2b: {path} should contain `data` of shape (n_times, 3, n_trials) and "
            "`label` of n_trials values."
        )
    if not np.isin(codes, [1, 2]).all():
        raise ValueError(f"load_bci_iv_2b: all values of `label` in {path} should be 1 or 2.")
    trials = np.ascontiguousarray(data.transpose(2, 1, 0), dtype=np.float64)
    return trials * _VOLTS_PER_MICROVOLT, np.array(_CLASSES)[codes.ravel().astype(int) - 1]
