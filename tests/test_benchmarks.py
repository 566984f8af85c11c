"""The speed benchmark runs, with few trials and without braindecode."""

import csv
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
QUICK = ["--quick", "--threads", "1", "--devices", "cpu"]


@pytest.fixture
def speed(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setitem(sys.modules, "braindecode", None)
    import speed

    return speed


def test_speed_of_eegsk_alone(speed, tmp_path, capsys):
    measurements = tmp_path / "measurements.csv"
    lines = ["fit_eegnet_64x480", "predict_one", "fit_shallowconvnet_64x480"]
    speed.main([*QUICK, "--csv", str(measurements), "--only", *lines])
    printed = capsys.readouterr()
    assert "braindecode cannot be imported" in printed.out
    assert "| `predict_proba` on one trial, EEGNet, 64 x 480 |" in printed.out
    assert "fit_shallowconvnet_64x480: networks with 105,602 parameters" in printed.err
    with measurements.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["line"] for row in rows} == set(lines)
    assert all(0 < float(row["value"]) < 60 for row in rows)


def test_bounds_of_speed(speed, capsys):
    speed.main([*QUICK, "--bounds", "--only", "fit_eegnet_2x750"])
    row = capsys.readouterr().out.splitlines()[-1].split("|")
    gflop, n_operations = float(row[3]), int(row[7])
    assert 0.01 < gflop < 0.5  # 8 trials of 2 x 750, forward and backward
    assert n_operations > 100


def test_latency(monkeypatch, capsys):
    pytest.importorskip("onnxruntime")
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setitem(sys.modules, "braindecode", None)
    import latency

    monkeypatch.setattr(latency, "SHAPES", ((3, 200),))
    latency.main(["--calls", "10"])
    row = capsys.readouterr().out.splitlines()[-1].split("|")
    assert row[1:2] + row[4:5] == [" 3 x 200 ", " - "]
    for cell in row[2:4]:
        median, late = (float(value) for value in cell.split("/"))
        assert 0 < median <= late


@pytest.mark.slow
def test_memory_of_streaming(monkeypatch, tmp_path, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import streaming_memory

    sizes = ["--gb", "0.02", "--array-gb", "0.01", "--epochs", "1", "--folder", str(tmp_path)]
    streaming_memory.main(sizes)
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines()[-2:]]
    assert [row[1].strip() for row in rows] == ["`fit`", "`predict`"]
    assert all(float(row[3]) > 0 and float(row[4]) > 0 for row in rows)
    assert list(tmp_path.iterdir()) == []


def test_mutants(monkeypatch):
    """Mutants are drawn with a seed; each has one changed line of code, and no annotation."""
    pytest.importorskip("cosmic_ray")
    monkeypatch.syspath_prepend(BENCHMARKS)
    import mutation

    mutants, n_places = mutation.draw(["eegsk/losses.py"], 20, seed=0)
    assert mutants == mutation.draw(["eegsk/losses.py"], 20, seed=0)[0]
    assert len({(mutant.line, mutant.operator) for mutant in mutants}) > 10
    assert 50 < n_places < 200
    for mutant in mutants:
        compile(mutant.code, mutant.path, "exec")
        assert str(mutant).count("\n") == 2
    spans = mutation.annotations("def f(x: int | None = 1) -> int | str:\n    y: int = x\n")
    assert sorted(spans) == [((1, 9), (1, 19)), ((1, 28), (1, 37)), ((2, 7), (2, 10))]


def test_operations_that_depend_on_threads(monkeypatch, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import thread_operations

    x = torch.randn(400_001, generator=torch.Generator().manual_seed(0))
    n_threads = torch.get_num_threads()
    try:
        with thread_operations.Comparison() as comparison:
            x.add(1)
            x.sum()
            torch.rand(400_001)
        assert set(comparison.different) == {"sum"}
        thread_operations.main(["--networks", "EEGNet", "--shape", "8", "2", "128"])
    finally:
        torch.set_num_threads(n_threads)
    assert "trials of shape (8, 2, 128)" in capsys.readouterr().out
