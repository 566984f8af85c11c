"""Augmentation by mixtures of two trials."""

from __future__ import annotations

from typing import Any

import torch

from .._fields import Positive
from .transform import MixedTarget, Transform


class Mixup(Transform):
    """Mixture of each trial with a random trial of the batch, and of their targets.

    A trial becomes ``share * trial + (1 - share) * partner``, where ``share`` has a beta
    distribution, and its loss becomes ``share * loss(target) + (1 - share) * loss(target of the
    partner)`` [1]_, each term with the sample weight of its trial. For cross-entropy and the
    squared error, the gradient equals that of mixed targets. Losses that do not accept class
    probabilities can be used as well. The share is at least 0.5. The training score in the history
    compares the prediction for a mixture with the target of the trial that has the larger share.

    Parameters
    ----------
    alpha : float, default=0.2
        Both parameters of the beta distribution. With 1 the distribution is uniform; the smaller
        ``alpha``, the closer the shares are to 1.

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
        """Mix each trial with another trial of the batch.

        Parameters
        ----------
        X : torch.Tensor of shape (n_trials, n_chans, n_times)
            Standardised trials.
        y : torch.Tensor of shape (n_trials,) or (n_trials, n_outputs)
            Targets.

        Returns
        -------
        X : torch.Tensor of shape (n_trials, n_chans, n_times)
            The mixtures.
        y : MixedTarget
            Targets, partners and shares of the trials.

        Raises
        ------
        ValueError
            If the trials are mixtures already.
        """
        if isinstance(y, MixedTarget):
            raise ValueError("Mixup: the trials are mixed already; use only one Mixup.")
        share = torch.where(self._choose(X), self._draw_shares(X), 1.0)
        partner = torch.randperm(len(X), device=X.device)
        mixed = torch.lerp(X[partner], X, share[:, None, None])
        return mixed, MixedTarget(y, partner, share)

    def _draw_shares(self, X: torch.Tensor) -> torch.Tensor:
        """Draw the larger share of each mixture from a beta distribution."""
        # A beta variable is a / (a + b) with gamma variables a and b, i.e. sigmoid(log a - log b).
        # They underflow for small alpha, so their logarithms are drawn: log a = log g + log(u) /
        # alpha, where g is Gamma(alpha + 1) and u uniform (https://doi.org/10.1145/358407.358414).
        # They are drawn on the CPU, because some devices have no double precision.
        alpha = torch.full((2, len(X)), self.alpha, dtype=torch.float64)
        log_g_1, log_g_2 = torch.distributions.Gamma(alpha + 1, 1.0).sample().log()
        log_u_1, log_u_2 = torch.log1p(-torch.rand_like(alpha))
        log_ratio = log_g_1 - log_g_2 + (log_u_1 - log_u_2) / self.alpha
        return torch.sigmoid(log_ratio.abs()).to(X.device, X.dtype)
