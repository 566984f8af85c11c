"""Mean and covariance of all windows of a signal, without cutting them."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ._time_filters import lagged_products


@torch.no_grad()
def window_statistics(x: torch.Tensor, reach: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the mean and the covariance of the windows that a filter sees.

    A filter ``w`` of signals with this mean and covariance has outputs of mean ``w @ mean`` and
    variance ``w @ covariance @ w``.

    Parameters
    ----------
    x : torch.Tensor of shape (..., n_times)
        Signals, zero-padded in thought.
    reach : (int, int)
        How many samples before and after its own a window has.

    Returns
    -------
    mean : torch.Tensor of shape (kernel,)
        Mean over signals and times of each sample of the window.
    covariance : torch.Tensor of shape (kernel, kernel)
        Their covariance.

    Notes
    -----
    The products of two samples of the window, summed over all positions of the window, depend on
    the lag between the samples alone but for the first and last positions, where one of them is
    not in the signal: those products, from Gram matrices of head and tail, are taken away.
    """
    kernel, n_values = sum(reach) + 1, x.numel()
    head, tail = _head(x, reach), _tail(x, reach)
    products = lagged_products(x, kernel) - _before(_by_lag(head)) - _after(_by_lag(tail))
    sums = x.sum() - _before(head.sum(0)) - _after(tail.sum(0))
    mean = sums / n_values
    position = torch.arange(kernel, device=x.device)
    first = torch.minimum(position[:, None], position)
    lag = (position[:, None] - position).abs()
    return mean, products[first, lag] / n_values - torch.outer(mean, mean)


def _head(x: torch.Tensor, reach: tuple[int, int]) -> torch.Tensor:
    """Return the first ``kernel - 1`` padded samples of each signal."""
    start = x[..., : reach[1]].flatten(0, -2)
    return F.pad(start, (reach[0], reach[1] - start.shape[-1]))


def _tail(x: torch.Tensor, reach: tuple[int, int]) -> torch.Tensor:
    """Return the last ``kernel - 1`` padded samples of each signal."""
    end = x[..., max(x.shape[-1] - reach[0], 0) :].flatten(0, -2)
    return F.pad(end, (reach[0] - end.shape[-1], reach[1]))


def _by_lag(samples: torch.Tensor) -> torch.Tensor:
    """Return the products of sample ``s`` and sample ``s + lag``, (n_samples, n_samples + 1)."""
    n_samples = samples.shape[-1]
    gram = F.pad(samples.T @ samples, (0, n_samples + 1))
    return gram.as_strided((n_samples, n_samples + 1), (gram.shape[1] + 1, 1))


def _before(x: torch.Tensor) -> torch.Tensor:
    """Sum along the first axis what comes before each position, from the first to past the last."""
    return torch.cat([torch.zeros_like(x.sum(0, keepdim=True)), x.cumsum(0)])


def _after(x: torch.Tensor) -> torch.Tensor:
    """Sum along the first axis what comes from each position on, to past the last."""
    return _before(x.flip(0)).flip(0)
