"""Dense layer with weight normalisation."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class WeightNormLinear(nn.Linear):
    """Dense layer with weight normalisation.

    The weights of each output are the product of a direction and a length [1]_. The direction is a
    row of ``weight``, divided by its norm; the length is a value of ``gain``. Both are learned. At
    initialisation, the layer equals a ``torch.nn.Linear`` with the same ``weight``. Unlike in
    torch's ``parametrizations.weight_norm``, ``weight`` and ``gain`` are plain parameters, so that
    the layer can be pickled.

    Parameters
    ----------
    in_features : int
        Number of input values.
    out_features : int
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

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features)
        self.gain = nn.Parameter(self.weight.detach().norm(dim=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the layer to ``x`` of shape (n_trials, in_features)."""
        scale = self.gain / self.weight.norm(dim=1)
        return F.linear(x, self.weight) * scale + self.bias
