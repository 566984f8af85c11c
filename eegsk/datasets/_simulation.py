"""Simulation of motor imagery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal, overload

import mne
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.utils import check_random_state

from ._epochs import electrode_positions, to_epochs

Array = NDArray[np.float64]

# Channels over the motor cortex come first, so that a small number of channels includes them.
_CH_NAMES = tuple(
    """
    C3 Cz C4 FC3 FC4 CP3 CP4 Pz Fz C1 C2 Oz C5 C6 O1 O2 F3 F4 P3 P4 FCz CPz POz Fpz FC1 FC2
    CP1 CP2 T7 T8 Fp1 Fp2 F7 F8 P7 P8 FC5 FC6 CP5 CP6 F1 F2 P1 P2 AFz AF3 AF4 PO3 PO4 PO7 PO8
    F5 F6 P5 P6 FT7 FT8 TP7 TP8 AF7 AF8 P9 P10 Iz
    """.split()  # noqa: SIM905
)
_MOTOR_SOURCES = ("C3", "Cz", "C4")  # right hand, feet, left hand
_ALPHA_SOURCES = ("O1", "O2")

# Relative decrease of the amplitude of each motor source during the imagined movement, for a
# complete event-related desynchronisation (ERD); a negative value is an increase.
_ERD = {
    "left_hand": (-0.2, 0.0, 1.0),
    "right_hand": (1.0, 0.0, -0.2),
    "feet": (-0.2, 1.0, -0.2),
    "rest": (0.0, 0.0, 0.0),
}

# Root mean squares of a typical subject, in volts. The mu rhythm has the same power as the
# background from 8 to 13 Hz, i.e. a signal-to-noise ratio of 1.
_BACKGROUND = 8e-6
_SENSOR = 1.5e-6
_MU = 2.5e-6
_BETA = 1e-6
_ALPHA = 6e-6

_HIGHEST_FREQ = 30.0  # upper limit of the beta rhythm in Hz


@overload
def make_motor_imagery(
    *,
    n_subjects: int = ...,
    n_trials: int = ...,
    n_chans: int = ...,
    n_times: int = ...,
    sfreq: float = ...,
    classes: Sequence[str] = ...,
    snr: float = ...,
    as_epochs: Literal[False] = ...,
    random_state: int | np.random.RandomState | None = ...,
) -> tuple[Array, NDArray[np.str_], NDArray[np.int64]]: ...


@overload
def make_motor_imagery(
    *,
    n_subjects: int = ...,
    n_trials: int = ...,
    n_chans: int = ...,
    n_times: int = ...,
    sfreq: float = ...,
    classes: Sequence[str] = ...,
    snr: float = ...,
    as_epochs: Literal[True],
    random_state: int | np.random.RandomState | None = ...,
) -> tuple[mne.EpochsArray, NDArray[np.str_], NDArray[np.int64]]: ...


def make_motor_imagery(
    *,
    n_subjects: int = 6,
    n_trials: int = 80,
    n_chans: int = 16,
    n_times: int = 256,
    sfreq: float = 128.0,
    classes: Sequence[str] = ("left_hand", "right_hand"),
    snr: float = 2.0,
    as_epochs: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[Any, NDArray[np.str_], NDArray[np.int64]]:
    """Simulate the EEG of several subjects during motor imagery.

    Each trial starts at the cue. About 0.4 s later, the amplitude of the mu and beta rhythms
    decreases over the sensorimotor cortex opposite to the imagined hand (event-related
    desynchronisation, ERD) [1]_. Phases are random, so that the average over trials is zero. Trials
    also contain background noise with a 1/f spectrum, occipital alpha and sensor noise. The
    amplitude of a source decreases with its distance from a channel.

    Subjects differ in the frequency and amplitude of their rhythms, in the noise, in the position
    of the cap and above all in the strength of the ERD, so that classes are easy to decode for some
    subjects and difficult for others [2]_.

    Parameters
    ----------
    n_subjects : int, default=6
        Number of subjects.
    n_trials : int, default=80
        Number of trials of each subject. The numbers of trials of two classes differ by at most 1.
    n_chans : int, default=16
        Number of channels, from 1 to 64: C3, Cz and C4, then other channels of the 10-20 system,
        starting near the motor cortex.
    n_times : int, default=256
        Number of time points in a trial. Trials shorter than about 0.5 s end before the ERD.
    sfreq : float, default=128.0
        Sampling rate in Hz, above 60.
    classes : sequence of str, default=("left_hand", "right_hand")
        Classes: two or more of "left_hand", "right_hand", "feet" and "rest".
    snr : float, default=2.0
        Signal-to-noise ratio: power of the mu rhythm divided by the power of the background noise
        from 8 to 13 Hz, at the source and for a typical subject. With 0 the trials do not depend on
        the class.
    as_epochs : bool, default=False
        Whether to return the trials as :class:`mne.EpochsArray`, with channel positions and with
        classes as event names.
    random_state : int, numpy.random.RandomState or None, default=None
        Seed; an integer gives the same trials in each call.

    Returns
    -------
    X : array of shape (n_subjects * n_trials, n_chans, n_times) or mne.EpochsArray
        Trials, in volts.
    y : array of shape (n_subjects * n_trials,)
        Class of each trial.
    groups : array of shape (n_subjects * n_trials,)
        Subject of each trial, from 1 to n_subjects.

    Raises
    ------
    ValueError
        If an argument is out of range.

    See Also
    --------
    load_bci_iv_2b : Recordings of motor imagery.

    References
    ----------
    .. [1] Pfurtscheller, G., & Lopes da Silva, F. H. (1999). Event-related EEG/MEG synchronization
       and desynchronization: basic principles. Clinical Neurophysiology, 110(11), 1842-1857.
       https://doi.org/10.1016/S1388-2457(99)00141-8
    .. [2] Blankertz, B., Sannelli, C., Halder, S., et al. (2010). Neurophysiological predictor of
       SMR-based BCI performance. NeuroImage, 51(4), 1303-1309.
       https://doi.org/10.1016/j.neuroimage.2010.03.022

    Examples
    --------
    >>> from eegsk.datasets import make_motor_imagery
    >>> X, y, groups = make_motor_imagery(n_subjects=2, n_trials=10, random_state=0)
    >>> X.shape
    (20, 16, 256)
    >>> epochs, y, groups = make_motor_imagery(as_epochs=True, random_state=0)
    >>> epochs["left_hand"].get_data().shape
    (240, 16, 256)
    """
    _check_classes(classes)
    _check_count("n_subjects", n_subjects)
    _check_count("n_trials", n_trials, minimum=len(classes))
    _check_count("n_chans", n_chans, maximum=len(_CH_NAMES))
    _check_count("n_times", n_times)
    _check_real("sfreq", sfreq, above=2 * _HIGHEST_FREQ)
    _check_real("snr", snr, minimum=0)
    sampler = _Sampler(check_random_state(random_state), n_times, float(sfreq))
    ch_names = _CH_NAMES[:n_chans]
    subjects = _draw_subjects(n_subjects, sampler.rng)
    labels = [sampler.rng.permutation(np.resize(classes, n_trials)) for _ in subjects]
    recordings = zip(subjects, labels, strict=True)
    X = np.concatenate([_record(*recording, ch_names, snr, sampler) for recording in recordings])
    y = np.concatenate(labels)
    groups = np.repeat(np.arange(1, n_subjects + 1), n_trials)
    if as_epochs:
        return to_epochs(X, y, ch_names=ch_names, sfreq=sfreq, classes=classes), y, groups
    return X, y, groups


@dataclass(frozen=True)
class _Subject:
    erd: float  # relative decrease of the amplitude of the rhythms
    mu_freq: float  # Hz
    beta_freq: float  # Hz
    alpha_freq: float  # Hz
    strength: Array  # relative amplitude of the rhythm of each motor source
    noise: float  # relative amplitude of the background
    gain: float  # factor of all amplitudes
    spread: float  # standard deviation of the spatial spread of a source, in metres
    shift: Array  # displacement of the cap along x, y and z, in metres


def _draw_subjects(n_subjects: int, rng: np.random.RandomState) -> list[_Subject]:
    """Draw subjects whose strengths of the ERD are evenly spaced, so that a few also differ."""
    erds = 0.1 + 0.75 * rng.permutation((np.arange(n_subjects) + 0.5) / n_subjects)
    return [_draw_subject(erd, rng) for erd in erds]


def _draw_subject(erd: float, rng: np.random.RandomState) -> _Subject:
    mu_freq = rng.uniform(9.0, 12.0)
    return _Subject(
        erd=erd,
        mu_freq=mu_freq,
        beta_freq=2 * mu_freq + rng.uniform(-1.0, 1.0),
        alpha_freq=mu_freq + rng.uniform(-1.0, 0.5),
        strength=np.array([1.0, 0.8, 1.0]) * rng.lognormal(sigma=0.2, size=3),
        noise=rng.lognormal(sigma=0.15),
        gain=rng.lognormal(sigma=0.3),
        spread=rng.uniform(0.04, 0.05),
        shift=rng.normal(scale=0.005, size=3),
    )


@dataclass(frozen=True)
class _Sampler:
    """Generator of random signals with unit variance and ``n_times`` time points."""

    rng: np.random.RandomState
    n_times: int
    sfreq: float

    def white(self, *shape: int) -> Array:
        """Draw white noise."""
        return self.rng.standard_normal((*shape, self.n_times))

    def background(self, *shape: int) -> Array:
        """Draw noise with a 1/f spectrum that is flat below 1 Hz."""
        freqs = self._freqs()
        return self._coloured(shape, 1 / np.maximum(freqs, 1.0))

    def rhythm(self, *shape: int, freq: float, width: float) -> Array:
        """Draw a rhythm with a Gaussian spectral peak of this centre and width, in Hz."""
        return self._coloured(shape, np.exp(-0.5 * ((self._freqs() - freq) / width) ** 2))

    @property
    def _n_drawn(self) -> int:
        # One second more than needed, because the inverse Fourier transform is periodic.
        return self.n_times + int(self.sfreq)

    def _freqs(self) -> NDArray[np.floating]:
        return np.fft.rfftfreq(self._n_drawn, 1 / self.sfreq)

    def _coloured(self, shape: tuple[int, ...], power: NDArray[np.floating]) -> Array:
        """Draw noise with a power spectrum, scaled to unit variance by Parseval's theorem."""
        amplitude = np.sqrt(power)
        amplitude[0] = 0.0
        amplitude *= self._n_drawn / (2 * np.linalg.norm(amplitude))
        phasors = self.rng.standard_normal((2, *shape, len(power)))
        spectrum = amplitude * (phasors[0] + 1j * phasors[1])
        return np.fft.irfft(spectrum, self._n_drawn)[..., : self.n_times]


