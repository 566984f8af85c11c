"""Weights of braindecode's networks whose layers do not form one sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..networks import ATCNet, EEGConformer, EEGTCNet, TCFormer

_WEIGHT = ("weight",)
_LINEAR = ("weight", "bias")
_NORM = ("weight", "bias", "running_mean", "running_var")


class Pair(NamedTuple):
    """A tensor of a network of eegsk, and the tensors of braindecode that it consists of.

    Parameters
    ----------
    target : str
        Name of the tensor, e.g. ``"head.weight"``.
    sources : list of str
        Names of the tensors of braindecode, which are concatenated, e.g. those of all windows of
        ATCNet.
    order : list of int or None, default=None
        Row ``i`` of the tensor is row ``order[i]`` of the concatenation; None for the same order.
    """

    target: str
    sources: list[str]
    order: list[int] | None = None


def braindecode_pairs(architecture: Any, layers: Iterable[str]) -> list[Pair]:
    """Return the pairs of tensors for a network, in the order of the layers.

    Parameters
    ----------
    architecture : Architecture
        The network of eegsk.
    layers : iterable of str
        Names of the layers of braindecode's network. If none of them belongs to it, there are no
        pairs.

    Returns
    -------
    pairs : list of Pair
        The pairs; empty for other networks.
    """
    layers = set(layers)
    pairs: list[Pair] = []
    for network, list_pairs in _PAIRS.items():
        if isinstance(architecture, network):
            pairs = list_pairs(architecture, layers)
    names = {source.rpartition(".")[0] for pair in pairs for source in pair.sources}
    return pairs if names & layers else []


def form_problems(architecture: Any) -> list[str]:
    """List fields that select the form of the paper, whose outputs differ from braindecode's."""
    if isinstance(architecture, EEGTCNet) and architecture.form != "braindecode":
        return [
            f"form={architecture.form!r} has no activation between temporal and spatial filters, "
            "unlike braindecode; set form='braindecode'"
        ]
    if isinstance(architecture, EEGConformer) and architecture.attention_scale != "head":
        return [
            f"attention_scale={architecture.attention_scale!r} differs from braindecode; set "
            "attention_scale='head'"
        ]
    return []


def _pair(target: str, sources: str | list[str], names: Iterable[str] = _WEIGHT) -> list[Pair]:
    """Return the pairs for a layer of eegsk and one or several layers of braindecode."""
    sources = [sources] if isinstance(sources, str) else sources
    return [Pair(f"{target}.{name}", [f"{layer}.{name}" for layer in sources]) for name in names]


def _temporal_conv_net(
    n_blocks: int,
    convolutions: Callable[[int, int], str | list[str]],
    norms: Callable[[int, int], str | list[str]],
) -> list[Pair]:
    """Return the pairs of a temporal convolutional network.

    ``convolutions(block, layer)`` and ``norms(block, layer)`` return names of layers of
    braindecode, for two layers in each block.
    """
    pairs = []
    for block in range(n_blocks):
        for layer, name in enumerate(("first", "second")):
            # In eegsk, an activation follows each block.
            unit = f"trunk.blocks.{2 * block}.{name}"
            pairs += _pair(f"{unit}.convolution", convolutions(block, layer), _LINEAR)
            pairs += _pair(f"{unit}.norm", norms(block, layer), _NORM)
    return pairs


