"""Assignment of weights from elsewhere to the layers of a network, all of them or none."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ..networks import (
    CompactCNN,
    DeepConvNet,
    EEGNet,
    EEGNeX,
    EEGNeXMini,
    ShallowConvNet,
)
from ._sources import braindecode_layers, current_name, plain_layers

Tensors = dict[str, torch.Tensor]
Layers = dict[str, Tensors]

# Networks whose layers form one sequence, so that weights can be matched in order.
_SEQUENCES = (EEGNet, EEGNeX, EEGNeXMini, DeepConvNet, ShallowConvNet, CompactCNN)
_PARAMETRIZATION = ".parametrizations.weight.original"
_CONSTRAINED = "constrained weight"
_COUNTER = "num_batches_tracked"
_BRAINDECODE = "braindecode"


def match_weights(
    weights: Mapping[str, torch.Tensor],
    network: nn.Module,
    architecture: Any,
    is_ordered: bool = True,
) -> Tensors:
    """Return a state dict of a network with weights from elsewhere.

    Weights with the names of the network are taken as they are. Otherwise, the layers of
    braindecode's networks and of plain networks are recognised by their names, and those of other
    networks are matched in order. Shapes are compared in every case. Biases that the weights do not
    have are zero.

    Parameters
    ----------
    weights : mapping of str to torch.Tensor
        State dict of a module.
    network : torch.nn.Module
        The network without standardisation. It is not changed.
    architecture : Architecture
        The fields that the network was built from.
    is_ordered : bool, default=True
        Whether the weights are in the order of the layers.

    Returns
    -------
    state : dict of str to torch.Tensor
        The new state dict.

    Raises
    ------
    ValueError
        If weights do not fit; the message contains every mismatch.

    Examples
    --------
    >>> from torch import nn
    >>> from eegsk import Signal
    >>> from eegsk.networks import ShallowConvNet
    >>> from eegsk.weights import match_weights
    >>> architecture = ShallowConvNet()
    >>> network = architecture.build(Signal(n_chans=2, n_times=500), n_outputs=2)
    >>> list(match_weights(network.state_dict(), network, architecture))[-1]
    'head.bias'
    """
    name = type(architecture).__name__
    state = network.state_dict()
    names = {key for key in state if not key.endswith(_COUNTER)}
    if names <= set(weights) <= set(state) or not isinstance(architecture, _SEQUENCES):
        matched, problems = _match_names(weights, state)
    else:
        source, layers = _order(_group(weights), architecture, is_ordered)
        problems = _requirements(source, layers, architecture)
        matched, mismatches = _match_layers(layers, network)
        problems += mismatches
    problems += [
        f"{key} is not finite" for key, tensor in matched.items() if not tensor.isfinite().all()
    ]
    if problems:
        raise ValueError(
            f"{name}: load_weights: the weights do not fit the network, and none was loaded: "
            f"{'; '.join(problems)}."
        )
    return {**state, **matched}


def _match_names(weights: Mapping[str, torch.Tensor], state: Tensors) -> tuple[Tensors, list[str]]:
    """Match weights by the names of the network."""
    missing = [key for key in state if key not in weights and not key.endswith(_COUNTER)]
    problems = [f"{key} is missing" for key in missing]
    problems += [f"{key} is not in the network" for key in weights if key not in state]
    common = {key: tensor for key, tensor in weights.items() if key in state}
    problems += [
        f"{key} has shape {tuple(tensor.shape)}, not {tuple(state[key].shape)}"
        for key, tensor in common.items()
        if tensor.shape != state[key].shape
    ]
    return common, problems


def _group(weights: Mapping[str, torch.Tensor]) -> Layers:
    """Group tensors by layer, without counters of batches."""
    layers: Layers = {}
    for key, tensor in weights.items():
        key = key.removeprefix("module.")  # of torch.nn.DataParallel
        layer, _, attribute = key.rpartition(".")
        if key.endswith(_PARAMETRIZATION):
            layer, attribute = key.removesuffix(_PARAMETRIZATION), _CONSTRAINED
        if attribute != _COUNTER:
            layers.setdefault(current_name(layer), {})[attribute] = tensor
    return layers


def _order(layers: Layers, architecture: Any, is_ordered: bool) -> tuple[str, Layers]:
    """Return the source of the weights, and the layers in the order of the network."""
    network = next(base.__name__ for base in _SEQUENCES if isinstance(architecture, base))
    names = list(layers)
    ordered = braindecode_layers(network, names)
    if ordered is not None:
        return _BRAINDECODE, {layer: layers[layer] for layer in ordered}
    ordered = plain_layers(names)
    if ordered is not None:
        return "plain", {layer: layers[layer] for layer in ordered}
    if not is_ordered:
        raise ValueError(
            f"{type(architecture).__name__}: load_weights: the names of the layers "
            f"({', '.join(names[:3])}, ...) are unknown, and a .safetensors file does not keep "
            "their order; pass the state dict of the module instead."
        )
    warnings.warn(
        f"{type(architecture).__name__}: load_weights: the names of the layers "
        f"({', '.join(names[:3])}, ...) are unknown, so the weights were matched in order; compare "
        "the outputs for some trials with those of the original network.",
        stacklevel=5,
    )
    return "unknown", layers


def _requirements(source: str, layers: Layers, architecture: Any) -> list[str]:
    """List parameters that a state dict does not contain, and that have another value there."""
    problems = []
    if not isinstance(architecture, EEGNet):
        return problems
    kernels = {
        name: getattr(architecture, name)
        for name in ("kernel", "second_kernel")
        if getattr(architecture, name) % 2 == 0
    }
    if source == _BRAINDECODE and kernels and architecture.padding == "same":
        even = ", ".join(f"{name}={kernel}" for name, kernel in kernels.items())
        problems.append(
            f"padding='same' differs from braindecode's zeros on both sides for kernels of even "
            f"length ({even}), which changes the outputs; set padding='symmetric'"
        )
    if source == _BRAINDECODE and getattr(architecture, "norm_eps", 1.0) is None:
        problems.append(
            "norm_eps=None differs from braindecode's batch_norm_eps, whose default is 1e-3; set "
            "norm_eps=1e-3, or the value that was used"
        )
    if source == "plain" and kernels and architecture.padding == "same":
        warnings.warn(
            f"{type(architecture).__name__}: load_weights: the weights do not contain the padding "
            "of kernels of even length; if the original network pads kernel // 2 zeros on both "
            "sides, set padding='symmetric'.",
            stacklevel=5,
        )
    return problems


def _match_layers(layers: Layers, network: nn.Module) -> tuple[Tensors, list[str]]:
    """Match layers in order."""
    targets = _group(network.state_dict())
    matched: Tensors = {}
    problems: list[str] = []
    if len(layers) != len(targets):
        problems.append(
            f"the network has {len(targets)} layers with weights ({', '.join(targets)}), but the "
            f"weights have {len(layers)} ({', '.join(layers)})"
        )
    for (name, target), (source, tensors) in zip(targets.items(), layers.items(), strict=False):
        limit = getattr(network.get_submodule(name), "_max_norm_limit", None)
        tensors, constraint_problems = _unconstrained(source, tensors, limit)
        matches, mismatches = _match_tensors(name, target, source, tensors)
        matched.update(matches)
        problems += constraint_problems + mismatches
    return matched, problems


def _unconstrained(layer: str, tensors: Tensors, limit: float | None) -> tuple[Tensors, list[str]]:
    """Apply a max-norm constraint, which braindecode applies when a weight is used."""
    if _CONSTRAINED not in tensors:
        return tensors, []
    weight = tensors[_CONSTRAINED]
    others = {name: tensor for name, tensor in tensors.items() if name != _CONSTRAINED}
    if limit is None:
        problem = f"{layer}.weight has a max-norm constraint, but that of the estimator is None"
        return {"weight": weight, **others}, [problem]
    return {"weight": weight.renorm(p=2, dim=0, maxnorm=limit), **others}, []


def _match_tensors(
    name: str, target: Tensors, source: str, tensors: Tensors
) -> tuple[Tensors, list[str]]:
    """Match the tensors of one layer; a bias that is missing is zero."""
    matched: Tensors = {}
    problems = [
        f"{source}.{attribute} has no counterpart in {name}"
        for attribute in tensors
        if attribute not in target
    ]
    is_norm = "running_mean" in target
    for attribute, expected in target.items():
        tensor = tensors.get(attribute)
        if tensor is None and attribute == "bias" and not is_norm:
            tensor = torch.zeros_like(expected)
        if tensor is None:
            problems.append(f"{name}.{attribute} has no counterpart in {source}")
        elif not _has_same_shape(tensor.shape, expected.shape):
            problems.append(
                f"{source}.{attribute} of shape {tuple(tensor.shape)} does not fit "
                f"{name}.{attribute} of shape {tuple(expected.shape)}"
            )
        else:
            matched[f"{name}.{attribute}"] = tensor.reshape(expected.shape).to(expected.dtype)
    return matched, problems


def _has_same_shape(shape: torch.Size, expected: torch.Size) -> bool:
    """Compare shapes without axes of length one; a linear layer may be a convolution elsewhere."""
    if shape.numel() != expected.numel() or shape[:1] != expected[:1]:
        return False
    sizes, expected_sizes = ([size for size in s if size > 1] for s in (shape, expected))
    return sizes == expected_sizes or len(expected) == 2
