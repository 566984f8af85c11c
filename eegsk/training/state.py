"""All that training has learned up to the end of an epoch, as plain data, and back again."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter, OrderedDict
from typing import Any

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import nn

from .memory import held_by, is_function, owner_of
from .words import describe

_PLAIN = (
    *(type(None), bool, int, float, complex, str, bytes),
    *(torch.device, torch.dtype, torch.Size),
)
_KIND = "__kind__"


def capture(net: Any, without: Any = None) -> dict[str, Any]:
    """Return the state of a net, its callbacks, its transforms and the generators.

    Parameters
    ----------
    net : skorch.NeuralNet
        A net that is training.
    without : skorch.callbacks.Callback or None, default=None
        A callback to leave out.

    Returns
    -------
    state : dict
        Tensors and plain data, that ``torch.load(..., weights_only=True)`` accepts.

    Raises
    ------
    TypeError
        If a callback has learned, or a transform holds, what is neither.
    """
    learning = [parameter for _, parameter in net.get_all_learnable_params()]
    return {
        "parts": {name: encode(part.state_dict(), name) for name, part in _parts(net).items()},
        "learning": [parameter.requires_grad for parameter in learning],
        "callbacks": capture_callbacks(net, without),
        "augmentation": [encode(item, _shown(item)) for item in net.augmentation_],
        "history": json.dumps(net.history.to_list(), default=_as_plain),
        "generators": encode(_generators(net), "generators"),
    }


def restore(net: Any, state: dict[str, Any]) -> None:
    """Bring a net that begins the same training to a captured state."""
    for name, part in _parts(net).items():
        part.load_state_dict(decode(state["parts"][name], None, name))
    learning = [parameter for _, parameter in net.get_all_learnable_params()]
    for parameter, learns in zip(learning, state["learning"], strict=True):
        parameter.requires_grad_(learns)
    for name, callback in net.callbacks_:
        if name in state["callbacks"]:
            _restore_callback(callback, state["callbacks"][name], name)
    for transform, held in zip(net.augmentation_, state["augmentation"], strict=True):
        decode(held, transform, _shown(transform))
    net.history[:] = json.loads(state["history"])
    _restore_generators(net, decode(state["generators"], None, "generators"))


def capture_callbacks(net: Any, without: Any = None) -> dict[str, Any]:
    """Return what the callbacks have learned.

    A callback that has ``state_dict`` and ``load_state_dict`` is asked; of any other, it is the
    attributes with a trailing underscore, functions and classes aside.
    """
    return {
        name: _capture_callback(callback, name)
        for name, callback in net.callbacks_
        if callback is not without
    }


def _capture_callback(callback: Any, name: str) -> dict[str, Any]:
    if _has_state(callback):
        return encode(callback.state_dict(), f"the state of callback {name!r}")
    return {
        attribute: encode(value, f"{attribute} of callback {name!r}")
        for attribute, value in learned(callback).items()
    }


def learned(callback: Any) -> dict[str, Any]:
    """Return the attributes of a callback with a trailing underscore, but functions and classes."""
    return {
        name: value
        for name, value in vars(callback).items()
        if name.endswith("_") and name[0] != "_" and not _is_code(value)
    }


def _restore_callback(callback: Any, state: dict[str, Any], name: str) -> None:
    if _has_state(callback):
        callback.load_state_dict(decode(state, None, name))
        return
    for attribute, value in state.items():
        where = f"{attribute} of callback {name!r}"
        setattr(callback, attribute, decode(value, getattr(callback, attribute, None), where))


def _shown(transform: Any) -> str:
    return f"transform {getattr(transform, '__name__', type(transform).__name__)!r}"


def encode(value: Any, where: str, inside: tuple[int, ...] = ()) -> Any:
    """Return a value as tensors and plain data.

    Parameters
    ----------
    value : object
        Numbers, strings, tensors, arrays, containers of them, generators, objects with a
        ``state_dict``, or callables: of an object all attributes, of a function the generators
        that it draws from.
    where : str
        What it is, for the error message.
    inside : tuple of int, default=()
        The callables that it is an attribute of, which may be one of its own.

    Returns
    -------
    encoded : object
        The same in tensors and plain data, none of which changes when ``value`` does.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if type(value) in _PLAIN:
        return value
    if type(value) in (list, tuple, set):
        return type(value)(encode(item, where, inside) for item in value)
    if type(value) in (dict, OrderedDict, Counter):
        items = {encode(key, where): encode(item, where, inside) for key, item in value.items()}
        return Counter(items) if type(value) is Counter else items
    if _has_state(value):
        return {_KIND: "object", "value": encode(value.state_dict(), where)}
    if callable(value):
        return _encode_callable(value, where, inside)
    return _encode_numbers(value, where)


def _encode_callable(value: Any, where: str, inside: tuple[int, ...]) -> dict[str, Any]:
    """Return what a function or an object may go on from; what is in a method is its owner's."""
    owner = owner_of(value)
    if _has_state(owner):
        return encode(owner, where)
    held = {} if id(owner) in inside else held_by(owner)
    inside = (*inside, id(owner))
    items = {
        name: _encode_or_describe(item, f"{name} of {where}", inside) for name, item in held.items()
    }
    return {_KIND: "callable", "value": items}


def _encode_or_describe(value: Any, where: str, inside: tuple[int, ...]) -> Any:
    """Return a value, or what to recognise it by, as most that cannot be saved never changes."""
    try:
        return encode(value, where, inside)
    except TypeError:
        return {_KIND: "described", "value": describe(value, inside=True)}


