"""Pickling of Epochs that are not preloaded, for the workers of joblib."""

from __future__ import annotations

import copyreg
import gzip
from collections.abc import Callable
from typing import Any

import mne


def _reopen(opener: Callable[..., Any], path: str, state: dict[str, Any]) -> Any:
    """Rebuild the container of Epochs that are not preloaded, with a new file handle."""
    container = object.__new__(mne.epochs._RawContainer)
    container.__dict__.update(state, fid=opener(path, "rb"))
    return container


def _reduce_container(container: Any) -> tuple[Any, ...]:
    """Return the function and the arguments that rebuild a container when it is unpickled."""
    state = {name: value for name, value in vars(container).items() if name != "fid"}
    opener = gzip.open if isinstance(container.fid, gzip.GzipFile) else open
    return _reopen, (opener, container.fid.name, state)


# Epochs that are read with preload=False keep their file open. An open file cannot be pickled for
# the workers of joblib, so each worker opens the file again.
copyreg.pickle(mne.epochs._RawContainer, _reduce_container)
