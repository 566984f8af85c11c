"""Target stimuli among others: a classifier of amplitudes, EEGNet, and the recipe."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegsk import EEGNetClassifier
from eegsk.callbacks import FocalBalance
from eegsk.recipes import event_related_potential

from .data import ODDBALL_SFREQ, load_oddball
from .jobs import Job, Settings, fit_seconds, run_jobs, seconds, spread, values
from .table import table

PEOPLE = ["S1", "S2"]
TITLE = (
    "Target or other stimulus: area under the ROC curve on the last 40 % of the trials of a "
    "person, trained on the first 60 %"
)


def amplitudes(X: np.ndarray) -> np.ndarray:
    """Return every second sample of each channel, in microvolts."""
    return 1e6 * X[:, :, ::2].reshape(len(X), -1)


def lda(**params: Any) -> BaseEstimator:
    """Return linear discriminant analysis of amplitudes, with shrinkage."""
    return make_pipeline(
        FunctionTransformer(amplitudes),
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    )


def focal_balance(**params: Any) -> EEGNetClassifier:
    """Return EEGNet with the focal-balanced loss."""
    return EEGNetClassifier(callbacks=[FocalBalance()], **params)


BASELINE = "LDA of amplitudes"
VARIANTS = {
    BASELINE: lda,
    "EEGNet": EEGNetClassifier,
    "EEGNet, focal balance": focal_balance,
    "recipe, one network": partial(event_related_potential, sfreq=ODDBALL_SFREQ, n_seeds=1),
    "recipe": partial(event_related_potential, sfreq=ODDBALL_SFREQ),
}


def run(variant: str, person: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Train on the first trials of a person, and test on the later ones."""
    X, y, X_test, y_test = load_oddball(person)
    estimator = VARIANTS[variant](random_state=seed)
    if variant != BASELINE:
        settings.apply(estimator, seed)
    duration = fit_seconds(estimator, X, y)
    is_target = estimator.classes_ == "target"
    probability = estimator.predict_proba(X_test)[:, is_target].ravel()
    return {"auc": roc_auc_score(y_test == "target", probability), "seconds": duration}


def measure(settings: Settings) -> str:
    """Return the table: area by person, mean and standard deviation over seeds."""
    names = [
        {"variant": variant, "person": person, "seed": seed}
        for variant in VARIANTS
        for person in PEOPLE
        for seed in (settings.seeds if variant != BASELINE else settings.seeds[:1])
    ]
    rows = run_jobs([Job(run, {**name, "settings": settings}, name) for name in names], settings)
    return table(["", *PEOPLE, "mean ± SD over seeds", "fit"], [_line(v, rows) for v in VARIANTS])


def _line(variant: str, rows: list[dict[str, Any]]) -> list[str]:
    areas = [values(rows, "auc", variant=variant, person=person) for person in PEOPLE]
    times = values(rows, "seconds", variant=variant)
    means = [f"{np.mean(of_person):.3f}" for of_person in areas]
    return [variant, *means, spread(np.mean(areas, axis=0)), seconds(times)]
