"""Rest or counting, on subjects that were not trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import recall_score
from sklearn.model_selection import GroupKFold

from eegsk import EEGNetClassifier, EEGNeXClassifier
from eegsk.callbacks import SAM, FocalBalance

from .band_power import log_band_power
from .data import ARITHMETIC_SFREQ, WINDOW, load_arithmetic
from .jobs import Job, Settings, fit_seconds, run_jobs, seconds, spread, values
from .table import table

N_FOLDS = 4
WHAT = (
    f"Rest or counting, windows of {WINDOW:g} s at {ARITHMETIC_SFREQ:g} Hz, eight subjects; "
    f"{N_FOLDS} folds that keep subjects whole. Balanced accuracy of each subject's windows, of "
    "which chance is .5"
)


def eegnet() -> EEGNetClassifier:
    """Make EEGNet for classes of unequal size."""
    return EEGNetClassifier(class_weight="balanced")


def eegnet_focal() -> EEGNetClassifier:
    """Make EEGNet with the focal-balanced loss and sharpness-aware steps."""
    return EEGNetClassifier(callbacks=[FocalBalance(), SAM()])


def eegnex() -> EEGNeXClassifier:
    """Make EEGNeX for classes of unequal size, trained as the regression recipes are."""
    return EEGNeXClassifier(
        class_weight="balanced", lr=1e-3, max_epochs=30, batch_size=32, callbacks=[SAM()]
    )


def lda() -> LinearDiscriminantAnalysis:
    """Make a linear classifier that takes both classes for equally likely."""
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])


BASELINE = "LDA on log band power"
ESTIMATORS = {
    BASELINE: lda,
    "EEGNet, balanced": eegnet,
    "EEGNet, focal-balanced, SAM": eegnet_focal,
    "EEGNeX, balanced, SAM": eegnex,
}


def run(name: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Predict each fold's subjects from the others."""
    X, y, subjects, sfreq = load_arithmetic()
    features = log_band_power(X, sfreq) if name == BASELINE else X
    predicted, took = y.copy(), 0.0
    for train, test in GroupKFold(N_FOLDS).split(features, y, subjects):
        estimator = ESTIMATORS[name]()
        if name != BASELINE:
            settings.apply(estimator, seed)
        took += fit_seconds(estimator, features[train], y[train])
        predicted[test] = estimator.predict(features[test])
    scores = {
        subject: recall_score(y[at], predicted[at], average="macro")
        for subject in np.unique(subjects)
        for at in [subjects == subject]
    }
    return {"scores": scores, "balanced": np.mean(list(scores.values())), "seconds": took}


def measure(settings: Settings) -> str:
    """Return the table: subjects, then mean and spread over seeds."""
    names = [
        {"name": name, "seed": seed}
        for name in ESTIMATORS
        for seed in (settings.seeds if name != BASELINE else (0,))
    ]
    rows = run_jobs([Job(run, {**name, "settings": settings}, name) for name in names], settings)
    subjects = list(rows[0]["scores"])
    header = ["", *(subject.removeprefix("Subject") for subject in subjects)]
    return table(
        [*header, "mean", f"{N_FOLDS} fits"], [_line(name, rows, subjects) for name in ESTIMATORS]
    )


def _line(name: str, rows: list[dict[str, Any]], subjects: list[str]) -> list[str]:
    own = [row["scores"] for row in rows if row["name"] == name]
    means = [f"{np.mean([scores[subject] for scores in own]):.2f}" for subject in subjects]
    mean = spread(values(rows, "balanced", name=name))
    return [name, *means, mean, seconds(values(rows, "seconds", name=name))]
