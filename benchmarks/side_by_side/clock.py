"""Seconds of something, and the most memory it takes."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch


def seconds(action: Callable[[], Any], device: str) -> float:
    """Time an action: by CUDA's events on a GPU, by the wall clock on a CPU."""
    if device != "cuda":
        start = time.perf_counter()
        action()
        return time.perf_counter() - start
    torch.cuda.synchronize()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    action()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1000


def extra_bytes(action: Callable[[], Any], device: str) -> float:
    """Tell how much an action adds to the most memory that this process ever held.

    On a GPU it is the most that torch held there meanwhile.
    """
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        action()
        return torch.cuda.max_memory_allocated()
    before = _peak()
    action()
    return _peak() - before


def _peak() -> int:
    """Return the largest resident memory of this process in bytes."""
    # A process that is started inherits ru_maxrss from the one that starts it, but not VmHWM.
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        (line,) = (line for line in lines if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def in_a_fresh_process(function: Callable[..., float], *args: Any) -> float:
    """Call a function in a process that has imported what it needs, and done nothing else."""
    context: Any = multiprocessing.get_context("forkserver")
    imported = [name for name in ("eegsk", "braindecode.models") if name in sys.modules]
    context.set_forkserver_preload(["__main__", *imported])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(sender, function, *args))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        process.join()
        raise RuntimeError(
            f"{function.__name__} ended with exit code {process.exitcode}, see above."
        ) from None
    finally:
        process.join()


def _call(sender: Any, function: Callable[..., float], *args: Any) -> None:
    sender.send(function(*args))
