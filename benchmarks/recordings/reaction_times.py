"""Regression of the reaction times of one subject."""

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
TITLE = (
    f"Reaction times of one subject: 74 trials from {BEFORE_SQUARE:g} s to {AFTER_SQUARE:g} s "
    f"around the square, which contain no button press; {N_FOLDS} folds of consecutive trials. "
    "NRMSE of all predictions together (the mean of all trials would have 1), and correlation with "
    "the measured reaction times"
)


def mean() -> DummyRegressor:
    """Return a regressor that predicts the mean of the training trials."""
    return DummyRegressor()


def ridge() -> Any:
    """Return ridge regression whose penalty is chosen on the training trials."""
    return make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(-1, 5, 13)))


NETWORK = "reaction-time recipe"
BASELINES = {"mean of the training trials": mean, "ridge on log band power": ridge}


def run(name: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Cross-validate over blocks of consecutive trials."""
    X, latency, sfreq = load_reaction_times()
    is_network = name == NETWORK
    features = X if is_network else log_band_power(X, sfreq)
    predicted, duration = np.empty(len(latency)), 0.0
    for train, test in KFold(N_FOLDS).split(features):  # not shuffled: blocks of trials
        if is_network:
            estimator = settings.apply(reaction_time_regression(), seed)
        else:
            estimator = BASELINES[name]()
        duration += fit_seconds(estimator, features[train], latency[train])
        predicted[test] = estimator.predict(features[test])
    correlation = np.corrcoef(predicted, latency)[0, 1]
    return {"nrmse": nrmse(latency, predicted), "correlation": correlation, "seconds": duration}


def measure(settings: Settings) -> str:
    """Return the table: mean and standard deviation over seeds."""
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
