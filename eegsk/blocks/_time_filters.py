"""Filters over time as matrix products, many times faster on a CPU than long convolutions.

Signals are cut into blocks of a few samples, written one below the other with zeros between
signals. A filter then is a Toeplitz matrix that maps a block and the next few to a block of
output, and correlations are Gram matrices of the blocks with themselves some blocks later. A short
signal is a block of its own, whose matrix knows where it ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ._precision import full_precision

# How much longer a multiplication takes with blocks of a few samples than with whole signals.
_BLOCKS = 1.3
# Signals this many times as long as the zeros between them are short, this many samples few.
_SHORT, _FEW = 8, 2**17


def filter_time(x: torch.Tensor, weight: torch.Tensor, left: int) -> torch.Tensor:
    """Filter signals over time, zero-padded so that they keep their length.

    Parameters
    ----------
    x : torch.Tensor of shape (n_trials, n_filters, depth, n_times)
        For each filter, the signals that it filters.
    weight : torch.Tensor of shape (n_filters, kernel)
        The filters; correlated with the signals, as convolutions are in torch.
    left : int
        How many zeros precede a signal; ``kernel - 1 - left`` follow it.

    Returns
    -------
    filtered : torch.Tensor of shape (n_trials, n_filters, depth, n_times)
        The filtered signals.
    """
    with full_precision(x):
        return _FilterTime.apply(x, weight.to(x.dtype), left)


def lagged_products(x: torch.Tensor, n_lags: int) -> torch.Tensor:
    """Sum ``x[..., t] * x[..., t + lag]`` over each trial, for each lag from 0 on.

    Parameters
    ----------
    x : torch.Tensor of shape (n_trials, ..., n_times)
        Signals.
    n_lags : int
        Number of lags.

    Returns
    -------
    products : torch.Tensor of shape (n_trials, n_lags)
        The sums.
    """
    layout = _Layout(x.shape[-1], n_lags, n_lags - 1, _block_of(n_lags, x.dtype), start=0)
    blocks, n_blocks = layout.write(x)
    gram = _shifted_gram(blocks[:, :n_blocks], blocks, layout.n_shifts(0))
    return _diagonals(gram, 0, n_lags)


class FixedFilters(nn.Module):
    """What :func:`filter_time` does, by filters that do not change any more.

    They stay in the precision and on the device in which they are given.

    Parameters
    ----------
    weight : torch.Tensor of shape (n_filters, kernel)
        The filters.
    left : int
        How many zeros precede a signal; ``kernel - 1 - left`` follow it.
    """

    def __init__(self, weight: torch.Tensor, left: int) -> None:
        super().__init__()
        self._matrices = lru_cache(maxsize=1)(partial(_matrices, weight.detach().clone(), left))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Filter signals of shape (n_trials, n_filters, depth, n_times)."""
        layout, matrices = self._matrices(x.shape[-1])
        x = x.transpose(0, 1)
        filtered = _multiply(*layout.write(x), matrices, layout.block)
        return layout.read(filtered, x.shape).transpose(0, 1)


