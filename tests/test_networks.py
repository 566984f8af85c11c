"""EEGNet against its paper and against plain layers, and whatever network users bring."""

import copy
import functools
import re
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import skorch.callbacks
import torch
from torch import nn

import eegsk
from eegsk import EEGClassifier, EEGNetClassifier, EEGNetRegressor, EEGRegressor, Signal
from eegsk.blocks import make_activation, max_norm, project_max_norm
from eegsk.networks import EEGNet, build_network

from .networks import Recurrent, linear, small

GUIDE_SHAPES = [(22, 1000, 4), (3, 1000, 2), (64, 480, 2)]
LABORATORY = {
    "n_filters": 16,
    "kernel": 51,
    "depth": 2,
    "second_kernel": 15,
    "separable": False,
    "dropout": 0.25,
    "spatial_max_norm": None,
    "head_max_norm": None,
}


def build(n_chans, n_times, n_outputs, **fields):
    return EEGNet(**fields).build(Signal(n_chans=n_chans, n_times=n_times), n_outputs)


def n_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


class MaxNorms(skorch.callbacks.Callback):
    """Record the norms of bounded weights after each training step."""

    def on_train_begin(self, net, **kwargs):
        self.spatial_, self.head_ = [], []

    def on_batch_end(self, net, training=False, **kwargs):
        network = net.module_.network
        weights = network.trunk.front.spatial.weight, network.head.weight
        for seen, weight in zip((self.spatial_, self.head_), weights, strict=True):
            seen.append(weight.detach().flatten(1).norm(dim=1))


# The user guide


def test_table_of_the_user_guide_has_every_network_and_its_parameters():
    guide = Path(eegsk.__file__).parents[1] / "docs" / "user_guide" / "networks.md"
    rows = re.findall(
        r"^\| `(\w+)` \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|", guide.read_text(), re.M
    )
    table = {name: [int(count.replace(",", "")) for count in counts] for name, *counts in rows}
    assert set(table) == set(eegsk.networks.__all__) - {"Architecture", "build_network"}
    for name, counts in table.items():
        network = getattr(eegsk.networks, name)()
        for (n_chans, n_times, n_outputs), count in zip(GUIDE_SHAPES, counts, strict=True):
            module = network.build(Signal(n_chans=n_chans, n_times=n_times), n_outputs)
            assert n_parameters(module) == count, name


# EEGNet against the paper


@pytest.mark.parametrize(
    ("n_chans", "n_times", "n_outputs", "expected"),
    [
        (22, 1000, 4, 3444),
        (64, 480, 2, 2610),
        (64, 480, 80, 21408),
        (2, 750, 2, 1874),
        (129, 200, 1, 3265),
    ],
)
def test_number_of_parameters(n_chans, n_times, n_outputs, expected):
    assert n_parameters(build(n_chans, n_times, n_outputs)) == expected


def test_number_of_parameters_of_the_laboratory_form():
    network = build(2, 750, 2, **LABORATORY)
    assert n_parameters(network) == 17874
    assert network.head.in_features == 736
    assert network.trunk.front.reach == (25, 25)


