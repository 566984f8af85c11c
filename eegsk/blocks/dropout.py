"""Dropout whose mask costs little on a CPU."""

from __future__ import annotations

import torch
from torch import nn

_LEVELS = 2**16


class Dropout(nn.Dropout):
    """Dropout that draws four values of its mask from each random number.

    On a CPU, torch's own spends more time on its mask than a small network on its convolutions.
    The probability is rounded to 1/65536, and the values kept are scaled by what it then is; other
    devices use torch's own.

    Parameters
    ----------
    p : float, default=0.5
        Probability of dropping a value.

    References
    ----------
    .. [1] Srivastava, N., Hinton, G., Krizhevsky, A., Sutskever, I., & Salakhutdinov, R. (2014).
       Dropout: a simple way to prevent neural networks from overfitting. Journal of Machine
       Learning Research, 15, 1929-1958.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import Dropout
    >>> Dropout(0.25)(torch.ones(1000)).unique()
    tensor([0.0000, 1.3333])
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Drop values of ``x`` in training mode; in evaluation mode return it."""
        dropped = round(self.p * _LEVELS)
        if not self.training or dropped in (0, _LEVELS) or x.device.type != "cpu":
            return super().forward(x)
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        values = words.view(torch.int16)[: x.numel()].view(x.shape)
        kept = values >= dropped - _LEVELS // 2
        return x * kept.to(x.dtype).mul_(_LEVELS / (_LEVELS - dropped))
