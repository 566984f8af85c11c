"""Assignment of weights of other libraries to the layers of a network, all of them or none."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
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
from ._pairs import Pair, braindecode_pairs, form_problems
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
    """Return a state dict of a network with weights of another library.

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
    has_same_names = names <= set(weights) <= set(state)
    if not has_same_names and (pairs := braindecode_pairs(architecture, _group(weights))):
        matched, problems = _match_pairs(pairs, _group(weights), network)
        problems = form_problems(architecture) or problems
    elif has_same_names or not isinstance(architecture, _SEQUENCES):
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
            f"{name}: load_weights: the weights do not match the network, and none was loaded: "
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


def _match_pairs(
    pairs: list[Pair], layers: Layers, network: nn.Module
) -> tuple[Tensors, list[str]]:
    """Match tensors of braindecode by their names; a tensor may consist of several of them."""
    state = network.state_dict()
    weights, problems = _unconstrained_weights(pairs, layers, network)
    matched: Tensors = {}
    for pair in pairs:
        try:
            matched[pair.target] = _concatenated(pair, weights, state)
        except ValueError as error:
            problems.append(str(error))
    sources = {source for pair in pairs for source in pair.sources}
    problems += [f"{name} has no counterpart" for name in weights if name not in sources]
    targets = {pair.target for pair in pairs}
    problems += [
        f"{name} has no counterpart in the weights"
        for name in state
        if name not in targets and not name.endswith(_COUNTER)
    ]
    return matched, problems


def _unconstrained_weights(
    pairs: list[Pair], layers: Layers, network: nn.Module
) -> tuple[Tensors, list[str]]:
    """Apply max-norm constraints, and return the weights of all layers by name."""
    targets = {
        source.rpartition(".")[0]: pair.target.rpartition(".")[0]
        for pair in pairs
        for source in pair.sources
    }
    weights: Tensors = {}
    problems: list[str] = []
    for layer, tensors in layers.items():
        limit = _max_norm_limit(network, targets[layer]) if layer in targets else None
        constrained = tensors.get(_CONSTRAINED)
        constrain = _renorm
        if constrained is not None and constrained.dim() == 2:
            constrain = _renorm_columns
        tensors, constraint_problems = _unconstrained(layer, tensors, limit, constrain)
        weights.update({f"{layer}.{attribute}": tensors[attribute] for attribute in tensors})
        problems += constraint_problems
    return weights, problems


def _concatenated(pair: Pair, weights: Tensors, state: Tensors) -> torch.Tensor:
    """Concatenate the sources of a pair; raise an error if they do not fit the target."""
    missing = [source for source in pair.sources if source not in weights]
    if pair.target not in state:
        raise ValueError(f"{', '.join(pair.sources)} has no counterpart in the network")
    if missing or not pair.sources:
        raise ValueError(f"{pair.target} has no counterpart: {', '.join(missing)} is missing")
    parts, expected = [weights[source] for source in pair.sources], state[pair.target]
    if not _fit_together(parts, expected):
        shapes = ", ".join(str(tuple(part.shape)) for part in parts)
        raise ValueError(
            f"{', '.join(pair.sources)} of shape {shapes} does not fit {pair.target} of shape "
            f"{tuple(expected.shape)}"
        )
    rows = torch.cat([part.reshape(len(part), -1) for part in parts])
    rows = rows if pair.order is None else rows[pair.order]
    return rows.reshape(expected.shape).to(expected.dtype)


def _fit_together(parts: list[torch.Tensor], expected: torch.Tensor) -> bool:
    """Check that tensors have the shape of an expected tensor together, except for axes of 1."""
    shapes = {tuple(size for size in part.shape[1:] if size > 1) for part in parts}
    if len(shapes) != 1 or sum(part.numel() for part in parts) != expected.numel():
        return False
    (sizes,) = shapes
    expected_sizes = tuple(size for size in expected.shape if size > 1)
    return expected_sizes[len(expected_sizes) - len(sizes) :] == sizes


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
        limit = _max_norm_limit(network, name)
        tensors, constraint_problems = _unconstrained(source, tensors, limit)
        matches, mismatches = _match_tensors(name, target, source, tensors)
        matched.update(matches)
        problems += constraint_problems + mismatches
    return matched, problems


def _max_norm_limit(network: nn.Module, layer: str) -> float | None:
    try:
        return getattr(network.get_submodule(layer), "_max_norm_limit", None)
    except AttributeError:  # a layer that the network does not have
        return None


def _renorm(weight: torch.Tensor, limit: float) -> torch.Tensor:
    """Limit the norm of the weights of each output."""
    return weight.renorm(p=2, dim=0, maxnorm=limit)


def _renorm_columns(weight: torch.Tensor, limit: float) -> torch.Tensor:
    """Limit the norm of the weights of each input, as ``MaxNormLinear`` of braindecode does."""
    norm = weight.norm(dim=0, keepdim=True).clamp(min=limit / 2)
    return weight * (norm.clamp(max=limit) / (norm + 1e-5))


def _unconstrained(
    layer: str,
    tensors: Tensors,
    limit: float | None,
    constrain: Callable[[torch.Tensor, float], torch.Tensor] = _renorm,
) -> tuple[Tensors, list[str]]:
    """Apply a max-norm constraint, which braindecode applies when a weight is used."""
    if _CONSTRAINED not in tensors:
        return tensors, []
    weight = tensors[_CONSTRAINED]
    unconstrained = {name: tensor for name, tensor in tensors.items() if name != _CONSTRAINED}
    if limit is None:
        problem = f"{layer}.weight has a max-norm constraint, but that of the estimator is None"
        return {"weight": weight, **unconstrained}, [problem]
    return {"weight": constrain(weight, limit), **unconstrained}, []


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
