"""Choice of the motor imagery recipe: leave-one-session-out on the training sessions."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score

from eegsk import EEGNetClassifier
from eegsk.recipes import motor_imagery

from .data import load_hands
from .jobs import Settings, by_subject, run_by_subject, score, subjects_header, values
from .table import table

TITLE = (
    "Mean accuracy over the training sessions 01T, 02T and 03T, each tested after training on the "
    "other two; last column: accuracy on 03T, which was recorded last, as in a test on a later day"
)


def whitened() -> EEGNetClassifier:
    """Return EEGNet with a whitened signal."""
    return EEGNetClassifier(standardize="spectrum")


VARIANTS = {
    "EEGNet": EEGNetClassifier,
    "EEGNet, whitened": whitened,
    "recipe": motor_imagery,
    "recipe without whitening": partial(motor_imagery, standardize="channel"),
    "recipe without masks": partial(motor_imagery, augmentation__timemask=None),
    "recipe without shifts": partial(motor_imagery, augmentation__timeshift=None),
    "recipe without averaging": partial(motor_imagery, callbacks=None),
}


def run(variant: str, subject: int, seed: int, settings: Settings) -> dict[str, Any]:
    """Cross-validate over the training sessions."""
    split = load_hands(subject)
    estimator = settings.apply(VARIANTS[variant](), seed)
    scores = cross_val_score(
        estimator, split.X, split.y, groups=split.session, cv=LeaveOneGroupOut()
    )
    return {"accuracy": scores.mean(), "last": scores[-1]}


def measure(settings: Settings) -> str:
    """Return the table: accuracy by subject, mean and standard deviation over seeds."""
    rows = run_by_subject(run, VARIANTS, settings)
    lines = [
        [
            variant,
            *by_subject(variant, rows, settings),
            score(np.mean(values(rows, "last", variant=variant))),
        ]
        for variant in VARIANTS
    ]
    return table(["", *subjects_header(settings), "mean of 03T alone"], lines)
