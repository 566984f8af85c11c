"""Measurement of a line in each library, alternately."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass

from .libraries import Maker
from .tasks import Line, Run, count_parameters, fitted

_SCALE = {"s": 1.0, "ms": 1e3, "MiB": 2.0**-20}


@dataclass(frozen=True)
class Settings:
    """Settings of all lines.

    Parameters
    ----------
    threads : int
        Number of CPU threads.
    device : str
        Torch device.
    repeats : int or None
        Number of measurements of each library; None for the number that the line sets.
    eegsk_threads : int or None, default=None
        Number of CPU threads of eegsk; None for ``threads``.
    """

    threads: int
    device: str
    repeats: int | None
    eegsk_threads: int | None = None

    def run(self, line: Line, library: str, make: Maker) -> Run:
        """Return what is measured for a library: its classifier on a line."""
        threads = self.eegsk_threads if library == "eegsk" else None
        return Run(line, make, threads or self.threads, self.device)


@dataclass(frozen=True)
class Result:
    """Measurements of a line.

    Parameters
    ----------
    line : Line
        The line.
    device : str
        Torch device.
    measured : dict of str to list of float
        Seconds or bytes of each library, in the order of measurement.
    """

    line: Line
    device: str
    measured: dict[str, list[float]]

    @property
    def medians(self) -> dict[str, float]:
        """Median of each library."""
        return {name: statistics.median(values) for name, values in self.measured.items()}

    @property
    def ratios(self) -> list[float]:
        """Value of braindecode divided by that of eegsk, by repeat; empty without braindecode."""
        ours, *theirs = self.measured.values()
        return [b / a for values in theirs for a, b in zip(ours, values, strict=True)]

    @property
    def ratio(self) -> float:
        """Ratio of the medians."""
        ours, theirs = self.medians.values()
        return theirs / ours

    @property
    def reached(self) -> bool:
        """Whether the ratio reaches its target and eegsk stays under its limit."""
        return self.ratio >= self.line.target and self.medians["eegsk"] < self.line.limit

    def absolute(self, library: str) -> str:
        """Format the median of a library with its unit."""
        return with_unit(self.medians[library], self.line.unit)


def compare(line: Line, libraries: dict[str, Maker], settings: Settings) -> Result:
    """Measure a line in each library, alternately.

    Parameters
    ----------
    line : Line
        The line.
    libraries : dict of str to callable
        Functions that create the classifier of each library.
    settings : Settings
        Threads, device and repeats.

    Returns
    -------
    result : Result
        The measurements.
    """
    runs = {name: settings.run(line, name, make) for name, make in libraries.items()}
    check_parameters(line, runs)
    measures = {name: line.task(run) for name, run in runs.items()}
    result = Result(line, settings.device, {name: [] for name in runs})
    n_repeats = settings.repeats or line.repeats
    for repeat in range(n_repeats):
        for name in list(runs)[:: 1 if repeat % 2 == 0 else -1]:
            result.measured[name].append(measures[name]())
        report_repeat(result, repeat, n_repeats)
    return result


def check_parameters(line: Line, runs: dict[str, Run]) -> None:
    """Fit once as a warm-up, and check the number of parameters of the networks."""
    counts = [count_parameters(fitted(run)) for run in runs.values()]
    formatted = " and ".join(f"{count:,}" for count in counts)
    progress(f"{line.name}: networks with {formatted} parameters")
    if tuple(counts) != line.n_parameters[: len(counts)]:
        raise SystemExit(
            f"{line.name}: the networks have {formatted} parameters; expected {line.n_parameters}."
        )


def with_unit(value: float, unit: str) -> str:
    """Format seconds or bytes in a unit, with three digits."""
    scaled = value * _SCALE[unit]
    return f"{scaled:.0f} {unit}" if scaled >= 100 else f"{scaled:.3g} {unit}"


def report_repeat(result: Result, repeat: int, n_repeats: int) -> None:
    """Print the last measurement of each library."""
    unit = result.line.unit
    latest = ", ".join(f"{name} {with_unit(m[-1], unit)}" for name, m in result.measured.items())
    ratio = f", ratio {result.ratios[-1]:.1f}" if result.ratios else ""
    progress(f"  {repeat + 1}/{n_repeats}: {latest}{ratio}")


def progress(message: str) -> None:
    """Print a line to the standard error, so that the standard output has only tables."""
    print(message, file=sys.stderr, flush=True)
