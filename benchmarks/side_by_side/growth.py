"""Growth of the time and memory of a fit of EEGNet with trials, channels and samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .comparison import Result, Settings, compare, progress
from .libraries import EEGNET, Maker
from .tasks import Line, fit, memory

# Numbers of trials, channels and samples of which one is changed at a time.
_BASE = (256, 32, 500)
SIZES = {
    "trials": (128, 256, 512, 1024),
    "channels": (8, 16, 32, 64, 128),
    "samples": (250, 500, 1000, 2000),
}
_REPEATS = {"fit": 3, "memory": 1}


@dataclass(frozen=True)
class Growth:
    """Time and memory by size.

    Parameters
    ----------
    axis : {"trials", "channels", "samples"}
        The number that is changed.
    sizes : tuple of int
        Its values.
    results : dict of str to list of Result
        Results for each size; the keys are ``"fit"`` (time) and ``"memory"``.
    """

    axis: str
    sizes: tuple[int, ...]
    results: dict[str, list[Result]]

    def per_doubling(self, quantity: str, library: str) -> float:
        """Return the factor by which time or memory grows if the size doubles (log-log fit)."""
        values = [result.medians[library] for result in self.results[quantity]]
        exponent, _ = np.polyfit(np.log2(self.sizes), np.log2(np.maximum(values, 1e-9)), 1)
        return 2**exponent


def measure_growth(axis: str, libraries: dict[str, Maker], settings: Settings) -> Growth:
    """Measure one epoch of EEGNet at each size, with batches of 64 trials.

    Parameters
    ----------
    axis : {"trials", "channels", "samples"}
        The number to change; the others stay at 256 trials, 32 channels and 500 samples.
    libraries : dict of str to callable
        Functions that create the classifier of each library.
    settings : Settings
        Threads, device and repeats.

    Returns
    -------
    growth : Growth
        The measurements.
    """
    results: dict[str, list[Result]] = {"fit": [], "memory": []}
    for size in SIZES[axis]:
        shape = list(_BASE)
        shape[list(SIZES).index(axis)] = size
        progress(f"growth with {axis}: {' x '.join(map(str, shape))}")
        for task in (fit, memory):
            results[task.__name__].append(compare(_line(task, tuple(shape)), libraries, settings))
    return Growth(axis, SIZES[axis], results)


def _line(task, shape: tuple[int, int, int]) -> Line:
    n_features = 16 * (shape[2] // 32)
    count = 8 * 64 + 16 + 16 * shape[1] + 32 + 2 * 16 * 16 + 32 + 2 * n_features + 2
    return Line(
        f"{task.__name__} {'x'.join(map(str, shape))}",
        "growth",
        task,
        EEGNET,
        shape,
        (count, count),
        target=1.0,
        epochs=1,
        repeats=_REPEATS[task.__name__],
        unit="MiB" if task is memory else "s",
    )
