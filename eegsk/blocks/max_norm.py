"""Max-norm constraint, which limits the norm of weights after each training step."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import nn

_Layer = TypeVar("_Layer", bound=nn.Module)

# The name is not ``max_norm``, because layers of other libraries use that, e.g. of braindecode.
_ATTRIBUTE = "_max_norm_limit"


def with_max_norm(layer: _Layer, limit: float | None) -> _Layer:
    """Mark a layer, so that :func:`apply_max_norm` limits its weights.

    Parameters
    ----------
    layer : torch.nn.Module
        A layer with a ``weight`` whose first axis counts its outputs, e.g. ``torch.nn.Linear``.
    limit : float or None
        The largest Euclidean norm of the weights of one output; None for no limit.

    Returns
    -------
    layer : torch.nn.Module
        The same layer.

    Examples
    --------
    >>> from torch import nn
    >>> from eegsk.blocks import with_max_norm
    >>> with_max_norm(nn.Linear(2, 1), limit=1.0)
    Linear(in_features=2, out_features=1, bias=True)
    """
    setattr(layer, _ATTRIBUTE, limit)
    return layer


@torch.no_grad()
def apply_max_norm(module: nn.Module) -> None:
    """Scale the weights of marked layers down to their limit, in place.

    The weights of each output are scaled by one factor, so that their direction does not change.
    Weights within the limit, weights that need no gradient, e.g. those of a frozen layer, and
    layers that are not marked by :func:`with_max_norm` do not change.

    Parameters
    ----------
    module : torch.nn.Module
        A network.

    References
    ----------
    .. [1] Srivastava, N., Hinton, G., Krizhevsky, A., Sutskever, I., & Salakhutdinov, R. (2014).
       Dropout: a simple way to prevent neural networks from overfitting. Journal of Machine
       Learning Research, 15, 1929-1958.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import apply_max_norm, with_max_norm
    >>> layer = with_max_norm(torch.nn.Linear(2, 1), limit=1.0)
    >>> _ = torch.nn.init.constant_(layer.weight, 5.0)
    >>> apply_max_norm(layer)
    >>> layer.weight.detach()
    tensor([[0.7071, 0.7071]])
    """
    for layer in module.modules():
        limit: Any = getattr(layer, _ATTRIBUTE, None)
        weight: Any = None if limit is None else layer.weight
        if weight is not None and weight.requires_grad:
            weight.renorm_(p=2, dim=0, maxnorm=limit)
