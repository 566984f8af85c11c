"""Memory and speed of training on trials in a file: ``python benchmarks/streaming_memory.py``.

Trials (64 channels x 480 samples) are written to a ``.npy`` file in a temporary folder, which is
deleted at the end. Rows are ``fit`` and ``predict`` of EEGNet. Columns are the peak memory of a
process beyond that of the libraries, and the number of trials per second, with LazyTrials (the file
is in the page cache) and with an array in memory. Each number is from a process of its own. See
benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

N_CHANS, N_TIMES, N_BLOCK = 64, 480, 512
TRIAL_BYTES = 4 * N_CHANS * N_TIMES
GB = 10**9


def write_trials(path: Path, n_trials: int) -> None:
    """Write trials of noise, in which class 1 has a higher amplitude in some channels."""
    file = np.lib.format.open_memmap(path, "w+", np.float32, (n_trials, N_CHANS, N_TIMES))
    rng = np.random.default_rng(0)
    noise = 1e-5 * rng.standard_normal((N_BLOCK, N_CHANS, N_TIMES), dtype=np.float32)
    noise[1::2, :4] *= 2
    for start in range(0, n_trials, N_BLOCK):
        n_rows = min(N_BLOCK, n_trials - start)
        file[start : start + n_rows] = np.roll(noise, start // N_BLOCK, axis=2)[:n_rows]


def memory(name: str) -> int:
    """Return a value of the memory of this process from Linux in bytes, e.g. its peak "VmHWM"."""
    text = Path("/proc/self/status").read_text()
    return 1024 * int(text.partition(f"{name}:")[2].split()[0])


def measure(path: str, where: str, method: str, n_trials: int, n_epochs: int, cache: str) -> dict:
    """Fit or predict in this process; return peak memory in bytes and trials per second."""
    from eegsk import EEGNetClassifier
    from eegsk.recordings import LazyTrials

    lazy = LazyTrials(path, cache=cache)[:n_trials]
    y = np.arange(n_trials) % 2
    classifier = EEGNetClassifier(max_epochs=n_epochs, random_state=0)
    warm_up = EEGNetClassifier(max_epochs=1, random_state=0).fit(np.asarray(lazy[:64]), y[:64])
    libraries = memory("VmRSS")
    X = lazy if where == "file" else np.asarray(lazy)
    estimator = classifier if method == "fit" else warm_up
    start = time.perf_counter()
    estimator.fit(X, y) if method == "fit" else estimator.predict(X)
    seconds = time.perf_counter() - start
    n_read = n_trials * (n_epochs if method == "fit" else 1)
    return {"memory": memory("VmHWM") - libraries, "rate": n_read / seconds}


def run(*args: object) -> dict:
    """Return the result of :func:`measure` in a new process."""
    command = [sys.executable, __file__, "--measure", *map(str, args)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gb", type=float, default=8, help="size of the file (default 8)")
    parser.add_argument(
        "--array-gb", type=float, default=1, help="size of the trials of speeds (default 1)"
    )
    parser.add_argument("--epochs", type=int, default=3, help="epochs of a fit (default 3)")
    parser.add_argument("--cache", default="256MB", help="cache of LazyTrials (default 256MB)")
    parser.add_argument("--folder", help="folder of the file (default: that of temporary files)")
    parser.add_argument("--measure", nargs=6, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.measure:
        path, where, method, n_trials, n_epochs, cache = args.measure
        result = measure(path, where, method, int(n_trials), int(n_epochs), cache)
        print(json.dumps(result))
        return
    n_all, n_rated = (int(size * GB / TRIAL_BYTES) for size in (args.gb, args.array_gb))
    n_rated = min(n_all, n_rated)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        if shutil.disk_usage(folder).free < 1.1 * n_all * TRIAL_BYTES:
            parser.error(f"{folder} has too little free space for {args.gb} GB; use --gb")
        path = Path(folder) / "trials.npy"
        write_trials(path, n_all)
        print(f"{args.gb:g} GB: {n_all} trials, cache of {args.cache}")
        print(f"|  | memory, {args.gb:g} GB in a file | trials/s, file | array | ratio |")
        print("| --- | --- | --- | --- | --- |")
        for method in ("fit", "predict"):
            whole = run(path, "file", method, n_all, args.epochs, args.cache)
            file, array = (
                run(path, where, method, n_rated, args.epochs, args.cache)["rate"]
                for where in ("file", "array")
            )
            row = f"| `{method}` | {whole['memory'] / 1e6:.0f} MB | {file:.0f} | {array:.0f} |"
            print(f"{row} {file / array:.2f} |", flush=True)


if __name__ == "__main__":
    main()
