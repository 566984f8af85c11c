"""The container: a safetensors file with a description in its header, and a checksum.

A safetensors file consists of the length of its header (8 bytes, little-endian), the header in
JSON, and the bytes of the tensors. The entry ``__metadata__`` of the header maps strings to
strings, here:

- ``format`` and ``version``: ``"eegsk"`` and the version of the format, e.g. ``"1"``,
- ``sha256``: SHA-256 of the whole file, computed with zeros in place of these 64 digits,
- ``model``: description of the estimator, in JSON.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

FORMAT, VERSION = "eegsk", 1
Tensors = dict[str, torch.Tensor]

_MAX_HEADER = 100_000_000  # bytes; the limit of safetensors
# The quotes inside the description are escaped, so that only the entry itself matches.
_DIGEST = re.compile(rb'"sha256":"([0-9a-f]{64})"')
_ZEROS = b"0" * 64


def pack(description: dict[str, Any], tensors: Tensors) -> bytes:
    """Return the content of a model file.

    Parameters
    ----------
    description : dict
        Description of the estimator, of types that JSON has.
    tensors : dict of torch.Tensor
        Tensors by name.

    Returns
    -------
    data : bytes
        The content.

    Raises
    ------
    ValueError
        If the header would be longer than safetensors allows.
    """
    # Imported here, so that other functions of eegsk do not need the package.
    from safetensors.torch import save

    metadata = {
        "format": FORMAT,
        "version": str(VERSION),
        "sha256": _ZEROS.decode(),
        "model": json.dumps(description, allow_nan=False, separators=(",", ":")),
    }
    if len(metadata["model"]) > _MAX_HEADER // 2:
        raise ValueError(
            f"the description has {len(metadata['model']):,} characters, more than a file holds; "
            "shorten the history, e.g. del estimator.history_[:-100]"
        )
    data = save({name: tensor.contiguous() for name, tensor in tensors.items()}, metadata)
    start, end = _find_digest(data)
    return b"".join([data[:start], _digest(data, start, end), data[end:]])


def unpack(data: bytes) -> tuple[dict[str, Any], Tensors]:
    """Return description and tensors of a model file.

    Parameters
    ----------
    data : bytes
        The content of the file.

    Returns
    -------
    description : dict
        Description of the estimator.
    tensors : dict of torch.Tensor
        Tensors by name, on the CPU.

    Raises
    ------
    ValueError
        If the file is damaged, of another kind, or of a later version of the format.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    start, end = _find_digest(data)
    if _digest(data, start, end) != data[start:end]:
        raise ValueError("its checksum differs, so that the file is damaged or incomplete")
    try:
        metadata = _parse(data[8 : 8 + _header_length(data)])["__metadata__"]
        _check_version(metadata)
        return _parse(metadata["model"]), load(data)
    except (SafetensorError, KeyError, TypeError, RecursionError, AssertionError) as error:
        raise ValueError(f"its header is invalid: {error}") from error


def read_bytes(path: Path) -> bytes:
    """Return the content of a file; of a file of another kind, read the first bytes only.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    data : bytes
        The content.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file is of another kind.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        start = file.read(8)
        n_bytes = _header_length(start)
        if len(start) < 8 or n_bytes > min(_MAX_HEADER, size - 8):
            raise ValueError("it does not begin with the header of a model file")
        _find_digest(start + file.read(n_bytes))
        file.seek(0)
        return file.read()


def _header_length(data: bytes) -> int:
    return int.from_bytes(data[:8], "little")


def _find_digest(data: bytes) -> tuple[int, int]:
    """Return the position of the checksum in the header."""
    match = _DIGEST.search(data, 8, 8 + _header_length(data))
    if match is None:
        raise ValueError("it has no checksum, so that it is no model file, or damaged")
    return match.span(1)


def _digest(data: bytes, start: int, end: int) -> bytes:
    """Return the checksum in hexadecimal digits."""
    view, digest = memoryview(data), hashlib.sha256()
    for part in (view[:start], _ZEROS, view[end:]):
        digest.update(part)
    return digest.hexdigest().encode()


def _check_version(metadata: dict[str, str]) -> None:
    version = metadata["version"]
    if metadata["format"] != FORMAT or not version.isdecimal():
        raise ValueError(f"its format is {metadata['format']!r}, version {version!r}")
    if int(version) > VERSION:
        writer = _parse(metadata["model"]).get("versions", {}).get("eegsk", "a later version")
        raise ValueError(
            f"it has version {version} of the format, and this version of eegsk reads versions up "
            f"to {VERSION}; update eegsk to {writer} or later"
        )


def _parse(text: str | bytes) -> dict[str, Any]:
    return json.loads(text, object_pairs_hook=_without_duplicates)


def _without_duplicates(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    pairs = list(pairs)
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("it contains a name twice")
    return result
