"""Weight normalisation as a plain layer."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class WeightNormLinear(nn.Linear):
    """Dense layer whose outputs' weights are each a direction and a length, learned apart.

    ``weight`` holds the directions, whatever its scale, and ``gain`` the lengths. It starts as
    the ordinary layer that it is initialised as. Both are plain parameters.

    Parameters
    ----------
    n_inputs : int
        Number of input values.
    n_outputs : int
        Number of output values.

    References
    ----------
    .. [1] Salimans, T., & Kingma, D. P. (2016). Weight normalization: a simple reparameterization
       to accelerate training of deep neural networks. NeurIPS.
       https://doi.org/10.48550/arXiv.1602.07868

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import WeightNormLinear
    >>> layer = WeightNormLinear(10, 3)
    >>> layer(torch.zeros(2, 10)).shape
    torch.Size([2, 3])
    >>> torch.allclose(layer.gain, layer.weight.norm(dim=1))
    True
    """

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__(n_inputs, n_outputs)
        self.gain = nn.Parameter(self.weight.detach().norm(dim=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``x`` of shape (n_trials, n_inputs)."""
        scale = self.gain / self.weight.norm(dim=1)
        return F.linear(x, self.weight) * scale + self.bias
