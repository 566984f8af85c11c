"""Loading of weights of other libraries into classifiers and regressors."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from ._arguments import names_errors
from ._fields import check_fields, check_value
from ._fields.types import Count
from ._targets import ClassTarget, ContinuousTarget
from .signals import Signal
from .training import empty_standardizer, find_device, reproducible, restored_on_error
from .weights import is_ordered, match_weights, read_weights

Weights = Mapping[str, torch.Tensor] | str | os.PathLike[str]
_NETWORK, _STANDARDIZE = "network.", "standardize."


class ClassifierWeightsMixin:
    """Mixin class of classifiers that can load weights."""

    def load_weights(
        self, weights: Weights, *, signal: Signal | None = None, classes: Any = None
    ) -> Self:
        """Load weights of a network that was trained elsewhere.

        Weights of eegsk's networks, of the same networks in braindecode, and of plain EEGNet and
        DeepConvNet modules are recognised by their names. Other weights of a sequence of layers are
        matched in order. If anything does not fit, nothing is loaded.

        Parameters
        ----------
        weights : mapping of str to torch.Tensor, or path
            State dict of a module, a ``.safetensors`` file, or a file that ``torch.save`` wrote of
            a state dict. No code in a file is run.
        signal : Signal or None, default=None
            Number of channels and samples of the trials, required if the estimator is not fitted,
            e.g. ``Signal(n_chans=2, n_times=750)``.
        classes : array-like of shape (n_classes,) or None, default=None
            Labels in the order of the outputs of the network, which should be sorted; required if
            the estimator is not fitted.

        Returns
        -------
        self : object
            The fitted estimator. ``predict`` takes trials in the unit of those that the weights
            were trained on. If the estimator was fitted, its standardisation is kept.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        TypeError, ValueError
            If the weights do not fit, or a parameter is missing or has another value there.
        """
        if hasattr(self, "net_"):
            _check_not_passed(self, signal=signal, classes=classes)
            return _load(self, weights, None, {})
        if signal is None or classes is None:
            raise ValueError(_need_description(self, "classes=['left', 'right']"))
        labels = ClassTarget.read(classes)
        if not np.array_equal(np.unique(labels), labels):
            raise ValueError(
                f"{type(self).__name__}: load_weights: classes={labels.tolist()} should be "
                "different labels in sorted order, one for each output of the network."
            )
        return _load(self, weights, signal, {"classes_": labels, "_target": ClassTarget(labels)})


class RegressorWeightsMixin:
    """Mixin class of regressors that can load weights."""

    def load_weights(
        self, weights: Weights, *, signal: Signal | None = None, n_outputs: int = 1
    ) -> Self:
        """Load weights of a network that was trained elsewhere.

        The rules are those of :meth:`eegsk.EEGNetClassifier.load_weights`.

        Parameters
        ----------
        weights : mapping of str to torch.Tensor, or path
            State dict of a module, a ``.safetensors`` file, or a file that ``torch.save`` wrote of
            a state dict. No code in a file is run.
        signal : Signal or None, default=None
            Number of channels and samples of the trials, required if the estimator is not fitted,
            e.g. ``Signal(n_chans=2, n_times=750)``.
        n_outputs : int, default=1
            Number of targets, used if the estimator is not fitted.

        Returns
        -------
        self : object
            The fitted estimator. If it was not fitted, ``predict`` returns the outputs of the
            network. If it was, its standardisation of trials and targets is kept.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        TypeError, ValueError
            If the weights do not fit, or a parameter is missing or has another value there.
        """
        if hasattr(self, "net_"):
            _check_not_passed(self, signal=signal)
            return _load(self, weights, None, {})
        if signal is None:
            raise ValueError(_need_description(self, "n_outputs=1"))
        check_value(type(self).__name__, "n_outputs", n_outputs, Count)
        n_dims = 1 if n_outputs == 1 else 2
        target = ContinuousTarget(np.zeros(n_outputs), np.ones(n_outputs), n_dims)
        return _load(self, weights, signal, {"_target": target})


def _check_not_passed(estimator: Any, **arguments: Any) -> None:
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(
                f"{type(estimator).__name__}: load_weights: the estimator is fitted and keeps its "
                f"{name}; do not pass {name}, or use a new estimator."
            )


def _need_description(estimator: Any, argument: str) -> str:
    return (
        f"{type(estimator).__name__}: load_weights: the estimator is not fitted; describe the "
        f"trials and targets, e.g. signal=Signal(n_chans=2, n_times=750), {argument}."
    )


@names_errors
def _load(estimator: Any, weights: Weights, signal: Signal | None, learned: dict[str, Any]) -> Any:
    """Load weights into a fitted estimator, or into a new one with a signal and a target."""
    check_fields(estimator)
    tensors, ordered = read_weights(weights), is_ordered(weights)
    is_fitted = signal is None
    if is_fitted:
        estimator._check_unchanged()
    device = find_device(estimator.device)
    with restored_on_error(estimator, is_fitted):
        seed = estimator._draw_seed(is_fitted)
        if signal is not None:
            sizes = {"n_features_in_": signal.n_chans, "_spread": 0.0}
            vars(estimator).update(learned, signal_=signal, **sizes)
        with reproducible(seed, estimator.n_threads, device):
            module = estimator.module_ if is_fitted else _new_module(estimator, tensors)
            module.load_state_dict(_match(estimator, tensors, module, ordered))
            estimator._make_net(module, device)
    module.eval()
    return estimator


def _match(
    estimator: Any, tensors: dict[str, torch.Tensor], module: nn.Module, ordered: bool
) -> dict[str, torch.Tensor]:
    """Return the state dict of the module, standardisation and network."""
    state = module.state_dict()
    if any(name.startswith(_NETWORK) for name in tensors):  # that of ``estimator.module_``
        layer = {name: tensors[name] for name in tensors if name.startswith(_STANDARDIZE)}
        expected = {name: state[name] for name in state if name.startswith(_STANDARDIZE)}
        if {n: t.shape for n, t in layer.items()} != {n: t.shape for n, t in expected.items()}:
            raise ValueError(
                f"{type(estimator).__name__}: load_weights: the weights contain the "
                f"standardisation {sorted(layer) or 'None'}, but standardize="
                f"{estimator.standardize!r} needs {sorted(expected) or 'None'} of other shapes."
            )
        state.update(layer)
        tensors = {n.removeprefix(_NETWORK): t for n, t in tensors.items() if n not in layer}
    network = module.get_submodule("network")
    matched = match_weights(tensors, network, estimator, ordered)
    return {**state, **{f"{_NETWORK}{name}": tensor for name, tensor in matched.items()}}


def _new_module(estimator: Any, tensors: dict[str, torch.Tensor]) -> nn.Module:
    """Build a module whose standardisation, if any, is that of the weights."""
    unit, n_chans = estimator.standardize, estimator.signal_.n_chans
    if unit is not None and f"{_STANDARDIZE}scale" not in tensors:
        raise ValueError(
            f"{type(estimator).__name__}: load_weights: standardize={unit!r}, but the weights "
            "contain no standardisation; set standardize=None, or call fit first."
        )
    n_weights = tensors.get(f"{_STANDARDIZE}weight", torch.empty(1)).shape[-1]
    layer = empty_standardizer(unit, n_chans, n_weights)
    network = estimator._make_network()
    return nn.Sequential(OrderedDict(standardize=layer, network=network))
