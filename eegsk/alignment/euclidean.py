"""Euclidean alignment."""

from __future__ import annotations

import numpy as np

from ._base import Alignment
from ._covariance import Array


class EuclideanAlignment(Alignment):
    """Euclidean alignment of trials from different sessions or subjects.

    The trials of each domain, e.g. a session, are multiplied by the inverse square root of the
    arithmetic mean of their covariances [1]_. The mean covariance of every domain is then the
    identity matrix, so that a classifier that is trained on some domains can be used on another.
    Labels are not used. With ``online=False``, the default, the alignment of a new domain is
    transductive: each of its trials depends on all of its trials in the call.

    See Also
    --------
    RiemannianAlignment : The same with the geometric mean, which is robust to outlier trials.

    Notes
    -----
    The covariance of a trial is that of its samples after subtraction of the mean of each channel.
    Directions of the channel space without signal, e.g. after an average reference or after removal
    of ICA components, are zero in the aligned trials. Results do not depend on the unit of the
    trials.

    References
    ----------
    .. [1] He, H., & Wu, D. (2020). Transfer learning for brain-computer interfaces: a Euclidean
       space data alignment approach. IEEE Transactions on Biomedical Engineering, 67(2), 399-410.
       https://doi.org/10.1109/TBME.2019.2913914

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk.alignment import EuclideanAlignment
    >>> from eegsk.datasets import make_motor_imagery
    >>> X, y, subjects = make_motor_imagery(n_subjects=3, n_chans=4, random_state=0)
    >>> aligned = EuclideanAlignment().fit_transform(X, groups=subjects)
    >>> abs(np.cov(np.hstack(aligned[subjects == 2]))).round(1)
    array([[1., 0., 0., 0.],
           [0., 1., 0., 0.],
           [0., 0., 1., 0.],
           [0., 0., 0., 1.]])

    In a pipeline, with the domains in a column of the metadata of Epochs:

    >>> from sklearn.pipeline import make_pipeline
    >>> from eegsk import EEGNetClassifier
    >>> pipeline = make_pipeline(EuclideanAlignment(by="session"), EEGNetClassifier())
    """

    def _mean(self, matrices: Array, weights: Array, n_times: int | None = None) -> Array:
        return np.average(matrices, axis=0, weights=weights)

    def _running_means(self, matrices: Array, mean: Array, n_trials: int) -> Array:
        counts = n_trials + np.arange(1, len(matrices) + 1)
        return (n_trials * mean + matrices.cumsum(axis=0)) / counts[:, None, None]

    def _interpolate(self, start: Array, end: Array, share: Array) -> Array:
        share = np.asarray(share)[..., None, None]
        return (1 - share) * start + share * end
