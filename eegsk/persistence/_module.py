"""The module of a stored estimator: built from its parameters, with the weights of the file."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..blocks import set_batch_norm
from ..networks import build_network
from ..training import empty_standardizer

Weights = Mapping[str, torch.Tensor]

# Calls of functions of torch with which a network can be built: in all, and for each tensor. They
# end the construction of a network whose parameters, e.g. its number of layers, are not those of
# its weights.
_MAX_CALLS, _MAX_CALLS_PER_TENSOR = 1_000, 200


def build_module(estimator: Any, weights: Weights) -> nn.Module:
    """Build the module of an estimator, and load its weights.

    A network of eegsk is built on torch's device "meta", where tensors have shapes, but no memory.
    Its weights are then the tensors of the file. The memory is thus that of the file, for all
    parameters that a file can contain.

    Parameters
    ----------
    estimator : EEGEstimator
        The estimator, with its signal and target.
    weights : dict of torch.Tensor
        State dict of the module.

    Returns
    -------
    module : torch.nn.Module
        Standardisation, then the network, on the CPU.

    Raises
    ------
    ValueError
        If the module has other weights, or weights of other shapes.
    """
    if hasattr(estimator, "network"):
        return _build_custom(estimator, weights)
    limit = _CallLimit(_MAX_CALLS + _MAX_CALLS_PER_TENSOR * len(weights))
    # The limit may be reached where torch.no_grad ends, so gradients are enabled again outside.
    with torch.set_grad_enabled(torch.is_grad_enabled()), torch.device("meta"), limit:
        network = estimator.build(estimator.signal_, estimator._target.n_outputs)
        module = _add_standardizer(estimator, network, weights)
    _check_weights(module, weights, is_custom=False)
    module.load_state_dict(weights, assign=True)
    return module


def _build_custom(estimator: Any, weights: Weights) -> nn.Module:
    """Build the module of an estimator with a network that was passed."""
    name, n_outputs = type(estimator).__name__, estimator._target.n_outputs
    with torch.random.fork_rng(devices=[]):
        network = build_network(estimator.build, estimator.signal_, n_outputs, name)
    module = _add_standardizer(estimator, network, weights)
    _check_weights(module, weights, is_custom=True)
    module.load_state_dict(weights)
    return module


def _add_standardizer(estimator: Any, network: nn.Module, weights: Weights) -> nn.Module:
    """Return the module: a layer of standardisation, then the network."""
    n_weights = weights["standardize.weight"].shape[-1] if "standardize.weight" in weights else 1
    layer = empty_standardizer(estimator.standardize, estimator.signal_.n_chans, n_weights)
    set_batch_norm(network, estimator.norm_eps, estimator.norm_momentum)
    return nn.Sequential(OrderedDict(standardize=layer, network=network))


def _check_weights(module: nn.Module, weights: Weights, is_custom: bool) -> None:
    """Check the names and shapes of the weights; of a custom network also their types."""
    expected = module.state_dict()
    whose = "the network that was passed" if is_custom else "the network with these parameters"
    names = sorted(expected.keys() ^ weights.keys())
    if names:
        has, lacks = ("it", whose) if names[0] in weights else (whose, "it")
        raise ValueError(f"{has} has the weights {names[0]!r}, but {lacks} has not")
    for name, tensor in expected.items():
        description, stored = _describe(tensor, is_custom), _describe(weights[name], is_custom)
        if description != stored:
            raise ValueError(f"{name!r} has {stored} in the file, but {description} in {whose}")


def _describe(tensor: torch.Tensor, with_type: bool) -> str:
    dtype = f" and type {str(tensor.dtype).removeprefix('torch.')}" if with_type else ""
    return f"shape {tuple(tensor.shape)}{dtype}"


class _CallLimit(TorchFunctionMode):
    """Context in which the number of calls of torch functions is limited, in this thread."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.n_left = limit

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.n_left -= 1
        if self.n_left < 0:
            raise ValueError("its network needs more layers than the file has weights for")
        return func(*args, **(kwargs or {}))