@dataclass(frozen=True)
class _Layout:
    """Where the samples of signals are, when cut into blocks.

    Parameters
    ----------
    n_times : int
        Length of a signal.
    kernel : int
        Length of the filters.
    gap : int
        How many zeros there must at least be between two signals; 0 if each is one block, or if
        filters have one tap.
    block : int
        How many samples a block has.
    start : int
        Where, in its blocks, a signal begins.
    """

    n_times: int
    kernel: int
    gap: int
    block: int
    start: int

    @property
    def lead(self) -> int:
        """Blocks that the zeros between two signals take."""
        return -(-self.gap // self.block)

    @property
    def pitch(self) -> int:
        """Blocks from one signal to the next."""
        return self.lead - (-self.n_times // self.block)

    def aligned(self) -> _Layout:
        """Return the layout in which a signal begins where a block does, after the zeros."""
        return replace(self, start=self.lead * self.block)

    def offset(self, left: int) -> int:
        """Return the position, in the blocks read for an output, of a filter's first tap.

        It is negative where a block is a whole signal.
        """
        return self.start - left

    @property
    def is_whole(self) -> bool:
        """Whether each signal is one block, which depends on no other."""
        return self.gap == 0 and self.block == self.n_times

    def n_shifts(self, offset: int) -> int:
        """Return how many consecutive blocks an output block depends on."""
        if self.is_whole:
            return 1
        return -(-(self.block + self.kernel - 1 + offset) // self.block)

    def write(self, x: torch.Tensor) -> tuple[torch.Tensor, int]:
        """Write signals (n_filters, ..., n_times) as blocks (n_filters, n_blocks and more, BLOCK).

        The blocks beyond ``n_blocks`` are zeros that the last signal's filters read. Where each
        signal is a block, they may share its memory.
        """
        n_filters, n_signals = x.shape[0], x[0].numel() // self.n_times
        if self.is_whole:
            return x.reshape(n_filters, n_signals, self.n_times), n_signals
        n_blocks, start = n_signals * self.pitch, self.start
        extra = self.n_shifts(self.offset(0))
        blocks = x.new_empty(n_filters, n_blocks + extra, self.block)
        signals = blocks[:, :n_blocks].view(*x.shape[:-1], self.pitch * self.block)
        # Many short gaps take longer to clear than everything.
        if self.n_times < _SHORT * self.gap or x.numel() < _FEW:
            blocks.zero_()
        else:
            signals[..., :start].zero_()
            signals[..., start + self.n_times :].zero_()
            blocks[:, n_blocks:].zero_()
        signals[..., start : start + self.n_times] = x
        return blocks, n_blocks

    def read(self, blocks: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """Read signals back from blocks that begin where they do."""
        return blocks.view(*shape[:-1], self.pitch * self.block)[..., : self.n_times]


@cache
def _layout(n_times: int, kernel: int, left: int, dtype: torch.dtype) -> _Layout:
    """Return the layout of signals for filters with ``left`` zeros before the signal.

    A signal is one block where that takes fewer multiplications.
    """
    gap, block = max(left, kernel - 1 - left), _block_of(kernel, dtype)
    layout = _Layout(n_times, kernel, gap, block, start=left)
    n_multiplied = layout.n_shifts(layout.offset(left)) * block * layout.pitch * block
    if n_times**2 <= _BLOCKS * n_multiplied:
        return _Layout(n_times, kernel, gap=0, block=n_times, start=0)
    return layout


def _block_of(kernel: int, dtype: torch.dtype) -> int:
    """Return how many samples a block should have.

    Enough for matrix products to be efficient, few enough that little of a Toeplitz matrix is zero;
    which it is has been measured.
    """
    if dtype == torch.float64:
        return 24
    return 16 if kernel < 100 else 32


class _FilterTime(torch.autograd.Function):
    """The filters with their exact gradients, themselves filters and correlations."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, left: int) -> torch.Tensor:
        x = x.transpose(0, 1)
        ctx.layout = _layout(x.shape[-1], weight.shape[-1], left, x.dtype)
        ctx.left = left
        blocks, n_blocks = ctx.layout.write(x)
        ctx.save_for_backward(blocks, weight)
        filtered = _apply_filters(blocks, n_blocks, weight, ctx.layout, left)
        filtered = ctx.layout.read(filtered, x.shape).transpose(0, 1)
        return filtered.clone(memory_format=torch.contiguous_format)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        blocks, weight = ctx.saved_tensors
        with full_precision(grad):
            grads = _gradients(grad.transpose(0, 1), blocks, weight, ctx.layout, ctx.left)
        return *grads, None


def _gradients(
    grad: torch.Tensor, blocks: torch.Tensor, weight: torch.Tensor, layout: _Layout, left: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the gradients of signals and of filters."""
    aligned, kernel = layout.aligned(), weight.shape[-1]
    grads, n_blocks = aligned.write(grad)
    filtered = _apply_filters(grads, n_blocks, weight.flip(-1), aligned, kernel - 1 - left)
    grad_x = layout.read(filtered, grad.shape).transpose(0, 1)
    offset = layout.offset(left)
    grads = grads[:, layout.lead : layout.lead + n_blocks]
    gram = _shifted_gram(grads, blocks, layout.n_shifts(offset))
    return grad_x, _diagonals(gram, offset, kernel)


def _matrices(weight: torch.Tensor, left: int, n_times: int) -> tuple[_Layout, torch.Tensor]:
    """Return the layout and the matrices with which signals of a length are filtered."""
    layout = _layout(n_times, weight.shape[-1], left, weight.dtype)
    return layout, _toeplitz(weight, layout.offset(left), layout)


def _apply_filters(
    blocks: torch.Tensor, n_blocks: int, weight: torch.Tensor, layout: _Layout, left: int
) -> torch.Tensor:
    """Return output blocks that begin where the signals do."""
    offset = layout.offset(left)
    return _multiply(blocks, n_blocks, _toeplitz(weight, offset, layout), layout.block)


def _multiply(
    blocks: torch.Tensor, n_blocks: int, matrices: torch.Tensor, block: int
) -> torch.Tensor:
    """Multiply each block and the next few by the matrices of its filter."""
    parts = matrices.split(block, dim=1)
    filtered = torch.bmm(blocks[:, :n_blocks], parts[0])
    for shift in range(1, len(parts)):
        filtered.baddbmm_(blocks[:, shift : shift + n_blocks], parts[shift])
    return filtered


def _toeplitz(weight: torch.Tensor, offset: int, layout: _Layout) -> torch.Tensor:
    """Return the matrices (n_filters, n_shifts * block, block) that filter a block of signal."""
    block, n_inputs = layout.block, layout.n_shifts(offset) * layout.block
    padded = F.pad(weight, (block - 1 + offset, n_inputs - offset - weight.shape[-1]))
    return padded.unfold(-1, block, 1).flip(-1).contiguous()


def _shifted_gram(left: torch.Tensor, right: torch.Tensor, n_shifts: int) -> torch.Tensor:
    """Return products of blocks with those of ``right`` up to ``n_shifts`` blocks later."""
    n_blocks, left = left.shape[1], left.transpose(1, 2)
    shifted = [right[:, shift : shift + n_blocks] for shift in range(n_shifts)]
    return torch.cat([torch.bmm(left, blocks) for blocks in shifted], dim=2)


def _diagonals(gram: torch.Tensor, offset: int, n_lags: int) -> torch.Tensor:
    """Sum the products of samples that are ``offset``, ``offset + 1``, ... apart."""
    # Of signals that are one block, the outer taps reach past the Gram matrix.
    n_before, n_after = -offset, gram.shape[1] + offset + n_lags - 1 - gram.shape[2]
    if n_before > 0 or n_after > 0:
        gram, offset = F.pad(gram, (max(n_before, 0), max(n_after, 0))), max(offset, 0)
    n_filters, block, width = gram.shape
    strides = (gram.stride(0), width + 1, 1)
    return gram.as_strided((n_filters, block, n_lags), strides, gram.storage_offset() + offset).sum(
        1
    )
