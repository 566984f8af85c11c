"""Attributions: contributions of samples or frequencies to the outputs of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.base import is_classifier

from .._imports import import_optional
from .._steps import members_of, voting_weights
from ._estimators import NetworkTrials, fitted_network, network_trials, trial_labels
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
        return self._mean(estimator, getattr(estimator, "classes_", None))

    def _mean(self, estimator: Any, classes: Any) -> np.ndarray:
        """Compute the attributions; members of an ensemble need its labels of the classes."""
        members = members_of(estimator)
        if members:
            values = [self._mean(member, classes) for member in members]
            return np.average(values, axis=0, weights=voting_weights(estimator))
        network = fitted_network(estimator, self.caller)
        trials = network_trials(estimator, self.X, self.groups, self.caller)
        trained = TrainedModule(network, trials.X)
        baseline = trained.convert(trials.recorded.double().mean(dim=(0, 2), keepdim=True))
        gradient = self._gradient(trained, baseline)
        product = _PRODUCTS[self.domain]
        length = trained.batch_length(trials.X, self.n_steps)
        means = []
        for index, group in enumerate(self._trials_by_output(network, trials, classes)):
            total = 0.0
            for batch in torch.from_numpy(group).split(length):
                x = trained.convert(trials.recorded[batch])
                filters = None if trials.filters is None else trained.convert(trials.filters[batch])
                values = product(x - baseline, gradient(x, filters, index))
                total = total + to_numpy(values.detach().sum(0))
            means.append(total / len(group))
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

    def _trials_by_output(
        self, network: Any, trials: NetworkTrials, classes: Any
    ) -> list[np.ndarray]:
        """Return the indices of the trials of each class, or of all trials for each target."""
        if not is_classifier(network):
            return [np.arange(len(trials.X))] * network._target.n_outputs
        labels = trial_labels(network, self.X, self.y, trials, classes, self.caller)
        groups = [np.flatnonzero(labels == label) for label in classes]
        for label, group in zip(classes, groups, strict=True):
            if len(group) == 0:
                raise ValueError(
                    f"{self.caller}: there is no trial of class {label}, over which to average; "
                    "pass trials of all classes."
                )
        return groups


def _time_product(signal: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    return signal * gradient


def _frequency_product(signal: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    return spectral_product(torch.fft.rfft(signal), gradient)


_PRODUCTS = {"time": _time_product, "frequency": _frequency_product}
