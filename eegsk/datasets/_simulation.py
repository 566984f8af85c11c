"""Simulated motor imagery."""

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

# Those over the motor cortex first, so that a few electrodes are the useful ones.
_CH_NAMES = tuple(
    """
    C3 Cz C4 FC3 FC4 CP3 CP4 Pz Fz C1 C2 Oz C5 C6 O1 O2 F3 F4 P3 P4 FCz CPz POz Fpz FC1 FC2
    CP1 CP2 T7 T8 Fp1 Fp2 F7 F8 P7 P8 FC5 FC6 CP5 CP6 F1 F2 P1 P2 AFz AF3 AF4 PO3 PO4 PO7 PO8
    F5 F6 P5 P6 FT7 FT8 TP7 TP8 AF7 AF8 P9 P10 Iz
    """.split()  # noqa: SIM905
)
_MOTOR_SOURCES = ("C3", "Cz", "C4")  # right hand, feet, left hand
_ALPHA_SOURCES = ("O1", "O2")

# How much of the rhythm of each motor source goes away with the movement, for a full ERD; below 0,
# it is enhanced.
_ERD = {
    "left_hand": (-0.2, 0.0, 1.0),
    "right_hand": (1.0, 0.0, -0.2),
    "feet": (-0.2, 1.0, -0.2),
    "rest": (0.0, 0.0, 0.0),
}

# Root mean squares in volts, of a typical subject. At this size, the mu rhythm has the power that
# the background has from 8 to 13 Hz.
_BACKGROUND = 8e-6
_SENSOR = 1.5e-6
_MU = 2.5e-6
_BETA = 1e-6
_ALPHA = 6e-6

_HIGHEST_FREQ = 30.0  # Hz, the upper end of the beta rhythm


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
    """Simulate the EEG of several people who imagine moving a hand.

    Every trial begins with the cue. About 0.4 s later, the mu and beta rhythms over the
    sensorimotor cortex opposite to the imagined hand lose amplitude (event-related
    desynchronisation, ERD) [1]_. Their phase is random, so that averages over trials show nothing.
    The rest is background noise with a 1/f spectrum, occipital alpha and the noise of the sensors.
    An electrode sees the sources around it, the nearest most.

    Subjects differ in the frequency and strength of their rhythms, in the noise, in the fit of the
    cap and, most of all, in the depth of their ERD: some are hard to decode, others easy [2]_.

    Parameters
    ----------
    n_subjects : int, default=6
        Number of subjects.
    n_trials : int, default=80
        Number of trials of each subject, shared out as equally as can be among the classes.
    n_chans : int, default=16
        Number of electrodes, from 1 to 64: C3, Cz and C4, then others of the 10-20 system, those
        over the motor cortex first.
    n_times : int, default=256
        Number of samples in a trial. Trials under about 0.5 s end before the ERD.
    sfreq : float, default=128.0
        Sampling frequency in Hz, above 60.
    classes : sequence of str, default=("left_hand", "right_hand")
        What is imagined: two or more of "left_hand", "right_hand", "feet" and "rest".
    snr : float, default=2.0
        Power of the mu rhythm over that of the background noise from 8 to 13 Hz, at its source in a
        typical subject. At 0 the trials say nothing about the class.
    as_epochs : bool, default=False
        If True, return the trials as :class:`mne.EpochsArray`, with electrode positions and events
        named by class.
    random_state : int, numpy.random.RandomState or None, default=None
        Pass an int for the same data at every call.

    Returns
    -------
    X : array of shape (n_subjects * n_trials, n_chans, n_times) or mne.EpochsArray
        The trials, in volts.
    y : array of shape (n_subjects * n_trials,)
        The class of each trial, by name.
    groups : array of shape (n_subjects * n_trials,)
        The subject of each trial, from 1 to n_subjects.

    Raises
    ------
    ValueError
        If an argument is out of range.

    See Also
    --------
    load_bci_iv_2b : Real recordings of the same task.

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
    X = np.concatenate([_record(*each, ch_names, snr, sampler) for each in recordings])
    y = np.concatenate(labels)
    groups = np.repeat(np.arange(1, n_subjects + 1), n_trials)
    if as_epochs:
        return to_epochs(X, y, ch_names=ch_names, sfreq=sfreq, classes=classes), y, groups
    return X, y, groups


@dataclass(frozen=True)
class _Subject:
    erd: float  # of the amplitude of the rhythms, the part that goes away
    mu_freq: float  # Hz
    beta_freq: float  # Hz
    alpha_freq: float  # Hz
    strength: Array  # of the rhythm of each motor source
    noise: float  # of the background
    gain: float  # of everything
    spread: float  # metres, how far a source is seen
    shift: Array  # metres, how far the cap is off its place


def _draw_subjects(n_subjects: int, rng: np.random.RandomState) -> list[_Subject]:
    """Return subjects whose ERD is spread evenly, so that a few of them already differ."""
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
    """Draws Gaussian noise of unit variance and random phase, n_times long."""

    rng: np.random.RandomState
    n_times: int
    sfreq: float

    def white(self, *shape: int) -> Array:
        """Return noise of every frequency alike."""
        return self.rng.standard_normal((*shape, self.n_times))

    def background(self, *shape: int) -> Array:
        """Return noise with a 1/f spectrum, flat below 1 Hz."""
        freqs = self._freqs()
        return self._coloured(shape, 1 / np.maximum(freqs, 1.0))

    def rhythm(self, *shape: int, freq: float, width: float) -> Array:
        """Return a rhythm that waxes and wanes, the faster the wider its spectral peak."""
        return self._coloured(shape, np.exp(-0.5 * ((self._freqs() - freq) / width) ** 2))

    @property
    def _n_drawn(self) -> int:
        # A second more than is asked for: what the Fourier transform returns ends where it began.
        return self.n_times + int(self.sfreq)

    def _freqs(self) -> NDArray[np.floating]:
        return np.fft.rfftfreq(self._n_drawn, 1 / self.sfreq)

    def _coloured(self, shape: tuple[int, ...], power: NDArray[np.floating]) -> Array:
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
    """Return the trials of one subject, in volts."""
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
    """Return the activity of the motor sources."""
    shape = len(labels), len(_MOTOR_SOURCES)
    mu = sampler.rhythm(*shape, freq=subject.mu_freq, width=1.0)
    beta = sampler.rhythm(*shape, freq=subject.beta_freq, width=2.0)
    at_rest = subject.strength[:, None] * (_MU * mu + _BETA * beta)
    return at_rest * (1 - _desynchronisation(subject, labels, sampler))


def _desynchronisation(subject: _Subject, labels: NDArray[np.str_], sampler: _Sampler) -> Array:
    """Return the part of each motor source's rhythm that goes away, over time."""
    n_trials = len(labels)
    time = np.arange(sampler.n_times) / sampler.sfreq
    vividness = sampler.rng.uniform(0.5, 1.05, size=(n_trials, 1))
    latency = sampler.rng.normal(0.4, 0.1, size=(n_trials, 1))
    depth = subject.erd * vividness * np.array([_ERD[label] for label in labels])
    onset = expit((time - latency) / 0.06)
    return depth[:, :, None] * onset[:, None, :]


