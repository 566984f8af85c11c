"""Simulated trials for recipes without a recording."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

SFREQ = 100.0


def background(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return noise whose power decreases with frequency."""
    return lfilter([1.0], [1.0, -0.9], rng.standard_normal(shape))


def rhythms(rng: np.random.Generator, amplitudes: np.ndarray, n_chans: int, n_times: int):
    """Return rhythms of random phase, one for each column of amplitudes, mixed into channels."""
    n_trials, n_sources = amplitudes.shape
    freqs = np.linspace(8, 30, n_sources)
    phases = rng.uniform(0, 2 * np.pi, (n_trials, n_sources, 1))
    waves = np.sin(2 * np.pi * freqs[:, None] * np.arange(n_times) / SFREQ + phases)
    patterns = rng.standard_normal((n_chans, n_sources))
    return np.einsum("cs,ts,tsn->tcn", patterns, amplitudes, waves)


def regression(n_subjects: int, n_trials: int, n_chans: int, n_times: int, n_outputs: int):
    """Simulate targets that are related to the amplitudes of rhythms; return X, y and subjects."""
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(n_subjects), n_trials)
    latent = rng.standard_normal((len(subjects), n_outputs))
    noise = background(rng, len(subjects), n_chans, n_times)
    X = noise + rhythms(rng, np.exp(0.4 * latent), n_chans, n_times)
    y = latent + 0.5 * rng.standard_normal(latent.shape)
    return X, y[:, 0] if n_outputs == 1 else y, subjects


def classification(n_classes: int, n_trials: int, n_chans: int, n_times: int):
    """Simulate classes that differ in the amplitudes of rhythms; return X and y."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(n_classes), n_trials)
    class_amplitudes = rng.uniform(0.5, 2, (n_classes, 12))
    amplitudes = class_amplitudes[y] * np.exp(0.2 * rng.standard_normal((len(y), 12)))
    noise = background(rng, len(y), n_chans, n_times)
    return noise + rhythms(rng, amplitudes, n_chans, n_times), y
