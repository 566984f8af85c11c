"""Classification of rest and mental arithmetic on unseen subjects."""

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
TITLE = (
    f"Rest or mental arithmetic, windows of {WINDOW:g} s at {ARITHMETIC_SFREQ:g} Hz, eight "
    f"subjects, {N_FOLDS} folds of whole subjects: balanced accuracy of each subject; chance is .5"
)


def eegnet() -> EEGNetClassifier:
    """Return EEGNet with balanced class weights."""
    return EEGNetClassifier(class_weight="balanced")


def eegnet_focal() -> EEGNetClassifier:
    """Return EEGNet with the focal-balanced loss and sharpness-aware minimisation."""
    return EEGNetClassifier(callbacks=[FocalBalance(), SAM()])


def eegnex() -> EEGNeXClassifier:
    """Return EEGNeX with balanced class weights and the training of the regression recipes."""
    return EEGNeXClassifier(
        class_weight="balanced", lr=1e-3, max_epochs=30, batch_size=32, callbacks=[SAM()]
    )


def lda() -> LinearDiscriminantAnalysis:
    """Return linear discriminant analysis with equal priors."""
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5])


BASELINE = "LDA on log band power"
ESTIMATORS = {
    BASELINE: lda,
    "EEGNet, balanced": eegnet,
    "EEGNet, focal-balanced, SAM": eegnet_focal,
    "EEGNeX, balanced, SAM": eegnex,
}


def run(name: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Cross-validate over subjects and return the balanced accuracy of each subject."""
    X, y, subjects, sfreq = load_arithmetic()
    features = log_band_power(X, sfreq) if name == BASELINE else X
    predicted, duration = y.copy(), 0.0
    for train, test in GroupKFold(N_FOLDS).split(features, y, subjects):
        estimator = ESTIMATORS[name]()
        if name != BASELINE:
            settings.apply(estimator, seed)
        duration += fit_seconds(estimator, features[train], y[train])
        predicted[test] = estimator.predict(features[test])
    scores = {
        subject: recall_score(y[is_subject], predicted[is_subject], average="macro")
        for subject in np.unique(subjects)
        for is_subject in [subjects == subject]
    }
    return {"scores": scores, "balanced": np.mean(list(scores.values())), "seconds": duration}


def measure(settings: Settings) -> str:
    """Return the table: accuracy by subject, mean and standard deviation over seeds."""
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
    by_seed = [row["scores"] for row in rows if row["name"] == name]
    means = [f"{np.mean([scores[subject] for scores in by_seed]):.2f}" for subject in subjects]
    mean = spread(values(rows, "balanced", name=name))
    return [name, *means, mean, seconds(values(rows, "seconds", name=name))]
