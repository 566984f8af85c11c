"""Accuracy and time of all networks: ``EEGSK_DATA=... python benchmarks/networks.py --n-jobs 2``.

All classifiers of eegsk with their defaults; braindecode's networks that are the same (AdamW,
learning rate 1e-3, batches of 64, 150 epochs), and those of eegsk with this training; and two
classifiers of covariance matrices of pyRiemann, if these packages are installed.

bci_iv_2b
    Trained on 01T, 02T and 03T of a subject, tested on 04E and 05E. Trials are aligned by session.
eegmmidb
    Imagined left or right fist, the first 480 samples (3 s) of 64 unfiltered channels; five folds
    that keep people whole. Trials are raw, or aligned by person.

Alignment is ``EuclideanAlignment``, which uses no labels, but all trials of a test session or
person. After each method, its scores replace those of earlier runs in the file of ``--csv``, from
which the documentation makes the table of the page "Choose a network".
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

from recordings.jobs import SUBJECTS, Settings, add_settings
from recordings.network_results import RESULTS, read_results, results_table, write_results
from recordings.networks import METHODS, SAME_TRAINING, run_method
from side_by_side.report import describe
from speed import silence_imports

ALIGNMENTS = {"bci_iv_2b": ["aligned"], "eegmmidb": ["raw", "aligned"]}
MODULES = {
    "eegsk": "eegsk",
    SAME_TRAINING: "eegsk",
    "braindecode": "braindecode.models",
    "pyRiemann": "pyriemann",
}


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    data, libraries = list(ALIGNMENTS), list(METHODS)
    methods = list(dict.fromkeys(name for names in METHODS.values() for name in names))
    add("--only", nargs="+", choices=data, default=data, metavar="DATA", help=", ".join(data))
    add("--libraries", nargs="+", choices=libraries, default=libraries, metavar="LIBRARY",
        help=", ".join(libraries))  # fmt: skip
    add("--networks", nargs="+", choices=methods, default=methods, metavar="NETWORK",
        help=", ".join(methods))  # fmt: skip
    add("--trials", nargs="+", choices=["raw", "aligned"], help="instead of those of each data set")
    add("--subjects", type=int, nargs="+", default=SUBJECTS, help="tested, of data set 2b")
    add("--csv", type=Path, default=RESULTS, help="file of results (default %(default)s)")
    add_settings(parser)
    return parser.parse_args(argv)


def installed(libraries: list[str]) -> list[str]:
    """Return the libraries that can be imported; print a message for each of the others."""
    silence_imports()
    names = []
    for name in libraries:
        try:
            importlib.import_module(MODULES[name])
        except (ImportError, OSError) as error:
            reason = str(error).partition("\n")[0]
            print(f"{name} cannot be imported ({reason}) and is left out", file=sys.stderr)
        else:
            names.append(name)
    return names


def run_all(arguments: argparse.Namespace, settings: Settings, description: str) -> None:
    """Run the methods, and write the scores of each method when it has ended."""
    for data in arguments.only:
        for library in installed(arguments.libraries):
            for method in METHODS[library]:
                if method in arguments.networks:
                    alignments = arguments.trials or ALIGNMENTS[data]
                    rows: list[dict[str, Any]] = run_method(
                        data, library, method, alignments, settings
                    )
                    machine = {"device": settings.device, "machine": description}
                    rows = [{**row, **machine} for row in rows]
                    write_results(arguments.csv, rows)


def main(argv: list[str] | None = None) -> None:
    """Run the methods, and print the table of each data set."""
    arguments = parse_arguments(argv)
    settings = Settings.from_arguments(arguments)
    description = describe([], settings.device, 1)
    print(f"{description}; {settings}", flush=True)
    run_all(arguments, settings, description)
    rows = read_results(arguments.csv)
    for data in arguments.only:
        print(f"\n{data}\n\n{results_table(rows, data)}", flush=True)


if __name__ == "__main__":
    main()
