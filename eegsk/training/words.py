"""Words and fingerprints of values, the same in every process that runs the same source."""

from __future__ import annotations

import copyreg
import enum
import functools
import hashlib
import random
import sys
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.utils.hooks import RemovableHandle

_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_BOUND = (MethodType, BuiltinFunctionType, MethodWrapperType)
_GENERATORS = (
    np.random.Generator,
    np.random.BitGenerator,
    np.random.RandomState,
    torch.Generator,
    random.Random,
)
# What a function does depends on; file names and lines are no part of it.
_OF_CODE = (
    *("co_code", "co_exceptiontable", "co_consts", "co_names", "co_varnames", "co_freevars"),
    *("co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_flags"),
)
# What pickle makes most objects with, which goes without saying.
_NEW = vars(copyreg)["__newobj__"]
_OF_MODULES = frozenset(vars(nn.Module()))
# What is longer gives way to a fingerprint, or an error would show where two still are the same.
_LONGEST = 100


def describe(value: Any, inside: bool = False) -> str:
    """Describe a parameter in words that are the same in every process.

    Parameters
    ----------
    value : object
        Anything; arrays and weights are described by what they hold, functions by name, code,
        defaults and closure.
    inside : bool, default=False
        Whether objects without a telling representation are described by what they hold, rather
        than by their class alone.

    Returns
    -------
    words : str
        The description.
    """
    return _Description(inside).words(value)


def describe_class(value: Any, inside: bool = False) -> str:
    """Describe the class of an object.

    Parameters
    ----------
    value : object
        Anything.
    inside : bool, default=False
        Whether to describe what is in a class that there may be several of by its name, such as
        one that a function makes.

    Returns
    -------
    words : str
        The name of the class, and a fingerprint if it takes one.
    """
    return _Description(inside).class_of(value)


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


class _Description:
    """One description, for which each thing is looked into once, so that cycles end."""

    def __init__(self, inside: bool) -> None:
        self._inside = inside
        self._met: dict[int, tuple[Any, str]] = {}

    def words(self, value: Any) -> str:
        if isinstance(value, np.generic):
            value = value.item()
        if type(value) in _PLAIN:
            return repr(value)
        if isinstance(value, torch.Tensor):
            return digest(value)
        if isinstance(value, np.ndarray):
            return digest(value) if value.dtype != object else self.words(value.tolist())
        if id(value) not in self._met:  # the value is kept too, or another might get its id
            self._met[id(value)] = value, "..."
            self._met[id(value)] = value, self._describe(value)
        return self._met[id(value)][1]

    def _describe(self, value: Any) -> str:
        if isinstance(value, Mapping):
            items = (f"{self.words(key)}: {self.words(item)}" for key, item in value.items())
            return f"{{{', '.join(items)}}}"
        if isinstance(value, list | tuple):
            return f"[{self._listed(value)}]"
        if isinstance(value, set | frozenset):
            return f"{{{', '.join(sorted(map(self.words, value)))}}}"
        if isinstance(value, functools.partial):
            return f"{self.words(value.func)} of {self.words([value.args, value.keywords])}"
        if isinstance(value, type):
            return self._describe_class(value)
        if isinstance(value, CodeType):
            return self.words([getattr(value, name) for name in _OF_CODE])
        if isinstance(value, ModuleType):
            return value.__name__
        return self._describe_named(value) or self._describe_object(value)

    def _listed(self, values: Any) -> str:
        return ", ".join(map(self.words, values))

    def _describe_named(self, value: Any) -> str | None:
        """Describe functions and methods."""
        if isinstance(value, FunctionType):
            return f"{_name(value)} {digest(self._listed(_parts_of_function(value)))}"
        if isinstance(value, property):
            return f"property of {self.words([value.fget, value.fset, value.fdel])}"
        owner = value.__self__ if isinstance(value, _BOUND) else None
        if owner is not None and not isinstance(owner, ModuleType):
            function = getattr(value, "__func__", None)
            named = _name(value) if function is None else self.words(function)
            return f"{named} of {self.words(owner)}"
        if not hasattr(value, "__qualname__"):
            return None
        inner = getattr(value, "__wrapped__", None)
        return _name(value) if inner is None else f"{_name(value)} of {self.words(inner)}"

    def _describe_class(self, kind: type) -> str:
        """Describe a class by name, where no module holds it under that name by its contents."""
        if _is_imported(kind):
            return _name(kind)
        made = (FunctionType, staticmethod, classmethod, property)
        held = {
            name: item
            for name, item in sorted(vars(kind).items())
            if isinstance(item, made) or not name.startswith(("__", "_abc_"))
        }
        return f"{kind.__module__}.{kind.__name__} {digest(self._listed([kind.__bases__, held]))}"

    def _describe_object(self, value: Any) -> str:
        if isinstance(value, enum.Enum):
            return f"{type(value).__name__}.{value.name}"
        if isinstance(value, RemovableHandle):  # numbered as hooks came, in this process
            return type(value).__name__
        if isinstance(value, _GENERATORS):
            return f"{type(value).__name__} {digest(_state_of(value))}"
        if isinstance(value, nn.Module):
            return self._describe_module(value)
        kind = self.class_of(value)
        if hasattr(value, "get_params"):
            return f"{kind}({self.words(value.get_params(deep=False))})"
        words = " ".join(repr(value).split())
        hidden = words.startswith("<") or " at 0x" in words
        if hidden and not self._inside:
            return kind
        return self._describe_contents(value, words) if hidden or is_dataclass(value) else words

    def _describe_module(self, module: nn.Module) -> str:
        """Describe layers with their weights, and with what their representation leaves out."""
        layers = [
            [name, type(layer), {k: v for k, v in vars(layer).items() if k not in _OF_MODULES}]
            for name, layer in module.named_modules()
        ]
        words = " ".join(repr(module).split())
        hidden = " at 0x" in words or len(words) > _LONGEST
        shown = type(module).__name__ if hidden else words
        weights = dict(module.state_dict()), dict(module.named_buffers())
        return f"{shown} {digest(*weights, self.words(layers))}"

    def _describe_contents(self, value: Any, words: str) -> str:
        """Describe an object by what pickle would keep of it."""
        name = self.words(type(value))
        try:
            made = value.__reduce_ex__(2)
        except Exception:  # whatever cannot be pickled says so in its own way
            return name if " at 0x" in words else words
        if isinstance(made, str):
            return made
        plain = made[0] is _NEW and len(made[1]) == 1
        parts = [part for part in (made[2:] if plain else made) if part is not None]
        held = self._listed([list(part) if isinstance(part, Iterator) else part for part in parts])
        return f"{name}({held})" if len(held) <= _LONGEST else f"{name} {digest(held)}"

    def class_of(self, value: Any) -> str:
        """Describe the class of an object, in one word unless there may be others of its name."""
        kind = type(value)
        return self.words(kind) if self._inside and not _is_imported(kind) else kind.__name__


