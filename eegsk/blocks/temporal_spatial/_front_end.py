"""What the front ends share: two orders of the same computation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ..standardize import Standardize
from ._folded import Mixture
from ._signals import Signals
from ._window_statistics import Reach, WindowStatistics, trial_sums, window_statistics


class FrontEnd(nn.Module):
    """Layers that may be computed one by one or, with the same result, factorised.

    Which is cheaper depends on the numbers of electrodes, filters and taps. In training mode,
    trials that need a gradient themselves, as for a saliency map, go layer by layer: factorised,
    the batch statistics do not know that they depend on the trials. So they do as long as one of
    the layers has a hook, be it one that only looks, or one that changes weights or outputs.
    """

    _statistics: torch.Tensor | None = None
    _standardization: tuple[torch.Tensor, torch.Tensor] | tuple[()] = ()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter trials, (n_trials, n_chans, n_times), into (n_trials, n_outputs, ...)."""
        signals = Signals(x, *self._standardization)
        depends = self.training and x.requires_grad
        if depends or self._plain_is_best(x) or any(map(has_hooks, self.children())):
            return self._layer_by_layer(signals.all())
        return self._factorised(signals)

    @property
    def window(self) -> Reach | None:
        """How many samples around its own a filter sees whose outputs are normalised, if any."""
        return None

    def trial_statistics(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the statistics of each trial that training needs, independent of the weights.

        Parameters
        ----------
        x : torch.Tensor of shape (n_trials, n_chans, n_times)
            Trials.

        Returns
        -------
        statistics : torch.Tensor of shape (n_trials, n_statistics)
            For :meth:`using_statistics`.
        """
        return x.new_empty(len(x), 0) if self.window is None else trial_sums(x, self.window)

    @contextmanager
    def using_statistics(
        self, statistics: torch.Tensor, standardize: Standardize | None = None
    ) -> Iterator[None]:
        """Use precomputed statistics of the trials of a batch.

        Parameters
        ----------
        statistics : torch.Tensor of shape (n_trials, n_statistics)
            Result of :meth:`trial_statistics` for the trials of the batch.
        standardize : Standardize or None, default=None
            A layer that the front end applies to the trials; None if they are standardised.
        """
        self._statistics = statistics
        self._standardization = (standardize.mean, standardize.scale) if standardize else ()
        try:
            yield
        finally:
            self._statistics, self._standardization = None, ()

    def _window_statistics(self, signals: Signals) -> WindowStatistics:
        sums = self._statistics
        sums = self.trial_statistics(signals.all()) if sums is None else sums
        return window_statistics(sums, self.window or (0, 0), signals.x.numel())

    @abstractmethod
    def folded(self, mean: torch.Tensor, scale: torch.Tensor) -> nn.Module:
        """Return what the front end is in evaluation mode, standardisation before it included.

        Parameters
        ----------
        mean, scale : torch.Tensor of shape (n_chans,)
            What standardisation subtracts, and what it divides by.

        Returns
        -------
        folded : torch.nn.Module
            A module whose weights no longer depend on the front end's.
        """

    @abstractmethod
    def _plain_is_best(self, x: torch.Tensor) -> bool:
        """Tell whether factorising would save nothing."""

    @abstractmethod
    def _layer_by_layer(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the layers in their order."""

    @abstractmethod
    def _factorised(self, signals: Signals) -> torch.Tensor:
        """Compute the same with less work."""


def has_hooks(layer: nn.Module) -> bool:
    """Check whether a layer has hooks, which run only if the layer does."""
    return bool(
        layer._forward_hooks
        or layer._forward_pre_hooks
        or layer._backward_hooks
        or layer._backward_pre_hooks
    )


def electrodes(weight: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor) -> Mixture:
    """Return mixtures of standardised electrodes as mixtures of electrodes as recorded."""
    weight = weight / scale
    return Mixture(weight, -weight @ mean)
