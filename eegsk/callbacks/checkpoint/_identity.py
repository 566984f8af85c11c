"""Identity of a fit: digests of its arrays, and its parameters by value or by qualified name."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import joblib
import numpy as np
import torch

from ...recordings import LazyTensor
from ...training import FitInfo, TrialSplit

Identity = dict[str, str]

# Parameters that do not change the weights after an epoch. The device of the trials is compared
# instead of the parameter.
_IGNORED = {"max_epochs", "verbose", "device"}
# Prefixes of parameters that are compared by class: callbacks can have parameters such as files and
# loggers, which differ between processes. The weights of a pretrained estimator are among the
# initial weights.
_BY_CLASS = ("callbacks__", "net_params__callbacks__", "pretrained__")
_PLAIN = (type(None), bool, int, float, complex, str, bytes, os.PathLike, torch.device, torch.dtype)
_NAMED = (type, FunctionType, BuiltinFunctionType, MethodType)
_MAX_SHOWN = 100  # characters of a value in an error message


def identify(
    fit_info: FitInfo, trials: TrialSplit, weights: Mapping[str, Any], ignored: Iterable[str]
) -> Identity:
    """Describe all parameters and data that the weights after each epoch depend on.

    Parameters
    ----------
    fit_info : FitInfo
        Name, parameters and seed of the estimator.
    trials : TrialSplit
        Training and validation trials.
    weights : dict
        State of the module before training.
    ignored : iterable of str
        Names of parameters to leave out.

    Returns
    -------
    identity : dict of str
        Descriptions by name, the same in every process.
    """
    train, valid = trials
    groups = {} if train.groups is None else {"groups": describe(train.groups)}
    params = dict(fit_info.get_params())
    names = sorted(set(params) - _IGNORED - {*ignored})
    with_nested = {name.rpartition("__")[0] for name in params}
    return {
        "estimator": fit_info.estimator_name,
        **{
            name: describe(params[name], name in with_nested or name.startswith(_BY_CLASS))
            for name in names
        },
        "seed": str(fit_info.seed),
        "device": str(train.X.device),
        "X": describe(train.X),
        "y": describe(train.y),
        "sample_weight": describe(train.weight),
        **groups,
        "validation split": describe([train.index, valid and valid.index]),
        "initial weights": describe(list(weights.values())),
    }


def check_same(file: str, stored: Identity, current: Identity) -> None:
    """Raise an error if two identities differ.

    Parameters
    ----------
    file : str
        Name of the file, for the error message.
    stored, current : dict of str
        The identity in the file, and that of the present fit.

    Raises
    ------
    ValueError
        If they differ; the message names the first parameter that does.
    """
    changed = [name for name in {**current, **stored} if stored.get(name) != current.get(name)]
    if changed:
        old, new = (identity.get(changed[0], "missing") for identity in (stored, current))
        is_shown = "#" not in old and max(len(old), len(new)) <= _MAX_SHOWN
        change = f"was {old}, now is {new}" if is_shown else "differs"
        rest = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
        raise ValueError(
            f"{file} belongs to another fit: {changed[0]} {change}{rest}. The file was not "
            "changed. Restore the value, or use another path, e.g. one that contains {run}, which "
            "gives each fit its own file."
        )


def check_named(identity: Identity) -> None:
    """Raise an error if a parameter is a lambda, or a local function or class.

    Parameters
    ----------
    identity : dict of str
        The identity of a fit.

    Raises
    ------
    TypeError
        If there is such a parameter, because two of them can have the same name.
    """
    for name, description in identity.items():
        if "<lambda>" in description or "<locals>" in description:
            raise TypeError(
                f"Checkpoint: {name} is a lambda, or a local function or class, which cannot be "
                "compared with that of another fit; use a function or class of a module, a "
                "functools.partial of one, or resume=False."
            )


def describe(value: Any, by_class: bool = False) -> str:
    """Describe a value by its content, functions and classes by their qualified name.

    Parameters
    ----------
    value : object
        A parameter, an array or a tensor. Trials in files are described by paths and sizes.
    by_class : bool, default=False
        Whether to describe objects by the name of their class only.

    Returns
    -------
    description : str
        The description; of arrays and tensors it is a digest that begins with ``"#"``.
    """
    describe_item = functools.partial(describe, by_class=by_class)
    value = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
    value = value.item() if isinstance(value, np.generic) else value
    value = value.fingerprint() if isinstance(value, LazyTensor) else value
    if isinstance(value, np.ndarray):
        return f"#{joblib.hash(np.ascontiguousarray(value))}"
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, Mapping):
        items = (f"{key!r}: {describe_item(item)}" for key, item in value.items())
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list | tuple | set | frozenset):
        items = map(describe_item, value)
        return f"[{', '.join(items if isinstance(value, list | tuple) else sorted(items))}]"
    if isinstance(value, functools.partial):
        return f"partial{describe_item([value.func, value.args, value.keywords])}"
    if isinstance(value, _NAMED):
        return f"{value.__module__}.{value.__qualname__}"
    if by_class:
        return type(value).__name__
    return f"{describe(type(value))}{describe(getattr(value, '__dict__', {}))}"
