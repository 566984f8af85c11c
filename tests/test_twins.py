"""Move weights between networks of eegsk and of braindecode; outputs are the same in evaluation."""

import importlib
import re
import warnings

import pytest
import torch
from torch.nn.utils import parametrize

import eegsk
from eegsk import EEGConformerClassifier, EEGTCNetClassifier, Signal
from eegsk.weights import braindecode_pairs

# Fields of eegsk, arguments of braindecode, numbers of channels, time points and classes.
TWINS = {
    "EEGTCNet": ({"form": "braindecode"}, {}, (5, 640, 3)),
    "EEGTCNet with padding of whole pools": ({"form": "braindecode"}, {}, (22, 1000, 4)),
    "EEGTCNet of three blocks": (
        {"form": "braindecode", "n_blocks": 3},
        {"depth": 3},
        (5, 640, 3),
    ),
    "ATCNet": ({}, {}, (22, 1000, 4)),
    "ATCNet for short trials": ({}, {}, (5, 480, 2)),
    "TCFormer": ({}, {}, (5, 640, 3)),
    "TCFormer with more layers": (
        {"n_layers": 3, "kernels": (16, 32)},
        {"n_transformer_layers": 3, "temp_kernel_lengths": (16, 32)},
        (5, 640, 3),
    ),
    "EEGConformer": ({"attention_scale": "head"}, {}, (5, 480, 3)),
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
def to_theirs(ours, theirs, pairs):
    """Copy weights and running statistics from eegsk to braindecode."""
    for pair in pairs:
        shapes = [tensor_of(theirs, name).shape for name in pair.sources]
        rows = tensor_of(ours, pair.target).reshape(sum(shape[0] for shape in shapes), -1)
        if pair.order is not None:
            rows = torch.empty_like(rows).index_copy(0, torch.tensor(pair.order), rows)
        parts = rows.split([shape[0] for shape in shapes])
        for name, shape, part in zip(pair.sources, shapes, parts, strict=True):
            assign(theirs, name, part.reshape(shape))


@torch.no_grad()
def randomize(network, pairs, seed):
    """Change weights and statistics of a network of eegsk; max-norm layers get small weights."""
    generator = torch.Generator().manual_seed(seed)
    for name in (pair.target for pair in pairs):
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
    """Return an estimator, the networks of eegsk and braindecode, their pairs, and trials."""
    fields, arguments, (n_chans, n_times, n_outputs) = TWINS[request.param]
    name = request.param.partition(" ")[0]
    signal = Signal(n_chans=n_chans, n_times=n_times)
    torch.manual_seed(0)
    estimator = getattr(eegsk, f"{name}Classifier")(standardize=None, device="cpu", **fields)
    ours = estimator.build(signal, n_outputs)
    shape = {"n_chans": n_chans, "n_times": n_times, "n_outputs": n_outputs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = getattr(braindecode, name)(**shape, **arguments)
    layers = {name for name, _ in theirs.named_modules()}
    pairs = braindecode_pairs(estimator, layers)
    return estimator, ours.eval(), theirs.eval(), pairs, 5 * torch.randn(8, n_chans, n_times)


def assert_same_outputs(ours, theirs, x):
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = theirs(x)
        assert expected.std(0).min() > 1e-3
        torch.testing.assert_close(ours(x), expected, rtol=0, atol=1e-5)
        exact = theirs.double()(x.double())
        torch.testing.assert_close(ours.double()(x.double()), exact, rtol=0, atol=1e-6)


def test_pairs_have_all_weights(twins):
    _, ours, theirs, pairs, _ = twins
    weights = [name for name, _ in ours.named_parameters()]
    statistics = [name for name, _ in ours.named_buffers() if "num_batches" not in name]
    assert sorted(pair.target for pair in pairs) == sorted([*weights, *statistics])
    n_theirs = sum(tensor_of(theirs, name).numel() for pair in pairs for name in pair.sources)
    buffers = {name: b for name, b in theirs.named_buffers() if "num_batches" not in name}
    assert n_theirs == sum(p.numel() for p in [*theirs.parameters(), *buffers.values()])


def load(estimator, weights, x, n_outputs):
    signal = Signal(n_chans=x.shape[1], n_times=x.shape[2])
    return estimator.load_weights(weights, signal=signal, classes=list(range(n_outputs)))


def test_weights_of_braindecode_give_the_same_outputs(twins):
    estimator, ours, theirs, pairs, x = twins
    randomize(ours, pairs, seed=1)
    to_theirs(ours, theirs, pairs)
    load(estimator, theirs.state_dict(), x, len(ours(x)[0]))
    assert_same_outputs(estimator.module_.network, theirs, x)


def test_our_weights_give_the_same_outputs_in_braindecode(twins):
    _, ours, theirs, pairs, x = twins
    randomize(ours, pairs, seed=2)
    to_theirs(ours, theirs, pairs)
    assert_same_outputs(ours, theirs, x)


# Weights that do not fit: names and shapes of braindecode, without braindecode.


def weights_of(estimator, x, n_outputs):
    """Return a state dict with the names of braindecode, of a network with one window."""
    network = estimator.build(Signal(n_chans=x.shape[1], n_times=x.shape[2]), n_outputs)
    layers = {"eegnet_tc.conv1", "patch_embedding.shallownet.0", "tcn_block.downsample"}
    pairs = braindecode_pairs(estimator, layers)
    weights = {}
    for pair in pairs:
        parts = network.state_dict()[pair.target].chunk(len(pair.sources))
        weights.update(zip(pair.sources, parts, strict=True))
    return weights


@pytest.fixture
def trials():
    return torch.randn(4, 3, 640, generator=torch.Generator().manual_seed(0))


def test_mismatches_are_named(trials):
    estimator = EEGTCNetClassifier(standardize=None, device="cpu", form="braindecode")
    weights = weights_of(estimator, trials, 2)
    load(estimator, weights, trials, 2)
    assert estimator.predict(trials).shape == (4,)
    weights["eegnet_tc.conv1.weight"] = torch.ones(8, 1, 1, 31)
    weights["eegnet_tc.more.weight"] = weights.pop("tcn_block.downsample.weight")
    new = EEGTCNetClassifier(standardize=None, device="cpu", form="braindecode")
    with pytest.raises(ValueError, match="none was loaded") as error:
        load(new, weights, trials, 2)
    for message in (
        "eegnet_tc.conv1.weight of shape (8, 1, 1, 31) does not fit trunk.front.temporal.weight",
        "eegnet_tc.more.weight has no counterpart",
        "trunk.blocks.0.shortcut.weight has no counterpart: tcn_block.downsample.weight is missing",
    ):
        assert message in str(error.value)
    assert not hasattr(new, "net_")


@pytest.mark.parametrize(
    ("estimator_class", "fields", "message"),
    [
        (EEGTCNetClassifier, {"form": "braindecode"}, "form='paper' has no activation between"),
        (
            EEGConformerClassifier,
            {"attention_scale": "head"},
            "attention_scale='token' differs from braindecode; set attention_scale='head'",
        ),
    ],
)
def test_weights_of_another_form_are_refused(estimator_class, fields, message, trials):
    weights = weights_of(estimator_class(**fields), trials, 2)
    estimator = estimator_class(standardize=None, device="cpu")
    with pytest.raises(ValueError, match=re.escape(message)):
        load(estimator, weights, trials, 2)
