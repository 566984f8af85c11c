"""Trials as a front end sees them: standardised, be it only in thought."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .._convolve import mix


@dataclass(frozen=True, eq=False)
class Signals:
    """Trials of which only what is needed is standardised.

    Parameters
    ----------
    x : torch.Tensor of shape (n_trials, n_chans, n_times)
        Trials.
    mean, scale : torch.Tensor of shape (n_chans, 1) or None, default=None
        What is to be subtracted from them, and what they are to be divided by.
    """

    x: torch.Tensor
    mean: torch.Tensor | None = None
    scale: torch.Tensor | None = None

    def all(self) -> torch.Tensor:
        """Return the standardised trials."""
        return self._standardized(self.x)

    def first(self, n_times: int) -> torch.Tensor:
        """Return the first standardised samples, or all there are."""
        return self._standardized(self.x[..., :n_times])

    def last(self, n_times: int) -> torch.Tensor:
        """Return the last standardised samples, or all there are."""
        return self._standardized(self.x[..., max(self.x.shape[-1] - n_times, 0) :])

    def mixed(self, mixing: torch.Tensor) -> torch.Tensor:
        """Return mixtures, (n_outputs, n_chans), of the standardised electrodes."""
        if self.mean is None or self.scale is None:
            return mix(self.x, mixing)
        mixing = mixing / self.scale.T
        return mix(self.x, mixing, -(mixing @ self.mean))

    def _standardized(self, x: torch.Tensor) -> torch.Tensor:
        if self.mean is None or self.scale is None:
            return x
        return (x - self.mean).div_(self.scale)
