"""Recipe for motor imagery of subjects without labelled trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from .._fields import Count, Range, check_value
from ..alignment import AlignedVotingClassifier, EuclideanAlignment
from ..estimators import EEGNetClassifier
from ._ensembles import align_seeds, draw_seeds, reflections
from ._overrides import RandomState, override_params

# Lowest and highest frequency of the mu and beta rhythms in Hz.
RHYTHMS = (7.0, 32.0)


def cross_subject_motor_imagery(
    *,
    sfreq: float,
    ch_names: Sequence[str] | None = None,
    n_seeds: int = 3,
    max_epochs: int = 50,
    random_state: RandomState = None,
    **params: Any,
) -> AlignedVotingClassifier:
    """Return an ensemble of EEGNets for motor imagery of subjects who are not in the training data.

    The probabilities of two kinds of EEGNets [1]_ are averaged. The first kind receives unfiltered
    trials, in which each channel of a subject is scaled to variance one. The second kind receives
    trials that are filtered from 7 to 32 Hz, i.e. the mu and beta rhythms, and aligned by the mean
    covariance of the subject [2]_. Half of the training trials are reflected [3]_. Pass the subject
    of each trial as ``groups`` to ``fit`` and ``predict``; in cross-validation, this requires
    metadata routing.

    Parameters
    ----------
    sfreq : float
        Sampling rate in Hz, above 64.
    ch_names : sequence of str or None, default=None
        Names of the channels in the 10-20 system, e.g. ``epochs.copy().pick("eeg").ch_names``, if
        the two classes are imagery of the left and of the right hand. Reflection exchanges left and
        right channels, and the classes. None for no reflection, which is less accurate.
    n_seeds : int, default=3
        Number of networks of each kind.
    max_epochs : int, default=50
        Number of epochs.
    random_state : int, RandomState or None, default=None
        Seed.
    **params : dict
        Other parameters of the EEGNets.

    Returns
    -------
    estimator : AlignedVotingClassifier
        An ensemble that is not fitted, with the members ``"broadband"`` and ``"rhythms"``: each is
        an :class:`~eegsk.alignment.AlignedEstimator` with a ``VotingClassifier`` of
        :class:`~eegsk.EEGNetClassifier`.

    Raises
    ------
    TypeError
        If ``sfreq`` is not a number, or the EEGNet has no parameter of that name.
    ValueError
        If ``sfreq`` is not above 64 Hz, or ``n_seeds`` is below 1.

    See Also
    --------
    motor_imagery : Recipe for one subject with labelled trials.

    Notes
    -----
    The settings were selected by cross-validation over the people S001 to S020 of the EEG Motor
    Movement/Imagery data set, whose 64 channels are unfiltered. There, the networks for unfiltered
    trials use mostly slow potentials, below 4 Hz, which may include eye movements to the cue. The
    networks of rhythms are less accurate, but make errors in other trials. For the networks of
    unfiltered trials, full alignment, whitening and ``TimeShift`` lowered the accuracy.

    With ``online=False``, alignment is transductive: all unlabelled trials of a new subject are
    used. Set ``broadband__aligner__online=True, rhythms__aligner__online=True`` before ``fit`` for
    causal alignment.

    References
    ----------
    .. [1] Lawhern, V. J., Solon, A. J., Waytowich, N. R., Gordon, S. M., Hung, C. P., & Lance,
       B. J. (2018). EEGNet: a compact convolutional neural network for EEG-based brain-computer
       interfaces. Journal of Neural Engineering, 15(5), 056013.
       https://doi.org/10.1088/1741-2552/aace8c
    .. [2] He, H., & Wu, D. (2020). Transfer learning for brain-computer interfaces: a Euclidean
       space data alignment approach. IEEE Transactions on Biomedical Engineering, 67(2), 399-410.
       https://doi.org/10.1109/TBME.2019.2913914
    .. [3] Wang, Z., Li, S., Luo, J., Liu, J., & Wu, D. (2024). Channel reflection: knowledge-driven
       data augmentation for EEG-based brain-computer interfaces. Neural Networks, 176, 106351.
       https://doi.org/10.48550/arXiv.2412.03224

    Examples
    --------
    >>> from eegsk.recipes import cross_subject_motor_imagery
    >>> recipe = cross_subject_motor_imagery(sfreq=160, ch_names=["C3", "Cz", "C4"])
    >>> [name for name, _ in recipe.estimators]
    ['broadband', 'rhythms']

    ``recipe.fit(X, y, groups=subjects).predict(X_new, groups=subjects_new)`` trains and predicts.
    """
    name = "cross_subject_motor_imagery"
    check_value(name, "sfreq", sfreq, Annotated[float, Range(2 * RHYTHMS[1], closed=False)])
    check_value(name, "n_seeds", n_seeds, Count)
    network = EEGNetClassifier(
        kernel=max(1, round(sfreq / 2.5)),
        pool=max(1, round(sfreq / 40)),
        augmentation=reflections(ch_names),
        max_epochs=max_epochs,
    )
    network = override_params(network, params)
    aligners = {
        "broadband": EuclideanAlignment(diagonal=True),
        "rhythms": EuclideanAlignment(band=RHYTHMS, sfreq=sfreq),
    }
    seeds = draw_seeds(random_state, len(aligners))
    return AlignedVotingClassifier(
        [
            (name, align_seeds(aligner, network, n_seeds, seed))
            for (name, aligner), seed in zip(aligners.items(), seeds, strict=True)
        ]
    )
