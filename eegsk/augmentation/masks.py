"""Augmentation by masks: random channels or time segments are set to zero."""

from __future__ import annotations

import torch

from .._fields import Probability, Proportion
from .transform import Transform


class ChannelDropout(Transform):
    """Mask that sets random channels of each trial to zero.

    Transforms receive standardised trials, so that zero is the mean of a channel [1]_, unless the
    estimator has ``standardize=None``. At least one channel of each trial is kept.

    Parameters
    ----------
    dropout : float, default=0.1
        Probability that a channel of a transformed trial is set to zero.

    References
    ----------
    .. [1] Rommel, C., Paillard, J., Moreau, T., & Gramfort, A. (2022). Data augmentation for
       learning predictive models on EEG: a systematic comparison. Journal of Neural Engineering,
       19(6), 066020. https://doi.org/10.1088/1741-2552/aca220

    Examples
    --------
    >>> import torch
    >>> from eegsk.augmentation import ChannelDropout
    >>> generator = torch.manual_seed(0)
    >>> X, y = ChannelDropout(dropout=0.5)(torch.ones(2, 4, 100), torch.zeros(2))
    >>> X.mean(dim=2)
    tensor([[0., 0., 0., 1.],
            [0., 1., 0., 1.]])
    """

    dropout: Probability = 0.1

    def _transform(self, X: torch.Tensor, is_chosen: torch.Tensor) -> torch.Tensor:
        draw = torch.rand(X.shape[:2], device=X.device)
        is_largest = draw == draw.amax(dim=1, keepdim=True)  # the channel that is always kept
        mask = (draw >= self.dropout) | is_largest | ~is_chosen[:, None]
        return X * mask[:, :, None]


class TimeMask(Transform):
    """Mask that sets a random time segment of each trial to zero.

    The mask is the same for all channels; length and start of the segment have uniform
    distributions. Transforms receive standardised trials, so that zero is the mean of a channel
    [1]_, unless the estimator has ``standardize=None``.

    Parameters
    ----------
    max_length : float, default=0.2
        Largest length of the segment, as a fraction of the length of the trial.

    References
    ----------
    .. [1] Rommel, C., Paillard, J., Moreau, T., & Gramfort, A. (2022). Data augmentation for
       learning predictive models on EEG: a systematic comparison. Journal of Neural Engineering,
       19(6), 066020. https://doi.org/10.1088/1741-2552/aca220

    Examples
    --------
    >>> import torch
    >>> from eegsk.augmentation import TimeMask
    >>> generator = torch.manual_seed(0)
    >>> X, y = TimeMask(max_length=0.5)(torch.ones(3, 1, 8), torch.zeros(3))
    >>> X[:, 0].int()
    tensor([[1, 1, 1, 1, 1, 1, 1, 1],
            [1, 1, 1, 1, 1, 0, 0, 0],
            [1, 1, 0, 0, 0, 0, 1, 1]], dtype=torch.int32)
    """

    max_length: Proportion = 0.2

    def _transform(self, X: torch.Tensor, is_chosen: torch.Tensor) -> torch.Tensor:
        n_trials, _, n_times = X.shape
        max_length = round(self.max_length * n_times)
        length = torch.randint(max_length + 1, (n_trials,), device=X.device) * is_chosen
        start = torch.rand(n_trials, device=X.device) * (n_times - length + 1)
        time = torch.arange(n_times, device=X.device) - start.long()[:, None]
        is_outside = (time < 0) | (time >= length[:, None])
        return X * is_outside[:, None]
