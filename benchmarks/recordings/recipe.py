"""The motor imagery recipe, and what each of its parts adds, on data set 2b."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone

from eegsk import EEGNetClassifier
from eegsk.alignment import AlignedEstimator, groups_argument
from eegsk.recipes import motor_imagery

from .aligned import HANDS, aligned
from .data import load_hands
from .jobs import (
    Settings,
    by_subject,
    fit_seconds,
    run_by_subject,
    seconds,
    spread,
    subjects_header,
    values,
)
from .table import table

TITLE = (
    "Accuracy on 04E and 05E, trained on 01T, 02T and 03T, aligned by session; causal: each trial "
    "is aligned by the trials of its session before it"
)


def unaligned_recipe(**params: Any) -> EEGNetClassifier:
    """Return the EEGNet of the recipe."""
    return clone(motor_imagery(**params).estimator)


VARIANTS = {
    "EEGNet": EEGNetClassifier,
    "EEGNet, aligned": aligned,
    "recipe without alignment": unaligned_recipe,
    "recipe": motor_imagery,
    "recipe with reflection": partial(motor_imagery, ch_names=HANDS),
}


def run(variant: str, subject: int, seed: int, settings: Settings) -> dict[str, Any]:
    """Train on the training sessions and test on the evaluation sessions."""
    split = load_hands(subject)
    estimator = settings.apply(VARIANTS[variant](random_state=seed), seed)
    duration = fit_seconds(estimator, split.X, split.y, **groups_argument(estimator, split.session))
    test = (split.X_test, split.y_test)
    sessions = groups_argument(estimator, split.session_test)
    accuracy, causal = estimator.score(*test, **sessions), np.nan
    if isinstance(estimator, AlignedEstimator):
        estimator.aligner_.set_params(online=True)
        causal = estimator.score(*test, **sessions)
    return {"accuracy": accuracy, "causal": causal, "seconds": duration}


def measure(settings: Settings) -> str:
    """Return the table: accuracy by subject, mean and standard deviation over seeds."""
    rows = run_by_subject(run, VARIANTS, settings)
    lines = [
        [
            variant,
            *by_subject(variant, rows, settings),
            _causal(variant, rows, settings),
            seconds(values(rows, "seconds", variant=variant)),
        ]
        for variant in VARIANTS
    ]
    return table(["", *subjects_header(settings), "causal", "fit"], lines)


def _causal(variant: str, rows: list[dict[str, Any]], settings: Settings) -> str:
    """Format the accuracy with causal alignment, if the variant is aligned."""
    means = [np.mean(values(rows, "causal", variant=variant, seed=seed)) for seed in settings.seeds]
    return spread(means) if np.isfinite(means).all() else ""
