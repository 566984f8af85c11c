"""The examples and the figure of README.md run from start to end, on simulated data."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))


def run_script(path, *arguments, folder):
    """Run a Python script in another process and folder, without recordings."""
    environment = {name: value for name, value in os.environ.items() if name != "EEGSK_DATA"}
    environment |= {"MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(path), *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )


@pytest.mark.slow
@pytest.mark.example
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_saves_a_figure(example, tmp_path):
    printed = run_script(example, folder=tmp_path).stdout
    figure = tmp_path / f"{example.stem}.png"
    assert figure.stat().st_size > 10_000
    assert str(figure) in printed


@pytest.mark.slow
def test_figure_of_readme(tmp_path):
    figure = tmp_path / "readme.png"
    run_script(ROOT / "docs" / "make_readme_figure.py", str(figure), folder=tmp_path)
    assert 10_000 < figure.stat().st_size < 120_000
