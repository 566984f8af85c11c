"""A stretch of computation with its own seed and threads.

It leaves no trace in the process, but that the C library keeps more of the memory that is freed.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch

# Dropout draws from torch's global generator, which all threads of a process share: fits in
# different threads take turns.
_TURN = threading.RLock()

# Just under the 32 MiB beyond which glibc does not learn from what is freed.
_LARGE_BLOCK = 31 * 2**20


@cache
def keep_freed_memory() -> None:
    """Have the C library keep the memory of a step for the next, from now on.

    glibc returns the activations of a step to the system, which then has to clear the same pages
    for the next step, some 15 % of the time of an EEGNet. Once a large block has been freed, which
    need not be written to, it keeps up to twice as much. Elsewhere this does nothing.
    """
    torch.empty(_LARGE_BLOCK, dtype=torch.uint8)


@contextmanager
def reproducible(seed: int, n_threads: int, device: torch.device) -> Iterator[None]:
    """Seed the global generators and hold the number of threads, then put all back.

    Parameters
    ----------
    seed : int
        Seed of the generators of torch, numpy and random.
    n_threads : int
        Number of threads that torch computes with; sums depend on it in the last digits.
    device : torch.device
        Where torch computes; no other GPU is woken or seeded.
    """
    with _TURN, _generators_restored(device), held_threads(n_threads):
        keep_freed_memory()
        _seed_generators(seed, device)
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            yield


@contextmanager
def held_threads(n_threads: int) -> Iterator[None]:
    """Hold the number of threads that torch computes with."""
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _seed_generators(seed: int, device: torch.device) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.default_generator.manual_seed(seed)  # torch.manual_seed is for all GPUs too
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


@contextmanager
def _generators_restored(device: torch.device) -> Iterator[None]:
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    gpus = [device] if device.type == "cuda" else []
    mps_state = torch.mps.get_rng_state() if device.type == "mps" else None
    try:
        with torch.random.fork_rng(gpus, device_type="cuda"):
            yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        if mps_state is not None:
            torch.mps.set_rng_state(mps_state)
