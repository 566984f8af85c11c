"""Activations by name, class or partial."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.nn.modules import activation as torch_activations

from .._names import by_name, catalogue

_NEED_ARGUMENTS = ("multiheadattention", "threshold", "module")
_ACTIVATIONS = {
    name: cls
    for name, cls in catalogue(torch_activations, nn.Module).items()
    if name not in _NEED_ARGUMENTS
} | {"identity": nn.Identity}


def make_activation(activation: str | Callable[[], Any]) -> nn.Module:
    """Make an activation.

    Parameters
    ----------
    activation : str or callable
        The name of a torch activation (``"elu"``, ``"leaky_relu"``, ...), or anything that
        returns a module when called without arguments: a class, or a partial of one.

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
    module = by_name("activation", activation, _ACTIVATIONS)()
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"activation={activation!r} returned {type(module).__name__} when called; it should "
            "return a torch.nn.Module."
        )
    return module
