"""Run time and peak memory of a function call."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch


def seconds(function: Callable[[], Any], device: str) -> float:
    """Return the run time in seconds: CUDA events on a GPU, wall time on a CPU."""
    if device != "cuda":
        start = time.perf_counter()
        function()
        return time.perf_counter() - start
    torch.cuda.synchronize()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    function()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1000


def extra_bytes(function: Callable[[], Any], device: str) -> float:
    """Return the bytes that a function call adds to the peak memory of this process.

    On a GPU, return the peak memory that torch allocated during the call.
    """
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        function()
        return torch.cuda.max_memory_allocated()
    peak_before = _peak()
    function()
    return _peak() - peak_before


def _peak() -> int:
    """Return the peak resident memory of this process in bytes."""
    # A child process inherits ru_maxrss of its parent, but not VmHWM.
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        (line,) = (line for line in lines if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def in_a_fresh_process(function: Callable[..., float], *args: Any) -> float:
    """Call a function in a new process that has only imported the libraries."""
    context: Any = multiprocessing.get_context("forkserver")
    libraries = [name for name in ("eegsk", "braindecode.models") if name in sys.modules]
    context.set_forkserver_preload(["__main__", *libraries])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(sender, function, *args))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        process.join()
        raise RuntimeError(
            f"{function.__name__} ended with exit code {process.exitcode}; see the messages above."
        ) from None
    finally:
        process.join()


def _call(sender: Any, function: Callable[..., float], *args: Any) -> None:
    sender.send(function(*args))
