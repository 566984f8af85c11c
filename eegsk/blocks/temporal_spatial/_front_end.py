"""Base class of the front ends, which choose the faster of two orders of computation.

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

# Number of values of the filtered signals below which a GPU computes them layer by layer.
_SMALL_ON_GPU = 2**22


class FrontEnd(nn.Module):
    """Base class of front ends, computed layer by layer or, with the same result, factorised.

    The faster order depends on the device and the numbers of channels, filters and taps. There are
    two other cases in which a front end is always computed layer by layer. If a layer has hooks,
    they must run, and hooks run only when the layer is called. If the trials need a gradient in
    training mode, e.g. for a saliency map, the factorised batch statistics cannot be used, because
    they are not differentiated with respect to the trials.
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
        """Yield the layers of the front end, without the front end itself."""
        return (layer for child in self.children() for layer in child.modules())

    @property
    def window(self) -> Reach | None:
        """Number of samples that a temporal filter covers before and after the current one.

        None if the temporal filters are not batch-normalised; training then needs no statistics of
        the trials.
        """
        return None

    def trial_statistics(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the statistics of each trial for training, which do not depend on the weights.

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
        """Use precomputed statistics for the trials of a batch within a context.

        Parameters
        ----------
        statistics : torch.Tensor of shape (n_trials, n_statistics)
            The result of :meth:`trial_statistics` for these trials.
        standardize : Standardize or None, default=None
            Layer whose standardisation the front end includes: it receives trials that are not
            standardised, and computes the same as if this layer had standardised them. None if the
            trials are standardised already.
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
            Mean and scale of the standardisation.

        Returns
        -------
        folded : torch.nn.Module
            A module with copies of the weights, so that later changes of the front end do not
            affect it.
        """

    @abstractmethod
    def _plain_is_cheaper(self, x: torch.Tensor) -> bool:
        """Return whether computing layer by layer is faster for trials of this shape."""

    @abstractmethod
    def _layer_by_layer(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the output for standardised trials layer by layer."""

    @abstractmethod
    def _factorised(self, signals: Signals) -> torch.Tensor:
        """Compute the same output with the channels mixed first."""


def is_small_on_gpu(x: torch.Tensor, n_filters: int) -> bool:
    """Return whether starting the operations of a GPU takes longer than computing small trials.

    The factorised order has more operations, but fewer multiplications. On an H200, a training step
    of EEGNeX with 64 trials of 3 x 1000 took 4.9 ms layer by layer, and 11.7 ms factorised.
    """
    return x.device.type != "cpu" and n_filters * x.numel() < _SMALL_ON_GPU


def has_hooks(layer: nn.Module) -> bool:
    """Return whether a layer has hooks, which run only when the layer is called."""
    return bool(
        layer._forward_hooks
        or layer._forward_pre_hooks
        or layer._backward_hooks
        or layer._backward_pre_hooks
    )
