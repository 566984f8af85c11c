"""Recipe for classification with many classes."""

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
from ..estimators import AdvancedEEGNetClassifier
from ._overrides import RandomState, override_params

# Fraction of max_epochs before averaging begins: 0.79 for the average of epochs 80 to 100 of 100.
_SWA_START = 0.79


def fine_grained_classification(
    *,
    checkpoint: Any = None,
    max_epochs: int = 100,
    random_state: RandomState = None,
    **params: Any,
) -> AdvancedEEGNetClassifier:
    """Return an AdvancedEEGNet for many classes, e.g. 80.

    The focal loss with balanced class weights [1]_ is minimised by AdamW in mixed precision [3]_,
    with gradient clipping [4]_. The learning rate decreases along a cosine and restarts every 10
    epochs [2]_. The weights of the last fifth of the epochs, e.g. from epoch 80 of 100, are
    averaged [5]_. A fifth of the trials is used for validation. At the end of training, the weights
    or averaged weights of the epoch with the best balanced accuracy on these trials are restored.

    Parameters
    ----------
    checkpoint : str, path-like, skorch.callbacks.Callback or None, default=None
        File in which :class:`eegsk.callbacks.Checkpoint` saves the best epoch, or a callback that
        keeps the best epoch, e.g. with ``monitor="valid_balanced_accuracy"``. None to keep the best
        epoch in memory.
    max_epochs : int, default=100
        Number of epochs.
    random_state : int, RandomState or None, default=None
        Seed.
    **params : dict
        Other parameters of the estimator.

    Returns
    -------
    estimator : AdvancedEEGNetClassifier
        An estimator that is not fitted.

    Raises
    ------
    TypeError
        If the estimator has no parameter of that name.

    Notes
    -----
    If ``groups`` are passed to ``fit``, e.g. subjects, validation uses other groups than training.
    Do not pass groups if the classes themselves are subjects or sessions, because training needs
    trials of each class.

    On most CPUs mixed precision is slower; use ``callbacks__mixedprecision=None`` to remove it.

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
    monitor = "valid_balanced_accuracy"
    if checkpoint is None:
        checkpoint = EarlyStopping(monitor=monitor, patience=None)
    elif isinstance(checkpoint, str | os.PathLike):
        checkpoint = Checkpoint(checkpoint, monitor=monitor)
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
    return override_params(estimator, params)
