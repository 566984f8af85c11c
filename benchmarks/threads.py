"""How many threads a fit should compute with: alone, and as one of two jobs.

Run it with ``python benchmarks/threads.py``. It prints medians of alternating repetitions; what
counts is how they compare.
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
    """Fit one estimator on noise."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal(SHAPE, dtype=np.float32), np.arange(SHAPE[0]) % 2
    EEGNetClassifier(max_epochs=5, n_threads=n_threads, random_state=seed).fit(X, y)


def seconds(n_threads: int, n_jobs: int) -> float:
    """Time two fits, one after the other or side by side."""
    start = time.perf_counter()
    joblib.Parallel(n_jobs)(joblib.delayed(fit)(n_threads, seed) for seed in range(2))
    return time.perf_counter() - start


def main() -> None:
    """Print a table of two fits' seconds by threads and jobs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    settings = [(n_threads, n_jobs) for n_jobs in (1, 2) for n_threads in (1, 2)]
    for setting in settings:  # start the workers, and let them import
        seconds(*setting)
    times = {setting: [] for setting in settings}
    for _ in range(repeats):
        for setting in settings:
            times[setting].append(seconds(*setting))
    print(f"two fits of {SHAPE[0]} trials, {SHAPE[1]} x {SHAPE[2]}, on {joblib.cpu_count()} cores")
    print("n_jobs  n_threads  median s  worst s")
    for n_threads, n_jobs in settings:
        found = times[n_threads, n_jobs]
        print(f"{n_jobs:6}  {n_threads:9}  {statistics.median(found):8.2f}  {max(found):7.2f}")


if __name__ == "__main__":
    main()
