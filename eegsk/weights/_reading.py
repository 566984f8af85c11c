"""Reading of state dicts from files, without running code that they contain."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

# Keys of checkpoints, e.g. those of Lightning, that contain the state dict of a module.
_STATE_KEYS = ("state_dict", "model_state_dict")
_EXPECTED = "a state dict, a .safetensors file, or a file that torch.save wrote of a state dict"


def read_weights(weights: Any) -> dict[str, torch.Tensor]:
    """Return the tensors of a state dict or a file by name.

    Parameters
    ----------
    weights : mapping of str to torch.Tensor, or path
        State dict of a module; or a file with one, of safetensors if its name ends with
        ``.safetensors``, else of torch. Files of torch are read with ``weights_only=True``, so that
        no code in them is run.

    Returns
    -------
    tensors : dict of str to torch.Tensor
        The tensors on the CPU. In a file of safetensors, they are in no particular order.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If ``weights`` is neither a path nor a mapping of names to tensors.
    ValueError
        If the file does not contain a state dict only.

    Examples
    --------
    >>> import torch
    >>> from eegsk.weights import read_weights
    >>> read_weights(torch.nn.Linear(3, 2).state_dict())["weight"].shape
    torch.Size([2, 3])
    """
    if isinstance(weights, str | os.PathLike):
        content, source = _read_file(Path(weights)), f"the file {weights}"
    elif isinstance(weights, nn.Module):
        raise TypeError("load_weights: weights is a module; pass module.state_dict() instead.")
    else:
        content, source = weights, f"weights, a {type(weights).__name__},"
    for key in _STATE_KEYS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not content or not all(map(_is_entry, content.items())):
        raise TypeError(
            f"load_weights: {source} does not contain a state dict, names with tensors; expected "
            f"{_EXPECTED}."
        )
    return {name: tensor.detach().cpu() for name, tensor in content.items()}


def is_ordered(weights: Any) -> bool:
    """Check whether a source keeps the tensors in the order of the layers."""
    is_file = isinstance(weights, str | os.PathLike)
    return not (is_file and Path(weights).suffix == ".safetensors")


def _is_entry(item: tuple[Any, Any]) -> bool:
    return isinstance(item[0], str) and isinstance(item[1], torch.Tensor)


def _read_file(path: Path) -> Any:
    path = path.expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"load_weights: there is no file {path}.")
    try:
        if path.suffix == ".safetensors":
            return _read_safetensors(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError) as error:
        reason = str(error).partition("\n")[0].partition(". ")[0] or type(error).__name__
        raise ValueError(
            f"load_weights: {path} cannot be read without running its code, or is no file of "
            f"weights; expected {_EXPECTED}. Reason: {reason.rstrip('.')}."
        ) from error


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    # Imported here, so that other functions of eegsk do not need the package.
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path, device="cpu")
    except SafetensorError as error:
        raise ValueError(str(error)) from error
