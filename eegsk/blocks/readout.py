"""Linear output layers for groups of features."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class MeanOfLinear(nn.Module):
    """Mean of the outputs of dense layers, each for one group of features.

    Parameters
    ----------
    n_groups : int
        Number of groups, and of layers.
    group_size : int
        Number of features of a group.
    n_outputs : int
        Number of outputs.

    Attributes
    ----------
    weight : torch.nn.Parameter of shape (n_groups * n_outputs, group_size)
        The weights of all layers, one row for each output of each layer.
    bias : torch.nn.Parameter of shape (n_groups * n_outputs,)
        The biases of all layers.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import MeanOfLinear
    >>> MeanOfLinear(n_groups=5, group_size=32, n_outputs=4)(torch.zeros(2, 160)).shape
    torch.Size([2, 4])
    """

    def __init__(self, n_groups: int, group_size: int, n_outputs: int) -> None:
        super().__init__()
        self.n_groups = n_groups
        limit = group_size**-0.5  # as in torch.nn.Linear
        shape = n_groups * n_outputs, group_size
        self.weight = nn.Parameter(torch.empty(shape).uniform_(-limit, limit))
        self.bias = nn.Parameter(torch.empty(shape[0]).uniform_(-limit, limit))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map features, (n_trials, n_groups * group_size), to (n_trials, n_outputs)."""
        weight = self.weight.unflatten(0, (self.n_groups, -1)).transpose(0, 1).flatten(1)
        bias = self.bias.unflatten(0, (self.n_groups, -1)).mean(0)
        return F.linear(x, weight / self.n_groups, bias)

    def extra_repr(self) -> str:
        """Return the text shown for the layer."""
        n_rows, group_size = self.weight.shape
        return f"n_groups={self.n_groups}, {group_size=}, n_outputs={n_rows // self.n_groups}"