def _record(
    subject: _Subject,
    labels: NDArray[np.str_],
    ch_names: Sequence[str],
    snr: float,
    sampler: _Sampler,
) -> Array:
    """Simulate the trials of one subject, in volts."""
    electrodes = electrode_positions(ch_names) + subject.shift
    motor, alpha = electrode_positions(_MOTOR_SOURCES), electrode_positions(_ALPHA_SOURCES)
    rhythms = np.sqrt(snr) * _sensorimotor(subject, labels, sampler)
    occipital = _occipital(subject, len(labels), sampler)
    X = _mix(_spread(electrodes, motor, subject.spread), rhythms)
    X += _mix(_spread(electrodes, alpha, subject.spread), occipital)
    X += _background(electrodes, subject, len(labels), sampler)
    X += _SENSOR * sampler.white(len(labels), len(ch_names))
    return subject.gain * X


def _sensorimotor(subject: _Subject, labels: NDArray[np.str_], sampler: _Sampler) -> Array:
    """Simulate the motor sources, (n_trials, n_sources, n_times)."""
    shape = len(labels), len(_MOTOR_SOURCES)
    mu = sampler.rhythm(*shape, freq=subject.mu_freq, width=1.0)
    beta = sampler.rhythm(*shape, freq=subject.beta_freq, width=2.0)
    at_rest = subject.strength[:, None] * (_MU * mu + _BETA * beta)
    return at_rest * (1 - _desynchronisation(subject, labels, sampler))


