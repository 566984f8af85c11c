"""The network at the end of a fitted estimator, and the trials that it receives."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from .._epochs import event_names, is_epochs
from .._steps import is_aligner, is_voting, members_of, steps_of
from .._validation import check_trials
from ..base import EEGEstimator
from ..signals import read_trials


class NetworkTrials(NamedTuple):
    """Trials of a network, after and before the alignment of its pipeline.

    Parameters
    ----------
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        Validated trials, as the network receives them.
    recorded : torch.Tensor of shape (n_trials, n_chans, n_times)
        Trials before an aligner that is the last step before the network; ``X`` without one. Those
        of an aligner with a band are filtered.
    filters : torch.Tensor of shape (n_trials, n_chans, n_chans) or None
        Spatial filters by which the aligner computes ``X`` from ``recorded``.
    """

    X: torch.Tensor
    recorded: torch.Tensor
    filters: torch.Tensor | None = None


def fitted_network(estimator: Any, caller: str) -> EEGEstimator:
    """Return the fitted estimator of eegsk in a pipeline, an aligned estimator or a search.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator of eegsk, or an estimator that ends in one; of a search, the estimator with
        the best parameters is used.
    caller : str
        Class and method, for the error messages.

    Returns
    -------
    network : EEGEstimator
        The estimator.

    Raises
    ------
    NotFittedError
        If it is not fitted.
    TypeError
        If it is an ensemble, or not an estimator of eegsk.
    ValueError
        If a search has no best estimator.
    """
    network = steps_of(estimator)[-1]
    if is_search(network):
        check_is_fitted(network, "cv_results_")
        raise ValueError(
            f"{caller}: {type(network).__name__} has no best estimator because refit=False; set "
            "refit=True, or pass a fitted estimator."
        )
    name = type(network).__name__
    if is_voting(network):
        raise TypeError(
            f"{caller}: estimator is {name}, an ensemble of several networks; pass one of them, "
            "ensemble.estimators_[0], in a pipeline after the fitted aligner, if there is one."
        )
    if not isinstance(network, EEGEstimator):
        raise TypeError(
            f"{caller}: estimator is {name}; it should be a fitted estimator of eegsk, or a "
            "pipeline, an AlignedEstimator or a search of one."
        )
    check_is_fitted(network)
    return network


def fitted_networks(estimator: Any, caller: str) -> list[EEGEstimator]:
    """Return the network, see :func:`fitted_network`, or all networks of a voting ensemble."""
    return [fitted_network(part, caller) for part in networks_of(estimator)]


def networks_of(estimator: Any) -> list[Any]:
    """Return the networks of a voting ensemble, each in a pipeline after the steps before it."""
    members = members_of(estimator)
    return [part for member in members for part in networks_of(member)] or [estimator]


def is_search(estimator: Any) -> bool:
    """Check whether an estimator is a search, e.g. GridSearchCV."""
    return hasattr(estimator, "estimator") and (
        hasattr(estimator, "param_grid") or hasattr(estimator, "param_distributions")
    )


def network_trials(estimator: Any, X: Any, groups: Any, caller: str) -> NetworkTrials:
    """Return trials as the network receives them, after the earlier steps of a pipeline.

    Parameters
    ----------
    estimator : estimator
        See :func:`fitted_network`.
    X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
        Trials.
    groups : array-like of shape (n_trials,) or None
        Domain of each trial, for aligners.
    caller : str
        Class and method, for the error messages.

    Returns
    -------
    trials : NetworkTrials
        The trials, in the unit of ``X``, or in that of the output of the earlier steps.

    Raises
    ------
    ValueError
        If there are groups, but no aligner.
    """
    network = fitted_network(estimator, caller)
    *transformers, _ = steps_of(estimator)
    if groups is not None and not any(map(is_aligner, transformers)):
        raise ValueError(f"{caller}: groups are the domains of an aligner, but there is none.")
    aligner = transformers.pop() if transformers and is_aligner(transformers[-1]) else None
    for step in transformers:
        X = step.transform(X, groups=groups) if is_aligner(step) else step.transform(X)
    if aligner is None:
        X, _ = read_trials(X, network.signal_)
        X = check_trials(network, X, reset=False)
        return NetworkTrials(X, X)
    recorded, filters = aligner._recorded_trials(X, groups)
    aligned = check_trials(network, filters @ recorded, reset=False)
    return NetworkTrials(aligned, *map(torch.as_tensor, (recorded, filters)))


def trial_labels(
    network: Any, X: Any, y: Any, trials: NetworkTrials, classes: np.ndarray, caller: str
) -> np.ndarray:
    """Return the labels of trials: those given, the names of events, or the predicted ones."""
    if y is None:
        if is_epochs(X):
            return event_names(X)
        # An ensemble gives its members numbers instead of labels.
        return classes[network.predict_proba(trials.X).argmax(axis=1)]
    y = np.asarray(y)
    n_trials = len(trials.X)
    if y.shape != (n_trials,):
        raise ValueError(
            f"{caller}: y has shape {y.shape}; it should be (n_trials,) = ({n_trials},)."
        )
    return y
