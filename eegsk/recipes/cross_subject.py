"""Recipe for motor imagery of subjects without labelled trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._fields import Count, Positive, check_value
from ..alignment import AlignedEstimator, EuclideanAlignment
from ..estimators import EEGNetClassifier
from ._ensembles import align_seeds, reflections
from ._overrides import RandomState, override_params


def cross_subject_motor_imagery(
    *,
    sfreq: float,
    ch_names: Sequence[str] | None = None,
    n_seeds: int = 5,
    max_epochs: int = 50,
    random_state: RandomState = None,
    **params: Any,
) -> AlignedEstimator:
    """Return an ensemble of EEGNets for motor imagery of subjects who are not in the training data.

    The channels of each subject are scaled to variance one: pass the subject of each trial as
    ``groups`` to ``fit`` and ``predict``. Half of the training trials are reflected [1]_, and the
    probabilities of several EEGNets [2]_ with different seeds are averaged.

    Parameters
    ----------
    sfreq : float
        Sampling rate in Hz.
    ch_names : sequence of str or None, default=None
        Names of the channels in the 10-20 system, e.g. ``epochs.ch_names``, if the two classes are
        imagery of the left and of the right hand. Reflection exchanges left and right channels, and
        the classes. None for no reflection, which is less accurate.
    n_seeds : int, default=5
        Number of networks.
    max_epochs : int, default=50
        Number of epochs.
    random_state : int, RandomState or None, default=None
        Seed.
    **params : dict
        Other parameters of the EEGNets.

    Returns
    -------
    estimator : AlignedEstimator
        An estimator that is not fitted: :class:`~eegsk.alignment.EuclideanAlignment` with
        ``diagonal=True``, and a ``VotingClassifier`` of :class:`~eegsk.EEGNetClassifier`.

    Raises
    ------
    TypeError
        If ``sfreq`` is not a number, or the EEGNet has no parameter of that name.
    ValueError
        If ``sfreq`` is not above 0, or ``n_seeds`` is below 1.

    See Also
    --------
    motor_imagery : Recipe for one subject with labelled trials.

    Notes
    -----
    The settings were selected by cross-validation over the people S001 to S020 of the EEG Motor
    Movement/Imagery data set, whose 64 channels are unfiltered. There, full alignment, whitening,
    and shifts in time lowered the accuracy.

    References
    ----------
    .. [1] Wang, Z., Li, S., Luo, J., Liu, J., & Wu, D. (2024). Channel reflection: knowledge-driven
       data augmentation for EEG-based brain-computer interfaces. Neural Networks, 176, 106351.
       https://doi.org/10.48550/arXiv.2412.03224
    .. [2] Lawhern, V. J., Solon, A. J., Waytowich, N. R., Gordon, S. M., Hung, C. P., & Lance,
       B. J. (2018). EEGNet: a compact convolutional neural network for EEG-based brain-computer
       interfaces. Journal of Neural Engineering, 15(5), 056013.
       https://doi.org/10.1088/1741-2552/aace8c

    Examples
    --------
    >>> from eegsk.recipes import cross_subject_motor_imagery
    >>> recipe = cross_subject_motor_imagery(sfreq=160, ch_names=["C3", "Cz", "C4"], n_seeds=3)
    >>> [name for name, _ in recipe.estimator.estimators]
    ['seed0', 'seed1', 'seed2']

    ``recipe.fit(X, y, groups=subjects).predict(X_new, groups=subjects_new)`` trains and predicts.
    """
    check_value("cross_subject_motor_imagery", "sfreq", sfreq, Positive)
    check_value("cross_subject_motor_imagery", "n_seeds", n_seeds, Count)
    network = EEGNetClassifier(
        kernel=max(1, round(sfreq / 2.5)),
        pool=max(1, round(sfreq / 40)),
        augmentation=reflections(ch_names),
        max_epochs=max_epochs,
    )
    network = override_params(network, params)
    return align_seeds(EuclideanAlignment(diagonal=True), network, n_seeds, random_state)
