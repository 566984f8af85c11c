"""Augmentation by random shifts in time."""

from __future__ import annotations

import torch

from .._fields import Proportion
from .transform import Transform


class TimeShift(Transform):
    """Circular shift of each trial in time.

    Samples that are shifted beyond one end of the trial are inserted at the other end, as by
    :func:`torch.roll`. The shift has a uniform distribution and is the same for all channels [1]_.

    Parameters
    ----------
    max_shift : float, default=0.1
        Largest shift in either direction, as a fraction of the length of the trial.

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

    def _transform(self, X: torch.Tensor, is_chosen: torch.Tensor) -> torch.Tensor:
        n_trials, _, n_times = X.shape
        max_shift = round(self.max_shift * n_times)
        shift = torch.randint(-max_shift, max_shift + 1, (n_trials,), device=X.device) * is_chosen
        # A shifted trial is a window of the circularly padded trial. Two copies of the batch are
        # faster than an index for every time point.
        padded = torch.cat([X[..., n_times - max_shift :], X, X[..., :max_shift]], dim=-1)
        windows = padded.unfold(-1, n_times, 1)
        return windows[torch.arange(n_trials, device=X.device), :, max_shift - shift]
