"""Fits of one thread each, several side by side, and how they are set."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from joblib import Memory, Parallel, delayed, parallel_config

SUBJECTS = (1, 3, 4, 5, 8)
TRAINING = ("01T", "02T", "03T")
EVALUATION = ("04E", "05E")


@dataclass(frozen=True)
class Settings:
    """What is the same for all tables."""

    seeds: tuple[int, ...] = (0, 1, 2)
    subjects: tuple[int, ...] = SUBJECTS
    max_epochs: int | None = None
    n_jobs: int = 1
    device: str = "cpu"
    figures: Path = Path()
    cache: Path | None = None

    def apply(self, estimator: Any, seed: int) -> Any:
        """Set seed, device and, for a short try, epochs, also of estimators inside others."""
        wanted: dict[str, Any] = {"random_state": seed, "device": self.device, "n_threads": 1}
        if self.max_epochs is not None:
            wanted["max_epochs"] = self.max_epochs
        # On a processor that has no arithmetic for it, half precision is several times slower.
        if self.device == "cpu":
            wanted["mixedprecision"] = None
        last = {name: name.rpartition("__")[2] for name in estimator.get_params()}
        if not {"random_state", "n_threads"} <= set(last.values()):
            raise ValueError(f"{estimator} has no random_state and n_threads to set.")
        return estimator.set_params(
            **{name: wanted[end] for name, end in last.items() if end in wanted}
        )

    def __str__(self) -> str:
        epochs = "as many epochs as each has"
        if self.max_epochs is not None:
            epochs = f"a short try (max_epochs={self.max_epochs}), so that the numbers mean nothing"
        seeds = ", ".join(map(str, self.seeds))
        precision = ", without mixed precision" if self.device == "cpu" else ""
        jobs = f"{self.n_jobs} job{'s' * (self.n_jobs > 1)} of one thread"
        return f"{epochs}; seeds {seeds}; {jobs}, device {self.device}{precision}"


@dataclass(frozen=True)
class Job:
    """A function, what to call it with, and the names that its result goes by."""

    run: Callable[..., Any]
    arguments: dict[str, Any]
    names: dict[str, Any] = field(default_factory=dict)


def run_jobs(jobs: Sequence[Job], settings: Settings) -> list[dict[str, Any]]:
    """Run jobs, tell of each as it ends, and return names and results in one dictionary each.

    Where there is a cache, results of the same arguments and settings are taken from it, be they of
    other code or other recordings.
    """
    found = []
    run = Memory(settings.cache, verbose=0).cache(_run)
    with parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = Parallel(n_jobs=settings.n_jobs, return_as="generator")
        for job, result in zip(jobs, parallel(delayed(run)(job) for job in jobs), strict=True):
            found.append({**job.names, **result})
            names = ", ".join(map(str, job.names.values()))
            print(f"{len(found)} of {len(jobs)}: {names}", file=sys.stderr, flush=True)
    return found


def run_by_subject(
    run: Callable[..., Any], variants: Iterable[str], settings: Settings
) -> list[dict[str, Any]]:
    """Run variants of something on each subject with each seed."""
    names = [
        {"variant": variant, "subject": subject, "seed": seed}
        for subject in settings.subjects
        for seed in settings.seeds
        for variant in variants
    ]
    return run_jobs([Job(run, {**name, "settings": settings}, name) for name in names], settings)


def _run(job: Job) -> dict[str, Any]:
    torch.set_num_threads(1)
    return job.run(**job.arguments)


def fit_seconds(estimator: Any, *trials: Any, **more: Any) -> float:
    """Fit an estimator and return how long it took."""
    start = time.perf_counter()
    estimator.fit(*trials, **more)
    return time.perf_counter() - start


def choose(rows: Iterable[dict[str, Any]], **names: Any) -> list[dict[str, Any]]:
    """Return the rows that have such names."""
    return [row for row in rows if all(row[name] == value for name, value in names.items())]


def values(rows: Iterable[dict[str, Any]], column: str, **names: Any) -> np.ndarray:
    """Return a column of the rows that have such names."""
    return np.array([row[column] for row in choose(rows, **names)], dtype=float)


def score(number: float) -> str:
    """Write a score."""
    return f"{number:.3f}"


def spread(numbers: Sequence[float] | np.ndarray) -> str:
    """Write a mean and, of several, their standard deviation."""
    mean = np.mean(numbers)
    return f"{mean:.3f}" if len(numbers) < 2 else f"{mean:.3f} ± {np.std(numbers, ddof=1):.3f}"


def by_subject(variant: str, rows: list[dict[str, Any]], settings: Settings) -> list[str]:
    """Write the accuracy of a variant for each subject, mean and spread over seeds."""
    of_subjects = [
        values(rows, "accuracy", variant=variant, subject=subject) for subject in settings.subjects
    ]
    means = np.mean(of_subjects, axis=0)  # one of each seed
    return [*(score(np.mean(found)) for found in of_subjects), spread(means)]


def subjects_header(settings: Settings) -> list[str]:
    """Write what :func:`by_subject` writes, in words."""
    return [*(f"subject {subject}" for subject in settings.subjects), "mean ± SD over seeds"]


def seconds(numbers: Sequence[float] | np.ndarray) -> str:
    """Write the median of times."""
    return f"{np.median(numbers):.1f} s"
