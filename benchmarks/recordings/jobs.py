"""Parallel fits with one thread each, and their settings."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
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
    """Settings of all tables."""

    seeds: tuple[int, ...] = (0, 1, 2)
    subjects: tuple[int, ...] = SUBJECTS
    max_epochs: int | None = None
    n_jobs: int = 1
    device: str = "cpu"
    figures: Path = Path()
    cache: Path | None = None

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> Settings:
        """Return the settings of a command line; see :func:`add_settings`."""
        options = {item.name: getattr(arguments, item.name, None) for item in fields(cls)}
        values = {name: value for name, value in options.items() if value is not None}
        return cls(**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()})

    def apply(self, estimator: Any, seed: int) -> Any:
        """Set seed, device and, for a quick try, epochs, also in nested estimators.

        A seed that is set already is kept, because the networks of an ensemble need several.
        """
        params: dict[str, Any] = {"random_state": seed, "device": self.device, "n_threads": 1}
        if self.max_epochs is not None:
            params["max_epochs"] = self.max_epochs
        # Half precision is several times slower on processors without instructions for it.
        if self.device == "cpu":
            params["mixedprecision"] = None
        suffixes = {name: name.rpartition("__")[2] for name in estimator.get_params()}
        if not {"random_state", "n_threads"} <= set(suffixes.values()):
            raise ValueError(f"{estimator} has no parameters random_state and n_threads.")
        seeded = {name for name, value in estimator.get_params().items() if value is not None}
        return estimator.set_params(
            **{
                name: params[suffix]
                for name, suffix in suffixes.items()
                if suffix in params and not (suffix == "random_state" and name in seeded)
            }
        )

    def __str__(self) -> str:
        epochs = "default number of epochs of each estimator"
        if self.max_epochs is not None:
            epochs = f"quick try (max_epochs={self.max_epochs}), whose numbers are meaningless"
        seeds = ", ".join(map(str, self.seeds))
        precision = ", without mixed precision" if self.device == "cpu" else ""
        jobs = f"{self.n_jobs} job{'s' * (self.n_jobs > 1)} with one thread"
        return f"{epochs}; seeds {seeds}; {jobs}, device {self.device}{precision}"


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options that all scripts on recordings share to a command line."""
    add = parser.add_argument
    add("--n-jobs", type=int, default=1, help="parallel fits, with one thread each (default 1)")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds (default 0 1 2)")
    add("--max-epochs", type=int, help="epochs of each fit, for a quick try")
    add("--device", default="cpu", help="torch device (default cpu)")
    add("--cache", type=Path, help="folder that stores the result of each fit, to continue")


@dataclass(frozen=True)
class Job:
    """Function call, with names that identify its result."""

    run: Callable[..., Any]
    arguments: dict[str, Any]
    names: dict[str, Any] = field(default_factory=dict)


def run_jobs(jobs: Sequence[Job], settings: Settings) -> list[dict[str, Any]]:
    """Run jobs, report each one that ends, and return a dictionary of names and results for each.

    With ``settings.cache``, results of calls with the same arguments and settings are read from the
    cache. The cache is not invalidated by changes of the code or of the recordings.
    """
    results = []
    run = Memory(settings.cache, verbose=0).cache(_run)
    with parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = Parallel(n_jobs=settings.n_jobs, return_as="generator")
        for job, result in zip(jobs, parallel(delayed(run)(job) for job in jobs), strict=True):
            results.append({**job.names, **result})
            names = ", ".join(map(str, job.names.values()))
            print(f"{len(results)} of {len(jobs)}: {names}", file=sys.stderr, flush=True)
    return results


def run_by_subject(
    run: Callable[..., Any], variants: Iterable[str], settings: Settings
) -> list[dict[str, Any]]:
    """Run each variant on each subject with each seed."""
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


def fit_seconds(estimator: Any, *trials: Any, **fit_params: Any) -> float:
    """Fit an estimator and return the processor time of ``fit`` in seconds.

    Fits have one thread, so that this is the time of ``fit`` on a core that nothing else uses.
    """
    start = time.process_time()
    estimator.fit(*trials, **fit_params)
    return time.process_time() - start


def choose(rows: Iterable[dict[str, Any]], **names: Any) -> list[dict[str, Any]]:
    """Return the rows with the given names."""
    return [row for row in rows if all(row[name] == value for name, value in names.items())]


def values(rows: Iterable[dict[str, Any]], column: str, **names: Any) -> np.ndarray:
    """Return a column of the rows with the given names."""
    return np.array([row[column] for row in choose(rows, **names)], dtype=float)


def score(number: float) -> str:
    """Format a score."""
    return f"{number:.3f}"


def spread(numbers: Sequence[float] | np.ndarray) -> str:
    """Format a mean and, of several numbers, their standard deviation."""
    mean = np.mean(numbers)
    return f"{mean:.3f}" if len(numbers) < 2 else f"{mean:.3f} ± {np.std(numbers, ddof=1):.3f}"


def by_subject(variant: str, rows: list[dict[str, Any]], settings: Settings) -> list[str]:
    """Format the accuracy of a variant by subject, and mean and standard deviation over seeds."""
    accuracies = [
        values(rows, "accuracy", variant=variant, subject=subject) for subject in settings.subjects
    ]
    means = np.mean(accuracies, axis=0)  # one for each seed
    return [*(score(np.mean(of_subject)) for of_subject in accuracies), spread(means)]


def subjects_header(settings: Settings) -> list[str]:
    """Return the header of the columns of :func:`by_subject`."""
    return [*(f"subject {subject}" for subject in settings.subjects), "mean ± SD over seeds"]


def seconds(numbers: Sequence[float] | np.ndarray) -> str:
    """Format the median of durations."""
    return f"{np.median(numbers):.1f} s"
