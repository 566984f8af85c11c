"""Choice of the motor imagery recipe: leave-one-session-out on the training sessions."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import LeaveOneGroupOut

from eegsk import EEGNetClassifier
from eegsk.alignment import groups_argument
from eegsk.recipes import motor_imagery

from .aligned import HANDS, aligned
from .data import load_hands
from .jobs import Settings, by_subject, run_by_subject, score, subjects_header, values
from .table import table

TITLE = (
    "Mean accuracy over the training sessions 01T, 02T and 03T, each tested after training on the "
    "other two; last column: accuracy on 03T, which was recorded last, as in a test on a later day"
)


VARIANTS = {
    "EEGNet": EEGNetClassifier,
    "EEGNet, aligned": aligned,
    "EEGNet, aligned and whitened": partial(aligned, standardize="spectrum"),
    "recipe": motor_imagery,
    "recipe without whitening": partial(motor_imagery, standardize="channel"),
    "recipe without masks": partial(motor_imagery, augmentation__timemask=None),
    "recipe without shifts": partial(motor_imagery, augmentation__timeshift=None),
    "recipe without averaging": partial(motor_imagery, callbacks=None),
    "recipe with reflection": partial(motor_imagery, ch_names=HANDS),
}


def run(variant: str, subject: int, seed: int, settings: Settings) -> dict[str, Any]:
    """Cross-validate over the training sessions."""
    split = load_hands(subject)
    estimator = settings.apply(VARIANTS[variant](random_state=seed), seed)
    scores = []
    for train, test in LeaveOneGroupOut().split(split.X, split.y, split.session):
        fitted = clone(estimator)
        sessions, tested = (groups_argument(fitted, split.session[part]) for part in (train, test))
        fitted.fit(split.X[train], split.y[train], **sessions)
        scores.append(fitted.score(split.X[test], split.y[test], **tested))
    return {"accuracy": np.mean(scores), "last": scores[-1]}


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
