"""How time and memory of a fit of EEGNet grow with trials, electrodes and times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .comparison import Result, Settings, compare, progress
from .libraries import EEGNET, Maker
from .tasks import Line, fit, memory

# Numbers of trials, electrodes and times.
_BASE = (256, 32, 500)
SIZES = {
    "trials": (128, 256, 512, 1024),
    "electrodes": (8, 16, 32, 64, 128),
    "times": (250, 500, 1000, 2000),
}
_REPEATS = {"fit": 3, "memory": 1}


@dataclass(frozen=True)
class Growth:
    """How something grows with a size.

    Parameters
    ----------
    axis : {"trials", "electrodes", "times"}
        What grows.
    sizes : tuple of int
        How many of it there are.
    results : dict of str to list of Result
        Time, ``"fit"``, and ``"memory"``, for each size.
    """

    axis: str
    sizes: tuple[int, ...]
    results: dict[str, list[Result]]

    def per_doubling(self, what: str, library: str) -> float:
        """Tell by how much something grows, on average, when the size doubles."""
        found = [result.medians[library] for result in self.results[what]]
        exponent, _ = np.polyfit(np.log2(self.sizes), np.log2(np.maximum(found, 1e-9)), 1)
        return 2**exponent


def measure_growth(axis: str, libraries: dict[str, Maker], settings: Settings) -> Growth:
    """Measure an epoch of EEGNet at each size, in batches of 64.

    Parameters
    ----------
    axis : {"trials", "electrodes", "times"}
        What is to grow; the others are 256 trials, 32 electrodes and 500 times.
    libraries : dict
        What makes classifiers of each library.
    settings : Settings
        Threads, device and repetitions.

    Returns
    -------
    growth : Growth
        All that was measured.
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
