"""Names of estimators in legends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._fields import short_repr


def named_estimators(estimator: Any) -> dict[str, Any]:
    """Return estimators by name.

    Parameters
    ----------
    estimator : estimator, list, or dict
        An estimator, a list of estimators, or a dictionary of them by name.

    Returns
    -------
    estimators : dict
        The names in a list are those of the classes. Estimators of one class are named by the
        parameters in which they differ, e.g. ``"activation=relu"``, or numbered.
    """
    if isinstance(estimator, Mapping):
        return dict(estimator)
    estimators = list(estimator) if isinstance(estimator, list | tuple) else [estimator]
    names = [type(item).__name__ for item in estimators]
    if len(set(names)) < len(names):
        names = names_by_parameters([item.get_params(deep=False) for item in estimators])
    return dict(zip(names, estimators, strict=True))


def names_by_parameters(settings: list[Any]) -> list[str]:
    """Return names by the parameters in which settings differ, e.g. ``"activation=relu"``.

    Parameters
    ----------
    settings : list of dict
        Values of the parameters of each estimator.

    Returns
    -------
    names : list of str
        One name for each. They are numbers if the values do not distinguish the estimators.
    """
    keys = dict.fromkeys(key for setting in settings for key in setting)
    texts = [
        {key: f"{key.rpartition('__')[2]}={_text(setting.get(key))}" for key in keys}
        for setting in settings
    ]
    differing = [key for key in keys if len({text[key] for text in texts}) > 1]
    names = [", ".join(text[key] for key in differing) for text in texts]
    if len(set(names)) < len(names) or not all(names):
        return [f"{number}" for number in range(len(settings))]
    return names


def _text(value: Any) -> str:
    return value if isinstance(value, str) else short_repr(value)
