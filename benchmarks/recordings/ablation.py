"""Ablation: EEGNet with each training technique, and the recipe."""

from __future__ import annotations

from typing import Any

from eegsk import EEGNetClassifier
from eegsk.augmentation import GaussianNoise, TimeShift
from eegsk.callbacks import SAM, SWA
from eegsk.recipes import motor_imagery

from .data import load_hands
from .jobs import (
    Settings,
    by_subject,
    fit_seconds,
    run_by_subject,
    seconds,
    subjects_header,
    values,
)
from .table import table

TITLE = "EEGNet with each technique: accuracy on 04E and 05E, trained on 01T, 02T and 03T"


def alone() -> EEGNetClassifier:
    """Return EEGNet with its defaults."""
    return EEGNetClassifier()


def with_sam() -> EEGNetClassifier:
    """Return EEGNet with sharpness-aware minimisation."""
    return EEGNetClassifier(callbacks=[SAM()])


def with_swa() -> EEGNetClassifier:
    """Return EEGNet with weight averaging over the last quarter of the epochs."""
    return EEGNetClassifier(callbacks=[SWA()])


def with_augmentation() -> EEGNetClassifier:
    """Return EEGNet with the augmentation of the recipes."""
    return EEGNetClassifier(augmentation=[TimeShift(0.1), GaussianNoise(0.01)])


def with_all() -> EEGNetClassifier:
    """Return EEGNet with all of these techniques."""
    return EEGNetClassifier(
        callbacks=[SAM(), SWA()], augmentation=[TimeShift(0.1), GaussianNoise(0.01)]
    )


VARIANTS = {
    "EEGNet": alone,
    "+ SAM": with_sam,
    "+ SWA": with_swa,
    "+ augmentation": with_augmentation,
    "+ all": with_all,
    "recipe": motor_imagery,
}


def run(variant: str, subject: int, seed: int, settings: Settings) -> dict[str, Any]:
    """Train on the training sessions and test on the evaluation sessions."""
    split = load_hands(subject)
    estimator = settings.apply(VARIANTS[variant](), seed)
    duration = fit_seconds(estimator, split.X, split.y)
    return {"accuracy": estimator.score(split.X_test, split.y_test), "seconds": duration}


def measure(settings: Settings) -> str:
    """Return the table: accuracy by subject, mean and standard deviation over seeds."""
    rows = run_by_subject(run, VARIANTS, settings)
    lines = [
        [
            variant,
            *by_subject(variant, rows, settings),
            seconds(values(rows, "seconds", variant=variant)),
        ]
        for variant in VARIANTS
    ]
    return table(["", *subjects_header(settings), "fit"], lines)
