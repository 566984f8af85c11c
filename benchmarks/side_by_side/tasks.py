"""What a line of the table is, and what can be measured: a fit, predictions, a search, memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.model_selection import GridSearchCV

from .clock import extra_bytes, in_a_fresh_process, seconds
from .libraries import Maker, Network, Training


class Run(NamedTuple):
    """A line, for one library on one machine.

    Parameters
    ----------
    line : Line
        What to measure.
    make : callable
        What makes the library's classifiers.
    threads : int
        How many threads of the CPU to compute with.
    device : str
        Where to compute.
    """

    line: Line
    make: Maker
    threads: int
    device: str

    def classifier(self, epochs: int | None = None, threads: int | None = None) -> Any:
        """Make the classifier, for a number of epochs and threads, or those of the line."""
        line = self.line
        training = Training(
            epochs or line.epochs, line.batch_size, threads or self.threads, self.device
        )
        return self.make(line.network, training)


Measure = Callable[[], float]


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Parameters
    ----------
    name : str
        What it goes by on the command line.
    what : str
        What is measured, in words.
    task : callable
        ``task(run)`` gets all ready and returns a function that measures once.
    network : Network
        The network.
    shape : tuple of int
        Numbers of trials, electrodes and times.
    n_parameters : tuple of int
        How many parameters eegsk's network should have, and how many braindecode's.
    target : float
        How many times faster than braindecode eegsk should be, or of how many times less memory.
    n_classes : int
        Number of classes.
    epochs : int
        Number of epochs.
    batch_size : int
        Number of trials in a training step.
    repeats : int
        How often to measure each library.
    limit : float
        What eegsk should stay under, besides.
    unit : {"s", "ms", "MiB"}
        What to print absolute numbers in.
    """

    name: str
    what: str
    task: Callable[[Run], Measure]
    network: Network
    shape: tuple[int, int, int]
    n_parameters: tuple[int, int]
    target: float
    n_classes: int = 2
    epochs: int = 3
    batch_size: int = 64
    repeats: int = 7
    limit: float = float("inf")
    unit: str = "s"


def make_trials(shape: tuple[int, int, int], n_classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Make trials of standard noise, of which speed does not depend, and labels in turn."""
    X = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    return X, np.arange(shape[0]) % n_classes


def fitted(run: Run) -> Any:
    """Fit a classifier for an epoch of a single batch, to warm up."""
    line = run.line
    trials = make_trials((min(line.batch_size, line.shape[0]), *line.shape[1:]), line.n_classes)
    return run.classifier(epochs=1).fit(*trials)


def count_parameters(classifier: Any) -> int:
    """Count the parameters that a fitted classifier has learned."""
    return sum(p.numel() for p in classifier.module_.parameters() if p.requires_grad)


def fit(run: Run) -> Measure:
    """Time ``fit``."""
    trials = make_trials(run.line.shape, run.line.n_classes)
    return lambda: seconds(lambda: run.classifier().fit(*trials), run.device)


def predict(run: Run) -> Measure:
    """Time ``predict_proba`` on all trials at once."""
    X, _ = make_trials(run.line.shape)
    classifier = fitted(run)
    classifier.predict_proba(X)
    return lambda: seconds(lambda: classifier.predict_proba(X), run.device)


_N_CALLS = 100


def predict_one(run: Run) -> Measure:
    """Time ``predict_proba`` on a single trial: the mean of many calls."""
    X, _ = make_trials((1, *run.line.shape[1:]))
    classifier = fitted(run)

    def calls() -> None:
        for _ in range(_N_CALLS):
            classifier.predict_proba(X)

    calls()
    return lambda: seconds(calls, run.device) / _N_CALLS


def search(run: Run) -> Measure:
    """Time a grid search over activations in two processes, of one thread each."""
    classifier = run.classifier(threads=1)
    if "activation" in classifier.get_params():
        grid: dict[str, list[Any]] = {"activation": ["relu", "leaky_relu", "elu"]}
    else:
        grid = {"module__activation": [torch.nn.ReLU, torch.nn.LeakyReLU, torch.nn.ELU]}
    X, y = make_trials(run.line.shape, run.line.n_classes)

    def fit_search(n_trials: int) -> None:
        GridSearchCV(classifier, grid, cv=5, n_jobs=2).fit(X[:n_trials], y[:n_trials])

    fit_search(40)  # start the processes, and let them import
    return lambda: seconds(lambda: fit_search(len(X)), run.device)


def memory(run: Run) -> Measure:
    """Measure the most memory that ``fit`` takes beyond the trials, in a process of its own."""
    return lambda: in_a_fresh_process(memory_of_fit, run)


def memory_of_fit(run: Run) -> float:
    """Fit in this process, which should be a fresh one, and tell how many bytes it takes."""
    torch.set_num_threads(run.threads)
    trials = make_trials(run.line.shape, run.line.n_classes)
    run.classifier(epochs=1).fit(*make_trials((8, 2, 128), run.line.n_classes))  # libraries' own
    return extra_bytes(lambda: run.classifier().fit(*trials), run.device)
