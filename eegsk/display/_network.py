"""Fitted networks: the estimator in a pipeline or search, its trials, filters and outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted
from torch import nn

from .._validation import check_trials
from ..base import EEGEstimator
from ..blocks import Whiten
from ..blocks.temporal_spatial import FrontEnd
from ..signals import event_names, is_epochs, read_trials
from ..tasks import Classifier

# Least number of points of the Fourier transform of filters.
_N_FREQS = 1024


def fitted_network(estimator: Any, caller: str) -> EEGEstimator:
    """Return the fitted estimator of eegsk in a pipeline or a search.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator of eegsk, pipeline that ends in one, or search over one.
    caller : str
        Class and method, for the error messages.

    Returns
    -------
    network : EEGEstimator
        The estimator; of a search, that with the best parameters.

    Raises
    ------
    NotFittedError
        If it is not fitted.
    TypeError
        If it is not an estimator of eegsk.
    ValueError
        If a search has no best estimator.
    """
    if is_search(estimator):
        return fitted_network(best_estimator(estimator, caller), caller)
    if isinstance(estimator, Pipeline):
        return fitted_network(estimator[-1], caller)
    if not isinstance(estimator, EEGEstimator):
        raise TypeError(
            f"{caller}: estimator is {type(estimator).__name__}; it should be a fitted estimator "
            "of eegsk, a pipeline that ends in one, or a search over one."
        )
    check_is_fitted(estimator)
    return estimator


def is_search(estimator: Any) -> bool:
    """Check whether an estimator is a search, e.g. GridSearchCV."""
    return hasattr(estimator, "estimator") and (
        hasattr(estimator, "param_grid") or hasattr(estimator, "param_distributions")
    )


def best_estimator(search: Any, caller: str) -> Any:
    """Return the estimator that a search has refitted."""
    check_is_fitted(search, "cv_results_")
    if not hasattr(search, "best_estimator_"):
        raise ValueError(
            f"{caller}: {type(search).__name__} has no best estimator because refit=False; set "
            "refit=True, or pass a fitted estimator."
        )
    return search.best_estimator_


def network_trials(estimator: Any, X: Any, caller: str) -> torch.Tensor:
    """Return trials as the network receives them, after the earlier steps of a pipeline.

    Parameters
    ----------
    estimator : estimator
        See :func:`fitted_network`.
    X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
        Trials.
    caller : str
        Class and method, for the error messages.

    Returns
    -------
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        Validated trials, in the unit of ``X``, or in that of the output of the earlier steps.
    """
    if is_search(estimator):
        estimator = best_estimator(estimator, caller)
    if isinstance(estimator, Pipeline):
        if len(estimator) > 1:
            X = estimator[:-1].transform(X)
        return network_trials(estimator[-1], X, caller)
    network = fitted_network(estimator, caller)
    X, _ = read_trials(X, network.signal_)
    return check_trials(network, X, reset=False)


def class_labels(estimator: Any, X: Any, y: Any, n_trials: int, caller: str) -> np.ndarray:
    """Return the labels of trials: those given, the names of events, or the predicted ones."""
    if y is None:
        return event_names(X) if is_epochs(X) else estimator.predict(X)
    y = np.asarray(y)
    if y.shape != (n_trials,):
        raise ValueError(
            f"{caller}: y has shape {y.shape}; it should be (n_trials,) = ({n_trials},)."
        )
    return y


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


def output_names(network: EEGEstimator) -> list[str]:
    """Return the names of the classes, or numbers of the targets of a regression."""
    if isinstance(network, Classifier):
        return [str(label) for label in network.classes_]
    n_targets = network._target.n_outputs
    return ["target"] if n_targets == 1 else [f"target {n}" for n in range(n_targets)]


def to_numpy(tensor: torch.Tensor) -> np.ndarray:
    """Convert a tensor to an array in double precision."""
    return tensor.detach().cpu().double().numpy()
