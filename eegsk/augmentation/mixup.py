"""Mixtures of trials."""

from __future__ import annotations

from typing import Any

import torch

from .._fields import Positive
from .transform import MixedTarget, Transform


class Mixup(Transform):
    """Mix each trial with another of the batch, and likewise their targets.

    A trial becomes ``share * trial + (1 - share) * other``, with a share from a beta distribution,
    and its loss ``share * loss(own target) + (1 - share) * loss(other's target)`` [1]_, each with
    the weight of the trial whose target it is. Of cross-entropy and of squared errors, the
    gradient is that of mixed targets; other losses, which take no soft targets, work as well. Of
    the two, the trial itself has the larger share, so that the training score in the history
    tells how well the larger part of each mixture is recognised.

    Parameters
    ----------
    alpha : float, default=0.2
        Both parameters of the beta distribution: at 1, all shares are as likely; the smaller, the
        nearer they are to 1.

    References
    ----------
    .. [1] Zhang, H., Cisse, M., Dauphin, Y. N., & Lopez-Paz, D. (2018). mixup: beyond empirical
       risk minimization. International Conference on Learning Representations.
       https://doi.org/10.48550/arXiv.1710.09412

    Examples
    --------
    >>> import torch
    >>> from eegsk.augmentation import Mixup
    >>> generator = torch.manual_seed(1)
    >>> X = torch.tensor([0.0, 1.0, 2.0])[:, None, None].expand(3, 1, 100)
    >>> mixed, y = Mixup(alpha=1.0)(X, torch.tensor([0, 1, 1]))
    >>> y.partner, y.share
    (tensor([2, 0, 1]), tensor([0.5152, 0.7710, 0.8578]))
    >>> mixed[:, 0, 0]
    tensor([0.9696, 0.7710, 1.8578])
    """

    alpha: Positive = 0.2

    def __call__(self, X: torch.Tensor, y: Any) -> tuple[torch.Tensor, MixedTarget]:
        """Return mixtures of trials, with the targets of both.

        Parameters
        ----------
        X : torch.Tensor of shape (n_trials, n_chans, n_times)
            Standardised trials.
        y : torch.Tensor of shape (n_trials,) or (n_trials, n_outputs)
            Their targets.

        Returns
        -------
        X : torch.Tensor of shape (n_trials, n_chans, n_times)
            The mixtures.
        y : MixedTarget
            Targets of the trials, which trial each is mixed with, and its own share.

        Raises
        ------
        ValueError
            If the trials are mixtures already.
        """
        if isinstance(y, MixedTarget):
            raise ValueError("Mixup: the trials are mixed already; use one Mixup only.")
        share = torch.where(self._choose(X), self._draw_shares(X), 1.0)
        partner = torch.randperm(len(X), device=X.device)
        mixed = torch.lerp(X[partner], X, share[:, None, None])
        return mixed, MixedTarget(y, partner, share)

    def _draw_shares(self, X: torch.Tensor) -> torch.Tensor:
        """Draw the larger share of each mixture."""
        # In logarithms, as the amounts that a share is made of underflow for small alphas, and in
        # double precision, of which not all devices are capable.
        alpha = torch.full((2, len(X)), self.alpha, dtype=torch.float64)
        gamma, other_gamma = torch.distributions.Gamma(alpha + 1, 1.0).sample().log()
        power, other_power = torch.log1p(-torch.rand_like(alpha))
        difference = gamma - other_gamma + (power - other_power) / self.alpha
        return torch.sigmoid(difference.abs()).to(X.device, X.dtype)
