"""A stretch of computation with its own seed and threads that leaves no trace in the process."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

# Dropout draws from torch's global generator, which all threads of a process share: fits in
# different threads take turns.
_TURN = threading.RLock()

# Just under the 32 MiB beyond which glibc does not learn from what is freed.
_LARGE_BLOCK = 31 * 2**20


def _keep_freed_memory() -> None:
    """Have the C library keep the memory of a training step for the next.

    glibc returns the activations of a step to the system, which then has to clear the same pages
    for the next step, some 15 % of the time of an EEGNet. Once a large block has been freed, which
    need not be written to, it keeps up to twice as much. Elsewhere this does nothing.
    """
    torch.empty(_LARGE_BLOCK, dtype=torch.uint8)


@contextmanager
def reproducible(seed: int, n_threads: int) -> Iterator[None]:
    """Seed the global generators and hold the number of threads, then put all back.

    Parameters
    ----------
    seed : int
        Seed of the generators of torch, numpy and random.
    n_threads : int
        Number of threads that torch computes with; sums depend on it in the last digits.
    """
    with _TURN, _generators_restored(), held_threads(n_threads):
        _keep_freed_memory()
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
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


def _seed_generators(seed: int) -> None:
    """Seed the global generators; ``torch.manual_seed`` would also seed a GPU not yet in use."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)


@contextmanager
def _generators_restored() -> Iterator[None]:
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    mps_state = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(gpus, device_type="cuda"):
            yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        if mps_state is not None:
            torch.mps.set_rng_state(mps_state)
