"""Comparison of activations in EEGNet and DeepConvNet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.model_selection import PredefinedSplit

from .curves import draw
from .data import load_two_channels
from .jobs import Settings
from .two_channels import RECIPES, compare, make, run_variants

TITLE = (
    "Activations in the two-channel recipes: accuracy on 04E and 05E after the last epoch, trained "
    "on 01T, 02T and 03T. The curves show 03T, trained on 01T and 02T"
)

NETWORKS = list(RECIPES)
ACTIVATIONS = ["relu", "leaky_relu", "elu"]
CURVES = ("train_loss", "valid_loss", "train_score", "valid_score")
LAST_SESSION = "03T"


def record_curves(
    network: str, params: dict[str, Any], subject: int, seed: int, settings: Settings
) -> dict[str, Any]:
    """Train on the first training sessions and record the scores on the last one by epoch."""
    split = load_two_channels(subject)
    by_session = PredefinedSplit(np.where(split.session == LAST_SESSION, 0, -1))
    estimator = make(network, params, seed, settings).set_params(valid_split=by_session)
    history = estimator.fit(split.X, split.y, groups=split.session).history_
    return {"curves": {name: history[:, name] for name in CURVES}}


def measure(settings: Settings) -> str:
    """Return the table, and save a figure of the curves of the first seed."""
    variants = {
        (network, name): {"activation": name} for network in NETWORKS for name in ACTIVATIONS
    }
    scores = compare(variants, settings)
    curves = run_variants(record_curves, variants, replace(settings, seeds=settings.seeds[:1]))
    path = settings.figures / "activations.png"
    draw(curves, NETWORKS, ACTIVATIONS, path)
    return f"{scores}\n\nThe curves were saved as {path}."
