"""The two-channel recipes with one activation or another, on data set 2b."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import nn

from eegsk.recipes import motor_imagery_deep_conv_net, motor_imagery_eegnet

from .data import load_two_channels
from .jobs import Job, Settings, fit_seconds, run_jobs, score, seconds, spread, values
from .table import table

RECIPES = {"EEGNet": motor_imagery_eegnet, "DeepConvNet": motor_imagery_deep_conv_net}
Activation = str | Callable[[], nn.Module]
Variants = dict[tuple[str, str], Activation]  # of a network and the name of its activation


def make(network: str, activation: Activation, seed: int, settings: Settings) -> Any:
    """Make the recipe of a network with an activation."""
    return settings.apply(RECIPES[network](activation=activation), seed)


def compare(variants: Variants, settings: Settings) -> str:
    """Return a table of accuracies on the evaluation sessions, a row each variant."""
    rows = run_variants(_test, variants, settings)
    header = ["network", "activation", *(f"subject {subject}" for subject in settings.subjects)]
    return table(
        [*header, "mean", "fit"], [_line(*variant, rows, settings) for variant in variants]
    )


def run_variants(
    run: Callable[..., dict[str, Any]], variants: Variants, settings: Settings
) -> list[dict[str, Any]]:
    """Run variants of something on each subject with each seed."""
    jobs = []
    for (network, name), activation in variants.items():
        for subject in settings.subjects:
            for seed in settings.seeds:
                of_all = {"network": network, "subject": subject, "seed": seed}
                own = {"activation": activation, "settings": settings}
                jobs.append(Job(run, {**of_all, **own}, {**of_all, "activation": name}))
    return run_jobs(jobs, settings)


def _test(
    network: str, activation: Activation, subject: int, seed: int, settings: Settings
) -> dict[str, Any]:
    """Train on all training sessions and test on the evaluation sessions, once."""
    split = load_two_channels(subject)
    estimator = make(network, activation, seed, settings)
    took = fit_seconds(estimator, split.X, split.y)
    return {"accuracy": estimator.score(split.X_test, split.y_test), "seconds": took}


def _line(network: str, activation: str, rows: list[dict], settings: Settings) -> list[str]:
    own = {"network": network, "activation": activation}
    found = [values(rows, "accuracy", **own, subject=subject) for subject in settings.subjects]
    took = seconds(values(rows, "seconds", **own))
    each = [score(np.mean(numbers)) for numbers in found]
    return [network, activation, *each, spread(np.mean(found, axis=0)), took]
