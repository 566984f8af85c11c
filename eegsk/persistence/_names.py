"""Names of the classes and functions that a file may contain.

A file contains names; the classes come from this module, and nothing is imported by a name in a
file. The lists leave out callbacks that read or write files in ways that eegsk does not control,
e.g. ``skorch.callbacks.LoadInitState``, which reads pickles.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable
from types import ModuleType
from typing import Any

import sklearn.frozen
import sklearn.metrics
import sklearn.model_selection
import skorch.callbacks
import skorch.utils
import torch

from .. import alignment, augmentation, blocks, callbacks, losses, metrics
from ..blocks.activation import ACTIVATIONS
from ..training.net import CRITERIA, OPTIMIZERS

# Classes of other libraries whose instances are stored by their parameters.
_SKORCH_CALLBACKS = (
    *("BatchScoring", "EarlyStopping", "EpochScoring", "EpochTimer", "Freezer"),
    *("GradientNormClipping", "LRScheduler", "PassthroughScoring", "PrintLog", "ProgressBar"),
    "Unfreezer",
)
_SPLITTERS = (
    *("GroupKFold", "GroupShuffleSplit", "KFold", "LeaveOneGroupOut", "LeaveOneOut"),
    *("LeavePGroupsOut", "LeavePOut", "PredefinedSplit", "ShuffleSplit", "StratifiedGroupKFold"),
    *("StratifiedKFold", "StratifiedShuffleSplit", "TimeSeriesSplit"),
)
# Functions that are defaults of skorch's callbacks.
_SKORCH_FUNCTIONS = ("freeze_parameter", "noop", "to_numpy", "unfreeze_parameter")


@functools.cache
def instance_classes() -> dict[str, type]:
    """Return the classes whose instances can be stored, by name."""
    return {
        **_members(callbacks, callbacks.__all__),
        **_members(augmentation, augmentation.__all__),
        **_members(alignment, ["EuclideanAlignment", "RiemannianAlignment"]),
        **_members(skorch.callbacks, _SKORCH_CALLBACKS),
        **_members(sklearn.model_selection, _SPLITTERS),
        **_members(sklearn.frozen, ["FrozenEstimator"]),
    }


@functools.cache
def named_values() -> dict[str, Any]:
    """Return the classes and functions that can be values of parameters, by name."""
    layers = sorted({item.__name__ for item in [*ACTIVATIONS.values(), *CRITERIA.values()]})
    scores = _members(metrics, dir(metrics)) | _members(sklearn.metrics, sklearn.metrics.__all__)
    return {
        **instance_classes(),
        **_members(torch.nn, layers),
        **_members(blocks, layers),
        **_members(losses, layers),
        **_members(torch.optim, [item.__name__ for item in OPTIMIZERS.values()]),
        **_members(torch.optim.lr_scheduler, torch.optim.lr_scheduler.__all__),
        **{name: item for name, item in scores.items() if _is_score(item)},
        **_members(skorch.utils, _SKORCH_FUNCTIONS),
        "builtins.print": print,
    }


@functools.cache
def _names_by_id() -> dict[int, str]:
    return {id(item): name for name, item in named_values().items()}


def find_name(value: Any) -> str | None:
    """Return the name of a class or function that can be stored, None for another value."""
    return _names_by_id().get(id(value))


def _members(module: ModuleType, names: Iterable[str]) -> dict[str, Any]:
    """Return the members of a module by qualified name; names that it does not have are skipped."""
    return {
        f"{module.__name__}.{name}": getattr(module, name)
        for name in names
        if hasattr(module, name)
    }


def _is_score(item: Any) -> bool:
    """Return whether an item is a function of targets and predictions."""
    return (
        inspect.isfunction(item) and next(iter(inspect.signature(item).parameters), "") == "y_true"
    )
