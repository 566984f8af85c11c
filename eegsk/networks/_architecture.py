"""Base class of the networks, and checks of the modules that they build."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from .._fields import Activation, Fields
from ..blocks import make_activation
from ..signals import Signal

# Length in time points up to which the minimum length of trials for a network is searched, and
# CPU time in seconds after which the search is given up.
_MAX_N_TIMES, _MAX_SECONDS = 2**15, 10.0


class Architecture(Fields, ABC):
    """Base class of the networks: hyper-parameters, and a method that builds a torch module."""

    @abstractmethod
    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Build the network for a signal.

        Parameters
        ----------
        signal : Signal
            Channels, length and sampling rate of the trials.
        n_outputs : int
            Number of classes or of regression targets.

        Returns
        -------
        module : torch.nn.Module
            Module that maps standardised trials, a tensor of shape (n_trials, n_chans, n_times),
            to logits or predictions of shape (n_trials, n_outputs).
        """


class ActivationNetwork(Architecture):
    """Base class of the networks with an activation that can be chosen.

    Parameters
    ----------
    activation : str or callable, default="elu"
        Name of a torch activation, or a callable that returns one, e.g. ``torch.nn.ELU``.
    activation_params : dict or None, default=None
        Arguments of ``activation`` by their names in torch, e.g. ``{"alpha": 0.5}`` for ELU, or
        ``{"negative_slope": 0.2}`` for leaky ReLU. In a grid search, they are set as
        ``activation_params__alpha``.
    """

    if TYPE_CHECKING:  # fields that each network declares among its other fields
        activation: Activation = "elu"
        activation_params: dict[str, Any] | None = None

    def _make_activation(self) -> nn.Module:
        """Create an activation layer."""
        return make_activation(self.activation, self.activation_params)


@torch.no_grad()
def n_features(trunk: nn.Module, signal: Signal) -> int:
    """Return the number of features of a trial at the end of the trunk, i.e. before the head."""
    training = trunk.training
    features = trunk.eval()(torch.zeros(1, signal.n_chans, signal.n_times))
    trunk.train(training)
    return features[0].numel()


def build_network(
    build: Callable[[Signal, int], nn.Module], signal: Signal, n_outputs: int, name: str
) -> nn.Module:
    """Build a network and check the shape of its output.

    Parameters
    ----------
    build : callable
        ``build(signal, n_outputs)`` returns the module.
    signal : Signal
        Channels, length and sampling rate of the trials.
    n_outputs : int
        Number of classes or of regression targets.
    name : str
        Name of the estimator, for the error messages.

    Returns
    -------
    module : torch.nn.Module
        The network, on the CPU.

    Raises
    ------
    TypeError
        If ``build`` does not return a torch module, or the module does not return a tensor.
    ValueError
        If the trials are too short for the network (the message contains the minimum length, if it
        is found quickly), or if the output does not have the shape ``(n_trials, n_outputs)``.
    """
    try:
        module = build(signal, n_outputs)
        output = _apply_to_zeros(module, signal, name)
    except RuntimeError as error:
        try:
            n_times = _min_n_times(build, signal, n_outputs)
        except TimeoutError:
            raise ValueError(
                f"{name}: trials of {signal.n_times} time points are too short for this network; "
                "use much longer trials, or shorter filters and pools."
            ) from error
        if n_times is None:
            raise
        raise ValueError(
            f"{name}: trials of {signal.n_times} time points are too short for this network, "
            f"which needs at least {n_times}; use longer trials, or shorter filters and pools."
        ) from error
    if output.shape != (2, n_outputs):
        raise ValueError(
            f"{name}: the network returned shape {tuple(output.shape)} for 2 trials; it should "
            f"return (n_trials, n_outputs) = (2, {n_outputs})."
        )
    return module


@torch.no_grad()
def _apply_to_zeros(module: nn.Module, signal: Signal, name: str) -> torch.Tensor:
    """Return the output of a network for two trials of zeros."""
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"{name}: the network is a {type(module).__name__}; it should be a torch.nn.Module."
        )
    output = module.eval()(torch.zeros(2, signal.n_chans, signal.n_times))
    if not isinstance(output, torch.Tensor):
        raise TypeError(
            f"{name}: the network returns a {type(output).__name__}; it should return a tensor of "
            "shape (n_trials, n_outputs)."
        )
    return output


def _min_n_times(
    build: Callable[[Signal, int], nn.Module], signal: Signal, n_outputs: int
) -> int | None:
    """Return the minimum length of trials for a network, None if longer trials do not help.

    Raise a TimeoutError if the search takes too long.
    """
    end = time.process_time() + _MAX_SECONDS

    def is_long_enough(n_times: int) -> bool:
        if time.process_time() > end:
            raise TimeoutError
        longer = replace(signal, n_times=n_times)
        try:
            _apply_to_zeros(build(longer, n_outputs), longer, "")
        except RuntimeError:
            return False
        return True

    # Double the length until it is sufficient, then find the shortest sufficient one by bisection.
    n_times = 2 * signal.n_times
    while not is_long_enough(n_times):
        if n_times > _MAX_N_TIMES:
            return None
        n_times *= 2
    lengths = range(n_times // 2 + 1, n_times + 1)
    return lengths[bisect_left(lengths, True, key=is_long_enough)]
