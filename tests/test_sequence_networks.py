"""Temporal convolutional networks and transformers against their papers and plain layers."""

import pickle
from dataclasses import fields

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import eegsk
from eegsk import Signal
from eegsk.blocks import (
    CausalConv,
    DropPath,
    GroupAttention,
    MeanOfLinear,
    MultiKernelTemporalSpatial,
    SelfAttention,
    Standardize,
    TemporalConvNet,
    TemporalSpatial,
    WindowedSelfAttention,
)
from eegsk.blocks.folding import fold
from eegsk.blocks.temporal_spatial import FrontEnd
from eegsk.networks import ATCNet, EEGConformer, EEGTCNet, TCFormer

NETWORKS = [ATCNet, EEGConformer, EEGTCNet, TCFormer]
SHAPES = [(22, 1000, 4), (3, 1000, 2), (64, 480, 2)]


def build(network, n_chans, n_times, n_outputs, **fields):
    return network(**fields).build(Signal(n_chans=n_chans, n_times=n_times), n_outputs)


def normal(*shape, seed=0):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def randomize(module):
    """Give parameters and running statistics other values."""
    torch.manual_seed(0)
    for parameter in module.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    for name, buffer in module.named_buffers():
        if "running" in name:
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    return module


# The papers


@pytest.mark.parametrize(
    ("network", "counts"),
    [
        (EEGTCNet, (4304, 3974, 4950)),
        (ATCNet, (113732, 112794, 60070)),
        (TCFormer, (77820, 74036, 85748)),
        (EEGConformer, (789572, 759106, 498306)),
    ],
)
def test_number_of_parameters(network, counts):
    for shape, expected in zip(SHAPES, counts, strict=True):
        parameters = build(network, *shape).parameters()
        assert sum(parameter.numel() for parameter in parameters) == expected


def test_number_of_parameters_in_the_paper_of_eegtcnet():
    """It includes running statistics, and biases of the causal convolutions."""
    network = build(EEGTCNet, 22, 1000, 4, kernel=32)
    tensors = [*network.parameters(), *network.buffers()]
    n_counters = sum(
        isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in network.modules()
    )
    assert sum(tensor.numel() for tensor in tensors) - n_counters + 4 * 12 == 4272


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("n_chans", "n_outputs"), [(1, 1), (5, 7)])
def test_shape_of_the_output(network, n_chans, n_outputs):
    module = build(network, n_chans, 130, n_outputs)
    assert module(torch.randn(3, n_chans, 130)).shape == (3, n_outputs)


@pytest.mark.parametrize("network", [ATCNet, EEGTCNet, TCFormer])
def test_the_front_end_comes_first(network):
    """Else training computes no statistics in advance, and prediction folds nothing."""
    front = build(network, 5, 640, 3).trunk.front
    assert isinstance(front, FrontEnd)
    assert front.window is not None
    module = nn.Sequential(Standardize(torch.zeros(5), torch.ones(5)), build(network, 5, 640, 3))
    folded = fold(module.double(), torch.float64)
    assert type(folded[0]).__name__ == "FoldedFrontEnd"
    assert not any(isinstance(layer, FrontEnd | nn.BatchNorm1d) for layer in list(folded)[:6])


def test_the_front_end_of_eegconformer_is_folded():
    network = build(EEGConformer, 5, 640, 3)
    assert isinstance(network.trunk.encoder.front, FrontEnd)
    module = nn.Sequential(Standardize(torch.zeros(5), torch.ones(5)), network).double()
    kinds = [type(layer) for layer in fold(module, torch.float64)]
    assert kinds[0] is nn.Conv1d
    assert nn.BatchNorm1d not in kinds


# Fields


CHANGED_VALUES = {
    "activation_params": {"alpha": 0.5},
    "kernels": (5, 8),
    "form": "braindecode",
    "fusion": "concatenate",
    "attention_scale": "head",
    "n_key_heads": 1,
    "spatial_n_filters": 50,
    "group_size": 8,
}


def changed_value(field):
    """Return a valid value of a field that is not its default."""
    value = field.default
    if field.name in CHANGED_VALUES:
        return CHANGED_VALUES[field.name]
    if field.name == "n_heads":
        return 2 * value
    if isinstance(value, str):
        return "tanh"
    return value / 2 + 0.05 if isinstance(value, float) else value + 1


def description(module):
    bounds = [getattr(layer, "_max_norm_limit", None) for layer in module.modules()]
    shapes = [tuple(weight.shape) for weight in module.parameters()]
    return repr(module), bounds, shapes


