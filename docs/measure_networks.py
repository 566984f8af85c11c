"""Measure the table of docs/start/networks.md: ``python docs/measure_networks.py``."""

from __future__ import annotations

import time

import numpy as np
import torch

import eegsk

NETWORKS = [
    "EEGNet", "EEGTCNet", "ATCNet", "TCFormer", "EEGConformer", "ShallowConvNet", "DeepConvNet",
    "EEGNeX", "EEGNeXMini", "CompactCNN", "AdvancedEEGNet",
]  # fmt: skip


def fit(name, X, y, n_epochs):
    """Fit a network; return its number of parameters and the CPU time in seconds."""
    estimator = getattr(eegsk, f"{name}Classifier")(max_epochs=n_epochs, random_state=0)
    start = time.process_time()
    estimator.fit(X, y)
    seconds = time.process_time() - start
    return sum(parameter.numel() for parameter in estimator.module_.parameters()), seconds


def main() -> None:
    """Print the number of parameters and the CPU time of one epoch of each network."""
    X = np.random.default_rng(0).standard_normal((256, 22, 512)).astype("float32")
    y = np.arange(256) % 2
    torch.set_num_threads(1)
    for name in NETWORKS:
        fit(name, X[:64], y[:64], 1)  # the first fit of a process is slower
        n_parameters, one = fit(name, X, y, 1)
        _, four = fit(name, X, y, 4)
        print(f"| `{name}` | {n_parameters:,} | {(four - one) / 3:.2f} s |", flush=True)


if __name__ == "__main__":
    main()
