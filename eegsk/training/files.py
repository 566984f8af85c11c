"""Files that are either whole or not there, and that say what is wrong with any other."""

from __future__ import annotations

import glob
import io
import os
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import torch

_FORMAT = "eegsk checkpoint"
_VERSION = 1
# What a checkpoint of this format holds.
_KEYS = {"version", "run", "seed", "epoch", "n_epochs", "stopped", "best", "begins", "last"}
_ZIP = b"PK"


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint, so that the path always holds a whole one: the last or the one before.

    Parameters
    ----------
    path : pathlib.Path
        Where to; its folder is there.
    content : dict
        Tensors and plain data.
    """
    temporary = path.with_name(f"{_prefix(path)}{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            torch.save({"format": _FORMAT, "version": _VERSION, **content}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def read_checkpoint(path: Path, anywhere: bool = False) -> dict[str, Any]:
    """Read a checkpoint; whatever it holds, nothing is executed.

    Parameters
    ----------
    path : pathlib.Path
        A file.
    anywhere : bool, default=False
        Whether to put tensors where they were, rather than on the CPU.

    Returns
    -------
    content : dict
        What was written.

    Raises
    ------
    ValueError
        If the file is torn, damaged, or not a checkpoint.
    """
    data = path.read_bytes()
    try:
        damaged = zipfile.ZipFile(io.BytesIO(data)).testzip() is not None
    except Exception as error:  # bytes can be wrong in many ways
        _refuse(path, data.startswith(_ZIP), error)
    if damaged:
        _refuse(path, True, None)
    try:
        where = None if anywhere else "cpu"
        content = torch.load(io.BytesIO(data), map_location=where, weights_only=True)
    except Exception as error:
        _refuse(path, False, error)
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        _refuse(path, False, None)
    version = content.get("version", _VERSION)
    if version != _VERSION:
        raise ValueError(
            f"Checkpoint: {str(path)!r} is of format {version}, this version of eegsk "
            f"reads format {_VERSION}; it is left as it is. Give another path."
        )
    if not content.keys() >= _KEYS:
        _refuse(path, True, None)
    return content


def prepare_folder(path: Path) -> None:
    """See that a file can be written, and clear away what a killed process left half-written.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Raises
    ------
    OSError
        If there can be no such file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise type(error)(
            f"Checkpoint: no file can be written to {str(path.parent)!r} ({error.strerror}); give "
            "a path in a folder of your own."
        ) from error
    if path.is_dir():
        raise IsADirectoryError(
            f"Checkpoint: {str(path)!r} is a folder; give the path of a file, such as "
            f"{str(path / 'best')!r}."
        )
    for left in path.parent.glob(f"{glob.escape(_prefix(path))}*.tmp"):
        if not _is_written(left):
            with suppress(OSError):  # someone else was faster, or it is open on Windows
                left.unlink()


def _prefix(path: Path) -> str:
    return f".{path.name}."


def _is_written(temporary: Path) -> bool:
    """Tell whether the process that a temporary file is named after is still there."""
    pid = temporary.name.split(".")[-2]
    if os.name != "posix" or not pid.isdecimal() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """Have the new name survive a loss of power; Windows has no such thing."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _refuse(path: Path, torn: bool, cause: Exception | None) -> NoReturn:
    what = "is damaged or incomplete" if torn else "is not a checkpoint of eegsk"
    raise ValueError(
        f"Checkpoint: {str(path)!r} {what}; it is left as it is. Move it away, or give another "
        "path."
    ) from cause
