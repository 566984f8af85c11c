"""Recipes for regression: one or several numbers for each trial."""

from __future__ import annotations

from typing import Any

from ..augmentation import GaussianNoise, TimeShift
from ..callbacks import SAM
from ..estimators import EEGNeXRegressor
from ._overrides import RandomState, override_params


def reaction_time_regression(
    *, max_epochs: int = 30, random_state: RandomState = None, **params: Any
) -> EEGNeXRegressor:
    """Return an EEGNeX that predicts one number for each trial, e.g. a reaction time.

    The squared error is minimised by AdamW with sharpness-aware minimisation [2]_, with a learning
    rate of 1e-3, a weight decay of 0.01, a radius ``rho`` of 0.05 and batches of 32. Training
    trials are shifted in time by up to a tenth of their length, and white noise of 0.01 standard
    deviations is added. With 129 channels and 200 time points the network [1]_ has 62,353
    parameters.

    Parameters
    ----------
    max_epochs : int, default=30
        Number of epochs.
    random_state : int, RandomState or None, default=None
        Seed.
    **params : dict
        Other parameters of the estimator.

    Returns
    -------
    estimator : EEGNeXRegressor
        An estimator that is not fitted.

    Raises
    ------
    TypeError
        If the estimator has no parameter of that name.

    Notes
    -----
    The settings are for prediction of new subjects. Evaluate the estimator with
    :class:`~sklearn.model_selection.GroupKFold`, so that the trials of a subject are all in the
    training or all in the test set, and with the normalised error ``nrmse_scorer``, as in the
    example.

    References
    ----------
    .. [1] Chen, X., Teng, X., Chen, H., Pan, Y., & Geyer, P. (2024). Toward reliable signals
       decoding for electroencephalogram: a benchmark study to EEGNeX. Biomedical Signal Processing
       and Control, 87, 105475. https://doi.org/10.1016/j.bspc.2023.105475
    .. [2] Foret, P., Kleiner, A., Mobahi, H., & Neyshabur, B. (2021). Sharpness-aware minimization
       for efficiently improving generalization. ICLR. https://doi.org/10.48550/arXiv.2010.01412

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GroupKFold, cross_val_score
    >>> from eegsk.metrics import nrmse_scorer
    >>> from eegsk.recipes import reaction_time_regression
    >>> rng = np.random.default_rng(0)
    >>> X, seconds = rng.standard_normal((20, 4, 64)), rng.uniform(0.3, 0.6, size=20)
    >>> subjects = np.repeat(["s1", "s2", "s3", "s4", "s5"], 4)
    >>> estimator = reaction_time_regression(max_epochs=1, kernel=8, random_state=0)
    >>> cv = GroupKFold(n_splits=5)
    >>> cross_val_score(
    ...     estimator, X, seconds, groups=subjects, cv=cv, scoring=nrmse_scorer
    ... ).shape
    (5,)
    """
    estimator = EEGNeXRegressor(
        optimizer="adamw",
        lr=1e-3,
        weight_decay=0.01,
        criterion="mse",
        batch_size=32,
        callbacks=[SAM(rho=0.05)],
        augmentation=[TimeShift(max_shift=0.1), GaussianNoise(std=0.01)],
        max_epochs=max_epochs,
        random_state=random_state,
    )
    return override_params(estimator, params)


def multi_output_regression(
    *, max_epochs: int = 20, random_state: RandomState = None, **params: Any
) -> EEGNeXRegressor:
    """Return an EEGNeX that predicts several numbers for each trial.

    The settings are those of :func:`reaction_time_regression`, but with Adamax [3]_ instead of
    AdamW and batches of 16. They were chosen for eight targets; any number of targets can be used.

    Parameters
    ----------
    max_epochs : int, default=20
        Number of epochs.
    random_state : int, RandomState or None, default=None
        Seed.
    **params : dict
        Other parameters of the estimator.

    Returns
    -------
    estimator : EEGNeXRegressor
        An estimator that is not fitted.

    Raises
    ------
    TypeError
        If the estimator has no parameter of that name.

    References
    ----------
    .. [1] Chen, X., Teng, X., Chen, H., Pan, Y., & Geyer, P. (2024). Toward reliable signals
       decoding for electroencephalogram: a benchmark study to EEGNeX. Biomedical Signal Processing
       and Control, 87, 105475. https://doi.org/10.1016/j.bspc.2023.105475
    .. [2] Foret, P., Kleiner, A., Mobahi, H., & Neyshabur, B. (2021). Sharpness-aware minimization
       for efficiently improving generalization. ICLR. https://doi.org/10.48550/arXiv.2010.01412
    .. [3] Kingma, D. P., & Ba, J. (2015). Adam: a method for stochastic optimization. ICLR.
       https://doi.org/10.48550/arXiv.1412.6980

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk.recipes import multi_output_regression
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.standard_normal((20, 4, 64)), rng.standard_normal((20, 8))
    >>> estimator = multi_output_regression(max_epochs=1, kernel=8, random_state=0)
    >>> estimator.fit(X, Y).predict(X).shape
    (20, 8)
    """
    defaults: dict[str, Any] = {"optimizer": "adamax", "batch_size": 16}
    return reaction_time_regression(
        max_epochs=max_epochs, random_state=random_state, **{**defaults, **params}
    )
