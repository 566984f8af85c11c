"""Parameters inside parameters: ``callbacks__name__parameter`` and ``net_params__key``."""

from __future__ import annotations

import pickle
from collections import Counter
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator, clone

Parameters = dict[str, Any]

# Fields that hold a list of things with parameters, and what one of them is called; others hold a
# dictionary.
_LISTS = {"augmentation": "transform", "callbacks": "callback"}


class NestedParams(BaseEstimator):
    """An estimator whose lists and dictionaries can be searched, as a pipeline's steps can."""

    _nested_fields: ClassVar[tuple[str, ...]] = ("augmentation", "callbacks", "net_params")

    def get_params(self, deep: bool = True) -> Parameters:
        """Get the parameters, with ``deep`` those of what it holds too.

        Parameters
        ----------
        deep : bool, default=True
            Whether to list ``callbacks__name__parameter``, ``augmentation__name__parameter`` and
            ``net_params__key``.

        Returns
        -------
        params : dict
            Parameters by name.
        """
        params = super().get_params(deep=deep)
        if deep:
            for field in self._nested_fields:
                params.update(get_nested(field, getattr(self, field)))
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters, those of callbacks, transforms and dictionaries too.

        Parameters
        ----------
        **params : dict
            Parameters by name; ``callbacks__name=None`` takes a callback out, likewise a transform.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If there is no parameter, callback or transform of such a name.
        """
        self._check_depth(params)
        nested = {name: value for name, value in params.items() if self._is_nested(name)}
        super().set_params(**{name: params[name] for name in params if name not in nested})
        for name, value in nested.items():
            field, _, path = name.partition("__")
            setattr(self, field, set_nested(field, getattr(self, field), path, value))
        return self

    def _check_depth(self, params: Parameters) -> None:
        """See that what is set inside a field is set inside one that has parameters of its own."""
        fields = self.get_params(deep=False)
        for name in params:
            field, separator, _ = name.partition("__")
            plain = field in fields and not hasattr(fields[field], "set_params")
            if separator and plain and not self._is_nested(name):
                raise ValueError(
                    f"Invalid parameter {name!r} for {type(self).__name__}: {field} has no "
                    "parameters of its own."
                )

    def _is_nested(self, name: str) -> bool:
        field, separator, _ = name.partition("__")
        return bool(separator) and field in self._nested_fields


def named_items(items: Any) -> list[tuple[str, Any]]:
    """Name callbacks or transforms as :func:`sklearn.pipeline.make_pipeline` names steps.

    Parameters
    ----------
    items : list or None
        Callbacks or transforms, or pairs of a name and one of them.

    Returns
    -------
    named : list of (str, item)
        One without a name goes by that of its class, in lower case; several of one class are
        numbered.
    """
    items = items if isinstance(items, list | tuple) else []
    names = [_own_name(item) for item in items]
    times, seen = Counter(names), Counter[str]()
    named = []
    for name, item in zip(names, items, strict=True):
        seen[name] += 1
        unique = f"{name}-{seen[name]}" if times[name] > 1 else name
        named.append((unique, item[1] if _is_pair(item) else item))
    return named


def remade(callback: Any) -> Any:
    """Make a callback of the same parameters, that has learned nothing.

    Unlike :func:`sklearn.base.clone` it hands over what cannot be copied, such as an open file or a
    TensorBoard writer.

    Parameters
    ----------
    callback : skorch.callbacks.Callback or type
        A callback, or its class.

    Returns
    -------
    fresh : skorch.callbacks.Callback or type
        Another one, or the class.
    """
    if isinstance(callback, type):
        return callback
    params = callback.get_params(deep=False)
    return type(callback)(**{name: _copied(item) for name, item in params.items()})


def _copied(item: Any) -> Any:
    try:
        return clone(item, safe=False)
    except (TypeError, pickle.PicklingError):  # as files, locks and what holds them say
        return item


def get_nested(field: str, value: Any) -> Parameters:
    """List the parameters inside a field that holds a list or a dictionary."""
    if isinstance(value, dict):
        return {f"{field}__{key}": item for key, item in value.items()}
    found: Parameters = {}
    for name, item in named_items(value):
        found[f"{field}__{name}"] = item
        inner = item.get_params() if _has_params(item) else {}
        found.update({f"{field}__{name}__{key}": value for key, value in inner.items()})
    return found


def set_nested(field: str, value: Any, path: str, new: Any) -> Any:
    """Return a field's value with the parameter at ``path`` replaced.

    Parameters
    ----------
    field : str
        The field's name.
    value : list, dict or None
        What the field holds; neither it nor what is in it is changed, but for the parameters of
        what a list holds, which are set as a pipeline sets those of its steps.
    path : str
        ``key`` of a dictionary, ``name`` of what a list holds, or ``name__parameter``.
    new : object
        The parameter's new value; None takes out what the list holds.

    Returns
    -------
    value : list or dict
        The field's new value.

    Raises
    ------
    ValueError
        If the list holds nothing of that name, or it has no such parameter.
    """
    if field not in _LISTS:
        return {**(value or {}), path: new}
    name, _, parameter = path.partition("__")
    named, kind = named_items(value), _LISTS[field]
    if name not in dict(named):
        raise ValueError(f"No {kind} is called {name!r}; there are {[name for name, _ in named]}.")
    if parameter:
        _set_inside(kind, name, dict(named)[name], parameter, new)
        return value
    return [(other, new if other == name else item) for other, item in named]


def check_names(owner: str, field: str, items: Any) -> None:
    """See that each name that the user gave is the name of one thing only.

    Parameters
    ----------
    owner : str
        Whose they are, for the error message.
    field : str
        The field that holds them.
    items : list or None
        Callbacks or transforms, or pairs of a name and one of them.

    Raises
    ------
    ValueError
        If :func:`named_items` would change a name, or give it to another.
    """
    times = Counter(name for name, _ in named_items(items))
    for name in (item[0] for item in items or [] if _is_pair(item)):
        if times[name] != 1:
            raise ValueError(
                f"{owner}: several {_LISTS[field]}s are called {name!r}; give each a name of its "
                "own."
            )


def _set_inside(kind: str, name: str, item: Any, parameter: str, new: Any) -> None:
    if not _has_params(item):
        raise ValueError(
            f"{kind.capitalize()} {name!r} is {item!r}, whose {parameter!r} cannot be set; give "
            f"an instance of a {kind} that has parameters."
        )
    item.set_params(**{parameter: new})


def _is_pair(item: Any) -> bool:
    return isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str)


def _own_name(item: Any) -> str:
    if _is_pair(item):
        return item[0]
    return (item.__name__ if isinstance(item, type) else type(item).__name__).lower()


def _has_params(item: Any) -> bool:
    return hasattr(item, "get_params") and not isinstance(item, type)
