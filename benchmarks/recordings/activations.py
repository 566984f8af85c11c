"""Activations of EEGNet and DeepConvNet, and the alpha of ELU."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn.model_selection import PredefinedSplit
from torch import nn

from eegsk.recipes import motor_imagery_deep_conv_net, motor_imagery_eegnet

from .curves import draw
from .data import load_hands
from .jobs import Job, Settings, fit_seconds, run_jobs, score, seconds, spread, values
from .table import table

WHAT = (
    "Activations in the two-channel recipes, on three channels: accuracy on 04E and 05E after the "
    "last epoch, trained on 01T, 02T and 03T. Curves by epoch are of 03T, trained on 01T and 02T"
)

RECIPES = {"EEGNet": motor_imagery_eegnet, "DeepConvNet": motor_imagery_deep_conv_net}
ACTIVATIONS = {name: name for name in ("relu", "leaky_relu", "elu", "gelu")}
ALPHAS = {f"elu, alpha {n / 10:g}": partial(nn.ELU, alpha=n / 10) for n in range(1, 10)}
CURVES = ("train_loss", "valid_loss", "train_score", "valid_score")
LAST_SESSION = "03T"


def make(network: str, activation: str, seed: int, settings: Settings) -> Any:
    """Make the recipe of a network with an activation."""
    recipe = RECIPES[network](activation=(ACTIVATIONS | ALPHAS)[activation])
    return settings.apply(recipe, seed)


def test(network: str, activation: str, subject: int, seed: int, settings: Settings) -> dict:
    """Train on all training sessions and test on the evaluation sessions, once."""
    split = load_hands(subject)
    estimator = make(network, activation, seed, settings)
    took = fit_seconds(estimator, split.X, split.y)
    return {"accuracy": estimator.score(split.X_test, split.y_test), "seconds": took}


def curve(network: str, activation: str, subject: int, seed: int, settings: Settings) -> dict:
    """Train on the first training sessions and watch the last one, epoch by epoch."""
    split = load_hands(subject)
    by_session = PredefinedSplit(np.where(split.session == LAST_SESSION, 0, -1))
    estimator = make(network, activation, seed, settings).set_params(valid_split=by_session)
    history = estimator.fit(split.X, split.y, groups=split.session).history_
    return {"curves": {name: history[:, name] for name in CURVES}}


def measure(settings: Settings) -> str:
    """Return the table, and save a figure of the curves."""
    pairs = [(network, activation) for network in RECIPES for activation in ACTIVATIONS]
    pairs += [("EEGNet", alpha) for alpha in ALPHAS]
    tested = run_jobs(_jobs(test, pairs, settings.seeds, settings), settings)
    watched = pairs[: len(RECIPES) * len(ACTIVATIONS)]
    curves = run_jobs(_jobs(curve, watched, settings.seeds[:1], settings), settings)
    path = settings.figures / "activations.png"
    draw(curves, list(RECIPES), list(ACTIVATIONS), path)
    lines = [_line(network, activation, tested, settings) for network, activation in pairs]
    header = ["network", "activation", *(f"subject {subject}" for subject in settings.subjects)]
    return f"{table([*header, 'mean', 'fit'], lines)}\n\nCurves are in {path}."


def _jobs(run: Any, pairs: list[tuple], seeds: tuple[int, ...], settings: Settings) -> list[Job]:
    names = [
        {"network": network, "activation": activation, "subject": subject, "seed": seed}
        for network, activation in pairs
        for subject in settings.subjects
        for seed in seeds
    ]
    return [Job(run, {**name, "settings": settings}, name) for name in names]


def _line(network: str, activation: str, rows: list[dict], settings: Settings) -> list[str]:
    own = {"network": network, "activation": activation}
    found = [values(rows, "accuracy", **own, subject=subject) for subject in settings.subjects]
    took = seconds(values(rows, "seconds", **own))
    each = [score(np.mean(numbers)) for numbers in found]
    return [network, activation, *each, spread(np.mean(found, axis=0)), took]
