"""Accuracy on new people: ``EEGSK_DATA=... python benchmarks/cross_subject.py --n-jobs 2``.

Imagined left or right fist of the 40 people of eegmmidb, the first 480 samples (3 s) of 64
unfiltered channels, in five folds that keep people whole. The first table compares
``EEGNetClassifier()`` with its defaults and the recipe ``cross_subject_motor_imagery``, with and
without its parts, trained on the other people. The second table has the accuracy of the recipe in
the third run of each person, before and after fine-tuning on the first two runs.

The recipe was chosen on the people S001 to S020, so compare the scores of S021 to S040.
"""

from __future__ import annotations

import argparse

from recordings.cross_subject import VARIANTS, measure
from recordings.jobs import Settings, add_settings
from side_by_side.report import describe


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    names = list(VARIANTS)
    add("--only", nargs="+", choices=names, default=names, metavar="ROW", help=", ".join(names))
    add("--no-fine-tuning", dest="is_fine_tuned", action="store_false", help="first table only")
    add_settings(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Run the variants and print the tables."""
    arguments = parse_arguments(argv)
    settings = Settings.from_arguments(arguments)
    print(f"{describe([], settings.device, 1)}; {settings}\n", flush=True)
    print(measure(arguments.only, settings, arguments.is_fine_tuned))


if __name__ == "__main__":
    main()