def _eegtcnet(architecture: EEGTCNet, layers: set[str]) -> list[Pair]:
    source = "eegnet_tc"
    is_padded = architecture.second_kernel % 2 == 0
    second = "trunk.second.separable" if is_padded else "trunk.second"
    blocks = _temporal_conv_net(
        architecture.n_blocks,
        lambda block, layer: f"tcn_block.layers.{block}.{5 * layer}",
        lambda block, layer: f"tcn_block.layers.{block}.{5 * layer + 2}",
    )
    shortcut = "tcn_block.downsample"
    return [
        *_pair("trunk.front.temporal", f"{source}.conv1"),
        *_pair("trunk.front.temporal_norm", f"{source}.bn1", _NORM),
        *_pair("trunk.front.spatial", f"{source}.depthwise_conv"),
        *_pair("trunk.front.spatial_norm", f"{source}.bn2", _NORM),
        *_pair(f"{second}.depthwise", f"{source}.separable_conv_depthwise"),
        *_pair(f"{second}.pointwise", f"{source}.separable_conv_pointwise"),
        *_pair("trunk.second_norm", f"{source}.bn3", _NORM),
        *(pair for pair in blocks if not pair.target.endswith("convolution.bias")),
        *(_pair("trunk.blocks.0.shortcut", shortcut, _LINEAR) if shortcut in layers else []),
        *_pair("head", "final_layer", _LINEAR),
    ]


def _atcnet(architecture: ATCNet, layers: set[str]) -> list[Pair]:
    # For short trials, both libraries reduce the number of windows.
    n_windows = sum(f"attention_blocks.{i}.ln" in layers for i in range(architecture.n_windows))
    attention = [f"attention_blocks.{window}" for window in range(n_windows)]
    maps = [f"{block}.mha.fc_{kind}" for block in attention for kind in "qkv"]

    def convolutions(block: int, layer: int, kind: str = "conv") -> list[str]:
        windows = range(n_windows)
        return [f"temporal_conv_nets.{window}.{block}.{kind}{layer + 1}" for window in windows]

    return [
        *_pair("trunk.front.temporal", "conv_block.conv1"),
        *_pair("trunk.front.temporal_norm", "conv_block.bn1", _NORM),
        *_pair("trunk.front.spatial", "conv_block.conv2"),
        *_pair("trunk.front.spatial_norm", "conv_block.bn2", _NORM),
        *_pair("trunk.second", "conv_block.conv3"),
        *_pair("trunk.second_norm", "conv_block.bn3", _NORM),
        Pair("trunk.attention.norm_weight", [f"{block}.ln.weight" for block in attention]),
        Pair("trunk.attention.norm_bias", [f"{block}.ln.bias" for block in attention]),
        *_pair("trunk.attention.query_key_value", maps, _LINEAR),
        *_pair("trunk.attention.output", [f"{block}.mha.fc_o" for block in attention], _LINEAR),
        *_temporal_conv_net(
            architecture.n_blocks,
            convolutions,
            lambda block, layer: convolutions(block, layer, "bn"),
        ),
        *_pair("head", [f"final_layer.{window}" for window in range(n_windows)], _LINEAR),
    ]


def _tcformer(architecture: TCFormer, layers: set[str]) -> list[Pair]:
    source = "conv_block"
    branches = [f"{source}.temporal_convs.{i}" for i in range(len(architecture.kernels))]
    filters = [
        Pair(f"trunk.front.temporal.filters.{i}.weight", [f"{branch}.1.weight"])
        for i, branch in enumerate(branches)
    ]
    return [
        *filters,
        *_pair("trunk.front.temporal_norm", [f"{branch}.2" for branch in branches], _NORM),
        *_pair("trunk.front.spatial", f"{source}.channel_dw_conv.0"),
        *_pair("trunk.front.spatial_norm", f"{source}.channel_dw_conv.1", _NORM),
        *_pair("trunk.reduction", f"{source}.channel_reduction.0"),
        *_pair("trunk.reduction_norm", f"{source}.channel_reduction.1", _NORM),
        *_pair("trunk.second", f"{source}.temporal_conv_2.0"),
        *_pair("trunk.second_norm", f"{source}.temporal_conv_2.1", _NORM),
        *_pair("trunk.attention.groups.weights.hidden", f"{source}.group_attn.att_fc1"),
        *_pair("trunk.attention.groups.weights.output", f"{source}.group_attn.att_fc2"),
        *_pair("trunk.transformer.mixture.mixture", "mix.0"),
        *_pair("trunk.transformer.mixture.norm", "mix.1", _NORM),
        *(pair for i in range(architecture.n_layers) for pair in _tcformer_layer(architecture, i)),
        *_pair("trunk.transformer.reduction.mixture", "reduce.1"),
        *_pair("trunk.transformer.reduction.norm", "reduce.2", _NORM),
        *_temporal_conv_net(
            architecture.n_blocks,
            lambda block, layer: f"tcn.blocks.{block}.conv{layer + 1}",
            lambda block, layer: f"tcn.blocks.{block}.bn{layer + 1}",
        ),
        *_pair("head", "final_layer.conv", _LINEAR),
    ]


