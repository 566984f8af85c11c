"""Detection of tracing, e.g. by torch.export, torch.compile or an ONNX exporter."""

from __future__ import annotations

import torch


def is_traced() -> bool:
    """Return whether the operations of a module are recorded, not only computed.

    Blocks that compute a result by Fourier transforms, by views of memory or with gradients of
    their own then use the plain operation of torch with the same result, e.g. a convolution. An
    exporter either cannot record the fast form, or records it for a fixed number of trials.
    """
    is_tracing = torch.jit.is_tracing()  # type: ignore
    return is_tracing or torch.compiler.is_compiling()


def unfold_traced(x: torch.Tensor, n_windows: int) -> torch.Tensor:
    """Return overlapping windows, as ``x.unfold`` does, by slices, which all exporters record.

    Parameters
    ----------
    x : torch.Tensor of shape (..., n_times)
        Signals.
    n_windows : int
        Number of windows; window ``i`` begins at sample ``i``, and all are as long as possible.

    Returns
    -------
    windows : torch.Tensor of shape (..., n_windows, n_times - n_windows + 1)
        The windows.
    """
    ends = [index - n_windows + 1 or None for index in range(n_windows)]
    return torch.stack([x[..., start:end] for start, end in enumerate(ends)], dim=-2)
