"""What tells one fit from another: parameters, seed, data and initial weights, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .._fields import named_items
from .batches import TrialSplit
from .words import describe, describe_class, digest

# Parameters that leave the weights of an epoch as they are, or of which others here tell more.
_NOT_TOLD = {"max_epochs", "verbose", "device"}
# Parameters of callbacks may be what they write to, such as a file, which is another in each
# process and leaves the weights as they are.
_OF_CALLBACKS = ("callbacks__", "net_params__callbacks__")


@dataclass(frozen=True, eq=False)
class Run:
    """One fit of an estimator.

    Parameters
    ----------
    name : str
        Name of the estimator's class.
    get_params : callable
        Returns its parameters, those of callbacks too.
    seed : int
        What the generators were seeded with.
    partial : bool, default=False
        Whether it is one of several calls of ``partial_fit``.
    """

    name: str
    get_params: Callable[[], Mapping[str, Any]]
    seed: int
    partial: bool = False

    def describe(self, trials: TrialSplit, weights: Mapping[str, Any]) -> dict[str, str]:
        """Return what the weights after each epoch follow from, by name.

        Parameters
        ----------
        trials : TrialSplit
            What is trained and validated on.
        weights : dict
            The weights that training begins with.

        Returns
        -------
        description : dict
            Names of parameters and of other things that matter, each with its value in words.
        """
        train, valid = trials.train, trials.valid
        return {
            "estimator": self.name,
            "method": "partial_fit" if self.partial else "fit",
            **self._describe_params(),
            "seed": str(self.seed),
            "device": str(train.X.device),
            "X": digest(train.X),
            "y": digest(train.y),
            "sample_weight": digest(train.weight),
            "split for validation": digest(train.index, valid and valid.index),
            "initial weights": digest(dict(weights)),
        }

    def _describe_params(self) -> dict[str, str]:
        """Describe each parameter, of objects with parameters of their own the class only."""
        params = dict(self.get_params())
        owners = {owner for owner in params for name in params if name.startswith(f"{owner}__")}
        return {
            name: (_describe_owner if name in owners else describe)(
                params[name], inside=not name.startswith(_OF_CALLBACKS)
            )
            for name in sorted(set(params) - _NOT_TOLD)
        }


def _describe_owner(value: Any, inside: bool) -> str:
    """Describe what has its parameters listed: the order of a list, the class of an object."""
    if isinstance(value, list | tuple):
        return ", ".join(name for name, _ in named_items(value))
    return describe_class(value, inside)
