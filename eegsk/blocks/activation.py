"""Activations: two of our own, and any by name, class or partial."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.modules import activation as torch_activations

from .._registry import class_registry, find_class


class Square(nn.Module):
    """The square of each value; averaged over time it is power.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import Square
    >>> Square()(torch.tensor([-2.0, 3.0]))
    tensor([4., 9.])
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Square ``x``."""
        return x * x


class SafeLog(nn.Module):
    """The logarithm of each value, of a smallest one for all values below it.

    Parameters
    ----------
    eps : float, default=1e-6
        The smallest value.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import SafeLog
    >>> SafeLog(eps=1.0)(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([0., 0., 0.])
    """

    def __init__(self, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Take the logarithm of ``x``."""
        return x.clamp_min(self.eps).log()

    def extra_repr(self) -> str:
        """Return what is shown of the layer."""
        return f"eps={self.eps}"


_NEED_ARGUMENTS = ("multiheadattention", "threshold", "module")
_ACTIVATIONS = {
    name: cls
    for name, cls in class_registry(torch_activations, nn.Module).items()
    if name not in _NEED_ARGUMENTS
} | {"identity": nn.Identity, "safelog": SafeLog, "square": Square}


def make_activation(activation: str | Callable[[], Any]) -> nn.Module:
    """Make an activation.

    Parameters
    ----------
    activation : str or callable
        The name of a torch activation (``"elu"``, ``"leaky_relu"``, ...), ``"square"`` or
        ``"safe_log"``, or anything that returns a module when called without arguments: a class,
        or a partial of one.

    Returns
    -------
    module : torch.nn.Module
        A new activation.

    Raises
    ------
    ValueError
        If no activation has that name.
    TypeError
        If calling ``activation`` does not return a module.

    Examples
    --------
    >>> from eegsk.blocks import make_activation
    >>> make_activation("leaky_relu")
    LeakyReLU(negative_slope=0.01)
    """
    if isinstance(activation, nn.Module):
        raise TypeError(
            f"activation={activation} is a module; give its class or a functools.partial of it, "
            "so that each place in the network gets its own."
        )
    module = find_class("activation", activation, _ACTIVATIONS)()
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"activation={activation!r} returned {type(module).__name__} when called; it should "
            "return a torch.nn.Module."
        )
    return module
