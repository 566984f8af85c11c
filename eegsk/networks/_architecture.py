"""What every network is: fields, and a method that builds a module from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from .._fields import Fields
from ..signals import Signal

# The longest window tried when looking for the shortest one that fits a network.
_LONGEST = 2**15


class Architecture(Fields, ABC):
    """A network described by its fields."""

    @abstractmethod
    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Build the network for a signal.

        Parameters
        ----------
        signal : Signal
            What the trials are like.
        n_outputs : int
            Number of classes or of regression targets.

        Returns
        -------
        module : torch.nn.Module
            Maps standardised trials, a tensor of shape (n_trials, n_chans, n_times), to logits
            or predictions of shape (n_trials, n_outputs).
        """


@torch.no_grad()
def n_features(trunk: nn.Module, signal: Signal) -> int:
    """Count the values that a trunk makes of one trial, by sending one through it."""
    training = trunk.training
    features = trunk.eval()(torch.zeros(1, signal.n_chans, signal.n_times))
    trunk.train(training)
    return features[0].numel()


def build_network(
    build: Callable[[Signal, int], nn.Module], signal: Signal, n_outputs: int, name: str
) -> nn.Module:
    """Build a network and see that it maps such trials to as many outputs as asked for.

    Parameters
    ----------
    build : callable
        ``build(signal, n_outputs)`` returns the module.
    signal : Signal
        What the trials are like.
    n_outputs : int
        Number of classes or of regression targets.
    name : str
        Who is building, for the error messages.

    Returns
    -------
    module : torch.nn.Module
        The network, on the CPU.

    Raises
    ------
    ValueError
        If the trials are too short for the network (the message has the shortest length that
        fits), or if its output has another shape than ``(n_trials, n_outputs)``.
    """
    try:
        module = build(signal, n_outputs)
        output = _probe(module, signal)
    except RuntimeError as error:
        shortest = _shortest(build, signal, n_outputs)
        if shortest is None:
            raise
        raise ValueError(
            f"{name}: trials of {signal.n_times} times are too short for this network, which "
            f"needs at least {shortest}; take longer windows, or smaller pools and kernels."
        ) from error
    if output.shape != (2, n_outputs):
        raise ValueError(
            f"{name}: the network returned shape {tuple(output.shape)} for 2 trials; it should "
            f"return (n_trials, n_outputs) = (2, {n_outputs})."
        )
    return module


@torch.no_grad()
def _probe(module: nn.Module, signal: Signal) -> torch.Tensor:
    if not isinstance(module, nn.Module):
        raise TypeError(f"The network is a {type(module).__name__}; it should be a torch module.")
    output = module.eval()(torch.zeros(2, signal.n_chans, signal.n_times))
    if not isinstance(output, torch.Tensor):
        raise TypeError(f"The network returns a {type(output).__name__}; it should return logits.")
    return output


def _shortest(
    build: Callable[[Signal, int], nn.Module], signal: Signal, n_outputs: int
) -> int | None:
    """Return the shortest length that the network takes, None if length is not what ails it."""

    def fits(n_times: int) -> bool:
        longer = replace(signal, n_times=n_times)
        try:
            _probe(build(longer, n_outputs), longer)
        except RuntimeError:
            return False
        return True

    n_times = 2 * signal.n_times
    while not fits(n_times):
        if n_times > _LONGEST:
            return None
        n_times *= 2
    lengths = range(n_times // 2 + 1, n_times + 1)
    return lengths[bisect_left(lengths, True, key=fits)]
