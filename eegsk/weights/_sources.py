"""Names of layers in networks of other libraries, in the order of the layers."""

from __future__ import annotations

import re

# Layers of braindecode's networks by the name of the network in eegsk.
_HEADS = ("final_layer.conv_classifier", "final_layer.linearconstraint", "final_layer")
_FIRST = ("conv_time_spat.conv_time", "conv_time_spat.conv_spat", "bnorm")
_BRAINDECODE: dict[str, tuple[str, ...]] = {
    "EEGNet": (
        *("conv_temporal", "bnorm_temporal", "conv_spatial", "bnorm_1"),
        *("conv_separable_depth", "conv_separable_point", "bnorm_2"),
    ),
    "EEGNeX": (
        *("block_1.1", "block_1.2", "block_2.0", "block_2.1", "block_3.0", "block_3.1"),
        *("block_4.0", "block_4.1", "block_5.0", "block_5.1"),
    ),
    "DeepConvNet": (
        *_FIRST,
        *(f"{layer}_{stage}" for stage in (2, 3, 4) for layer in ("conv", "bnorm")),
    ),
    "ShallowConvNet": _FIRST,
}
# Layers of earlier versions of braindecode.
_EARLIER_NAMES = {
    "conv_time": "conv_time_spat.conv_time",
    "conv_spat": "conv_time_spat.conv_spat",
    "conv_classifier": "final_layer.conv_classifier",
}
# Blocks of plain networks, e.g. ``firstconv.0.weight`` or ``conv0.1.bias``, in their order. The
# names are compared in lower case; "seperable" is a frequent spelling.
_PLAIN_BLOCKS = re.compile(
    r"(?P<first>firstconv)|(?P<depthwise>depthwiseconv)|(?P<separable>sep[ae]rableconv)"
    r"|conv_?(?P<number>\d+)|(?P<head>classify|classifier|fc|linear|dense|out)"
)
_FIRST_RANKS = {"first": -3, "depthwise": -2, "separable": -1}
_LAST_RANK = 1000


def current_name(layer: str) -> str:
    """Return the name of a layer of braindecode in its present version."""
    return _EARLIER_NAMES.get(layer, layer)


def braindecode_layers(network: str, layers: list[str]) -> list[str] | None:
    """Return the layers of braindecode's network in order; None if they are others.

    Parameters
    ----------
    network : str
        Name of the network in eegsk, e.g. ``"DeepConvNet"``.
    layers : list of str
        Names of the layers that have weights, in any order.
    """
    expected = _BRAINDECODE.get(network)
    if expected is None or not set(expected) <= set(layers):
        return None
    ordered = [*expected, *(head for head in _HEADS if head in layers)]
    return [*ordered, *(layer for layer in layers if layer not in ordered)]


def plain_layers(layers: list[str]) -> list[str] | None:
    """Return the layers of a plain network in the order of its blocks; None if they are others.

    Parameters
    ----------
    layers : list of str
        Names of the layers that have weights, in any order, e.g. ``["conv0.0", "classify.0"]``.
    """
    keys = {layer: key for layer in layers if (key := _plain_key(layer)) is not None}
    return sorted(layers, key=keys.__getitem__) if len(keys) == len(layers) else None


def _plain_key(layer: str) -> tuple[int, ...] | None:
    """Return the rank of a block and the numbers of the layer in it, None for unknown names."""
    block, *numbers = layer.lower().split(".")
    match = _PLAIN_BLOCKS.fullmatch(block)
    if match is None or not all(number.isdigit() for number in numbers):
        return None
    if match["number"] is not None:
        rank = int(match["number"])
    else:
        rank = _FIRST_RANKS.get(str(match.lastgroup), _LAST_RANK)
    return (rank, *map(int, numbers))
