"""Parts of trials that are blotted out."""

from __future__ import annotations

import torch

from .._fields import Probability, Proportion
from .transform import Transform


class ChannelDropout(Transform):
    """Blot some electrodes out, others for each trial.

    An electrode that is dropped is at its mean throughout, which is zero for the network [1]_; it
    is at zero, wherever its mean is, if the estimator has ``standardize=None``. At least one
    electrode is left.

    Parameters
    ----------
    dropout : float, default=0.1
        How likely each electrode is to be dropped.

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

    def _transform(self, X: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        draw = torch.rand(X.shape[:2], device=X.device)
        last = draw == draw.amax(dim=1, keepdim=True)
        kept = (draw >= self.dropout) | last | ~chosen[:, None]
        return X * kept[:, :, None]


class TimeMask(Transform):
    """Blot a stretch of each trial out, at all electrodes.

    Length and place of the stretch are drawn evenly. In it, each electrode is at its mean, which
    is zero for the network [1]_; it is at zero, wherever its mean is, if the estimator has
    ``standardize=None``.

    Parameters
    ----------
    max_length : float, default=0.2
        The longest stretch, as a fraction of the trial's length.

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

    def _transform(self, X: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        n_trials, _, n_times = X.shape
        most = round(self.max_length * n_times)
        length = torch.randint(most + 1, (n_trials,), device=X.device) * chosen
        start = torch.rand(n_trials, device=X.device) * (n_times - length + 1)
        time = torch.arange(n_times, device=X.device) - start.long()[:, None]
        outside = (time < 0) | (time >= length[:, None])
        return X * outside[:, None]
