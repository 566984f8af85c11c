"""Measuring a line in each library in turn, and what comes out."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass

from .libraries import Maker
from .tasks import Line, Run, count_parameters, fitted

_SCALE = {"s": 1.0, "ms": 1e3, "MiB": 2.0**-20}


@dataclass(frozen=True)
class Settings:
    """What holds for all lines.

    Parameters
    ----------
    threads : int
        How many threads of the CPU to compute with.
    device : str
        Where to compute.
    repeats : int or None
        How often to measure each library, if not as often as the line says.
    """

    threads: int
    device: str
    repeats: int | None


@dataclass(frozen=True)
class Result:
    """What was measured of a line.

    Parameters
    ----------
    line : Line
        The line.
    device : str
        Where it was computed.
    measured : dict of str to list of float
        For each library, seconds or bytes, in the order in which they were measured.
    """

    line: Line
    device: str
    measured: dict[str, list[float]]

    @property
    def medians(self) -> dict[str, float]:
        """The median of each library."""
        return {name: statistics.median(found) for name, found in self.measured.items()}

    @property
    def ratios(self) -> list[float]:
        """By how many times braindecode's exceeds eegsk's, in each turn; empty without it."""
        ours, *theirs = self.measured.values()
        return [b / a for found in theirs for a, b in zip(ours, found, strict=True)]

    @property
    def ratio(self) -> float:
        """The ratio of the medians."""
        ours, theirs = self.medians.values()
        return theirs / ours

    @property
    def reached(self) -> bool:
        """Whether the ratio reaches its target, and eegsk stays under the limit."""
        return self.ratio >= self.line.target and self.medians["eegsk"] < self.line.limit

    def absolute(self, library: str) -> str:
        """Format the median of a library with its unit."""
        return with_unit(self.medians[library], self.line.unit)


def compare(line: Line, libraries: dict[str, Maker], settings: Settings) -> Result:
    """Measure a line in each library in turn.

    Parameters
    ----------
    line : Line
        What to measure.
    libraries : dict
        What makes classifiers of each library.
    settings : Settings
        Threads, device and repetitions.

    Returns
    -------
    result : Result
        All that was measured.
    """
    runs = {
        name: Run(line, make, settings.threads, settings.device) for name, make in libraries.items()
    }
    check_parameters(line, runs)
    measures = {name: line.task(run) for name, run in runs.items()}
    result = Result(line, settings.device, {name: [] for name in runs})
    n_turns = settings.repeats or line.repeats
    for turn in range(n_turns):
        for name in list(runs)[:: 1 if turn % 2 == 0 else -1]:
            result.measured[name].append(measures[name]())
        report_turn(result, turn, n_turns)
    return result


def check_parameters(line: Line, runs: dict[str, Run]) -> None:
    """Fit once, to warm up, and see that the networks are the ones that are meant."""
    found = [count_parameters(fitted(run)) for run in runs.values()]
    counts = " and ".join(f"{count:,}" for count in found)
    progress(f"{line.name}: networks of {counts} parameters")
    if tuple(found) != line.n_parameters[: len(found)]:
        raise SystemExit(f"{line.name}: the networks should have {line.n_parameters} parameters.")


def with_unit(value: float, unit: str) -> str:
    """Write seconds or bytes in a unit, to three digits."""
    scaled = value * _SCALE[unit]
    return f"{scaled:.0f} {unit}" if scaled >= 100 else f"{scaled:.3g} {unit}"


def report_turn(result: Result, turn: int, n_turns: int) -> None:
    """Print what the last turn measured."""
    unit = result.line.unit
    latest = ", ".join(f"{name} {with_unit(m[-1], unit)}" for name, m in result.measured.items())
    ratio = f", ratio {result.ratios[-1]:.1f}" if result.ratios else ""
    progress(f"  {turn + 1}/{n_turns}: {latest}{ratio}")


def progress(message: str) -> None:
    """Print a line beside the table."""
    print(message, file=sys.stderr, flush=True)
