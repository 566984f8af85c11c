"""What settings for imagined movements are chosen by: each training session left out in turn."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegsk import EEGNetClassifier, ShallowConvNetClassifier
from eegsk.augmentation import TimeShift
from eegsk.recipes import motor_imagery

from .data import load_hands
from .jobs import Settings, by_subject, run_by_subject, subjects_header
from .table import table

WHAT = "Accuracy on each of the training sessions 01T, 02T and 03T, trained on the other two"


def early(X: np.ndarray) -> np.ndarray:
    """Return 0.5 to 2.5 s after the cue, the window of common spatial patterns."""
    return X[..., 125:625]


def in_early_window() -> Any:
    """Look at a part of the trial."""
    return make_pipeline(FunctionTransformer(early), motor_imagery())


def shallow() -> ShallowConvNetClassifier:
    """Train another network with the recipe's shifts."""
    return ShallowConvNetClassifier(augmentation=[TimeShift(0.1)])


def voted() -> VotingClassifier:
    """Average what the recipe says of the whole trial and of a part of it."""
    return VotingClassifier(
        [("whole", motor_imagery()), ("early", in_early_window())], voting="soft"
    )


def all_voted() -> VotingClassifier:
    """Average these and another network."""
    return VotingClassifier([*voted().estimators, ("shallow", shallow())], voting="soft")


VARIANTS = {
    "EEGNet": EEGNetClassifier,
    "ShallowConvNet with shifts": shallow,
    "recipe": motor_imagery,
    "recipe without masks": partial(motor_imagery, augmentation__timemask=None),
    "recipe without shifts": partial(motor_imagery, augmentation__timeshift=None),
    "recipe without averaging": partial(motor_imagery, callbacks=None),
    "recipe, 0.5 to 2.5 s": in_early_window,
    "vote of both": voted,
    "vote of both and ShallowConvNet": all_voted,
}


def run(variant: str, subject: int, seed: int, settings: Settings) -> dict[str, Any]:
    """Leave out each training session."""
    split = load_hands(subject)
    estimator = settings.apply(VARIANTS[variant](), seed)
    scores = cross_val_score(
        estimator, split.X, split.y, groups=split.session, cv=LeaveOneGroupOut()
    )
    return {"accuracy": scores.mean()}


def measure(settings: Settings) -> str:
    """Return the table: accuracies by subject, mean and spread over seeds."""
    rows = run_by_subject(run, VARIANTS, settings)
    lines = [[variant, *by_subject(variant, rows, settings)] for variant in VARIANTS]
    return table(["", *subjects_header(settings)], lines)
