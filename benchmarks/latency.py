"""Time of the prediction of one trial by EEGNet: ``python benchmarks/latency.py``.

Rows are shapes of a trial. Columns are the median and the 99th percentile of single calls of the
estimator's ``predict_proba``, of the ONNX model in onnxruntime (extra ``onnx``), and of
braindecode's network in evaluation mode (extra ``bench``), each with one thread. See
benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from eegsk import EEGNetClassifier, to_onnx

SHAPES = (3, 1000), (22, 1000), (64, 480)  # channels, samples
Predict = Callable[[np.ndarray], Any]


def onnx_session(estimator: Any) -> Predict | None:
    """Return a function that runs the ONNX model; None if a package is missing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        try:
            to_onnx(estimator, path)
        except ImportError as error:
            print(error)
            return None
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(path.read_bytes(), options)
    return lambda X: session.run(None, {"X": X})


def braindecode_network(n_chans: int, n_times: int) -> Predict | None:
    """Return a function that applies EEGNet of braindecode; None if it is missing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from braindecode.models import EEGNet
    except ImportError:
        return None
    network = EEGNet(n_chans=n_chans, n_outputs=2, n_times=n_times).eval()

    @torch.inference_mode()
    def predict(X: np.ndarray) -> np.ndarray:
        return network(torch.from_numpy(X)).softmax(1).numpy()

    return predict


def measure(predict: Predict, X: np.ndarray, n_calls: int) -> tuple[float, float]:
    """Return median and 99th percentile of the time of a call in milliseconds."""
    seconds = []
    for number in range(n_calls + n_calls // 10):
        trial = X[number % len(X)][np.newaxis].copy()
        start = time.perf_counter()
        predict(trial)
        seconds.append(time.perf_counter() - start)
    median, late = np.percentile(seconds[n_calls // 10 :], [50, 99])
    return 1e3 * float(median), 1e3 * float(late)


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=2000, help="calls of each (default 2000)")
    n_calls = parser.parse_args(argv).calls
    torch.set_num_threads(1)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; milliseconds, median / 99 %\n")
    print("| channels x samples | estimator | ONNX | braindecode |\n| --- | --- | --- | --- |")
    for n_chans, n_times in SHAPES:
        X = np.random.default_rng(0).standard_normal((64, n_chans, n_times), dtype=np.float32)
        estimator = EEGNetClassifier(max_epochs=1, random_state=0).fit(X, np.arange(64) % 2)
        predictors = (
            estimator.predict_proba,
            onnx_session(estimator),
            braindecode_network(n_chans, n_times),
        )
        cells = [
            "{:.3f} / {:.3f}".format(*measure(predict, X, n_calls)) if predict else "-"
            for predict in predictors
        ]
        print(f"| {n_chans} x {n_times} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
