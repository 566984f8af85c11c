"""Containers of layers, and layers that select or rearrange values."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from .dropout import Dropout


class Residual(nn.Sequential):
    """Residual block: layers whose output is added to their input.

    Parameters
    ----------
    layers : OrderedDict of str to torch.nn.Module
        The layers, which are applied one after the other.
    shortcut : torch.nn.Module or None, default=None
        Layer applied to the input before the sum, e.g. to change the number of signals; None to
        add the input itself.

    References
    ----------
    .. [1] He, K., Zhang, X., Ren, S., & Sun, J. (2016). Deep residual learning for image
       recognition. CVPR. https://doi.org/10.1109/CVPR.2016.90

    Examples
    --------
    >>> from collections import OrderedDict
    >>> import torch
    >>> from eegsk.blocks import Residual
    >>> Residual(OrderedDict(activation=torch.nn.ReLU()))(torch.tensor([-1.0, 3.0]))
    tensor([-1.,  6.])
    """

    def __init__(
        self, layers: OrderedDict[str, nn.Module], shortcut: nn.Module | None = None
    ) -> None:
        super().__init__(layers)
        self._names = tuple(layers)
        if shortcut is not None:
            self.shortcut = shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the layers to ``x``, and add ``x`` or its shortcut."""
        y = x
        for name in self._names:
            y = self._modules[name](y)  # type: ignore[misc]
        shortcut = self._modules.get("shortcut")
        return y + (x if shortcut is None else shortcut(x))


class ConcatenateWithInput(nn.Sequential):
    """Layers whose output signals are appended to their input signals.

    Parameters
    ----------
    layers : OrderedDict of str to torch.nn.Module
        The layers, which are applied one after the other.

    Examples
    --------
    >>> from collections import OrderedDict
    >>> import torch
    >>> from eegsk.blocks import Conv, ConcatenateWithInput
    >>> layer = ConcatenateWithInput(OrderedDict(mixture=Conv(6, 2, 1)))
    >>> layer(torch.zeros(4, 6, 10)).shape
    torch.Size([4, 8, 10])
    """

    def __init__(self, layers: OrderedDict[str, nn.Module]) -> None:
        super().__init__(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Append signals to ``x`` of shape (n_trials, n_signals, n_times)."""
        return torch.cat([x, super().forward(x)], dim=1)


class Transpose(nn.Module):
    """Exchange of the axes of signals and time.

    Each row of the output is a time point, i.e. a token of a transformer. A second ``Transpose``
    restores the order.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import Transpose
    >>> Transpose()(torch.zeros(4, 6, 10)).shape
    torch.Size([4, 10, 6])
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Exchange the last two axes of ``x``."""
        return x.transpose(1, 2)


class LastSample(nn.Module):
    """Selection of the last time point.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import LastSample
    >>> LastSample()(torch.zeros(4, 6, 10)).shape
    torch.Size([4, 6])
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Select the last time point of ``x`` of shape (n_trials, n_signals, n_times)."""
        return x[..., -1]


class DropPath(nn.Module):
    """Stochastic depth: dropout of all values of a trial.

    In a residual block, the layers of the block are skipped for randomly chosen trials. The values
    of the remaining trials are scaled, so that their expected value does not change.

    Parameters
    ----------
    p : float
        Probability of setting the values of a trial to zero in training mode.

    References
    ----------
    .. [1] Huang, G., Sun, Y., Liu, Z., Sedra, D., & Weinberger, K. Q. (2016). Deep networks with
       stochastic depth. ECCV. https://doi.org/10.1007/978-3-319-46493-0_39

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import DropPath
    >>> DropPath(0.5)(torch.ones(100, 3)).unique()
    tensor([0., 2.])
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.dropout = Dropout(p)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply dropout to the trials, the first axis of ``x``."""
        if not self.training or self.dropout.p == 0:
            return x
        return x * self.dropout(x.new_ones(len(x), *[1] * (x.dim() - 1)))
