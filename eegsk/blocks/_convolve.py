"""Convolutions over time whose gradients are convolutions, too, which is fast on a CPU."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F


def convolve(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    dilation: int = 1,
) -> torch.Tensor:
    """Compute what ``torch.nn.functional.conv1d`` does.

    On a CPU, torch's own gradients of a convolution take several times what the convolution does,
    above all if it is dilated. Here a filter of a single tap is a matrix product, and the gradients
    of longer ones are convolutions: of the output's gradient with the filters, and of the signals
    with the output's gradient, trials in the place of channels.

    Parameters
    ----------
    x : torch.Tensor of shape (n_trials, n_inputs, n_times)
        Signals.
    weight : torch.Tensor of shape (n_filters, n_inputs, kernel)
        Filters.
    bias : torch.Tensor of shape (n_filters,) or None, default=None
        What is added to their outputs.
    dilation : int, default=1
        How many samples apart the taps of a filter are.

    Returns
    -------
    filtered : torch.Tensor of shape (n_trials, n_filters, n_times - span)
        The filtered signals, ``span`` being ``dilation * (kernel - 1)``.
    """
    is_slow = x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    if is_slow and weight.shape[-1] == 1:
        return mix(x, weight.squeeze(2), bias)
    if is_slow and torch.is_grad_enabled():
        return _Convolve.apply(x, weight, bias, dilation)
    return F.conv1d(x, weight, bias, dilation=dilation)


def mix(
    x: torch.Tensor, weight: torch.Tensor, constant: torch.Tensor | None = None
) -> torch.Tensor:
    """Mix signals (n_trials, n_signals, n_times) by weights (n_outputs, n_signals), and add."""
    # The gradient of ``weight @ x`` would copy the signals.
    weight = weight.expand(len(x), -1, -1)
    if constant is None:
        return torch.bmm(weight, x)
    return torch.baddbmm(constant.view(-1, 1), weight, x)


class _Convolve(torch.autograd.Function):
    """A convolution, and its gradients as convolutions."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        dilation: int,
    ) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.dilation = dilation
        return F.conv1d(x, weight, bias, dilation=dilation)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            span = ctx.dilation * (weight.shape[-1] - 1)
            filters = weight.transpose(0, 1).flip(-1)
            grad_x = F.conv1d(F.pad(grad, (span, span)), filters, dilation=ctx.dilation)
        if ctx.needs_input_grad[1]:
            by_trial = x.transpose(0, 1), grad.transpose(0, 1)
            grad_weight = F.conv1d(*by_trial, stride=ctx.dilation).transpose(0, 1)
        if ctx.needs_input_grad[2]:
            grad_bias = grad.sum((0, 2))
        return grad_x, grad_weight, grad_bias, None
