"""Check the networks against their papers, plain layers and braindecode."""

import copy
import functools
import importlib
import pickle
import re
import warnings
from dataclasses import fields

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import eegsk
from eegsk import Signal
from eegsk.blocks import (
    DenseTemporalSpatial,
    FeatureAttention,
    MaxPool,
    MeanPool,
    SafeLog,
    SameConv,
    Square,
    WeightNormLinear,
)
from eegsk.networks import (
    AdvancedEEGNet,
    CompactCNN,
    DeepConvNet,
    EEGNet,
    EEGNeX,
    EEGNeXMini,
    ShallowConvNet,
    build_network,
)

from .networks import small

DEEP4 = {"kernel": 10, "pool": 3}
NETWORKS = [AdvancedEEGNet, CompactCNN, DeepConvNet, EEGNeX, EEGNeXMini, ShallowConvNet]


def build(network, n_chans, n_times, n_outputs, **fields):
    return network(**fields).build(Signal(n_chans=n_chans, n_times=n_times), n_outputs)


def normal(*shape, dtype=torch.float64, seed=0):
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def randomize(module):
    """Set parameters and running statistics to random values."""
    for number, tensor in enumerate(module.state_dict().values()):
        if tensor.is_floating_point():
            values = torch.rand(tensor.shape, generator=torch.Generator().manual_seed(number))
            tensor.copy_(values / (1 + tensor[0].numel()) ** 0.5 + 0.1 * (tensor.dim() == 1))
    return module


def outcome(module, forward, x, training=True):
    """Return output, gradients and buffers after one pass through a copy of a module."""
    module, x = copy.deepcopy(module).train(training), x.clone().requires_grad_()
    y = forward(module, x)
    (y * torch.linspace(-1, 2, y.numel(), dtype=y.dtype).sin().view(y.shape)).sum().backward()
    gradients = {f"grad of {name}": p.grad for name, p in module.named_parameters()}
    return {"output": y.detach(), "grad of x": x.grad, **gradients, **dict(module.named_buffers())}


def assert_same(actual, expected, atol=1e-10):
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        scale = max(1.0, value.abs().max().item())
        torch.testing.assert_close(
            actual[name], value, rtol=0, atol=atol * scale, msg=lambda m, n=name: f"{n}: {m}"
        )


# The papers


@pytest.mark.parametrize(
    ("network", "shape", "expected", "fields"),
    [
        (EEGNet, (22, 1000, 4), 3444, {}),
        (EEGNet, (64, 480, 2), 2610, {}),
        (EEGNet, (64, 480, 80), 21408, {}),
        (EEGNet, (2, 750, 2), 1874, {}),
        (EEGNet, (129, 200, 1), 3265, {}),
        (DeepConvNet, (2, 750, 2), 150977, {}),
        (DeepConvNet, (22, 1000, 4), 192679, {}),
        (DeepConvNet, (64, 480, 2), 182927, {}),
        (ShallowConvNet, (22, 1000, 4), 46084, {}),
        (EEGNeX, (129, 200, 1), 62353, {}),
        (EEGNeX, (22, 1000, 4), 56452, {}),
        (EEGNeX, (64, 480, 2), 58386, {}),
        (EEGNeX, (2, 750, 2), 54546, {}),
        (EEGNeXMini, (72, 500, 1), 1073, {}),
        (EEGNeXMini, (104, 1000, 8), 2008, {"kernel": 64, "second_n_filters": 32}),
        (CompactCNN, (129, 200, 1), 74753, {}),
        (AdvancedEEGNet, (64, 480, 80), 210192, {}),
        (AdvancedEEGNet, (22, 1000, 4), 198968, {}),
    ],
)
def test_number_of_parameters(network, shape, expected, fields):
    parameters = build(network, *shape, **fields).parameters()
    assert sum(parameter.numel() for parameter in parameters if parameter.requires_grad) == expected


def test_inputs_of_the_head_of_deep_conv_net():
    assert build(DeepConvNet, 2, 750, 2).head.in_features == 8600


def sizes(network, n_chans, n_times, names):
    """Return the shapes (n_signals, n_times) of the outputs of layers for one trial."""
    shapes = {}
    for name in names:
        layer = network.get_submodule(f"trunk.{name}")
        layer.register_forward_hook(
            lambda layer, x, y, name=name: shapes.update({name: tuple(y.shape[1:])})
        )
    network.eval()(torch.zeros(1, n_chans, n_times))
    return [shapes[name] for name in names]


