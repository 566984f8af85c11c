"""Augmentation by recombination of segments of trials."""

from __future__ import annotations

from dataclasses import field
from itertools import pairwise
from typing import Any, ClassVar

import torch

from .._fields import Count, Probability
from .transform import MixedTarget, Transform


class SegmentRecombination(Transform):
    """Replacement of trials by recombined segments of trials of the same class.

    Trials are cut into segments of equal length. A new trial keeps the class of the trial that it
    replaces. Each of its segments is the segment at the same time of a random trial of the batch
    that has the same class [1]_ and, if ``fit`` receives ``groups``, the same group, e.g. session.
    The signal can jump where two segments meet.

    Parameters
    ----------
    n_segments : int, default=8
        Number of segments.
    probability : float, default=0.5
        Probability that a trial is replaced.

    References
    ----------
    .. [1] Lotte, F. (2015). Signal processing approaches to minimize or suppress calibration time
       in oscillatory activity-based brain-computer interfaces. Proceedings of the IEEE, 103(6),
       871-890. https://doi.org/10.1109/JPROC.2015.2404941

    Examples
    --------
    >>> import torch
    >>> from eegsk.augmentation import SegmentRecombination
    >>> X = torch.arange(4.0)[:, None, None].expand(4, 1, 8)
    >>> generator = torch.manual_seed(0)
    >>> recombined, y = SegmentRecombination(n_segments=4, probability=1)(
    ...     X, torch.tensor([0, 0, 1, 1])
    ... )
    >>> recombined[:, 0].int()
    tensor([[0, 0, 1, 1, 1, 1, 1, 1],
            [0, 0, 0, 0, 1, 1, 0, 0],
            [2, 2, 2, 2, 2, 2, 3, 3],
            [2, 2, 2, 2, 2, 2, 2, 2]], dtype=torch.int32)
    """

    uses_groups: ClassVar[bool] = True
    n_segments: Count = 8
    probability: Probability = field(default=0.5, kw_only=True)

    def __call__(
        self, X: torch.Tensor, y: Any, groups: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, Any]:
        """Recombine the trials of a batch.

        Parameters
        ----------
        X : torch.Tensor of shape (n_trials, n_chans, n_times)
            Standardised trials.
        y : torch.Tensor of shape (n_trials,)
            Class of each trial, as an integer.
        groups : torch.Tensor of shape (n_trials,) or None, default=None
            Group of each trial, as an integer.

        Returns
        -------
        X : torch.Tensor of shape (n_trials, n_chans, n_times)
            The recombined trials, in a new tensor.
        y : torch.Tensor of shape (n_trials,)
            The classes, unchanged.

        Raises
        ------
        ValueError
            If the targets are continuous or mixed.
        """
        if isinstance(y, MixedTarget):
            raise ValueError(
                "SegmentRecombination: the trials are mixed already; list it before Mixup."
            )
        if y.ndim != 1 or y.is_floating_point():
            raise ValueError(
                "SegmentRecombination needs classes, but the targets are continuous; use it with "
                "classifiers."
            )
        is_same = y[:, None] == y
        if groups is not None:
            is_same &= groups[:, None] == groups
        return self._recombine(X, self._choose(X), is_same), y

    def _transform(self, X: torch.Tensor, is_chosen: torch.Tensor) -> torch.Tensor:
        """Recombine trials, as if all had the same class."""
        return self._recombine(X, is_chosen, is_chosen.new_ones(len(X), len(X)))

    def _recombine(
        self, X: torch.Tensor, is_chosen: torch.Tensor, is_same: torch.Tensor
    ) -> torch.Tensor:
        n_trials, _, n_times = X.shape
        n_segments = min(int(self.n_segments), n_times)
        source = torch.multinomial(is_same.float(), n_segments, replacement=True)
        source = torch.where(
            is_chosen[:, None], source, torch.arange(n_trials, device=X.device)[:, None]
        )
        recombined = torch.empty_like(X, memory_format=torch.contiguous_format)
        edges = [round(n_times * number / n_segments) for number in range(n_segments + 1)]
        for segment, (start, stop) in enumerate(pairwise(edges)):
            recombined[..., start:stop] = X[..., start:stop].index_select(0, source[:, segment])
        return recombined
