"""Speed and memory of eegsk and braindecode: ``python benchmarks/speed.py``.

Each line of the table is measured alternately in both libraries, in one process, on the same trials
with the same network, number of epochs, batch size and number of threads, after a warm-up. The
table has the medians, their ratio, and the range of the ratio over the repeats. See
benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import os
import warnings
from dataclasses import replace
from pathlib import Path

import torch
from side_by_side import report
from side_by_side.bounds import Machine, find_bounds, measure_machine
from side_by_side.comparison import Result, Settings, compare, progress
from side_by_side.growth import SIZES, measure_growth
from side_by_side.libraries import Maker, find_libraries
from side_by_side.lines import LINES
from side_by_side.tasks import Line, fit, predict, predict_one

GROWTH = {f"growth_{axis}": axis for axis in SIZES}


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [*(line.name for line in LINES), *GROWTH]
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    add = parser.add_argument
    device_help = "devices (default: CPU, and CUDA if available)"
    add("--only", nargs="+", choices=names, metavar="LINE", default=names, help=", ".join(names))
    add("--repeats", type=int, help="repeats of each line (default: set by the line)")
    add("--threads", type=int, default=2, help="threads of each library (default 2)")
    add("--eegsk-threads", type=int, help="threads of eegsk, if it has others; its default is 1")
    add("--devices", nargs="+", choices=["cpu", "cuda"], default=devices, help=device_help)
    add("--bounds", action="store_true", help="print the bounds of the speed of eegsk instead")
    add("--quick", action="store_true", help="few trials, one repeat: only check that it runs")
    add("--csv", type=Path, help="CSV file for all measurements")
    return parser.parse_args(argv)


def silence_imports() -> None:
    """Ignore warnings of braindecode in this process and its child processes."""
    warnings.filterwarnings("ignore", module=r"braindecode|torch")
    os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning,ignore::UserWarning")


def quick(line: Line) -> Line:
    """Return the line with few trials and a single repeat."""
    n_trials = 40 if line.name in ("search", "many_fits") else 8
    return replace(line, shape=(n_trials, *line.shape[1:]), epochs=1, repeats=1)


def print_bounds(lines: list[Line], machine: Machine, settings: Settings) -> None:
    """Print the table of bounds."""
    print(f"{report.describe_machine(machine)}\n", flush=True)
    bounds = []
    for line in lines:
        if line.task in (fit, predict, predict_one):
            progress(line.name)
            bounds.append(find_bounds(line, machine, settings))
    print(report.bounds_table(bounds))


def print_comparison(
    lines: list[Line], axes: list[str], libraries: dict[str, Maker], settings: Settings
) -> list[Result]:
    """Print the table of results and the tables of growth."""
    results = [compare(line, libraries, settings) for line in lines]
    if results:
        print(report.results_table(results), flush=True)
    for axis in axes:
        print(f"\n{report.growth_table(measure_growth(axis, libraries, settings))}", flush=True)
    return results


def main(argv: list[str] | None = None) -> None:
    """Measure and print the tables."""
    arguments = parse_arguments(argv)
    libraries = find_libraries()
    if len(libraries) > 1:
        silence_imports()
    lines = [line for line in LINES if line.name in arguments.only]
    axes = [axis for name, axis in GROWTH.items() if name in arguments.only]
    if arguments.quick:
        lines, axes = [quick(line) for line in lines], []
    results = []
    for device in ["cpu"] if arguments.bounds else arguments.devices:
        torch.set_num_threads(arguments.threads)
        settings = Settings(arguments.threads, device, arguments.repeats, arguments.eegsk_threads)
        print(f"\n{report.describe(libraries, device, settings.threads)}", flush=True)
        if settings.eegsk_threads is not None:
            print(f"eegsk: n_threads={settings.eegsk_threads}")
        print(flush=True)
        if arguments.bounds:
            machine = measure_machine(settings.threads, size=256 if arguments.quick else 2048)
            print_bounds(lines, machine, settings)
        else:
            results += print_comparison(lines, axes, libraries, settings)
    if arguments.csv:
        report.write_csv(arguments.csv, results)


if __name__ == "__main__":
    main()
