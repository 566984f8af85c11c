"""Atomic writing of files."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces a file at the end.

    At any time, the path holds a complete file, either old or new. After an error, e.g. because the
    disk is full, it holds the old file.

    Parameters
    ----------
    path : pathlib.Path
        The file to replace, in an existing folder.

    Yields
    ------
    file : binary file
        The temporary file, in the same folder.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