def _tcformer_layer(architecture: TCFormer, number: int) -> list[Pair]:
    """Return the pairs of a layer of the transformer."""
    target, source = f"trunk.transformer.layers.{number}", f"transformer.{number}"
    attention, source_attention = f"{target}.attention.attention", f"{source}.attn"
    # In braindecode, the values of a head follow its keys; in eegsk, the keys of all heads come
    # first.
    n_features = architecture.group_size * len(architecture.kernels)
    head_size = n_features // architecture.n_heads
    order = [
        (2 * head + kind) * head_size + row
        for kind in range(2)
        for head in range(architecture.n_key_heads)
        for row in range(head_size)
    ]
    key_value = [f"{source_attention}.key_value_proj.weight"]
    return [
        *_pair(f"{target}.attention.norm", f"{source}.norm1", _LINEAR),
        *_pair(f"{attention}.query", f"{source_attention}.query_proj"),
        Pair(f"{attention}.key_value.weight", key_value, order),
        *_pair(f"{attention}.output", f"{source_attention}.out_proj"),
        *_pair(f"{target}.feed_forward.norm", f"{source}.norm2", _LINEAR),
        *_pair(f"{target}.feed_forward.hidden", f"{source}.mlp.0", _LINEAR),
        *_pair(f"{target}.feed_forward.output", f"{source}.mlp.2", _LINEAR),
    ]


def _eegconformer(architecture: EEGConformer, layers: set[str]) -> list[Pair]:
    first = "patch_embedding.shallownet"
    return [
        *_pair("trunk.encoder.front.temporal", f"{first}.0", _LINEAR),
        *_pair("trunk.encoder.front.spatial", f"{first}.1", _LINEAR),
        *_pair("trunk.encoder.norm", f"{first}.2", _NORM),
        *_pair("trunk.encoder.projection", "patch_embedding.projection.0", _LINEAR),
        *(pair for i in range(architecture.n_layers) for pair in _eegconformer_layer(i)),
        *_pair("trunk.dense.dense", "fc.fc.0", _LINEAR),
        *_pair("trunk.second_dense.dense", "fc.fc.3", _LINEAR),
        *_pair("head", "final_layer", _LINEAR),
    ]


def _eegconformer_layer(number: int) -> list[Pair]:
    """Return the pairs of a layer of the transformer."""
    target = f"trunk.encoder.layers.{number}"
    attention, feed_forward = f"transformer.{number}.0.fn", f"transformer.{number}.1.fn"
    key_value = [f"{attention}.1.keys", f"{attention}.1.values"]
    return [
        *_pair(f"{target}.attention.norm", f"{attention}.0", _LINEAR),
        *_pair(f"{target}.attention.attention.query", f"{attention}.1.queries", _LINEAR),
        *_pair(f"{target}.attention.attention.key_value", key_value, _LINEAR),
        *_pair(f"{target}.attention.attention.output", f"{attention}.1.projection", _LINEAR),
        *_pair(f"{target}.feed_forward.norm", f"{feed_forward}.0", _LINEAR),
        *_pair(f"{target}.feed_forward.hidden", f"{feed_forward}.1.0", _LINEAR),
        *_pair(f"{target}.feed_forward.output", f"{feed_forward}.1.3", _LINEAR),
    ]


_PAIRS: dict[type, Callable[[Any, set[str]], list[Pair]]] = {
    ATCNet: _atcnet,
    EEGConformer: _eegconformer,
    EEGTCNet: _eegtcnet,
    TCFormer: _tcformer,
}
