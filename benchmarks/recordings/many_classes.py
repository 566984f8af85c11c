"""Which subject, session and hand: 50 classes of 60 trials."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split

from eegsk import AdvancedEEGNetClassifier, EEGNetClassifier
from eegsk.recipes import fine_grained_classification

from .data import load_many_classes
from .jobs import Job, Settings, fit_seconds, run_jobs, seconds, spread, values
from .table import table

WHAT = (
    "Subject, session and hand as one class, a quarter of each class set aside for the test. Test "
    "trials lie among training trials of the same session, whose electrodes and noise tell it: "
    "recognising the session is easy and says nothing of other days, the hand within it is hard"
)

ESTIMATORS = {
    "EEGNet": EEGNetClassifier,
    "AdvancedEEGNet": AdvancedEEGNetClassifier,
    "fine-grained recipe": fine_grained_classification,
}
COLUMNS = {
    "accuracy": "accuracy",
    "balanced": "balanced accuracy",
    "session": "subject and session right",
    "hand": "hand right, of these",
}


def run(name: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Train one estimator and score it."""
    X, y = load_many_classes(settings.subjects)
    # The same split for all: only the estimators' seeds differ.
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    estimator = settings.apply(ESTIMATORS[name](), seed)
    took = fit_seconds(estimator, X, y)
    return {**_scores(y_test, estimator.predict(X_test)), "seconds": took}


def _scores(y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    session, hand = np.array([label.rsplit(" ", 1) for label in y]).T
    session_found, hand_found = np.array([label.rsplit(" ", 1) for label in predicted]).T
    known = session == session_found
    return {
        "accuracy": float(np.mean(y == predicted)),
        "balanced": float(balanced_accuracy_score(y, predicted)),
        "session": float(np.mean(known)),
        "hand": float(np.mean((hand == hand_found)[known])) if known.any() else np.nan,
    }


def measure(settings: Settings) -> str:
    """Return the table: mean and spread over seeds."""
    names = [{"name": name, "seed": seed} for seed in settings.seeds for name in ESTIMATORS]
    rows = run_jobs([Job(run, {**name, "settings": settings}, name) for name in names], settings)
    lines = [
        [
            name,
            *(spread(values(rows, column, name=name)) for column in COLUMNS),
            seconds(values(rows, "seconds", name=name)),
        ]
        for name in ESTIMATORS
    ]
    return table(["", *COLUMNS.values(), "fit"], lines)
