"""Move weights between networks of eegsk and of braindecode; outputs are the same in evaluation.

For each network, a list of :class:`Weights` is the mapping, in the order of the layers: a tensor of
eegsk, and the tensors of braindecode that it contains, e.g. those of all windows of ATCNet.
"""

import importlib
import warnings
from typing import NamedTuple

import pytest
import torch
from torch.nn.utils import parametrize

import eegsk.networks
from eegsk import Signal

NORM = "weight", "bias", "running_mean", "running_var"
LINEAR = "weight", "bias"


class Weights(NamedTuple):
    """A tensor of eegsk, and the tensors of braindecode that it is the concatenation of.

    With an ``order``, row ``i`` of the tensor is row ``order[i]`` of the concatenation.
    """

    ours: str
    theirs: list[str]
    order: list[int] | None = None


def same(ours, theirs, names=("weight",)):
    """Return the pairs for a layer of eegsk and one or several layers of braindecode."""
    theirs = [theirs] if isinstance(theirs, str) else theirs
    return [Weights(f"{ours}.{name}", [f"{layer}.{name}" for layer in theirs]) for name in names]


def temporal_conv_net(blocks, convolutions, norms):
    """Return the pairs for a temporal convolutional network of two blocks.

    ``convolutions(number)`` and ``norms(number)`` return the names of layers of braindecode, for
    numbers from 0 to 3.
    """
    pairs = []
    for number in range(4):
        unit = f"{blocks}.{number // 2 * 2}.{('first', 'second')[number % 2]}"
        pairs += same(f"{unit}.convolution", convolutions(number), LINEAR)
        pairs += same(f"{unit}.norm", norms(number), NORM)
    return pairs


def eegtcnet():
    theirs = "eegnet_tc"
    blocks = temporal_conv_net(
        "trunk.blocks",
        lambda number: f"tcn_block.layers.{number // 2}.{number % 2 * 5}",
        lambda number: f"tcn_block.layers.{number // 2}.{number % 2 * 5 + 2}",
    )
    return [
        *same("trunk.front.temporal", f"{theirs}.conv1"),
        *same("trunk.front.temporal_norm", f"{theirs}.bn1", NORM),
        *same("trunk.front.spatial", f"{theirs}.depthwise_conv"),
        *same("trunk.front.spatial_norm", f"{theirs}.bn2", NORM),
        *same("trunk.second.separable.depthwise", f"{theirs}.separable_conv_depthwise"),
        *same("trunk.second.separable.pointwise", f"{theirs}.separable_conv_pointwise"),
        *same("trunk.second_norm", f"{theirs}.bn3", NORM),
        *(pair for pair in blocks if not pair.ours.endswith("convolution.bias")),
        *same("trunk.blocks.0.shortcut", "tcn_block.downsample", LINEAR),
        *same("head", "final_layer", LINEAR),
    ]


def atcnet(n_windows=5):
    windows = range(n_windows)
    attention = [f"attention_blocks.{window}" for window in windows]
    maps = [f"{block}.mha.fc_{kind}" for block in attention for kind in "qkv"]

    def layers(number, kind):
        block, layer = divmod(number, 2)
        return [f"temporal_conv_nets.{w}.{block}.{kind}{layer + 1}" for w in windows]

    return [
        *same("trunk.front.temporal", "conv_block.conv1"),
        *same("trunk.front.temporal_norm", "conv_block.bn1", NORM),
        *same("trunk.front.spatial", "conv_block.conv2"),
        *same("trunk.front.spatial_norm", "conv_block.bn2", NORM),
        *same("trunk.second", "conv_block.conv3"),
        *same("trunk.second_norm", "conv_block.bn3", NORM),
        Weights("trunk.attention.norm_weight", [f"{block}.ln.weight" for block in attention]),
        Weights("trunk.attention.norm_bias", [f"{block}.ln.bias" for block in attention]),
        *same("trunk.attention.query_key_value", maps, LINEAR),
        *same("trunk.attention.output", [f"{block}.mha.fc_o" for block in attention], LINEAR),
        *temporal_conv_net("trunk.blocks", lambda n: layers(n, "conv"), lambda n: layers(n, "bn")),
        *same("head", [f"final_layer.{window}" for window in windows], LINEAR),
    ]