@pytest.mark.parametrize(
    ("network", "field"), [(network, field) for network in NETWORKS for field in fields(network)]
)
def test_every_field_makes_a_difference(network, field):
    usual = description(build(network, 3, 700, 2))
    changed = build(network, 3, 700, 2, **{field.name: changed_value(field)})
    assert description(changed) != usual
    assert changed(torch.zeros(2, 3, 700)).shape == (2, 2)


@pytest.mark.parametrize(
    ("network", "n_places"), [(ATCNet, 8), (EEGConformer, 3), (EEGTCNet, 8), (TCFormer, 8)]
)
def test_each_place_gets_its_own_activation(network, n_places):
    fields = {"activation": "leaky_relu", "activation_params": {"negative_slope": 0.3}}
    module = build(network, 3, 700, 2, **fields)
    activations = [layer for layer in module.modules() if type(layer) is nn.LeakyReLU]
    assert len(set(map(id, activations))) == n_places
    assert {layer.negative_slope for layer in activations} == {0.3}


@pytest.mark.parametrize(
    ("network", "fields", "message"),
    [
        (TCFormer, {"kernels": ()}, r"TCFormer: kernels=\(\) should have at least one length"),
        (TCFormer, {"kernels": (3, 0)}, r"TCFormer: kernels=\(3, 0\) should have at least one"),
        (
            TCFormer,
            {"n_heads": 5},
            r"group_size \* len\(kernels\) = 48 should be a multiple of .*10",
        ),
        (TCFormer, {"n_key_heads": 3}, "TCFormer: n_key_heads=3 should divide n_heads=4"),
        (EEGConformer, {"n_heads": 7}, "n_heads=7 should divide spatial_n_filters=40"),
    ],
)
def test_sizes_that_do_not_fit_together(network, fields, message):
    with pytest.raises(ValueError, match=message) as error:
        build(network, 3, 700, 2, **fields)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "fields", "shortest"),
    [
        ("EEGTCNet", {}, 64),
        ("EEGTCNet", {"pool": 4, "second_pool": 5}, 20),
        ("TCFormer", {}, 56),
        ("EEGConformer", {}, 99),
    ],
)
def test_error_has_the_shortest_window(name, fields, shortest, y):
    estimator = getattr(eegsk, f"{name}Classifier")(**fields)
    message = f"{name}Classifier: trials of 9 time points are too short .* at least {shortest};"
    with pytest.raises(ValueError, match=message):
        estimator.fit(np.random.default_rng(0).standard_normal((24, 1, 9)), y)
    build(type(estimator), 1, shortest, 2, **fields)


def test_atcnet_is_reduced_for_short_trials():
    def sizes(n_times):
        trunk = build(ATCNet, 2, n_times, 2).trunk
        convolution = trunk.blocks[0].first.convolution
        kernels = trunk.front.temporal.kernel_size[1], trunk.second.kernel_size[0]
        pools = trunk.pool.size, trunk.second_pool.size
        return *kernels, *pools, trunk.attention.n_windows, convolution.kernel_size[0]

    assert sizes(616) == (64, 16, 8, 7, 5, 4)
    assert sizes(480) == (49, 12, 6, 5, 3, 3)
    assert sizes(1) == (1, 1, 1, 1, 1, 2)


@pytest.mark.parametrize("network", NETWORKS)
def test_modules_are_plain_and_pickle(network):
    module = randomize(build(network, 3, 200, 2)).eval()
    assert not any("parametrization" in name for name, _ in module.named_modules())
    x = torch.randn(2, 3, 200)
    assert torch.equal(pickle.loads(pickle.dumps(module))(x), module(x))


# EEGTCNet against plain layers


def test_eegtcnet_is_eegnet_and_a_temporal_convolutional_network():
    network = randomize(build(EEGTCNet, 5, 640, 3)).double().eval()
    trunk, x = network.trunk, normal(4, 5, 640)
    y = F.conv2d(F.pad(x[:, None], (31, 32)), trunk.front.temporal.weight)
    y = trunk.front.spatial(trunk.front.temporal_norm(y)).squeeze(2)
    y = F.avg_pool1d(F.elu(trunk.front.spatial_norm(y)), 8)
    y = F.conv1d(F.pad(y, (7, 8)), trunk.second.depthwise.weight, groups=16)
    y = F.elu(trunk.second_norm(F.conv1d(y, trunk.second.pointwise.weight)))
    y = trunk.blocks(F.avg_pool1d(y, 8))[..., -1]
    torch.testing.assert_close(network(x), network.head(y), rtol=0, atol=1e-10)


