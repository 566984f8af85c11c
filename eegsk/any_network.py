"""Estimators for any torch network."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from torch import nn

from ._fields import NestedParams
from .networks import Architecture
from .signals import Signal
from .tasks import Classifier, Regressor


class AnyNetwork(Architecture):
    """Any network that torch can train.

    Parameters
    ----------
    network : callable
        ``network(n_chans=, n_times=, n_outputs=)`` returns a torch module that maps trials, of
        shape (n_trials, n_chans, n_times), to logits or predictions, of shape (n_trials,
        n_outputs). One that has parameters ``sfreq`` or ``ch_names`` is given these too, where
        the trials tell them.
    network_params : dict or None, default=None
        Further arguments of ``network``; searched as ``network_params__name``.

    References
    ----------
    .. [1] Tietz, M., Fan, T. J., Nouri, D., Bossan, B., & skorch Developers (2017). skorch: a
       scikit-learn compatible neural network library that wraps PyTorch.
       https://skorch.readthedocs.io/en/stable/
    """

    network: Callable[..., nn.Module]
    network_params: dict[str, Any] | None = None

    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Call the network with the signal's shape; see :meth:`Architecture.build`."""
        known = {"sfreq": signal.sfreq, "ch_names": signal.ch_names}
        wanted = inspect.signature(self.network).parameters
        told = {name: value for name, value in known.items() if value and name in wanted}
        shape = {"n_chans": signal.n_chans, "n_times": signal.n_times, "n_outputs": n_outputs}
        return self.network(**{**shape, **told, **(self.network_params or {})})


class EEGClassifier(Classifier, AnyNetwork):
    """Any torch network as a classifier.

    Examples
    --------
    >>> import numpy as np
    >>> from torch import nn
    >>> from eegsk import EEGClassifier
    >>> def linear(n_chans, n_times, n_outputs):
    ...     return nn.Sequential(nn.Flatten(), nn.Linear(n_chans * n_times, n_outputs))
    >>> X, y = np.random.default_rng(0).standard_normal((40, 4, 32)), [0, 1] * 20
    >>> EEGClassifier(network=linear, max_epochs=2).fit(X, y).predict_proba(X).shape
    (40, 2)
    """

    _nested_fields: ClassVar = (*NestedParams._nested_fields, "network_params")


class EEGRegressor(Regressor, AnyNetwork):
    """Any torch network as a regressor.

    Examples
    --------
    >>> import numpy as np
    >>> from torch import nn
    >>> from eegsk import EEGRegressor
    >>> def linear(n_chans, n_times, n_outputs):
    ...     return nn.Sequential(nn.Flatten(), nn.Linear(n_chans * n_times, n_outputs))
    >>> X, y = np.random.default_rng(0).standard_normal((2, 40, 4, 32))
    >>> EEGRegressor(network=linear, max_epochs=2).fit(X, y[:, 0, 0]).predict(X).shape
    (40,)
    """

    _nested_fields: ClassVar = (*NestedParams._nested_fields, "network_params")
