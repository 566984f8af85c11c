"""Mutation testing: ``python benchmarks/mutation.py`` (extra ``mutation``; Linux or macOS).

A mutant is a copy of the package with one small change, e.g. ``<`` instead of ``<=``. It is killed
if a test fails. The score of an area of the package is the percentage of killed mutants. A mutant
that survives is a line that no test checks, or has the same behaviour as the original.

The changes are those of cosmic-ray. Mutants are drawn with a fixed seed: first a place in the code,
then one of the changes at this place. Annotations of types are left out. Each mutant runs the tests
of its area only. Survivors are printed with the changed line. See docs/development/mutation.md.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import importlib.util
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
# Tests of the split for validation, of its warning, and of evaluate_transfer.
SPLITS = (
    "test_validation_split or labels_beyond or scores_are or in_parallel or transformers_are "
    "or routed or scoring or test_regression or other_estimators or record_array or progress_bar "
    "or errors_of_the_evaluation or metadata_without_groups"
)
SEVERAL_LENGTHS = "test_filters_of_several_lengths_equal_the_plain_layers"
# Modules, and the tests that check them; the tests that kill most mutants come first.
AREAS = {
    "losses": (["eegsk/losses.py"], ["tests/test_losses.py"]),
    "splits": (
        ["eegsk/model_selection/*.py"],
        [
            *("tests/test_validation_split.py", "tests/test_group_validation.py"),
            *("tests/test_transfer.py", "-k", SPLITS),
        ],
    ),
    "file format": (
        ["eegsk/persistence/*.py"],
        [f"tests/test_files{part}.py" for part in ("", "_content", "_aligned", "_damaged")],
    ),
    "front end": (
        ["eegsk/blocks/temporal_spatial/*.py", "eegsk/blocks/_time_filters.py"],
        [
            *("tests/test_temporal_spatial.py", "tests/test_convolution.py"),
            "tests/test_folding.py",
            f"tests/test_sequence_networks.py::{SEVERAL_LENGTHS}",
            "tests/test_exporting.py::test_torch_jit_trace",
        ],
    ),
}
# Packages that are imported once, before a process is forked for each mutant.
PRELOADED = (
    *("cloudpickle", "joblib", "matplotlib", "mne", "numpy", "pandas", "pytest", "safetensors"),
    *("scipy.signal", "sklearn.model_selection", "sklearn.ensemble", "skorch", "torch"),
    "torch._dynamo",
)
CPU_SECONDS, MEMORY = 300, 16 * 2**30  # limits of a mutant, which e.g. end infinite loops
COPIED = "eegsk", "tests", "docs", "pyproject.toml", "README.md", "benchmarks", "examples"


class Mutant(NamedTuple):
    """A module and its changed code."""

    path: str
    line: int
    operator: str
    code: str

    def __str__(self) -> str:
        old = (ROOT / self.path).read_text(encoding="utf-8").splitlines()
        new = self.code.splitlines()
        changed = [pair for pair in zip(old, new, strict=False) if pair[0] != pair[1]]
        before, after = (text.strip() for text in (changed or [("", "")])[0])
        return f"{self.path}:{self.line} {self.operator}\n    - {before}\n    + {after}"


def annotations(code: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return start and end, as (line, column), of the annotations of types in a module."""
    spans = []
    for node in ast.walk(ast.parse(code)):
        for name in ("annotation", "returns"):
            item = getattr(node, name, None)
            if item is not None:
                end = item.end_lineno, item.end_col_offset
                spans.append(((item.lineno, item.col_offset), end))
    return spans


def places(path: str) -> dict[tuple[int, int], list[tuple[str, int]]]:
    """Return the operators of cosmic-ray, and their occurrences, by position in a module."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    code = (ROOT / path).read_text(encoding="utf-8")
    tree, spans = get_ast(code), annotations(code)
    changes: dict[tuple[int, int], list[tuple[str, int]]] = {}
    for name in operator_names():
        if get_operator(name).arguments():  # operators for which one has to name variables
            continue
        operator = get_operator(name)()
        positions = (
            start for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node)
        )
        for occurrence, start in enumerate(positions):
            if not any(first <= start < last for first, last in spans):
                changes.setdefault(start, []).append((name, occurrence))
    return changes


def draw(patterns: list[str], n_mutants: int, seed: int) -> tuple[list[Mutant], int]:
    """Draw mutants of the modules that match patterns; return them and the number of places."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    modules = sorted(
        str(path.relative_to(ROOT)) for pattern in patterns for path in ROOT.glob(pattern)
    )
    candidates = [
        (path, start, changes)
        for path in modules
        for start, changes in sorted(places(path).items())
    ]
    rng = random.Random(seed)
    mutants = []
    for path, start, changes in rng.sample(candidates, min(n_mutants, len(candidates))):
        name, occurrence = rng.choice(changes)
        code = mutate_code(
            (ROOT / path).read_text(encoding="utf-8"), get_operator(name)(), occurrence
        )
        mutants.append(Mutant(path, start[0], name.removeprefix("core/"), code))
    return mutants, len(candidates)


