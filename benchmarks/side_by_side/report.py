"""Tables in Markdown, and the CSV file."""

from __future__ import annotations

import csv
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

import torch

from .bounds import Bounds, Machine
from .comparison import Result, with_unit
from .growth import Growth


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def results_table(results: Sequence[Result]) -> str:
    """Format the main table: medians, their ratio, its range over the repeats, and the target."""
    if not results[0].ratios:
        return table(["task", "eegsk"], [[r.line.label, r.absolute("eegsk")] for r in results])
    header = ["task", "eegsk", "braindecode", "ratio", "range", "target", "reached"]
    return table(header, [_row(result) for result in results])


def _row(result: Result) -> list[str]:
    line, ratios = result.line, result.ratios
    limit = "" if line.limit == float("inf") else f", under {line.limit * 1e3:g} ms"
    return [
        line.label,
        result.absolute("eegsk"),
        result.absolute("braindecode"),
        f"{result.ratio:.1f}",
        f"{min(ratios):.1f} to {max(ratios):.1f}",
        f"{line.target:g}{limit}",
        "yes" if result.reached else "no",
    ]


def growth_table(growth: Growth) -> str:
    """Format the time and memory of each library by size."""
    libraries = list(growth.results["fit"][0].measured)
    header = [growth.axis, *(f"{name}, {unit}" for name in libraries for unit in ("s", "MiB"))]
    rows = [
        [str(size), *(f"{r.medians[name]:.3g}" if r is timed else f"{r.medians[name] / 2**20:.1f}"
                      for name in libraries for r in (timed, memory))]
        for size, timed, memory in zip(growth.sizes, *growth.results.values(), strict=True)
    ]  # fmt: skip
    factors = [
        growth.per_doubling(quantity, name) for name in libraries for quantity in growth.results
    ]
    return table(header, [*rows, ["per doubling", *(f"x {factor:.2f}" for factor in factors)]])


def bounds_table(bounds: Sequence[Bounds]) -> str:
    """Format the time and the bounds of each line."""
    header = ["task", "eegsk", "GFLOP", "arithmetic", "GB", "memory traffic", "operations"]
    rows = [
        [
            b.line.label,
            with_unit(b.seconds, "ms"),
            f"{sum(b.work.flops.values()) / 1e9:.3g}",
            with_unit(b.arithmetic, "ms"),
            f"{b.work.moved / 1e9:.3g}",
            with_unit(b.traffic, "ms"),
            str(b.work.n_operations),
            with_unit(b.python, "ms"),
            f"{b.largest[1]}, {b.largest[0]:.0%}",
        ]
        for b in bounds
    ]
    return table([*header, "Python", "largest bound"], rows)


def describe_machine(machine: Machine) -> str:
    """Describe the peak speed of a machine in one line."""
    single, double = (machine.flops[dtype] / 1e9 for dtype in (torch.float32, torch.float64))
    return (
        f"peak {single:.0f} GFLOP/s in single and {double:.0f} in double precision; "
        f"{machine.bandwidth / 1e9:.1f} GB/s"
    )


def describe(libraries: Iterable[str], device: str, threads: int) -> str:
    """Describe processor, threads and versions in one line."""
    packages = [name for name in (*libraries, "torch") if name != "eegsk"]
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    processor = torch.cuda.get_device_name() if device == "cuda" else _processor()
    plural = "s" * (threads != 1)
    return f"{processor}, {threads} thread{plural}; Python {platform.python_version()}, {versions}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def write_csv(path: Path, results: Iterable[Result]) -> None:
    """Write all measurements, in seconds or bytes, one per row."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["device", "line", "library", "repeat", "value", "target"])
        for r in results:
            for name, values in r.measured.items():
                for repeat, value in enumerate(values):
                    writer.writerow([r.device, r.line.name, name, repeat, value, r.line.target])
