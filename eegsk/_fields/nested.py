"""Nested parameters: ``callbacks__name__parameter`` and ``net_params__key``."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import fields
from typing import Any, Self

from sklearn.base import BaseEstimator, clone

Parameters = dict[str, Any]

# Nested fields that hold a list, and the name of an item in error messages.
_ITEM_NAMES = {"augmentation": "transform", "callbacks": "callback"}
# Ending of the names of nested fields that hold a dictionary, e.g. ``activation_params``.
_DICTIONARY = "_params"


class NestedParams(BaseEstimator):
    """Base class of estimators with nested parameters, like those of the steps of a pipeline.

    Nested parameters are those of callbacks and of transforms, and the entries of dictionaries in
    fields whose names end with ``_params``.
    """

    def __sklearn_clone__(self) -> Self:
        """Return a copy with the same parameters, as :func:`sklearn.base.clone` does."""
        parent: Any = super()
        try:
            return parent.__sklearn_clone__()
        except (TypeError, pickle.PicklingError) as error:  # e.g. files and locks
            raise TypeError(
                f"{type(self).__name__}: a parameter cannot be copied: {error}; instead of a "
                "callback that holds an open file or a lock, pass a function that creates it."
            ) from error

    def get_params(self, deep: bool = True) -> Parameters:
        """Get the parameters of the estimator.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include nested parameters: ``callbacks__name__parameter``,
            ``augmentation__name__parameter``, and ``field__key`` for each dictionary in a field
            whose name ends with ``_params``, e.g. ``activation_params__alpha``.

        Returns
        -------
        params : dict
            Values by parameter name.
        """
        params = super().get_params(deep=deep)
        if deep:
            for field in filter(_has_nested, list(params)):
                params.update(get_nested(field, params[field]))
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the estimator, including nested parameters.

        Parameters
        ----------
        **params : dict
            Values by parameter name. ``callbacks__name=None`` removes a callback, and
            ``augmentation__name=None`` a transform.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            If there is no parameter, callback or transform with that name.
        """
        self._check_nested(params)
        nested = {name: value for name, value in params.items() if self._is_nested(name)}
        super().set_params(**{name: params[name] for name in params if name not in nested})
        for name, value in nested.items():
            field, _, path = name.partition("__")
            setattr(self, field, set_nested(field, getattr(self, field), path, value))
        return self

    def _check_nested(self, params: Parameters) -> None:
        """Raise an error if a parameter is nested in a field that has no nested parameters."""
        fields = self.get_params(deep=False)
        for name in params:
            field, separator, _ = name.partition("__")
            is_plain = field in fields and not hasattr(fields[field], "set_params")
            if separator and is_plain and not self._is_nested(name):
                raise ValueError(
                    f"Invalid parameter {name!r} for {type(self).__name__}: {field} has no nested "
                    "parameters."
                )

    def _is_nested(self, name: str) -> bool:
        field, separator, _ = name.partition("__")
        return bool(separator) and _has_nested(field) and hasattr(self, field)


def named_items(items: Any) -> list[tuple[str, Any]]:
    """Name callbacks or transforms as :func:`sklearn.pipeline.make_pipeline` names steps.

    Parameters
    ----------
    items : list or None
        Callbacks or transforms, or pairs ``(name, item)``.

    Returns
    -------
    named : list of (str, item)
        Pairs. The default name is the class name in lower case, e.g. ``"earlystopping"``; several
        items of one class are numbered, e.g. ``"timeshift-1"``, ``"timeshift-2"``.
    """
    items = items if isinstance(items, list | tuple) else []
    names = [_item_name(item) for item in items]
    totals, counts = Counter(names), Counter[str]()
    named = []
    for name, item in zip(names, items, strict=True):
        counts[name] += 1
        unique = f"{name}-{counts[name]}" if totals[name] > 1 else name
        named.append((unique, item[1] if _is_pair(item) else item))
    return named


