"""Front ends folded for prediction: fixed mixtures, filters and constants.

Weights are plain attributes, which are faster to access than parameters or buffers of a module.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from .._convolve import mix
from .._tracing import is_traced


class Mixture(nn.Module):
    """Fixed mixtures of signals with a constant for each.

    Parameters
    ----------
    weight : torch.Tensor of shape (n_outputs, n_signals)
        Weights of the mixtures.
    constant : torch.Tensor of shape (n_outputs,)
        Constants added to the mixtures.
    """

    def __init__(self, weight: torch.Tensor, constant: torch.Tensor) -> None:
        super().__init__()
        self.weight, self.constant = weight, constant

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Mix signals of shape (n_trials, n_signals, n_times)."""
        return mix(x, self.weight, self.constant)


class FoldedFrontEnd(nn.Module):
    """Folded front end: mixtures of channels, temporal filters, and constants.

    Parameters
    ----------
    mixture : Mixture
        Mixtures of the recorded channels, i.e. before standardisation.
    filters : torch.nn.Module
        Temporal filters of the mixtures.
    constant : torch.Tensor of shape (n_outputs,)
        Constants added to the filtered mixtures.

    Notes
    -----
    Eq. (27) of docs/user_guide/front_end.md.
    """

    def __init__(self, mixture: Mixture, filters: nn.Module, constant: torch.Tensor) -> None:
        super().__init__()
        self.mixture = mixture
        self.filters = filters
        self.constant = constant[:, None]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter trials of shape (n_trials, n_chans, n_times)."""
        filtered = self.filters(self.mixture(x))
        return filtered + self.constant if is_traced() else filtered.add_(self.constant)


def fused(
    convolution: nn.Conv2d, norm: nn.BatchNorm1d | nn.BatchNorm2d
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight and bias of a convolution that includes the batch normalisation after it.

    Parameters
    ----------
    convolution : torch.nn.Conv2d
        Temporal or spatial filters, i.e. with one axis of the kernel of length one.
    norm : torch.nn.BatchNorm1d or torch.nn.BatchNorm2d
        The batch normalisation, in evaluation mode.

    Returns
    -------
    weight : torch.Tensor of shape (n_filters, n_weights)
        Weights of each filter.
    bias : torch.Tensor of shape (n_filters,)
        Constant of each filter.
    """
    weight, bias = fuse_conv_bn_weights(
        convolution.weight,
        convolution.bias,
        norm.running_mean,  # type: ignore[arg-type]
        norm.running_var,  # type: ignore[arg-type]
        norm.eps,
        norm.weight,
        norm.bias,
    )
    return weight.detach().flatten(1), bias.detach()


def channel_mixture(weight: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor) -> Mixture:
    """Return mixtures of recorded channels that equal mixtures of standardised ones.

    Parameters
    ----------
    weight : torch.Tensor of shape (n_outputs, n_chans)
        Weights of the standardised channels.
    mean, scale : torch.Tensor of shape (n_chans,)
        Mean and scale of the standardisation.

    Returns
    -------
    mixture : Mixture
        Eq. (26) of docs/user_guide/front_end.md.
    """
    weight = weight / scale
    return Mixture(weight, -weight @ mean)
