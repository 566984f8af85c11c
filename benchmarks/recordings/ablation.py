"""Ablation: EEGNet with each training technique, and the recipe with and without alignment."""

from __future__ import annotations

from functools import partial
from typing import Any

from eegsk import EEGNetClassifier
from eegsk.alignment import AlignedEstimator, EuclideanAlignment
from eegsk.augmentation import GaussianNoise, TimeShift
from eegsk.callbacks import SAM, SWA
from eegsk.recipes import motor_imagery

from .data import load_hands
from .jobs import (
    Settings,
    by_subject,
    fit_seconds,
    groups_of,
    run_by_subject,
    seconds,
    subjects_header,
    values,
)
from .table import table

TITLE = "EEGNet with each technique: accuracy on 04E and 05E, trained on 01T, 02T and 03T"


AUGMENTATION = [TimeShift(0.1), GaussianNoise(0.01)]
HANDS = ["C3", "Cz", "C4"]


def aligned(**params: Any) -> AlignedEstimator:
    """Return an aligned EEGNet with its defaults."""
    return AlignedEstimator(EuclideanAlignment(), EEGNetClassifier(**params))


def unaligned_recipe(**params: Any) -> EEGNetClassifier:
    """Return the EEGNet of the recipe."""
    return motor_imagery(**params).estimator


VARIANTS = {
    "EEGNet": EEGNetClassifier,
    "+ SAM": partial(EEGNetClassifier, callbacks=[SAM()]),
    "+ SWA": partial(EEGNetClassifier, callbacks=[SWA()]),
    "+ augmentation": partial(EEGNetClassifier, augmentation=AUGMENTATION),
    "+ all": partial(EEGNetClassifier, callbacks=[SAM(), SWA()], augmentation=AUGMENTATION),
    "+ alignment": aligned,
    "recipe without alignment": unaligned_recipe,
    "recipe": motor_imagery,
    "recipe with reflection": partial(motor_imagery, ch_names=HANDS),
    "recipe with reflection, 5 seeds": partial(motor_imagery, ch_names=HANDS, n_seeds=5),
}


def run(variant: str, subject: int, seed: int, settings: Settings) -> dict[str, Any]:
    """Train on the training sessions and test on the evaluation sessions."""
    split = load_hands(subject)
    estimator = settings.apply(VARIANTS[variant](random_state=seed), seed)
    duration = fit_seconds(estimator, split.X, split.y, **groups_of(estimator, split.session))
    sessions = groups_of(estimator, split.session_test)
    accuracy = estimator.score(split.X_test, split.y_test, **sessions)
    return {"accuracy": accuracy, "seconds": duration}


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