def test_layer_sizes_of_deep4net():
    """Figure 1 of the paper has the sizes for 44 channels and 534 time points."""
    network = build(DeepConvNet, 44, 534, 4, **DEEP4)
    names = [f"{stage}.{layer}" for stage in ("first", "second", "third", "fourth")
             for layer in ("filters", "pool")]  # fmt: skip
    assert sizes(network, 44, 534, names) == [
        *[(25, 525), (25, 175)],
        *[(50, 166), (50, 55)],
        *[(100, 46), (100, 15)],
        *[(200, 6), (200, 2)],
    ]
    assert network.trunk.first.filters.temporal.weight.shape == (25, 1, 1, 10)
    assert network.trunk.first.filters.spatial.weight.shape == (25, 25, 44, 1)
    assert network.head.weight.shape == (4, 400)


def test_layer_sizes_of_shallow_conv_net():
    """Figure 2 of the paper has the sizes for 44 channels and 534 time points."""
    network = build(ShallowConvNet, 44, 534, 4)
    assert sizes(network, 44, 534, ["front", "pool"]) == [(40, 510), (40, 30)]
    assert network.trunk.front.temporal.weight.shape == (40, 1, 1, 25)
    assert network.trunk.front.spatial.weight.shape == (40, 40, 44, 1)
    assert network.head.weight.shape == (4, 1200)
    assert type(network.trunk.activation) is Square
    assert type(network.trunk.pool_activation) is SafeLog


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("n_chans", "n_outputs"), [(1, 1), (5, 7)])
def test_shape_of_the_output(network, n_chans, n_outputs):
    module = build_network(network().build, Signal(n_chans=n_chans, n_times=130), n_outputs, "it")
    assert module(normal(3, n_chans, 130, dtype=torch.float32)).shape == (3, n_outputs)


# Fields


def changed_value(value):
    """Return a value of a field that differs from its default."""
    if isinstance(value, str):
        return "tanh"
    return value / 2 + 0.05 if isinstance(value, float) else value + 1


def description(module):
    limits = [getattr(layer, "_max_norm_limit", None) for layer in module.modules()]
    return repr(module), limits, [tuple(weight.shape) for weight in module.parameters()]


@pytest.mark.parametrize(
    ("network", "field"),
    [
        (network, field)
        for network in NETWORKS
        for field in fields(network)
        if field.name != "activation_params"  # its keys depend on the activation
    ],
)
def test_every_field_changes_the_network(network, field):
    default = description(build(network, 3, 256, 2))
    changed = build(network, 3, 256, 2, **{field.name: changed_value(field.default)})
    assert description(changed) != default
    assert changed(torch.zeros(2, 3, 256)).shape == (2, 2)


# Number of activations of each network that the field ``activation`` sets.
N_ACTIVATIONS = {
    AdvancedEEGNet: 7,
    CompactCNN: 5,
    DeepConvNet: 4,
    EEGNeX: 2,
    EEGNeXMini: 2,
    ShallowConvNet: 1,
}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("activation", "params"),
    [
        ("leaky_relu", None),
        (nn.LeakyReLU, {"negative_slope": 0.3}),
        (functools.partial(nn.LeakyReLU, 0.3), {}),
    ],
)
def test_activations_are_separate_modules(network, activation, params):
    module = build(network, 3, 100, 2, activation=activation, activation_params=params)
    layers = [layer for layer in module.modules() if type(layer) is nn.LeakyReLU]
    assert len(layers) == len(set(map(id, layers))) == N_ACTIVATIONS[network]
    slope = 0.01 if params is None else 0.3
    assert {layer.negative_slope for layer in layers} == {slope}


def test_shallow_conv_net_without_a_logarithm():
    fields = {"activation": "elu", "pool_activation": "identity"}
    trunk = build(ShallowConvNet, 3, 100, 2, **fields).trunk
    assert (type(trunk.activation), type(trunk.pool_activation)) == (nn.ELU, nn.Identity)


def test_activations_of_eegsk_have_names():
    x = normal(2, 3, 100, dtype=torch.float32)
    by_name = randomize(build(EEGNet, 3, 100, 2, activation="square")).eval()
    by_class = randomize(build(EEGNet, 3, 100, 2, activation=Square)).eval()
    assert torch.equal(by_name(x), by_class(x))


