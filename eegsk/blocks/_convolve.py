"""Convolution over time, with gradients that are fast to compute on a CPU."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from ._precision import full_precision
from ._tracing import is_traced


def convolve(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    dilation: int = 1,
) -> torch.Tensor:
    """Convolve signals with filters over time, as ``torch.nn.functional.conv1d`` does.

    On a CPU, torch's gradients of a convolution take several times as long as the convolution,
    above all with dilation. Here, filters of one tap are applied by a matrix product. For longer
    filters, both gradients are convolutions: the output's gradient is convolved with the filters
    to obtain the gradient of the signals, and the signals are convolved with the output's gradient
    to obtain the gradient of the filters.

    Parameters
    ----------
    x : torch.Tensor of shape (n_trials, in_channels, n_times)
        Signals.
    weight : torch.Tensor of shape (out_channels, in_channels, kernel_size)
        Filters.
    bias : torch.Tensor of shape (out_channels,) or None, default=None
        Constants added to the outputs.
    dilation : int, default=1
        Distance between the taps of a filter in samples.

    Returns
    -------
    filtered : torch.Tensor of shape (n_trials, out_channels, n_times - span)
        Filtered signals, where ``span = dilation * (kernel_size - 1)``.
    """
    if is_traced():
        return F.conv1d(x, weight, bias, dilation=dilation)
    is_slow_in_torch = x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    if is_slow_in_torch and weight.shape[-1] == 1:
        return mix(x, weight.squeeze(2), bias)
    if is_slow_in_torch and torch.is_grad_enabled() and len(x):
        return _Convolve.apply(x, weight, bias, dilation)
    return F.conv1d(x, weight, bias, dilation=dilation)


def mix(
    x: torch.Tensor, weight: torch.Tensor, constant: torch.Tensor | None = None
) -> torch.Tensor:
    """Compute weighted sums of signals at each time point, and add a constant to each.

    Parameters
    ----------
    x : torch.Tensor of shape (n_trials, n_signals, n_times)
        Signals, e.g. channels.
    weight : torch.Tensor of shape (n_outputs, n_signals)
        Weights of the sums.
    constant : torch.Tensor of shape (n_outputs,) or None, default=None
        Constants added to the sums.

    Returns
    -------
    mixtures : torch.Tensor of shape (n_trials, n_outputs, n_times)
        The sums.
    """
    if is_traced():
        return F.conv1d(x, weight.unsqueeze(2), constant)
    # torch.bmm, because the backward pass of ``weight @ x`` would copy the signals.
    weight = weight.expand(len(x), -1, -1)
    if constant is None:
        return torch.bmm(weight, x)
    return torch.baddbmm(constant.view(-1, 1), weight, x)


class _Convolve(torch.autograd.Function):
    """Convolution whose gradients are computed by convolutions."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, dilation: int
    ) -> torch.Tensor:
        return F.conv1d(x, weight, bias, dilation=dilation)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        x, weight, _, ctx.dilation = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        needs_x, needs_weight, needs_bias, _ = ctx.needs_input_grad
        with full_precision(grad):
            return (
                _gradient_of_signals(grad, weight, ctx.dilation) if needs_x else None,
                _gradient_of_filters(grad, x, ctx.dilation) if needs_weight else None,
                grad.sum((0, 2)) if needs_bias else None,
                None,
            )


def _gradient_of_signals(grad: torch.Tensor, weight: torch.Tensor, dilation: int) -> torch.Tensor:
    # Each sample contributes to kernel_size outputs: pad both ends, and reverse the filters.
    span = dilation * (weight.shape[-1] - 1)
    return F.conv1d(F.pad(grad, (span, span)), weight.transpose(0, 1).flip(-1), dilation=dilation)


def _gradient_of_filters(grad: torch.Tensor, x: torch.Tensor, dilation: int) -> torch.Tensor:
    # Trials take the place of the input channels, so that the convolution sums over them.
    by_trial = F.conv1d(x.transpose(0, 1), grad.transpose(0, 1), stride=dilation)
    return by_trial.transpose(0, 1)
