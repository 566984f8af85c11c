"""Time and score of each recipe: ``EEGSK_DATA=... python benchmarks/recipes.py``.

The table has one row for each recipe of ``eegsk.recipes``: data, number of epochs, seconds of all
fits, and score on test trials. The two-channel recipes were made for data set IIIb of BCI
Competition III. It is not available here, so they are run on channels C3 and C4 of data set 2b of
BCI Competition IV, on 750 samples from 0.5 s after the cue, with ReLU
(``real_recordings.py --only activations`` measures other activations). Trials are simulated without
``EEGSK_DATA``, and for the regression recipes. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from recordings.jobs import Job, Settings, run_jobs
from recordings.recipe_rows import ROWS, accuracy, run
from recordings.table import table
from side_by_side.report import describe
from sklearn.metrics import balanced_accuracy_score

from eegsk import recipes
from eegsk.metrics import nrmse

METRICS = {
    accuracy: "accuracy",
    balanced_accuracy_score: "balanced accuracy",
    nrmse: "NRMSE",
}


def format_row(row: dict[str, Any]) -> list[str]:
    """Format one row of the table."""
    metric = METRICS[ROWS[row["recipe"]].metric]
    n_fits = len(row["scores"])
    scores = f"{metric} {np.mean(row['scores']):.3f}"
    if n_fits > 1:
        scores += f" ({min(row['scores']):.3f} to {max(row['scores']):.3f})"
    seconds = f"{row['seconds']:.1f}" + (f" ({n_fits} fits)" if n_fits > 1 else "")
    return [row["recipe"], row["data"], str(row["epochs"]), seconds, scores]


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    names = recipes.__all__
    add("--only", nargs="+", choices=names, metavar="RECIPE", default=names, help=", ".join(names))
    add("--max-epochs", type=int, help="epochs of each fit, on few trials, for a quick try")
    add("--seed", type=int, default=0, help="seed (default 0)")
    add("--n-jobs", type=int, default=1, help="parallel rows, with one thread each (default 1)")
    add("--device", default="cpu", help="torch device (default cpu)")
    add("--cache", type=Path, help="folder that stores each row, to continue")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Run the recipes and print the table."""
    arguments = parse_arguments(argv)
    settings = Settings(
        seeds=(arguments.seed,),
        max_epochs=arguments.max_epochs,
        n_jobs=arguments.n_jobs,
        device=arguments.device,
        cache=arguments.cache,
    )
    real, small = bool(os.environ.get("EEGSK_DATA")), arguments.max_epochs is not None
    if not real:
        print("EEGSK_DATA is not set, so all trials are simulated.", file=sys.stderr)
    jobs = [
        Job(
            run,
            {"name": name, "real": real, "small": small, "settings": settings},
            {"recipe": name},
        )
        for name in ROWS
        if name in arguments.only
    ]
    print(f"{describe([], settings.device, 1)}; {settings}\n", flush=True)
    rows = run_jobs(jobs, settings)
    print(table(["recipe", "data", "epochs", "seconds", "score"], map(format_row, rows)))


if __name__ == "__main__":
    main()
