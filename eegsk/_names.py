"""Torch classes called by their names: ``"adamw"``, ``"leaky_relu"``, ``"cross_entropy"``."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any


def catalogue(module: ModuleType, base: type, suffix: str = "") -> dict[str, Callable[..., Any]]:
    """List the classes of a torch module that are ``base``, by plain name, less a suffix."""
    found = inspect.getmembers(
        module, lambda item: inspect.isclass(item) and issubclass(item, base)
    )
    return {plain(name.removesuffix(suffix)): item for name, item in found}


def plain(name: str) -> str:
    """Return a name without case and underscores, so that ``leaky_relu`` is ``LeakyReLU``."""
    return name.replace("_", "").lower()


def by_name(kind: str, value: Any, choices: Mapping[str, Callable[..., Any]]) -> Any:
    """Look a name up; anything but a string is returned as it is.

    Parameters
    ----------
    kind : str
        What is being named, for the error message.
    value : str or callable
        A name, or what it would stand for.
    choices : dict
        What there is, by plain name.

    Returns
    -------
    found : callable
        The class that goes by that name, or ``value`` itself.

    Raises
    ------
    ValueError
        If there is nothing of that name; the message has the nearest names there are.
    """
    if not isinstance(value, str):
        return value
    if plain(value) in choices:
        return choices[plain(value)]
    raise ValueError(f"{kind}={value!r} is not known; {suggestion(plain(value), choices)}.")


def suggestion(name: str, choices: Iterable[str]) -> str:
    """Say which of the choices the name may have meant."""
    choices = sorted(choices)
    near = difflib.get_close_matches(name, choices, n=1)
    return f"did you mean {near[0]!r}" if near else f"choose from {', '.join(choices)}"
