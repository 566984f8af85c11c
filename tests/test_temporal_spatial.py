"""Compare the factorised front ends with the same layers computed one by one."""

import copy
import inspect
import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from eegsk.blocks import (
    DenseTemporalSpatial,
    MeanPool,
    Standardize,
    TemporalSpatial,
    TwoStageTemporalSpatial,
)
from eegsk.blocks.temporal_spatial._signals import Signals
from eegsk.blocks.temporal_spatial._window_statistics import trial_sums, window_statistics


def one_stage(front, x):
    x = front.temporal_norm(front.temporal(F.pad(x.unsqueeze(1), front.padding)))
    return front.spatial_norm(front.spatial(x).squeeze(2))


def two_stages(front, x):
    x = front.temporal_norm(front.temporal(F.pad(x.unsqueeze(1), front.reach)))
    x = front.second_temporal_norm(front.second_temporal(F.pad(x, front.second_reach)))
    return front.spatial_norm(front.spatial(x).squeeze(2))


def dense(front, x):
    return front.spatial(front.temporal(x.unsqueeze(1))).squeeze(2)


LAYER_BY_LAYER = {
    TemporalSpatial: one_stage,
    TwoStageTemporalSpatial: two_stages,
    DenseTemporalSpatial: dense,
}
# Arguments of a small front end of each class, without the number of channels.
FRONTS = {
    TemporalSpatial: {"n_filters": 3, "kernel": 9, "depth": 2},
    TwoStageTemporalSpatial: {
        "n_filters": 2,
        "kernel": 8,
        "second_n_filters": 3,
        "second_kernel": 5,
        "depth": 2,
    },
    DenseTemporalSpatial: {"n_filters": 6, "kernel": 5, "spatial_n_filters": 4},
}
SHAPES = st.tuples(st.integers(1, 64), st.integers(1, 130), st.integers(1, 130)).filter(
    lambda shape: shape[0] * shape[1] * shape[2] < 40_000
)
KERNELS = st.integers(1, 70)
COUNTS = st.integers(1, 4)


@st.composite
def one_stage_fields(draw):
    kernel = draw(KERNELS)
    left = draw(st.integers(0, kernel - 1))
    padding = (left, draw(st.integers(kernel - 1 - left, kernel - 1)))
    return {
        "n_filters": draw(COUNTS),
        "kernel": kernel,
        "depth": draw(COUNTS),
        "bias": draw(st.booleans()),
        "padding": draw(st.sampled_from([None, padding])),
    }


FIELDS = {
    TemporalSpatial: one_stage_fields(),
    TwoStageTemporalSpatial: st.fixed_dictionaries(
        {
            "n_filters": COUNTS,
            "kernel": KERNELS,
            "second_n_filters": COUNTS,
            "second_kernel": KERNELS,
            "depth": COUNTS,
        }
    ),
    DenseTemporalSpatial: st.fixed_dictionaries(
        {
            "n_filters": st.integers(1, 30),
            "kernel": st.integers(1, 30),
            "spatial_n_filters": COUNTS,
            "spatial_bias": st.booleans(),
        }
    ),
}


def factorised(front, x):
    """Compute the factorised form even where the plain order is cheaper, unless borders meet."""
    shortest = sum(getattr(front, "second_reach", (0, 0)))
    return front._factorised(Signals(x)) if x.shape[2] >= shortest else front(x)


def make(kind, n_chans, dtype=torch.float64, seed=0, **fields):
    """Create a front end with random parameters and running statistics."""
    torch.manual_seed(seed)
    front = kind(n_chans, **fields).to(dtype)
    with torch.no_grad():
        for parameter in front.parameters():
            parameter.copy_(torch.randn_like(parameter))
        for name, buffer in front.named_buffers():
            if name.endswith("mean"):
                buffer.normal_()
            elif name.endswith("var"):
                buffer.uniform_(0.5, 2)
    return front


def trials(shape, dtype=torch.float64, constant=False, contiguous=True):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=dtype) + 0.3
    if constant:
        x[:, 0] = 1.0
    return x if contiguous else x.permute(2, 0, 1).contiguous().permute(1, 2, 0)


