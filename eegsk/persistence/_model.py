"""Description of a fitted estimator, and the estimator rebuilt from it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from functools import cache, partial
from importlib import metadata
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from .._fields import check_fields, short_repr
from .._targets import ClassTarget, ContinuousTarget
from ..base import EEGEstimator
from ..signals import Signal
from ..training import find_device, load_net_state, net_state
from ..training.net import CRITERIA, OPTIMIZERS
from ._module import build_module
from ._values import Decoder, Encoder, join

_CATALOGUE = ("eegsk.estimators", "eegsk.any_network")
_PACKAGES = ("eegsk", "torch", "skorch", "scikit-learn", "numpy", "mne")
_TARGETS = {"classes": ClassTarget, "continuous": ContinuousTarget}
# Parameters whose classes are called when the net is created.
_FACTORIES = {"criterion": CRITERIA, "optimizer": OPTIMIZERS}

Network = Callable[..., torch.nn.Module]
Tensors = Mapping[str, torch.Tensor]


def describe(estimator: Any, encoder: Encoder, where: str = "") -> dict[str, Any]:
    """Describe a fitted estimator.

    Parameters
    ----------
    estimator : EEGEstimator
        The estimator.
    encoder : Encoder
        Converter of values, which collects the tensors.
    where : str, default=""
        Name of the parameter that contains the estimator, e.g. ``"pretrained.estimator"``.

    Returns
    -------
    description : dict
        The description in types of JSON.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is not of the catalogue, or contains something that cannot be stored without code.
    ValueError
        If a parameter of the network was changed after ``fit``.
    """
    check_is_fitted(estimator)
    params, target = describe_params(estimator, encoder, where), estimator._target
    estimator._check_unchanged()
    state = net_state(estimator.net_)
    state["parts"] = {key: item for key, item in state["parts"].items() if key != "criterion"}
    kind = next(key for key, cls in _TARGETS.items() if isinstance(target, cls))

    def encode(value: Any, part: str) -> Any:
        return encoder.encode(value, join(where, part) if part else where)

    return {
        **params,
        "signal": encode(vars(estimator.signal_), "signal"),
        "n_features_in": estimator.n_features_in_,
        "feature_names_in": encode(getattr(estimator, "feature_names_in_", None), "feature names"),
        "spread": encode(estimator._spread, "spread"),
        "target": {"kind": kind, "values": encode(vars(target), "target")},
        "random_state": encode(estimator._random_state, "random_state"),
        "state": {key: encode(value, "") for key, value in state.items()},
        "versions": versions(),
    }


def describe_params(estimator: Any, encoder: Encoder, where: str = "") -> dict[str, Any]:
    """Describe the class and the parameters of an estimator, fitted or not.

    Parameters
    ----------
    estimator : EEGEstimator
        The estimator.
    encoder : Encoder
        Converter of values, which collects the tensors.
    where : str, default=""
        Name of the parameter that contains the estimator.

    Returns
    -------
    description : dict
        The description in types of JSON.

    Raises
    ------
    TypeError
        If the estimator is not of the catalogue, or a parameter cannot be stored without code.
    """
    name = type(estimator).__name__
    if type(estimator) is not catalogue().get(name):
        raise TypeError(
            f"{name} is not an estimator of eegsk; save an estimator of eegsk, e.g. EEGClassifier "
            "with this network, or save this one with joblib, whose files can contain code"
        )
    params = estimator.get_params(deep=False)
    network = params.pop("network", None)
    return {
        "estimator": name,
        "network": network and getattr(network, "__qualname__", type(network).__name__),
        "params": {key: encoder.encode(value, join(where, key)) for key, value in params.items()},
    }


def rebuild(description: Any, tensors: Tensors, network: Network | None) -> Any:
    """Rebuild an estimator.

    Parameters
    ----------
    description : dict
        The return value of :func:`describe`.
    tensors : dict of torch.Tensor
        The tensors that the encoder has collected.
    network : callable or None
        The network of ``EEGClassifier`` or ``EEGRegressor``.

    Returns
    -------
    estimator : EEGEstimator
        The fitted estimator.

    Raises
    ------
    ValueError
        If the description is invalid, or does not fit to the tensors or to the network.
    """
    decode = Decoder(partial(rebuild, tensors=tensors, network=network), tensors).decode
    estimator = new_estimator(description, decode, network)
    target = _TARGETS[description["target"]["kind"]](**decode(description["target"]["values"]))
    classes = {"classes_": target.classes} if isinstance(target, ClassTarget) else {}
    vars(estimator).update(
        classes,
        _target=target,
        signal_=Signal(**decode(description["signal"])),
        n_features_in_=description["n_features_in"],
        _spread=decode(description["spread"]),
        _random_state=decode(description["random_state"]),
        _built_from=estimator._network_fields(),
    )
    feature_names = decode(description.get("feature_names_in"))
    if feature_names is not None:
        vars(estimator)["feature_names_in_"] = feature_names
    if isinstance(estimator.random_state, np.random.RandomState):
        estimator._random_state = estimator.random_state  # one generator, as after fit
    state = {key: decode(value) for key, value in description["state"].items()}
    module = build_module(estimator, state["parts"].pop("module"))
    estimator._make_net(module, _available_device(estimator.device))
    load_net_state(estimator.net_, state)
    module.eval()
    return estimator


def catalogue() -> dict[str, type[EEGEstimator]]:
    """Return the estimators of eegsk by name."""
    classes: dict[str, type[EEGEstimator]] = {}
    bases: list[type] = [EEGEstimator]
    while bases:
        subclasses = bases.pop().__subclasses__()
        bases += subclasses
        classes |= {cls.__name__: cls for cls in subclasses if cls.__module__ in _CATALOGUE}
    return classes


def new_estimator(
    description: Any, decode: Callable[[Any], Any], network: Network | None
) -> EEGEstimator:
    """Create an estimator that is not fitted.

    Parameters
    ----------
    description : dict
        The return value of :func:`describe_params`.
    decode : callable
        Function that converts values.
    network : callable or None
        The network of ``EEGClassifier`` or ``EEGRegressor``.

    Returns
    -------
    estimator : EEGEstimator
        The estimator.

    Raises
    ------
    ValueError
        If the description is invalid.
    """
    name, stored_network = description["estimator"], description["network"]
    if name not in catalogue():
        raise ValueError(f"it contains a {short_repr(name)}, which this version of eegsk lacks")
    params = {key: decode(value) for key, value in description["params"].items()}
    if stored_network is not None:
        if network is None:
            raise ValueError(
                f"it contains a {name} with the network {stored_network!r}, but not the code of "
                f"this network; pass its class or function, eegsk.load(path, network=...)"
            )
        params["network"] = network
    unknown = sorted(params.keys() - {item.name for item in fields(catalogue()[name])})
    if unknown:
        raise ValueError(f"{name} of this version of eegsk has no parameter {unknown[0]!r}")
    estimator = catalogue()[name](**params)
    if type(estimator.n_threads) is int:  # this machine can have fewer cores
        estimator.n_threads = min(estimator.n_threads, os.cpu_count() or 1)
    check_fields(estimator)
    for key, classes in _FACTORIES.items():
        factory = getattr(estimator, key)
        factory = factory.func if isinstance(factory, partial) else factory
        if not isinstance(factory, str) and factory not in classes.values():
            raise ValueError(f"{name}: {key}={short_repr(factory)} is no {key} of torch or eegsk")
    return estimator


def _available_device(device: Any) -> torch.device:
    """Return the device of an estimator, or the CPU if this machine does not have it."""
    try:
        return find_device(device)
    except ValueError:
        return torch.device("cpu")


@cache
def versions() -> dict[str, str]:
    """Return the versions of the libraries that are installed."""
    installed = {}
    for package in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            installed[package] = metadata.version(package)
    return installed
