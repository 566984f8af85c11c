"""Initial weights of a network from a pretrained estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted
from torch import nn

from .._fields import NestedParams, short_repr
from ..signals import Signal

Weights = dict[str, torch.Tensor]

# Parameters that should be those of the pretrained estimator, because the input or the output of
# the network depends on them.
_SAME = ("standardize", "standardize_target")


def find_pretrained(owner: str, pretrained: Any) -> Any:
    """Return the fitted estimator inside a ``FrozenEstimator``.

    Parameters
    ----------
    owner : str
        Name of the new estimator, for error messages.
    pretrained : FrozenEstimator or None
        The parameter ``pretrained`` of the new estimator.

    Returns
    -------
    estimator : EEGEstimator or None
        The fitted estimator; None if there is none.

    Raises
    ------
    TypeError
        If ``pretrained`` is not an estimator of eegsk inside a ``FrozenEstimator``.
    NotFittedError
        If the estimator is not fitted.
    """
    if pretrained is None:
        return None
    if not isinstance(pretrained, FrozenEstimator):
        raise TypeError(
            f"{owner}: pretrained={short_repr(pretrained)} should be a fitted estimator inside "
            "FrozenEstimator, the path of a file that save wrote, or None; use "
            "sklearn.frozen.FrozenEstimator(estimator), so that clone and cross-validation keep "
            "its weights."
        )
    estimator = pretrained.estimator
    if not isinstance(estimator, NestedParams):
        raise TypeError(
            f"{owner}: pretrained contains a {type(estimator).__name__}, but should contain an "
            "estimator of eegsk, e.g. the last step of a pipeline, pipeline[-1], or "
            "best_estimator_ of a search."
        )
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise NotFittedError(
            f"{owner}: the estimator in pretrained is not fitted; call its fit first."
        ) from error
    return estimator


def pretrained_classes(source: Any, classes: np.ndarray) -> np.ndarray:
    """Return the classes of a pretrained classifier if they include all labels, else the labels.

    Parameters
    ----------
    source : EEGEstimator or None
        The pretrained estimator.
    classes : array of shape (n_classes,)
        The sorted labels of the training trials.

    Returns
    -------
    classes : array of shape (n_classes,)
        The classes of the new classifier.
    """
    trained: np.ndarray | None = getattr(source, "classes_", None)
    if trained is None or not set(classes.tolist()) <= set(trained.tolist()):
        return classes
    return trained


def in_pretrained_order(X: Any, signal: Signal | None, source: Any) -> tuple[Any, Signal | None]:
    """Order the channels of trials like those of a pretrained estimator.

    Parameters
    ----------
    X : array-like of shape (n_trials, n_chans, n_times)
        Trials.
    signal : Signal or None
        Their signal; None for trials that are not Epochs.
    source : EEGEstimator or None
        The pretrained estimator.

    Returns
    -------
    X : array-like of shape (n_trials, n_chans, n_times)
        The trials. Their channels are reordered if they have the same names in another order.
    signal : Signal or None
        Their signal.
    """
    expected = source.signal_.ch_names if source else None
    if signal is None or signal.ch_names is None or expected is None:
        return X, signal
    names = signal.ch_names
    if names == expected or set(names) != set(expected):
        return X, signal
    order = [names.index(name) for name in expected]
    return X[:, order], signal.select(order)


@torch.no_grad()
def load_pretrained(estimator: Any, network: nn.Module, source: Any) -> None:
    """Copy the weights of a pretrained estimator to a new network.

    The last layer keeps its new weights if the classes or the number of targets differ.

    Parameters
    ----------
    estimator : EEGEstimator
        The new estimator, with its signal and target.
    network : torch.nn.Module
        Its network, which is changed.
    source : EEGEstimator
        The pretrained estimator.

    Raises
    ------
    ValueError
        If signal, standardisation or layers differ.
    """
    owner, match = type(estimator).__name__, estimator.pretrained_channels == "match"
    _check_same_standardization(owner, estimator, source)
    _check_signal(owner, estimator.signal_, source.signal_, match)
    weights = source.module_.get_submodule("network").state_dict()
    expected = network.state_dict()
    if not estimator._target.matches(source._target):
        head = _last_layer(network)
        weights, expected = (_without(head, tensors) for tensors in (weights, expected))
    if match:
        axes = _channel_axes(owner, source.build, source.signal_, source._target.n_outputs)
        weights = _match_channels(weights, axes, estimator.signal_, source.signal_)
    _check_layers(owner, weights, expected, estimator.signal_, source.signal_)
    network.load_state_dict(weights, strict=False)


def _check_same_standardization(owner: str, estimator: Any, source: Any) -> None:
    for name in _SAME:
        value, pretrained = (getattr(item, name, None) for item in (estimator, source))
        if value != pretrained and hasattr(estimator, name) and hasattr(source, name):
            raise ValueError(
                f"{owner}: {name}={value!r}, but the pretrained estimator has {name}="
                f"{pretrained!r}; use the same value."
            )


def _check_signal(owner: str, signal: Signal, pretrained: Signal, match: bool) -> None:
    """Check the sampling rates, and the channels if they are not matched by name."""
    if signal.sfreq and pretrained.sfreq and not np.isclose(signal.sfreq, pretrained.sfreq):
        raise ValueError(
            f"{owner}: the trials are sampled at {signal.sfreq:g} Hz, but those of the pretrained "
            f"estimator at {pretrained.sfreq:g} Hz; resample them."
        )
    names, expected = signal.ch_names, pretrained.ch_names
    if match and not (names and expected):
        raise ValueError(
            f"{owner}: pretrained_channels='match' needs the names of channels; fit both this and "
            "the pretrained estimator with Epochs."
        )
    if match and not set(names or ()) & set(expected or ()):
        raise ValueError(f"{owner}: no channel has the name of a channel of pretrained.")
    if match:
        return
    if signal.n_chans != pretrained.n_chans or (names and expected and names != expected):
        raise ValueError(
            f"{owner}: the trials have {_describe(signal)}, but those of the pretrained estimator "
            f"had {_describe(pretrained)}; select the same channels, or use "
            "pretrained_channels='match' with Epochs."
        )


def _describe(signal: Signal) -> str:
    """Return the number of channels and their first names as text."""
    names = signal.ch_names or ()
    ellipsis = ", ..." if len(names) > 5 else ""
    text = f" ({', '.join(names[:5])}{ellipsis})" if names else ""
    return f"{signal.n_chans} channels{text}"


def _last_layer(network: nn.Module) -> str:
    """Return the path of the last layer that has weights."""
    paths = [path for path, layer in network.named_modules() if layer._parameters]
    return paths[-1].partition(".parametrizations")[0]


def _without(path: str, tensors: Mapping[str, torch.Tensor]) -> Weights:
    """Return the tensors that are not in a layer."""
    prefix = f"{path}." if path else ""
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(prefix)}


def _channel_axes(
    owner: str, build: Callable[[Signal, int], nn.Module], signal: Signal, n_outputs: int
) -> dict[str, int]:
    """Find the tensors of a network that have an axis of channels.

    To find it, the network is built once more for one more channel, which makes this axis longer.
    """
    wider = replace(signal, n_chans=signal.n_chans + 1, ch_names=None)
    with torch.random.fork_rng(devices=[]):
        networks = [build(item, n_outputs).state_dict() for item in (signal, wider)]
    axes = {}
    for name, tensor in networks[0].items():
        sizes = zip(tensor.shape, networks[1][name].shape, strict=True)
        differences = [(axis, size) for axis, (old, size) in enumerate(sizes) if old != size]
        if not differences:
            continue
        if differences != [(differences[0][0], wider.n_chans)]:
            raise ValueError(
                f"{owner}: pretrained_channels='match' is not possible for this network: {name} "
                "has no axis of channels."
            )
        axes[name] = differences[0][0]
    return axes


def _match_channels(
    weights: Weights, axes: Mapping[str, int], signal: Signal, pretrained: Signal
) -> Weights:
    """Select the weights of each channel by its name; additional channels get zero weights."""
    expected = pretrained.ch_names or ()
    positions = [
        expected.index(name) if name in expected else len(expected)
        for name in signal.ch_names or ()
    ]
    matched = dict(weights)
    for name in axes.keys() & weights.keys():
        axis, weight = axes[name], weights[name]
        zero = torch.zeros_like(weight.narrow(axis, 0, 1))
        index = torch.tensor(positions, device=weight.device)
        matched[name] = torch.cat([weight, zero], axis).index_select(axis, index)
    return matched


def _check_layers(
    owner: str, weights: Weights, expected: Weights, signal: Signal, pretrained: Signal
) -> None:
    """Check that the pretrained network has the same layers, of the same shapes."""
    differing = sorted(weights.keys() ^ expected.keys())
    if differing:
        raise ValueError(
            f"{owner}: the pretrained network has other layers, e.g. only one of the networks has "
            f"{differing[0]}; use the estimator and the parameters of the pretrained one."
        )
    for name, tensor in expected.items():
        shape, pretrained_shape = tuple(tensor.shape), tuple(weights[name].shape)
        if shape != pretrained_shape:
            lengths = f"{signal.n_times} time points instead of {pretrained.n_times}"
            has_other_length = signal.n_times != pretrained.n_times
            reason = f"the trials have {lengths}" if has_other_length else "its parameters differ"
            raise ValueError(
                f"{owner}: {name} of the network has shape {shape}, but {pretrained_shape} in the "
                f"pretrained network, because {reason}; use the same."
            )
