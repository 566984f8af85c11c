"""Activations of EEGNet and DeepConvNet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.model_selection import PredefinedSplit

from .curves import draw
from .data import load_two_channels
from .jobs import Settings
from .two_channels import RECIPES, Activation, compare, make, run_variants

WHAT = (
    "Activations in the two-channel recipes: accuracy on 04E and 05E after the last epoch, trained "
    "on 01T, 02T and 03T. Curves by epoch are of 03T, trained on 01T and 02T"
)

NETWORKS = list(RECIPES)
ACTIVATIONS = ["relu", "leaky_relu", "elu"]
CURVES = ("train_loss", "valid_loss", "train_score", "valid_score")
LAST_SESSION = "03T"


def watch(
    network: str, activation: Activation, subject: int, seed: int, settings: Settings
) -> dict[str, Any]:
    """Train on the first training sessions and watch the last one, epoch by epoch."""
    split = load_two_channels(subject)
    by_session = PredefinedSplit(np.where(split.session == LAST_SESSION, 0, -1))
    estimator = make(network, activation, seed, settings).set_params(valid_split=by_session)
    history = estimator.fit(split.X, split.y, groups=split.session).history_
    return {"curves": {name: history[:, name] for name in CURVES}}


def measure(settings: Settings) -> str:
    """Return the table, and save a figure of the curves, of the first seed."""
    variants = {(network, name): name for network in NETWORKS for name in ACTIVATIONS}
    tested = compare(variants, settings)
    curves = run_variants(watch, variants, replace(settings, seeds=settings.seeds[:1]))
    path = settings.figures / "activations.png"
    draw(curves, NETWORKS, ACTIVATIONS, path)
    return f"{tested}\n\nCurves are in {path}."
