"""What each transform of a batch costs, beside a training step of EEGNet on it.

Run it with ``python benchmarks/augmentation.py``. Steps and transforms take turns, and of each
turn's ratio the median is printed: what counts is how they compare.
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
    """Return a step of an EEGNet, and the trials it trains on."""
    X = np.random.default_rng(0).standard_normal((N_TRIALS, N_CHANS, N_TIMES), dtype=np.float32)
    y = np.arange(N_TRIALS) % N_CLASSES
    estimator = EEGNetClassifier(max_epochs=1, device=device, n_threads=n_threads, random_state=0)
    net = estimator.fit(X, y).net_
    trials = torch.from_numpy(X).to(net.device)
    inputs = {"x": trials, "weight": torch.ones(N_TRIALS, device=net.device)}
    target = torch.from_numpy(y).to(net.device)
    return lambda: net.train_step((inputs, target)), trials


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Time something, what it has a GPU do included."""
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def main() -> None:
    """Print a table of each transform's share of a step."""
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
    works = {"training step": step}
    for transform in transforms:
        works[f"{transform}, p={transform.probability:g}"] = lambda each=transform: each(X, y)
    works["torch.randn_like, for comparison"] = lambda: X + 0.01 * torch.randn_like(X)
    times: dict[str, list[float]] = {name: [] for name in works}
    with reproducible(0, options.threads, X.device):
        for turn in range(options.repeats + 3):
            for name, work in works.items():
                took = seconds(work, X.device)
                if turn >= 3:  # the first turns allocate memory
                    times[name].append(took)
    print(
        f"{N_TRIALS} trials of {N_CHANS} x {N_TIMES} on {X.device}, {options.threads} thread(s), "
        f"{options.repeats} turns"
    )
    print(f"{'':36}  median ms  of a step")
    for name, took in times.items():
        ratios = [a / b for a, b in zip(took, times["training step"], strict=True)]
        print(f"{name:36}  {1e3 * statistics.median(took):9.2f}  {statistics.median(ratios):9.1%}")


if __name__ == "__main__":
    main()
