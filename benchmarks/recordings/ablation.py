"""Ablation: EEGNet with each training technique."""

from __future__ import annotations

from functools import partial
from typing import Any

from eegsk import EEGNetClassifier
from eegsk.augmentation import GaussianNoise, TimeShift
from eegsk.callbacks import SAM, SWA

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

AUGMENTATION = [TimeShift(0.1), GaussianNoise(0.01)]
VARIANTS = {
    "EEGNet": EEGNetClassifier,
    "+ SAM": partial(EEGNetClassifier, callbacks=[SAM()]),
    "+ SWA": partial(EEGNetClassifier, callbacks=[SWA()]),
    "+ augmentation": partial(EEGNetClassifier, augmentation=AUGMENTATION),
    "+ all": partial(EEGNetClassifier, callbacks=[SAM(), SWA()], augmentation=AUGMENTATION),
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
