"""Riemannian alignment."""

from __future__ import annotations

import numpy as np

from ._base import Alignment
from ._covariance import Array, WhitenedSpace, geometric_mean, power


class RiemannianAlignment(Alignment):
    """Riemannian alignment of trials from different sessions or subjects.

    The trials of each domain, e.g. a session, are multiplied by the inverse square root of the
    geometric mean of their covariances, in the affine-invariant metric [1]_. The geometric mean of
    every domain is then the identity matrix. High-amplitude trials influence the
    geometric mean less than the arithmetic mean of :class:`EuclideanAlignment`. Labels are not
    used. With ``online=False``, the default, the alignment of a new domain is transductive: each
    of its trials depends on all of its trials in the call.

    See Also
    --------
    EuclideanAlignment : The same with the arithmetic mean, which is faster.

    Notes
    -----
    The covariance of a trial is that of its samples after subtraction of the mean of each channel.
    If a trial has fewer than five samples per channel, its covariance is shrunk towards the
    arithmetic mean of its domain. Directions of the channel space without signal, e.g. after an
    average reference or after removal of ICA components, are zero in the aligned trials. Results do
    not depend on the unit of the trials.

    With ``online=True`` and in :meth:`update`, the mean is updated by one step along the
    geodesic to the covariance of each trial. Unlike the geometric mean, it depends slightly on the
    order of the trials.

    References
    ----------
    .. [1] Zanini, P., Congedo, M., Jutten, C., Said, S., & Berthoumieu, Y. (2018). Transfer
       learning: a Riemannian geometry framework with applications to brain-computer interfaces.
       IEEE Transactions on Biomedical Engineering, 65(5), 1107-1116.
       https://doi.org/10.1109/TBME.2017.2742541

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk.alignment import RiemannianAlignment
    >>> from eegsk.datasets import make_motor_imagery
    >>> X, y, subjects = make_motor_imagery(n_subjects=3, n_chans=4, random_state=0)
    >>> aligner = RiemannianAlignment().fit(X, groups=subjects)
    >>> sorted(aligner.references_)
    [1, 2, 3]
    >>> aligned = aligner.transform(X, groups=subjects)
    >>> aligned.std().round(1)
    np.float64(1.0)
    """

    def _mean(self, matrices: Array, weights: Array, n_times: int | None = None) -> Array:
        return geometric_mean(matrices, weights, n_times)

    def _running_means(self, matrices: Array, mean: Array, n_trials: int) -> Array:
        base = WhitenedSpace(self.reference_)
        whitened = base.whiten(matrices, self.signal_.n_times)
        means, current = np.empty_like(whitened), base.whiten(mean)
        for trial, matrix in enumerate(whitened):
            step = np.array(1 / (n_trials + trial + 1))
            current = means[trial] = _geodesic(current, matrix, step)
        return base.unwhiten(means)

    def _interpolate(self, start: Array, end: Array, share: Array) -> Array:
        base, share = WhitenedSpace(start), np.asarray(share)
        points = base.unwhiten(power(base.whiten(end), share))
        return np.where(share[..., None, None] == 1, end, points)


def _geodesic(start: Array, end: Array, share: Array) -> Array:
    """Return the point at ``share`` of the way between positive definite matrices."""
    root, inverse = power(start, np.array(0.5)), power(start, np.array(-0.5))
    return root @ power(inverse @ end @ inverse, share) @ root
