"""Comparison of activations in the two-channel recipes, on data set 2b."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from eegsk.recipes import motor_imagery_deep_conv_net, motor_imagery_eegnet

from .data import load_two_channels
from .jobs import Job, Settings, fit_seconds, run_jobs, score, seconds, spread, values
from .table import table

RECIPES = {"EEGNet": motor_imagery_eegnet, "DeepConvNet": motor_imagery_deep_conv_net}
# Parameters of the recipe by network and name of the activation.
Variants = dict[tuple[str, str], dict[str, Any]]


def make(network: str, params: dict[str, Any], seed: int, settings: Settings) -> Any:
    """Return the recipe of a network with an activation."""
    return settings.apply(RECIPES[network](**params), seed)


def compare(variants: Variants, settings: Settings) -> str:
    """Return a table of accuracies on the evaluation sessions, with one row per variant."""
    rows = run_variants(_test, variants, settings)
    header = ["network", "activation", *(f"subject {subject}" for subject in settings.subjects)]
    return table(
        [*header, "mean", "fit"], [_line(*variant, rows, settings) for variant in variants]
    )


def run_variants(
    run: Callable[..., dict[str, Any]], variants: Variants, settings: Settings
) -> list[dict[str, Any]]:
    """Run each variant on each subject with each seed."""
    jobs = []
    for (network, name), params in variants.items():
        for subject in settings.subjects:
            for seed in settings.seeds:
                names = {"network": network, "subject": subject, "seed": seed}
                arguments = {**names, "params": params, "settings": settings}
                jobs.append(Job(run, arguments, {**names, "activation": name}))
    return run_jobs(jobs, settings)


def _test(
    network: str, params: dict[str, Any], subject: int, seed: int, settings: Settings
) -> dict[str, Any]:
    """Train on all training sessions and test on the evaluation sessions, once."""
    split = load_two_channels(subject)
    estimator = make(network, params, seed, settings)
    duration = fit_seconds(estimator, split.X, split.y)
    return {"accuracy": estimator.score(split.X_test, split.y_test), "seconds": duration}


def _line(network: str, activation: str, rows: list[dict], settings: Settings) -> list[str]:
    names = {"network": network, "activation": activation}
    accuracies = [values(rows, "accuracy", **names, subject=i) for i in settings.subjects]
    duration = seconds(values(rows, "seconds", **names))
    by_subject = [score(np.mean(of_subject)) for of_subject in accuracies]
    return [network, activation, *by_subject, spread(np.mean(accuracies, axis=0)), duration]
