"""What a callable can remember from one call to the next."""

from __future__ import annotations

import functools
from types import BuiltinFunctionType, CellType, FunctionType, MethodType
from typing import Any

import numpy as np
import torch

_GENERATORS = (np.random.Generator, np.random.RandomState, torch.Generator)


def owner_of(value: Any) -> Any:
    """Return the object that a method is of, and anything else as it is."""
    return value.__self__ if isinstance(value, MethodType) else value


def is_function(value: Any) -> bool:
    """Tell functions, classes and partials from objects with attributes."""
    return isinstance(value, type | FunctionType | BuiltinFunctionType | functools.partial)


def held_by(value: Any) -> dict[str, Any]:
    """Return the attributes of an object, or the generators that a function draws from.

    Parameters
    ----------
    value : callable
        A function, or an object.

    Returns
    -------
    held : dict
        What it holds by name, functions that draw from no generator aside.
    """
    if is_function(value):
        items = _found_by(value).items()
        return {name: item for name, item in items if isinstance(item, _GENERATORS)}
    state: Any = object.__getstate__(value)  # with what is in slots
    parts = state if isinstance(state, tuple) else (state,)
    items = {name: item for part in parts for name, item in (part or {}).items()}
    return {name: item for name, item in items.items() if not is_function(item) or held_by(item)}


def _found_by(function: Any) -> dict[str, Any]:
    """Return what a function finds: globals, closure, arguments of a partial, its owner."""
    if isinstance(function, functools.partial):
        given = {str(place): item for place, item in enumerate(function.args)}
        return {**_found_by(function.func), **given, **function.keywords}
    if not isinstance(function, FunctionType):
        return {"__self__": getattr(function, "__self__", None)}
    code, there = function.__code__, function.__globals__
    read = set(code.co_names) & there.keys()
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    closure = {name: cell.cell_contents for name, cell in cells if cell != CellType()}
    return {**{name: there[name] for name in sorted(read)}, **closure}
