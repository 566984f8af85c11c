"""Standardisation of the input as a layer, so that it travels with the network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ._precision import full_precision


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


class Whiten(nn.Module):
    """Standardise electrodes, and flatten their spectrum, so that weak rhythms weigh more.

    Each sample becomes the error of its prediction from those before it, by the same weights for
    all electrodes, so that mixtures of electrodes stay what they are. The better the prediction,
    the flatter the spectrum of its errors [1]_. The first samples, before which there are not
    enough, become zero.

    Parameters
    ----------
    mean : torch.Tensor of shape (n_chans,)
        What to subtract, in the unit of the input.
    scale : torch.Tensor of shape (n_chans,)
        What to divide by, in the unit of the input.
    weight : torch.Tensor of shape (n_before + 1,)
        What to multiply a sample by, the last one, and those before it.

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
        (n_chans, n_times), n_before = x.shape[1:], self.weight.shape[1] - 1
        x = F.pad((x - self.mean) / self.scale, (n_before, 0))
        with full_precision(x):
            errors = F.conv1d(x, self.weight.expand(n_chans, 1, -1), groups=n_chans)
        return F.pad(errors[..., n_before:], (min(n_before, n_times), 0))
