"""Check EEGNet against its paper and plain layers, and networks that users define."""

import copy
import functools
import re
from pathlib import Path

import numpy as np
import pytest
import skorch.callbacks
import torch
from torch import nn

import eegsk
from eegsk import (
    CompactCNNClassifier,
    EEGClassifier,
    EEGNetClassifier,
    EEGNetRegressor,
    EEGRegressor,
    Signal,
)
from eegsk.blocks import apply_max_norm, make_activation, with_max_norm
from eegsk.networks import EEGNet, _architecture, build_network

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
    """Record the norms of max-norm constrained weights after each training step."""

    def on_train_begin(self, net, **kwargs):
        self.spatial_, self.head_ = [], []

    def on_batch_end(self, net, training=False, **kwargs):
        network = net.module_.network
        weights = network.trunk.front.spatial.weight, network.head.weight
        for norms, weight in zip((self.spatial_, self.head_), weights, strict=True):
            norms.append(weight.detach().flatten(1).norm(dim=1))


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


# The paper


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
    assert (trunk.front.spatial._max_norm_limit, network.head._max_norm_limit) == (0.75, 0.5)
    assert network.head.weight.shape == (2, 5 * (48 // 3 // 2))


# Plain layers


def same(kernel):
    """Return zero padding as in Keras: one more zero after the signal if the kernel is even."""
    return nn.ZeroPad2d(((kernel - 1) // 2, kernel // 2, 0, 0))


def reference(n_chans, n_times, n_outputs, activation, fields):
    """Create the plain layers of the paper; a trial is an image with one row per channel."""
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
    """Return an EEGNet and its plain layers with equal random weights and running statistics."""
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
    """Return output, gradients and buffers after one pass, as lists without names."""
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
    actual, expected = outcome(network, x, training), outcome(plain, x, training)
    atol = 1e-10 * max(1.0, *(theirs.abs().max().item() for theirs in expected))
    for ours, theirs in zip(actual, expected, strict=True):
        torch.testing.assert_close(ours, theirs.view_as(ours), rtol=0, atol=atol)


# Activations


@pytest.mark.parametrize(
    ("activation", "expected"),
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
def test_activations_are_separate_modules(activation, expected):
    trunk = build(3, 64, 2, activation=activation).trunk
    assert type(trunk.activation) is type(trunk.second_activation) is expected
    assert trunk.activation is not trunk.second_activation


@pytest.mark.parametrize(
    ("activation", "params"),
    [("elu", {"alpha": 0.2}), (functools.partial(nn.ELU, alpha=0.2), None)],
)
def test_activation_with_parameters(activation, params):
    trunk = build(3, 64, 2, activation=activation, activation_params=params).trunk
    assert trunk.activation.alpha == trunk.second_activation.alpha == 0.2


@pytest.mark.parametrize(
    ("activation", "params", "message"),
    [
        ("elu", {"alfa": 0.2}, "activation_params={'alfa': 0.2}: ELU has no argument 'alfa'; "
                               "expected alpha or inplace."),
        ("identity", {"alpha": 1}, "Identity has no argument 'alpha'; it has no arguments."),
    ],
)  # fmt: skip
def test_error_if_the_activation_has_no_such_argument(activation, params, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        make_activation(activation, params)


def test_activations_with_weights_are_trained_separately(X, y):
    trunk = small(EEGNetClassifier, activation="prelu", lr=0.1).fit(X, y).module_.network.trunk
    slopes = {trunk.activation.weight.item(), trunk.second_activation.weight.item()}
    assert len(slopes | {0.25}) == 3


@pytest.mark.parametrize(
    ("activation", "message"),
    [
        (nn.ELU(), "is a module; use its class, with its arguments in activation_params"),
        (lambda: 3, "returned int when called; it should return a torch.nn.Module"),
        (torch.relu, "relu"),
    ],
)
def test_error_if_activation_is_invalid(activation, message):
    with pytest.raises(TypeError, match=message) as error:
        make_activation(activation)
    assert "\n" not in str(error.value)


# Max-norm


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("limits", [(1.0, 0.25), (0.3, None), (None, 0.05)])
def test_max_norm_after_each_step(optimizer, limits, X, y):
    bounds = dict(zip(("spatial_max_norm", "head_max_norm"), limits, strict=True))
    training = {"optimizer": optimizer, "lr": 100.0, "batch_size": 8, "callbacks": [MaxNorms()]}
    estimator = small(EEGNetClassifier, **bounds, **training).fit(X, y)
    recorded = dict(estimator.net_.callbacks_)["maxnorms"]
    for steps, limit in zip((recorded.spatial_, recorded.head_), limits, strict=True):
        norms = torch.stack(steps)
        assert len(norms) == 6
        assert norms.isfinite().all()
        largest = norms.max().item()
        assert largest > 1 if limit is None else largest == pytest.approx(limit, rel=1e-5)


def test_weights_are_plain_parameters(X, y):
    module = small(EEGNetClassifier).fit(X, y).module_
    assert not any("parametrization" in name for name, _ in module.named_modules())
    weights = [module.network.trunk.front.spatial.weight, module.network.head.weight]
    assert all(type(weight) is nn.Parameter and weight.is_leaf for weight in weights)


def test_max_norm_keeps_directions_and_small_weights():
    layer = with_max_norm(nn.Linear(4, 3), 1.0)
    weight = torch.tensor([[0.1, 0, 0, 0], [0, 0, 0, 0], [3.0, 0, 4, 0]])
    with torch.no_grad():
        layer.weight.copy_(weight)
    bias = layer.bias.clone()
    apply_max_norm(nn.Sequential(layer, nn.Linear(3, 3)))
    assert torch.equal(layer.weight[:2], weight[:2])
    torch.testing.assert_close(layer.weight[2], torch.tensor([0.6, 0, 0.8, 0]))
    assert torch.equal(layer.bias, bias)


class ForeignLinear(nn.Linear):
    """A layer of another library that has its own use for the name ``max_norm``."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__(n_inputs, n_outputs)
        self.max_norm = 1e-3


class ForeignMaxNorm(nn.Module):
    """A parametrization as in braindecode: ``max_norm`` without a weight of its own."""

    max_norm = 1.0

    def forward(self, weight):
        return weight.renorm(2, 0, self.max_norm)


def test_foreign_layers_with_an_attribute_max_norm_are_left_alone():
    parametrized = nn.utils.parametrize.register_parametrization(
        nn.Linear(4, 3), "weight", ForeignMaxNorm()
    )
    network = nn.Sequential(ForeignLinear(4, 4), parametrized)
    before = copy.deepcopy(network.state_dict())
    apply_max_norm(network)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_network_with_foreign_max_norms_trains(X, y):
    def network(n_chans, n_times, n_outputs):
        layer = nn.utils.parametrize.register_parametrization(
            ForeignLinear(n_chans * n_times, n_outputs), "weight", ForeignMaxNorm()
        )
        return nn.Sequential(nn.Flatten(), layer)

    classifier = EEGClassifier(network=network, max_epochs=2, random_state=0).fit(X, y)
    norms = classifier.module_.network[1].weight.norm(dim=1)
    assert (norms > 0.1).all()
    assert (norms <= 1 + 1e-6).all()


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
def test_error_names_the_shortest_window(estimator_class, fields, shortest, y):
    estimator = estimator_class(**fields, max_epochs=1)
    with pytest.raises(ValueError, match="too short") as error:
        estimator.fit(np.random.default_rng(0).standard_normal((24, 1, 20)), y)
    assert str(error.value) == (
        f"{estimator_class.__name__}: trials of 20 time points are too short for this network, "
        f"which needs at least {shortest}; use longer trials, or shorter filters and pools."
    )


@pytest.mark.parametrize("fields", [{}, {"pool": 8, "second_pool": 9}])
def test_the_shortest_window_is_the_shortest(fields):
    with pytest.raises(ValueError, match="too short") as error:
        build_network(EEGNet(**fields).build, Signal(n_chans=2, n_times=3), 2, "EEGNet")
    shortest = int(re.search(r"at least (\d+)", str(error.value)).group(1))
    build_network(EEGNet(**fields).build, Signal(n_chans=2, n_times=shortest), 2, "EEGNet")
    with pytest.raises(ValueError, match=f"trials of {shortest - 1} time points are too short"):
        build_network(EEGNet(**fields).build, Signal(n_chans=2, n_times=shortest - 1), 2, "EEGNet")


def test_other_errors_of_a_network_are_not_attributed_to_short_windows(X, y):
    def broken(n_chans, n_times, n_outputs):
        return nn.Sequential(nn.Flatten(), nn.Linear(n_chans * n_times + 1, n_outputs))

    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        EEGClassifier(network=broken).fit(X, y)


# Networks that users define


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (lambda n_chans, n_times, n_outputs: nn.Flatten(), "(2, 144)"),
        (lambda n_chans, n_times, n_outputs: nn.Linear(n_times, n_outputs), "(2, 3, 2)"),
        (lambda n_chans, n_times, n_outputs: linear(n_chans, n_times, n_outputs + 1), "(2, 3)"),
    ],
)
def test_error_if_a_network_returns_an_unexpected_shape(network, shape, X, y):
    message = f"EEGClassifier: the network returned shape {shape} for 2 trials; it should return"
    with pytest.raises(ValueError, match=re.escape(message)):
        EEGClassifier(network=network).fit(X, y)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            lambda n_chans, n_times, n_outputs: "linear",
            "EEGClassifier: the network is a str; it should be",
        ),
        (
            lambda n_chans, n_times, n_outputs: nn.LSTM(n_times, n_outputs),
            "the network returns a tuple; it should",
        ),
        (lambda n_chans, n_times: nn.Flatten(), "n_outputs"),
    ],
)
def test_error_if_network_is_invalid(network, message, X, y):
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


def test_arguments_of_a_network_with_keyword_arguments(X, y):
    calls = []

    def network(**kwargs):
        calls.append(set(kwargs))
        return linear(**kwargs)

    EEGClassifier(network=network, max_epochs=1).fit(X, y)
    assert calls == [{"n_chans", "n_times", "n_outputs"}]


def test_fit_does_not_change_a_network_that_the_factory_copies(X, y):
    original = linear(3, 48, 2)
    state = copy.deepcopy(original.state_dict())
    factory = functools.partial(copy.deepcopy, original)
    estimator = EEGClassifier(network=lambda **_: factory(), max_epochs=1).fit(X, y)
    assert all(torch.equal(state[name], value) for name, value in original.state_dict().items())
    assert estimator.module_.network is not original


@pytest.mark.parametrize("stride", [100, 100_000])
def test_a_stride_longer_than_the_trials(stride, X, y):
    """Every long stride gives one time point, and the gradient takes no longer."""
    expected = small(CompactCNNClassifier, stride=60).fit(X, y).predict_proba(X)
    proba = small(CompactCNNClassifier, stride=stride).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(proba, expected)


def test_a_search_for_the_shortest_window_that_takes_too_long(monkeypatch):
    monkeypatch.setattr(_architecture, "_MAX_SECONDS", 0.0)
    message = (
        "^EEGNet: trials of 3 time points are too short for this network; use much longer trials, "
        "or shorter filters and pools.$"
    )
    with pytest.raises(ValueError, match=message):
        build_network(EEGNet().build, Signal(n_chans=2, n_times=3), 2, "EEGNet")
