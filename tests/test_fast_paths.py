"""Check that every network trains factorised, keeps its trial statistics, and predicts folded.

The tests count calls and sizes of tensors, never time. All networks that ``eegsk.networks`` exports
are tested. The front ends are derived in docs/user_guide/front_end.md.
"""

import functools
import inspect
import math
from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import eegsk.networks
from eegsk import EEGClassifier, Signal
from eegsk.blocks import Conv, Standardize, TemporalSpatial
from eegsk.blocks.temporal_spatial import FrontEnd
from eegsk.networks import Architecture

# A shape with so many channels that the factorised order is much cheaper than the plain one.
N_CHANS, N_TIMES, N_OUTPUTS = 64, 480, 2
N_TRIALS, BATCH_SIZE, N_EPOCHS = 8, 4, 2
NETWORKS = [
    item
    for item in vars(eegsk.networks).values()
    if inspect.isclass(item) and issubclass(item, Architecture) and item is not Architecture
]
# Networks without a front end, and the reason why there is nothing to factorise.
WITHOUT_FRONT_END = {
    "CompactCNN": "its first convolution sees all channels at once, with a stride",
}


def build(network):
    return network().build(Signal(n_chans=N_CHANS, n_times=N_TIMES), N_OUTPUTS)


def front_ends_of(module):
    return [layer for layer in module.modules() if isinstance(layer, FrontEnd)]


WITH_FRONT_END = [network for network in NETWORKS if network.__name__ not in WITHOUT_FRONT_END]


# Counting


def subclasses(cls):
    return [cls, *(item for child in cls.__subclasses__() for item in subclasses(child))]


def count_calls(patch, calls):
    """Count the calls of front ends and standardisation layers, and the trials they are given."""

    def counted(cls, method, name, amount=lambda x: 1):
        original = getattr(cls, method)

        @functools.wraps(original)
        def wrapper(self, x, *args, **kwargs):
            calls[name] += amount(x)
            calls[f"{name} in training"] += amount(x) if torch.is_grad_enabled() else 0
            return original(self, x, *args, **kwargs)

        patch.setattr(cls, method, wrapper)

    for cls in subclasses(FrontEnd):
        for method, name in (("_factorised", "factorised"), ("_layer_by_layer", "layer by layer")):
            if method in vars(cls):
                counted(cls, method, name)
    counted(FrontEnd, "forward", "front end")
    counted(Standardize, "forward", "standardisation")
    counted(FrontEnd, "trial_statistics", "trials with statistics", amount=len)


