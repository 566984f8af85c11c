"""Torch classes called by their names: ``"adamw"``, ``"leaky_relu"``, ``"cross_entropy"``."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any


def catalogue(module: ModuleType, base: type, suffix: str = "") -> dict[str, Callable[..., Any]]:
    """List the public classes of a torch module that inherit from ``base``.

    Parameters
    ----------
    module : module
        Where to look; what its ``__all__`` names is public.
    base : type
        What the classes are; it is not listed itself.
    suffix : str, default=""
        An ending of their names that need not be written.

    Returns
    -------
    found : dict
        The classes by plain name.
    """
    items = [getattr(module, name) for name in module.__all__]
    found = [item for item in items if isinstance(item, type) and issubclass(item, base)]
    return {plain(item.__name__.removesuffix(suffix)): item for item in found if item is not base}


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
    known = {plain(item.__name__): item for item in choices.values()} | dict(choices)
    if plain(value) in known:
        return known[plain(value)]
    raise ValueError(f"{kind}={value!r} is not known; {_suggestion(plain(value), known)}")


def _suggestion(name: str, known: Mapping[str, Callable[..., Any]]) -> str:
    """Say which of the choices the name may have meant, as torch writes them."""
    near = difflib.get_close_matches(name, known, n=4, cutoff=0.7)
    meant = dict.fromkeys(known[key].__name__ for key in near or sorted(known))
    return f"did you mean {' or '.join(meant)}?" if near else f"choose from {', '.join(meant)}."
