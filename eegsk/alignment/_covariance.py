"""Covariances of trials, their means, and inverse square roots of singular matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Eigenvalues below this fraction of the largest eigenvalue count as zero. For trials in single
# precision with an average reference, rounding errors are about 1e-14, and signals above 1e-8.
_RANK_TOLERANCE = 1e-10
# Minimum number of samples per channel for a reliable covariance of a trial.
_MIN_SAMPLES = 5
# The smallest power of a trial in any direction, as a fraction of the mean power. The logarithm of
# zero power is infinite.
_MIN_POWER = 1e-6
# Stopping rule of the geometric mean: the norm of the mean in the tangent space, and iterations.
_TOLERANCE = 1e-9
_MAX_ITERATIONS = 50
# Number of trials that are converted to double precision at a time.
_N_CONVERTED = 256


def covariances(X: np.ndarray) -> Array:
    """Compute the spatial covariance of each trial, in double precision.

    Parameters
    ----------
    X : array of shape (n_trials, n_chans, n_times)
        Trials. The mean of each channel over the trial is subtracted.

    Returns
    -------
    covariances : array of shape (n_trials, n_chans, n_chans)
        Covariances, normalised by ``n_times``.
    """
    matrices = np.empty((len(X), X.shape[1], X.shape[1]))
    for start in range(0, len(X), _N_CONVERTED):
        trials = X[start : start + _N_CONVERTED].astype(np.float64)
        trials -= trials.mean(axis=2, keepdims=True)
        matrices[start : start + _N_CONVERTED] = trials @ trials.swapaxes(1, 2) / X.shape[2]
    return matrices


def inverse_sqrt(matrices: Array) -> Array:
    """Compute symmetric inverse square roots; directions without signal are mapped to zero.

    Parameters
    ----------
    matrices : array of shape (..., n_chans, n_chans)
        Symmetric positive semidefinite matrices.

    Returns
    -------
    roots : array of shape (..., n_chans, n_chans)
        The pseudoinverses of their square roots.
    """
    values, vectors = np.linalg.eigh(matrices)
    has_signal = values > _RANK_TOLERANCE * values[..., -1:]
    scale = np.where(has_signal, np.where(has_signal, values, 1.0) ** -0.5, 0.0)
    return (vectors * scale[..., None, :]) @ vectors.swapaxes(-1, -2)


def geometric_mean(matrices: Array, weights: Array, n_times: int | None = None) -> Array:
    """Compute the affine-invariant geometric mean of covariances.

    Parameters
    ----------
    matrices : array of shape (n_matrices, n_chans, n_chans)
        Covariances, which may be singular.
    weights : array of shape (n_matrices,)
        Their weights.
    n_times : int or None, default=None
        Number of samples from which each covariance was estimated. With fewer than five samples per
        channel, covariances are shrunk towards their arithmetic mean.

    Returns
    -------
    mean : array of shape (n_chans, n_chans)
        The geometric mean. It has the rank of the arithmetic mean.
    """
    weights = weights / weights.sum()
    base = WhitenedSpace(np.tensordot(weights, matrices, 1))
    whitened = base.whiten(matrices, n_times)
    mean, step, smallest = np.eye(base.rank), 1.0, np.inf
    # Gradient descent with the step rule of Congedo et al. (2015), doi:10.1371/journal.pone.0121423
    for _ in range(_MAX_ITERATIONS):
        values, vectors = np.linalg.eigh(mean)
        root = (vectors * values**0.5) @ vectors.T
        inverse = (vectors * values**-0.5) @ vectors.T
        gradient = np.tensordot(weights, _apply(np.log, inverse @ whitened @ inverse), 1)
        mean = root @ _apply(np.exp, step * gradient) @ root
        norm = np.linalg.norm(gradient)
        if norm <= _TOLERANCE or step <= _TOLERANCE:
            break
        step *= 0.95 if step * norm < smallest else 0.5
        smallest = min(smallest, step * norm)
    return base.unwhiten(mean)


class WhitenedSpace:
    """Coordinates in which a covariance is the identity, without directions that have no signal.

    Parameters
    ----------
    covariance : array of shape (n_chans, n_chans)
        Symmetric positive semidefinite matrix, possibly singular.
    """

    def __init__(self, covariance: Array) -> None:
        values, vectors = np.linalg.eigh(covariance)
        has_signal = values > _RANK_TOLERANCE * values[-1]
        scale, vectors = values[has_signal] ** 0.5, vectors[:, has_signal]
        self._whitening, self._mixing = vectors / scale, vectors * scale
        self.rank = len(scale)

    def whiten(self, matrices: Array, n_times: int | None = None) -> Array:
        """Return covariances in these coordinates, as positive definite matrices.

        Parameters
        ----------
        matrices : array of shape (..., n_chans, n_chans)
            Covariances.
        n_times : int or None, default=None
            Number of samples from which each was estimated; see :func:`geometric_mean`.

        Returns
        -------
        whitened : array of shape (..., rank, rank)
            Covariances, shrunk towards the identity if ``n_times`` is below five times the rank.
        """
        whitened = self._whitening.T @ matrices @ self._whitening
        if n_times is not None and n_times < _MIN_SAMPLES * self.rank:
            shrinkage = 1 - n_times / (_MIN_SAMPLES * self.rank)
            whitened = (1 - shrinkage) * whitened + shrinkage * np.eye(self.rank)
        return _apply(lambda values: np.maximum(values, _MIN_POWER), whitened)

    def unwhiten(self, matrices: Array) -> Array:
        """Return covariances in the coordinates of the channels.

        Parameters
        ----------
        matrices : array of shape (..., rank, rank)
            Covariances in the whitened coordinates.

        Returns
        -------
        covariances : array of shape (..., n_chans, n_chans)
            Covariances of the channels.
        """
        return self._mixing @ matrices @ self._mixing.T


def power(matrices: Array, exponent: Array) -> Array:
    """Raise symmetric positive definite matrices to a power.

    Parameters
    ----------
    matrices : array of shape (..., n, n)
        Matrices.
    exponent : array of shape (...,)
        Exponent of each matrix.

    Returns
    -------
    powers : array of shape (..., n, n)
        Symmetric positive definite matrices.
    """
    return _apply(lambda values: values ** np.asarray(exponent)[..., None], matrices)


def _apply(function, matrices: Array) -> Array:
    """Apply a function to the eigenvalues of symmetric matrices."""
    values, vectors = np.linalg.eigh(matrices)
    return (vectors * function(values)[..., None, :]) @ vectors.swapaxes(-1, -2)