def outcome(front, forward, x, training=True):
    """Return outputs, gradients and buffers after one pass through a copy of the front end."""
    front = copy.deepcopy(front).train(training)
    y = forward(front, x)
    seed = torch.linspace(-1, 2, y.numel(), dtype=y.dtype).sin().view(y.shape)
    (y * seed).sum().backward()
    gradients = {f"grad of {name}": p.grad for name, p in front.named_parameters()}
    return {"output": y.detach(), **gradients, **dict(front.named_buffers())}


@pytest.mark.parametrize("kind", FRONTS)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_equals_the_plain_layers(kind, data):
    n_trials, n_chans, n_times = data.draw(SHAPES)
    front = make(kind, n_chans, **data.draw(FIELDS[kind]))
    n_times = max(n_times, 2, front.temporal.kernel_size[1] if kind is DenseTemporalSpatial else 0)
    # If all channels were constant, three normalisations of zero variance would amplify rounding.
    has_constant_channel = n_chans > 1 and data.draw(st.booleans())
    x = trials((n_trials, n_chans, n_times), constant=has_constant_channel)
    training = data.draw(st.booleans())
    expected = outcome(front, LAYER_BY_LAYER[kind], x, training)
    actual = outcome(front, factorised, x, training)
    assert expected.keys() == actual.keys()
    # Where terms cancel, e.g. in the gradient of a scale that normalisation removes, the error is
    # relative to the terms.
    terms = max(value.abs().max().item() for value in expected.values())
    for name, value in expected.items():
        torch.testing.assert_close(
            actual[name],
            value,
            rtol=0,
            atol=1e-10 * max(1, terms),
            msg=lambda m, n=name: f"{n}: {m}",
        )


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", FRONTS)
def test_both_orders_give_the_same_results(kind, training):
    for n_chans in (1, 2, 5, 20):
        front = make(kind, n_chans, **FRONTS[kind])
        x = trials((3, n_chans, 40))
        expected = outcome(front, LAYER_BY_LAYER[kind], x, training)
        actual = outcome(front, kind.__call__, x, training)
        torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", FRONTS)
def test_a_gpu_computes_few_small_trials_layer_by_layer(kind):
    front, is_dense = kind(3, **FRONTS[kind]), kind is DenseTemporalSpatial
    assert front._plain_is_cheaper(torch.empty(64, 3, 1000, device="meta")) != is_dense
    assert not front._plain_is_cheaper(torch.empty(64, 3, 1000))
    x = torch.empty(640, 64, 480, device="meta")
    assert not kind(64, **FRONTS[kind])._plain_is_cheaper(x)


@pytest.mark.parametrize("kind", FRONTS)
def test_trials_that_are_not_contiguous(kind):
    front = make(kind, 7, **FRONTS[kind])
    expected = outcome(front, kind.__call__, trials((5, 7, 40)))
    actual = outcome(front, kind.__call__, trials((5, 7, 40), contiguous=False))
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (TemporalSpatial, {"n_filters": 8, "kernel": 64, "depth": 2}),
        (
            TwoStageTemporalSpatial,
            {"n_filters": 8, "kernel": 64, "second_n_filters": 8, "second_kernel": 64, "depth": 2},
        ),
        (DenseTemporalSpatial, {"n_filters": 40, "kernel": 25, "spatial_n_filters": 40}),
    ],
)
def test_equals_the_plain_layers_in_single_precision(kind, fields, training):
    front = make(kind, 22, dtype=torch.float32, **fields)
    x = trials((16, 22, 250), dtype=torch.float32)
    expected = outcome(front, LAYER_BY_LAYER[kind], x, training)
    actual = outcome(front, kind.__call__, x, training)
    for name in ("output", "grad of temporal.weight", "grad of spatial.weight"):
        error = (actual[name] - expected[name]).norm() / expected[name].norm()
        assert error < 1e-4, name


