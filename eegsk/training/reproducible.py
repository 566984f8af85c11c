"""Reproducible computation: seeds and number of threads, restored afterwards."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch

from .._locks import ForkSafeLock

# Dropout draws from torch's global generator, which all threads of a process share. Only one thread
# at a time can therefore fit.
_LOCK = ForkSafeLock()

# Identifier of the process that imported this module; another one was created by ``os.fork``.
_PROCESS = os.getpid()

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
    if n_threads > 1 and is_forked():
        warnings.warn(
            f"n_threads={n_threads} has no effect in a forked process, in which threads of torch "
            "would wait for each other forever; set n_threads=1, or start processes by "
            "multiprocessing.get_context('spawn') or by joblib.",
            stacklevel=6,
        )
    with _LOCK.hold(), _restored_generators(device), torch_threads(n_threads), _single_precision():
        keep_freed_memory()
        _seed_generators(seed, device)
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            yield


@contextmanager
def torch_threads(n_threads: int) -> Iterator[None]:
    """Set the number of CPU threads of torch within a context.

    At most as many threads as cores are used, and one thread in a forked process.

    Parameters
    ----------
    n_threads : int
        Number of threads.
    """
    previous = torch.get_num_threads()
    if n_threads > 1:  # counting the cores takes 5 % of the prediction of one trial
        n_threads = 1 if is_forked() else min(n_threads, os.cpu_count() or 1)
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(previous)


def is_forked() -> bool:
    """Return whether this process was forked from a process that has imported eegsk.

    The threads of torch exist in the first process only. If several are needed in the other, GNU
    OpenMP waits for them forever.
    """
    return os.getpid() != _PROCESS


def _use_one_thread() -> None:
    torch.set_num_threads(1)


# Also operations outside of fits and predictions would wait, e.g. the check of the trials.
if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_use_one_thread)


@contextmanager
def _single_precision() -> Iterator[None]:
    """Create layers in single precision within a context, as the trials are."""
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(previous)


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