def tcformer():
    theirs = "conv_block"
    kernels = range(3)
    pairs = [
        *(
            Weights(
                f"trunk.front.temporal.filters.{i}.weight",
                [f"{theirs}.temporal_convs.{i}.1.weight"],
            )
            for i in kernels
        ),
        *same(
            "trunk.front.temporal_norm", [f"{theirs}.temporal_convs.{i}.2" for i in kernels], NORM
        ),
        *same("trunk.front.spatial", f"{theirs}.channel_dw_conv.0"),
        *same("trunk.front.spatial_norm", f"{theirs}.channel_dw_conv.1", NORM),
        *same("trunk.reduction", f"{theirs}.channel_reduction.0"),
        *same("trunk.reduction_norm", f"{theirs}.channel_reduction.1", NORM),
        *same("trunk.second", f"{theirs}.temporal_conv_2.0"),
        *same("trunk.second_norm", f"{theirs}.temporal_conv_2.1", NORM),
        *same("trunk.attention.groups.weights.hidden", f"{theirs}.group_attn.att_fc1"),
        *same("trunk.attention.groups.weights.output", f"{theirs}.group_attn.att_fc2"),
        *same("trunk.transformer.mixture.mixture", "mix.0"),
        *same("trunk.transformer.mixture.norm", "mix.1", NORM),
    ]
    # In braindecode the values of a head follow its keys; here the keys of all heads come first.
    order = torch.arange(48).view(2, 2, 12).transpose(0, 1).flatten().tolist()
    for i in range(2):
        layer, their_layer = f"trunk.transformer.layers.{i}", f"transformer.{i}"
        attention, their_attention = f"{layer}.attention.attention", f"{their_layer}.attn"
        key_value = f"{attention}.key_value.weight", [f"{their_attention}.key_value_proj.weight"]
        pairs += [
            *same(f"{layer}.attention.norm", f"{their_layer}.norm1", LINEAR),
            *same(f"{attention}.query", f"{their_attention}.query_proj"),
            Weights(*key_value, order),
            *same(f"{attention}.output", f"{their_attention}.out_proj"),
            *same(f"{layer}.feed_forward.norm", f"{their_layer}.norm2", LINEAR),
            *same(f"{layer}.feed_forward.hidden", f"{their_layer}.mlp.0", LINEAR),
            *same(f"{layer}.feed_forward.output", f"{their_layer}.mlp.2", LINEAR),
        ]
    return [
        *pairs,
        *same("trunk.transformer.reduction.mixture", "reduce.1"),
        *same("trunk.transformer.reduction.norm", "reduce.2", NORM),
        *temporal_conv_net(
            "trunk.blocks",
            lambda number: f"tcn.blocks.{number // 2}.conv{number % 2 + 1}",
            lambda number: f"tcn.blocks.{number // 2}.bn{number % 2 + 1}",
        ),
        *same("head", "final_layer.conv", LINEAR),
    ]


def eegconformer():
    first = "patch_embedding.shallownet"
    pairs = [
        *same("trunk.encoder.front.temporal", f"{first}.0", LINEAR),
        *same("trunk.encoder.front.spatial", f"{first}.1", LINEAR),
        *same("trunk.encoder.norm", f"{first}.2", NORM),
        *same("trunk.encoder.projection", "patch_embedding.projection.0", LINEAR),
    ]
    for i in range(6):
        layer, (their_layer, their_feed_forward) = (
            f"trunk.encoder.layers.{i}",
            (f"transformer.{i}.0.fn", f"transformer.{i}.1.fn"),
        )
        key_value = [f"{their_layer}.1.keys", f"{their_layer}.1.values"]
        pairs += [
            *same(f"{layer}.attention.norm", f"{their_layer}.0", LINEAR),
            *same(f"{layer}.attention.attention.query", f"{their_layer}.1.queries", LINEAR),
            *same(f"{layer}.attention.attention.key_value", key_value, LINEAR),
            *same(f"{layer}.attention.attention.output", f"{their_layer}.1.projection", LINEAR),
            *same(f"{layer}.feed_forward.norm", f"{their_feed_forward}.0", LINEAR),
            *same(f"{layer}.feed_forward.hidden", f"{their_feed_forward}.1.0", LINEAR),
            *same(f"{layer}.feed_forward.output", f"{their_feed_forward}.1.3", LINEAR),
        ]
    return [
        *pairs,
        *same("trunk.dense.dense", "fc.fc.0", LINEAR),
        *same("trunk.second_dense.dense", "fc.fc.3", LINEAR),
        *same("head", "final_layer", LINEAR),
    ]


# Mapping, fields that select the form of braindecode, numbers of channels, time points and classes.
TWINS = {
    "EEGTCNet": (eegtcnet(), {"form": "braindecode"}, (5, 640, 3)),
    "EEGTCNet with padding of whole pools": (eegtcnet(), {"form": "braindecode"}, (22, 1000, 4)),
    "ATCNet": (atcnet(), {}, (22, 1000, 4)),
    "ATCNet for short trials": (atcnet(n_windows=3), {}, (5, 480, 2)),
    "TCFormer": (tcformer(), {}, (5, 640, 3)),
    "EEGConformer": (eegconformer(), {"attention_scale": "head"}, (5, 480, 3)),
}