@pytest.mark.parametrize("kind", FRONTS)
def test_batch_statistics_are_in_single_precision_under_mixed_precision(kind):
    front = make(kind, 22, dtype=torch.float32, **FRONTS[kind])
    x = trials((16, 22, 100), dtype=torch.float32)
    expected = outcome(front, kind.__call__, x)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = outcome(front, kind.__call__, x)
    half = outcome(copy.deepcopy(front).bfloat16(), kind.__call__, x.bfloat16())
    for name, value in expected.items():
        if name.startswith(("temporal_norm", "second_temporal_norm")):
            torch.testing.assert_close(mixed[name], value, rtol=1e-6, atol=1e-6)
            torch.testing.assert_close(half[name].to(value), value, rtol=0.02, atol=0.02)
    for result in (mixed, half):
        error = (result["output"].float() - expected["output"]).norm() / expected["output"].norm()
        assert error < 0.02


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", FRONTS)
def test_gradient_with_respect_to_the_trials(kind, training):
    front = make(kind, 5, **FRONTS[kind])
    gradients = []
    for forward in (LAYER_BY_LAYER[kind], kind.__call__):
        x = trials((4, 5, 30)).requires_grad_()
        forward(copy.deepcopy(front).train(training), x).square().sum().backward()
        gradients.append(x.grad)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", FRONTS)
def test_weights_after_twenty_training_steps_are_the_same(kind):
    front, x = make(kind, 6, **FRONTS[kind]), trials((16, 6, 64))
    states = []
    for forward in (LAYER_BY_LAYER[kind], kind.__call__):
        copied = copy.deepcopy(front).train()
        optimizer = torch.optim.AdamW(copied.parameters(), lr=1e-2)
        for step in range(20):
            optimizer.zero_grad()
            output = forward(copied, x.roll(step, 0)[:8])
            (output[:, 0].square().mean() - output[:, -1].tanh().mean()).backward()
            optimizer.step()
        states.append(copied.state_dict())
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", [TemporalSpatial, TwoStageTemporalSpatial])
def test_precomputed_trial_statistics_give_the_same_results(kind):
    front, x = make(kind, 6, **FRONTS[kind]), trials((16, 6, 64))
    statistics, batch = front.trial_statistics(x), [3, 1, 8]

    def precomputed(copied, x):
        with copied.using_statistics(statistics[batch]):
            return copied(x)

    expected = outcome(front, kind.__call__, x[batch])
    actual = outcome(front, precomputed, x[batch])
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


PADDINGS = [((4, 4), 9), ((4, 5), 9), ((8, 8), 9), ((0, 8), 9), ((8, 0), 9), ((16, 16), 32)]


def padded_front(kernel, padding, n_chans=6):
    fields = {"n_filters": 3, "kernel": kernel, "depth": 2, "bias": True, "padding": padding}
    return make(TemporalSpatial, n_chans, **fields)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("padding", "kernel"), PADDINGS)
