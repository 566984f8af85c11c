"""What every transform is, and how those of an estimator are applied to a batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from sklearn.base import BaseEstimator, clone

from .._fields import Fields, Probability, check_fields, check_names, named_items, short_repr

Augmentation = Callable[[torch.Tensor, Any], tuple[torch.Tensor, Any]]


class Transform(Fields, BaseEstimator, kw_only=False):
    """Base class of the transforms, which change training trials at random.

    Each trial has its own random draw.

    Parameters
    ----------
    probability : float, default=1.0
        Probability that a trial is changed.
    """

    probability: Probability = field(default=1.0, kw_only=True)

    def __call__(self, X: torch.Tensor, y: Any) -> tuple[torch.Tensor, Any]:
        """Return changed trials, in a tensor of their own, with their targets.

        Parameters
        ----------
        X : torch.Tensor of shape (n_trials, n_chans, n_times)
            Standardised trials.
        y : torch.Tensor of shape (n_trials,) or (n_trials, n_outputs)
            Their targets.

        Returns
        -------
        X : torch.Tensor of shape (n_trials, n_chans, n_times)
            The trials, of which some are changed.
        y : torch.Tensor
            Their targets.
        """
        return self._transform(X, self._choose(X)), y

    @abstractmethod
    def _transform(self, X: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        """Change the chosen trials, in a new tensor."""

    def _choose(self, X: torch.Tensor) -> torch.Tensor:
        """Draw which trials to change."""
        return torch.rand(len(X), device=X.device) < self.probability


@dataclass(frozen=True, eq=False)
class MixedTarget:
    """The targets of trials that each are a mixture of two.

    Parameters
    ----------
    own : torch.Tensor of shape (n_trials,) or (n_trials, n_outputs)
        Targets of the trials.
    partner : torch.Tensor of shape (n_trials,)
        Which trial each is mixed with.
    share : torch.Tensor of shape (n_trials,)
        How much of each is the trial itself, from 0.5 to 1.
    """

    own: torch.Tensor
    partner: torch.Tensor
    share: torch.Tensor

    def unmixed(
        self, y_pred: torch.Tensor, weight: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Count each trial as the two that it is a mixture of, each by its share.

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
            Their weights, whose mean is that of the trials where all weigh the same.
        """
        shares = self.share * weight, (1 - self.share) * weight[self.partner]
        y_true = torch.cat([self.own, self.own[self.partner]])
        return torch.cat([y_pred, y_pred]), y_true, 2 * torch.cat(shares)


def own_transforms(augmentation: Any, owner: str) -> list[Augmentation]:
    """Check the transforms of an estimator, and clone them.

    Parameters
    ----------
    augmentation : list or None
        Transforms, or pairs of a name and a transform; None in the place of one is left out.
    owner : str
        Whose they are, for the error messages.

    Returns
    -------
    transforms : list
        Copies, in order.

    Raises
    ------
    TypeError
        If something is no transform, or has a parameter of a wrong type.
    ValueError
        If a parameter is out of range, or a name was given twice.
    """
    check_names(owner, "augmentation", augmentation)
    named = [item for item in named_items(augmentation) if item[1] is not None]
    for name, transform in named:
        if isinstance(transform, type) or not callable(transform):
            raise TypeError(
                f"{owner}: augmentation {name!r} is {short_repr(transform)}; it should be an "
                "instance of a transform, or a function that takes and returns (X, y)."
            )
        if isinstance(transform, Transform):
            check_fields(transform)
    transforms: list[Any] = [clone(transform, safe=False) for _, transform in named]
    return transforms


@torch.no_grad()
def augment(
    transforms: Sequence[Augmentation], X: torch.Tensor, y: torch.Tensor
) -> tuple[torch.Tensor, Any]:
    """Apply transforms to a batch, one after the other.

    Parameters
    ----------
    transforms : sequence of callable
        What to apply.
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        Standardised trials.
    y : torch.Tensor of shape (n_trials,) or (n_trials, n_outputs)
        Their targets.

    Returns
    -------
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        The changed trials.
    y : torch.Tensor or MixedTarget
        Their targets.

    Raises
    ------
    ValueError
        If a transform returns anything but a tensor of as many trials as it was given, and targets.
    """
    shape = X.shape
    for transform in transforms:
        made = transform(X, y)
        if not (isinstance(made, tuple) and len(made) == 2 and _has_shape(made[0], shape)):
            raise ValueError(
                f"augmentation: {short_repr(transform)} should return (X, y), with X a tensor of "
                f"shape {tuple(shape)} as it was given."
            )
        X, y = made
    return X, y


def _has_shape(X: Any, shape: torch.Size) -> bool:
    return isinstance(X, torch.Tensor) and X.shape == shape