def run_tests(folder: Path, mutant: Mutant | None, tests: list[str]) -> None:
    """Run tests of a copy of the repository in this process, which then exits."""
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    log = os.open(folder / "tests.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = str(folder)
    if mutant is not None:
        path = folder / mutant.path
        path.write_text(mutant.code, encoding="utf-8")
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
        sys.dont_write_bytecode = True
    import pytest

    arguments = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
    os._exit(int(pytest.main([*arguments, *tests])))


def preload() -> None:
    """Import the packages that tests need, but not eegsk."""
    os.environ["SCIPY_ARRAY_API"] = "1"  # as tests/conftest.py
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in PRELOADED:
        try:
            importlib.import_module(name)
        except ImportError as error:
            print(f"{error}; some tests are skipped", file=sys.stderr)


class Worker:
    """A copy of the repository in which one mutant at a time is tested."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "_build", "*.png")
                shutil.copytree(source, folder / name, ignore=ignored)
            else:
                shutil.copy(source, folder / name)

    def start(self, mutant: Mutant | None, tests: list[str]) -> None:
        """Start the tests in a process of their own."""
        self.mutant = mutant
        context = multiprocessing.get_context("fork")
        self.process: Any = context.Process(target=run_tests, args=(self.folder, mutant, tests))
        self.process.start()

    def finish(self) -> bool:
        """Restore the copy of the repository; return whether a test has failed."""
        self.process.join()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # processes that a test has left
        if self.mutant is not None:
            shutil.copy(ROOT / self.mutant.path, self.folder / self.mutant.path)
        return self.process.exitcode != 0


def survivors(workers: list[Worker], mutants: list[Mutant], tests: list[str]) -> list[Mutant]:
    """Test the mutants; return those that no test has killed."""
    for worker in workers:
        worker.start(None, tests)
        if worker.finish():
            print((worker.folder / "tests.log").read_text()[-2000:], file=sys.stderr)
            raise SystemExit("The tests fail without a mutation, see above.")
    waiting, busy, survived = list(mutants), {}, []
    idle = list(workers)
    while waiting or busy:
        while waiting and idle:
            worker = idle.pop()
            worker.start(waiting.pop(0), tests)
            busy[worker.process.sentinel] = worker
        for sentinel in wait(list(busy)):
            worker = busy.pop(sentinel)
            if not worker.finish():
                survived.append(worker.mutant)
                print(f"survived: {worker.mutant}", file=sys.stderr, flush=True)
            idle.append(worker)
    return sorted(survived)


def main(argv: list[str] | None = None) -> None:
    """Print a table of scores, and the mutants that survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--areas", nargs="+", choices=AREAS, default=list(AREAS))
    parser.add_argument("--mutants", type=int, default=150, help="mutants per area (default 150)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    options = parser.parse_args(argv)
    preload()
    rows, remaining = [], []
    with tempfile.TemporaryDirectory() as scratch:
        workers = [Worker(Path(scratch, str(number))) for number in range(options.jobs)]
        for area in options.areas:
            patterns, tests = AREAS[area]
            mutants, n_places = draw(patterns, options.mutants, options.seed)
            start = time.monotonic()
            survived = survivors(workers, mutants, tests)
            n_killed = len(mutants) - len(survived)
            rows.append(
                f"| {area} | {n_places} | {len(mutants)} | {n_killed} | "
                f"{100 * n_killed / len(mutants):.1f} % | {time.monotonic() - start:.0f} s |"
            )
            remaining += survived
    print("| area | places | mutants | killed | score | time |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(*rows, sep="\n")
    print("\nSurvivors:", *remaining, sep="\n")


if __name__ == "__main__":
    main()