def check_net_params(estimator: Any) -> Parameters:
    """Return ``net_params``, which must not contain parameters of the estimator.

    Parameters
    ----------
    estimator : EEGEstimator
        The estimator.

    Returns
    -------
    params : dict
        The parameters of the skorch net.

    Raises
    ------
    ValueError
        If ``net_params`` contains a parameter of the estimator.
    """
    params = estimator.net_params or {}
    duplicates = sorted({field.name for field in fields(estimator)} & set(params))
    if duplicates:
        raise ValueError(
            f"{type(estimator).__name__}: net_params contains {', '.join(duplicates)}; set the "
            "parameter of the estimator instead."
        )
    return params


def clone_callback(callback: Any) -> Any:
    """Return an untrained callback with the same parameters.

    Unlike :func:`sklearn.base.clone`, parameters that cannot be copied, such as an open file or a
    TensorBoard writer, are shared.

    Parameters
    ----------
    callback : skorch.callbacks.Callback or type
        A callback or a callback class.

    Returns
    -------
    clone : skorch.callbacks.Callback or type
        The new callback, or the class unchanged.
    """
    if isinstance(callback, type):
        return callback
    params = callback.get_params(deep=False)
    return type(callback)(**{name: _copy(item) for name, item in params.items()})


def _copy(item: Any) -> Any:
    try:
        return clone(item, safe=False)
    except (TypeError, pickle.PicklingError):  # e.g. files, locks, and objects that contain them
        return item


def get_nested(field: str, value: Any) -> Parameters:
    """Return the nested parameters of a field that holds a list or a dictionary."""
    if isinstance(value, dict):
        return {f"{field}__{key}": item for key, item in value.items()}
    params: Parameters = {}
    for name, item in named_items(value):
        params[f"{field}__{name}"] = item
        inner = item.get_params() if _has_params(item) else {}
        params.update({f"{field}__{name}__{key}": value for key, value in inner.items()})
    return params


def set_nested(field: str, value: Any, path: str, new: Any) -> Any:
    """Return the value of a field with one nested parameter replaced.

    Parameters
    ----------
    field : str
        Name of the field.
    value : list, dict or None
        Value of the field. The list or dictionary itself is not changed; parameters of an item are
        set in place, as a pipeline sets the parameters of its steps.
    path : str
        ``key`` of a dictionary, ``name`` of an item, or ``name__parameter``.
    new : object
        The new value; None removes an item.

    Returns
    -------
    value : list or dict
        The new value of the field.

    Raises
    ------
    ValueError
        If there is no item of that name, or the item has no such parameter.
    """
    if field not in _ITEM_NAMES:
        return {**(value or {}), path: new}
    name, _, parameter = path.partition("__")
    named, kind = named_items(value), _ITEM_NAMES[field]
    if name not in dict(named):
        raise ValueError(
            f"No {kind} has the name {name!r}; the names are {[name for name, _ in named]}."
        )
    if parameter:
        _set_param(kind, name, dict(named)[name], parameter, new)
        return value
    return [(key, new if key == name else item) for key, item in named]


def check_names(owner: str, field: str, items: Any) -> None:
    """Check that the names of the items in a list are unique.

    Parameters
    ----------
    owner : str
        Name of the estimator, for the error message.
    field : str
        Name of the field that holds the list.
    items : list or None
        Callbacks or transforms, or pairs ``(name, item)``.

    Raises
    ------
    ValueError
        If two items have the same name.
    """
    totals = Counter(name for name, _ in named_items(items))
    for name in (item[0] for item in items or [] if _is_pair(item)):
        if totals[name] != 1:
            raise ValueError(
                f"{owner}: several {_ITEM_NAMES[field]}s have the name {name!r}; use unique names."
            )


def _set_param(kind: str, name: str, item: Any, parameter: str, new: Any) -> None:
    if not _has_params(item):
        raise ValueError(
            f"{kind.capitalize()} {name!r} is {item!r}, which has no parameter {parameter!r}; use "
            f"an instance of a {kind} class."
        )
    item.set_params(**{parameter: new})


def _has_nested(field: str) -> bool:
    return field in _ITEM_NAMES or field.endswith(_DICTIONARY)


def _is_pair(item: Any) -> bool:
    return isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str)


def _item_name(item: Any) -> str:
    if _is_pair(item):
        return item[0]
    return (item.__name__ if isinstance(item, type) else type(item).__name__).lower()


def _has_params(item: Any) -> bool:
    return hasattr(item, "get_params") and not isinstance(item, type)
