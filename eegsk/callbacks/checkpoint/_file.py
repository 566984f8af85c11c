"""Checkpoint files, which are replaced as a whole and read without running code."""

from __future__ import annotations

import glob
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import torch

from ...training import atomic_file

_FORMAT = "eegsk checkpoint 2"
_KEYS = {"format", "identity", "seed", "epoch", "stopped", "best", "last"}
# Age in seconds after which a temporary file is assumed to be left behind by a killed process.
_MAX_WRITING_TIME = 600


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint; at any time, the path holds a complete file, either old or new.

    Parameters
    ----------
    path : pathlib.Path
        The file, in an existing folder.
    content : dict
        Tensors and plain data.
    """
    with atomic_file(path) as file:
        torch.save({"format": _FORMAT, **content}, file)


def read_checkpoint(path: Path, device: Any = "cpu") -> dict[str, Any]:
    """Read a checkpoint without running code.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    device : str or torch.device, default="cpu"
        Device of the tensors.

    Returns
    -------
    content : dict
        The content of the file.

    Raises
    ------
    ValueError
        If the file is damaged, or not a checkpoint of this version.
    """
    content: dict[str, Any] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            is_intact = archive.testzip() is None
        content = torch.load(path, map_location=device, weights_only=True)
        is_checkpoint = is_intact and content["format"] == _FORMAT and content.keys() >= _KEYS
    except Exception:  # damaged and foreign files raise errors of many classes
        is_checkpoint = False
    if not is_checkpoint:
        raise ValueError(
            f"Checkpoint: {str(path)!r} is damaged, or not a checkpoint of this version of eegsk. "
            "The file was not changed. Move it away, or use another path."
        )
    return content


def prepare_folder(path: Path) -> None:
    """Create the folder of a file, check that it is writable, and remove incomplete files.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise type(error)(
            f"Checkpoint: cannot write to the folder {str(path.parent)!r} ({error.strerror}); use "
            "a path in a writable folder."
        ) from error
    if path.is_dir():
        raise IsADirectoryError(
            f"Checkpoint: {str(path)!r} is a folder; give the path of a file, e.g. "
            f"{str(path / 'best')!r}."
        )
    for temporary in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        if time.time() - temporary.stat().st_mtime > _MAX_WRITING_TIME:
            temporary.unlink(missing_ok=True)