# Filters of several lengths


class PlainMultiKernel(nn.Module):
    """The layers one by one: an image of one row of pixels for each channel."""

    def __init__(self, n_chans, n_filters, kernels, depth):
        super().__init__()
        n_temporal = n_filters * len(kernels)
        self.temporal = nn.ModuleList(
            nn.Sequential(
                nn.ZeroPad2d(((kernel - 1) // 2, kernel // 2, 0, 0)),
                nn.Conv2d(1, n_filters, (1, kernel), bias=False),
            )
            for kernel in kernels
        )
        self.temporal_norm = nn.BatchNorm2d(n_temporal)
        n_outputs = n_temporal * depth
        self.spatial = nn.Conv2d(n_temporal, n_outputs, (n_chans, 1), groups=n_temporal, bias=False)
        self.spatial_norm = nn.BatchNorm1d(n_outputs)

    def forward(self, x):
        y = torch.cat([filters(x[:, None]) for filters in self.temporal], dim=1)
        return self.spatial_norm(self.spatial(self.temporal_norm(y)).squeeze(2))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kernels", [(20, 32, 64), (5, 8), (7,)])
@pytest.mark.parametrize("n_chans", [1, 9])
def test_filters_of_several_lengths_equal_the_plain_layers(n_chans, kernels, training):
    plain = randomize(PlainMultiKernel(n_chans, 3, kernels, 2)).double()
    front = MultiKernelTemporalSpatial(n_chans, 3, kernels, 2).double()
    states = zip(front.state_dict().values(), plain.state_dict().values(), strict=True)
    for ours, theirs in states:
        ours.copy_(theirs)
    x = normal(6, n_chans, 150)
    outputs = [module.train(training)(x) for module in (front, plain)]
    torch.testing.assert_close(*outputs, rtol=0, atol=1e-10)
    for output in outputs:
        output.pow(3).sum().backward()
    for ours, theirs in zip(front.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-9, atol=1e-9)
    for ours, theirs in zip(front.buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


def test_hooks_on_filters_of_several_lengths_are_obeyed():
    front = MultiKernelTemporalSpatial(9, 3, (5, 8), 2).eval()
    x = torch.randn(2, 9, 100)
    expected = front(x)
    for filters in front.temporal.filters:
        handle = filters.register_forward_hook(lambda layer, args, output: 0 * output)
        assert not torch.allclose(front(x), expected)
        handle.remove()
    torch.testing.assert_close(front(x), expected)


# Causal convolutions


@pytest.mark.parametrize("groups", [1, 3])
def test_causal_convolution_is_that_of_torch(groups):
    layer = CausalConv(6, 9, 4, dilation=2, groups=groups).double()
    x = normal(2, 6, 30).requires_grad_()
    expected = F.conv1d(x, layer.weight, layer.bias, padding=6, dilation=2, groups=groups)
    torch.testing.assert_close(layer(x), expected[..., :30])


@pytest.mark.parametrize(("in_channels", "groups"), [(4, 1), (8, 1), (8, 2)])
def test_temporal_conv_net_sees_the_past_only(in_channels, groups):
    network = TemporalConvNet(in_channels, 8, 3, n_blocks=3, groups=groups).double().eval()
    x = normal(2, in_channels, 60).requires_grad_()
    network(x)[..., 40].sum().backward()
    reach = 2 * 2 * (1 + 2 + 4)  # two convolutions a block, of two taps more than one
    sees = x.grad.abs().sum((0, 1)) > 0
    assert torch.equal(sees.nonzero().squeeze(1), torch.arange(40 - reach, 41))


def test_groups_of_a_temporal_conv_net_do_not_mix():
    network = TemporalConvNet(8, 8, 3, n_blocks=2, groups=2).double().eval()
    x = normal(2, 8, 20).requires_grad_()
    network(x)[:, :4].sum().backward()
    assert (x.grad[:, :4] != 0).any()
    assert (x.grad[:, 4:] == 0).all()


# Attention


@pytest.mark.parametrize("n_key_heads", [None, 2, 1])
def test_self_attention_is_that_of_torch(n_key_heads):
    layer = SelfAttention(24, 4, n_key_heads).double()
    x, n_shared = normal(3, 10, 24), 4 // (n_key_heads or 4)

    def heads(values):
        return values.unflatten(2, (-1, 6)).transpose(1, 2)

    key, value = map(heads, layer.key_value(x).chunk(2, dim=2))
    key, value = (tensor.repeat_interleave(n_shared, dim=1) for tensor in (key, value))
    context = F.scaled_dot_product_attention(heads(layer.query(x)), key, value)
    torch.testing.assert_close(layer(x), layer.output(context.transpose(1, 2).flatten(2)))


def test_rotary_attention_depends_on_positions():
    torch.manual_seed(0)
    x = normal(3, 10, 24)
    for rotary in (False, True):
        layer = SelfAttention(24, 2, rotary=rotary).double()
        is_same = torch.allclose(layer(x.flip(1)).flip(1), layer(x))
        assert is_same is not rotary


def test_windowed_attention_is_attention_in_each_window():
    layer = randomize(WindowedSelfAttention(6, n_windows=3, n_heads=2, head_size=4)).double()
    x = normal(2, 6, 11)
    for window, output in enumerate(layer(x).chunk(3, dim=1)):
        tokens = x[..., window : window + 9].transpose(1, 2)
        norm = layer.norm_weight[window, 0], layer.norm_bias[window, 0]
        maps = layer.query_key_value
        heads = F.linear(
            F.layer_norm(tokens, (6,), *norm, eps=1e-6), maps.weight[window], maps.bias[window, 0]
        )
        query, key, value = heads.unflatten(2, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        context = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        expected = F.linear(context, layer.output.weight[window], layer.output.bias[window, 0])
        torch.testing.assert_close(output, (tokens + expected).transpose(1, 2))


def test_windows_that_do_not_fit():
    with pytest.raises(RuntimeError, match="n_times=2 is too short for 3 windows"):
        WindowedSelfAttention(6, n_windows=3, n_heads=2, head_size=4)(torch.zeros(2, 6, 2))


def test_group_attention_has_one_weight_for_each_group():
    layer = randomize(GroupAttention(12, n_groups=3, reduction=2)).double()
    x = normal(4, 12, 20)
    weights = (layer(x) / x).unflatten(1, (3, 4))
    torch.testing.assert_close(weights, weights[:, :, :1, :1].expand_as(weights))
    assert ((weights > 0) & (weights < 1)).all()
    assert layer.weights.hidden.out_channels == 6


def test_mean_of_linear_is_the_mean_of_dense_layers():
    layer = MeanOfLinear(3, 4, 2).double()
    x = normal(5, 12)
    outputs = [
        F.linear(part, weight, bias)
        for part, weight, bias in zip(
            x.chunk(3, 1), layer.weight.chunk(3), layer.bias.chunk(3), strict=True
        )
    ]
    torch.testing.assert_close(layer(x), torch.stack(outputs).mean(0))


def test_drop_path_drops_whole_trials():
    torch.manual_seed(0)
    x = torch.ones(1000, 3, 4)
    y = DropPath(0.25)(x).flatten(1)
    assert (y == y[:, :1]).all()
    assert y.unique().tolist() == [0, pytest.approx(4 / 3)]
    assert (y[:, 0] == 0).float().mean().item() == pytest.approx(0.25, abs=0.05)
    assert DropPath(0.25).eval()(x) is x
    assert DropPath(0.0)(x) is x


def test_stochastic_depth_of_tcformer_grows_quadratically():
    module = build(TCFormer, 3, 100, 2, n_layers=5, path_dropout=0.32)
    paths = [layer.dropout.p for layer in module.modules() if isinstance(layer, DropPath)]
    np.testing.assert_allclose(paths, np.repeat([0, 0.02, 0.08, 0.18, 0.32], 2))
    single = build(TCFormer, 3, 100, 2, n_layers=1)
    assert {layer.dropout.p for layer in single.modules() if isinstance(layer, DropPath)} == {0}


def test_fusion_of_the_windows():
    average, concatenate = (
        randomize(build(ATCNet, 3, 700, 2, fusion=fusion)).eval()
        for fusion in ("average", "concatenate")
    )
    with torch.no_grad():  # the mean of the windows' outputs is one product with all features
        weight = average.head.weight.unflatten(0, (5, 2)).transpose(0, 1).flatten(1)
        concatenate.load_state_dict(
            {
                **average.state_dict(),
                "head.weight": weight / 5,
                "head.bias": average.head.bias.view(5, 2).mean(0),
            }
        )
        x = torch.randn(4, 3, 700)
        torch.testing.assert_close(average(x), concatenate(x))


def test_eegtcnet_of_braindecode_is_not_factorised():
    front = build(EEGTCNet, 3, 700, 2, form="braindecode").trunk.front
    assert not isinstance(front, TemporalSpatial)
    assert front(torch.zeros(2, 3, 700)).shape == (2, 16, 701)
