"""Pooling over time."""

from __future__ import annotations

import torch
from torch import nn


class MeanPool(nn.Module):
    """Average over consecutive stretches of time; what is left over at the end is left out.

    Computes what ``torch.nn.AvgPool1d`` does, as a product with a vector, which is faster.

    Parameters
    ----------
    size : int
        How many samples to average over.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import MeanPool
    >>> MeanPool(2)(torch.tensor([[[1.0, 3.0, 5.0, 7.0, 9.0]]]))
    tensor([[[2., 6.]]])
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pool ``x`` of shape (n_trials, n_signals, n_times)."""
        n_pooled = x.shape[-1] // self.size
        if n_pooled == 0:
            raise RuntimeError(f"{x.shape[-1]} times are too few to average over {self.size}.")
        stretches = x[..., : n_pooled * self.size].reshape(-1, self.size)
        weights = x.new_full((self.size,), 1 / self.size)
        return (stretches @ weights).view(*x.shape[:-1], n_pooled)

    def extra_repr(self) -> str:
        """Return what is shown of the layer."""
        return f"size={self.size}"
