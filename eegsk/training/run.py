"""What tells one fit from another: parameters, seed, data and initial weights, in words."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .batches import TrialSplit

# Parameters that leave the weights of an epoch as they are, or of which others here tell more.
_NOT_TOLD = {"max_epochs", "verbose", "device"}


@dataclass(frozen=True, eq=False)
class Run:
    """One fit of an estimator.

    Parameters
    ----------
    name : str
        Name of the estimator's class.
    get_params : callable
        Returns its parameters, those of callbacks too.
    seed : int
        What the generators were seeded with.
    partial : bool, default=False
        Whether it is one of several calls of ``partial_fit``.
    """

    name: str
    get_params: Callable[[], Mapping[str, Any]]
    seed: int
    partial: bool = False

    def describe(self, trials: TrialSplit, weights: Mapping[str, Any]) -> dict[str, str]:
        """Return what the weights after each epoch follow from, by name.

        Parameters
        ----------
        trials : TrialSplit
            What is trained and validated on.
        weights : dict
            The weights that training begins with.

        Returns
        -------
        description : dict
            Names of parameters and of other things that matter, each with its value in words.
        """
        train, valid = trials.train, trials.valid
        return {
            "estimator": self.name,
            "method": "partial_fit" if self.partial else "fit",
            **self._describe_params(),
            "seed": str(self.seed),
            "device": str(train.X.device),
            "X": digest(train.X),
            "y": digest(train.y),
            "sample_weight": digest(train.weight),
            "split for validation": digest(train.index, valid and valid.index),
            "initial weights": digest(dict(weights)),
        }

    def _describe_params(self) -> dict[str, str]:
        """Describe each parameter, of objects with parameters of their own the class only."""
        params = dict(self.get_params())
        owners = {name.rpartition("__")[0] for name in params} & set(params)
        return {
            name: type(params[name]).__name__ if name in owners else describe(params[name])
            for name in sorted(set(params) - _NOT_TOLD)
        }


def describe(value: Any) -> str:
    """Describe a parameter in words that are the same in every process.

    Parameters
    ----------
    value : object
        Anything; arrays are described by what they hold, objects without a telling representation
        by their class.

    Returns
    -------
    words : str
        The description.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray | torch.Tensor):
        return digest(value)
    if isinstance(value, Mapping):
        items = (f"{describe(key)}: {describe(item)}" for key, item in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(describe, value))}]"
    if isinstance(value, functools.partial):
        return f"{describe(value.func)} of {describe([value.args, value.keywords])}"
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return _describe_object(value)


def _describe_object(value: Any) -> str:
    if hasattr(value, "get_params"):
        return f"{type(value).__name__}({describe(value.get_params(deep=False))})"
    words = repr(value)
    return type(value).__qualname__ if " at 0x" in words else words


def digest(*values: Any) -> str:
    """Return a fingerprint of nested containers of tensors, arrays and numbers.

    Parameters
    ----------
    *values : objects
        Tensors, arrays, dictionaries, lists, or anything that has a telling representation.

    Returns
    -------
    fingerprint : str
        ``"#"`` and sixteen hexadecimal digits, the same in every process.
    """
    state = hashlib.blake2b(digest_size=8)
    for value in values:
        _feed(state, value)
    return f"#{state.hexdigest()}"


def _feed(state: Any, value: Any) -> None:
    if isinstance(value, Mapping):
        value = sorted(value.items(), key=lambda item: str(item[0]))
    if isinstance(value, list | tuple):
        state.update(f"{len(value)} items".encode())
        for item in value:
            _feed(state, item)
    elif isinstance(value, torch.Tensor):
        state.update(f"{value.dtype} {tuple(value.shape)}".encode())
        flat = value.detach().cpu().contiguous().flatten()
        state.update(flat.view(torch.uint8).numpy().data)
    elif isinstance(value, np.ndarray) and value.dtype != object:
        state.update(f"{value.dtype} {value.shape}".encode())
        state.update(np.ascontiguousarray(value).tobytes())
    else:
        state.update(repr(value).encode())
