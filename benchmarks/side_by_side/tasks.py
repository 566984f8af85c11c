"""Lines of the table and the tasks that they measure: fit, predict, search and memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.model_selection import GridSearchCV, cross_val_score

from .clock import extra_bytes, in_a_fresh_process, seconds
from .libraries import Maker, Network, Training


class Run(NamedTuple):
    """Measurement of a line with one library.

    Parameters
    ----------
    line : Line
        The line.
    make : callable
        Function that creates a classifier of the library.
    threads : int
        Number of CPU threads.
    device : str
        Torch device.
    """

    line: Line
    make: Maker
    threads: int
    device: str

    def classifier(self, epochs: int | None = None, threads: int | None = None) -> Any:
        """Create the classifier; the defaults are the epochs of the line and all threads."""
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
        Name on the command line.
    label : str
        Name in the table.
    task : callable
        ``task(run)`` prepares the measurement and returns a function that measures once.
    network : Network
        The network.
    shape : tuple of int
        Numbers of trials, channels and samples.
    n_parameters : tuple of int
        Expected numbers of parameters of eegsk's and of braindecode's network.
    target : float
        Target of the ratio of times, or of memory, of braindecode to eegsk.
    n_classes : int
        Number of classes.
    epochs : int
        Number of epochs.
    batch_size : int
        Number of trials in a batch.
    repeats : int
        Number of measurements of each library.
    limit : float
        Upper limit of the value of eegsk, in seconds or bytes.
    unit : {"s", "ms", "MiB"}
        Unit of absolute numbers in the table.
    """

    name: str
    label: str
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
    """Create trials of white noise, because speed does not depend on the data, and labels."""
    X = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    return X, np.arange(shape[0]) % n_classes


def fitted(run: Run) -> Any:
    """Fit a classifier for one epoch with a single batch, as a warm-up."""
    line = run.line
    trials = make_trials((min(line.batch_size, line.shape[0]), *line.shape[1:]), line.n_classes)
    return run.classifier(epochs=1).fit(*trials)


def count_parameters(classifier: Any) -> int:
    """Count the trainable parameters of a fitted classifier."""
    return sum(p.numel() for p in classifier.module_.parameters() if p.requires_grad)


def fit(run: Run) -> Measure:
    """Measure the time of ``fit``."""
    trials = make_trials(run.line.shape, run.line.n_classes)
    return lambda: seconds(lambda: run.classifier().fit(*trials), run.device)


def predict(run: Run) -> Measure:
    """Measure the time of ``predict_proba`` on all trials at once."""
    X, _ = make_trials(run.line.shape)
    classifier = fitted(run)
    classifier.predict_proba(X)
    return lambda: seconds(lambda: classifier.predict_proba(X), run.device)


_N_CALLS = 100


def predict_one(run: Run) -> Measure:
    """Measure the time of ``predict_proba`` on a single trial, as the mean of many calls."""
    X, _ = make_trials((1, *run.line.shape[1:]))
    classifier = fitted(run)

    def predict_many_times() -> None:
        for _ in range(_N_CALLS):
            classifier.predict_proba(X)

    predict_many_times()
    return lambda: seconds(predict_many_times, run.device) / _N_CALLS


def grid_search(run: Run, activations: list[str], cv: int, n_jobs: int | None = None) -> Any:
    """Create a grid search over activations, whose fits have one thread each."""
    classifier = run.classifier(threads=1)
    modules = {"relu": torch.nn.ReLU, "leaky_relu": torch.nn.LeakyReLU, "elu": torch.nn.ELU}
    if "activation" in classifier.get_params():
        grid: dict[str, list[Any]] = {"activation": activations}
    else:
        grid = {"module__activation": [modules[name] for name in activations]}
    return GridSearchCV(classifier, grid, cv=cv, n_jobs=n_jobs)


def search(run: Run) -> Measure:
    """Measure the time of a grid search over activations in two processes with one thread each."""
    X, y = make_trials(run.line.shape, run.line.n_classes)

    def fit_search(n_trials: int) -> None:
        grid_search(run, ["relu", "leaky_relu", "elu"], 5, n_jobs=2).fit(X[:n_trials], y[:n_trials])

    fit_search(40)  # warm up: start the processes and import libraries
    return lambda: seconds(lambda: fit_search(len(X)), run.device)


_N_SUBJECTS = 2
_N_FOLDS = 3
_CANDIDATES = ["relu", "elu"]
# Fits of all subjects: in each outer fold, the candidates in the inner folds, and the best one.
N_FITS = _N_SUBJECTS * _N_FOLDS * (len(_CANDIDATES) * _N_FOLDS + 1)


def many_fits(run: Run) -> Measure:
    """Measure nested cross-validation of each subject in two processes, as the time per fit."""
    X, y = make_trials(run.line.shape, run.line.n_classes)

    def evaluate(n_subjects: int, n_trials: int) -> None:
        for _ in range(n_subjects):
            nested = grid_search(run, _CANDIDATES, _N_FOLDS)
            cross_val_score(nested, X[:n_trials], y[:n_trials], cv=_N_FOLDS, n_jobs=2)

    evaluate(1, n_trials=18)  # warm up: start the processes and import libraries
    return lambda: seconds(lambda: evaluate(_N_SUBJECTS, len(X)), run.device) / N_FITS


def memory(run: Run) -> Measure:
    """Measure the peak memory of ``fit`` without the trials, in a new process."""
    return lambda: in_a_fresh_process(memory_of_fit, run)


def memory_of_fit(run: Run) -> float:
    """Return the bytes that ``fit`` adds to the peak memory; call it in a new process."""
    torch.set_num_threads(run.threads)
    trials = make_trials(run.line.shape, run.line.n_classes)
    # A first small fit, so that the memory of the libraries themselves is not counted.
    run.classifier(epochs=1).fit(*make_trials((8, 2, 128), run.line.n_classes))
    return extra_bytes(lambda: run.classifier().fit(*trials), run.device)
