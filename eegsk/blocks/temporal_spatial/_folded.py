"""A front end whose weights do not change any more.

Weights are plain attributes, which are found sooner than buffers.
"""

from __future__ import annotations

import torch
from torch import nn

from .._convolve import mix


class Mixture(nn.Module):
    """Mix signals, and add constants.

    Parameters
    ----------
    weight : torch.Tensor of shape (n_outputs, n_signals)
        The mixtures.
    constant : torch.Tensor of shape (n_outputs,)
        What is added to them.
    """

    def __init__(self, weight: torch.Tensor, constant: torch.Tensor) -> None:
        super().__init__()
        self.weight, self.constant = weight, constant

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Mix signals of shape (n_trials, n_signals, n_times)."""
        return mix(x, self.weight, self.constant)


class Folded(nn.Module):
    """Mixtures of electrodes, filters over time, and constants: all that is left of a front end.

    Parameters
    ----------
    mixture : Mixture
        Of electrodes as they were recorded.
    filters : torch.nn.Module
        Filters over time of the mixtures.
    constant : torch.Tensor of shape (n_outputs,)
        What is added to their outputs.
    """

    def __init__(self, mixture: Mixture, filters: nn.Module, constant: torch.Tensor) -> None:
        super().__init__()
        self.mixture = mixture
        self.filters = filters
        self.constant = constant[:, None]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter trials, (n_trials, n_chans, n_times), into (n_trials, n_outputs, n_times)."""
        return self.filters(self.mixture(x)) + self.constant
