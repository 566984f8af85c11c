"""Filters and outputs of fitted networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from ..base import EEGEstimator
from ..blocks import Whiten
from ..blocks.temporal_spatial import FrontEnd
from ..tasks import Classifier

# Least number of points of the Fourier transform of filters.
_N_FREQS = 1024


def front_end(network: EEGEstimator) -> FrontEnd | None:
    """Return the first layer of temporal and spatial filters, None if there is none."""
    return next((m for m in network.module_.modules() if isinstance(m, FrontEnd)), None)


def whitening_filter(network: EEGEstimator) -> np.ndarray:
    """Return the taps of the whitening before the network; a single one without whitening."""
    layer = next((m for m in network.module_.modules() if isinstance(m, Whiten)), None)
    return np.ones(1) if layer is None else to_numpy(layer.weight[0])


def channel_scale(network: EEGEstimator) -> np.ndarray:
    """Return the scale by which standardisation divides each channel, in the unit of the trials."""
    scale = getattr(network.module_[0], "scale", None)  # type: ignore[index]
    return np.ones(network.signal_.n_chans) if scale is None else to_numpy(scale[:, 0])


def temporal_filters(network: EEGEstimator) -> np.ndarray:
    """Return the temporal filters of the front end, with the whitening before the network.

    The result has shape (n_filters, n_taps). Two stages of filters are composed to one.
    """
    front: Any = front_end(network)
    whitening = whitening_filter(network)
    return np.array([np.convolve(taps, whitening) for taps in to_numpy(front.temporal_filters())])


def frequency_response(filters: np.ndarray, sfreq: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Compute the gain of temporal filters at each frequency.

    Parameters
    ----------
    filters : array of shape (n_filters, n_taps)
        The filters.
    sfreq : float or None
        Sampling rate in Hz.

    Returns
    -------
    gain : array of shape (n_filters, n_freqs)
        Factor by which the amplitude of a sine wave changes.
    freqs : array of shape (n_freqs,)
        Frequencies, from zero to half of the sampling rate, in Hz; in cycles per sample if the
        sampling rate is unknown.
    """
    n_points = max(_N_FREQS, 2 * filters.shape[1])
    gain = np.abs(np.fft.rfft(filters, n_points))
    return gain, np.fft.rfftfreq(n_points, 1 / (sfreq or 1.0))


def layer_name(network: EEGEstimator, layer: nn.Module) -> str:
    """Return the name of a layer of the module."""
    return next(name for name, module in network.module_.named_modules() if module is layer)


def output_unit(network: EEGEstimator) -> str:
    """Return the unit of :meth:`TrainedModule.contrast`."""
    return "logit" if isinstance(network, Classifier) else "unit of y"


def output_names(network: EEGEstimator, estimator: Any) -> list[str]:
    """Return the names of the classes, or numbers of the targets of a regression.

    ``estimator`` is the pipeline, search or ensemble of the network, which knows the labels.
    """
    if isinstance(network, Classifier):
        return [str(label) for label in estimator.classes_]
    n_targets = network._target.n_outputs
    return ["target"] if n_targets == 1 else [f"target {n}" for n in range(n_targets)]


def to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """Convert a tensor to an array in double precision."""
    return tensor.detach().cpu().double().numpy()
