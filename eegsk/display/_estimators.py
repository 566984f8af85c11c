"""The network at the end of a fitted estimator, and the trials that it receives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from .._steps import is_aligner, is_voting, members_of, steps_of
from .._validation import check_trials
from ..base import EEGEstimator
from ..signals import Signal, labels_of, read_trials


class NetworkTrials(NamedTuple):
    """Trials of a network, after and before the alignment of its pipeline.

    Parameters
    ----------
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        Validated trials, as the network receives them.
    before_alignment : torch.Tensor of shape (n_trials, n_chans, n_times)
        Trials before an aligner that is the last step before the network, after its ``band``; ``X``
        without an aligner.
    filters : torch.Tensor of shape (n_trials, n_chans, n_chans) or None
        Spatial filters by which the aligner computes ``X`` from ``before_alignment``.
    """

    X: torch.Tensor
    before_alignment: torch.Tensor
    filters: torch.Tensor | None = None


class Network(NamedTuple):
    """A network at the end of an estimator.

    Parameters
    ----------
    network : EEGEstimator
        Fitted estimator of eegsk.
    trials : NetworkTrials
        Its trials.
    signal : Signal
        Channels and sampling rate of the trials before the alignment.
    unit : str or None
        Unit of the trials before the alignment; None if it is unknown.
    weight : float
        Weight in an ensemble, in which the sum of the weights is 1.
    """

    network: EEGEstimator
    trials: NetworkTrials
    signal: Signal
    unit: str | None
    weight: float


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
            "pipeline, an AlignedEstimator or a search that ends in one."
        )
    check_is_fitted(network)
    return network


def fitted_networks(estimator: Any, caller: str) -> list[EEGEstimator]:
    """Return the network, see :func:`fitted_network`, or all networks of a voting ensemble."""
    return [fitted_network(part, caller) for part, _ in networks_of(estimator)]


def networks_of(estimator: Any) -> list[tuple[Any, float]]:
    """Return the networks of a voting ensemble, after the steps before it, and their weights."""
    members = members_of(estimator)
    if not members:
        return [(estimator, 1.0)]
    return [
        (part, weight * share) for member, weight in members for part, share in networks_of(member)
    ]


def recorded_signal(estimator: Any) -> Signal:
    """Return the signal of the trials before the network, and before the aligner in front of it."""
    *transformers, network = steps_of(networks_of(estimator)[0][0])
    if not (transformers and is_aligner(transformers[-1])):
        return network.signal_
    aligner = transformers[-1]
    return replace(aligner.signal_, sfreq=aligner.signal_.sfreq or aligner.sfreq)


def is_search(estimator: Any) -> bool:
    """Check whether an estimator is a search, e.g. GridSearchCV."""
    return hasattr(estimator, "estimator") and (
        hasattr(estimator, "param_grid") or hasattr(estimator, "param_distributions")
    )


def read_networks(estimator: Any, X: Any, groups: Any, caller: str) -> list[Network]:
    """Return the network, or the networks of a voting ensemble, and the trials of each.

    Parameters
    ----------
    estimator : estimator
        See :func:`fitted_network`; or a voting ensemble.
    X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
        Trials.
    groups : array-like of shape (n_trials,) or None
        Domain of each trial, for aligners.
    caller : str
        Class and method, for the error messages.

    Returns
    -------
    networks : list of Network
        The networks.

    Raises
    ------
    ValueError
        If there are groups, but no aligner.
    """
    inputs: dict[tuple[int, ...], tuple[Any, Any]] = {}
    networks = []
    for part, weight in networks_of(estimator):
        network = fitted_network(part, caller)
        *transformers, _ = steps_of(part)
        if groups is not None and not any(map(is_aligner, transformers)):
            raise ValueError(f"{caller}: groups are the domains of an aligner, but there is none.")
        # The networks of an ensemble share the steps before them.
        key = tuple(map(id, transformers))
        if key not in inputs:
            inputs[key] = _transformed(transformers, X, groups)
        trials = _trials_of_network(network, *inputs[key])
        signal = recorded_signal(part)
        earlier = transformers if trials.filters is None else transformers[:-1]
        # Aligned channels have no unit, unless the aligner is the step before the network.
        has_unit = signal.ch_names is not None and not any(map(is_aligner, earlier))
        networks.append(Network(network, trials, signal, "V" if has_unit else None, weight))
    return networks


def _transformed(transformers: list[Any], X: Any, groups: Any) -> tuple[Any, Any]:
    """Return trials after the steps before a network, without a last aligner, and its filters."""
    aligner = transformers[-1] if transformers and is_aligner(transformers[-1]) else None
    for step in transformers if aligner is None else transformers[:-1]:
        X = step.transform(X, groups=groups) if is_aligner(step) else step.transform(X)
    return (X, None) if aligner is None else aligner._trials_and_filters(X, groups)


def _trials_of_network(network: EEGEstimator, X: Any, filters: Any) -> NetworkTrials:
    """Validate the trials of a network."""
    if filters is None:
        X, _ = read_trials(X, network.signal_)
        X = check_trials(network, X, reset=False)
        return NetworkTrials(X, X)
    aligned = check_trials(network, filters @ X, reset=False)
    return NetworkTrials(aligned, *map(torch.as_tensor, (X, filters)))


def labels_of_trials(
    networks: list[Network], X: Any, y: Any, classes: np.ndarray, caller: str
) -> np.ndarray:
    """Return the labels of trials: those given, those that X contains, or the predicted ones."""
    y = labels_of(X) if y is None else y
    if y is None:
        # An ensemble gives its members numbers instead of labels.
        members: list[Any] = [item.network for item in networks]
        probabilities = [
            item.weight * member.predict_proba(item.trials.X)
            for item, member in zip(networks, members, strict=True)
        ]
        return classes[np.sum(probabilities, axis=0).argmax(axis=1)]
    y = np.asarray(y)
    n_trials = len(networks[0].trials.X)
    if y.shape != (n_trials,):
        raise ValueError(
            f"{caller}: y has shape {y.shape}; it should be (n_trials,) = ({n_trials},)."
        )
    unknown = [label for label in np.unique(y).tolist() if label not in classes.tolist()]
    if unknown:
        raise ValueError(
            f"{caller}: y has the label {unknown[0]!r}, but the classes of the estimator are "
            f"{', '.join(map(repr, classes.tolist()))}."
        )
    return y
