"""Estimators: each network as a classifier and as a regressor."""

from __future__ import annotations

from ._fields import Positive
from .networks import (
    AdvancedEEGNet,
    ATCNet,
    CompactCNN,
    DeepConvNet,
    EEGConformer,
    EEGNet,
    EEGNeX,
    EEGNeXMini,
    EEGTCNet,
    ShallowConvNet,
    TCFormer,
)
from .tasks import Classifier, Regressor


class ATCNetClassifier(Classifier, ATCNet):
    """ATCNet for classification.

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate, that of the paper.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import ATCNetClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((20, 4, 128)), ["left", "right"] * 10
    >>> estimator = ATCNetClassifier(max_epochs=2, random_state=0)
    >>> estimator.fit(X, y).predict_proba(X).shape
    (20, 2)
    """

    lr: Positive = 1e-3


class ATCNetRegressor(Regressor, ATCNet):
    """ATCNet for regression.

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate, that of the paper.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import ATCNetRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, amplitude = rng.standard_normal((20, 4, 128)), rng.uniform(1, 3, size=20)
    >>> estimator = ATCNetRegressor(max_epochs=2, random_state=0)
    >>> estimator.fit(X * amplitude[:, None, None], amplitude).predict(X).shape
    (20,)
    """

    lr: Positive = 1e-3


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


class EEGConformerClassifier(Classifier, EEGConformer):
    """EEGConformer for classification.

    Parameters
    ----------
    lr : float, default=3e-4
        Learning rate, close to that of the paper; larger ones can make training fail.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import EEGConformerClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((20, 4, 128)), ["left", "right"] * 10
    >>> estimator = EEGConformerClassifier(pool=25, max_epochs=2, random_state=0)
    >>> estimator.fit(X, y).predict_proba(X).shape
    (20, 2)
    """

    lr: Positive = 3e-4


class EEGConformerRegressor(Regressor, EEGConformer):
    """EEGConformer for regression.

    Parameters
    ----------
    lr : float, default=3e-4
        Learning rate, close to that of the paper; larger ones can make training fail.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import EEGConformerRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, amplitude = rng.standard_normal((20, 4, 128)), rng.uniform(1, 3, size=20)
    >>> estimator = EEGConformerRegressor(pool=25, max_epochs=2, random_state=0)
    >>> estimator.fit(X * amplitude[:, None, None], amplitude).predict(X).shape
    (20,)
    """

    lr: Positive = 3e-4


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


class EEGTCNetClassifier(Classifier, EEGTCNet):
    """EEGTCNet for classification.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import EEGTCNetClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((20, 4, 128)), ["left", "right"] * 10
    >>> estimator = EEGTCNetClassifier(max_epochs=2, random_state=0)
    >>> estimator.fit(X, y).predict_proba(X).shape
    (20, 2)
    """


class EEGTCNetRegressor(Regressor, EEGTCNet):
    """EEGTCNet for regression.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import EEGTCNetRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, amplitude = rng.standard_normal((20, 4, 128)), rng.uniform(1, 3, size=20)
    >>> estimator = EEGTCNetRegressor(max_epochs=2, random_state=0)
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


class TCFormerClassifier(Classifier, TCFormer):
    """TCFormer for classification.

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate, close to that of the paper.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import TCFormerClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((20, 4, 128)), ["left", "right"] * 10
    >>> estimator = TCFormerClassifier(max_epochs=2, random_state=0)
    >>> estimator.fit(X, y).predict_proba(X).shape
    (20, 2)
    """

    lr: Positive = 1e-3


class TCFormerRegressor(Regressor, TCFormer):
    """TCFormer for regression.

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate, close to that of the paper.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import TCFormerRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, amplitude = rng.standard_normal((20, 4, 128)), rng.uniform(1, 3, size=20)
    >>> estimator = TCFormerRegressor(max_epochs=2, random_state=0)
    >>> estimator.fit(X * amplitude[:, None, None], amplitude).predict(X).shape
    (20,)
    """

    lr: Positive = 1e-3