@pytest.mark.filterwarnings("ignore:DeepConvNetClassifier. training diverged")
@pytest.mark.parametrize("limits", [(0.3, 0.2), (None, None)])
def test_max_norms_of_deep_conv_net(limits, X, y):
    limit, head_limit = limits
    estimator = small(
        eegsk.DeepConvNetClassifier,
        max_norm=limit,
        head_max_norm=head_limit,
        lr=10.0,
        optimizer="sgd",
    )
    network = estimator.fit(X, y).module_.network
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv1d | nn.Conv2d)]
    norms = torch.cat([layer.weight.detach().flatten(1).norm(dim=1) for layer in layers])
    head_norms = network.head.weight.detach().norm(dim=1)
    assert len(layers) == 5
    for values, expected in ((norms, limit), (head_norms, head_limit)):
        largest = values.max().item()
        assert largest > 0.5 if expected is None else largest == pytest.approx(expected, rel=1e-5)


# Windows that are too short


SHORTEST = [
    ("DeepConvNet", {}, 76),
    ("DeepConvNet", DEEP4, 441),
    ("ShallowConvNet", {}, 99),
    ("ShallowConvNet", {"kernel": 3, "pool": 40, "pool_stride": 7}, 42),
    ("EEGNeX", {"n_filters": 1, "second_n_filters": 1}, 22),
]


@pytest.mark.parametrize(("name", "fields", "shortest"), SHORTEST)
def test_error_names_the_shortest_window(name, fields, shortest, y):
    estimator = getattr(eegsk, f"{name}Classifier")(**fields)
    message = f"{name}Classifier: trials of 9 time points are too short for this network, which "
    with pytest.raises(ValueError, match=re.escape(f"{message}needs at least {shortest};")):
        estimator.fit(np.random.default_rng(0).standard_normal((24, 1, 9)), y)
    build(type(estimator), 1, shortest, 2, **fields)


@pytest.mark.parametrize("network", [AdvancedEEGNet, CompactCNN, EEGNeXMini])
def test_networks_with_global_average_pooling_take_any_window(network):
    assert build(network, 2, 1, 3).eval()(torch.zeros(2, 2, 1)).shape == (2, 3)


# Plain layers


def test_order_of_the_dense_front_end_is_chosen_by_cost():
    def plain_is_cheaper(n_chans, *fields):
        return DenseTemporalSpatial(n_chans, *fields)._plain_is_cheaper(
            torch.zeros(1, n_chans, 100)
        )

    assert plain_is_cheaper(64, 1, 25, 40)
    assert not plain_is_cheaper(64, 40, 25, 40)
    assert not plain_is_cheaper(2, 25, 5, 25)


def test_dense_front_end_has_the_parameters_of_the_plain_layers():
    shapes = {
        name: tuple(w.shape) for name, w in DenseTemporalSpatial(5, 2, 3, 4).named_parameters()
    }
    assert shapes == {
        "temporal.weight": (2, 1, 1, 3),
        "temporal.bias": (2,),
        "spatial.weight": (4, 2, 5, 1),
        "spatial.bias": (4,),
    }


