"""Estimators: each network as a classifier and as a regressor."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from torch import nn

from ._fields import NestedParams
from .networks import (
    AdvancedEEGNet,
    Architecture,
    CompactCNN,
    DeepConvNet,
    EEGNet,
    EEGNeX,
    EEGNeXMini,
    ShallowConvNet,
)
from .signals import Signal
from .tasks import Classifier, Regressor


class AdvancedEEGNetClassifier(Classifier, AdvancedEEGNet):
    """AdvancedEEGNet for classification.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import AdvancedEEGNetClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((20, 4, 128)), ["left", "right"] * 10
    >>> estimator = AdvancedEEGNetClassifier(n_filters=4, max_epochs=2, random_state=0)
    >>> estimator.fit(X, y).predict_proba(X).shape
    (20, 2)
    """


class AdvancedEEGNetRegressor(Regressor, AdvancedEEGNet):
    """AdvancedEEGNet for regression.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import AdvancedEEGNetRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, amplitude = rng.standard_normal((20, 4, 128)), rng.uniform(1, 3, size=20)
    >>> estimator = AdvancedEEGNetRegressor(n_filters=4, max_epochs=2, random_state=0)
    >>> estimator.fit(X * amplitude[:, None, None], amplitude).predict(X).shape
    (20,)
    """


class CompactCNNClassifier(Classifier, CompactCNN):
    """CompactCNN for classification.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import CompactCNNClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((20, 4, 128)), ["left", "right"] * 10
    >>> estimator = CompactCNNClassifier(max_epochs=2, random_state=0)
    >>> estimator.fit(X, y).predict_proba(X).shape
    (20, 2)
    """


class CompactCNNRegressor(Regressor, CompactCNN):
    """CompactCNN for regression.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import CompactCNNRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, amplitude = rng.standard_normal((20, 4, 128)), rng.uniform(1, 3, size=20)
    >>> estimator = CompactCNNRegressor(max_epochs=2, random_state=0)
    >>> estimator.fit(X * amplitude[:, None, None], amplitude).predict(X).shape
    (20,)
    """


class DeepConvNetClassifier(Classifier, DeepConvNet):
    """DeepConvNet for classification.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import DeepConvNetClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((20, 4, 128)), ["left", "right"] * 10
    >>> estimator = DeepConvNetClassifier(max_epochs=2, random_state=0)
    >>> estimator.fit(X, y).predict_proba(X).shape
    (20, 2)
    """


class DeepConvNetRegressor(Regressor, DeepConvNet):
    """DeepConvNet for regression.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import DeepConvNetRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, amplitude = rng.standard_normal((20, 4, 128)), rng.uniform(1, 3, size=20)
    >>> estimator = DeepConvNetRegressor(max_epochs=2, random_state=0)
    >>> estimator.fit(X * amplitude[:, None, None], amplitude).predict(X).shape
    (20,)
    """


class EEGNetClassifier(Classifier, EEGNet):
    """EEGNet for classification.

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.datasets import make_motor_imagery
    >>> X, y, groups = make_motor_imagery(n_subjects=2, random_state=0)
    >>> estimator = EEGNetClassifier(max_epochs=30, random_state=0)
    >>> estimator.fit(X[groups == 1], y[groups == 1]).classes_
    array(['left_hand', 'right_hand'], dtype='<U10')
    >>> estimator.predict_proba(X[groups == 2]).shape
    (80, 2)
    """


class EEGNetRegressor(Regressor, EEGNet):
    """EEGNet for regression.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import EEGNetRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, amplitude = rng.standard_normal((40, 4, 128)), rng.uniform(1, 3, size=40)
    >>> estimator = EEGNetRegressor(kernel=16, max_epochs=5, random_state=0)
    >>> estimator.fit(X * amplitude[:, None, None], amplitude).predict(X).shape
    (40,)
    """


class EEGNeXClassifier(Classifier, EEGNeX):
    """EEGNeX for classification.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import EEGNeXClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((20, 4, 128)), ["left", "right"] * 10
    >>> estimator = EEGNeXClassifier(kernel=8, second_kernel=8, max_epochs=2, random_state=0)
    >>> estimator.fit(X, y).predict_proba(X).shape
    (20, 2)
    """


class EEGNeXRegressor(Regressor, EEGNeX):
    """EEGNeX for regression.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import EEGNeXRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, amplitude = rng.standard_normal((20, 4, 128)), rng.uniform(1, 3, size=20)
    >>> estimator = EEGNeXRegressor(kernel=8, second_kernel=8, max_epochs=2, random_state=0)
    >>> estimator.fit(X * amplitude[:, None, None], amplitude).predict(X).shape
    (20,)
    """


class EEGNeXMiniClassifier(Classifier, EEGNeXMini):
    """EEGNeXMini for classification.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import EEGNeXMiniClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((20, 4, 128)), ["left", "right"] * 10
    >>> estimator = EEGNeXMiniClassifier(kernel=8, max_epochs=2, random_state=0)
    >>> estimator.fit(X, y).predict_proba(X).shape
    (20, 2)
    """


class EEGNeXMiniRegressor(Regressor, EEGNeXMini):
    """EEGNeXMini for regression.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import EEGNeXMiniRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, amplitude = rng.standard_normal((20, 4, 128)), rng.uniform(1, 3, size=20)
    >>> estimator = EEGNeXMiniRegressor(kernel=8, max_epochs=2, random_state=0)
    >>> estimator.fit(X * amplitude[:, None, None], amplitude).predict(X).shape
    (20,)
    """


class ShallowConvNetClassifier(Classifier, ShallowConvNet):
    """ShallowConvNet for classification.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import ShallowConvNetClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((20, 4, 128)), ["left", "right"] * 10
    >>> estimator = ShallowConvNetClassifier(
    ...     pool=25, pool_stride=5, max_epochs=2, random_state=0
    ... )
    >>> estimator.fit(X, y).predict_proba(X).shape
    (20, 2)
    """


class ShallowConvNetRegressor(Regressor, ShallowConvNet):
    """ShallowConvNet for regression.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import ShallowConvNetRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, amplitude = rng.standard_normal((20, 4, 128)), rng.uniform(1, 3, size=20)
    >>> estimator = ShallowConvNetRegressor(
    ...     pool=25, pool_stride=5, max_epochs=2, random_state=0
    ... )
    >>> estimator.fit(X * amplitude[:, None, None], amplitude).predict(X).shape
    (20,)
    """


class AnyNetwork(Architecture):
    """A torch network of the user or of another library.

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
        Further arguments of ``network``, e.g. ``{"dropout": 0.5}``. They replace arguments that
        describe the trials, e.g. ``{"chs_info": None}``. In a search they are
        ``network_params__name``.

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
    but not a lambda. The module may have parametrizations, which torch itself does not pickle.

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
        arguments = {"n_chans": signal.n_chans, "n_times": signal.n_times, "n_outputs": n_outputs}
        accepted = inspect.signature(self.network).parameters
        for name in ("sfreq", "ch_names", "chs_info"):
            value = getattr(signal, name)
            if name in accepted and value is not None:
                arguments[name] = value
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

    If a network has a parameter ``sfreq``, it gets the sampling rate of the Epochs. Here, the
    length of the first filter is a quarter of a second:

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

    _nested_fields: ClassVar = (*NestedParams._nested_fields, "network_params")


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

    _nested_fields: ClassVar = (*NestedParams._nested_fields, "network_params")
