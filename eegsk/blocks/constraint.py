"""Max-norm as a projection: the weights are plain parameters, put back after each step."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import nn

_Layer = TypeVar("_Layer", bound=nn.Module)


def max_norm(layer: _Layer, limit: float | None) -> _Layer:
    """Mark a layer whose weights :func:`project_max_norm` is to bound.

    Parameters
    ----------
    layer : torch.nn.Module
        A layer with a ``weight`` whose first axis counts its outputs.
    limit : float or None
        The largest Euclidean norm of the weights of one output; None for no bound.

    Returns
    -------
    layer : torch.nn.Module
        The same layer.
    """
    layer._max_norm_limit = limit  # type: ignore[assignment]
    return layer


@torch.no_grad()
def project_max_norm(module: nn.Module) -> None:
    """Scale down, in place, the weights of each marked layer's outputs that exceed its bound.

    Parameters
    ----------
    module : torch.nn.Module
        A network; its layers marked by :func:`max_norm` are projected.

    References
    ----------
    .. [1] Srivastava, N., Hinton, G., Krizhevsky, A., Sutskever, I., & Salakhutdinov, R. (2014).
       Dropout: a simple way to prevent neural networks from overfitting. Journal of Machine
       Learning Research, 15, 1929-1958.
    """
    for layer in module.modules():
        limit: Any = getattr(layer, "_max_norm_limit", None)
        if limit is not None:
            weight: Any = layer.weight
            weight.renorm_(p=2, dim=0, maxnorm=limit)
