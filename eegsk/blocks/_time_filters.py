"""Temporal filters computed by Fourier transforms, which are faster than long convolutions.

The rounding error of a filtered signal is relative to the largest sample of that signal; a signal
of high amplitude does not affect the precision of others. Equations are those of
docs/user_guide/front_end.md.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from scipy.fft import next_fast_len
from torch import nn

from ._precision import at_least_single, full_precision
from ._tracing import is_traced


def filter_time(
    x: torch.Tensor, weight: torch.Tensor, left: int, right: int | None = None
) -> torch.Tensor:
    """Filter zero-padded signals over time, Eq. (14).

    Parameters
    ----------
    x : torch.Tensor of shape (n_trials, n_filters, depth, n_times)
        Signals; filter ``i`` is applied to ``x[:, i]``.
    weight : torch.Tensor of shape (n_filters, kernel)
        The filters. As in torch's convolutions, they are not reversed in time.
    left : int
        Number of zeros before a signal.
    right : int or None, default=None
        Number of zeros after a signal; None for ``kernel - 1 - left``, so that the output is as
        long as the input. Neither ``left`` nor ``right`` is greater than ``kernel - 1``.

    Returns
    -------
    filtered : torch.Tensor of shape (n_trials, n_filters, depth, n_outputs)
        The filtered signals, with ``n_outputs = n_times + left + right - kernel + 1``.
    """
    right = weight.shape[-1] - 1 - left if right is None else right
    if is_traced():
        depth = x.shape[2]
        filters = weight.repeat_interleave(depth, dim=0) if depth > 1 else weight
        return _convolve_each(x.flatten(1, 2), filters, left, right).unflatten(1, (-1, depth))
    if x.numel() == 0:  # torch.fft raises an error; the sum gives the filters a gradient of zero
        return F.pad(x, (0, left + right - weight.shape[-1] + 1)) + 0 * weight.sum()
    with full_precision(x):
        signals = at_least_single(x)
        return _FilterTime.apply(signals, weight.to(signals.dtype), left, right).to(x.dtype)


def lagged_products(x: torch.Tensor, n_lags: int) -> torch.Tensor:
    """Compute the sum of ``x[..., t] * x[..., t + lag]`` over each trial for each lag.

    Parameters
    ----------
    x : torch.Tensor of shape (n_trials, ..., n_times)
        Signals.
    n_lags : int
        Number of lags: 0, 1, ..., ``n_lags - 1``.

    Returns
    -------
    products : torch.Tensor of shape (n_trials, n_lags)
        The sums over channels and time points, computed from the power spectrum, Eq. (13).

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import lagged_products
    >>> lagged_products(torch.tensor([[[1.0, 2.0, 3.0]]]), n_lags=2).round()
    tensor([[14.,  8.]])
    """
    if x.numel() == 0:
        return x.new_zeros(len(x), n_lags)
    length = _fft_length(x.shape[-1] + n_lags - 1)
    spectrum = torch.view_as_real(torch.fft.rfft(x.flatten(1, -2), length))
    power = spectrum.square_().sum(1).sum(-1)
    return torch.fft.irfft(power, length)[:, :n_lags]


class FixedFilters(nn.Module):
    """Temporal filters with fixed weights, for prediction; see :func:`filter_time`.

    The filters stay in the precision and on the device of ``weight``. Their frequency response is
    cached for the last length of the signals.

    Parameters
    ----------
    weight : torch.Tensor of shape (n_signals, kernel)
        A filter for each signal.
    left : int
        Number of zeros before a signal.
    right : int or None, default=None
        Number of zeros after a signal; None for ``kernel - 1 - left``.
    """

    def __init__(self, weight: torch.Tensor, left: int, right: int | None = None) -> None:
        super().__init__()
        right = weight.shape[-1] - 1 - left if right is None else right
        weight = weight.detach().clone()
        self._weight, self._padding = weight, (left, right)
        self._n_added = left + right - weight.shape[-1] + 1
        self._response = lru_cache(maxsize=1)(partial(_frequency_response, weight, left, right))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter signals of shape (n_trials, n_signals, n_times)."""
        if is_traced():
            return _convolve_each(x, self._weight, *self._padding)
        if x.numel() == 0:
            return F.pad(x, (0, self._n_added))
        n_times = x.shape[-1]
        length, response = self._response(n_times)
        filtered = torch.fft.irfft(torch.fft.rfft(x, length).mul_(response), length)
        return filtered[..., : n_times + self._n_added]


