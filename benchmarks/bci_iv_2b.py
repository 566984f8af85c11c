"""Time and accuracy of EEGNet on BCI IV 2b: ``EEGSK_DATA=... python benchmarks/bci_iv_2b.py``.

For each subject, eegsk's ``EEGNetClassifier()`` with its defaults and braindecode's EEGNet (AdamW,
learning rate 1e-3, batches of 64, 150 epochs) are trained on the three training sessions and tested
on the two evaluation sessions. They run alternately in one process and on the same device. Without
``--threads``, each library uses its default number of threads: eegsk one, braindecode one per core.
Only ``fit`` is timed.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import NamedTuple

import numpy as np
import torch

from eegsk import EEGNetClassifier
from eegsk.datasets import load_bci_iv_2b

TRAIN_SESSIONS = ["01T", "02T", "03T"]
TEST_SESSIONS = ["04E", "05E"]


class Split(NamedTuple):
    """Training and test trials of one subject."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


class Score(NamedTuple):
    """Test accuracy of one fit, and its wall time in seconds."""

    accuracy: float
    seconds: float


class Machine(NamedTuple):
    """Device and number of threads for each library."""

    device: str
    threads: int | None


Runner = Callable[[Split, int, Machine], Score]


def load_split(subject: int) -> Split:
    """Load the trials of one subject.

    Parameters
    ----------
    subject : int
        Number of the subject.

    Returns
    -------
    split : Split
        Trials of shape (n_trials, 3, 1000) and their labels.
    """
    X, y, _ = load_bci_iv_2b(subject, sessions=TRAIN_SESSIONS)
    X_test, y_test, _ = load_bci_iv_2b(subject, sessions=TEST_SESSIONS)
    return Split(X, y, X_test, y_test)


def prepare_for_braindecode(split: Split) -> Split:
    """Standardise the trials and encode the labels, because braindecode does neither.

    Parameters
    ----------
    split : Split
        Trials in any unit, with labels of any type.

    Returns
    -------
    prepared : Split
        float32 trials, standardised per channel with the mean and the standard deviation of the
        training trials, and integer labels.
    """
    mean = split.X.mean(axis=(0, 2), keepdims=True)
    std = split.X.std(axis=(0, 2), keepdims=True)
    X, X_test = (((part - mean) / std).astype(np.float32) for part in (split.X, split.X_test))
    classes, y = np.unique(split.y, return_inverse=True)
    return Split(X, y, X_test, np.searchsorted(classes, split.y_test))


def measure(estimator, split: Split) -> Score:
    """Fit an estimator, measure the time of ``fit``, and test the estimator.

    Parameters
    ----------
    estimator : object
        Classifier with ``fit`` and ``predict``.
    split : Split
        Training and test trials.

    Returns
    -------
    score : Score
        Accuracy on the test trials and seconds of ``fit``.
    """
    start = time.perf_counter()
    estimator.fit(split.X, split.y)
    duration = time.perf_counter() - start
    return Score(float(np.mean(estimator.predict(split.X_test) == split.y_test)), duration)


def run_eegsk(split: Split, seed: int, machine: Machine) -> Score:
    """Measure eegsk's classifier with its default parameters.

    Parameters
    ----------
    split : Split
        Trials of one subject.
    seed : int
        Random state of the classifier.
    machine : Machine
        Device and number of threads.

    Returns
    -------
    score : Score
        Accuracy on the test trials and seconds of ``fit``.
    """
    classifier = EEGNetClassifier(random_state=seed, device=machine.device)
    if machine.threads is not None:
        classifier.set_params(n_threads=machine.threads)
    return measure(classifier, split)