def tensor_of(module, name):
    """Return a tensor by name, after the parametrization if there is one."""
    layer, _, attribute = name.rpartition(".")
    return getattr(module.get_submodule(layer), attribute)


def assign(module, name, value):
    """Set the values of a tensor by name, so that a parametrization returns them."""
    layer, _, attribute = name.rpartition(".")
    layer = module.get_submodule(layer)
    if not parametrize.is_parametrized(layer, attribute):
        getattr(layer, attribute).copy_(value)
    elif hasattr(layer.parametrizations[attribute][0], "right_inverse"):
        setattr(layer, attribute, value)
    else:
        layer.parametrizations[attribute].original.copy_(value)


@torch.no_grad()
def to_ours(theirs, ours, pairs):
    """Copy weights and running statistics from braindecode to eegsk."""
    for pair in pairs:
        rows = [tensor_of(theirs, name) for name in pair.theirs]
        rows = torch.cat([tensor.reshape(len(tensor), -1) for tensor in rows])
        tensor = tensor_of(ours, pair.ours)
        tensor.copy_((rows if pair.order is None else rows[pair.order]).view_as(tensor))


@torch.no_grad()
def to_theirs(ours, theirs, pairs):
    """Copy weights and running statistics from eegsk to braindecode."""
    for pair in pairs:
        shapes = [tensor_of(theirs, name).shape for name in pair.theirs]
        rows = tensor_of(ours, pair.ours).reshape(sum(shape[0] for shape in shapes), -1)
        if pair.order is not None:
            rows = torch.empty_like(rows).index_copy(0, torch.tensor(pair.order), rows)
        parts = rows.split([shape[0] for shape in shapes])
        for name, shape, part in zip(pair.theirs, shapes, parts, strict=True):
            assign(theirs, name, part.reshape(shape))


@torch.no_grad()
def randomize(network, pairs, seed):
    """Change weights and statistics of a network of eegsk; max-norm layers get small weights."""
    generator = torch.Generator().manual_seed(seed)
    for name in (pair.ours for pair in pairs):
        tensor = tensor_of(network, name)
        noise = torch.rand(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            tensor.copy_(0.5 + noise)
        elif name == "head.weight":
            tensor.copy_(0.1 * (noise - 0.5))
        else:
            tensor.add_(0.2 * (noise - 0.5))


@pytest.fixture(scope="module")
def braindecode():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("braindecode", reason='braindecode is installed by the extra "bench"')
        return importlib.import_module("braindecode.models")


@pytest.fixture(params=TWINS)
def twins(request, braindecode):
    """Return the networks of eegsk and braindecode, the mapping, and trials."""
    pairs, fields, (n_chans, n_times, n_outputs) = TWINS[request.param]
    name = request.param.partition(" ")[0]
    signal = Signal(n_chans=n_chans, n_times=n_times)
    torch.manual_seed(0)
    ours = getattr(eegsk.networks, name)(**fields).build(signal, n_outputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = getattr(braindecode, name)(n_chans=n_chans, n_times=n_times, n_outputs=n_outputs)
    return ours.eval(), theirs.eval(), pairs, 5 * torch.randn(8, n_chans, n_times)


def assert_same_outputs(ours, theirs, x):
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = theirs(x)
        assert expected.std(0).min() > 1e-3
        torch.testing.assert_close(ours(x), expected, rtol=0, atol=1e-5)
        exact = theirs.double()(x.double())
        torch.testing.assert_close(ours.double()(x.double()), exact, rtol=0, atol=1e-6)


def test_pairs_have_all_weights(twins):
    ours, theirs, pairs, _ = twins
    weights = [name for name, _ in ours.named_parameters()]
    statistics = [name for name, _ in ours.named_buffers() if "num_batches" not in name]
    assert sorted(pair.ours for pair in pairs) == sorted([*weights, *statistics])
    n_theirs = sum(tensor_of(theirs, name).numel() for pair in pairs for name in pair.theirs)
    buffers = {name: b for name, b in theirs.named_buffers() if "num_batches" not in name}
    assert n_theirs == sum(p.numel() for p in [*theirs.parameters(), *buffers.values()])


def test_weights_of_braindecode_give_the_same_outputs(twins):
    ours, theirs, pairs, x = twins
    randomize(ours, pairs, seed=1)
    to_theirs(ours, theirs, pairs)
    for pair in pairs:  # so that a tensor that is not copied makes the test fail
        tensor_of(ours, pair.ours).data.fill_(torch.nan)
    to_ours(theirs, ours, pairs)
    assert_same_outputs(ours, theirs, x)


def test_our_weights_give_the_same_outputs_in_braindecode(twins):
    ours, theirs, pairs, x = twins
    randomize(ours, pairs, seed=2)
    to_theirs(ours, theirs, pairs)
    assert_same_outputs(ours, theirs, x)