class _FilterTime(torch.autograd.Function):
    """Temporal filters computed by Fourier transforms, with the gradients of Eq. (16)."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, left: int, right: int
    ) -> torch.Tensor:
        ctx.n_times, ctx.kernel, ctx.left = x.shape[-1], weight.shape[-1], left
        ctx.length, response = _frequency_response(weight, left, right, ctx.n_times)
        response = response.unsqueeze(1)
        n_outputs = ctx.n_times + left + right - ctx.kernel + 1
        spectrum = torch.fft.rfft(x, ctx.length)
        ctx.save_for_backward(spectrum, response)
        return torch.fft.irfft(spectrum * response, ctx.length)[..., :n_outputs].clone(
            memory_format=torch.contiguous_format
        )

    @staticmethod
    def backward(
        ctx: Any, grad: torch.Tensor
    ) -> tuple[torch.Tensor | None, torch.Tensor | None, None, None]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "Temporal filters have no second derivative; use create_graph=False."
            )
        spectrum, response = ctx.saved_tensors
        needs_x, needs_weight, _, _ = ctx.needs_input_grad
        grad_x = grad_weight = None
        with full_precision(grad):
            grad_spectrum = torch.fft.rfft(grad, ctx.length)
            if needs_weight:
                products = _sum_over_signals(spectrum.conj() * grad_spectrum)
                taps = torch.fft.irfft(products, ctx.length)
                grad_weight = _from_circle(taps, ctx.left, ctx.kernel)
            if needs_x:
                filtered = torch.fft.irfft(grad_spectrum.mul_(response.conj()), ctx.length)
                grad_x = filtered[..., : ctx.n_times]
        return grad_x, grad_weight, None, None


def _convolve_each(x: torch.Tensor, weight: torch.Tensor, left: int, right: int) -> torch.Tensor:
    """Filter each of the signals (n_trials, n_signals, n_times) by a convolution."""
    filters = weight.unsqueeze(1)
    return F.conv1d(F.pad(x, (left, right)), filters, groups=len(weight))


def _frequency_response(
    weight: torch.Tensor, left: int, right: int, n_times: int
) -> tuple[int, torch.Tensor]:
    """Return the length of the Fourier transforms, and the spectra of the filters, Eq. (15)."""
    # The convolution is circular: zeros at the end of the signal also act as zeros before it, so
    # that max(left, right) zeros are enough.
    length = _fft_length(max(n_times + max(left, right), weight.shape[-1]))
    return length, torch.fft.rfft(_to_circle(weight, left, length))


def _to_circle(weight: torch.Tensor, left: int, length: int) -> torch.Tensor:
    """Reverse and shift filters for a circular convolution of ``length`` samples, Eq. (15)."""
    kernel = weight.shape[-1]
    return F.pad(weight.flip(-1), (0, length - kernel)).roll(left - kernel + 1, -1)


def _from_circle(taps: torch.Tensor, left: int, kernel: int) -> torch.Tensor:
    """Invert :func:`_to_circle`."""
    return taps.roll(kernel - 1 - left, -1)[:, :kernel].flip(-1)


def _sum_over_signals(products: torch.Tensor) -> torch.Tensor:
    """Sum complex values of shape (n_trials, n_filters, depth, n) for each filter.

    Sums of real values are faster than sums of complex ones.
    """
    values = torch.view_as_real(products)
    return torch.view_as_complex(values.flatten(1).sum(0).view(values.shape[1:]).sum(1))


def _fft_length(n_times: int) -> int:
    """Return a length of at least ``n_times`` for which Fourier transforms are fast."""
    # Multiples of 32 take up to a third less time than next_fast_len(n_times), e.g. 1.4 ms for 160
    # samples instead of 2.1 ms for 135 (EEGNet's filters of 64 trials, forward and backward).
    return 32 * next_fast_len(-(-n_times // 32), real=True)  # type: ignore[operator]
