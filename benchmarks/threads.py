"""Time of two fits with one and two threads, one after the other and as parallel jobs.

Run it with ``python benchmarks/threads.py``. It prints medians of alternating repetitions.
"""

from __future__ import annotations

import argparse
import statistics
import time

import joblib
import numpy as np

from eegsk import EEGNetClassifier

SHAPE = (128, 22, 500)


def fit(n_threads: int, seed: int) -> None:
    """Fit EEGNet to noise."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal(SHAPE, dtype=np.float32), np.arange(SHAPE[0]) % 2
    EEGNetClassifier(max_epochs=5, n_threads=n_threads, random_state=seed).fit(X, y)


def seconds(n_threads: int, n_jobs: int) -> float:
    """Return the time of two fits, one after the other or in parallel."""
    start = time.perf_counter()
    joblib.Parallel(n_jobs)(joblib.delayed(fit)(n_threads, seed) for seed in range(2))
    return time.perf_counter() - start


def main() -> None:
    """Print the time of two fits for each number of threads and jobs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    settings = [(n_threads, n_jobs) for n_jobs in (1, 2) for n_threads in (1, 2)]
    for setting in settings:  # warm up: start the worker processes and import libraries
        seconds(*setting)
    times = {setting: [] for setting in settings}
    for _ in range(repeats):
        for setting in settings:
            times[setting].append(seconds(*setting))
    print(f"two fits of {SHAPE[0]} trials, {SHAPE[1]} x {SHAPE[2]}, on {joblib.cpu_count()} cores")
    print("n_jobs  n_threads  median s  worst s")
    for n_threads, n_jobs in settings:
        durations = times[n_threads, n_jobs]
        median, worst = statistics.median(durations), max(durations)
        print(f"{n_jobs:6}  {n_threads:9}  {median:8.2f}  {worst:7.2f}")


if __name__ == "__main__":
    main()
