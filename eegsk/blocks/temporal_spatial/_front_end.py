"""Base class of the front ends, which choose between two orders of computation.

Equations are those of docs/user_guide/front_end.md.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ..standardize import Standardize
from ._signals import Signals
from ._window_statistics import Reach, WindowStatistics, trial_sums, window_statistics


class FrontEnd(nn.Module):
    """Base class of layers that are computed one by one or, with the same result, factorised.

    The cheaper order depends on the numbers of channels, filters and taps. Layers are always
    computed one by one if a layer has a hook, because hooks run only if the layer does, and if the
    trials need a gradient in training mode, e.g. for a saliency map, because the factorised batch
    statistics are not differentiated with respect to the trials.
    """

    n_added: int = 0  # number of samples by which the output is longer than the input

    _statistics: torch.Tensor | None = None
    _standardization: tuple[torch.Tensor, torch.Tensor] | tuple[()] = ()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter trials of shape (n_trials, n_chans, n_times)."""
        signals = Signals(x, *self._standardization)
        needs_gradient = self.training and x.requires_grad
        if needs_gradient or self._plain_is_cheaper(x) or any(map(has_hooks, self._layers())):
            return self._layer_by_layer(signals.standardized())
        return self._factorised(signals)

    def _layers(self) -> Iterator[nn.Module]:
        """Return the layers, but for the front end itself."""
        return (layer for child in self.children() for layer in child.modules())

    @property
    def window(self) -> Reach | None:
        """Number of samples that a temporal filter sees before and after the current one.

        None if no batch normalisation follows the temporal filters directly; training then needs no
        statistics of the trials.
        """
        return None

    def trial_statistics(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the statistics of trials that training needs, whatever the weights are.

        Parameters
        ----------
        x : torch.Tensor of shape (n_trials, n_chans, n_times)
            Standardised trials.

        Returns
        -------
        statistics : torch.Tensor of shape (n_trials, n_statistics)
            The argument of :meth:`using_statistics`. ``n_statistics`` is zero if the front end
            needs none.
        """
        if self.window is None:
            return x.new_empty(len(x), 0)
        return trial_sums(x, self.window, self.n_added)

    @contextmanager
    def using_statistics(
        self, statistics: torch.Tensor, standardize: Standardize | None = None
    ) -> Iterator[None]:
        """Within this context, use precomputed statistics for the trials of a batch.

        Parameters
        ----------
        statistics : torch.Tensor of shape (n_trials, n_statistics)
            The result of :meth:`trial_statistics` for these trials.
        standardize : Standardize or None, default=None
            If given, the front end receives trials that are not standardised yet, and computes the
            same as if this layer had standardised them.
        """
        self._statistics = statistics
        self._standardization = (standardize.mean, standardize.scale) if standardize else ()
        try:
            yield
        finally:
            self._statistics, self._standardization = None, ()

    def _window_statistics(self, signals: Signals) -> WindowStatistics:
        sums = self._statistics
        if sums is None:
            sums = self.trial_statistics(signals.standardized())
        return window_statistics(sums, self.window or (0, 0), self._n_values(signals.x))

    def _n_values(self, x: torch.Tensor) -> int:
        """Return the number of values of a filtered signal, ``n`` of Eq. (6)."""
        n_trials, n_chans, n_times = x.shape
        return n_trials * n_chans * (n_times + self.n_added)

    def temporal_filters(self) -> torch.Tensor:
        """Return the temporal filters, of shape (n_filters, n_taps).

        Two stages of filters are composed to one, with their normalisation in evaluation mode.
        """
        return self.temporal.weight.flatten(1)  # type: ignore[union-attr,operator]

    @abstractmethod
    def folded(self, mean: torch.Tensor, scale: torch.Tensor) -> nn.Module:
        """Return the front end in evaluation mode, with the standardisation before it, folded.

        Parameters
        ----------
        mean, scale : torch.Tensor of shape (n_chans,)
            Mean and scale that standardisation uses.

        Returns
        -------
        folded : torch.nn.Module
            A module with copies of the weights: later changes of the front end do not affect it.
        """

    @abstractmethod
    def _plain_is_cheaper(self, x: torch.Tensor) -> bool:
        """Compare the costs of the two orders for trials of this shape."""

    @abstractmethod
    def _layer_by_layer(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the layers one by one, for standardised trials."""

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
