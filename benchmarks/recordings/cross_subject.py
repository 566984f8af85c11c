"""Accuracy of imagined movements of new people of eegmmidb: the recipe, and its fine-tuning."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegsk import EEGNetClassifier
from eegsk.alignment import AlignedVotingClassifier, groups_argument
from eegsk.recipes import cross_subject_motor_imagery

from .aligned import aligned
from .data import fist_channels, load_fist_runs, load_fists
from .jobs import Job, Settings, choose, fit_seconds, run_jobs, seconds, spread, values
from .table import table

N_FOLDS = 5
# The recipe and its fine-tuning were chosen on the people S001 to S020.
FIRST_UNSEEN = "S021"
CENTRAL = {f"{row}{place}" for row in ("FC", "C", "CP") for place in "531z246"}
PEOPLE = ["S001 to S020", "S021 to S040", "40 people"]


def recipe(is_reflected: bool = True, **params: Any) -> AlignedVotingClassifier:
    """Return the recipe, with or without reflection."""
    ch_names = fist_channels() if is_reflected else None
    return cross_subject_motor_imagery(sfreq=160, ch_names=ch_names, **params)


def central_eegnet(random_state: int) -> Pipeline:
    """Return an EEGNet of the 21 channels over the motor cortex, far from the eyes."""
    picks = [index for index, name in enumerate(fist_channels()) if name in CENTRAL]
    pick = FunctionTransformer(np.take, kw_args={"indices": picks, "axis": 1})
    return make_pipeline(pick, EEGNetClassifier(random_state=random_state))


VARIANTS: dict[str, Callable[..., Any]] = {
    "EEGNet": EEGNetClassifier,
    "EEGNet, central channels": central_eegnet,
    "EEGNet, aligned": aligned,
    "recipe without reflection": partial(recipe, is_reflected=False),
    "recipe with one seed": partial(recipe, n_seeds=1),
    "recipe": recipe,
}
MEMBERS = ["broadband", "rhythms"]
CAUSAL = "recipe, causal alignment"
FINE_TUNING: dict[str, dict[str, Any]] = {
    "all weights, lr=3e-4, 30 epochs": {"lr": 3e-4, "max_epochs": 30},
    "all weights, lr=3e-4, 100 epochs": {"lr": 3e-4, "max_epochs": 100},
    "front frozen, lr=3e-4, 100 epochs": {"lr": 3e-4, "max_epochs": 100, "freeze": "front"},
}


def run_fold(variant: str, fold: int, seed: int, settings: Settings) -> dict[str, Any]:
    """Train on the people outside a fold; return the accuracy of each person in it."""
    X, y, people = load_fists()
    train, test = list(GroupKFold(N_FOLDS).split(X, y, people))[fold]
    estimator = settings.apply(VARIANTS[variant](random_state=seed), seed)
    duration = fit_seconds(
        estimator, X[train], y[train], **groups_argument(estimator, people[train])
    )
    predicted = {variant: estimator.predict(X[test], **groups_argument(estimator, people[test]))}
    tested = np.unique(people[test])
    if variant == "recipe":
        predicted |= predict_parts(estimator, X[test], people[test])
    accuracies = {
        name: {
            str(person): float(np.mean((labels == y[test])[people[test] == person]))
            for person in tested
        }
        for name, labels in predicted.items()
    }
    return {
        "accuracies": accuracies,
        "seconds": duration,
        "recipe": estimator if variant == "recipe" else None,
    }


def predict_parts(
    recipe: AlignedVotingClassifier, X: np.ndarray, people: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the labels that each member predicts, and those after causal alignment."""
    members = recipe.transform(X, people).reshape(len(X), len(MEMBERS), -1)
    predicted = {
        name: recipe.classes_[codes]
        for name, codes in zip(MEMBERS, members.argmax(axis=2).T, strict=True)
    }
    causal = deepcopy(recipe)
    for member in causal.estimators_:
        member.aligner_.set_params(online=True)
    return {**predicted, CAUSAL: causal.predict(X, people)}


def fine_tune(recipe: AlignedVotingClassifier, person: str, settings: Settings) -> dict[str, Any]:
    """Return accuracies in the third run of a person, after fine-tuning on the first two runs."""
    X, y, people = load_fists()
    selected = people == person
    runs = load_fist_runs()[selected]
    is_test = runs == runs.max()
    codes = recipe.le_.transform(y[selected])
    probabilities: dict[str, list[np.ndarray]] = {"no fine-tuning": []}
    for member in recipe.estimators_:
        aligned = member.aligner_.transform(X[selected], groups=people[selected])
        for network in member.estimator_.estimators_:
            probabilities["no fine-tuning"].append(network.predict_proba(aligned[is_test]))
            for name, params in FINE_TUNING.items():
                tuned: Any = clone(network)
                tuned.set_params(pretrained=FrozenEstimator(network), device=settings.device)
                tuned.set_params(**params)
                if settings.max_epochs is not None:
                    tuned.set_params(max_epochs=settings.max_epochs)
                tuned.fit(aligned[~is_test], codes[~is_test])
                scores = tuned.predict_proba(aligned[is_test])
                probabilities.setdefault(name, []).append(scores)
    return {
        "fine_tuned": {
            name: float(np.mean(np.mean(values, axis=0).argmax(axis=1) == codes[is_test]))
            for name, values in probabilities.items()
        }
    }


def measure(variants: list[str], settings: Settings, is_fine_tuned: bool = True) -> str:
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
        times = values(rows, "seconds", variant=variant)
        for name in [*MEMBERS, CAUSAL, variant] if variant == "recipe" else [variant]:
            scores = [
                [row["accuracies"][name] for row in _rows(rows, variant, seed)]
                for seed in settings.seeds
            ]
            time = seconds(times) if name == variant else ""
            lines.append([name, *_by_people(scores), time])
    written = table(["", *PEOPLE, "fit"], lines)
    if "recipe" in variants and is_fine_tuned:
        written += f"\n\n{measure_fine_tuning(choose(rows, variant='recipe'), settings)}"
    return written


def measure_fine_tuning(rows: list[dict[str, Any]], settings: Settings) -> str:
    """Return the table of the accuracies after fine-tuning the recipes of all folds and seeds."""
    jobs = [
        Job(
            fine_tune,
            {"recipe": row["recipe"], "person": person, "settings": settings},
            {"seed": row["seed"], "fold": row["fold"], "person": person},
        )
        for row in rows
        for person in row["accuracies"]["recipe"]
    ]
    tuned = run_jobs(jobs, settings)
    lines = []
    for name in ["no fine-tuning", *FINE_TUNING]:
        scores = [
            [{row["person"]: row["fine_tuned"][name] for row in choose(tuned, seed=seed)}]
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
