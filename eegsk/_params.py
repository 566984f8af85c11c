"""Hyper-parameters as typed fields: the constructor, its documentation, its checks."""

from __future__ import annotations

import functools
import os
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Annotated, Any, Literal, dataclass_transform

import numpy as np

from ._docs import merged_docstring
from ._types import Range

# How many characters of a wrong value an error message shows.
_LONGEST_SHOWN = 80


@dataclass_transform(kw_only_default=True, eq_default=False)
class Fields:
    """A class whose annotated attributes are its keyword-only constructor.

    Subclasses write each hyper-parameter once, as ``name: type = default``, and document it in
    their own *Parameters* section. The constructor stores what it is given, so that
    :func:`sklearn.base.clone` and ``GridSearchCV`` work; the docstring of a subclass holds the
    parameters of all its bases.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._own_doc = cls.__doc__ or ""
        dataclass(cls, kw_only=True, eq=False, repr=False)
        cls.__doc__ = merged_docstring(cls)


def check_fields(obj: Any) -> None:
    """Hold each field of ``obj`` against its annotation.

    Parameters
    ----------
    obj : Fields
        The object whose fields to check.

    Raises
    ------
    TypeError
        If a field has a value of none of its types.
    ValueError
        If a field is out of its range or not one of its choices.
    """
    for name, hint in _hints(type(obj)).items():
        check_value(type(obj).__name__, name, getattr(obj, name), hint)


def check_value(owner: str, name: str, value: Any, hint: Any) -> None:
    """Hold a value against an annotation.

    Parameters
    ----------
    owner : str
        Whose it is, for the error message.
    name : str
        What it is called there.
    value : object
        The value.
    hint : type
        What it should be; a union, a choice of values or a number of a range, too.

    Raises
    ------
    TypeError
        If it is of another type.
    ValueError
        If it is out of range or not one of the choices.
    """
    options = _options(hint)
    if any(_is_type(value, option) and _in_range(value, option) for option in options):
        return
    right_type = any(_is_type(value, option) for option in options)
    error = ValueError if right_type else TypeError
    raise error(f"{owner}: {name}={shown(value)} should be {_wanted(options)}.")


def shown(value: Any) -> str:
    """Return what represents a value, in one line of a readable length."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in fields(cls)}


def _wanted(options: tuple[Any, ...]) -> str:
    """Return a list of what a field can be, in words."""
    *others, last = dict.fromkeys(words for option in options for words in _describe(option))
    return f"{', '.join(others)} or {last}" if others else last


def _options(hint: Any) -> tuple[Any, ...]:
    """Flatten a union into the alternatives it allows."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(option for arg in typing.get_args(hint) for option in _options(arg))
    return (hint,)


def _base(option: Any) -> Any:
    """Return the class that ``isinstance`` or ``callable`` can judge."""
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
    if isinstance(value, type):  # a class has the methods of a protocol, but is not one of it
        return False
    return isinstance(value, (bool, np.bool_) if base is bool else base)


def _in_range(value: Any, option: Any) -> bool:
    if typing.get_origin(option) is Literal:
        return value in typing.get_args(option)
    return all(value in limit for limit in _ranges(option))


def _ranges(option: Any) -> list[Range]:
    if typing.get_origin(option) is not Annotated:
        return []
    return [extra for extra in typing.get_args(option)[1:] if isinstance(extra, Range)]


def _describe(option: Any) -> list[str]:
    if typing.get_origin(option) is Literal:
        return [repr(choice) for choice in typing.get_args(option)]
    base = _base(option)
    names = {int: "an integer", float: "a number", str: "a name", type(None): "None"}
    names[os.PathLike] = "a path"
    name = names.get(base) or ("a callable" if _is_type(len, option) else f"a {base.__name__}")
    return [" ".join([name, *map(str, _ranges(option))])]
