"""Reaction times of one subject, from the EEG around the square that is answered."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from eegsk.metrics import nrmse
from eegsk.recipes import reaction_time_regression

from .band_power import log_band_power
from .data import AFTER_SQUARE, BEFORE_SQUARE, load_reaction_times
from .jobs import Job, Settings, fit_seconds, run_jobs, seconds, spread, values
from .table import table

N_FOLDS = 5
WHAT = (
    f"Reaction times of one subject, 74 trials from {BEFORE_SQUARE:g} s to {AFTER_SQUARE:g} s of "
    f"the square, so that no press is in them; {N_FOLDS} folds in blocks of time. NRMSE of all "
    "predictions together, and the correlation with what was measured; less than 1 is better than "
    "knowing the mean of all trials"
)


def mean() -> DummyRegressor:
    """Make what predicts the mean of the training trials."""
    return DummyRegressor()


def ridge() -> Any:
    """Make a ridge regression, whose penalty is chosen within the training trials."""
    return make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(-1, 5, 13)))


NETWORK = "reaction-time recipe"
BASELINES = {"mean of the training trials": mean, "ridge on log band power": ridge}


def run(name: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Predict each block of time from the others."""
    X, latency, sfreq = load_reaction_times()
    is_network = name == NETWORK
    features = X if is_network else log_band_power(X, sfreq)
    predicted, took = np.empty(len(latency)), 0.0
    for train, test in KFold(N_FOLDS).split(features):  # without shuffling, folds are blocks
        if is_network:
            estimator = settings.apply(reaction_time_regression(), seed)
        else:
            estimator = BASELINES[name]()
        took += fit_seconds(estimator, features[train], latency[train])
        predicted[test] = estimator.predict(features[test])
    correlation = np.corrcoef(predicted, latency)[0, 1]
    return {"nrmse": nrmse(latency, predicted), "correlation": correlation, "seconds": took}


def measure(settings: Settings) -> str:
    """Return the table: mean and spread over seeds."""
    names = [{"name": name, "seed": 0} for name in BASELINES]
    names += [{"name": NETWORK, "seed": seed} for seed in settings.seeds]
    rows = run_jobs([Job(run, {**name, "settings": settings}, name) for name in names], settings)
    lines = [
        [
            name,
            spread(values(rows, "nrmse", name=name)),
            spread(values(rows, "correlation", name=name)),
            seconds(values(rows, "seconds", name=name)),
        ]
        for name in [*BASELINES, NETWORK]
    ]
    return table(["", "NRMSE", "correlation", f"{N_FOLDS} fits"], lines)