def make_braindecode_runner() -> Runner:
    """Import braindecode and return a function that measures its EEGNet.

    Parameters that are not set below have braindecode's defaults: dropout is 0.25, and the last,
    incomplete batch of an epoch is dropped.

    Returns
    -------
    run_braindecode : callable
        Function with the parameters of ``run_eegsk``.

    Raises
    ------
    ImportError
        If braindecode is not installed.
    OSError
        If a compiled library that braindecode imports cannot be loaded.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from braindecode import EEGClassifier
        from braindecode.models import EEGNet

    all_threads = torch.get_num_threads()

    def run_braindecode(split: Split, seed: int, machine: Machine) -> Score:
        torch.manual_seed(seed)
        torch.set_num_threads(machine.threads or all_threads)
        classifier = EEGClassifier(
            EEGNet,
            optimizer=torch.optim.AdamW,
            lr=1e-3,
            batch_size=64,
            max_epochs=150,
            train_split=None,
            device=machine.device,
            verbose=0,
        )
        return measure(classifier, prepare_for_braindecode(split))

    return run_braindecode


def find_runners() -> dict[str, Runner]:
    """Return a runner for each installed library; print a message if braindecode is missing.

    Returns
    -------
    runners : dict
        Runners by the name of the library.
    """
    runners: dict[str, Runner] = {"eegsk": run_eegsk}
    try:
        runners["braindecode"] = make_braindecode_runner()
    except (ImportError, OSError) as error:
        reason = str(error).partition("\n")[0]
        print(
            f"braindecode cannot be imported ({reason}), so only eegsk is measured; "
            'install braindecode with: pip install -e ".[bench]"'
        )
    return runners


def format_header(names: list[str]) -> str:
    """Format the header of the columns that ``format_row`` returns.

    Parameters
    ----------
    names : list of str
        Names of the libraries.

    Returns
    -------
    header : str
        One line.
    """
    columns = "".join(f"{name:>13} acc{'fit s':>8}" for name in names)
    return f"{'subject':<8}{'seed':<6}{columns}" + (f"{'ratio':>8}" if len(names) > 1 else "")


def format_row(subject: object, seed: object, scores: np.ndarray) -> str:
    """Format one row of the table.

    Parameters
    ----------
    subject, seed : object
        Subject and seed of the row.
    scores : array of shape (n_libraries, 2)
        Accuracy and seconds of each library. The last column of the row is the time of the second
        library divided by the time of the first.

    Returns
    -------
    row : str
        One line.
    """
    columns = "".join(f"{accuracy:>17.3f}{seconds:>8.2f}" for accuracy, seconds in scores)
    ratio = f"{scores[1, 1] / scores[0, 1]:>8.2f}" if len(scores) > 1 else ""
    return f"{subject!s:<8}{seed!s:<6}{columns}{ratio}"


def run_pair(runners: dict[str, Runner], split: Split, seed: int, machine: Machine, turn: int):
    """Measure each library once on the same trials.

    Parameters
    ----------
    runners : dict
        A runner for each library.
    split : Split
        Trials of one subject.
    seed : int
        Seed of both libraries.
    machine : Machine
        Device and number of threads.
    turn : int
        Number of the pair; the order of the libraries alternates.

    Returns
    -------
    scores : array of shape (n_libraries, 2)
        Accuracy and seconds of each library.
    """
    names = list(runners)
    scores = {}
    for name in names if turn % 2 == 0 else reversed(names):
        scores[name] = runners[name](split, seed, machine)
    return np.array([scores[name] for name in names])


def run_all(runners: dict[str, Runner], subjects: list[int], seeds: list[int], machine: Machine):
    """Measure each library on each subject with each seed, and print the rows.

    Parameters
    ----------
    runners : dict
        A runner for each library.
    subjects, seeds : list of int
        Subjects and seeds.
    machine : Machine
        Device and number of threads.

    Returns
    -------
    scores : array of shape (n_subjects, n_seeds, n_libraries, 2)
        Accuracies and seconds.
    """
    scores = np.empty((len(subjects), len(seeds), len(runners), 2))
    for i, subject in enumerate(subjects):
        split = load_split(subject)
        for j, seed in enumerate(seeds):
            turn = i * len(seeds) + j
            scores[i, j] = run_pair(runners, split, seed, machine, turn)
            print(format_row(subject, seed, scores[i, j]), flush=True)
    return scores


def print_summary(scores: np.ndarray, subjects: list[int]) -> None:
    """Print the mean over subjects and, with several seeds, the medians over seeds.

    Parameters
    ----------
    scores : array of shape (n_subjects, n_seeds, n_libraries, 2)
        Accuracies and seconds.
    subjects : list of int
        Subjects, in the order of ``scores``.
    """
    print(format_row("mean", "", scores.mean(axis=(0, 1))))
    if scores.shape[1] == 1:
        return
    medians = np.median(scores, axis=1)
    print("\nmedians over seeds")
    for subject, median in zip(subjects, medians, strict=True):
        print(format_row(subject, "", median))
    print(format_row("mean", "", medians.mean(axis=0)))


def parse_arguments() -> argparse.Namespace:
    """Read the command line.

    Returns
    -------
    arguments : argparse.Namespace
        Subjects, seeds, threads and device.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subjects", type=int, nargs="+", default=[1, 3, 4, 5, 8])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, help="torch threads (default: that of each library)")
    parser.add_argument("--device", default="cpu", help="torch device (default cpu)")
    return parser.parse_args()


def describe(runners: dict[str, Runner]) -> str:
    """Return the versions of the libraries that are compared.

    Parameters
    ----------
    runners : dict
        A runner for each library.

    Returns
    -------
    versions : str
        One line.
    """
    packages = [name for name in (*runners, "torch") if name != "eegsk"]
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"Python {platform.python_version()}, {versions}"


def main() -> None:
    """Run the comparison and print its table."""
    arguments = parse_arguments()
    runners = find_runners()
    machine = Machine(arguments.device, arguments.threads)
    threads = "default of each library" if machine.threads is None else machine.threads
    print(f"{describe(runners)}; {machine.device}, threads: {threads}\n")
    print(format_header(list(runners)))
    scores = run_all(runners, arguments.subjects, arguments.seeds, machine)
    print_summary(scores, arguments.subjects)


if __name__ == "__main__":
    main()
