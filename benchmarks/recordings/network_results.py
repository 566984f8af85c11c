"""File of the scores of all networks, and their table."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from .table import table

RESULTS = Path(__file__).parents[1] / "results" / "networks.csv"
KEY = ("data", "library", "method", "trials", "seed", "part")
VALUES = ("score", "seconds", "n_parameters", "device", "machine")
# Devices of the columns with times of fits.
DEVICES = {"cpu": "fit, CPU", "cuda": "fit, GPU"}

Row = dict[str, Any]


def read_results(path: Path) -> list[Row]:
    """Read the rows of a file: one for each fit."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_results(path: Path, rows: list[Row]) -> None:
    """Write rows into a file; they replace rows of the same fits."""
    fits = {tuple(str(row[name]) for name in KEY): row for row in [*read_results(path), *rows]}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*KEY, *VALUES], lineterminator="\n")
        writer.writeheader()
        writer.writerows(_rounded(fits[key]) for key in sorted(fits))


def _rounded(row: Row) -> Row:
    score, seconds = float(row["score"]), float(row["seconds"])
    return {**row, "score": f"{score:.4f}", "seconds": f"{seconds:.2f}"}


def results_table(rows: list[Row], data: str) -> str:
    """Format the scores of a data set: a line for each method and kind of trials."""
    rows = [row for row in rows if row["data"] == data]
    parts = sorted({row["part"] for row in rows}, key=int)
    label = "subject {}" if data == "bci_iv_2b" else "fold {}"
    numbers = [int(part) + (data == "eegmmidb") for part in parts]
    header = ["method", "library", "trials", *map(label.format, numbers), "mean ± SD over seeds",
              *DEVICES.values()]  # fmt: skip
    lines = {}
    for row in rows:
        lines.setdefault((row["method"], row["library"], row["trials"]), []).append(row)
    summaries = [(names, _summary(fits, parts)) for names, fits in lines.items()]
    summaries.sort(key=lambda item: (item[0][2], item[1][len(parts)]), reverse=True)
    return table(header, [[*names, *cells] for names, cells in summaries])


def _summary(fits: list[Row], parts: list[str]) -> list[str]:
    """Return the mean of each part, the mean over all parts, and median seconds by device."""
    of_part = {part: [float(row["score"]) for row in fits if row["part"] == part] for part in parts}
    cells = [f"{np.mean(scores):.3f}" if scores else "" for scores in of_part.values()]
    mean, deviation = mean_and_deviation(fits)
    spread = f"{mean:.3f}" if deviation is None else f"{mean:.3f} ± {deviation:.3f}"
    spread = spread if all(of_part.values()) else ""  # a mean of some parts cannot be compared
    return [*cells, spread, *(_seconds(fits, device) for device in DEVICES)]


def _seconds(fits: list[Row], device: str) -> str:
    seconds = [float(row["seconds"]) for row in fits if row["device"] == device]
    return f"{np.median(seconds):.1f} s" if seconds else ""


def mean_and_deviation(fits: list[Row]) -> tuple[float, float | None]:
    """Return the mean score over parts and seeds, and the standard deviation over seeds."""
    seeds: dict[str, list[float]] = {}
    for row in fits:
        seeds.setdefault(row["seed"], []).append(float(row["score"]))
    means = [np.mean(scores) for scores in seeds.values()]
    deviation = float(np.std(means, ddof=1)) if len(means) > 1 else None
    return float(np.mean(means)), deviation
