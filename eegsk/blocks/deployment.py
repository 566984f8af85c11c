"""Complete models for deployment: from recorded trials to probabilities or predictions."""

from __future__ import annotations

import copy

import torch
from torch import nn

from .folding import can_fold, fold
from .standardize import Standardize


class SpatialFilters(nn.Module):
    """Spatial filters of an aligner, in double precision.

    Parameters
    ----------
    weights : torch.Tensor of shape (n_chans, n_chans)
        One filter in each row.
    """

    weights: torch.Tensor

    def __init__(self, weights: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("weights", weights.double())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter trials of shape (n_trials, n_chans, n_times)."""
        return (self.weights @ x.double()).to(x.dtype)


class DeployedClassifier(nn.Module):
    """Network that maps recorded trials to class probabilities.

    Parameters
    ----------
    module : torch.nn.Module
        The trained module of an estimator, which maps trials to logits. It is not changed.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.network = _folded_after_centring(module)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map trials, (n_trials, n_chans, n_times), to probabilities (n_trials, n_classes)."""
        return self.network(x).softmax(1)


class DeployedRegressor(nn.Module):
    """Network that maps recorded trials to predictions in the unit of the targets.

    Parameters
    ----------
    module : torch.nn.Module
        The trained module of an estimator, which maps trials to standardised targets. It is not
        changed.
    mean, scale : torch.Tensor of shape (n_outputs,)
        Mean and scale of the targets, in double precision.
    is_single : bool
        Whether the predictions have the shape (n_trials,), for one target.
    """

    target_mean: torch.Tensor
    target_scale: torch.Tensor

    def __init__(
        self, module: nn.Module, mean: torch.Tensor, scale: torch.Tensor, is_single: bool
    ) -> None:
        super().__init__()
        self.network = _folded_after_centring(module)
        self.register_buffer("target_mean", mean)
        self.register_buffer("target_scale", scale)
        self.is_single = is_single

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map trials, (n_trials, n_chans, n_times), to predictions in double precision."""
        y = self.network(x).double() * self.target_scale + self.target_mean
        return y[:, 0] if self.is_single else y


class _Centre(nn.Module):
    """Subtraction of the mean of each channel."""

    channel_mean: torch.Tensor

    def __init__(self, mean: torch.Tensor) -> None:
        super().__init__()
        # Exporters create tensors called e.g. "mean", which must not have the name of a buffer.
        self.register_buffer("channel_mean", mean)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Centre trials of shape (n_trials, n_chans, n_times)."""
        return x - self.channel_mean


def _folded_after_centring(module: nn.Module) -> nn.Module:
    """Return a folded copy of a network, in single precision and on the CPU.

    The means of the channels are subtracted first and not merged into the weights. Offsets of
    recordings can be 1,000 times as large as the signal, so that mixtures of channels that are not
    centred would lose three digits in single precision.
    """
    module = copy.deepcopy(module).cpu().float().eval()
    if not can_fold(module):
        return module
    layers = list(module) if isinstance(module, nn.Sequential) else [module]
    first = layers[0]
    if not isinstance(first, Standardize):
        return fold(module, torch.float32)
    mean, scale = first.mean[:, 0], first.scale[:, 0]
    centred = nn.Sequential(Standardize(torch.zeros_like(mean), scale), *layers[1:])
    return nn.Sequential(_Centre(first.mean), fold(centred, torch.float32))
