"""Two classifiers of covariance matrices, with pyRiemann."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.signal import butter, sosfiltfilt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

# Bands of filter-bank common spatial patterns (Ang et al. 2012), in hertz.
BANDS = [(low, low + 4) for low in range(4, 40, 4)]
MU_AND_BETA = (8, 32)
# Delayed copies of the channels (Carrara & Papadopoulo 2024). With few channels, the inner
# cross-validation chooses; 64 channels with more copies would need more samples and hours.
FEW_CHANNELS = 16
ORDERS, LAGS = (1, 2, 4, 6), (1, 2, 4, 8)
ORDER_OF_MANY, LAG_OF_MANY = 2, 4


def band_pass(X: np.ndarray, band: tuple[float, float], sfreq: float) -> np.ndarray:
    """Filter trials in a band, without a delay."""
    return sosfiltfilt(butter(4, band, "bandpass", fs=sfreq, output="sos"), X)


def add_delayed(X: np.ndarray, order: int = 1, lag: int = 1) -> np.ndarray:
    """Append copies of the channels, delayed by 0, ``lag``, ..., ``(order - 1) * lag`` samples."""
    n_times = X.shape[-1] - (order - 1) * lag
    copies = [X[..., lag * delay : lag * delay + n_times] for delay in range(order)]
    return np.concatenate(copies, axis=1)


def _filtered(band: tuple[float, float], sfreq: float) -> FunctionTransformer:
    return FunctionTransformer(band_pass, kw_args={"band": band, "sfreq": sfreq})


def make_tangent_space(n_chans: int, sfreq: float) -> Any:
    """Make a logistic regression of the covariances of all bands, in the tangent space."""
    from pyriemann.estimation import Covariances
    from pyriemann.tangentspace import TangentSpace

    bands = [
        make_pipeline(_filtered(band, sfreq), Covariances("oas"), TangentSpace()) for band in BANDS
    ]
    return make_pipeline(make_union(*bands), StandardScaler(), LogisticRegression(max_iter=1000))


def make_augmented_covariance(n_chans: int, sfreq: float) -> Any:
    """Make a support vector machine of the covariance of channels and delayed channels."""
    from pyriemann.estimation import Covariances
    from pyriemann.tangentspace import TangentSpace

    pipeline = make_pipeline(
        _filtered(MU_AND_BETA, sfreq),
        FunctionTransformer(add_delayed, kw_args={"order": ORDER_OF_MANY, "lag": LAG_OF_MANY}),
        Covariances("oas"),
        TangentSpace(),
        SVC(),
    )
    if n_chans > FEW_CHANNELS:
        return pipeline
    choices = [{"order": order, "lag": lag} for order in ORDERS for lag in LAGS[: order * 4 - 3]]
    return GridSearchCV(pipeline, {"functiontransformer-2__kw_args": choices}, cv=3)


PIPELINES = {
    "filter bank, tangent space, logistic regression": make_tangent_space,
    "augmented covariance, support vector machine": make_augmented_covariance,
}