def test_fields_of_the_estimator_reach_its_network(X, y):
    fields = {
        "n_filters": 3,
        "kernel": 7,
        "depth": 4,
        "pool": 3,
        "second_n_filters": 5,
        "second_kernel": 9,
        "second_pool": 2,
        "separable": False,
        "dropout": 0.125,
        "spatial_max_norm": 0.75,
        "head_max_norm": 0.5,
    }
    network = EEGNetClassifier(**fields, max_epochs=1).fit(X, y).module_.network
    trunk = network.trunk
    assert trunk.front.temporal.weight.shape == (3, 1, 1, 7)
    assert trunk.front.spatial.weight.shape == (12, 1, 3, 1)
    assert trunk.second.weight.shape == (5, 12, 9)
    assert trunk.dropout.p == trunk.second_dropout.p == 0.125
    assert (trunk.front.spatial.max_norm, network.head.max_norm) == (0.75, 0.5)
    assert network.head.weight.shape == (2, 5 * (48 // 3 // 2))


# EEGNet against plain layers


def same(kernel):
    """Pad as Keras does, one further ahead if the kernel is even."""
    return nn.ZeroPad2d(((kernel - 1) // 2, kernel // 2, 0, 0))


def reference(n_chans, n_times, n_outputs, activation, fields):
    """Arrange the layers of the paper, images of one row of pixels for each electrode."""
    n_sources = fields.n_filters * fields.depth
    n_second = fields.second_n_filters or n_sources
    kernel, second_kernel = fields.kernel, fields.second_kernel
    if fields.separable:
        second = [
            nn.Conv2d(n_sources, n_sources, (1, second_kernel), groups=n_sources, bias=False),
            nn.Conv2d(n_sources, n_second, 1, bias=False),
        ]
    else:
        second = [nn.Conv2d(n_sources, n_second, (1, second_kernel), bias=False)]
    return nn.Sequential(
        nn.Unflatten(1, (1, n_chans)),
        same(kernel),
        nn.Conv2d(1, fields.n_filters, (1, kernel), bias=False),
        nn.BatchNorm2d(fields.n_filters),
        nn.Conv2d(fields.n_filters, n_sources, (n_chans, 1), groups=fields.n_filters, bias=False),
        nn.BatchNorm2d(n_sources),
        activation(),
        nn.AvgPool2d((1, fields.pool)),
        nn.Dropout(fields.dropout),
        same(second_kernel),
        *second,
        nn.BatchNorm2d(n_second),
        activation(),
        nn.AvgPool2d((1, fields.second_pool)),
        nn.Dropout(fields.dropout),
        nn.Flatten(),
        nn.Linear(n_second * (n_times // fields.pool // fields.second_pool), n_outputs),
    )


def twins(n_chans, n_times, n_outputs, activation=nn.ELU, **fields):
    """Return an EEGNet and its reference with the same random weights and running statistics."""
    fields = EEGNet(activation=activation, **fields)
    network = fields.build(Signal(n_chans=n_chans, n_times=n_times), n_outputs).double()
    plain = reference(n_chans, n_times, n_outputs, activation, fields).double()
    generator = torch.Generator().manual_seed(0)
    pairs = zip(network.state_dict().values(), plain.state_dict().values(), strict=True)
    for ours, theirs in pairs:
        if ours.is_floating_point():
            ours.copy_(torch.rand(ours.shape, generator=generator, dtype=ours.dtype) + 0.1)
            ours.mul_(torch.rand(ours.shape, generator=generator, dtype=ours.dtype))
        theirs.copy_(ours.view_as(theirs))
    return network, plain


def outcome(network, x, training):
    """Return output, gradients and buffers of a pass, whatever the layers are called."""
    output = network.train(training)(x)
    (output * torch.linspace(-1, 2, output.numel(), dtype=x.dtype).view_as(output)).sum().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    return [output.detach(), *gradients, *network.buffers()]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("shape", "fields"),
    [
        ((22, 250, 4), {}),
        ((3, 97, 2), {"kernel": 51, "pool": 3, "second_pool": 5}),
        ((1, 64, 1), {"n_filters": 4, "depth": 1, "second_n_filters": 7, "activation": nn.ReLU}),
        ((2, 150, 2), {**LABORATORY, "activation": functools.partial(nn.ELU, 0.2)}),
    ],
)
def test_equals_the_plain_layers_of_the_paper(shape, fields, training):
    network, plain = twins(*shape, **fields | ({"dropout": 0.0} if training else {}))
    x = torch.randn(7, *shape[:2], dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found, expected = outcome(network, x, training), outcome(plain, x, training)
    assert len(found) == len(expected)
    atol = 1e-10 * max(1.0, *(theirs.abs().max().item() for theirs in expected))
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs.view_as(ours), rtol=0, atol=atol)


# Activations


@pytest.mark.parametrize(
    ("activation", "made"),
    [
        ("relu", nn.ReLU),
        ("leaky_relu", nn.LeakyReLU),
        ("LeakyReLU", nn.LeakyReLU),
        ("elu", nn.ELU),
        ("GELU", nn.GELU),
        ("identity", nn.Identity),
        (nn.SiLU, nn.SiLU),
        (functools.partial(nn.ELU, alpha=0.2), nn.ELU),
        (lambda: nn.Hardtanh(-2, 2), nn.Hardtanh),
    ],
)
def test_each_place_gets_its_own_activation(activation, made):
    trunk = build(3, 64, 2, activation=activation).trunk
    assert type(trunk.activation) is type(trunk.second_activation) is made
    assert trunk.activation is not trunk.second_activation


def test_parameters_of_an_activation():
    trunk = build(3, 64, 2, activation=functools.partial(nn.ELU, alpha=0.2)).trunk
    assert trunk.activation.alpha == trunk.second_activation.alpha == 0.2


def test_activations_with_weights_are_trained_apart(X, y):
    trunk = small(EEGNetClassifier, activation="prelu", lr=0.1).fit(X, y).module_.network.trunk
    slopes = {trunk.activation.weight.item(), trunk.second_activation.weight.item()}
    assert len(slopes | {0.25}) == 3


@pytest.mark.parametrize(
    ("activation", "message"),
    [
        (nn.ELU(), "is a module; give its class or a functools.partial of it"),
        (lambda: 3, "returned int when called; it should return a torch.nn.Module"),
        (torch.relu, "relu"),
    ],
)
def test_activations_that_are_none(activation, message):
    with pytest.raises(TypeError, match=message) as error:
        make_activation(activation)
    assert "\n" not in str(error.value)


# Max-norm


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("limits", [(1.0, 0.25), (0.3, None), (None, 0.05)])
def test_max_norm_holds_after_each_step(optimizer, limits, X, y):
    bounds = dict(zip(("spatial_max_norm", "head_max_norm"), limits, strict=True))
    training = {"optimizer": optimizer, "lr": 100.0, "batch_size": 8, "callbacks": [MaxNorms()]}
    estimator = small(EEGNetClassifier, **bounds, **training).fit(X, y)
    spy = dict(estimator.net_.callbacks_)["maxnorms"]
    for seen, limit in zip((spy.spatial_, spy.head_), limits, strict=True):
        norms = torch.stack(seen)
        assert len(norms) == 6
        assert norms.isfinite().all()
        reached = norms.max().item()
        assert reached > 1 if limit is None else reached == pytest.approx(limit, rel=1e-5)


def test_weights_are_plain_parameters(X, y):
    module = small(EEGNetClassifier).fit(X, y).module_
    assert not any("parametrization" in name for name, _ in module.named_modules())
    weights = [module.network.trunk.front.spatial.weight, module.network.head.weight]
    assert all(type(weight) is nn.Parameter and weight.is_leaf for weight in weights)


def test_projection_keeps_directions_and_what_is_within():
    layer = max_norm(nn.Linear(4, 3), 1.0)
    before = torch.tensor([[0.1, 0, 0, 0], [0, 0, 0, 0], [3.0, 0, 4, 0]])
    with torch.no_grad():
        layer.weight.copy_(before)
    bias = layer.bias.clone()
    project_max_norm(nn.Sequential(layer, nn.Linear(3, 3)))
    assert torch.equal(layer.weight[:2], before[:2])
    torch.testing.assert_close(layer.weight[2], torch.tensor([0.6, 0, 0.8, 0]))
    assert torch.equal(layer.bias, bias)


# Windows that are too short


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier, EEGNetRegressor])
@pytest.mark.parametrize(
    ("fields", "shortest"),
    [
        ({}, 32),
        ({"pool": 8, "second_pool": 9}, 72),
        ({"pool": 100, "second_pool": 100}, 10_000),
        ({"pool": 3000}, 24_000),
    ],
)
def test_error_has_the_shortest_window(estimator_class, fields, shortest, y):
    estimator = estimator_class(**fields, max_epochs=1)
    with pytest.raises(ValueError, match="too short") as error:
        estimator.fit(np.zeros((24, 1, 20)), y)
    assert str(error.value) == (
        f"{estimator_class.__name__}: trials of 20 times are too short for this network, which "
        f"needs at least {shortest}; take longer windows, or smaller pools and kernels."
    )


@pytest.mark.parametrize("fields", [{}, {"pool": 8, "second_pool": 9}])
def test_the_shortest_window_is_the_shortest(fields):
    with pytest.raises(ValueError, match="too short") as error:
        build_network(EEGNet(**fields).build, Signal(n_chans=2, n_times=3), 2, "EEGNet")
    shortest = int(re.search(r"at least (\d+)", str(error.value)).group(1))
    build_network(EEGNet(**fields).build, Signal(n_chans=2, n_times=shortest), 2, "EEGNet")
    with pytest.raises(ValueError, match=f"trials of {shortest - 1} times are too short"):
        build_network(EEGNet(**fields).build, Signal(n_chans=2, n_times=shortest - 1), 2, "EEGNet")


def test_an_error_of_the_network_itself_is_not_taken_for_short_windows(X, y):
    def broken(n_chans, n_times, n_outputs):
        return nn.Sequential(nn.Flatten(), nn.Linear(n_chans * n_times + 1, n_outputs))

    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        EEGClassifier(network=broken).fit(X, y)


# Networks of others


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (lambda n_chans, n_times, n_outputs: nn.Flatten(), "(2, 144)"),
        (lambda n_chans, n_times, n_outputs: nn.Linear(n_times, n_outputs), "(2, 3, 2)"),
        (lambda n_chans, n_times, n_outputs: linear(n_chans, n_times, n_outputs + 1), "(2, 3)"),
    ],
)
def test_a_network_that_returns_another_shape(network, shape, X, y):
    message = f"EEGClassifier: the network returned shape {shape} for 2 trials; it should return"
    with pytest.raises(ValueError, match=re.escape(message)):
        EEGClassifier(network=network).fit(X, y)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda n_chans, n_times, n_outputs: "linear", "The network is a str; it should be"),
        (lambda n_chans, n_times, n_outputs: nn.LSTM(n_times, n_outputs), "tuple"),
        (lambda n_chans, n_times: nn.Flatten(), "n_outputs"),
    ],
)
def test_networks_that_are_none(network, message, X, y):
    with pytest.raises(TypeError, match=message) as error:
        EEGClassifier(network=network).fit(X, y)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("estimator_class", [EEGClassifier, EEGRegressor])