def mini_layers(fields, n_chans, n_outputs):
    return nn.Sequential(
        nn.Unflatten(1, (1, n_chans)),
        nn.Conv2d(1, fields.n_filters, (1, fields.kernel), padding=(0, fields.kernel // 2)),
        nn.BatchNorm2d(fields.n_filters),
        nn.Conv2d(fields.n_filters, fields.n_filters, (n_chans, 1), groups=fields.n_filters),
        nn.BatchNorm2d(fields.n_filters),
        nn.Conv2d(fields.n_filters, fields.second_n_filters, 1),
        nn.BatchNorm2d(fields.second_n_filters),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(fields.second_n_filters, n_outputs),
    )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kernel", [6, 7, 32])
def test_eegnex_mini_equals_the_plain_layers(kernel, training):
    fields = EEGNeXMini(kernel=kernel)
    plain = mini_layers(fields, 5, 2).double()
    network = fields.build(Signal(n_chans=5, n_times=40), 2).double()
    copy_layers(randomize(plain), network)
    x = normal(6, 5, 40)
    for trained in (network, plain):
        trained.train(training)(x).square().sum().backward()
    torch.testing.assert_close(network(x), plain(x), rtol=0, atol=1e-10)
    for ours, theirs in zip(network.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad.view_as(ours), rtol=0, atol=1e-10)
    for ours, theirs in zip(network.buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (MeanPool(75, 15), nn.AvgPool1d(75, 15)),
        (MeanPool(6, 4), nn.AvgPool1d(6, 4)),
        (MeanPool(5, 3), nn.AvgPool1d(5, 3)),
        (MeanPool(4, 7), nn.AvgPool1d(4, 7)),
        (MeanPool(4, padding=1), nn.AvgPool1d(4, padding=1)),
        (MeanPool(8, 4, padding=3), nn.AvgPool1d(8, 4, padding=3)),
        (MaxPool(1), nn.MaxPool1d(1)),
        (MaxPool(2), nn.MaxPool1d(2)),
        (MaxPool(3), nn.MaxPool1d(3)),
        (SameConv(4, 3, 16, dilation=2), nn.Conv1d(4, 3, 16, dilation=2, padding=15, bias=False)),
        (
            SameConv(4, 4, 5, dilation=3, groups=4),
            nn.Conv1d(4, 4, 5, 1, 6, 3, groups=4, bias=False),
        ),
    ],
)
@pytest.mark.parametrize("n_times", [76, 100])
def test_layers_equal_those_of_torch(ours, theirs, n_times):
    ours, theirs = randomize(ours.double()), randomize(theirs.double())
    x = normal(2, 4, n_times)
    assert_same(outcome(ours, type(ours).__call__, x), outcome(theirs, type(theirs).__call__, x))


@pytest.mark.parametrize(
    ("pool", "message"),
    [
        (MaxPool(5), "Invalid computed output size: 0"),
        (MeanPool(5), "n_times=3 is too short to pool over windows of 5 samples"),
        (MeanPool(5, 2), "Output size is too small"),
        (MeanPool(6, padding=1), "length must be non-negative"),
    ],
)
def test_error_if_there_are_too_few_samples_to_pool(pool, message):
    with pytest.raises(RuntimeError, match=message):
        pool(torch.zeros(2, 3, 3))


def test_the_first_of_equal_maxima_gets_the_gradient():
    x = torch.zeros(1, 1, 6, requires_grad=True)
    MaxPool(3)(x).sum().backward()
    assert x.grad.flatten().tolist() == [1, 0, 0, 1, 0, 0]


def test_max_pooling_propagates_nan():
    x = torch.tensor([[[1.0, torch.nan, 2.0, 3.0]]])
    for with_gradients in (False, True):
        x.requires_grad_(with_gradients)
        torch.testing.assert_close(MaxPool(2)(x), nn.MaxPool1d(2)(x), equal_nan=True)


def test_outputs_of_max_pooling_can_be_changed_in_place():
    x = torch.randn(2, 3, 8, requires_grad=True)
    for size in (1, 2):
        nn.Sequential(nn.Conv1d(3, 3, 1), MaxPool(size), nn.ReLU(inplace=True))(x).sum().backward()
    with torch.no_grad():
        copied = x.clone()
        MaxPool(1)(x).relu_()
        torch.testing.assert_close(x, copied, rtol=0, atol=0)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated:DeprecationWarning")
def test_max_pooling_can_be_traced_and_saved(tmp_path):
    pool, x = MaxPool(3), normal(2, 3, 9)
    with torch.no_grad():
        torch.jit.save(torch.jit.trace(pool, x), tmp_path / "pool.pt")
        torch.testing.assert_close(torch.jit.load(tmp_path / "pool.pt")(x), pool(x))


def test_second_derivatives_of_max_pooling():
    x = normal(2, 3, 9).requires_grad_()
    torch.autograd.gradgradcheck(lambda x: MaxPool(2)(x) ** 3, x)


def test_weight_normalisation_equals_that_of_torch():
    torch.manual_seed(0)
    ours, theirs = WeightNormLinear(6, 4).double(), nn.Linear(6, 4).double()
    theirs.load_state_dict({"weight": ours.weight, "bias": ours.bias})
    x = normal(5, 6)
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=1e-6)  # a gain of single precision
    theirs = nn.utils.parametrizations.weight_norm(theirs)
    with torch.no_grad():
        ours.gain.copy_(torch.arange(1, 5))
        theirs.parametrizations.weight.original0.copy_(torch.arange(1, 5)[:, None])
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=1e-12)
    (ours(x) ** 3).sum().backward()
    (theirs(x) ** 3).sum().backward()
    gain, direction = theirs.parametrizations.weight.parameters()
    torch.testing.assert_close(ours.gain.grad, gain.grad.squeeze(1), rtol=0, atol=1e-10)
    torch.testing.assert_close(ours.weight.grad, direction.grad, rtol=0, atol=1e-10)


