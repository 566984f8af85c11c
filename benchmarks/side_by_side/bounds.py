"""Lower bounds of the time of a line: arithmetic, memory traffic and Python."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import baddbmm_flop, flop_registry

from .comparison import Settings
from .libraries import make_eegsk
from .tasks import Line, Run, fit, make_trials

_aten: Any = torch.ops.aten


class Work(NamedTuple):
    """Operations of a computation.

    Parameters
    ----------
    flops : dict of torch.dtype to int
        Floating point operations of matrix products, convolutions and Fourier transforms, by
        precision.
    moved : int
        Bytes that all operations read and write, without a cache.
    n_operations : int
        Number of torch operations that compute something.
    """

    flops: dict[torch.dtype, int]
    moved: int
    n_operations: int


class _Counter(TorchDispatchMode):
    """Counter of the operations that run while it is active."""

    def __init__(self) -> None:
        super().__init__()
        self.flops: dict[torch.dtype, int] = {}
        self.moved = 0
        self.n_operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func not in {_aten.is_contiguous.default, _aten.sym_size.default}:
            decomposed = func.decompose(*args, **kwargs)  # composite operations, e.g. matmul
            if decomposed is not NotImplemented:
                return decomposed
        out = func(*args, **kwargs)
        if not _is_view(func):
            self._count(func, args, kwargs, out)
        return out

    def _count(self, func: Any, args: Any, kwargs: Any, out: Any) -> None:
        tensors = [leaf for leaf in tree_leaves((args, kwargs, out)) if torch.is_tensor(leaf)]
        self.n_operations += 1
        self.moved += sum(map(_n_bytes, tensors))
        packet = func.overloadpacket
        if packet in _FLOPS:
            dtype = tensors[0].dtype.to_real()
            n_flops = _FLOPS[packet](*args, **kwargs, out_val=out)
            self.flops[dtype] = self.flops.get(dtype, 0) + n_flops


def _in_place_baddbmm(shape: Any, a: Any, b: Any, **kwargs: Any) -> int:
    return baddbmm_flop(shape.shape, a.shape, b.shape)


def _to_spectra(x: torch.Tensor, *args: Any, **kwargs: Any) -> int:
    return _transforms(x)


def _from_spectra(spectra: torch.Tensor, *args: Any, out_val: torch.Tensor) -> int:
    return _transforms(out_val)


def _transforms(signals: torch.Tensor) -> int:
    """Return the usual estimate of the operations of real Fourier transforms."""
    return round(2.5 * signals.numel() * math.log2(signals.shape[-1]))


_FLOPS: dict[Any, Callable[..., int]] = {
    **flop_registry,
    _aten.baddbmm_: _in_place_baddbmm,
    _aten._fft_r2c: _to_spectra,
    _aten._fft_c2r: _from_spectra,
}


def _is_view(func: Any) -> bool:
    """Return whether an operation returns a view of its input, without copying."""
    aliases = [result.alias_info for result in func._schema.returns]
    return any(alias is not None and not alias.is_write for alias in aliases)


def _n_bytes(tensor: torch.Tensor) -> int:
    """Return the bytes of a tensor in memory; an expanded tensor has fewer than its elements."""
    return min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())


def count(function: Callable[[], Any]) -> Work:
    """Count the operations of a function call."""
    with _Counter() as counter:
        function()
    return Work(counter.flops, counter.moved, counter.n_operations)


class Machine(NamedTuple):
    """Peak speed of a machine.

    Parameters
    ----------
    flops : dict of torch.dtype to float
        Floating point operations per second of a large matrix product, by precision.
    bandwidth : float
        Bytes read and written per second by a large copy.
    """

    flops: dict[torch.dtype, float]
    bandwidth: float


def measure_machine(threads: int, size: int = 2048) -> Machine:
    """Measure the peak speed of a machine with a large matrix product and a large copy.

    Parameters
    ----------
    threads : int
        Number of CPU threads.
    size : int, default=2048
        Rows and columns of the matrices. The copy has the size of 16 matrices.

    Returns
    -------
    machine : Machine
        The fastest of ten repeats.
    """
    torch.set_num_threads(threads)
    flops = {}
    for dtype in (torch.float32, torch.float64):
        a, b = (torch.randn(size, size, dtype=dtype) for _ in range(2))
        flops[dtype] = 2 * size**3 / _fastest(lambda a=a, b=b: torch.mm(a, b))
    source = torch.zeros(16 * size**2)
    target = torch.ones_like(source)
    moved = 2 * source.nbytes
    return Machine(flops, moved / _fastest(lambda: target.copy_(source)))


def _fastest(function: Callable[[], Any], n_times: int = 10) -> float:
    durations = []
    for _ in range(n_times):
        start = time.perf_counter()
        function()
        durations.append(time.perf_counter() - start)
    return min(durations)


class Bounds(NamedTuple):
    """Time of a line and its lower bounds.

    Parameters
    ----------
    line : Line
        The line.
    seconds : float
        Measured time in seconds.
    work : Work
        Operations of the line.
    arithmetic : float
        Seconds of its matrix products, convolutions and Fourier transforms at peak speed.
    traffic : float
        Seconds of its memory traffic at the bandwidth of a large copy. Data in a cache is faster.
    python : float
        Seconds of the same number of steps on two trials of three channels, i.e. of Python and of
        launching operations.
    """

    line: Line
    seconds: float
    work: Work
    arithmetic: float
    traffic: float
    python: float

    @property
    def largest(self) -> tuple[float, str]:
        """Largest bound as a share of the measured time, and its name."""
        bounds = {
            "arithmetic": self.arithmetic,
            "memory traffic": self.traffic,
            "Python": self.python,
        }
        return max((bound / self.seconds, name) for name, bound in bounds.items())


def find_bounds(line: Line, machine: Machine, settings: Settings) -> Bounds:
    """Compute the lower bounds of a line of eegsk on the CPU.

    Parameters
    ----------
    line : Line
        A line that measures time.
    machine : Machine
        Peak speed of the machine.
    settings : Settings
        Threads and repeats.

    Returns
    -------
    bounds : Bounds
        Measured time and bounds.
    """
    run = settings.run(line, "eegsk", make_eegsk)
    measure = line.task(run)
    measure()
    work = count(_once(run))
    n_repeats = settings.repeats or line.repeats
    measure_tiny = line.task(run._replace(line=_tiny(line)))
    measure_tiny()
    durations = [(measure(), measure_tiny()) for _ in range(n_repeats)]
    total, python = (statistics.median(column) for column in zip(*durations, strict=True))
    arithmetic = sum(n_flops / machine.flops[dtype] for dtype, n_flops in work.flops.items())
    return Bounds(line, total, work, arithmetic, work.moved / machine.bandwidth, python)


def _once(run: Run) -> Callable[[], Any]:
    """Return a function that runs the line once, without measuring time."""
    X, y = make_trials(run.line.shape, run.line.n_classes)
    if run.line.task is fit:
        return lambda: run.classifier().fit(X, y)
    classifier = run.classifier(epochs=1).fit(X[:64], y[:64])
    trials = X[:1] if run.line.name == "predict_one" else X
    return lambda: classifier.predict_proba(trials)


def _tiny(line: Line) -> Line:
    """Return a line with the same number of steps on two trials of three channels.

    With fewer channels, the front end would choose the layer-by-layer computation.
    """
    n_trials, n_chans, n_times = line.shape
    shape = (2 * -(-n_trials // line.batch_size), min(n_chans, 3), n_times)
    return replace(line, shape=shape, batch_size=2, n_classes=2)
