"""EEGNet where one class is rare in training, with cross-entropy and with losses that balance."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import balanced_accuracy_score, recall_score

from eegsk import EEGNetClassifier
from eegsk.callbacks import FocalBalance

from .data import Split, load_hands
from .jobs import (
    Settings,
    by_subject,
    fit_seconds,
    run_by_subject,
    score,
    seconds,
    subjects_header,
    values,
)
from .table import table

RARE = "right_hand"
ONE_IN = 7
WHAT = (
    f"One right hand to {ONE_IN} left ones in 01T, 02T and 03T, as many of each in 04E and 05E: "
    "balanced accuracy there, and the share of the right hands that was found"
)


def alone() -> EEGNetClassifier:
    """Make EEGNet with its defaults."""
    return EEGNetClassifier()


def weighed() -> EEGNetClassifier:
    """Let each class count the same."""
    return EEGNetClassifier(class_weight="balanced")


def focal() -> EEGNetClassifier:
    """Let easy trials count less, and classes as often as they come."""
    return EEGNetClassifier(callbacks=[FocalBalance(scheme=None)])


def focal_balance() -> EEGNetClassifier:
    """Do both."""
    return EEGNetClassifier(callbacks=[FocalBalance()])


def effective() -> EEGNetClassifier:
    """Do both, with classes weighed by the effective number of their trials."""
    return EEGNetClassifier(callbacks=[FocalBalance(scheme="effective")])


VARIANTS = {
    "EEGNet": alone,
    "balanced class weights": weighed,
    "focal loss": focal,
    "focal balance": focal_balance,
    "focal balance, effective number": effective,
}


def thin_out(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return the trials to train on, with few of the rare class, from all sessions."""
    rare, others = np.flatnonzero(split.y == RARE), np.flatnonzero(split.y != RARE)
    kept = np.linspace(0, len(rare) - 1, round(len(others) / ONE_IN)).round().astype(int)
    chosen = np.sort(np.concatenate([others, rare[kept]]))
    return split.X[chosen], split.y[chosen]


def run(variant: str, subject: int, seed: int, settings: Settings) -> dict[str, Any]:
    """Train on the thinned training sessions and test on the evaluation sessions."""
    split = load_hands(subject)
    estimator = settings.apply(VARIANTS[variant](), seed)
    took = fit_seconds(estimator, *thin_out(split))
    predicted = estimator.predict(split.X_test)
    return {
        "accuracy": balanced_accuracy_score(split.y_test, predicted),
        "found": recall_score(split.y_test, predicted, labels=[RARE], average="macro"),
        "seconds": took,
    }


def measure(settings: Settings) -> str:
    """Return the table: accuracies by subject, mean and spread over seeds, rare trials found."""
    rows = run_by_subject(run, VARIANTS, settings)
    lines = [
        [
            variant,
            *by_subject(variant, rows, settings),
            score(float(np.mean(values(rows, "found", variant=variant)))),
            seconds(values(rows, "seconds", variant=variant)),
        ]
        for variant in VARIANTS
    ]
    return table(["", *subjects_header(settings), "right hands found", "fit"], lines)
