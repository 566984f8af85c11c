"""Many classes."""

from __future__ import annotations

import os
from typing import Any

from ..callbacks import (
    SWA,
    Checkpoint,
    CosineWarmRestarts,
    EarlyStopping,
    EpochMetric,
    FocalBalance,
    GradientClipping,
    MixedPrecision,
)
from ..catalogue import AdvancedEEGNetClassifier
from ._fields import RandomState, with_fields

# As a fraction of max_epochs, so that it follows these: epoch 80 is the first of 100.
_SWA_START = 0.79


def fine_grained_classification(
    *,
    checkpoint: Any = None,
    max_epochs: int = 100,
    random_state: RandomState = None,
    **fields: Any,
) -> AdvancedEEGNetClassifier:
    """Make an AdvancedEEGNet that tells many classes apart, such as 80.

    The focal loss with balanced classes is minimised by AdamW, in mixed precision, with clipped
    gradients and a learning rate that falls along a cosine and restarts every 10 epochs; the
    weights of the last fifth of epochs, from epoch 80 of 100 on, are averaged. Of all epochs, the
    one (or the average until then) with the best balanced accuracy on a fifth of the trials, set
    aside, is kept.

    Parameters
    ----------
    checkpoint : str, path-like, skorch.callbacks.Callback or None, default=None
        The file of a :class:`eegsk.callbacks.Checkpoint` of the best epoch, or a callback that
        keeps it, by ``valid_balanced_accuracy`` for one; None for one that keeps it in memory.
    max_epochs : int, default=100
        How many times training goes through the trials.
    random_state : int, RandomState or None, default=None
        Seed.
    **fields : dict
        Other fields of the estimator.

    Returns
    -------
    estimator : AdvancedEEGNetClassifier
        The estimator, not fitted.

    Raises
    ------
    TypeError
        If the estimator has no such field.

    Notes
    -----
    Subjects or sessions that are given to ``fit`` as ``groups`` are set aside whole; not so where
    the classes are subjects or sessions, for then training has to see each of them.

    On most CPUs half precision takes longer, not less long; ``callbacks__mixedprecision=None``
    takes it out.

    References
    ----------
    .. [1] Lin, T.-Y., Goyal, P., Girshick, R., He, K., & Dollar, P. (2017). Focal loss for dense
       object detection. ICCV. https://doi.org/10.1109/ICCV.2017.324
    .. [2] Loshchilov, I., & Hutter, F. (2017). SGDR: stochastic gradient descent with warm
       restarts. ICLR. https://doi.org/10.48550/arXiv.1608.03983
    .. [3] Micikevicius, P., et al. (2018). Mixed precision training. ICLR.
       https://doi.org/10.48550/arXiv.1710.03740
    .. [4] Pascanu, R., Mikolov, T., & Bengio, Y. (2013). On the difficulty of training recurrent
       neural networks. ICML. https://doi.org/10.48550/arXiv.1211.5063
    .. [5] Izmailov, P., Podoprikhin, D., Garipov, T., Vetrov, D., & Wilson, A. G. (2018). Averaging
       weights leads to wider optima and better generalization. UAI.
       https://doi.org/10.48550/arXiv.1803.05407

    Examples
    --------
    >>> from eegsk.recipes import fine_grained_classification
    >>> estimator = fine_grained_classification(callbacks__focalbalance__gamma=1.0)
    >>> [type(callback).__name__ for callback in estimator.callbacks][:3]
    ['FocalBalance', 'CosineWarmRestarts', 'MixedPrecision']
    """
    best = "valid_balanced_accuracy"
    if checkpoint is None:
        checkpoint = EarlyStopping(monitor=best, patience=None)
    elif isinstance(checkpoint, str | os.PathLike):
        checkpoint = Checkpoint(checkpoint, monitor=best)
    estimator = AdvancedEEGNetClassifier(
        optimizer="adamw",
        lr=1e-3,
        weight_decay=0.01,
        batch_size=64,
        valid_split=0.2,
        callbacks=[
            FocalBalance(),
            CosineWarmRestarts(t_0=10),
            MixedPrecision(),
            GradientClipping(max_norm=1.0),
            SWA(start=_SWA_START, lr=1e-4),
            EpochMetric("balanced_accuracy"),
            checkpoint,
        ],
        max_epochs=max_epochs,
        random_state=random_state,
    )
    return with_fields(estimator, fields)
