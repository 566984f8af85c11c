"""Base class of the transforms, and their application to a batch."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from sklearn.base import BaseEstimator, clone

from .._fields import Fields, Probability, check_fields, check_names, named_items, short_repr

Augmentation = Callable[[torch.Tensor, Any], tuple[torch.Tensor, Any]]


class Transform(Fields, BaseEstimator, kw_only=False):
    """Base class of random transforms of training trials.

    Each trial is transformed with its own random numbers.

    Parameters
    ----------
    probability : float, default=1.0
        Probability that a trial is transformed; other trials stay unchanged.
    """

    # Whether a transform is called with the groups of the trials, as its third argument.
    uses_groups: ClassVar[bool] = False
    probability: Probability = field(default=1.0, kw_only=True)

    def __call__(self, X: torch.Tensor, y: Any) -> tuple[torch.Tensor, Any]:
        """Transform a batch.

        Parameters
        ----------
        X : torch.Tensor of shape (n_trials, n_chans, n_times)
            Standardised trials.
        y : torch.Tensor of shape (n_trials,) or (n_trials, n_outputs)
            Targets.

        Returns
        -------
        X : torch.Tensor of shape (n_trials, n_chans, n_times)
            The transformed trials, in a new tensor.
        y : torch.Tensor
            The targets.
        """
        return self._transform(X, self._choose(X)), y

    def prepare(self, ch_names: Sequence[str] | None, classes: Sequence[Any] | None) -> None:
        """Prepare a fit, if the transform depends on the channels or the classes.

        Parameters
        ----------
        ch_names : sequence of str or None
            Names of the channels of the trials, None if they are unknown.
        classes : sequence or None
            Label of each class, None for a regression.
        """

    @abstractmethod
    def _transform(self, X: torch.Tensor, is_chosen: torch.Tensor) -> torch.Tensor:
        """Transform the trials where ``is_chosen``; return all trials in a new tensor."""

    def _choose(self, X: torch.Tensor) -> torch.Tensor:
        """Choose trials at random, as a boolean mask of shape (n_trials,)."""
        return torch.rand(len(X), device=X.device) < self.probability


@dataclass(frozen=True, eq=False)
class MixedTarget:
    """Targets of mixtures of two trials.

    Parameters
    ----------
    target : torch.Tensor of shape (n_trials,) or (n_trials, n_outputs)
        Targets of the trials.
    partner : torch.Tensor of shape (n_trials,)
        Index in the batch of the trial that each trial is mixed with.
    share : torch.Tensor of shape (n_trials,)
        Share of the trial itself in its mixture, from 0.5 to 1.
    """

    target: torch.Tensor
    partner: torch.Tensor
    share: torch.Tensor

    def unmixed(
        self, y_pred: torch.Tensor, weight: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Replace each mixture by its two trials, weighted with their shares.

        Parameters
        ----------
        y_pred : torch.Tensor of shape (n_trials, n_outputs)
            Outputs of the network for the mixtures.
        weight : torch.Tensor of shape (n_trials,)
            Weights of the trials.

        Returns
        -------
        y_pred : torch.Tensor of shape (2 * n_trials, n_outputs)
            The outputs, twice.
        y_true : torch.Tensor of shape (2 * n_trials,) or (2 * n_trials, n_outputs)
            Targets of the trials, then of their partners.
        weight : torch.Tensor of shape (2 * n_trials,)
            Weights, scaled so that their mean stays the same if all trials have the same weight.
        """
        shares = self.share * weight, (1 - self.share) * weight[self.partner]
        y_true = torch.cat([self.target, self.target[self.partner]])
        return torch.cat([y_pred, y_pred]), y_true, 2 * torch.cat(shares)


def clone_transforms(
    augmentation: Any,
    owner: str,
    ch_names: Sequence[str] | None = None,
    classes: Sequence[Any] | None = None,
) -> list[Augmentation]:
    """Check and clone the transforms of an estimator.

    Parameters
    ----------
    augmentation : list or None
        Transforms, or pairs ``(name, transform)``; None instead of a transform is skipped.
    owner : str
        Name of the estimator, for error messages.
    ch_names : sequence of str or None, default=None
        Names of the channels, for transforms that depend on them.
    classes : sequence or None, default=None
        Label of each class, for transforms that change it.

    Returns
    -------
    transforms : list
        Clones of the transforms, in order.

    Raises
    ------
    TypeError
        If an item is not a transform, or one of its parameters is of the wrong type.
    ValueError
        If a parameter is out of range, or two transforms have the same name.
    """
    check_names(owner, "augmentation", augmentation)
    named = [item for item in named_items(augmentation) if item[1] is not None]
    for name, transform in named:
        if isinstance(transform, type) or not callable(transform):
            raise TypeError(
                f"{owner}: augmentation {name!r} is {short_repr(transform)}; it should be an "
                "instance of a transform, or a function that takes and returns (X, y)."
            )
        if not _takes_batch(transform):
            raise TypeError(
                f"{owner}: augmentation {name!r} should be a function of two arguments, (X, y), "
                "which returns both."
            )
        if isinstance(transform, Transform):
            check_fields(transform)
    transforms: list[Any] = [clone(transform, safe=False) for _, transform in named]
    for transform in transforms:
        if isinstance(transform, Transform):
            transform.prepare(ch_names, classes)
    return transforms


def _takes_batch(transform: Any) -> bool:
    """Check whether a callable takes two arguments."""
    try:
        inspect.signature(transform).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # functions in C without a signature
        return True
    return True


@torch.no_grad()
def augment(
    transforms: Sequence[Augmentation],
    X: torch.Tensor,
    y: torch.Tensor,
    groups: torch.Tensor | None = None,
) -> tuple[torch.Tensor, Any]:
    """Apply transforms to a batch, one after the other.

    Parameters
    ----------
    transforms : sequence of callable
        The transforms.
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        Standardised trials.
    y : torch.Tensor of shape (n_trials,) or (n_trials, n_outputs)
        Targets.
    groups : torch.Tensor of shape (n_trials,) or None, default=None
        Group of each trial, for transforms that use it.

    Returns
    -------
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        The transformed trials.
    y : torch.Tensor or MixedTarget
        The targets.

    Raises
    ------
    ValueError
        If a transform does not return trials of the same shape and targets.
    """
    shape = X.shape
    for transform in transforms:
        uses_groups = isinstance(transform, Transform) and transform.uses_groups
        inputs: Any = (X, y, groups) if uses_groups else (X, y)
        batch = transform(*inputs)
        if not (isinstance(batch, tuple) and len(batch) == 2 and _has_shape(batch[0], shape)):
            raise ValueError(
                f"augmentation: {short_repr(transform)} should return (X, y), where X is a tensor "
                f"of the same shape as its input, {tuple(shape)}."
            )
        X, y = batch
    return X, y


def _has_shape(X: Any, shape: torch.Size) -> bool:
    return isinstance(X, torch.Tensor) and X.shape == shape
