"""Checks of parameters against their annotations, which run in ``fit``."""

from __future__ import annotations

import functools
import os
import types
import typing
from collections.abc import Callable
from dataclasses import fields
from numbers import Integral, Real
from typing import Annotated, Any, Literal

import numpy as np

from .types import Range

# Maximal number of characters of a value in an error message.
_MAX_CHARACTERS = 80


def check_fields(obj: Any) -> None:
    """Check each field of an object against its annotation.

    Parameters
    ----------
    obj : Fields
        The object.

    Raises
    ------
    TypeError
        If a value is of the wrong type.
    ValueError
        If a value is out of range or not one of the choices.
    """
    for name, hint in _hints(type(obj)).items():
        check_value(type(obj).__name__, name, getattr(obj, name), hint)


def check_value(owner: str, name: str, value: Any, hint: Any) -> None:
    """Check a value against an annotation.

    Parameters
    ----------
    owner : str
        Name of the class that has the parameter, for the error message.
    name : str
        Name of the parameter.
    value : object
        The value.
    hint : type
        The annotation: a type, a union, a ``Literal`` or an ``Annotated`` number with a range.

    Raises
    ------
    TypeError
        If the value is of the wrong type.
    ValueError
        If the value is out of range or not one of the choices.
    """
    options = _options(hint)
    if any(_is_type(value, option) and _in_range(value, option) for option in options):
        return
    has_right_type = any(_is_type(value, option) for option in options)
    error = ValueError if has_right_type else TypeError
    raise error(f"{owner}: {name}={short_repr(value)} should be {_expected(options)}.")


def short_repr(value: Any) -> str:
    """Return the representation of a value in one line of at most 80 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}..."


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    """Return the annotation of each field, with the ranges."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in fields(cls)}


def _expected(options: tuple[Any, ...]) -> str:
    """Return the values that a field accepts as text, e.g. "an integer of at least 1 or None"."""
    *first, last = dict.fromkeys(text for option in options for text in _describe(option))
    return f"{', '.join(first)} or {last}" if first else last


def _options(hint: Any) -> tuple[Any, ...]:
    """Flatten a union into its members."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(option for arg in typing.get_args(hint) for option in _options(arg))
    return (hint,)


def _base(option: Any) -> Any:
    """Return the type of an option without range or arguments, e.g. ``int`` for ``Count``."""
    if typing.get_origin(option) is Annotated:
        option = typing.get_args(option)[0]
    return typing.get_origin(option) or option


def _is_type(value: Any, option: Any) -> bool:
    base = _base(option)
    if base is Any:
        return True
    if base is Literal:
        return isinstance(value, tuple({type(choice) for choice in typing.get_args(option)}))
    if base is Callable or base is typing.get_origin(Callable[..., Any]):
        return callable(value)
    if base in (int, float):
        number = Integral if base is int else Real
        return isinstance(value, number) and not isinstance(value, bool)
    if isinstance(value, type):  # a class has the methods of a protocol, but is not an instance
        return False
    return isinstance(value, (bool, np.bool_) if base is bool else base)


def _in_range(value: Any, option: Any) -> bool:
    if typing.get_origin(option) is Literal:
        return value in typing.get_args(option)
    return all(value in limit for limit in _ranges(option))


def _ranges(option: Any) -> list[Range]:
    if typing.get_origin(option) is not Annotated:
        return []
    return [item for item in typing.get_args(option)[1:] if isinstance(item, Range)]


def _describe(option: Any) -> list[str]:
    """Return the values that an option accepts as texts, e.g. ["an integer of at least 1"]."""
    if typing.get_origin(option) is Literal:
        return [repr(choice) for choice in typing.get_args(option)]
    base = _base(option)
    names = {int: "an integer", float: "a number", str: "a name", type(None): "None"}
    names[os.PathLike] = "a path"
    accepts_functions = _is_type(len, option)
    name = names.get(base) or ("a callable" if accepts_functions else f"a {base.__name__}")
    return [" ".join([name, *map(str, _ranges(option))])]