def test_attention_weighs_maps_and_time_points_of_each_trial():
    attention = randomize(FeatureAttention(8, 5, 4, "gelu")).eval()
    x = normal(3, 8, 50, dtype=torch.float32)
    mask = (attention(x) - attention.residual(x)) / x
    layers = attention.mask
    hidden = F.gelu(layers.norm(layers.convolution(x)))
    expected = layers.mixture_norm(layers.mixture(hidden)).sigmoid()
    torch.testing.assert_close(mask, expected, rtol=1e-3, atol=1e-4)
    assert ((expected > 0) & (expected < 1)).all()
    assert min(expected.std(dim).min() for dim in range(3)) > 0
    assert layers.convolution.out_channels == 2
    assert FeatureAttention(2, 5, 4, "gelu").mask.convolution.out_channels == 1


def test_advanced_eegnet_normalises_every_convolution():
    """Each is followed by batch normalisation and GELU, but for factors of one convolution."""
    kinds = [type(layer).__name__ for layer in build(AdvancedEEGNet, 3, 256, 2).trunk.modules()]
    shown = {"TemporalSpatial", "SameConv", "Conv", "BatchNorm1d", "GELU", "Sigmoid"}
    assert [kind for kind in kinds if kind in shown] == [
        *["TemporalSpatial", "BatchNorm1d", "GELU"],
        *["SameConv", "BatchNorm1d", "GELU", "Conv", "BatchNorm1d", "Sigmoid"],  # the mask
        *["SameConv", "BatchNorm1d", "GELU"],  # the residual convolution
        *["SameConv", "Conv", "BatchNorm1d", "GELU"],  # the separable convolution
        *["Conv", "BatchNorm1d", "GELU"],  # the projection
    ]


# Braindecode


@pytest.fixture(scope="module")
def braindecode():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("braindecode")
        return importlib.import_module("braindecode.models")


@torch.no_grad()
def copy_layers(source, target):
    """Copy weights and running statistics, layer by layer; a missing bias is zero."""
    kinds = nn.Conv1d | nn.Conv2d | nn.Linear | nn.BatchNorm1d | nn.BatchNorm2d
    pairs = zip(
        *([m for m in module.modules() if isinstance(m, kinds)] for module in (source, target)),
        strict=True,
    )
    for theirs, ours in pairs:
        for name in ("weight", "bias", "running_mean", "running_var"):
            new, old = getattr(ours, name, None), getattr(theirs, name, None)
            if new is not None:
                new.copy_(0 * new if old is None else old.view_as(new))


@pytest.mark.parametrize(
    ("name", "shape", "network"),
    [
        ("EEGNeX", (5, 203, 3), EEGNeX()),
        ("EEGNeX", (1, 64, 2), EEGNeX(activation="elu")),
        ("Deep4Net", (4, 480, 3), DeepConvNet(**DEEP4)),
        ("Deep4Net", (2, 460, 2), DeepConvNet(**DEEP4)),
        ("ShallowFBCSPNet", (7, 260, 3), ShallowConvNet()),
        ("ShallowFBCSPNet", (2, 120, 2), ShallowConvNet()),
    ],
)
def test_same_logits_as_braindecode(braindecode, name, shape, network):
    n_chans, n_times, n_outputs = shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = getattr(braindecode, name)(n_chans=n_chans, n_times=n_times, n_outputs=n_outputs)
        randomize(theirs.double()).eval()
        x = normal(4, n_chans, n_times)
        expected = theirs(x)
    ours = network.build(Signal(n_chans=n_chans, n_times=n_times), n_outputs).double().eval()
    copy_layers(theirs, ours)
    assert expected.std(0).min() > 1e-3
    torch.testing.assert_close(ours(x), expected, rtol=1e-10, atol=1e-10)
    single = ours.float()(x.float()).double()
    torch.testing.assert_close(single, expected, rtol=1e-5, atol=1e-5)


# Pickles


@pytest.mark.parametrize("network", NETWORKS)
def test_modules_are_plain_and_pickle(network):
    module = randomize(build(network, 3, 100, 2)).eval()
    assert not any("parametrization" in name for name, _ in module.named_modules())
    x = normal(2, 3, 100, dtype=torch.float32)
    assert torch.equal(pickle.loads(pickle.dumps(module))(x), module(x))
