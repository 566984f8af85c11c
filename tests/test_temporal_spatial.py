"""The factorised front end against the layers it stands for."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eegsk.blocks import TemporalSpatial
from eegsk.blocks._window_statistics import window_statistics

CASES = {
    "n_trials": st.integers(1, 8),
    "n_chans": st.integers(1, 40),
    "n_times": st.integers(2, 90),
    "n_filters": st.integers(1, 4),
    "kernel": st.integers(1, 70),
    "depth": st.integers(1, 3),
    "constant": st.booleans(),
}


def plain(front, x):
    """Run the block's own layers one after the other."""
    return front._layer_by_layer(x)


def make(n_trials, n_chans, n_times, n_filters, kernel, depth, constant, dtype=torch.float64):
    generator = torch.Generator().manual_seed(n_trials + n_chans * n_times)
    front = TemporalSpatial(n_chans, n_filters, kernel, depth).to(dtype)
    with torch.no_grad():
        for tensor in [*front.parameters(), front.temporal_norm.running_mean]:
            tensor.copy_(torch.randn(tensor.shape, generator=generator, dtype=dtype))
        front.spatial_norm.running_var.uniform_(0.5, 2, generator=generator)
    x = torch.randn(n_times, n_chans, n_trials, generator=generator, dtype=dtype)
    x = x.permute(2, 1, 0) + 0.3
    if constant:
        x[:, 0] = 1.0
    return front, x


def outcome(front, forward, x, training):
    """Return outputs, gradients and buffers of one pass through a copy of the block."""
    front = copy.deepcopy(front).train(training)
    y = forward(front, x)
    seed = torch.linspace(-1, 2, y.numel(), dtype=y.dtype).sin().view(y.shape)
    (y * seed).sum().backward()
    gradients = {f"grad of {name}": p.grad for name, p in front.named_parameters()}
    return {"output": y.detach(), **gradients, **dict(front.named_buffers())}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(training=st.booleans(), **CASES)
def test_equals_the_plain_layers(training, **case):
    front, x = make(**case)
    expected = outcome(front, plain, x, training)
    found = outcome(front, TemporalSpatial.__call__, x, training)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        scale = max(1.0, value.abs().max().item())
        torch.testing.assert_close(
            found[name], value, rtol=0, atol=1e-9 * scale, msg=lambda m, n=name: f"{n}: {m}"
        )


@pytest.mark.parametrize("training", [True, False])
def test_equals_the_plain_layers_in_single_precision(training):
    case = {"n_trials": 16, "n_chans": 22, "n_times": 250, "n_filters": 8, "kernel": 64, "depth": 2}
    front, x = make(**case, constant=False, dtype=torch.float32)
    expected = outcome(front, plain, x, training)
    found = outcome(front, TemporalSpatial.__call__, x, training)
    for name in ("output", "grad of temporal.weight", "grad of spatial.weight"):
        error = (found[name] - expected[name]).norm() / expected[name].norm()
        assert error < 1e-4, name


@pytest.mark.parametrize("training", [True, False])
def test_gradient_with_respect_to_the_trials(training):
    front, x = make(4, 5, 30, 2, 7, 2, constant=False)
    gradients = []
    for forward in (plain, TemporalSpatial.__call__):
        trials = x.clone().requires_grad_()
        forward(copy.deepcopy(front).train(training), trials).square().sum().backward()
        gradients.append(trials.grad)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=1e-10)


def test_twenty_steps_from_the_same_start_end_at_the_same_weights():
    front, x = make(16, 6, 64, 3, 9, 2, constant=False)
    ends = []
    for forward in (plain, TemporalSpatial.__call__):
        copied = copy.deepcopy(front).train()
        optimizer = torch.optim.AdamW(copied.parameters(), lr=1e-2)
        for step in range(20):
            optimizer.zero_grad()
            output = forward(copied, x.roll(step, 0)[:8])
            (output[:, 0].square().mean() - output[:, -1].tanh().mean()).backward()
            optimizer.step()
        ends.append(copied.state_dict())
    for name, value in ends[0].items():
        torch.testing.assert_close(ends[1][name], value, rtol=0, atol=1e-6)


@pytest.mark.parametrize("reach", [(0, 0), (0, 3), (3, 0), (4, 4), (7, 8), (31, 32)])
@pytest.mark.parametrize("n_times", [1, 2, 5, 40])
def test_window_statistics_are_those_of_the_windows(reach, n_times):
    x = torch.randn(3, 2, n_times, dtype=torch.float64, generator=torch.manual_seed(0)) + 1
    windows = torch.nn.functional.pad(x, reach).unfold(-1, sum(reach) + 1, 1).flatten(0, -2)
    mean, covariance = window_statistics(x, reach)
    torch.testing.assert_close(mean, windows.mean(0))
    torch.testing.assert_close(covariance, torch.atleast_2d(windows.T.cov(correction=0)))
