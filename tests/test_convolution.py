"""Compare convolutions over time with those of torch: outputs and all gradients."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

from eegsk.blocks import Conv, SameConv
from eegsk.blocks._convolve import convolve
from eegsk.blocks._time_filters import FixedFilters, filter_time, lagged_products


def doubles(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def assert_same_with_gradients(actual, expected, inputs):
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-10)
    grad = torch.randn_like(expected)
    gradients = [torch.autograd.grad(output, inputs, grad) for output in (actual, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-10)


@settings(deadline=None, max_examples=60)
@given(
    n_trials=st.integers(1, 5),
    in_channels=st.integers(1, 6),
    out_channels=st.integers(1, 6),
    kernel_size=st.integers(1, 12),
    dilation=st.integers(1, 4),
    n_outputs=st.integers(1, 30),
    bias=st.booleans(),
)
def test_convolve_equals_torch(
    n_trials, in_channels, out_channels, kernel_size, dilation, n_outputs, bias
):
    torch.manual_seed(0)
    span = dilation * (kernel_size - 1)
    x = doubles(n_trials, span + n_outputs, in_channels).transpose(1, 2)
    weight = doubles(in_channels, out_channels, kernel_size).transpose(0, 1)
    constant = doubles(out_channels) if bias else None
    actual = convolve(x, weight, constant, dilation)
    expected = F.conv1d(x, weight, constant, dilation=dilation)
    inputs = [tensor for tensor in (x, weight, constant) if tensor is not None]
    assert_same_with_gradients(actual, expected, inputs)
    with torch.no_grad():
        torch.testing.assert_close(convolve(x, weight, constant, dilation), expected)


@pytest.mark.parametrize("kernel", [1, 5])
def test_convolution_of_no_trials(kernel):
    weight = doubles(4, 3, kernel)
    output = convolve(doubles(0, 3, 20), weight)
    assert output.shape == (0, 4, 21 - kernel)
    output.sum().backward()
    assert not weight.grad.any()


def test_second_derivatives_of_a_convolution():
    torch.manual_seed(0)
    inputs = doubles(2, 3, 9), doubles(4, 3, 3), doubles(4)

    def dilated(x, weight, bias):
        return convolve(x, weight, bias, dilation=2)

    assert gradcheck(dilated, inputs)
    assert gradgradcheck(dilated, inputs)


def test_gradients_per_trial():
    x, weight = torch.randn(5, 3, 20), torch.randn(4, 3, 5)

    def loss(weight, trial):
        return convolve(trial[None], weight).square().sum()

    actual = torch.func.vmap(torch.func.grad(loss), (None, 0))(weight, x)
    expected = torch.stack([torch.func.grad(loss)(weight, trial) for trial in x])
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("frozen", [0, 1])
def test_only_gradients_that_are_needed_are_computed(frozen, monkeypatch):
    inputs = [torch.randn(2, 3, 20), torch.randn(4, 3, 5)]
    inputs[1 - frozen].requires_grad_()
    output, calls = convolve(*inputs), []
    monkeypatch.setattr(
        F, "conv1d", lambda *args, conv1d=F.conv1d, **kw: calls.append(1) or conv1d(*args, **kw)
    )
    output.sum().backward()
    assert len(calls) == 1


def test_gradients_are_in_full_precision_under_autocast():
    torch.manual_seed(0)
    x, weight = torch.randn(2, 3, 1000), torch.randn(4, 3, 5, requires_grad=True)
    signals, taps = torch.randn(2, 3, 1, 1000), torch.randn(3, 65, requires_grad=True)
    for output, parameter in (
        (convolve(x, weight), weight),
        (filter_time(signals, taps, 32), taps),
    ):
        (expected,) = torch.autograd.grad(output.sum(), parameter, retain_graph=True)
        with torch.autocast("cpu"):
            (actual,) = torch.autograd.grad(output.sum(), parameter)
        assert torch.equal(actual, expected)


@pytest.mark.parametrize("kernel", [1, 5])
@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_equals_that_of_torch(kernel, bias):
    torch.manual_seed(0)
    ours, theirs = Conv(3, 4, kernel, bias), torch.nn.Conv1d(3, 4, kernel, bias=bias)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 3, 30)
    torch.testing.assert_close(ours(x), theirs(x))
    ours(x).square().sum().backward()
    theirs(x).square().sum().backward()
    for parameter, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, expected.grad, rtol=1e-4, atol=1e-4)


def test_a_convolution_is_in_half_precision_under_autocast():
    layer = SameConv(3, 4, 5, dilation=2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = layer(torch.randn(2, 3, 30))
    assert output.dtype == torch.bfloat16
    output.float().sum().backward()
    assert layer.weight.grad.dtype == torch.float32


@settings(deadline=None, max_examples=60)
@given(
    n_trials=st.integers(0, 4),
    n_filters=st.integers(1, 4),
    depth=st.integers(1, 3),
    n_times=st.integers(1, 150),
    kernel=st.integers(1, 70),
    left=st.floats(0, 1),
    n_added=st.integers(0, 5),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_temporal_filters_equal_a_padded_convolution(
    n_trials, n_filters, depth, n_times, kernel, left, n_added, dtype
):
    torch.manual_seed(0)
    x, weight = doubles(n_trials, n_filters, depth, n_times), doubles(n_filters, kernel)
    n_left = round(left * (kernel - 1))
    padding = (n_left, min(kernel - 1 - n_left + n_added, kernel - 1))
    padded = F.pad(x, padding).flatten(1, 2)
    expected = F.conv1d(
        padded, weight.repeat_interleave(depth, dim=0)[:, None], groups=n_filters * depth
    ).unflatten(1, (n_filters, depth))
    if dtype == torch.float64:
        assert_same_with_gradients(filter_time(x, weight, *padding), expected, (x, weight))
    single = filter_time(x.float(), weight.float(), *padding)
    torch.testing.assert_close(single.double(), expected, rtol=1e-5, atol=1e-5)
    with torch.no_grad():
        fixed = FixedFilters(weight.detach().repeat_interleave(depth, dim=0), *padding)
        actual = fixed(x.flatten(1, 2)).unflatten(1, (n_filters, depth))
        torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-10)


def test_a_signal_of_high_amplitude_does_not_affect_others():
    x, weight = torch.randn(3, 2, 2, 500), torch.randn(2, 30)
    alone = filter_time(x, weight, 14)
    x[1, 0, 1] *= 1e8
    together = filter_time(x, weight, 14)
    for signal in ((0, 0, 1), (1, 0, 0), (1, 1, 1)):
        torch.testing.assert_close(together[signal], alone[signal], rtol=1e-5, atol=1e-5)


def test_error_if_temporal_filters_are_differentiated_twice():
    x, weight = doubles(2, 2, 1, 20), doubles(2, 5)
    loss = filter_time(x, weight, 2).sum() + x.square().sum()
    with pytest.raises(RuntimeError, match="have no second derivative"):
        torch.autograd.grad(loss, x, create_graph=True)


@pytest.mark.parametrize("n_times", [1, 15, 16, 17, 24, 50])
@pytest.mark.parametrize("n_lags", [1, 2, 16, 40])
@pytest.mark.parametrize("n_trials", [0, 3])
def test_lagged_products(n_trials, n_times, n_lags):
    x = torch.randn(n_trials, 2, n_times, dtype=torch.float64)
    padded = F.pad(x, (0, n_lags))
    sums = [(x * padded[..., lag : lag + n_times]).sum((1, 2)) for lag in range(n_lags)]
    torch.testing.assert_close(lagged_products(x, n_lags), torch.stack(sums, dim=1))
