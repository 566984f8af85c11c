"""Imagined movements from few electrodes."""

from __future__ import annotations

from typing import Any

from torch import nn

from .._fields import Activation, Positive, check_value
from ..augmentation import TimeMask, TimeShift
from ..blocks import make_activation
from ..callbacks import EMA
from ..catalogue import DeepConvNetClassifier, EEGNetClassifier
from ._fields import RandomState, with_fields

# Batch size and learning rate of the laboratory form of EEGNet; other activations have ReLU's.
_OF_ACTIVATION: dict[type[nn.Module], dict[str, Any]] = {
    nn.ReLU: {"batch_size": 64, "lr": 1e-3},
    nn.LeakyReLU: {"batch_size": 12, "lr": 4e-4},
    nn.ELU: {"batch_size": 12, "lr": 5e-4},
}


def motor_imagery(
    *,
    sfreq: float = 250.0,
    max_epochs: int = 100,
    random_state: RandomState = None,
    **fields: Any,
) -> EEGNetClassifier:
    """Make an EEGNet for imagined movements of one subject, of whom there are few trials.

    Filters last half a second, and sources are pooled to about 32 samples a second, whatever the
    sampling rate, as in the paper at 128 Hz [1]_. The spectrum is flattened [2]_, so that weak
    rhythms count, which in some people tell most; it is best done at 100 to 250 Hz. A stretch of
    each training trial is blotted out, the rest is shifted in time [3]_, and the average of the
    weights predicts.

    Parameters
    ----------
    sfreq : float, default=250.0
        Samples a second.
    max_epochs : int, default=100
        How many times training goes through the trials.
    random_state : int, RandomState or None, default=None
        Seed.
    **fields : dict
        Other fields of the estimator.

    Returns
    -------
    estimator : EEGNetClassifier
        The estimator, not fitted.

    Raises
    ------
    TypeError
        If ``sfreq`` is no number, or the estimator has no such field.
    ValueError
        If ``sfreq`` is not above 0.

    Notes
    -----
    The techniques were chosen on the training sessions of data set 2b of BCI Competition IV, one
    of them left out at a time; ``benchmarks/real_recordings.py --only choice`` repeats it.

    References
    ----------
    .. [1] Lawhern, V. J., Solon, A. J., Waytowich, N. R., Gordon, S. M., Hung, C. P., & Lance,
       B. J. (2018). EEGNet: a compact convolutional neural network for EEG-based brain-computer
       interfaces. Journal of Neural Engineering, 15(5), 056013.
       https://doi.org/10.1088/1741-2552/aace8c
    .. [2] Makhoul, J. (1975). Linear prediction: a tutorial review. Proceedings of the IEEE, 63(4),
       561-580. https://doi.org/10.1109/PROC.1975.9792
    .. [3] Rommel, C., Paillard, J., Moreau, T., & Gramfort, A. (2022). Data augmentation for
       learning predictive models on EEG: a systematic comparison. Journal of Neural Engineering,
       19(6), 066020. https://doi.org/10.1088/1741-2552/aca220

    Examples
    --------
    >>> from eegsk.recipes import motor_imagery
    >>> estimator = motor_imagery(sfreq=128, random_state=0)
    >>> estimator.kernel, estimator.pool
    (64, 4)
    """
    check_value("motor_imagery", "sfreq", sfreq, Positive)
    estimator = EEGNetClassifier(
        kernel=max(1, round(sfreq / 2)),
        pool=max(1, round(sfreq / 32)),
        standardize="spectrum",
        augmentation=[TimeMask(max_length=0.2), TimeShift(max_shift=0.1)],
        callbacks=[EMA()],
        max_epochs=max_epochs,
        random_state=random_state,
    )
    return with_fields(estimator, fields)


def motor_imagery_eegnet(
    *,
    activation: Activation = "relu",
    max_epochs: int = 300,
    random_state: RandomState = None,
    **fields: Any,
) -> EEGNetClassifier:
    """Make an EEGNet for imagined movements from two electrodes.

    It is the laboratory form: 16 temporal filters of 51 samples, a full second convolution of 15,
    dropout of 0.25 and no max-norm, trained by Adam without weight decay. With C3 and C4 and 750
    times it has 17,874 parameters.

    Parameters
    ----------
    activation : str or callable, default="relu"
        Name of a torch activation, or anything that makes one when called. Batches and learning
        rate go with it: 12 and 4e-4 for leaky ReLU, 12 and 5e-4 for ELU (with
        ``functools.partial(nn.ELU, alpha=0.2)`` too), 64 and 1e-3 for ReLU and all others.
    max_epochs : int, default=300
        How many times training goes through the trials.
    random_state : int, RandomState or None, default=None
        Seed.
    **fields : dict
        Other fields of the estimator.

    Returns
    -------
    estimator : EEGNetClassifier
        The estimator, not fitted.

    Raises
    ------
    TypeError
        If the estimator has no such field.

    Notes
    -----
    The setting is one for data set IIIb of BCI Competition III [2]_.

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
        **_settings_of(activation),
    )
    return with_fields(estimator, fields)


def motor_imagery_deep_conv_net(
    *,
    activation: Activation = "relu",
    max_epochs: int = 300,
    random_state: RandomState = None,
    **fields: Any,
) -> DeepConvNetClassifier:
    """Make a DeepConvNet for imagined movements from two electrodes.

    It is the form with pools of two, without max-norm, trained by Adam without weight decay in
    batches of 64. With C3 and C4 and 750 times it has 150,977 parameters.

    Parameters
    ----------
    activation : str or callable, default="relu"
        Name of a torch activation, or anything that makes one when called. The learning rate goes
        with it: 1e-3 for ReLU, 3e-4 for all others.
    max_epochs : int, default=300
        How many times training goes through the trials.
    random_state : int, RandomState or None, default=None
        Seed.
    **fields : dict
        Other fields of the estimator.

    Returns
    -------
    estimator : DeepConvNetClassifier
        The estimator, not fitted.

    Raises
    ------
    TypeError
        If the estimator has no such field.

    Notes
    -----
    The setting is one for data set IIIb of BCI Competition III [2]_.

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
    return with_fields(estimator, fields)


def _settings_of(activation: Activation) -> dict[str, Any]:
    return _OF_ACTIVATION.get(type(make_activation(activation)), _OF_ACTIVATION[nn.ReLU])
