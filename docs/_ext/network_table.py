"""Table of all networks in the user guide, from the scores that benchmarks/networks.py writes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

FITS = Path(__file__).parents[2] / "benchmarks" / "results" / "networks.csv"
# Data set, kind of trials, and title of the columns with accuracies.
COLUMNS = {
    ("bci_iv_2b", "aligned"): "`bci_iv_2b`, aligned",
    ("eegmmidb", "raw"): "`eegmmidb`, raw",
    ("eegmmidb", "aligned"): "`eegmmidb`, aligned",
}
# Titles of the columns with times, by device.
TIMES = {"cpu": "`fit`, CPU", "cuda": "`fit`, GPU"}
DESCRIPTIONS = {
    "bci_iv_2b": """\
`bci_iv_2b`
: Motor imagery of five people, 3 channels: training on three sessions of a person, test on two
  later sessions. This copy of the data was band-pass filtered at about 6 to 26 Hz, so the
  accuracies cannot be compared with published figures.
""",
    "eegmmidb": """\
`eegmmidb`
: Motor imagery of 40 people, 64 unfiltered channels: five folds, in which the tested people are not
  in the training data. The recipe {func}`~eegsk.recipes.cross_subject_motor_imagery`, six EEGNets
  with alignment and augmentation, has .874.
""",
}
SECTION = """\
## Measured accuracies

TABLE

All networks have their default parameters. Parameters and times are those for DATA; times are
medians of fits with one thread of a CPU, or on an NVIDIA H200 that 14 to 19 fits shared.

DESCRIPTIONS
Trials are raw, or aligned by session or person with
{class}`~eegsk.alignment.EuclideanAlignment`. Lines with "(pyRiemann)" are classifiers of covariance
matrices. The [results](../results.md) have the scores of each person and of braindecode's networks.

Differences of .01 are smaller than those between seeds. Choose by cross-validation of your own
data.

"""


def network_section(path: Path = FITS) -> str:
    """Return the section with the table in Markdown; nothing if the benchmark was not run."""
    if not path.exists():
        return ""
    fits = pd.read_csv(path)
    data = _data_sets(fits)
    texts = {
        "TABLE\n": network_table(fits),
        "DATA": " / ".join(f"`{name}`" for name in data),
        "DESCRIPTIONS\n": "\n".join(DESCRIPTIONS[name] for name in data) + "\n",
    }
    section = SECTION
    for name, text in texts.items():
        section = section.replace(name, text, 1)
    return section


def network_table(fits: pd.DataFrame) -> str:
    """Return the table in Markdown; a method that was not run on all parts has no score there."""
    columns = {
        column: title
        for column, title in COLUMNS.items()
        if ((fits["data"] == column[0]) & (fits["trials"] == column[1])).any()
    }
    times = {device: title for device, title in TIMES.items() if device in set(fits["device"])}
    header = ["method", "parameters", *times.values(), *columns.values()]
    rows = [
        (scores, [_name(library, method), *_sizes(group, fits, times), *_cells(scores, [*columns])])
        for (library, method), group in fits[fits["library"].isin(["eegsk", "pyRiemann"])].groupby(
            ["library", "method"], sort=False
        )
        for scores in [_mean_scores(group, fits)]
    ]
    rows.sort(key=lambda row: next(iter(row[0].values()), 0.0), reverse=True)
    lines = [header, ["---"] * len(header), *(cells for _, cells in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _data_sets(fits: pd.DataFrame) -> list[str]:
    return [name for name in DESCRIPTIONS if (fits["data"] == name).any()]


def _name(library: str, method: str) -> str:
    return f"`{method}`" if library == "eegsk" else f"{method} ({library})"


def _mean_scores(group: pd.DataFrame, fits: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Return the mean score for each column in which the method was run on all parts."""
    scores = {}
    for column in COLUMNS:
        selected = group[(group["data"] == column[0]) & (group["trials"] == column[1])]
        n_parts = fits.loc[fits["data"] == column[0], "part"].nunique()
        if n_parts and selected["part"].nunique() == n_parts:
            scores[column] = selected["score"].mean()
    return scores


def _cells(scores: dict[tuple[str, str], float], columns: list[tuple[str, str]]) -> list[str]:
    return [f"{scores[column]:.3f}" if column in scores else "" for column in columns]


def _sizes(group: pd.DataFrame, fits: pd.DataFrame, devices: Iterable[str]) -> list[str]:
    """Return number of parameters, and median time of a fit on each device, on the data sets."""
    selected = [group[group["data"] == data] for data in _data_sets(fits)]
    counts = [_number(rows["n_parameters"].max(), "{:,.0f}") for rows in selected]
    times = [
        [
            _number(rows["seconds"][rows["device"] == device].median(), "{:.0f} s")
            for rows in selected
        ]
        for device in devices
    ]
    return [" / ".join(cells) for cells in [counts, *times]]


def _number(value: float, form: str) -> str:
    return "-" if pd.isna(value) else form.format(value)
