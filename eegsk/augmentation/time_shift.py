"""Shifts in time."""

from __future__ import annotations

import torch

from .._fields import Proportion
from .transform import Transform


class TimeShift(Transform):
    """Shift each trial in time, in a circle: what leaves at one end comes in at the other.

    The shift is drawn evenly between the two extremes, in whole samples, and is the same for all
    electrodes [1]_.

    Parameters
    ----------
    max_shift : float, default=0.1
        The longest shift in either direction, as a fraction of the trial's length.

    References
    ----------
    .. [1] Mohsenvand, M. N., Izadi, M. R., & Maes, P. (2020). Contrastive representation learning
       for electroencephalogram classification. Proceedings of Machine Learning Research, 136,
       238-253. https://proceedings.mlr.press/v136/mohsenvand20a.html

    Examples
    --------
    >>> import torch
    >>> from eegsk.augmentation import TimeShift
    >>> X, y = torch.arange(5.0).expand(2, 1, 5), torch.tensor([0, 1])
    >>> generator = torch.manual_seed(0)
    >>> TimeShift(max_shift=0.4)(X, y)[0][:, 0].int()
    tensor([[4, 0, 1, 2, 3],
            [2, 3, 4, 0, 1]], dtype=torch.int32)
    """

    max_shift: Proportion = 0.1

    def _transform(self, X: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        n_trials, _, n_times = X.shape
        most = round(self.max_shift * n_times)
        shift = torch.randint(-most, most + 1, (n_trials,), device=X.device) * chosen
        # Each trial is a window of its circle, cut at its own place: two plain copies, where an
        # index for every sample would be read as well.
        circle = torch.cat([X[..., n_times - most :], X, X[..., :most]], dim=-1)
        windows = circle.unfold(-1, n_times, 1)
        return windows[torch.arange(n_trials, device=X.device), :, most - shift]
