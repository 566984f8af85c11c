"""Registries of torch classes by name, e.g. ``"adamw"`` or ``"leaky_relu"``."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any


def class_registry(
    module: ModuleType, base: type, suffix: str = ""
) -> dict[str, Callable[..., Any]]:
    """List the public subclasses of ``base`` in a torch module.

    Parameters
    ----------
    module : module
        Module with an ``__all__``, e.g. ``torch.optim``.
    base : type
        Base class, e.g. ``torch.optim.Optimizer``; it is not part of the result.
    suffix : str, default=""
        Ending that a user may leave out, e.g. ``"Loss"``.

    Returns
    -------
    registry : dict
        Classes by normalized name without the suffix, e.g. ``{"adamw": torch.optim.AdamW}``.
    """
    members = [getattr(module, name) for name in module.__all__]
    classes = [item for item in members if isinstance(item, type) and issubclass(item, base)]
    return {
        normalized(item.__name__.removesuffix(suffix)): item for item in classes if item is not base
    }


def normalized(name: str) -> str:
    """Return a name in lower case without underscores: ``leaky_relu`` matches ``LeakyReLU``."""
    return name.replace("_", "").lower()


def find_class(parameter: str, value: Any, registry: Mapping[str, Callable[..., Any]]) -> Any:
    """Find a class by name; return a value that is not a string unchanged.

    Parameters
    ----------
    parameter : str
        Name of the parameter, for the error message, e.g. ``"optimizer"``.
    value : str or callable
        Name of a class, or a class or factory.
    registry : dict
        Classes by normalized name.

    Returns
    -------
    factory : callable
        The class of that name, or ``value`` if it is not a string.

    Raises
    ------
    ValueError
        If no class has that name; the message suggests similar names.
    """
    if not isinstance(value, str):
        return value
    classes = {normalized(item.__name__): item for item in registry.values()} | dict(registry)
    if normalized(value) in classes:
        return classes[normalized(value)]
    raise ValueError(f"{parameter}={value!r} is not known; {_suggestion(value, classes)}")


def _suggestion(name: str, classes: Mapping[str, Callable[..., Any]]) -> str:
    """Return a hint for the error message: the class names most similar to a name, or all names."""
    similar = difflib.get_close_matches(normalized(name), classes, n=4, cutoff=0.7)
    choices = dict.fromkeys(classes[key].__name__ for key in similar or sorted(classes))
    return (
        f"did you mean {' or '.join(choices)}?" if similar else f"choose from {', '.join(choices)}."
    )
