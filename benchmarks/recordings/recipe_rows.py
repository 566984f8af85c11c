"""Data and metric of each recipe."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.ensemble import VotingClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold, train_test_split

from eegsk import recipes
from eegsk.alignment import AlignedEstimator, groups_argument
from eegsk.datasets import make_motor_imagery
from eegsk.metrics import nrmse

from . import simulated
from .data import (
    C3_AND_C4,
    fist_channels,
    load_fists,
    load_many_classes,
    load_oddball,
    load_two_channels,
)
from .jobs import SUBJECTS, Settings, fit_seconds


@dataclass(frozen=True)
class Fold:
    """Training and test trials."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    groups: np.ndarray | None = None
    groups_test: np.ndarray | None = None


@dataclass(frozen=True)
class Data:
    """Name and folds of a data set."""

    name: str
    folds: list[Fold]


def two_channels(real: bool, small: bool) -> Data:
    """Return one fold per subject: training sessions and evaluation sessions."""
    if not real:
        X, y, groups = make_motor_imagery(
            n_subjects=2, n_chans=3, n_times=750, sfreq=250.0, random_state=0
        )
        return Data("simulated, 2 subjects, 2 x 750", [_fold(X[:, C3_AND_C4], y, groups == 1)])
    folds = []
    for subject in SUBJECTS[2:3] if small else SUBJECTS:
        split = load_two_channels(subject)
        trials = (split.X, split.y, split.X_test, split.y_test)
        folds.append(Fold(*trials, split.session, split.session_test))
    return Data(f"bci_iv_2b, C3 and C4, {len(folds)} subject{'s' * (len(folds) > 1)}", folds)


def one_target(real: bool, small: bool) -> Data:
    """Return simulated trials with one target, in folds of whole subjects."""
    n_subjects, n_trials = (5, 4) if small else (20, 40)
    X, y, subjects = simulated.regression(n_subjects, n_trials, 129, 200, n_outputs=1)
    return Data(f"simulated, {n_subjects} subjects, 129 x 200", _by_subject(X, y, subjects, small))


def eight_targets(real: bool, small: bool) -> Data:
    """Return simulated trials with eight targets, in folds of whole subjects."""
    n_subjects, n_trials = (5, 4) if small else (20, 40)
    X, y, subjects = simulated.regression(n_subjects, n_trials, 129, 200, n_outputs=8)
    name = f"simulated, {n_subjects} subjects, 129 x 200, 8 targets"
    return Data(name, _by_subject(X, y, subjects, small))


def two_fists(real: bool, small: bool) -> Data:
    """Return imagined movements of the fists, in folds of whole people."""
    if real and not small:
        X, y, people = load_fists()
        return Data("eegmmidb, 40 people, 64 x 480", _by_subject(X, y, people, small))
    X, y, people = make_motor_imagery(
        n_subjects=5, n_trials=10, n_chans=64, n_times=480, sfreq=160.0, random_state=0
    )
    return Data("simulated, 5 people, 64 x 480", _by_subject(X, y, people, small))


def targets(real: bool, small: bool) -> Data:
    """Return responses to targets and other stimuli, with a fold for each person."""
    if not real:
        X, y = simulated.classification(2, 40, 8, 100)
        return Data("simulated, 8 x 100", [_fold(X, y, np.arange(len(y)) % 4 > 0)])
    people = ["S1"] if small else ["S1", "S2"]
    return Data(f"p300, {len(people)} people", [Fold(*load_oddball(person)) for person in people])


def many_classes(real: bool, small: bool) -> Data:
    """Return trials of many classes, with a quarter of each class as the test set."""
    if real:
        X, y = load_many_classes(SUBJECTS[:1] if small else SUBJECTS)
        name = f"bci_iv_2b, {len(np.unique(y))} classes of subject, session and hand"
    else:
        n_classes = 8 if small else 80
        X, y = simulated.classification(n_classes, 40, 64, 480)
        name = f"simulated, {n_classes} classes, 64 x 480"
    index = np.arange(len(y))
    train, _ = train_test_split(index, test_size=0.25, stratify=y, random_state=0)
    return Data(name, [_fold(X, y, np.isin(index, train))])


def _fold(X: np.ndarray, y: np.ndarray, train: np.ndarray) -> Fold:
    return Fold(X[train], y[train], X[~train], y[~train])


def _by_subject(X: np.ndarray, y: np.ndarray, subjects: np.ndarray, small: bool) -> list[Fold]:
    folds = [
        Fold(X[train], y[train], X[test], y[test], subjects[train], subjects[test])
        for train, test in GroupKFold(n_splits=5).split(X, y, subjects)
    ]
    return folds[:1] if small else folds


def accuracy(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return the share of correct predictions."""
    return float(np.mean(y == predicted))


@dataclass(frozen=True)
class Row:
    """Recipe, data and metric."""

    make: Callable[..., Any]  # takes the seed as random_state
    data: Callable[[bool, bool], Data]
    metric: Callable[..., float] = accuracy


def cross_subject(**params: Any) -> Any:
    """Return the recipe for new people, with reflection if the recordings are available."""
    ch_names = fist_channels() if os.environ.get("EEGSK_DATA") else None
    return recipes.cross_subject_motor_imagery(sfreq=160, ch_names=ch_names, **params)


ROWS = {
    "motor_imagery": Row(recipes.motor_imagery, two_channels),
    "cross_subject_motor_imagery": Row(cross_subject, two_fists),
    "event_related_potential": Row(
        partial(recipes.event_related_potential, sfreq=125), targets, balanced_accuracy_score
    ),
    "motor_imagery_eegnet": Row(recipes.motor_imagery_eegnet, two_channels),
    "motor_imagery_deep_conv_net": Row(recipes.motor_imagery_deep_conv_net, two_channels),
    "reaction_time_regression": Row(recipes.reaction_time_regression, one_target, nrmse),
    "multi_output_regression": Row(recipes.multi_output_regression, eight_targets, nrmse),
    "fine_grained_classification": Row(recipes.fine_grained_classification, many_classes),
}


def run(name: str, real: bool, small: bool, settings: Settings) -> dict[str, Any]:
    """Fit and score a recipe on each fold."""
    row = ROWS[name]
    data = row.data(real, small)
    scores, duration, epochs = [], 0.0, 0
    for fold in data.folds:
        seed = settings.seeds[0]
        estimator = settings.apply(row.make(random_state=seed), seed)
        groups, tested = (
            groups_argument(estimator, part) for part in (fold.groups, fold.groups_test)
        )
        duration += fit_seconds(estimator, fold.X, fold.y, **groups)
        scores.append(row.metric(fold.y_test, estimator.predict(fold.X_test, **tested)))
        epochs = n_epochs(estimator)
    return {"data": data.name, "epochs": epochs, "seconds": duration, "scores": scores}


def n_epochs(estimator: Any) -> int:
    """Return the number of epochs of a fit, also of an aligned estimator or an ensemble."""
    if isinstance(estimator, AlignedEstimator):
        return n_epochs(estimator.estimator_)
    if isinstance(estimator, VotingClassifier):
        return n_epochs(estimator.estimators_[0])
    return estimator.n_iter_