def test_padding_equals_zeros_that_a_layer_adds(padding, kernel, training):
    front, x = padded_front(kernel, padding), trials((4, 6, 40))
    equal_length = padded_front(kernel, (padding[0], kernel - 1 - padding[0]))
    equal_length.load_state_dict(front.state_dict())
    n_added = sum(padding) - (kernel - 1)
    expected = outcome(equal_length, lambda copied, x: copied(F.pad(x, (0, n_added))), x, training)
    actual = outcome(front, factorised, x, training)
    assert actual["output"].shape == (4, 6, 40 + n_added)
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("padding", "kernel"), PADDINGS)
def test_padding_with_precomputed_statistics(padding, kernel):
    front, x = padded_front(kernel, padding), trials((8, 6, 40))
    layer = Standardize(torch.randn(6), torch.rand(6) + 0.5).double()
    statistics = front.trial_statistics(layer(x))

    def standardizing(copied, x):
        with copied.using_statistics(statistics, layer):
            return copied(x)

    assert not front._plain_is_cheaper(x)
    expected = outcome(front, one_stage, layer(x))
    torch.testing.assert_close(outcome(front, standardizing, x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("padding", "kernel"), PADDINGS)
def test_padding_of_a_folded_front_end(padding, kernel):
    front, x = padded_front(kernel, padding).eval(), trials((8, 6, 40))
    mean, scale = torch.randn(6).double(), torch.rand(6).double() + 0.5
    expected = front((x - mean[:, None]) / scale[:, None])
    torch.testing.assert_close(front.folded(mean, scale)(x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("padding", [(3, 4), (9, 8), (4, 9), (0, 7)])
def test_error_if_padding_is_too_short_or_too_long(padding):
    message = "TemporalSpatial: padding=.* should be two integers of at most kernel - 1 = 8 each"
    with pytest.raises(ValueError, match=message):
        TemporalSpatial(n_chans=2, n_filters=1, kernel=9, depth=1, padding=padding)


@pytest.mark.parametrize("n_chans", [1, 6])
@pytest.mark.parametrize("kind", [TemporalSpatial, TwoStageTemporalSpatial])
def test_standardisation_within_the_front_end(kind, n_chans):
    front, x = make(kind, n_chans, **FRONTS[kind]), trials((8, n_chans, 64))
    layer = Standardize(torch.randn(n_chans), torch.rand(n_chans) + 0.5).double()
    statistics = front.trial_statistics(layer(x))

    def standardizing(copied, x):
        with copied.using_statistics(statistics, layer):
            return copied(x)

    expected = outcome(front, kind.__call__, layer(x))
    torch.testing.assert_close(outcome(front, standardizing, x), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", [TemporalSpatial, TwoStageTemporalSpatial])
def test_running_statistics_as_averages_over_all_batches(kind):
    front = make(kind, 6, **FRONTS[kind])
    for norm in front.modules():
        if isinstance(norm, torch.nn.modules.batchnorm._BatchNorm):
            norm.reset_running_stats()
            norm.momentum = None
    buffers = []
    for forward in (LAYER_BY_LAYER[kind], kind.__call__):
        copied = copy.deepcopy(front).train()
        for x in trials((12, 6, 64)).split(4):
            forward(copied, x)
        buffers.append(dict(copied.named_buffers()))
    torch.testing.assert_close(buffers[1], buffers[0], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("reach", [(0, 0), (0, 3), (3, 0), (4, 4), (7, 8), (31, 32)])
@pytest.mark.parametrize("n_times", [1, 2, 5, 40])
@pytest.mark.parametrize("n_added", [0, 1, 5])
def test_window_statistics_equal_those_of_all_windows(reach, n_times, n_added):
    x = torch.randn(3, 2, n_times, dtype=torch.float64, generator=torch.manual_seed(0)) + 1
    padding = (reach[0], min(reach[1] + n_added, sum(reach)))
    n_added = padding[1] - reach[1]
    windows = F.pad(x, padding).unfold(-1, sum(reach) + 1, 1).flatten(0, -2)
    statistics = window_statistics(trial_sums(x, reach, n_added), reach, len(windows))
    torch.testing.assert_close(statistics.mean, windows.mean(0))
    torch.testing.assert_close(statistics.covariance, torch.atleast_2d(windows.T.cov(correction=0)))


DERIVATION = Path(__file__).parents[1] / "docs" / "user_guide" / "front_end.md"


@pytest.mark.skipif(not DERIVATION.exists(), reason="the documentation is not installed")
def test_equations_that_the_code_cites_exist():
    page = DERIVATION.read_text(encoding="utf-8")
    numbers = re.findall(r"^\$\$ \(eq-(\d+)\)$", page, re.MULTILINE)
    assert numbers == [str(1 + index) for index in range(len(numbers))]
    assert set(re.findall(r"\{eq\}`eq-(\d+)`", page)) <= set(numbers)
    blocks = Path(inspect.getfile(TemporalSpatial)).parents[1]
    source = "".join(path.read_text(encoding="utf-8") for path in blocks.rglob("*.py"))
    cited = {
        number
        for citation in re.findall(r"Eqs?\. ((?:\(\d+\)(?:, | and )?)+)", source)
        for number in re.findall(r"\d+", citation)
    }
    assert len(cited) > 15
    assert cited <= set(numbers)


@pytest.mark.parametrize(("size", "padding"), [(2, 1), (4, 1), (4, 2), (5, 2), (8, 1), (8, 4)])
def test_padded_mean_pooling(size, padding):
    for n_times in range(size, 3 * size + 2):
        x = trials((2, 3, n_times)).requires_grad_()
        expected = F.avg_pool1d(x, size, size, padding)
        actual = MeanPool(size, padding=padding)(x)
        torch.testing.assert_close(actual, expected)
        seed = torch.arange(actual.numel(), dtype=actual.dtype).view(actual.shape)
        gradients = [torch.autograd.grad(y, x, seed)[0] for y in (actual, expected)]
        torch.testing.assert_close(*gradients)
