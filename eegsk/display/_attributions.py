"""Attributions: contributions of samples or frequencies to the outputs of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.base import is_classifier

from .._imports import import_optional
from ._estimators import Network, labels_of_trials, read_networks
from ._gradients import TrainedModule, spectral_product
from ._network import to_numpy

Gradient = Callable[[torch.Tensor, torch.Tensor | None, int], torch.Tensor]


class Attribution(NamedTuple):
    """Mean attributions of an estimator for the trials of each class, or for each target.

    Parameters
    ----------
    caller : str
        Class and method, for the error messages.
    X, y, groups, method, domain, n_steps
        See :meth:`SaliencyDisplay.from_estimator`.
    """

    caller: str
    X: Any
    y: Any
    groups: Any
    method: str
    domain: str
    n_steps: int

    def __call__(self, estimator: Any) -> np.ndarray:
        """Compute the attributions, of shape (n_classes, n_chans, n_times or n_freqs).

        Those of an ensemble are the weighted mean over its members.
        """
        if self.domain not in _PRODUCTS:
            raise ValueError(
                f"{self.caller}: domain={self.domain!r} should be 'time' or 'frequency'."
            )
        networks = read_networks(estimator, self.X, self.groups, self.caller)
        outputs = self._trials_by_output(networks, getattr(estimator, "classes_", None))
        weights = [item.weight for item in networks]
        values = [self._of_network(item, outputs) for item in networks]
        return np.average(values, axis=0, weights=weights)

    def _of_network(self, item: Network, outputs: list[np.ndarray]) -> np.ndarray:
        """Compute the attributions of one network, for the trials of each output."""
        _, channels, filters = item.trials
        trained = TrainedModule(item.network, item.trials.X)
        baseline = trained.convert(channels.double().mean(dim=(0, 2), keepdim=True))
        gradient = self._gradient(trained, baseline)
        product = _PRODUCTS[self.domain]
        length = trained.batch_length(channels, self.n_steps)
        means = []
        for index, members in enumerate(outputs):
            total = 0.0
            for batch in torch.from_numpy(members).split(length):
                x = trained.convert(channels[batch])
                alignment = None if filters is None else trained.convert(filters[batch])
                values = product(x - baseline, gradient(x, alignment, index))
                total = total + to_numpy(values.detach().sum(0))
            means.append(total / len(members))
        return np.array(means)

    def _gradient(self, trained: TrainedModule, baseline: torch.Tensor) -> Gradient:
        """Return a function of trials, their spatial filters and the index of an output."""

        def contrast(x: torch.Tensor, filters: torch.Tensor | None, index: int) -> torch.Tensor:
            return trained.contrast(trained(x if filters is None else filters @ x), index)

        def gradient(x: torch.Tensor, filters: torch.Tensor | None, index: int) -> torch.Tensor:
            x = x.requires_grad_()
            return torch.autograd.grad(contrast(x, filters, index).sum(), x)[0]

        if self.method == "gradient_x_input":
            return gradient
        if self.method != "integrated_gradients":
            raise ValueError(
                f"{self.caller}: method={self.method!r} should be 'gradient_x_input' or "
                "'integrated_gradients'."
            )
        reason = f"{self.caller} with method={self.method!r}"
        captum = import_optional("captum.attr", "interpret", reason)

        def mean_gradient(
            x: torch.Tensor, filters: torch.Tensor | None, index: int
        ) -> torch.Tensor:
            return captum.IntegratedGradients(contrast, multiply_by_inputs=False).attribute(
                x,
                baselines=baseline.expand_as(x),
                additional_forward_args=(filters, index),
                n_steps=self.n_steps,
            )

        return mean_gradient

    def _trials_by_output(self, networks: list[Network], classes: Any) -> list[np.ndarray]:
        """Return the indices of the trials of each class, or of all trials for each target."""
        first = networks[0]
        if not is_classifier(first.network):
            return [np.arange(len(first.trials.X))] * first.network._target.n_outputs
        labels = labels_of_trials(networks, self.X, self.y, classes, self.caller)
        outputs = [np.flatnonzero(labels == label) for label in classes]
        for label, members in zip(classes, outputs, strict=True):
            if len(members) == 0:
                raise ValueError(
                    f"{self.caller}: there is no trial of class {label}, over which to average; "
                    "pass trials of all classes."
                )
        return outputs


def _time_product(signal: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    return signal * gradient


def _frequency_product(signal: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    return spectral_product(torch.fft.rfft(signal), gradient)


_PRODUCTS = {"time": _time_product, "frequency": _frequency_product}
