"""Class imbalance: EEGNet with cross-entropy, class weights and focal losses."""

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
TITLE = (
    f"Class imbalance: training trials of 01T, 02T and 03T, with one right hand for {ONE_IN} left "
    "hands. Balanced accuracy and recall of the right hand on 04E and 05E, where both hands are "
    "equally frequent"
)


def alone() -> EEGNetClassifier:
    """Return EEGNet with its defaults."""
    return EEGNetClassifier()


def class_weighted() -> EEGNetClassifier:
    """Return EEGNet with balanced class weights."""
    return EEGNetClassifier(class_weight="balanced")


def focal() -> EEGNetClassifier:
    """Return EEGNet with the focal loss, without class weights."""
    return EEGNetClassifier(callbacks=[FocalBalance(scheme=None)])


def focal_balance() -> EEGNetClassifier:
    """Return EEGNet with the focal loss and balanced class weights."""
    return EEGNetClassifier(callbacks=[FocalBalance()])


def effective() -> EEGNetClassifier:
    """Return EEGNet with the focal loss and weights by the effective number of trials."""
    return EEGNetClassifier(callbacks=[FocalBalance(scheme="effective")])


VARIANTS = {
    "EEGNet": alone,
    "balanced class weights": class_weighted,
    "focal loss": focal,
    "focal balance": focal_balance,
    "focal balance, effective number": effective,
}


def thin_out(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Select training trials: all of the frequent class, and a few of the rare class."""
    rare, frequent = np.flatnonzero(split.y == RARE), np.flatnonzero(split.y != RARE)
    spaced = np.linspace(0, len(rare) - 1, round(len(frequent) / ONE_IN)).round().astype(int)
    selected = np.sort(np.concatenate([frequent, rare[spaced]]))
    return split.X[selected], split.y[selected]


def run(variant: str, subject: int, seed: int, settings: Settings) -> dict[str, Any]:
    """Train on the imbalanced training trials and test on the evaluation sessions."""
    split = load_hands(subject)
    estimator = settings.apply(VARIANTS[variant](), seed)
    duration = fit_seconds(estimator, *thin_out(split))
    predicted = estimator.predict(split.X_test)
    return {
        "accuracy": balanced_accuracy_score(split.y_test, predicted),
        "recall": recall_score(split.y_test, predicted, labels=[RARE], average="macro"),
        "seconds": duration,
    }


def measure(settings: Settings) -> str:
    """Return the table: balanced accuracy by subject and over seeds, recall of the rare class."""
    rows = run_by_subject(run, VARIANTS, settings)
    lines = [
        [
            variant,
            *by_subject(variant, rows, settings),
            score(float(np.mean(values(rows, "recall", variant=variant)))),
            seconds(values(rows, "seconds", variant=variant)),
        ]
        for variant in VARIANTS
    ]
    return table(["", *subjects_header(settings), "recall of right hand", "fit"], lines)
