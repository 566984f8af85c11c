"""Standardisation of the input as a layer, so that it travels with the network."""

from __future__ import annotations

import torch
from torch import nn


class Standardize(nn.Module):
    """Subtract a mean and divide by a scale, for each electrode.

    Parameters
    ----------
    mean : torch.Tensor of shape (n_chans,)
        What to subtract, in the unit of the input.
    scale : torch.Tensor of shape (n_chans,)
        What to divide by, in the unit of the input.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import Standardize
    >>> Standardize(torch.tensor([10.0]), torch.tensor([5.0]))(torch.tensor([[[5.0, 20.0]]]))
    tensor([[[-1.,  2.]]])
    """

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, mean: torch.Tensor, scale: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean[:, None])
        self.register_buffer("scale", scale[:, None])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Standardise ``x`` of shape (n_trials, n_chans, n_times)."""
        return (x - self.mean).div_(self.scale)