def test_a_network_that_needs_single_precision(estimator_class, X, y):
    estimator = estimator_class(network=Recurrent, max_epochs=3, random_state=0).fit(X, y)
    assert estimator.predict(X).shape == (24,)
    np.testing.assert_allclose(
        estimator._output(X[::-1])[::-1], estimator._output(X), rtol=0, atol=1e-5
    )


def test_network_params_reach_the_network(X, y):
    estimator = EEGClassifier(network=Recurrent, network_params={"n_hidden": 7}, max_epochs=1)
    assert estimator.fit(X, y).module_.network.lstm.hidden_size == 7
    estimator.set_params(network_params__n_hidden=5)
    assert estimator.fit(X, y).module_.network.lstm.hidden_size == 5


def test_a_network_without_parameters_for_the_signal_is_not_given_them(X, y):
    seen = []

    def network(**told):
        seen.append(set(told))
        return linear(**told)

    EEGClassifier(network=network, max_epochs=1).fit(X, y)
    assert seen == [{"n_chans", "n_times", "n_outputs"}]


def test_fit_leaves_a_network_that_the_factory_keeps_alone(X, y):
    kept = linear(3, 48, 2)
    before = copy.deepcopy(kept.state_dict())
    factory = functools.partial(copy.deepcopy, kept)
    estimator = EEGClassifier(network=lambda **_: factory(), max_epochs=1).fit(X, y)
    assert isinstance(before, OrderedDict)
    assert all(torch.equal(before[name], value) for name, value in kept.state_dict().items())
    assert estimator.module_.network is not kept
