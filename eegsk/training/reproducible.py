"""Reproducible computation: seeds and number of threads, restored afterwards."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch

# Dropout draws from torch's global generator, which all threads of a process share. Only one thread
# at a time can therefore fit.
_LOCK = threading.RLock()

# Size of a memory block in bytes. glibc raises its threshold (M_MMAP_THRESHOLD in mallopt(3)) only
# for freed blocks of up to 32 MiB.
_LARGE_BLOCK = 31 * 2**20


@cache
def keep_freed_memory() -> None:
    """Make the C library reuse freed memory for the rest of the process.

    By default, glibc returns the memory of a training step to the operating system, which clears
    it before the next step uses it. This takes about 15 % of the training time of an EEGNet. Once a
    large block has been freed, glibc keeps up to twice its size for reuse. With other C libraries,
    this function has no effect.
    """
    torch.empty(_LARGE_BLOCK, dtype=torch.uint8)


@contextmanager
def reproducible(seed: int, n_threads: int, device: torch.device) -> Iterator[None]:
    """Seed the global random generators and set the number of threads within a context.

    Both are restored at the end of the context, also after an error.

    Parameters
    ----------
    seed : int
        Seed of the generators of torch, numpy and random.
    n_threads : int
        Number of CPU threads of torch. The last digits of sums depend on it.
    device : torch.device
        Device whose generator is seeded. Other GPUs are neither initialised nor seeded.

    Examples
    --------
    >>> import torch
    >>> from eegsk.training import reproducible
    >>> with reproducible(seed=0, n_threads=1, device=torch.device("cpu")):
    ...     first = torch.rand(3)
    >>> with reproducible(seed=0, n_threads=1, device=torch.device("cpu")):
    ...     second = torch.rand(3)
    >>> torch.equal(first, second)
    True
    """
    with _LOCK, _restored_generators(device), torch_threads(n_threads):
        keep_freed_memory()
        _seed_generators(seed, device)
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            yield


@contextmanager
def torch_threads(n_threads: int) -> Iterator[None]:
    """Set the number of CPU threads of torch within a context."""
    previous = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(previous)


def _seed_generators(seed: int, device: torch.device) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.default_generator.manual_seed(seed)  # torch.manual_seed would also seed all GPUs
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


@contextmanager
def _restored_generators(device: torch.device) -> Iterator[None]:
    """Restore the global random generators at the end of a context."""
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
