"""Convolutions over time whose gradients are convolutions, too, which is fast on a CPU."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from ._precision import full_precision


def convolve(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    dilation: int = 1,
) -> torch.Tensor:
    """Compute what ``torch.nn.functional.conv1d`` does of batches.

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
    torch_is_slow = x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
    if torch_is_slow and weight.shape[-1] == 1:
        return mix(x, weight.squeeze(2), bias)
    if torch_is_slow and torch.is_grad_enabled() and len(x):
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
        of_x, of_weight, of_bias, _ = ctx.needs_input_grad
        with full_precision(grad):
            return (
                _gradient_of_signals(grad, weight, ctx.dilation) if of_x else None,
                _gradient_of_filters(grad, x, ctx.dilation) if of_weight else None,
                grad.sum((0, 2)) if of_bias else None,
                None,
            )


def _gradient_of_signals(grad: torch.Tensor, weight: torch.Tensor, dilation: int) -> torch.Tensor:
    span = dilation * (weight.shape[-1] - 1)
    return F.conv1d(F.pad(grad, (span, span)), weight.transpose(0, 1).flip(-1), dilation=dilation)


def _gradient_of_filters(grad: torch.Tensor, x: torch.Tensor, dilation: int) -> torch.Tensor:
    by_trial = F.conv1d(x.transpose(0, 1), grad.transpose(0, 1), stride=dilation)
    return by_trial.transpose(0, 1)
