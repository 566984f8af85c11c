"""Activation layers, and their creation by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.modules import activation as torch_activations

from .._registry import class_registry, find_class


class Square(nn.Module):
    """Square activation: the mean over time of its output is the power of the signal.

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
    """Logarithm of values that are clipped from below, so that it is finite.

    Parameters
    ----------
    eps : float, default=1e-6
        Smallest value whose logarithm is taken; smaller values are replaced by it.

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
        """Return the logarithm of the clipped values of ``x``."""
        return x.clamp_min(self.eps).log()

    def extra_repr(self) -> str:
        """Return the settings that the layer's ``repr`` shows."""
        return f"eps={self.eps}"


# Activations of torch that cannot be created without arguments.
_NEED_ARGUMENTS = ("multiheadattention", "threshold", "module")
ACTIVATIONS = {
    name: cls
    for name, cls in class_registry(torch_activations, nn.Module).items()
    if name not in _NEED_ARGUMENTS
} | {"identity": nn.Identity, "safelog": SafeLog, "square": Square}

# Arguments *args and **kwargs, e.g. those of torch.nn.Identity, which ignores them.
_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def make_activation(
    activation: str | Callable[..., Any], params: dict[str, Any] | None = None
) -> nn.Module:
    """Create an activation layer.

    Parameters
    ----------
    activation : str or callable
        The name of a torch activation (e.g. ``"elu"`` or ``"leaky_relu"``), ``"square"``,
        ``"safe_log"``, or a callable that returns a module, e.g. ``torch.nn.ELU``.
    params : dict or None, default=None
        Arguments of the activation, e.g. ``{"alpha": 0.5}`` for ELU.

    Returns
    -------
    module : torch.nn.Module
        A new activation layer.

    Raises
    ------
    ValueError
        If no activation has that name.
    TypeError
        If the activation has no argument of that name, or does not return a module.

    Examples
    --------
    >>> from eegsk.blocks import make_activation
    >>> make_activation("leaky_relu")
    LeakyReLU(negative_slope=0.01)
    >>> make_activation("elu", {"alpha": 0.5})
    ELU(alpha=0.5)
    """
    if isinstance(activation, nn.Module):
        raise TypeError(
            f"activation={activation} is a module; use its class, with its arguments in "
            "activation_params, so that each activation in the network is a separate module."
        )
    factory = find_class("activation", activation, ACTIVATIONS)
    _check_params(factory, params or {})
    module = factory(**(params or {}))
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"activation={activation!r} returned {type(module).__name__} when called; it should "
            "return a torch.nn.Module."
        )
    return module


def _check_params(factory: Callable[..., Any], params: dict[str, Any]) -> None:
    """Check that an activation has arguments of these names."""
    if not params:
        return
    signature = inspect.signature(factory).parameters.values()
    names = [argument.name for argument in signature if argument.kind not in _VARIABLE]
    unknown = ", ".join(repr(name) for name in params if name not in names)
    if unknown:
        expected = f"expected {' or '.join(names)}" if names else "it has no arguments"
        name = getattr(factory, "__name__", repr(factory))
        raise TypeError(
            f"activation_params={params!r}: {name} has no argument {unknown}; {expected}."
        )
