"""Recipes for motor imagery with few channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from .._fields import Activation, Count, Positive, check_value
from ..alignment import AlignedEstimator, EuclideanAlignment
from ..augmentation import TimeMask, TimeShift
from ..blocks import make_activation
from ..callbacks import EMA
from ..estimators import DeepConvNetClassifier, EEGNetClassifier
from ._ensembles import align_seeds, reflections
from ._overrides import RandomState, override_params

# Batch size and learning rate by activation; other activations use those of ReLU.
_BATCH_SIZE_AND_LR: dict[type[nn.Module], dict[str, Any]] = {
    nn.ReLU: {"batch_size": 64, "lr": 1e-3},
    nn.LeakyReLU: {"batch_size": 12, "lr": 4e-4},
    nn.ELU: {"batch_size": 12, "lr": 5e-4},
}


def motor_imagery(
    *,
    sfreq: float = 250.0,
    ch_names: Sequence[str] | None = None,
    n_seeds: int = 1,
    max_epochs: int = 100,
    random_state: RandomState = None,
    **params: Any,
) -> AlignedEstimator:
    """Return an EEGNet for motor imagery of one subject with few trials.

    Trials are aligned by session [1]_: pass the session of each trial as ``groups`` to ``fit`` and
    ``predict``. At any sampling rate, the temporal filters are half a second long, and the first
    pooling reduces the sampling rate to about 32 Hz, as in the paper [2]_, which used 128 Hz.
    Trials are whitened [3]_, so that weak rhythms can contribute; this works best at sampling rates
    from 100 to 250 Hz. A random segment of each training trial is set to zero, and the trial is
    shifted in time [4]_. Predictions use an exponential moving average of the weights.

    Parameters
    ----------
    sfreq : float, default=250.0
        Sampling rate in Hz.
    ch_names : sequence of str or None, default=None
        Names of the channels in the 10-20 system, e.g. ``["C3", "Cz", "C4"]``, if the two classes
        are imagery of the left and of the right hand. A random half of the training trials is then
        reflected: left and right channels, and the classes, are exchanged [5]_.
    n_seeds : int, default=1
        Number of networks with different seeds, whose probabilities are averaged.
    max_epochs : int, default=100
        Number of epochs.
    random_state : int, RandomState or None, default=None
        Seed.
    **params : dict
        Other parameters of the EEGNet.

    Returns
    -------
    estimator : AlignedEstimator
        An estimator that is not fitted: :class:`~eegsk.alignment.EuclideanAlignment` and an
        :class:`~eegsk.EEGNetClassifier`, or several in a ``VotingClassifier``.

    Raises
    ------
    TypeError
        If ``sfreq`` is not a number, or the EEGNet has no parameter of that name.
    ValueError
        If ``sfreq`` is not above 0, or ``n_seeds`` is below 1.

    See Also
    --------
    cross_subject_motor_imagery : Recipe for new subjects.

    Notes
    -----
    The techniques were selected by cross-validation on the training sessions of data set 2b of BCI
    Competition IV; ``benchmarks/real_recordings.py --only choice`` repeats this selection.

    There, the accuracy on later sessions was .842 ± .001 over three seeds, .802 ± .010 without
    alignment, and .826 ± .003 with reflection, which did not help with three channels.

    The alignment of a new session uses all its unlabelled trials in the call. For a live session,
    set ``aligner__online=True``.

    References
    ----------
    .. [1] He, H., & Wu, D. (2020). Transfer learning for brain-computer interfaces: a Euclidean
       space data alignment approach. IEEE Transactions on Biomedical Engineering, 67(2), 399-410.
       https://doi.org/10.1109/TBME.2019.2913914
    .. [2] Lawhern, V. J., Solon, A. J., Waytowich, N. R., Gordon, S. M., Hung, C. P., & Lance,
       B. J. (2018). EEGNet: a compact convolutional neural network for EEG-based brain-computer
       interfaces. Journal of Neural Engineering, 15(5), 056013.
       https://doi.org/10.1088/1741-2552/aace8c
    .. [3] Makhoul, J. (1975). Linear prediction: a tutorial review. Proceedings of the IEEE, 63(4),
       561-580. https://doi.org/10.1109/PROC.1975.9792
    .. [4] Rommel, C., Paillard, J., Moreau, T., & Gramfort, A. (2022). Data augmentation for
       learning predictive models on EEG: a systematic comparison. Journal of Neural Engineering,
       19(6), 066020. https://doi.org/10.1088/1741-2552/aca220
    .. [5] Wang, Z., Li, S., Luo, J., Liu, J., & Wu, D. (2024). Channel reflection: knowledge-driven
       data augmentation for EEG-based brain-computer interfaces. Neural Networks, 176, 106351.
       https://doi.org/10.48550/arXiv.2412.03224

    Examples
    --------
    >>> from eegsk.recipes import motor_imagery
    >>> recipe = motor_imagery(sfreq=128, ch_names=["C3", "Cz", "C4"], random_state=0)
    >>> recipe.estimator.kernel, recipe.estimator.pool
    (64, 4)

    ``recipe.fit(X, y, groups=sessions).predict(X_new, groups=sessions_new)`` trains and predicts.
    """
    check_value("motor_imagery", "sfreq", sfreq, Positive)
    check_value("motor_imagery", "n_seeds", n_seeds, Count)
    network = EEGNetClassifier(
        kernel=max(1, round(sfreq / 2)),
        pool=max(1, round(sfreq / 32)),
        standardize="spectrum",
        augmentation=[
            *reflections(ch_names),
            TimeMask(max_length=0.2),
            TimeShift(max_shift=0.1),
        ],
        callbacks=[EMA()],
        max_epochs=max_epochs,
    )
    network = override_params(network, params)
    return align_seeds(EuclideanAlignment(), network, n_seeds, random_state)


def motor_imagery_eegnet(
    *,
    activation: Activation = "relu",
    max_epochs: int = 300,
    random_state: RandomState = None,
    **params: Any,
) -> EEGNetClassifier:
    """Return an EEGNet for motor imagery with the two channels C3 and C4.

    The network [1]_ has 16 temporal filters of 51 samples, a second convolution of 15 samples that
    is not separable, a dropout of 0.25 and no max-norm constraint. It is trained with Adam without
    weight decay. With two channels and 750 time points, it has 17,874 parameters.

    Parameters
    ----------
    activation : str or callable, default="relu"
        Name of a torch activation, or a callable that returns one. Batch size and learning rate
        depend on it: 12 and 4e-4 for leaky ReLU, 12 and 5e-4 for ELU, 64 and 1e-3 for ReLU and all
        other activations. Arguments of the activation, e.g. the alpha of ELU, are set with
        ``activation_params={"alpha": 0.2}``.
    max_epochs : int, default=300
        Number of epochs.
    random_state : int, RandomState or None, default=None
        Seed.
    **params : dict
        Other parameters of the estimator.

    Returns
    -------
    estimator : EEGNetClassifier
        An estimator that is not fitted.

    Raises
    ------
    TypeError
        If the estimator has no parameter of that name.

    Notes
    -----
    The settings were chosen for data set IIIb of BCI Competition III [2]_.

    References
    ----------
    .. [1] Lawhern, V. J., Solon, A. J., Waytowich, N. R., Gordon, S. M., Hung, C. P., & Lance,
       B. J. (2018). EEGNet: a compact convolutional neural network for EEG-based brain-computer
       interfaces. Journal of Neural Engineering, 15(5), 056013.
       https://doi.org/10.1088/1741-2552/aace8c
    .. [2] Blankertz, B., et al. (2006). The BCI competition III: validating alternative approaches
       to actual BCI problems. IEEE Transactions on Neural Systems and Rehabilitation Engineering,
       14(2), 153-159. https://doi.org/10.1109/TNSRE.2006.875642

    Examples
    --------
    >>> from eegsk.recipes import motor_imagery_eegnet
    >>> estimator = motor_imagery_eegnet(activation="elu", random_state=0)
    >>> estimator.batch_size, estimator.lr
    (12, 0.0005)
    """
    estimator = EEGNetClassifier(
        n_filters=16,
        kernel=51,
        separable=False,
        second_kernel=15,
        dropout=0.25,
        spatial_max_norm=None,
        head_max_norm=None,
        optimizer="adam",
        weight_decay=0.0,
        activation=activation,
        max_epochs=max_epochs,
        random_state=random_state,
        **_batch_size_and_lr(activation),
    )
    return override_params(estimator, params)


def motor_imagery_deep_conv_net(
    *,
    activation: Activation = "relu",
    max_epochs: int = 300,
    random_state: RandomState = None,
    **params: Any,
) -> DeepConvNetClassifier:
    """Return a DeepConvNet for motor imagery with the two channels C3 and C4.

    The max pooling of each stage of the network [1]_ has size two, and there is no max-norm
    constraint. It is trained with Adam without weight decay in batches of 64. With two channels and
    750 time points it has 150,977 parameters.

    Parameters
    ----------
    activation : str or callable, default="relu"
        Name of a torch activation, or a callable that returns one. The learning rate depends on
        it: 1e-3 for ReLU, 3e-4 for all other activations.
    max_epochs : int, default=300
        Number of epochs.
    random_state : int, RandomState or None, default=None
        Seed.
    **params : dict
        Other parameters of the estimator.

    Returns
    -------
    estimator : DeepConvNetClassifier
        An estimator that is not fitted.

    Raises
    ------
    TypeError
        If the estimator has no parameter of that name.

    Notes
    -----
    The settings were chosen for data set IIIb of BCI Competition III [2]_.

    References
    ----------
    .. [1] Schirrmeister, R. T., Springenberg, J. T., Fiederer, L. D. J., Glasstetter, M.,
       Eggensperger, K., Tangermann, M., Hutter, F., Burgard, W., & Ball, T. (2017). Deep learning
       with convolutional neural networks for EEG decoding and visualization. Human Brain Mapping,
       38(11), 5391-5420. https://doi.org/10.1002/hbm.23730
    .. [2] Blankertz, B., et al. (2006). The BCI competition III: validating alternative approaches
       to actual BCI problems. IEEE Transactions on Neural Systems and Rehabilitation Engineering,
       14(2), 153-159. https://doi.org/10.1109/TNSRE.2006.875642

    Examples
    --------
    >>> from eegsk.recipes import motor_imagery_deep_conv_net
    >>> motor_imagery_deep_conv_net(activation="leaky_relu", random_state=0).lr
    0.0003
    """
    is_relu = type(make_activation(activation)) is nn.ReLU
    estimator = DeepConvNetClassifier(
        max_norm=None,
        head_max_norm=None,
        optimizer="adam",
        weight_decay=0.0,
        batch_size=64,
        lr=1e-3 if is_relu else 3e-4,
        activation=activation,
        max_epochs=max_epochs,
        random_state=random_state,
    )
    return override_params(estimator, params)


def _batch_size_and_lr(activation: Activation) -> dict[str, Any]:
    default = _BATCH_SIZE_AND_LR[nn.ReLU]
    return _BATCH_SIZE_AND_LR.get(type(make_activation(activation)), default)