def _occipital(subject: _Subject, n_trials: int, sampler: _Sampler) -> Array:
    alpha = sampler.rhythm(n_trials, len(_ALPHA_SOURCES), freq=subject.alpha_freq, width=0.8)
    return _ALPHA * alpha


def _background(electrodes: Array, subject: _Subject, n_trials: int, sampler: _Sampler) -> Array:
    """Return what countless sources all over the scalp amount to at the electrodes."""
    # Two electrodes share the sources between them, hence the wider spread. The small diagonal
    # keeps the matrix positive definite in floating point.
    covariance = _spread(electrodes, electrodes, np.sqrt(2) * subject.spread)
    mixing = np.linalg.cholesky(covariance + 1e-6 * np.eye(len(electrodes)))
    noise = sampler.background(n_trials, len(electrodes))
    return _BACKGROUND * subject.noise * _mix(mixing, noise)


def _mix(weights: NDArray[np.floating], sources: Array) -> Array:
    """Return what electrodes record of sources of shape (n_trials, n_sources, n_times)."""
    # Not `@`: on a busy machine, the threads of BLAS take seconds over so many small products.
    return np.einsum("cs,tsn->tcn", weights, sources)


def _spread(electrodes: Array, sources: Array, width: float) -> Array:
    """Return how much of each source each electrode sees, by volume conduction."""
    squared_distance = np.square(electrodes[:, None] - sources).sum(axis=-1)
    return np.exp(-0.5 * squared_distance / width**2)


def _check_count(name: str, value: int, minimum: int = 1, maximum: float = np.inf) -> None:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or not minimum <= value <= maximum:
        wanted = f"from {minimum} to {maximum}" if maximum < np.inf else f"of {minimum} or more"
        raise ValueError(f"make_motor_imagery got {name}={value!r}: pass a whole number {wanted}.")


def _check_real(name: str, value: float, above: float = -np.inf, minimum: float = -np.inf) -> None:
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not (above < value < np.inf and value >= minimum):
        wanted = f"above {above:g}" if above > minimum else f"of {minimum:g} or more"
        raise ValueError(f"make_motor_imagery got {name}={value!r}: pass a finite number {wanted}.")


def _check_classes(classes: Sequence[str]) -> None:
    known = not isinstance(classes, str) and set(classes) <= set(_ERD)
    if not known or len(classes) < 2 or len(set(classes)) < len(classes):
        raise ValueError(
            f"make_motor_imagery got classes={classes!r}: pass two or more of {', '.join(_ERD)}, "
            "each once."
        )
