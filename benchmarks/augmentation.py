"""Time of each augmentation, relative to a training step of EEGNet.

Run it with ``python benchmarks/augmentation.py``. Training steps and transforms of the same batch
are measured alternately. The table has the median time and the median ratio to the training step.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from eegsk import EEGNetClassifier, augmentation
from eegsk.training import reproducible

N_TRIALS, N_CHANS, N_TIMES, N_CLASSES = 64, 22, 1000, 4


def training_step(device: str, n_threads: int) -> tuple[Callable[[], object], torch.Tensor]:
    """Return a function that runs one training step of EEGNet, and its trials."""
    X = np.random.default_rng(0).standard_normal((N_TRIALS, N_CHANS, N_TIMES), dtype=np.float32)
    y = np.arange(N_TRIALS) % N_CLASSES
    estimator = EEGNetClassifier(max_epochs=1, device=device, n_threads=n_threads, random_state=0)
    net = estimator.fit(X, y).net_
    trials = torch.from_numpy(X).to(net.device)
    inputs = {"x": trials, "weight": torch.ones(N_TRIALS, device=net.device)}
    target = torch.from_numpy(y).to(net.device)
    return lambda: net.train_step((inputs, target)), trials


def seconds(function: Callable[[], object], device: torch.device) -> float:
    """Return the run time of a function in seconds, including its work on a GPU."""
    start = time.perf_counter()
    function()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    step, X = training_step(options.device, options.threads)
    y = torch.arange(N_TRIALS, device=X.device) % N_CLASSES
    transforms = [getattr(augmentation, name)() for name in augmentation.__all__]
    for transform in transforms:
        if isinstance(transform, augmentation.ChannelReflection):
            transform.prepare(["C3", "C4"] * (N_CHANS // 2), None)
    functions = {"training step": step}
    for transform in transforms:
        name = f"{transform}, p={transform.probability:g}"
        functions[name] = lambda transform=transform: transform(X, y)
    functions["torch.randn_like, for comparison"] = lambda: X + 0.01 * torch.randn_like(X)
    times: dict[str, list[float]] = {name: [] for name in functions}
    with reproducible(0, options.threads, X.device):
        for repeat in range(options.repeats + 3):
            for name, function in functions.items():
                duration = seconds(function, X.device)
                if repeat >= 3:  # the first repeats allocate memory
                    times[name].append(duration)
    print(
        f"{N_TRIALS} trials of {N_CHANS} x {N_TIMES} on {X.device}, {options.threads} thread(s), "
        f"{options.repeats} repeats"
    )
    print(f"{'':36}  median ms  share of a step")
    for name, durations in times.items():
        ratios = [a / b for a, b in zip(durations, times["training step"], strict=True)]
        median, ratio = 1e3 * statistics.median(durations), statistics.median(ratios)
        print(f"{name:36}  {median:9.2f}  {ratio:15.1%}")


if __name__ == "__main__":
    main()
