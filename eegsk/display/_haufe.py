"""Activation patterns: where and how strongly the sources of a network appear in the channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.fft import next_fast_len
from scipy.signal import lfilter

from ._estimators import NetworkTrials
from ._gradients import TrainedModule
from ._network import to_numpy

# Trials that are filtered at once.
_N_TRIALS = 32
# Gradients below this fraction of the largest are rounding errors of Fourier transforms.
_ROUNDING = 1e-4


def patterns_of_filters(
    trials: NetworkTrials,
    temporal: np.ndarray,
    spatial: np.ndarray,
    joint: bool,
    whitening: np.ndarray | None = None,
) -> np.ndarray:
    """Compute the activation patterns of spatial filters that each have one temporal filter.

    Parameters
    ----------
    trials : NetworkTrials
        Trials. The patterns are those of the channels before the alignment.
    temporal : array of shape (n_filters, n_taps)
        Temporal filters.
    spatial : array of shape (n_filters, n_sources, n_chans)
        Spatial filters of each temporal filter.
    joint : bool
        Whether the channels are regressed on all sources of a temporal filter at once, or on each
        of them.
    whitening : array of shape (n_past + 1,) or None, default=None
        Causal filter before the temporal filters; the first ``n_past`` samples become zero, as in
        the network. None for no filter.

    Returns
    -------
    patterns : array of shape (n_filters * n_sources, n_chans)
        Change of each channel if a source increases by one standard deviation, in the unit of the
        channels: ``Cov(x, s) Cov(s)^-1``, times the standard deviations of the sources.
    """
    X = trials.before_alignment.double()
    mean = X.mean(dim=(0, 2), keepdim=True)
    shared = np.zeros(spatial.shape)
    products = np.zeros((*spatial.shape[:2], spatial.shape[1]))
    for batch in np.split(np.arange(len(X)), range(_N_TRIALS, len(X), _N_TRIALS)):
        aligning = np.eye(X.shape[1]) if trials.filters is None else to_numpy(trials.filters[batch])
        x: Any = to_numpy(X[batch] - mean)
        if whitening is not None:
            x = lfilter(whitening[::-1], 1.0, x)
            x[..., : len(whitening) - 1] = 0.0
        for index, channels in enumerate(_filter(x, temporal)):
            sources = (spatial[index] @ aligning) @ channels
            shared[index] += (sources @ channels.transpose(0, 2, 1)).sum(axis=0)
            products[index] += (sources @ sources.transpose(0, 2, 1)).sum(axis=0)
    n_samples = X.shape[0] * X.shape[2]
    pairs = zip(shared / n_samples, products / n_samples, strict=True)
    return np.concatenate([regression_patterns(*pair, joint) for pair in pairs])


def _filter(X: np.ndarray, filters: np.ndarray) -> Iterator[np.ndarray]:
    """Yield trials after each temporal filter; samples before and after a trial are zero."""
    n_times, n_taps = X.shape[2], filters.shape[1]
    length = next_fast_len(n_times + n_taps - 1, real=True)
    first = (n_taps - 1) // 2
    spectrum = np.fft.rfft(X, length)
    for response in np.fft.rfft(filters[:, ::-1], length):
        yield np.fft.irfft(spectrum * response, length)[..., first : first + n_times]


def _concatenated(X: np.ndarray) -> np.ndarray:
    """Concatenate trials over time, to an array of shape (n_chans, n_trials * n_times)."""
    return X.transpose(1, 0, 2).reshape(X.shape[1], -1)


def regression_patterns(shared: np.ndarray, covariance: np.ndarray, joint: bool) -> np.ndarray:
    """Regress channels on sources of unit variance.

    Parameters
    ----------
    shared : array of shape (..., n_sources, n_chans)
        Covariances of sources and channels.
    covariance : array of shape (n_sources, n_sources)
        Covariances of the sources.
    joint : bool
        Whether the channels are regressed on all sources at once, or on each of them.

    Returns
    -------
    patterns : array of shape (..., n_sources, n_chans)
        Coefficients; zero for a source that is constant.
    """
    deviation = np.sqrt(np.diag(covariance))
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    correlation = covariance * scale * scale[:, None]
    inverse = np.linalg.pinv(correlation, hermitian=True) if joint else np.eye(len(scale))
    return inverse @ (scale[:, None] * shared)


def patterns_of_layer(
    trained: TrainedModule, layer: str, trials: NetworkTrials, window: Window, joint: bool
) -> np.ndarray:
    """Compute the activation patterns of the outputs of a layer.

    Temporal filters delay signals. The channels are therefore regressed on the outputs once for
    each sample that an output depends on. The pattern of an output is that of the sample with the
    largest coefficients.

    Parameters
    ----------
    trained : TrainedModule
        The network.
    layer : str
        Name of the layer.
    trials : NetworkTrials
        Trials. The patterns are those of the channels before the alignment.
    window : Window
        Samples that the outputs of the layer depend on, see :func:`receptive_field`.
    joint : bool
        Whether the channels are regressed on all outputs at once, or on each of them.

    Returns
    -------
    patterns : array of shape (n_sources, n_chans)
        As in :func:`patterns_of_filters`.
    """
    mean = trials.before_alignment.double().mean(dim=(0, 2), keepdim=True)
    shared, products, sums, n_samples = np.zeros(()), np.zeros(()), np.zeros(()), 0
    length = trained.batch_length(trials.X)
    for x, channels in zip(
        trials.X.split(length), trials.before_alignment.split(length), strict=True
    ):
        outputs = to_numpy(trained.sources(layer, x)[0])
        lagged = window.cut(to_numpy(channels.double() - mean), outputs.shape[2])
        sources = _concatenated(outputs)
        shared = shared + np.stack([sources @ _concatenated(item).T for item in lagged])
        products = products + sources @ sources.T
        sums = sums + sources.sum(axis=1)
        n_samples += sources.shape[1]
    average = sums / n_samples
    covariance = products / n_samples - np.outer(average, average)
    patterns = regression_patterns(shared / n_samples, covariance, joint)
    strongest = np.linalg.norm(patterns, axis=2).argmax(axis=0)
    return patterns[strongest, np.arange(len(strongest))]


class Window(NamedTuple):
    """Samples that the outputs of a layer depend on.

    Parameters
    ----------
    first : int
        First sample that the first output depends on; negative within zero padding.
    stride : int
        Number of samples from an output to the next.
    length : int
        Number of samples that an output depends on.
    """

    first: int
    stride: int
    length: int

    def cut(self, x: np.ndarray, n_outputs: int) -> list[np.ndarray]:
        """Return, for each sample of the window, its values for all outputs.

        Samples before and after the trial are zero. Each array has shape (n_trials, n_chans,
        n_outputs).
        """
        end = self.first + (n_outputs - 1) * self.stride + self.length
        n_left, n_right = max(-self.first, 0), max(end - x.shape[2], 0)
        x = np.pad(x, ((0, 0), (0, 0), (n_left, n_right)))
        starts = range(self.first + n_left, self.first + n_left + self.length)
        span = (n_outputs - 1) * self.stride + 1
        return [x[..., start : start + span : self.stride] for start in starts]


def receptive_field(trained: TrainedModule, layer: str, X: torch.Tensor) -> Window:
    """Find the samples that the outputs of a layer depend on, by their gradients.

    Parameters
    ----------
    trained : TrainedModule
        The network.
    layer : str
        Name of the layer.
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        Trials; the gradients of four of them are computed.

    Returns
    -------
    window : Window
        The samples.

    Raises
    ------
    ValueError
        If the layer has less than four time points.
    """
    x = trained.convert(X[:4]).requires_grad_()
    sources = trained.sources(layer, x)[0]
    n_outputs = sources.shape[2]
    if n_outputs < 4:
        raise ValueError(
            f"PatternDisplay: layer {layer!r} has outputs of {n_outputs} time points; choose an "
            "earlier layer, before the pooling over time."
        )
    early, late = n_outputs // 4, 3 * n_outputs // 4
    powers = []
    for output in (early, late):
        (gradient,) = torch.autograd.grad(sources[..., output].square().sum(), x, retain_graph=True)
        powers.append(to_numpy(gradient.square().sum((0, 1))))
    places = np.arange(x.shape[2])
    centres = [np.average(places, weights=power) for power in powers]
    stride = round((centres[1] - centres[0]) / (late - early))
    used = np.flatnonzero(powers[0] > _ROUNDING**2 * powers[0].max())
    return Window(int(used[0]) - early * stride, stride, int(used[-1] - used[0]) + 1)