def _encode_numbers(value: Any, where: str) -> Any:
    if isinstance(value, torch.Tensor) and not isinstance(value, nn.Parameter):
        return value.detach().clone()
    if isinstance(value, np.ndarray | np.generic) and value.dtype != object:
        return _encode_array(np.asarray(value), isinstance(value, np.generic))
    if isinstance(value, torch.Generator):
        return {_KIND: "generator", "value": value.get_state()}
    if isinstance(value, np.random.Generator | np.random.RandomState):
        return {_KIND: "bits", "value": encode(_bits(value).state, where)}
    raise TypeError(
        f"Checkpoint cannot save {where}, a {type(value).__name__}; give the callback or transform "
        "the methods state_dict() and load_state_dict(state), of tensors and plain data."
    )


def decode(value: Any, present: Any, where: str) -> Any:
    """Return what was encoded; an object or a generator is the present one, brought to its state.

    Parameters
    ----------
    value : object
        What ``encode`` returned.
    present : object
        What is there at the beginning of training.
    where : str
        What it is, for the error message.

    Returns
    -------
    decoded : object
        The value.

    Raises
    ------
    TypeError
        If there was an object where there is none now.
    """
    kind = value.get(_KIND) if isinstance(value, dict) else None
    if kind == "array":
        return _decode_array(value)
    if kind is not None:
        return _decode_object(kind, value["value"], present, where)
    if type(value) in (list, tuple):
        there = present if isinstance(present, list | tuple) else ()
        pairs = itertools.zip_longest(value, there[: len(value)])
        return type(value)(decode(item, old, where) for item, old in pairs)
    if type(value) in (dict, Counter):
        old = present if isinstance(present, dict) else {}
        items = {key: decode(item, old.get(key), where) for key, item in value.items()}
        return type(value)(items)
    return value


def _decode_object(kind: str, value: Any, present: Any, where: str) -> Any:
    if kind == "callable" and callable(present):
        return _decode_callable(value, present, where)
    if kind == "described":
        return _recognise(value, present, where)
    value = decode(value, None, where)
    if kind == "generator" and isinstance(present, torch.Generator):
        present.set_state(value)
    elif kind == "bits" and isinstance(present, np.random.Generator | np.random.RandomState):
        _bits(present).state = value
    elif kind == "object" and _has_state(owner_of(present)):
        owner_of(present).load_state_dict(value)
    else:
        raise TypeError(
            f"Checkpoint cannot restore {where}: no such object is there when training begins; "
            "make it in on_train_begin, or a transform's in __init__, or give the callback or "
            "transform state_dict() and load_state_dict(state)."
        )
    return present


def _decode_callable(value: dict[str, Any], present: Any, where: str) -> Any:
    owner = owner_of(present)
    held = held_by(owner)
    for name, item in value.items():
        back = decode(item, held.get(name), f"{name} of {where}")
        if not is_function(owner):  # its generators are brought to their states where they are
            object.__setattr__(owner, name, back)  # of a frozen dataclass, too
    return present


def _recognise(words: str, present: Any, where: str) -> Any:
    """Return what is there when training begins if it is as it was when it could not be saved."""
    if describe(present, inside=True) != words:
        raise TypeError(
            f"Checkpoint cannot restore {where}: it has changed in training, and cannot be saved; "
            "give the transform state_dict() and load_state_dict(state), of tensors and plain data."
        )
    return present


def _encode_array(array: np.ndarray, scalar: bool) -> dict[str, Any]:
    data = torch.from_numpy(np.frombuffer(array.tobytes(), np.uint8).copy())
    return {
        _KIND: "array",
        "dtype": array.dtype.str,
        "shape": array.shape,
        "scalar": scalar,
        "data": data,
    }


def _decode_array(value: dict[str, Any]) -> Any:
    flat = np.frombuffer(value["data"].numpy().tobytes(), np.dtype(value["dtype"]))
    array = flat.reshape(value["shape"])
    return array[()] if value["scalar"] else array.copy()


def _parts(net: Any) -> dict[str, Any]:
    """Return the modules, criteria and optimizers of a net by name."""
    names = [*net._modules, *net._criteria, *net._optimizers]
    parts = {name: getattr(net, f"{name}_") for name in names}
    return {name: part for name, part in parts.items() if _has_state(part)}


def _generators(net: Any) -> dict[str, Any]:
    """Return the states of the generators that training draws from."""
    device = torch.device(net.device)
    version, words, gauss = random.getstate()
    states = {
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state(legacy=False),  # noqa: NPY002
        "random": (version, np.array(words, np.uint32), gauss),
    }
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def _restore_generators(net: Any, states: dict[str, Any]) -> None:
    torch.set_rng_state(states["torch"].cpu())
    np.random.set_state(states["numpy"])  # noqa: NPY002
    version, words, gauss = states["random"]
    random.setstate((version, tuple(words.tolist()), gauss))
    if "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"].cpu(), torch.device(net.device))
    elif "mps" in states:
        torch.mps.set_rng_state(states["mps"].cpu())


def _has_state(value: Any) -> bool:
    methods = hasattr(value, "state_dict") and hasattr(value, "load_state_dict")
    return methods and not isinstance(value, type)


def _is_code(value: Any) -> bool:
    """Tell functions, classes and scorers, which a callback sets anew when training begins."""
    return isinstance(value, Callback) or (callable(value) and not _has_state(value))


def _bits(generator: np.random.Generator | np.random.RandomState) -> Any:
    if isinstance(generator, np.random.RandomState):
        return generator._bit_generator
    return generator.bit_generator


def _as_plain(value: Any) -> Any:
    """Return numbers and arrays of numpy and torch as those of Python, for the history."""
    if isinstance(value, np.ndarray | np.generic | torch.Tensor):
        return value.tolist()
    raise TypeError(
        f"Checkpoint cannot save a {type(value).__name__} in the history; record numbers, strings "
        "or lists of them."
    )
