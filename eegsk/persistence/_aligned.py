"""Description of a fitted `AlignedEstimator`, and the estimator rebuilt from it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from sklearn.utils.validation import check_is_fitted

from .._fields import check_fields
from ..alignment import AlignedEstimator, EuclideanAlignment, RiemannianAlignment
from ..signals import Signal
from ._ensemble import (
    describe_networks,
    describe_networks_params,
    new_networks,
    rebuild_networks,
)
from ._model import Network, Tensors, rebuild, versions
from ._values import Decoder, Encoder

_ALIGNERS = EuclideanAlignment, RiemannianAlignment


def describe_aligned(aligned: AlignedEstimator, encoder: Encoder) -> dict[str, Any]:
    """Describe a fitted estimator of aligned trials.

    Parameters
    ----------
    aligned : AlignedEstimator
        The estimator.
    encoder : Encoder
        Converter of values, which collects the tensors.

    Returns
    -------
    description : dict
        The description in types of JSON.

    Raises
    ------
    TypeError
        If the aligner or the estimator are not of eegsk, or contain something that cannot be stored
        without code.
    ValueError
        If a parameter of the network was changed after ``fit``.
    """
    check_is_fitted(aligned)
    aligner = aligned.aligner_
    for item in (aligned.aligner, aligner):
        if type(item) not in _ALIGNERS:
            raise TypeError(f"aligner={type(item).__name__} is not an alignment of eegsk")
    fitted = describe_networks(aligned.estimator_, encoder, "estimator_")

    def matrix(values: Any, where: str) -> Any:
        return encoder.encode(torch.from_numpy(values), where)

    domains = [
        [encoder.encode(name, "domain"), matrix(values, "references_"), aligner.n_trials_[name]]
        for name, values in aligner.references_.items()
    ]
    return {
        "estimator": type(aligned).__name__,
        "network": fitted["network"],
        "params": describe_aligned_params(aligned, encoder),
        "aligner_": encoder.encode(aligner, "aligner_"),
        "signal": encoder.encode(vars(aligner.signal_), "signal"),
        "n_features_in": aligner.n_features_in_,
        "reference": matrix(aligner.reference_, "reference_"),
        "domains": domains,
        "estimator_": fitted,
        "versions": versions(),
    }


def describe_aligned_params(aligned: AlignedEstimator, encoder: Encoder) -> dict[str, Any]:
    """Describe the parameters of an estimator of aligned trials, fitted or not.

    Parameters
    ----------
    aligned : AlignedEstimator
        The estimator.
    encoder : Encoder
        Converter of values, which collects the tensors.

    Returns
    -------
    description : dict
        The description in types of JSON.
    """
    return {
        "aligner": encoder.encode(aligned.aligner, "aligner"),
        "estimator": describe_networks_params(aligned.estimator, encoder, "estimator"),
    }


def new_aligned(
    params: Any, decode: Callable[[Any], Any], network: Network | None
) -> AlignedEstimator:
    """Create an estimator of aligned trials that is not fitted.

    Parameters
    ----------
    params : dict
        The return value of :func:`describe_aligned_params`.
    decode : callable
        Function that converts values.
    network : callable or None
        The network, if the estimator is an ``EEGClassifier`` or ``EEGRegressor``.

    Returns
    -------
    aligned : AlignedEstimator
        The estimator.

    Raises
    ------
    ValueError
        If the description is invalid.
    """
    return AlignedEstimator(
        _check_aligner(decode(params["aligner"])),
        new_networks(params["estimator"], decode, network),
    )


def rebuild_aligned(description: Any, tensors: Tensors, network: Network | None) -> Any:
    """Rebuild an estimator of aligned trials.

    Parameters
    ----------
    description : dict
        The return value of :func:`describe_aligned`.
    tensors : dict of torch.Tensor
        The tensors that the encoder has collected.
    network : callable or None
        The network, if the estimator is an ``EEGClassifier`` or ``EEGRegressor``.

    Returns
    -------
    aligned : AlignedEstimator
        The fitted estimator.

    Raises
    ------
    ValueError
        If the description is invalid, or does not fit to the tensors or to the network.
    """
    decode = Decoder(partial(rebuild, tensors=tensors, network=network), tensors).decode
    aligned = new_aligned(description["params"], decode, network)
    aligned.aligner_ = _rebuild_aligner(description, decode)
    aligned.estimator_ = rebuild_networks(description["estimator_"], tensors, network)
    n_chans = aligned.aligner_.signal_.n_chans
    for member in getattr(aligned.estimator_, "estimators_", [aligned.estimator_]):
        if member.signal_.n_chans != n_chans:
            raise ValueError(
                f"its aligner has {n_chans} channels, but its network {member.signal_.n_chans}"
            )
    if hasattr(aligned.estimator_, "classes_"):
        aligned.classes_ = aligned.estimator_.classes_
    aligned.n_features_in_ = aligned.aligner_.n_features_in_
    return aligned


def _rebuild_aligner(description: Any, decode: Callable[[Any], Any]) -> Any:
    """Rebuild the fitted aligner."""
    aligner = _check_aligner(decode(description["aligner_"]))
    signal = Signal(**decode(description["signal"]))

    def matrix(node: Any) -> Any:
        values = decode(node).numpy()
        shape, expected = values.shape, (signal.n_chans, signal.n_chans)
        if shape != expected or values.dtype.kind != "f" or not (abs(values) < float("inf")).all():
            raise ValueError(f"a covariance of shape {shape} should be finite, of shape {expected}")
        return values

    domains = [
        (decode(name), matrix(values), n_trials)
        for name, values, n_trials in description["domains"]
    ]
    vars(aligner).update(
        n_features_in_=description["n_features_in"],
        signal_=signal,
        n_trials_={name: n_trials for name, _, n_trials in domains},
        references_={name: values for name, values, _ in domains},
        reference_=matrix(description["reference"]),
    )
    return aligner


def _check_aligner(aligner: Any) -> Any:
    if type(aligner) not in _ALIGNERS:
        raise ValueError(f"its aligner is a {type(aligner).__name__}")
    check_fields(aligner)
    return aligner
