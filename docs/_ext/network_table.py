"""Table of all networks in the user guide, from the scores that benchmarks/networks.py writes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

FITS = Path(__file__).parents[2] / "benchmarks" / "results" / "networks.csv"
# Data set, kind of trials, and title of the columns with accuracies.
COLUMNS = {
    ("bci_iv_2b", "aligned"): "`bci_iv_2b`, aligned",
    ("eegmmidb", "raw"): "`eegmmidb`, raw",
    ("eegmmidb", "aligned"): "`eegmmidb`, aligned",
}
# Data sets whose parameters and times are shown.
DATA = ("bci_iv_2b", "eegmmidb")
SECTION = """\
## Measured on two data sets

TABLE

All networks have their default parameters. Each pair of numbers of parameters and of times is for
`bci_iv_2b` and `eegmmidb`; times are medians of fits with one thread.

`bci_iv_2b`
: Motor imagery of five people, 3 channels: training on three sessions of a person, test on two
  later sessions. This copy of the data was band-pass filtered at about 6 to 26 Hz, so the
  accuracies cannot be compared with published figures.

`eegmmidb`
: Motor imagery of 40 people, 64 unfiltered channels: five folds, in which the tested people are not
  in the training data.

Trials are raw, or aligned by session or person with
{class}`~eegsk.alignment.EuclideanAlignment`. Lines with "(pyRiemann)" are classifiers of covariance
matrices. The [results](../results.md) have the scores of each person and of braindecode's networks.

Differences of .01 are smaller than those between seeds. Choose by cross-validation of your own
data.

"""


def network_section(path: Path = FITS) -> str:
    """Return the section with the table in Markdown; nothing if the benchmark was not run."""
    return SECTION.replace("TABLE\n", network_table(path)) if path.exists() else ""


def network_table(path: Path) -> str:
    """Return the table in Markdown; a method that was not run on all parts has no score there."""
    fits = pd.read_csv(path)
    header = ["method", "parameters", "time of `fit`", *COLUMNS.values()]
    rows = [
        (scores, [_name(library, method), *_sizes(group), *_cells(group, scores)])
        for (library, method), group in fits[fits["library"] != "braindecode"].groupby(
            ["library", "method"], sort=False
        )
        for scores in [_mean_scores(group, fits)]
    ]
    rows.sort(key=lambda row: next(iter(row[0].values()), 0.0), reverse=True)
    lines = [header, ["---"] * len(header), *(cells for _, cells in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


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


def _cells(group: pd.DataFrame, scores: dict[tuple[str, str], float]) -> list[str]:
    return [f"{scores[column]:.3f}" if column in scores else "" for column in COLUMNS]


def _sizes(group: pd.DataFrame) -> list[str]:
    """Return number of parameters and median time of a fit, on the data sets."""
    counts, times = [], []
    for data in DATA:
        selected = group[group["data"] == data]
        count, seconds = selected["n_parameters"].max(), selected["seconds"].median()
        counts.append("-" if pd.isna(count) else f"{count:,.0f}")
        times.append("-" if pd.isna(seconds) else f"{seconds:.0f} s")
    return [" / ".join(counts), " / ".join(times)]
