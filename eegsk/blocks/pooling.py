"""Pooling over time."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ._tracing import is_traced


class MeanPool(nn.Module):
    """Average pooling over time.

    The results are those of ``torch.nn.AvgPool1d``; they are computed by a product with a vector,
    which is faster. Samples after the last complete window are not used. If windows overlap, the
    mean of a segment that they share is computed once.

    Parameters
    ----------
    size : int
        Length of the windows in samples.
    stride : int or None, default=None
        Distance between the first samples of consecutive windows; None for ``size``, so that
        windows do not overlap.
    padding : int, default=0
        Number of zeros added before and after the signal; the averages include them.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import MeanPool
    >>> MeanPool(2)(torch.tensor([[[1.0, 3.0, 5.0, 7.0, 9.0]]]))
    tensor([[[2., 6.]]])
    """

    def __init__(self, size: int, stride: int | None = None, padding: int = 0) -> None:
        super().__init__()
        self.size = size
        self.stride = size if stride is None else stride
        self.padding = padding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pool ``x`` of shape (n_trials, n_signals, n_times)."""
        if is_traced():
            return F.avg_pool1d(x, self.size, self.stride, self.padding)
        if self.padding and self.stride == self.size:
            return self._pool_padded(x)
        if self.padding:
            x = F.pad(x, (self.padding, self.padding))
        # Windows begin and end at multiples of ``step``: average over segments of that length
        # first, then over the segments of each window.
        step = math.gcd(self.size, self.stride)
        x = complete_windows(x, step)
        means = x.reshape(-1, step) @ x.new_full((step,), 1 / step)
        means = means.view(*x.shape[:-1], x.shape[-1] // step)
        if step == self.size:
            return means
        return F.avg_pool1d(means, self.size // step, self.stride // step)

    def _pool_padded(self, x: torch.Tensor) -> torch.Tensor:
        """Pool without a padded copy of the signals.

        With padding, each window covers the last ``padding`` samples of one window without padding
        and the first samples of the next. The two parts are computed separately and added.
        """
        size, n_pooled = self.size, (x.shape[-1] + 2 * self.padding) // self.size
        if x.shape[-1] % size:
            x = F.pad(x, (0, size - x.shape[-1] % size))
        windows = x.reshape(-1, size)
        first_weights = x.new_full((size,), 1 / size)
        first_weights[size - self.padding :] = 0
        first_parts = (windows @ first_weights).view(*x.shape[:-1], -1)
        last_parts = (windows @ (1 / size - first_weights)).view(*x.shape[:-1], -1)
        n_missing = n_pooled - first_parts.shape[-1]
        return F.pad(first_parts, (0, n_missing)) + F.pad(last_parts, (1, n_missing - 1))

    def extra_repr(self) -> str:
        """Return the settings that the layer's ``repr`` shows."""
        return f"size={self.size}, stride={self.stride}, padding={self.padding}"


class MaxPool(nn.Module):
    """Max pooling over windows of time that do not overlap.

    The results are those of ``torch.nn.MaxPool1d``. On a CPU, training with a size of two takes
    less than half the time. Samples after the last complete window are not used. If the maximum
    occurs several times in a window, its first occurrence receives the gradient. If a window
    contains NaN, its output is NaN and one of its samples receives the gradient.

    Parameters
    ----------
    size : int
        Length of the windows in samples.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import MaxPool
    >>> MaxPool(2)(torch.tensor([[[1.0, 3.0, 5.0, 7.0, 9.0]]]))
    tensor([[[3., 7.]]])
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pool ``x`` of shape (n_trials, n_signals, n_times)."""
        if torch.is_grad_enabled() and x.requires_grad and not is_traced():
            windows = complete_windows(x, self.size).unflatten(-1, (-1, self.size))
            return _Max.apply(windows)[0]
        return F.max_pool1d(x, self.size)

    def extra_repr(self) -> str:
        """Return the settings that the layer's ``repr`` shows."""
        return f"size={self.size}"


class _Max(torch.autograd.Function):
    """Maximum over the last axis by a loop over its samples, which is fast if they are few."""

    generate_vmap_rule = True

    @staticmethod
    def forward(windows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        largest, *later_samples = windows.unbind(-1)
        is_larger = []
        for sample in later_samples:
            is_larger.append(sample > largest)
            largest = torch.maximum(largest, sample)
        return largest if later_samples else largest.clone(), *is_larger

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[torch.Tensor, ...]) -> None:
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*output[1:])

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor, *_: Any) -> torch.Tensor:
        is_larger = ctx.saved_tensors
        grad_of_windows = grad.new_empty(*grad.shape, len(is_larger) + 1)
        # The last sample that was larger than all samples before it is the maximum.
        for index in range(len(is_larger), 0, -1):
            grad_of_sample = grad * is_larger[index - 1]
            grad_of_windows[..., index] = grad_of_sample
            grad = grad - grad_of_sample
        grad_of_windows[..., 0] = grad
        return grad_of_windows


def complete_windows(x: torch.Tensor, size: int) -> torch.Tensor:
    """Remove samples after the last complete window from signals of shape (..., n_times)."""
    n_times = x.shape[-1]
    if n_times < size:
        raise RuntimeError(
            f"n_times={n_times} is too short to pool over windows of {size} samples."
        )
    return x[..., : n_times - n_times % size] if n_times % size else x
