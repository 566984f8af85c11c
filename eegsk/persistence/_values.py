"""Conversion of parameters and states to JSON and tensors, and back.

None, booleans, integers, strings, finite floats and lists of storable values are stored as such in
JSON. Every other value is an object with one entry, whose key is its kind, e.g.
``{"name": "torch.nn.ELU"}`` or ``{"instance": ["eegsk.callbacks.SWA", {"start": 0.5}]}``. A
dictionary is ``{"dict": {...}}``, or ``{"items": [[key, value], ...]}`` if a key is not a string.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import torch

from .._fields import NestedParams, short_repr
from ._names import find_name, instance_classes, named_values

_REMEDY = (
    "use a name, or a class or function of eegsk, torch, skorch or scikit-learn; remove it with "
    "set_params; or save the estimator with joblib, whose files can contain code"
)
# Types of arrays. Strings get the length of the longest one.
_ARRAY_TYPES = {
    *("U", "O", "bool", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"),
}
_TENSOR_TYPES = {
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
}


class Encoder:
    """Conversion of values to JSON and tensors.

    Parameters
    ----------
    describe : callable
        ``describe(estimator, where)`` converts an estimator, e.g. that in ``pretrained``.

    Attributes
    ----------
    tensors : dict of torch.Tensor
        The tensors in the values by their names in the file.
    """

    def __init__(self, describe: Callable[[Any, str], Any]) -> None:
        self.describe = describe
        self.tensors: dict[str, torch.Tensor] = {}

    def encode(self, value: Any, where: str) -> Any:
        """Convert a value.

        Parameters
        ----------
        value : object
            The value.
        where : str
            Name of the value, for error messages and for the names of tensors.

        Returns
        -------
        node : object
            The value in types of JSON.

        Raises
        ------
        TypeError
            If the value, or a value inside it, cannot be stored without code.
        """
        value = value.item() if isinstance(value, np.generic) else value
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float and math.isfinite(value):
            return value
        if type(value) is list:
            return self._items(value, where)
        if isinstance(value, Mapping) and not all(type(key) is str for key in value):
            return {"items": self._pairs(value, where)}
        for kind, (types, encode) in self._encoders().items():
            if isinstance(value, types):
                return {kind: encode(value, where)}
        return self._encode_named(value, where)

    def _encoders(self) -> dict[str, tuple[Any, Callable[[Any, str], Any]]]:
        """Return the type and the conversion of each kind of value."""
        return {
            "float": (float, lambda value, where: repr(value)),
            "tuple": (tuple, self._items),
            "set": (set | frozenset, self._items),
            "dict": (Mapping, self._dict),
            "tensor": (torch.Tensor, self._encode_tensor),
            "array": (np.ndarray, self._encode_array),
            "partial": (partial, self._encode_partial),
            "device": (torch.device, lambda value, where: str(value)),
            "path": (PurePath, lambda value, where: str(value)),
            "random_state": (np.random.RandomState, self._encode_random_state),
            "estimator": (NestedParams, self.describe),
        }

    def _items(self, value: Any, where: str) -> list[Any]:
        return [self.encode(item, join(where, number)) for number, item in enumerate(value)]

    def _dict(self, value: Mapping[str, Any], where: str) -> dict[str, Any]:
        return {key: self.encode(item, join(where, key)) for key, item in value.items()}

    def _pairs(self, value: Mapping[Any, Any], where: str) -> list[Any]:
        return [
            [self.encode(key, where), self.encode(item, join(where, key))]
            for key, item in value.items()
        ]

    def _encode_tensor(self, value: torch.Tensor, where: str) -> str:
        if value.layout is not torch.strided or value.dtype not in _TENSOR_TYPES:
            raise TypeError(
                f"{where} is a tensor of type {value.dtype} and layout {value.layout}, which a "
                "file cannot contain; convert it, e.g. with module_.float()"
            )
        name = where if where not in self.tensors else f"{where} ({len(self.tensors)})"
        self.tensors[name] = value.detach().cpu()
        return name

    def _encode_array(self, value: np.ndarray, where: str) -> list[Any]:
        dtype = value.dtype.kind if value.dtype.kind in "UO" else value.dtype.name
        if dtype not in _ARRAY_TYPES:
            raise _refusal(value, where)
        return [dtype, self.encode(value.tolist(), where)]

    def _encode_partial(self, value: Any, where: str) -> list[Any]:
        arguments = self._items(value.args, where), self._dict(value.keywords, where)
        return [self.encode(value.func, where), *arguments]

    def _encode_random_state(self, value: np.random.RandomState, where: str) -> list[Any]:
        name, key, *rest = value.get_state()
        if name != "MT19937":
            raise _refusal(value, where)
        words = torch.from_numpy(np.asarray(key).view(np.int32))  # not all versions have uint32
        return [self._encode_tensor(words, where), *rest]

    def _encode_named(self, value: Any, where: str) -> Any:
        """Convert a class or function of the lists, or an instance of a class of the lists."""
        name = find_name(value)
        if name is not None:
            return {"name": name}
        cls_name = find_name(type(value))
        if cls_name not in instance_classes():
            raise _refusal(value, where)
        return {"instance": [cls_name, self._dict(_parameters(value, where), where)]}


class Decoder:
    """Conversion of JSON and tensors to the values that an `Encoder` has converted.

    Parameters
    ----------
    rebuild : callable
        ``rebuild(description)`` returns the estimator that ``describe`` of the encoder converted.
    tensors : dict of torch.Tensor
        The tensors by name.
    """

    def __init__(self, rebuild: Callable[[Any], Any], tensors: Mapping[str, torch.Tensor]) -> None:
        self.tensors = tensors
        self._decoders: dict[str, Callable[[Any], Any]] = {
            "float": float,
            "tuple": lambda node: tuple(map(self.decode, node)),
            "set": lambda node: set(map(self.decode, node)),
            "dict": self._dict,
            "items": lambda node: dict(map(self.decode, node)),
            # Tensors of a file lie at any address, but the last digits of sums can depend on it.
            "tensor": lambda node: self.tensors[node].clone(),
            "array": self._decode_array,
            "partial": self._decode_partial,
            "device": torch.device,
            "path": Path,
            "random_state": self._decode_random_state,
            "name": lambda node: _find(node, named_values()),
            "instance": lambda node: _find(node[0], instance_classes())(**self._dict(node[1])),
            "estimator": rebuild,
        }

    def decode(self, node: Any) -> Any:
        """Convert a node.

        Parameters
        ----------
        node : object
            The return value of :meth:`Encoder.encode`.

        Returns
        -------
        value : object
            The value.

        Raises
        ------
        ValueError
            If the node is of an unknown kind, or contains an unknown name.
        """
        if isinstance(node, list):
            return list(map(self.decode, node))
        if not isinstance(node, dict):
            return node
        if len(node) != 1 or not node.keys() <= self._decoders.keys():
            raise ValueError(f"it contains a value of an unknown kind, {short_repr(node)}")
        ((kind, content),) = node.items()
        return self._decoders[kind](content)

    def _dict(self, node: Any) -> dict[str, Any]:
        return {key: self.decode(item) for key, item in node.items()}

    def _decode_array(self, node: Any) -> np.ndarray:
        dtype, items = node
        if dtype not in _ARRAY_TYPES:
            raise ValueError(f"it contains an array of the unknown type {short_repr(dtype)}")
        return np.array(self.decode(items), dtype=dtype)

    def _decode_random_state(self, node: Any) -> np.random.RandomState:
        name, *rest = node
        random_state = np.random.RandomState()
        random_state.set_state(("MT19937", self.tensors[name].numpy().view(np.uint32), *rest))
        return random_state

    def _decode_partial(self, node: Any) -> Any:
        function, args, keywords = node
        return partial(self.decode(function), *map(self.decode, args), **self._dict(keywords))


def join(where: str, name: Any) -> str:
    """Return the name of a value inside another value, e.g. "callbacks.0"."""
    return f"{where}.{name}" if where else str(name)


def _refusal(value: Any, where: str) -> TypeError:
    return TypeError(f"{where}={short_repr(value)} cannot be stored without code; {_REMEDY}")


def _parameters(value: Any, where: str) -> dict[str, Any]:
    """Return the parameters of an instance by name."""
    if hasattr(value, "get_params"):
        return value.get_params(deep=False)
    parameters = inspect.signature(type(value)).parameters
    if not all(hasattr(value, name) for name in parameters):
        raise _refusal(value, where)
    return {name: getattr(value, name) for name in parameters}


def _find(name: Any, values: Mapping[str, Any]) -> Any:
    if name not in values:
        raise ValueError(
            f"it contains {short_repr(name)}, which this version of eegsk does not load"
        )
    return values[name]
