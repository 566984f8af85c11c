"""Estimators for any torch network."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from .networks import Architecture
from .signals import Signal
from .tasks import Classifier, Regressor


class AnyNetwork(Architecture):
    """Network of another library or of your own, which returns a torch module.

    Parameters
    ----------
    network : callable
        Class or function that returns a torch module. It is called with the keyword arguments
        ``n_chans``, ``n_times`` and ``n_outputs``. If it has parameters called ``sfreq`` (sampling
        rate in Hz), ``ch_names`` (tuple of str) or ``chs_info`` (list of dict, as in
        ``epochs.info["chs"]``), and the trials are Epochs, it is called with these too. The module
        maps trials, of shape (n_trials, n_chans, n_times), to logits or predictions, of shape
        (n_trials, n_outputs).
    network_params : dict or None, default=None
        Further arguments of ``network``, e.g. ``{"dropout": 0.5}``. They take precedence over the
        arguments that describe the trials, e.g. ``{"chs_info": None}``. In a grid search, they are
        set as ``network_params__name``.

    Notes
    -----
    Networks of other libraries can be used directly. An example is EEGNet of braindecode, which
    gets ``sfreq`` and ``chs_info`` from the Epochs:

    .. code-block:: python

        from braindecode.models import EEGNet
        from sklearn.model_selection import GridSearchCV
        from eegsk import EEGClassifier

        estimator = EEGClassifier(network=EEGNet, network_params={"F1": 16})
        estimator.fit(epochs)
        GridSearchCV(estimator, {"network_params__drop_prob": [0.25, 0.5]}).fit(epochs, y)

    A fitted estimator can be pickled if ``network`` can be pickled, e.g. a function of a module,
    but no lambda. The module may have parametrizations, which torch alone cannot pickle.

    References
    ----------
    .. [1] Tietz, M., Fan, T. J., Nouri, D., Bossan, B., & skorch Developers (2017). skorch: a
       scikit-learn compatible neural network library that wraps PyTorch.
       https://skorch.readthedocs.io/en/stable/
    """

    network: Callable[..., nn.Module]
    network_params: dict[str, Any] | None = None

    def build(self, signal: Signal, n_outputs: int) -> nn.Module:
        """Call ``network`` with the shape of the trials; see :meth:`Architecture.build`."""
        if isinstance(self.network, nn.Module):
            raise TypeError(
                f"{type(self).__name__}: network is a module, but should be its class or a "
                "function that returns one, so that each fit trains a new network."
            )
        arguments = {"n_chans": signal.n_chans, "n_times": signal.n_times, "n_outputs": n_outputs}
        accepted = inspect.signature(self.network).parameters
        for name in ("sfreq", "ch_names", "chs_info"):
            value = getattr(signal, name)
            if name in accepted and value is not None:
                arguments[name] = value
        # Arguments that a functools.partial sets take precedence over those of the signal.
        preset = self.network.keywords if isinstance(self.network, partial) else {}
        return self.network(**{**arguments, **preset, **(self.network_params or {})})


class EEGClassifier(Classifier, AnyNetwork):
    """Classifier with any torch network.

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

    Epochs contain their sampling rate. A network with a parameter ``sfreq`` can use it, e.g. to
    set the length of its filters to a quarter of a second:

    >>> import mne
    >>> def filtered(n_chans, n_times, n_outputs, sfreq):
    ...     temporal = nn.Conv1d(n_chans, 4, kernel_size=int(sfreq / 4))
    ...     return nn.Sequential(temporal, nn.ELU(), nn.Flatten(), nn.LazyLinear(n_outputs))
    >>> info = mne.create_info(["F3", "F4", "C3", "C4"], sfreq=64.0, ch_types="eeg")
    >>> epochs = mne.EpochsArray(1e-6 * X, info, verbose="error")
    >>> estimator = EEGClassifier(network=filtered, max_epochs=2).fit(epochs, y)
    >>> estimator.module_.network[0].kernel_size
    (16,)
    """


class EEGRegressor(Regressor, AnyNetwork):
    """Regressor with any torch network.

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
