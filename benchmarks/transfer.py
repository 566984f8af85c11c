"""Accuracy of pretraining and fine-tuning: ``EEGSK_DATA=... python benchmarks/transfer.py``.

``EEGNetClassifier()``, or the network of the recipe ``motor_imagery``, which is trained on other
subjects with reflection and 50 epochs. Data set 2b of BCI Competition IV. Two tables are printed in
Markdown:

choice
    Settings of fine-tuning, chosen without the sessions that "evaluation" tests: trained on all
    five sessions of the other subjects, fine-tuned on 01T and 02T of the subject, tested on 03T.
evaluation
    The sessions 04E and 05E of each subject are tested. "own": trained on 01T, 02T and 03T of the
    subject. "others": trained on all sessions of the other subjects only. "others and own": mean
    of the probabilities of both. "fine-tuned": trained on the others, then on the subject's own
    sessions, with the best settings of the table "choice".

Trials are raw, or aligned by session with ``EuclideanAlignment``, which uses no labels. "causal"
aligns each test trial by the trials of its session that come before it.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np
from recordings.jobs import SUBJECTS, Job, Settings, add_settings, run_jobs, spread, values
from recordings.table import table
from recordings.transfer import ALIGNMENTS, CHOICES, NETWORKS, score_subject
from side_by_side.report import describe


def run(network: str, alignments: list[str], settings: Settings) -> list[dict[str, Any]]:
    """Train and score; return a row for each table, training and kind of test trials."""
    names = [
        {"network": network, "subject": subject, "alignment": alignment, "seed": seed}
        for seed in settings.seeds
        for alignment in alignments
        for subject in settings.subjects
    ]
    # The cache depends on the settings of a fit only.
    fixed = replace(settings, seeds=(), subjects=(), n_jobs=1, cache=None)
    jobs = [Job(score_subject, {**item, "settings": fixed}, item) for item in names]
    return [
        {**result, "table": name, "training": training, "trials": kind, "score": accuracy}
        for result in run_jobs(jobs, settings)
        for name in ("choice", "evaluation")
        for (training, kind), accuracy in result[name].items()
    ]


def scores_of(rows: list[dict[str, Any]], settings: Settings, **names: str) -> np.ndarray:
    """Return the scores of one training, of shape (n_subjects, n_seeds)."""
    return np.array([values(rows, "score", subject=s, **names) for s in settings.subjects])


def choose_settings(rows: list[dict[str, Any]], kind: str, settings: Settings) -> str:
    """Return the settings of fine-tuning with the best mean score in the table "choice"."""
    means = {
        name: scores_of(rows, settings, table="choice", training=name, trials=kind).mean()
        for name in CHOICES
    }
    return max(means, key=means.__getitem__)


def format_table(rows: list[dict[str, Any]], name: str, settings: Settings) -> str:
    """Format a table: accuracy by subject, mean and standard deviation over seeds."""
    lines = []
    for kind in dict.fromkeys(row["trials"] for row in rows):
        chosen = choose_settings(rows, kind.removesuffix(", causal"), settings)
        fine_tuned = list(CHOICES) if name == "choice" else [chosen]
        for training in ["own", "others", "others and own", *fine_tuned]:
            scores = scores_of(rows, settings, table=name, training=training, trials=kind)
            label = f"fine-tuned, {training}" if training in CHOICES else training
            cells = [f"{score:.3f}" for score in scores.mean(axis=1)]
            lines.append([label, kind, *cells, spread(scores.mean(axis=0))])
    subjects = [f"subject {subject}" for subject in settings.subjects]
    return table(["trained on", "trials", *subjects, "mean ± SD over seeds"], lines)


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--network", choices=list(NETWORKS), default="EEGNet", help=" or ".join(NETWORKS))
    add("--alignment", nargs="+", choices=ALIGNMENTS, default=list(ALIGNMENTS))
    add("--subjects", type=int, nargs="+", default=SUBJECTS, help="tested subjects")
    add_settings(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Run the fits and print the tables."""
    arguments = parse_arguments(argv)
    settings = Settings.from_arguments(arguments)
    print(f"{describe([], settings.device, 1)}; {settings}", flush=True)
    rows = run(arguments.network, arguments.alignment, settings)
    for name in ("choice", "evaluation"):
        print(f"\n{name}, {arguments.network}\n\n{format_table(rows, name, settings)}", flush=True)


if __name__ == "__main__":
    main()