def _desynchronisation(subject: _Subject, labels: NDArray[np.str_], sampler: _Sampler) -> Array:
    """Compute the relative decrease of the amplitude of each motor source over time."""
    n_trials = len(labels)
    time = np.arange(sampler.n_times) / sampler.sfreq
    trial_strength = sampler.rng.uniform(0.5, 1.05, size=(n_trials, 1))
    latency = sampler.rng.normal(0.4, 0.1, size=(n_trials, 1))
    depth = subject.erd * trial_strength * np.array([_ERD[label] for label in labels])
    onset = expit((time - latency) / 0.06)
    return depth[:, :, None] * onset[:, None, :]


def _occipital(subject: _Subject, n_trials: int, sampler: _Sampler) -> Array:
    alpha = sampler.rhythm(n_trials, len(_ALPHA_SOURCES), freq=subject.alpha_freq, width=0.8)
    return _ALPHA * alpha


def _background(electrodes: Array, subject: _Subject, n_trials: int, sampler: _Sampler) -> Array:
    """Simulate noise of sources everywhere on the scalp, (n_trials, n_chans, n_times)."""
    # If the weight of each source is a Gaussian of its distance from a channel, the covariance of
    # two channels is a Gaussian of their distance that is wider by sqrt(2). The small diagonal
    # keeps the matrix positive definite in floating point.
    covariance = _spread(electrodes, electrodes, np.sqrt(2) * subject.spread)
    mixing = np.linalg.cholesky(covariance + 1e-6 * np.eye(len(electrodes)))
    noise = sampler.background(n_trials, len(electrodes))
    return _BACKGROUND * subject.noise * _mix(mixing, noise)


