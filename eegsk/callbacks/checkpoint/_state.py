"""The complete state of training after an epoch, as tensors and plain data."""

from __future__ import annotations

import random
from typing import Any, cast

import numpy as np
import torch

from ...training import load_net_state, net_state


def capture(net: Any, exclude: Any) -> dict[str, Any]:
    """Return the state of a net, its callbacks and transforms, and the random generators.

    Parameters
    ----------
    net : skorch.NeuralNet
        A net that is being trained.
    exclude : skorch.callbacks.Callback
        A callback to leave out.

    Returns
    -------
    state : dict
        Tensors and plain data, which ``torch.load(..., weights_only=True)`` accepts.

    Raises
    ------
    TypeError
        If a ``state_dict``, or the history, contains other objects.
    """
    try:
        state = net_state(net, exclude)
    except TypeError as error:
        raise TypeError(f"Checkpoint: {error}") from error
    return {**state, "generators": _generator_states(torch.device(net.device))}


def restore(net: Any, state: dict[str, Any], exclude: Any) -> None:
    """Restore a captured state in a net that is at the beginning of the same training.

    Parameters
    ----------
    net : skorch.NeuralNet
        The net.
    state : dict
        The return value of :func:`capture`.
    exclude : skorch.callbacks.Callback
        The callback that was left out.
    """
    load_net_state(net, state, exclude)
    _restore_generators(torch.device(net.device), state["generators"])


def _generator_states(device: torch.device) -> dict[str, Any]:
    """Return the states of the random generators that training uses."""
    name, key, *rest = cast("tuple[Any, ...]", np.random.get_state())  # noqa: NPY002
    states = {
        "torch": torch.get_rng_state(),
        "numpy": (name, key.tolist(), *rest),
        "random": random.getstate(),
    }
    if device.type != "cpu":
        states["device"] = torch.get_device_module(device).get_rng_state(*_index_of(device))
    return states


def _restore_generators(device: torch.device, states: dict[str, Any]) -> None:
    torch.set_rng_state(states["torch"].cpu())
    np.random.set_state(states["numpy"])  # noqa: NPY002
    random.setstate(states["random"])
    if device.type != "cpu":
        module = torch.get_device_module(device)
        module.set_rng_state(states["device"].cpu(), *_index_of(device))


def _index_of(device: torch.device) -> list[torch.device]:
    return [device] if device.type == "cuda" else []  # MPS has only one device
