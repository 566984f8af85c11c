"""Augmentation by random scaling of the amplitude."""

from __future__ import annotations

import torch

from .._fields import Proportion
from .transform import Transform


class AmplitudeScale(Transform):
    """Multiplication of each trial by a random factor.

    The factor is the same for all channels and time points [1]_. Transforms receive standardised
    trials, so that the deviations from the mean of each channel are scaled; if the estimator has
    ``standardize=None``, the values themselves are scaled.

    Parameters
    ----------
    max_change : float, default=0.2
        The factor has a uniform distribution from ``1 - max_change`` to ``1 + max_change``.

    References
    ----------
    .. [1] Um, T. T., Pfister, F. M. J., Pichler, D., et al. (2017). Data augmentation of wearable
       sensor data for Parkinson's disease monitoring using convolutional neural networks.
       Proceedings of the 19th ACM International Conference on Multimodal Interaction, 216-220.
       https://doi.org/10.1145/3136755.3136817

    Examples
    --------
    >>> import torch
    >>> from eegsk.augmentation import AmplitudeScale
    >>> generator = torch.manual_seed(0)
    >>> X, y = AmplitudeScale(max_change=0.5)(torch.ones(3, 1, 100), torch.zeros(3))
    >>> X[:, 0, 0]
    tensor([0.6320, 0.8074, 1.1341])
    """

    max_change: Proportion = 0.2

    def _transform(self, X: torch.Tensor, is_chosen: torch.Tensor) -> torch.Tensor:
        draw = 2 * torch.rand(len(X), device=X.device, dtype=X.dtype) - 1
        return X * (1 + self.max_change * draw * is_chosen)[:, None, None]