def _mix(weights: NDArray[np.floating], sources: Array) -> Array:
    """Mix sources (n_trials, n_sources, n_times) into channels (n_trials, n_chans, n_times)."""
    # einsum, because the threads of `@` can take seconds for many small products on a busy machine.
    return np.einsum("cs,tsn->tcn", weights, sources)


def _spread(electrodes: Array, sources: Array, width: float) -> Array:
    """Compute the weight of each source in each channel: a Gaussian of their distance."""
    squared_distance = np.square(electrodes[:, None] - sources).sum(axis=-1)
    return np.exp(-0.5 * squared_distance / width**2)


def _check_count(name: str, value: int, minimum: int = 1, maximum: float = np.inf) -> None:
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_integer or not minimum <= value <= maximum:
        limits = f"from {minimum} to {maximum}" if maximum < np.inf else f"of at least {minimum}"
        raise ValueError(f"make_motor_imagery: {name}={value!r} should be an integer {limits}.")


def _check_real(name: str, value: float, above: float = -np.inf, minimum: float = -np.inf) -> None:
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    if not is_real or not (above < value < np.inf and value >= minimum):
        limit = f"above {above:g}" if above > minimum else f"of at least {minimum:g}"
        raise ValueError(f"make_motor_imagery: {name}={value!r} should be a finite number {limit}.")


def _check_classes(classes: Sequence[str]) -> None:
    is_valid = not isinstance(classes, str) and set(classes) <= set(_ERD)
    if not is_valid or len(classes) < 2 or len(set(classes)) < len(classes):
        raise ValueError(
            f"make_motor_imagery: classes={classes!r} should be two or more of {', '.join(_ERD)}, "
            "each at most once."
        )
