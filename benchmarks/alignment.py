"""Accuracy with and without alignment: ``EEGSK_DATA=... python benchmarks/alignment.py``.

``EEGNetClassifier()`` with its defaults. Alignment uses no labels; "causal" aligns each test trial
by the trials of its session that come before it. Each table is printed in Markdown.

bci_iv_2b
    Trained on 01T, 02T and 03T of a subject, or on all sessions of the other four subjects, and
    tested on 04E and 05E of the subject. Domains are sessions.
eegmmidb
    Imagined left or right fist, the first 480 samples (3 s) of 64 unfiltered channels; five folds
    that keep people whole. Domains are people.
eegmat
    Rest or mental arithmetic, windows of 4 s; four folds that keep people whole; balanced accuracy.
    Domains are people.
"""

from __future__ import annotations

import argparse

from recordings import alignment
from recordings.jobs import SUBJECTS, Settings, add_settings
from side_by_side.report import describe

TABLES = {
    "bci_iv_2b": alignment.bci_iv_2b,
    "eegmmidb": alignment.eegmmidb,
    "eegmat": alignment.eegmat,
}


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    names = list(TABLES)
    add("--only", nargs="+", choices=names, default=names, metavar="DATA", help=", ".join(names))
    add("--subjects", type=int, nargs="+", default=SUBJECTS, help="tested, of data set 2b")
    add_settings(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Run the tables and print them."""
    arguments = parse_arguments(argv)
    settings = Settings.from_arguments(arguments)
    print(f"{describe([], settings.device, 1)}; {settings}", flush=True)
    for name in arguments.only:
        print(f"\n{name}\n\n{TABLES[name](settings)}", flush=True)


if __name__ == "__main__":
    main()