@functools.cache
def counted_calls(network):
    """Fit an estimator with a network and predict; return the calls in both."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_TRIALS, N_CHANS, N_TIMES)).astype(np.float32)
    estimator = EEGClassifier(
        network=lambda n_chans, n_times, n_outputs: build(network),
        max_epochs=N_EPOCHS,
        batch_size=BATCH_SIZE,
        random_state=0,
    )
    fit_calls, predict_calls = Counter(), Counter()
    with pytest.MonkeyPatch.context() as patch:
        count_calls(patch, fit_calls)
        estimator.fit(X, np.arange(N_TRIALS) % N_OUTPUTS)
    with pytest.MonkeyPatch.context() as patch:
        count_calls(patch, predict_calls)
        estimator.predict(X)
        estimator.predict(X[:1])
    return fit_calls, predict_calls


class LargestTensor(TorchDispatchMode):
    """Record the number of elements of the largest tensor that an operation returns."""

    n_elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        self.n_elements = max(self.n_elements, *sizes, 0)
        return result


# Checks whose messages say what the author of a network should do


def check_has_front_end(network):
    assert front_ends_of(build(network)), (
        f"{network.__name__}: the network has no front end. Its trunk should begin with one of "
        "eegsk.blocks, e.g. TemporalSpatial; if that is not possible, add the network to "
        "WITHOUT_FRONT_END with the reason."
    )


def check_training_is_factorised(network):
    calls, _ = counted_calls(network)
    assert calls["factorised in training"] >= N_EPOCHS * N_TRIALS // BATCH_SIZE, (
        f"{network.__name__}: training does not call the factorised form of the front end."
    )
    assert calls["layer by layer in training"] == 0, (
        f"{network.__name__}: training computes the front end layer by layer at {N_CHANS} channels "
        f"and {N_TIMES} time points; its _plain_is_cheaper() should return False there."
    )


def check_filtered_channels_are_not_computed(network):
    """The outputs of the temporal filters on every channel are the largest tensor to avoid."""
    module = build(network).train()
    for front in front_ends_of(module):
        x = torch.randn(BATCH_SIZE, N_CHANS, N_TIMES)
        with LargestTensor() as largest:
            output = front(x)
            output.sum().backward()
        filtered = (BATCH_SIZE, front.temporal.out_channels, N_CHANS, output.shape[-1])
        assert largest.n_elements < math.prod(filtered), (
            f"{network.__name__}: an operation of {type(front).__name__} returns a tensor as large "
            f"as the temporally filtered channels, of shape {filtered}; the factorised form should "
            "mix the channels before it filters them."
        )


def check_statistics_are_kept(network):
    needs_statistics = any(front.window is not None for front in front_ends_of(build(network)))
    calls, _ = counted_calls(network)
    expected = N_TRIALS if needs_statistics else 0
    assert calls["trials with statistics"] == expected, (
        f"{network.__name__}: in {N_EPOCHS} epochs of {N_TRIALS} trials, statistics of "
        f"{calls['trials with statistics']} trials were computed, not of {expected}; the first "
        "layer of the trunk should be the front end, so that its statistics can be kept."
    )
    assert not (needs_statistics and calls["standardisation in training"]), (
        f"{network.__name__}: training standardises the trials of each batch; the first layer of "
        "the trunk should be the front end, so that it standardises only their mixtures."
    )


def check_prediction_is_folded(network):
    _, calls = counted_calls(network)
    assert calls["front end"] == calls["standardisation"] == 0, (
        f"{network.__name__}: prediction calls the front end {calls['front end']} times and the "
        f"standardisation layer {calls['standardisation']} times instead of their folded form. The "
        "first layer of the trunk should be the front end; up to the first activation, the network "
        "should consist of nested nn.Sequential, and all layers with weights should be those of "
        "torch and eegsk."
    )


@pytest.mark.parametrize("network", WITH_FRONT_END)
@pytest.mark.parametrize(
    "check",
    [
        check_has_front_end,
        check_training_is_factorised,
        check_filtered_channels_are_not_computed,
        check_statistics_are_kept,
        check_prediction_is_folded,
    ],
)
def test_network_takes_its_fast_paths(check, network):
    check(network)


@pytest.mark.parametrize("name", WITHOUT_FRONT_END)
def test_networks_listed_as_without_front_end_have_none(name):
    """CompactCNN has no front end: all channels enter its first convolution at once."""
    assert front_ends_of(build(getattr(eegsk.networks, name))) == []


# Networks that lose a fast path, for which the checks have to fail


class FirstLayers(Architecture):
    """A network whose front end follows another layer."""

    first = nn.Identity

    def build(self, signal, n_outputs):
        layers = OrderedDict(
            first=self.first(),
            front=TemporalSpatial(signal.n_chans, n_filters=8, kernel=32, depth=1),
            pool=nn.AdaptiveAvgPool1d(1),
            flatten=nn.Flatten(),
        )
        trunk = nn.Sequential(layers)
        return nn.Sequential(OrderedDict(trunk=trunk, head=nn.Linear(8, n_outputs)))


class PaddingFirst(FirstLayers):
    """A network whose front end follows a padding layer."""

    first = functools.partial(nn.ConstantPad1d, (1, 0), 0.0)


class NoFrontEnd(Architecture):
    """A network that begins with a convolution of all channels."""

    def build(self, signal, n_outputs):
        return nn.Sequential(
            Conv(signal.n_chans, n_outputs, 5), nn.AdaptiveAvgPool1d(1), nn.Flatten()
        )


class PlainFrontEnd(TemporalSpatial):
    """A front end that always computes its layers one by one."""

    def _plain_is_cheaper(self, x):
        return True


class DisguisedFrontEnd(TemporalSpatial):
    """A front end whose factorised form computes the layers one by one."""

    def _factorised(self, signals):
        return TemporalSpatial._layer_by_layer(self, signals.standardized())


class Plain(Architecture):
    """A network with a front end that is computed layer by layer."""

    front = PlainFrontEnd

    def build(self, signal, n_outputs):
        front = self.front(signal.n_chans, n_filters=8, kernel=32, depth=1)
        trunk = nn.Sequential(front, nn.AdaptiveAvgPool1d(1), nn.Flatten())
        return nn.Sequential(OrderedDict(trunk=trunk, head=nn.Linear(8, n_outputs)))


class Disguised(Plain):
    """A network with a front end whose factorised form saves no work."""

    front = DisguisedFrontEnd


class Branched(Plain):
    """A network that is no sequence of layers."""

    def build(self, signal, n_outputs):
        class Sum(nn.Module):
            def __init__(self, branch):
                super().__init__()
                self.branch = branch

            def forward(self, x):
                return self.branch(x) + x.mean((1, 2))[:, None]

        return Sum(super().build(signal, n_outputs))


@pytest.mark.parametrize(
    ("network", "check", "message"),
    [
        (NoFrontEnd, check_has_front_end, "NoFrontEnd: the network has no front end"),
        (Plain, check_training_is_factorised, "Plain: training does not call the factorised form"),
        (Plain, check_filtered_channels_are_not_computed, "Plain: an operation of PlainFrontEnd"),
        (Disguised, check_filtered_channels_are_not_computed, "Disguised: an operation of"),
        (
            PaddingFirst,
            check_statistics_are_kept,
            "statistics of 16 trials were computed, not of 8",
        ),
        (PaddingFirst, check_prediction_is_folded, "PaddingFirst: prediction calls the front end"),
        (Branched, check_statistics_are_kept, "first layer of the trunk should be the front end"),
        (Branched, check_prediction_is_folded, "the network should consist of nested"),
    ],
)
def test_error_if_a_network_loses_a_fast_path(network, check, message):
    with pytest.raises(AssertionError, match=message):
        check(network)
