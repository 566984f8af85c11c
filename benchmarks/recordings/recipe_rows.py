"""What each recipe is run on, and how it is scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import GroupKFold, train_test_split

from eegsk import recipes
from eegsk.datasets import make_motor_imagery
from eegsk.metrics import nrmse

from . import simulated
from .data import C3_AND_C4, load_many_classes, load_two_channels
from .jobs import SUBJECTS, Settings, fit_seconds


@dataclass(frozen=True)
class Fold:
    """Trials to train on and to test on."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


@dataclass(frozen=True)
class Data:
    """What a recipe is run on: its name, and folds of it."""

    name: str
    folds: list[Fold]


def two_channels(real: bool, small: bool) -> Data:
    """Return evaluation sessions to be told from training sessions, a fold each subject."""
    if not real:
        X, y, groups = make_motor_imagery(
            n_subjects=2, n_chans=3, n_times=750, sfreq=250.0, random_state=0
        )
        return Data("simulated, 2 subjects, 2 x 750", [_fold(X[:, C3_AND_C4], y, groups == 1)])
    folds = []
    for subject in SUBJECTS[2:3] if small else SUBJECTS:
        split = load_two_channels(subject)
        folds.append(Fold(split.X, split.y, split.X_test, split.y_test))
    return Data(f"bci_iv_2b, C3 and C4, {len(folds)} subject{'s' * (len(folds) > 1)}", folds)


def one_number(real: bool, small: bool) -> Data:
    """Return simulated reaction times, subjects kept whole."""
    n_subjects, n_trials = (5, 4) if small else (20, 40)
    X, y, subjects = simulated.numbers(n_subjects, n_trials, 129, 200, n_outputs=1)
    return Data(f"simulated, {n_subjects} subjects, 129 x 200", _by_subject(X, y, subjects, small))


def eight_numbers(real: bool, small: bool) -> Data:
    """Return eight simulated targets, subjects kept whole."""
    n_subjects, n_trials = (5, 4) if small else (20, 40)
    X, y, subjects = simulated.numbers(n_subjects, n_trials, 129, 200, n_outputs=8)
    name = f"simulated, {n_subjects} subjects, 129 x 200, 8 targets"
    return Data(name, _by_subject(X, y, subjects, small))


def many_classes(real: bool, small: bool) -> Data:
    """Return many classes, a quarter of each set aside."""
    if real:
        X, y = load_many_classes(SUBJECTS[:1] if small else SUBJECTS)
        name = f"bci_iv_2b, {len(np.unique(y))} classes of subject, session and hand"
    else:
        n_classes = 8 if small else 80
        X, y = simulated.classes(n_classes, 40, 64, 480)
        name = f"simulated, {n_classes} classes, 64 x 480"
    index = np.arange(len(y))
    train, _ = train_test_split(index, test_size=0.25, stratify=y, random_state=0)
    return Data(name, [_fold(X, y, np.isin(index, train))])


def _fold(X: np.ndarray, y: np.ndarray, train: np.ndarray) -> Fold:
    return Fold(X[train], y[train], X[~train], y[~train])


def _by_subject(X: np.ndarray, y: np.ndarray, subjects: np.ndarray, small: bool) -> list[Fold]:
    folds = [
        Fold(X[train], y[train], X[test], y[test])
        for train, test in GroupKFold(n_splits=5).split(X, y, subjects)
    ]
    return folds[:1] if small else folds


def accuracy(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return the share of trials that are right."""
    return float(np.mean(y == predicted))


@dataclass(frozen=True)
class Row:
    """A recipe, what to run it on, and how to score it."""

    make: Callable[..., Any]
    data: Callable[[bool, bool], Data]
    metric: Callable[..., float] = accuracy


ROWS = {
    "motor_imagery": Row(recipes.motor_imagery, two_channels),
    "motor_imagery_eegnet": Row(recipes.motor_imagery_eegnet, two_channels),
    "motor_imagery_deep_conv_net": Row(recipes.motor_imagery_deep_conv_net, two_channels),
    "reaction_time_regression": Row(recipes.reaction_time_regression, one_number, nrmse),
    "multi_output_regression": Row(recipes.multi_output_regression, eight_numbers, nrmse),
    "fine_grained_classification": Row(recipes.fine_grained_classification, many_classes),
}


def run(name: str, real: bool, small: bool, settings: Settings) -> dict[str, Any]:
    """Fit a recipe on each fold, and score it."""
    row = ROWS[name]
    data = row.data(real, small)
    scores, took, epochs = [], 0.0, 0
    for fold in data.folds:
        estimator = settings.apply(row.make(), settings.seeds[0])
        took += fit_seconds(estimator, fold.X, fold.y)
        scores.append(row.metric(fold.y_test, estimator.predict(fold.X_test)))
        epochs = estimator.n_iter_
    return {"data": data.name, "epochs": epochs, "seconds": took, "scores": scores}
