"""Trials that are standardised on demand."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .._convolve import mix


@dataclass(frozen=True, eq=False)
class Signals:
    """Trials that are standardised on demand.

    Parameters
    ----------
    x : torch.Tensor of shape (n_trials, n_chans, n_times)
        Trials.
    mean, scale : torch.Tensor of shape (n_chans, 1) or None, default=None
        Mean and scale of each channel; None if the trials are standardised already.
    """

    x: torch.Tensor
    mean: torch.Tensor | None = None
    scale: torch.Tensor | None = None

    def standardized(self) -> torch.Tensor:
        """Return the standardised trials."""
        return self._standardize(self.x)

    def first(self, n_times: int) -> torch.Tensor:
        """Return the first standardised samples, or all if there are fewer."""
        return self._standardize(self.x[..., :n_times])

    def last(self, n_times: int) -> torch.Tensor:
        """Return the last standardised samples, or all if there are fewer."""
        return self._standardize(self.x[..., max(self.x.shape[-1] - n_times, 0) :])

    def mixed(self, mixing: torch.Tensor) -> torch.Tensor:
        """Return mixtures of the standardised channels, for weights (n_outputs, n_chans).

        The trials themselves are not standardised, Eq. (26) of docs/user_guide/front_end.md.
        """
        if self.mean is None or self.scale is None:
            return mix(self.x, mixing)
        mixing = mixing / self.scale.T
        return mix(self.x, mixing, -(mixing @ self.mean))

    def _standardize(self, x: torch.Tensor) -> torch.Tensor:
        if self.mean is None or self.scale is None:
            return x
        return (x - self.mean).div_(self.scale)
