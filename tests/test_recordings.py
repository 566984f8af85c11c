"""Short runs of the benchmarks of recipes and of recordings."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import eegsk

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
QUICK = ["--seeds", "0", "--subjects", "4", "--max-epochs", "1"]


@pytest.fixture
def module_of(monkeypatch):
    """Return a function that imports a module of the benchmarks."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.fixture
def recorded_of(module_of):
    """Return the same function; skip the test if there are no recordings."""
    if not os.environ.get("EEGSK_DATA"):
        pytest.skip("needs recordings: set EEGSK_DATA to their folder")
    return module_of


def thin(monkeypatch, module, step=4):
    """Keep every ``step``-th trial of the loaders of a module, except those of reaction times."""
    for name, load in list(vars(module).items()):
        if name.startswith("load_") and name != "load_reaction_times":
            monkeypatch.setattr(module, name, lambda *args, load=load: _thinned(load(*args), step))


def _thinned(recordings, step):
    parts = [part[::step] if isinstance(part, np.ndarray) else part for part in recordings]
    return type(recordings)(*parts) if hasattr(recordings, "_fields") else tuple(parts)


def rows_of(output):
    """Return the cells of the rows of a table, without its heading."""
    lines = [line for line in output.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


# Part of each table for a short run.
PARTS = {
    "activations": {"NETWORKS": ["EEGNet"], "ACTIVATIONS": ["relu", "elu"]},
    "alphas": {"ALPHAS": ["elu, alpha 0.2", "elu, alpha 0.9"]},
    "reaction_times": {},
    "arithmetic": {"ESTIMATORS": ["LDA on log band power", "EEGNet, balanced"]},
    "imbalance": {"VARIANTS": ["EEGNet", "focal balance"]},
    "event_related": {"VARIANTS": ["LDA of amplitudes", "recipe, one network"]},
    "many_classes": {"ESTIMATORS": ["EEGNet", "fine-grained recipe"]},
    "choice": {"VARIANTS": ["EEGNet", "recipe"]},
    "ablation": {"VARIANTS": ["EEGNet", "+ all"]},
    "recipe": {"VARIANTS": ["EEGNet", "recipe"]},
}


def _part(constant, keys):
    return {key: constant[key] for key in keys} if isinstance(constant, dict) else keys


@pytest.mark.parametrize("name", PARTS)
def test_tables_of_recordings(recorded_of, name, monkeypatch, capsys, tmp_path):
    benchmark = recorded_of("real_recordings")
    module = benchmark.TABLES[name]
    thin(monkeypatch, module)
    thin(monkeypatch, recorded_of("recordings.two_channels"))
    for constant, keys in PARTS[name].items():
        monkeypatch.setattr(module, constant, _part(getattr(module, constant), keys))
    benchmark.main([*QUICK, "--only", name, "--figures", str(tmp_path)])
    rows = rows_of(capsys.readouterr().out)
    assert len(rows) == (3 if name == "reaction_times" else 2)
    scores = [float(number) for row in rows for number in re.findall(r"\d\.\d\d\d", " ".join(row))]
    assert len(scores) >= len(rows)
    assert all(0 <= score < 3 for score in scores)
    assert (tmp_path / "activations.png").exists() == (name == "activations")


def test_all_tables_are_tested(module_of):
    assert module_of("real_recordings").TABLES.keys() == PARTS.keys()


def test_networks_on_recordings(recorded_of, monkeypatch, capsys, tmp_path):
    benchmark = recorded_of("networks")
    thin(monkeypatch, recorded_of("recordings.networks"))
    path = tmp_path / "networks.csv"
    only = ["--only", "bci_iv_2b", "--libraries", "eegsk", "--csv", str(path)]
    for network in ("EEGNet", "EEGNeXMini", "EEGNet"):
        benchmark.main([*QUICK, *only, "--networks", network])
    lines = path.read_text().splitlines()
    assert [line.split(",")[:6] for line in lines[1:]] == [
        ["bci_iv_2b", "eegsk", network, "aligned", "0", "4"] for network in ("EEGNeXMini", "EEGNet")
    ]
    table = rows_of(capsys.readouterr().out)[-2:]
    assert {tuple(row[:3]) for row in table} == {
        (network, "eegsk", "aligned") for network in ("EEGNet", "EEGNeXMini")
    }


def test_all_networks_are_compared(module_of):
    compared = {f"{name}Classifier" for name in module_of("recordings.networks").NETWORKS}
    assert compared == {name for name in eegsk.__all__ if name.endswith("Classifier")} - {
        "EEGClassifier"
    }


def test_recipes_on_recordings(recorded_of, monkeypatch, capsys):
    benchmark = recorded_of("recipes")
    thin(monkeypatch, recorded_of("recordings.recipe_rows"))
    benchmark.main(["--max-epochs", "1", "--only", "motor_imagery_deep_conv_net"])
    rows = rows_of(capsys.readouterr().out)
    assert [row[1] for row in rows] == ["bci_iv_2b, C3 and C4, 1 subject"]


def test_recipes_on_simulated_trials(module_of, monkeypatch, capsys):
    monkeypatch.delenv("EEGSK_DATA", raising=False)
    only = ["reaction_time_regression", "multi_output_regression", "motor_imagery_eegnet"]
    module_of("recipes").main(["--max-epochs", "1", "--only", *only])
    rows = rows_of(capsys.readouterr().out)
    assert [row[0] for row in rows] == [only[2], *only[:2]]
    assert all("simulated" in row[1] for row in rows)


@pytest.mark.slow
def test_tables_are_read_from_the_cache(tmp_path):
    # In new processes, because joblib may reuse workers of another test, in which the folder of the
    # benchmarks cannot be imported.
    only = ["--only", "motor_imagery", "motor_imagery_eegnet"]
    options = ["--max-epochs", "1", "--n-jobs", "2", "--cache", str(tmp_path)]
    command = [sys.executable, str(BENCHMARKS / "recipes.py"), *options, *only]
    environment = {name: value for name, value in os.environ.items() if name != "EEGSK_DATA"}
    outputs = [
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert [row[0] for row in rows_of(outputs[0])] == only[1:]
    assert outputs[0] == outputs[1]  # including run times


def test_all_recipes_have_a_row(module_of):
    benchmark = module_of("recipes")
    assert set(benchmark.ROWS) == set(benchmark.recipes.__all__)


# Trials


def test_reaction_time_ends_at_the_next_press(module_of):
    latencies = module_of("recordings.data")._latencies
    squares, presses = np.array([100, 200, 300, 400]), np.array([50, 140, 150, 330])
    np.testing.assert_equal(latencies(squares, presses), [40, np.nan, 30, np.nan])


def test_windows_contain_no_press(recorded_of):
    data = recorded_of("recordings.data")
    X, latency, sfreq = data.load_reaction_times()
    assert X.shape == (74, 30, 91)
    assert sfreq == 128
    assert latency.min() > data.AFTER_SQUARE + 1 / sfreq


def test_windows_of_mental_arithmetic(recorded_of):
    X, y, subjects, _ = recorded_of("recordings.data").load_arithmetic()
    assert X.shape[1:] == (19, 512)
    assert len(np.unique(subjects)) == 8
    for subject in np.unique(subjects):
        assert np.unique(y[subjects == subject], return_counts=True)[1].tolist() == [15, 45]


def test_trials_of_many_classes(recorded_of):
    X, y = recorded_of("recordings.data").load_many_classes([1, 4])
    assert X.shape == (1200, 3, 1000)
    assert set(np.unique(y, return_counts=True)[1]) == {60}
    assert len(np.unique(y)) == 20


def test_scores_of_parts_of_a_class(module_of):
    y = np.array(["1 01T left_hand", "1 01T right_hand", "1 02T left_hand", "3 01T left_hand"])
    predicted = np.array(
        ["1 01T left_hand", "1 01T left_hand", "1 01T left_hand", "3 01T left_hand"]
    )
    scores = module_of("recordings.many_classes")._scores(y, predicted)
    assert scores == {
        "accuracy": 0.5,
        "balanced": 0.5,
        "session": 0.75,
        "hand": pytest.approx(2 / 3),
    }


def test_band_power_is_largest_in_its_band(module_of):
    band_power = module_of("recordings.band_power")
    times = np.arange(256) / 128
    X = np.sin(2 * np.pi * np.array([6, 10, 20])[:, None, None] * times)
    largest = band_power.log_band_power(X, 128.0).argmax(axis=1)
    assert largest.tolist() == [0, 1, 2]


def test_transfer_between_subjects(recorded_of, monkeypatch, capsys, tmp_path):
    benchmark = recorded_of("transfer")
    module = recorded_of("recordings.transfer")
    thin(monkeypatch, module, step=20)
    choices = dict(list(module.CHOICES.items())[:2])
    for part in (benchmark, module):
        monkeypatch.setattr(part, "CHOICES", choices)
    benchmark.main([*QUICK, "--network", "recipe", "--alignment", "aligned"])
    rows = rows_of(capsys.readouterr().out)
    rows = [row for row in rows if re.fullmatch(r"[01]\.\d+", row[-1])]
    expected = ["own", "others", "others and own", *(f"fine-tuned, {choice}" for choice in choices)]
    assert [row[0] for row in rows[:5]] == expected
    kinds = ["aligned", "aligned, causal"]
    expected = [kind for n_rows in (5, 4) for kind in kinds for _ in range(n_rows)]
    assert [row[1] for row in rows] == expected
