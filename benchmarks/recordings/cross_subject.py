"""Accuracy of imagined movements of new people of eegmmidb: the recipe, and its fine-tuning."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GroupKFold

from eegsk import EEGNetClassifier
from eegsk.alignment import AlignedEstimator, EuclideanAlignment
from eegsk.augmentation import ChannelReflection, TimeShift
from eegsk.recipes import cross_subject_motor_imagery

from .aligned import aligned, groups_of
from .data import fist_channels, load_fist_runs, load_fists
from .jobs import Job, Settings, choose, fit_seconds, run_jobs, seconds, spread, values
from .table import table

N_FOLDS = 5
# The recipe and its fine-tuning were chosen on the people S001 to S020.
FIRST_UNSEEN = "S021"
PEOPLE = ["S001 to S020", "S021 to S040", "40 people"]


def recipe(is_reflected: bool = True, **params: Any) -> AlignedEstimator:
    """Return the recipe, with or without reflection."""
    ch_names = fist_channels() if is_reflected else None
    return cross_subject_motor_imagery(sfreq=160, ch_names=ch_names, **params)


def aligned_recipe(**params: Any) -> AlignedEstimator:
    """Return the recipe with one seed and full alignment."""
    return AlignedEstimator(EuclideanAlignment(), recipe(n_seeds=1, **params).estimator)


def shifted_recipe(**params: Any) -> AlignedEstimator:
    """Return the recipe with one seed and random shifts in time."""
    reflection = ChannelReflection("both", fist_channels())
    return recipe(n_seeds=1, augmentation=[reflection, TimeShift(max_shift=0.1)], **params)


VARIANTS: dict[str, Callable[..., Any]] = {
    "EEGNet": EEGNetClassifier,
    "EEGNet, aligned": aligned,
    "recipe without reflection": partial(recipe, is_reflected=False),
    "recipe with one seed": partial(recipe, n_seeds=1),
    "one seed, aligned": aligned_recipe,
    "one seed, whitened": partial(recipe, n_seeds=1, standardize="spectrum"),
    "one seed, shifted": shifted_recipe,
    "recipe": recipe,
}
FINE_TUNING: dict[str, dict[str, Any]] = {
    "all weights, lr=3e-4": {"lr": 3e-4},
    "all weights, lr=1e-3": {"lr": 1e-3},
    "front frozen, lr=1e-3": {"lr": 1e-3, "freeze": "front"},
    "head only, lr=1e-3": {"lr": 1e-3, "freeze": "trunk"},
}
FINE_TUNING_EPOCHS = 30


def run_fold(variant: str, fold: int, seed: int, settings: Settings) -> dict[str, Any]:
    """Train on the people outside a fold; return the accuracy of each person in it."""
    X, y, people = load_fists()
    train, test = list(GroupKFold(N_FOLDS).split(X, y, people))[fold]
    estimator = settings.apply(VARIANTS[variant](random_state=seed), seed)
    duration = fit_seconds(estimator, X[train], y[train], **groups_of(estimator, people[train]))
    is_correct = estimator.predict(X[test], **groups_of(estimator, people[test])) == y[test]
    accuracies = {
        str(person): is_correct[people[test] == person].mean() for person in np.unique(people[test])
    }
    fine_tuned = {}
    if variant == "recipe":
        by_person = {person: fine_tune(estimator, person, settings) for person in accuracies}
        for name in next(iter(by_person.values())):
            fine_tuned[name] = {person: scores[name] for person, scores in by_person.items()}
    return {"accuracies": accuracies, "seconds": duration, "fine_tuned": fine_tuned}


def fine_tune(recipe: AlignedEstimator, person: str, settings: Settings) -> dict[str, float]:
    """Return accuracies in the third run of a person, after fine-tuning on the first two runs."""
    X, y, people = load_fists()
    selected = people == person
    runs = load_fist_runs()[selected]
    is_test = runs == runs.max()
    X = recipe.aligner_.transform(X[selected], groups=people[selected])
    codes = recipe.estimator_.le_.transform(y[selected])
    networks = recipe.estimator_.estimators_
    scores = {"no fine-tuning": _score(networks, X[is_test], codes[is_test])}
    for name, params in FINE_TUNING.items():
        epochs = FINE_TUNING_EPOCHS if settings.max_epochs is None else settings.max_epochs
        tuned = [
            clone(network)
            .set_params(pretrained=FrozenEstimator(network), max_epochs=epochs, **params)
            .fit(X[~is_test], codes[~is_test])
            for network in networks
        ]
        scores[name] = _score(tuned, X[is_test], codes[is_test])
    return scores


def _score(networks: list[Any], X: np.ndarray, codes: np.ndarray) -> float:
    probabilities = np.mean([network.predict_proba(X) for network in networks], axis=0)
    return float(np.mean(probabilities.argmax(axis=1) == codes))


def measure(variants: list[str], settings: Settings) -> str:
    """Return the tables of variants and of fine-tuning: accuracies, averaged over people."""
    names = [
        {"variant": variant, "fold": fold, "seed": seed}
        for seed in settings.seeds
        for variant in variants
        for fold in range(N_FOLDS)
    ]
    jobs = [Job(run_fold, {**name, "settings": settings}, name) for name in names]
    rows = run_jobs(jobs, settings)
    lines = []
    for variant in variants:
        scores = [[row["accuracies"] for row in _rows(rows, variant, s)] for s in settings.seeds]
        times = values(rows, "seconds", variant=variant)
        lines.append([variant, *_by_people(scores), seconds(times)])
    written = table(["", *PEOPLE, "fit"], lines)
    if "recipe" in variants:
        written += f"\n\n{_fine_tuning_table(rows, settings)}"
    return written


def _fine_tuning_table(rows: list[dict[str, Any]], settings: Settings) -> str:
    lines = []
    for name in ["no fine-tuning", *FINE_TUNING]:
        scores = [
            [row["fine_tuned"][name] for row in _rows(rows, "recipe", seed)]
            for seed in settings.seeds
        ]
        lines.append([name, *_by_people(scores)])
    return table(["recipe, third run", *PEOPLE], lines)


def _rows(rows: list[dict[str, Any]], variant: str, seed: int) -> list[dict[str, Any]]:
    return choose(rows, variant=variant, seed=seed)


def _by_people(scores: list[list[dict[str, float]]]) -> list[str]:
    """Format the mean accuracy over each part of the people, with its spread over seeds."""
    means = []
    for folds in scores:
        accuracies = {person: value for fold in folds for person, value in fold.items()}
        chosen = [value for person, value in accuracies.items() if person < FIRST_UNSEEN]
        unseen = [value for person, value in accuracies.items() if person >= FIRST_UNSEEN]
        means.append([np.mean(chosen), np.mean(unseen), np.mean(chosen + unseen)])
    return [spread(column) for column in zip(*means, strict=True)]
