"""Check of the parameters of the skorch net that the user passes as ``net_params``."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from skorch import NeuralNet

# Parameters that the net accepts, but that have no effect or another effect here, and the remedy.
_UNSUPPORTED = {
    "compile": "torch would compile the network for each batch size, which takes longer than the "
    "training; remove it, and call torch.compile(estimator.module_) after fit if needed",
    "dataset": "it would have no effect; remove it",
    "predict_nonlinearity": "it would have no effect; remove it",
    "train_split": "it would have no effect; set valid_split instead",
}
_PREFIXES = "callbacks", "criterion", "iterator_train", "iterator_valid", "optimizer"
_EXAMPLES = [f"{prefix}__..." for prefix in _PREFIXES]
_NAMES = sorted(
    inspect.signature(NeuralNet.__init__).parameters.keys() - {"self", "kwargs", "module"}
)


def check_net_names(params: Mapping[str, Any], factories: Mapping[str, Any]) -> None:
    """Check that the net has all parameters in ``net_params``.

    Parameters
    ----------
    params : dict
        Parameters by name, e.g. ``{"optimizer__momentum": 0.9}``.
    factories : dict
        The classes of the criterion and of the optimizer, by prefix.

    Raises
    ------
    ValueError
        If there is no parameter of a name, or if it has no effect.
    """
    for key, value in params.items():
        if key in _UNSUPPORTED and value not in (None, False):
            raise ValueError(f"net_params contains {key!r}: {_UNSUPPORTED[key]}.")
        prefix, separator, name = str(key).partition("__")
        if separator and prefix in factories:
            _check_parameter(key, name, factories[prefix])
        elif separator and prefix not in _PREFIXES:
            similar = difflib.get_close_matches(prefix, _PREFIXES, n=1)
            hint = _suggest([f"{similar[0]}__{name}"] if similar else [], _EXAMPLES)
            raise ValueError(f"net_params contains {key!r}, which the net does not have; {hint}")
        elif not separator and key not in _NAMES:
            hint = _suggest(difflib.get_close_matches(prefix, _NAMES, n=1), _EXAMPLES)
            raise ValueError(f"net_params contains {key!r}, which the net does not have; {hint}")


def _check_parameter(key: str, name: str, factory: Any) -> None:
    """Check that the class of the criterion or of the optimizer has a parameter."""
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):  # e.g. a class written in C
        return
    accepts_any = any(item.kind is item.VAR_KEYWORD for item in parameters.values())
    names = [*parameters, "param_groups"]  # the groups of skorch, with patterns of names
    if not accepts_any and name.partition("__")[0] not in names:
        kind = getattr(factory, "__name__", None) or getattr(factory.func, "__name__", "it")
        hint = _suggest(difflib.get_close_matches(name, names, n=1), names)
        raise ValueError(
            f"net_params contains {key!r}, but {kind} has no parameter {name!r}; {hint}"
        )


def _suggest(similar: Iterable[str], names: Iterable[str]) -> str:
    choices = list(similar)
    if choices:
        return f"did you mean {choices[0]!r}?"
    return f"choose from {', '.join(names)}."
