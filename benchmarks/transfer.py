"""Accuracy of pretraining and fine-tuning: ``EEGSK_DATA=... python benchmarks/transfer.py``.

``EEGNetClassifier()`` on BCI Competition IV, data set 2b. One table is printed in Markdown for each
name of ``--only``.

evaluation
    The sessions 04E and 05E of each subject are tested. "own": trained on 01T, 02T and 03T of the
    subject. "others": trained on these sessions of the other subjects only. "others and own":
    trained on both together. "fine-tuned": trained on the others, then on the subject's own.
choice
    Settings of fine-tuning, chosen without the sessions that "evaluation" tests: trained on the
    other subjects, fine-tuned on 01T and 02T of the subject, and tested on 03T.

Trials are raw, or aligned by session with ``EuclideanAlignment``, which uses no labels. "causal"
aligns each test trial by the trials of its session that come before it.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from recordings.alignment import Trials, join, load_sessions
from recordings.jobs import (
    EVALUATION,
    SUBJECTS,
    TRAINING,
    Job,
    Settings,
    add_settings,
    run_jobs,
    spread,
    values,
)
from recordings.table import table
from side_by_side.report import describe
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from eegsk import EEGNetClassifier
from eegsk.alignment import EuclideanAlignment

ALIGNMENTS = ("raw", "aligned")
# Parameters of fine-tuning; the others are those of pretraining. Chosen by the table "choice".
FINE_TUNING: dict[str, dict[str, Any]] = {
    "all weights": {"lr": 1e-3, "max_epochs": 30},
    "front frozen": {"lr": 1e-3, "max_epochs": 30, "freeze": "front"},
    "head only": {"lr": 1e-3, "max_epochs": 30, "freeze": "trunk"},
}
CHOICES = {
    f"freeze={freeze!r}, lr={lr}, {max_epochs} epochs": {
        "freeze": freeze,
        "lr": lr,
        "max_epochs": max_epochs,
    }
    for freeze in (None, "front", "trunk")
    for lr in (3e-4, 1e-3, 3e-3)
    for max_epochs in (30, 100)
}


def align(
    alignment: str, others: Trials, own: Trials, test: Trials
) -> tuple[Trials, Trials, dict[str, Trials]]:
    """Align trials by session, unless they stay raw; return test trials by kind of alignment."""
    if alignment == "raw":
        return others, own, {"raw": test}
    aligner = EuclideanAlignment()
    others = others._replace(X=aligner.fit_transform(others.X, groups=others.domains))
    own, aligned = (
        trials._replace(X=aligner.transform(trials.X, groups=trials.domains))
        for trials in (own, test)
    )
    aligner.set_params(online=True)
    causal = test._replace(X=aligner.transform(test.X, groups=test.domains))
    return others, own, {"aligned": aligned, "aligned, causal": causal}


def load(subject: int, training: tuple[str, ...], tested: tuple[str, ...]) -> list[Trials]:
    """Load the training sessions of other subjects and of a subject, and its test sessions."""
    others = join([load_sessions(other, TRAINING) for other in SUBJECTS if other != subject])
    return [others, load_sessions(subject, training), load_sessions(subject, tested)]


def fine_tune(pretrained: Any, own: Trials, settings: Settings, params: dict[str, Any]) -> Any:
    """Fine-tune a copy of a pretrained estimator; ``--max-epochs`` limits it, too."""
    estimator = clone(pretrained).set_params(pretrained=FrozenEstimator(pretrained), **params)
    if settings.max_epochs is not None:
        estimator.set_params(max_epochs=settings.max_epochs)
    return estimator.fit(own.X, own.y)


def score_evaluation(subject: int, alignment: str, seed: int, settings: Settings) -> Any:
    """Score every way to train on the evaluation sessions of a subject."""
    others, own, tests = align(alignment, *load(subject, TRAINING, EVALUATION))
    estimator = settings.apply(EEGNetClassifier(), seed)
    trained = {
        name: clone(estimator).fit(trials.X, trials.y)
        for name, trials in [
            ("own", own),
            ("others", others),
            ("others and own", join([others, own])),
        ]
    }
    for name, params in FINE_TUNING.items():
        trained[f"fine-tuned, {name}"] = fine_tune(trained["others"], own, settings, params)
    return {"scores": score(trained, tests)}


def score_choice(subject: int, alignment: str, seed: int, settings: Settings) -> Any:
    """Score settings of fine-tuning on the last training session of a subject."""
    others, own, tests = align(alignment, *load(subject, TRAINING[:-1], TRAINING[-1:]))
    pretrained = settings.apply(EEGNetClassifier(), seed).fit(others.X, others.y)
    trained = {"others": pretrained}
    for name, params in CHOICES.items():
        trained[name] = fine_tune(pretrained, own, settings, params)
    return {"scores": score(trained, tests)}


def score(trained: dict[str, Any], tests: dict[str, Trials]) -> dict[tuple[str, str], float]:
    """Score estimators on each kind of test trials."""
    return {
        (training, kind): model.score(test.X, test.y)
        for training, model in trained.items()
        for kind, test in tests.items()
    }


TABLES = {"evaluation": score_evaluation, "choice": score_choice}


def make_table(name: str, alignments: list[str], settings: Settings) -> str:
    """Run the fits of a table, and return it in Markdown."""
    names = [
        {"alignment": alignment, "subject": subject, "seed": seed}
        for seed in settings.seeds
        for alignment in alignments
        for subject in settings.subjects
    ]
    jobs = [Job(TABLES[name], {**item, "settings": settings}, item) for item in names]
    rows = [
        {**result, "training": training, "trials": kind, "score": accuracy}
        for result in run_jobs(jobs, settings)
        for (training, kind), accuracy in result["scores"].items()
    ]
    header = ["trained on", "trials", *(f"subject {s}" for s in settings.subjects), "mean"]
    lines = []
    for training in dict.fromkeys(row["training"] for row in rows):
        for kind in dict.fromkeys(row["trials"] for row in rows):
            chosen = {"training": training, "trials": kind}
            scores = [values(rows, "score", subject=s, **chosen) for s in settings.subjects]
            cells = [f"{np.mean(of_subject):.3f}" for of_subject in scores]
            lines.append([training, kind, *cells, spread(np.mean(scores, axis=0))])
    return table(header, lines)


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", nargs="+", choices=list(TABLES), default=["evaluation"], metavar="TABLE")
    add("--alignment", nargs="+", choices=ALIGNMENTS, default=list(ALIGNMENTS))
    add("--subjects", type=int, nargs="+", default=SUBJECTS, help="tested subjects")
    add_settings(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Run the tables and print them."""
    arguments = parse_arguments(argv)
    settings = Settings.from_arguments(arguments)
    print(f"{describe([], settings.device, 1)}; {settings}", flush=True)
    for name in arguments.only:
        print(f"\n{name}\n\n{make_table(name, arguments.alignment, settings)}", flush=True)


if __name__ == "__main__":
    main()
