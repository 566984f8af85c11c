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

    _sums: torch.Tensor | None = None
    _to_standardize: tuple[torch.Tensor, torch.Tensor] | tuple[()] = ()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter trials, (n_trials, n_chans, n_times), into (n_trials, n_outputs, ...)."""
        signals = Signals(x, *self._to_standardize)
        depends = self.training and x.requires_grad
        if depends or self._plain_is_best(x) or any(map(is_watched, self._layers())):
            return self._layer_by_layer(signals.all())
        return self._factorised(signals)

    def _layers(self) -> Iterator[nn.Module]:
        """Return the layers, but for the front end itself."""
        return (layer for child in self.children() for layer in child.modules())

    @property
    def window(self) -> Reach | None:
        """How many samples around its own a filter sees whose outputs are normalised, if any."""
        return None

    def summarize(self, x: torch.Tensor) -> torch.Tensor:
        """Sum up what training needs of trials in each epoch, whatever the weights are.

        Parameters
        ----------
        x : torch.Tensor of shape (n_trials, n_chans, n_times)
            Trials.

        Returns
        -------
        sums : torch.Tensor of shape (n_trials, n_sums)
            For :meth:`recalling`.
        """
        return x.new_empty(len(x), 0) if self.window is None else trial_sums(x, self.window)

    @contextmanager
    def recalling(
        self, sums: torch.Tensor, standardize: Standardize | None = None
    ) -> Iterator[None]:
        """Spare the front end work on the trials of a batch that is known.

        Parameters
        ----------
        sums : torch.Tensor of shape (n_trials, n_sums)
            What :meth:`summarize` returned of the trials.
        standardize : Standardize or None, default=None
            A layer that has not been applied to them, which the front end is to make up for.
        """
        self._sums = sums
        self._to_standardize = (standardize.mean, standardize.scale) if standardize else ()
        try:
            yield
        finally:
            self._sums, self._to_standardize = None, ()

    def _window_statistics(self, signals: Signals) -> WindowStatistics:
        sums = self.summarize(signals.all()) if self._sums is None else self._sums
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


def is_watched(layer: nn.Module) -> bool:
    """Tell whether a layer has hooks, which are called only if the layer is."""
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
