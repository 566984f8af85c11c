"""Techniques on real recordings: ``EEGSK_DATA=... python benchmarks/real_recordings.py``.

Each table is printed in Markdown under its title. No epoch and no parameter is chosen on the test
data: each fit is tested once, after its last epoch. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from recordings import (
    ablation,
    activations,
    alphas,
    arithmetic,
    choice,
    event_related,
    imbalance,
    many_classes,
    reaction_times,
    recipe,
)
from recordings.jobs import SUBJECTS, Settings, add_settings
from side_by_side.report import describe

TABLES = {
    "activations": activations,
    "alphas": alphas,
    "reaction_times": reaction_times,
    "arithmetic": arithmetic,
    "imbalance": imbalance,
    "event_related": event_related,
    "many_classes": many_classes,
    "choice": choice,
    "ablation": ablation,
    "recipe": recipe,
}


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    names = list(TABLES)
    add("--only", nargs="+", choices=names, metavar="TABLE", default=names, help=", ".join(names))
    add("--subjects", type=int, nargs="+", default=SUBJECTS, help="of data set 2b (default all)")
    add("--figures", type=Path, default=Path(), help="folder for figures (default: current)")
    add_settings(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Compute and print the tables."""
    arguments = parse_arguments(argv)
    settings = Settings.from_arguments(arguments)
    print(f"{describe([], settings.device, 1)}; {settings}", flush=True)
    for name in arguments.only:
        module = TABLES[name]
        print(f"\n{name}. {module.TITLE}.\n\n{module.measure(settings)}", flush=True)


if __name__ == "__main__":
    main()