def _name(value: Any) -> str:
    return f"{getattr(value, '__module__', None)}.{value.__qualname__}"


def _is_imported(kind: type) -> bool:
    """Tell whether another process finds the same class; it has a ``__main__`` of its own."""
    found: Any = sys.modules.get(kind.__module__)
    for name in kind.__qualname__.split("."):
        found = getattr(found, name, None)
    return kind.__module__ == "builtins" or (found is kind and kind.__module__ != "__main__")


def _parts_of_function(function: FunctionType) -> list[Any]:
    """Return what a function does, and all that it holds."""
    cells = [cell for cell in function.__closure__ or () if cell != CellType()]  # not the empty
    closure = [cell.cell_contents for cell in cells]
    defaults = function.__defaults__, function.__kwdefaults__
    return [function.__code__, *defaults, closure, vars(function)]


def _state_of(generator: Any) -> Any:
    if isinstance(generator, np.random.RandomState):
        return generator.get_state(legacy=False)
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    if isinstance(generator, np.random.BitGenerator):
        return generator.state
    return generator.get_state() if isinstance(generator, torch.Generator) else generator.getstate()


def _feed(state: Any, value: Any) -> None:
    if isinstance(value, Mapping):
        value = sorted(value.items(), key=lambda item: str(item[0]))
    if isinstance(value, list | tuple):
        state.update(f"{len(value)} items".encode())
        for item in value:
            _feed(state, item)
    elif isinstance(value, torch.Tensor):
        _feed_tensor(state, value)
    elif isinstance(value, np.ndarray) and value.dtype != object:
        state.update(f"{value.dtype} {value.shape}".encode())
        state.update(np.ascontiguousarray(value).tobytes())
    else:
        state.update(describe(value, inside=True).encode())


def _feed_tensor(state: Any, value: torch.Tensor) -> None:
    if is_lazy(value):  # it has no shape yet
        state.update(b"uninitialized")
        return
    state.update(f"{value.dtype} {tuple(value.shape)}".encode())
    flat = value.detach().cpu().contiguous().flatten()
    state.update(flat.view(torch.uint8).numpy().data)
