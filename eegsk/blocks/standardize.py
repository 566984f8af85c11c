"""Standardisation and whitening of the input as layers of the network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ._precision import full_precision


class Standardize(nn.Module):
    """Standardisation of each channel: subtract its mean and divide by its scale.

    Parameters
    ----------
    mean : torch.Tensor of shape (n_chans,)
        Mean of each channel, in the unit of the input.
    scale : torch.Tensor of shape (n_chans,)
        Scale of each channel, e.g. its standard deviation, in the unit of the input.

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


class Whiten(nn.Module):
    """Standardisation and whitening of channels by linear prediction.

    Whitening flattens the spectrum, so that frequencies of low power contribute as much as
    frequencies of high power. Each sample is replaced by the error of its linear prediction from
    the ``n_past`` samples before it; the better the prediction, the flatter the spectrum of the
    errors [1]_. All channels have the same weights, so that spatial patterns do not change. The
    first ``n_past`` samples are set to zero, because too few samples precede them.

    Parameters
    ----------
    mean : torch.Tensor of shape (n_chans,)
        Mean of each channel, in the unit of the input.
    scale : torch.Tensor of shape (n_chans,)
        Scale of each channel, in the unit of the input.
    weight : torch.Tensor of shape (n_past + 1,)
        Weights of the ``n_past`` samples before a sample, oldest first, and of the sample itself.

    References
    ----------
    .. [1] Makhoul, J. (1975). Linear prediction: a tutorial review. Proceedings of the IEEE, 63(4),
       561-580. https://doi.org/10.1109/PROC.1975.9792

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import Whiten
    >>> layer = Whiten(torch.tensor([10.0]), torch.tensor([2.0]), torch.tensor([-1.0, 1.0]))
    >>> layer(torch.tensor([[[11.0, 13.0, 17.0]]]))
    tensor([[[0., 1., 2.]]])
    """

    mean: torch.Tensor
    scale: torch.Tensor
    weight: torch.Tensor

    def __init__(self, mean: torch.Tensor, scale: torch.Tensor, weight: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean[:, None])
        self.register_buffer("scale", scale[:, None])
        self.register_buffer("weight", weight[None])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Whiten ``x`` of shape (n_trials, n_chans, n_times)."""
        (n_chans, n_times), n_past = x.shape[1:], self.weight.shape[1] - 1
        x = F.pad((x - self.mean) / self.scale, (n_past, 0))
        with full_precision(x):
            errors = F.conv1d(x, self.weight.expand(n_chans, 1, -1), groups=n_chans)
        return F.pad(errors[..., n_past:], (min(n_past, n_times), 0))
