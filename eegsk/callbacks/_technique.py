"""What the techniques share: typed parameters that are checked when training begins."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, dataclass_transform

import torch
from skorch.callbacks import Callback

from .._fields import check_fields


@dataclass_transform(eq_default=False, field_specifiers=(field,))
@dataclass(eq=False, repr=False)
class Technique(Callback):
    """A callback whose annotated attributes are the parameters of its constructor.

    Whatever it learns has a name that ends in ``_``, so that its state can be told from its
    parameters, and holds no reference to the net.
    """

    # What only one callback of a net can be in charge of.
    charge: ClassVar[str | None] = None
    # The attributes that do not follow from parameters, trials and history.
    memory: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclass(cls, eq=False, repr=False)

    def __repr__(self) -> str:
        names = [own.name for own in sorted(fields(self), key=lambda own: bool(own.kw_only))]
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({shown})"

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Check the parameters, and that no other callback does the same.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        **kwargs : dict
            The trials.

        Raises
        ------
        TypeError, ValueError
            If a parameter is wrong, or another callback is in the way.
        """
        check_fields(self)
        for _, other in net.callbacks_:
            if other is not self and self.charge and getattr(other, "charge", "") == self.charge:
                raise ValueError(
                    f"{type(self).__name__} and {type(other).__name__} both set {self.charge}; "
                    "give one of them."
                )

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of what going on takes."""
        known = {name: vars(self)[name] for name in self.memory if name in vars(self)}
        return copy.deepcopy(known)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` has returned; to be called once training has begun.

        Parameters
        ----------
        state : dict
            What to go on with.
        """
        vars(self).update(copy.deepcopy(state))

    def __getstate__(self) -> dict[str, Any]:
        """Leave the GPU, which may not be there where this is unpickled."""
        return {name: _on_cpu(item) for name, item in vars(self).items()}


def has_validation(X: Any) -> bool:
    """Tell whether trials are set aside to validate on, as far as it is known.

    Parameters
    ----------
    X : TrialSplit or object
        What ``on_train_begin`` was given.

    Returns
    -------
    there : bool
        False if there surely are none.
    """
    return X is None or getattr(X, "valid", X) is not None


def _on_cpu(item: Any) -> Any:
    if isinstance(item, dict):
        return {key: _on_cpu(value) for key, value in item.items()}
    return item.cpu() if isinstance(item, torch.Tensor) else item
