"""BCI Competition IV, data set 2b."""

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

    Trials [1]_ last 4 s at 250 Hz, over three bipolar channels. Nothing is downloaded: the files
    are read from ``data_dir/bci_iv_2b``, named ``B0101T.mat`` (subject 1, session 01T) and so on,
    each with the variables ``data`` of shape (n_times, n_chans, n_trials), in microvolts, and
    ``label``, 1 for the left hand and 2 for the right.

    Parameters
    ----------
    subject : int
        The subject's number, from 1 to 9.
    sessions : str, sequence of str or None, default=None
        The sessions to read, in this order: "01T", "02T" and "03T" were meant for training,
        "04E" and "05E" for evaluation. None reads every session there is.
    data_dir : path or None, default=None
        The folder that holds ``bci_iv_2b``. None takes it from the environment variable
        ``EEGSK_DATA``.
    as_epochs : bool, default=False
        If True, return the trials as :class:`mne.EpochsArray`, with electrode positions and events
        named by class.

    Returns
    -------
    X : array of shape (n_trials, 3, 1000) or mne.EpochsArray
        The trials, in volts. The channels are C3, Cz and C4.
    y : array of shape (n_trials,)
        The imagined movement, "left_hand" or "right_hand".
    session : array of shape (n_trials,)
        The name of each trial's session, such as "01T".

    Raises
    ------
    FileNotFoundError
        If there is no folder to read from.
    ValueError
        If the folder has no such subject or session, or a file is not laid out as above.

    See Also
    --------
    make_motor_imagery : Simulated recordings, which need no files.

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
            "load_bci_iv_2b does not know where the recordings are: pass data_dir, or set the "
            "environment variable EEGSK_DATA, to the folder that holds bci_iv_2b."
        )
    folder = Path(root).expanduser() / "bci_iv_2b"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"load_bci_iv_2b found no folder {folder}: data_dir, or else the environment variable "
            "EEGSK_DATA, should be the folder that holds bci_iv_2b."
        )
    return folder


def _find_sessions(folder: Path, subject: int) -> dict[str, Path]:
    """Return the files of a subject by the name of their session, in order."""
    matches = [(_FILE_NAME.fullmatch(path.name), path) for path in sorted(folder.iterdir())]
    found = [(int(match[1]), match[2], path) for match, path in matches if match]
    files = {session: path for number, session, path in found if number == subject}
    if not files:
        existing = ", ".join(map(str, sorted({number for number, _, _ in found}))) or "none"
        raise ValueError(
            f"load_bci_iv_2b found no subject {subject!r} in {folder}: it holds {existing}."
        )
    return files


def _choose_sessions(
    wanted: str | Sequence[str] | None, existing: list[str], subject: int
) -> list[str]:
    if wanted is None:
        return existing
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    if not names or not set(names) <= set(existing) or len(set(names)) < len(names):
        raise ValueError(
            f"load_bci_iv_2b got sessions={wanted!r} for subject {subject}: choose from "
            f"{', '.join(existing)}, each once, or None for all."
        )
    return names


def _read(path: Path) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Return the trials of one file, in volts, and their labels."""
    content = loadmat(path, variable_names=["data", "label"])
    data, codes = content.get("data"), content.get("label")
    if data is None or codes is None or data.shape[1:] != (len(_CH_NAMES), codes.size):
        raise ValueError(
            f"load_bci_iv_2b cannot use {path}: it should hold `data` of shape "
            "(n_times, 3, n_trials) and `label` of n_trials."
        )
    if not np.isin(codes, [1, 2]).all():
        raise ValueError(f"load_bci_iv_2b cannot use {path}: `label` should be 1 or 2 throughout.")
    trials = np.ascontiguousarray(data.transpose(2, 1, 0), dtype=np.float64)
    return trials * _VOLTS_PER_MICROVOLT, np.array(_CLASSES)[codes.ravel().astype(int) - 1]
