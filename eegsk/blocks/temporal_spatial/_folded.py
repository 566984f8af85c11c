"""A front end whose weights do not change any more."""

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

    weight: torch.Tensor
    constant: torch.Tensor

    def __init__(self, weight: torch.Tensor, constant: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("constant", constant)

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
        Filters over time of signals (n_trials, n_filters, depth, n_times).
    n_filters : int
        Their number.
    constant : torch.Tensor of shape (n_outputs,)
        What is added to their outputs.
    """

    constant: torch.Tensor

    def __init__(
        self, mixture: Mixture, filters: nn.Module, n_filters: int, constant: torch.Tensor
    ) -> None:
        super().__init__()
        self.mixture = mixture
        self.filters = filters
        self.register_buffer("constant", constant.view(n_filters, -1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter trials, (n_trials, n_chans, n_times), into (n_trials, n_outputs, n_times)."""
        sources = self.mixture(x).unflatten(1, self.constant.shape[:2])
        output = torch.empty_like(sources, memory_format=torch.contiguous_format)
        return torch.add(self.filters(sources), self.constant, out=output).flatten(1, 2)
