"""Accuracy with and without alignment, of new sessions and of new people."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold

from eegsk import EEGNetClassifier
from eegsk.alignment import EuclideanAlignment, RiemannianAlignment
from eegsk.datasets import load_bci_iv_2b

from . import data
from .jobs import EVALUATION, SUBJECTS, TRAINING, Job, Settings, run_jobs, spread, values
from .table import table

SOURCES = ["own", "others"]
ALIGNERS = {"raw": None, "Euclidean": EuclideanAlignment, "Riemannian": RiemannianAlignment}


class Trials(NamedTuple):
    """Trials, their labels, and the domain that each is aligned in."""

    X: np.ndarray
    y: np.ndarray
    domains: np.ndarray

    def select(self, indices: np.ndarray) -> Trials:
        """Select trials."""
        return Trials(*(part[indices] for part in self))


def load_sessions(subject: int, sessions: tuple[str, ...]) -> Trials:
    """Load sessions of a subject of data set 2b."""
    X, y, session = load_bci_iv_2b(subject, sessions)
    return Trials(X, y, np.array([f"{subject} {name}" for name in session]))


def load_fists() -> Trials:
    """Load imagined movements of all people of eegmmidb, in volts."""
    return Trials(*data.load_fists())


@lru_cache(maxsize=1)
def load_windows() -> Trials:
    """Load windows of rest and of mental arithmetic."""
    X, y, people, _ = data.load_arithmetic()
    return Trials(X, y, people)


def join(parts: list[Trials]) -> Trials:
    """Join the trials of several subjects."""
    return Trials(*map(np.concatenate, zip(*parts, strict=True)))


def predict(
    alignment: str, train: Trials, test: Trials, seed: int, settings: Settings
) -> dict[str, np.ndarray]:
    """Train once, and predict the test trials, also with causal alignment."""
    classifier = settings.apply(EEGNetClassifier(), seed)
    if alignment == "raw":
        return {"raw": classifier.fit(train.X, train.y).predict(test.X)}
    aligner = ALIGNERS[alignment]()
    classifier.fit(aligner.fit_transform(train.X, groups=train.domains), train.y)
    predicted = {}
    for name, online in ((alignment, False), (f"{alignment}, causal", True)):
        aligner.set_params(online=online)
        predicted[name] = classifier.predict(aligner.transform(test.X, groups=test.domains))
    return predicted


def score_subject(source: str, alignment: str, subject: int, seed: int, settings: Settings) -> Any:
    """Test the evaluation sessions of a subject of data set 2b."""
    if source == "own":
        train = load_sessions(subject, TRAINING)
    else:
        sources = [number for number in SUBJECTS if number != subject]
        train = join([load_sessions(number, TRAINING + EVALUATION) for number in sources])
    test = load_sessions(subject, EVALUATION)
    predicted = predict(alignment, train, test, seed, settings)
    return {"scores": {name: np.mean(labels == test.y) for name, labels in predicted.items()}}


def score_fold(
    load: Callable[[], Trials], n_folds: int, alignment: str, fold: int, seed: int, settings: Any
) -> Any:
    """Test the people of a fold."""
    trials = load()
    splits = list(GroupKFold(n_folds).split(trials.X, trials.y, trials.domains))
    train, test = (trials.select(indices) for indices in splits[fold])
    predicted = predict(alignment, train, test, seed, settings)
    scores = {
        name: np.mean(
            [
                balanced_accuracy_score(test.y[selected], labels[selected])
                for person in np.unique(test.domains)
                for selected in [test.domains == person]
            ]
        )
        for name, labels in predicted.items()
    }
    return {"scores": scores}


def run(jobs: list[Job], settings: Settings) -> list[dict[str, Any]]:
    """Run jobs; return a row for each variant of alignment that they scored."""
    results = run_jobs(jobs, settings)
    return [
        {**result, "variant": variant, "score": score}
        for result in results
        for variant, score in result["scores"].items()
    ]


def lines(rows: list[dict[str, Any]], column: str, columns: list[Any], **names: Any) -> list[Any]:
    """Write a line for each variant: the mean of each column, then mean and spread over seeds."""
    written = []
    for variant in dict.fromkeys(row["variant"] for row in rows):
        scores = [
            values(rows, "score", variant=variant, **{column: item}, **names) for item in columns
        ]
        cells = [f"{np.mean(of_item):.3f}" for of_item in scores]
        written.append([*names.values(), variant, *cells, spread(np.mean(scores, axis=0))])
    return written


def bci_iv_2b(settings: Settings) -> str:
    """Return the table of data set 2b."""
    names = [
        {"source": source, "alignment": alignment, "subject": subject, "seed": seed}
        for seed in settings.seeds
        for source in SOURCES
        for alignment in ALIGNERS
        for subject in settings.subjects
    ]
    jobs = [Job(score_subject, {**name, "settings": settings}, name) for name in names]
    rows = run(jobs, settings)
    header = ["trained on", "alignment", *(f"subject {s}" for s in settings.subjects), "mean"]
    subjects = list(settings.subjects)
    written = [line for name in SOURCES for line in lines(rows, "subject", subjects, source=name)]
    return table(header, written)


def _folds(load: Callable[[], Trials], n_folds: int, settings: Settings) -> str:
    names = [
        {"alignment": alignment, "fold": fold, "seed": seed}
        for seed in settings.seeds
        for alignment in ALIGNERS
        for fold in range(n_folds)
    ]
    fixed = {"load": load, "n_folds": n_folds, "settings": settings}
    rows = run([Job(score_fold, {**fixed, **name}, name) for name in names], settings)
    header = ["alignment", *(f"fold {fold + 1}" for fold in range(n_folds)), "mean"]
    return table(header, lines(rows, "fold", list(range(n_folds))))


def eegmmidb(settings: Settings) -> str:
    """Return the table of eegmmidb."""
    return _folds(load_fists, 5, settings)


def eegmat(settings: Settings) -> str:
    """Return the table of eegmat."""
    return _folds(load_windows, 4, settings)
