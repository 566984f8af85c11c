"""Constants of batch normalisation."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def set_batch_norm(
    network: nn.Module, eps: float | None = None, momentum: float | None = None
) -> nn.Module:
    """Set constants of all batch normalisation layers.

    Parameters
    ----------
    network : torch.nn.Module
        The network, which is changed in place.
    eps : float or None, default=None
        Constant added to the variance; None to keep that of each layer.
    momentum : float or None, default=None
        Weight of the latest batch in the running statistics; None to keep that of each layer.

    Returns
    -------
    network : torch.nn.Module
        The same network.

    Examples
    --------
    >>> from torch import nn
    >>> from eegsk.blocks import set_batch_norm
    >>> set_batch_norm(nn.BatchNorm1d(8), eps=1e-3).eps
    0.001
    """
    for layer in network.modules():
        if isinstance(layer, _BatchNorm):
            layer.eps = layer.eps if eps is None else float(eps)
            layer.momentum = layer.momentum if momentum is None else float(momentum)
    return network
