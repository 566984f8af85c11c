"""Dropout with a mask that is fast to draw on a CPU."""

from __future__ import annotations

import torch
from torch import nn

from ._tracing import is_traced

# Number of values of a 16-bit integer; for a fraction ``p`` of them, an element is set to zero.
_LEVELS = 2**16


class Dropout(nn.Dropout):
    """Dropout that draws four values of its mask from each 64-bit random number.

    On a CPU, the mask of ``torch.nn.Dropout`` takes more time than the convolutions of a small
    network. The probability ``p`` is rounded to a multiple of 1/65536, and the remaining values are
    divided by one minus the rounded probability. On other devices, ``torch.nn.Dropout`` is used.

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
        """Set random values of ``x`` to zero in training mode; return ``x`` in evaluation mode."""
        n_dropped_levels = round(self.p * _LEVELS)
        is_trivial = n_dropped_levels in (0, _LEVELS)
        if not self.training or is_trivial or x.device.type != "cpu" or is_traced():
            return super().forward(x)
        integers = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        values = integers.view(torch.int16)[: x.numel()].view(x.shape)
        mask = values >= n_dropped_levels - _LEVELS // 2
        return x * mask.to(x.dtype).mul_(_LEVELS / (_LEVELS - n_dropped_levels))
