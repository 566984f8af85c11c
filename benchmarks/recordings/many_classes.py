"""Many classes: subject, session and hand as 50 classes of 60 trials."""

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

TITLE = (
    "Many classes: each combination of subject, session and hand is a class, and a quarter of each "
    "class is the test set. Test and training trials come from the same sessions, whose noise and "
    "sensor contacts identify them. Recognising the session is therefore easy and does not hold "
    "for other days; recognising the hand is hard"
)

ESTIMATORS = {
    "EEGNet": EEGNetClassifier,
    "AdvancedEEGNet": AdvancedEEGNetClassifier,
    "fine-grained recipe": fine_grained_classification,
}
COLUMNS = {
    "accuracy": "accuracy",
    "balanced": "balanced accuracy",
    "session": "subject and session correct",
    "hand": "hand correct, if subject and session are",
}


def run(name: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Train and score one estimator."""
    X, y = load_many_classes(settings.subjects)
    # All estimators get the same split; only their seeds differ.
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    estimator = settings.apply(ESTIMATORS[name](), seed)
    duration = fit_seconds(estimator, X, y)
    return {**_scores(y_test, estimator.predict(X_test)), "seconds": duration}


def _scores(y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    session, hand = np.array([label.rsplit(" ", 1) for label in y]).T
    predicted_session, predicted_hand = np.array([label.rsplit(" ", 1) for label in predicted]).T
    is_session = session == predicted_session
    return {
        "accuracy": float(np.mean(y == predicted)),
        "balanced": float(balanced_accuracy_score(y, predicted)),
        "session": float(np.mean(is_session)),
        "hand": float(np.mean((hand == predicted_hand)[is_session])) if any(is_session) else np.nan,
    }


def measure(settings: Settings) -> str:
    """Return the table: mean and standard deviation over seeds."""
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
