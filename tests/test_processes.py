"""Threads and processes: fits and predictions side by side, and in forked processes."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone

import eegsk.signals
from eegsk import EEGNetClassifier, EEGNetRegressor
from eegsk.training import inference

from .networks import small

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
needs_cores = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="requires two cores")


# Threads


def test_fits_and_predictions_side_by_side(X, y):
    """Threads that fit and predict at the same time compute the same as one after the other."""
    shared = small(EEGNetClassifier).fit(X, y)

    def work(seed):
        if seed % 2:
            return shared.predict_proba(X[seed:])
        task = EEGNetRegressor if seed % 4 else EEGNetClassifier
        return small(task, random_state=seed, dropout=0.5).fit(X, y).predict(X)

    expected = [work(seed) for seed in range(12)]
    n_threads = torch.get_num_threads()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(12)))
    for result, value in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, value)
    assert torch.get_num_threads() == n_threads


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_default_precision_of_torch_makes_no_difference(dtype, X, y):
    expected = small(EEGNetClassifier).fit(X, y).predict_proba(X)
    torch.set_default_dtype(dtype)
    try:
        estimator = small(EEGNetClassifier).fit(X, y)
        proba = estimator.predict_proba(X)
        assert torch.get_default_dtype() == dtype
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(proba, expected)
    assert {value.dtype for value in estimator.module_.parameters()} == {torch.float32}


# Forked processes

PROGRAM = """
import multiprocessing, warnings
import numpy as np
from eegsk import EEGNetClassifier

X, y = np.random.default_rng(0).standard_normal((64, 8, 256)), np.arange(64) % 2
small = {"n_filters": 4, "kernel": 16, "max_epochs": 1, "random_state": 0}
estimator = EEGNetClassifier(n_threads=2, **small).fit(X, y)
expected = estimator.predict_proba(X)

def predict(_):
    return estimator.predict_proba(X)

def fit(_):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        proba = EEGNetClassifier(n_threads=2, **small).fit(X, y).predict_proba(X)
    return proba, [str(warning.message) for warning in caught]

with multiprocessing.get_context("fork").Pool(2) as pool:
    for proba in pool.map(predict, range(4)):
        np.testing.assert_allclose(proba, expected, atol=1e-9)
    for proba, messages in pool.map(fit, range(2)):
        np.testing.assert_allclose(proba, expected, atol=1e-3)
        assert len(messages) == 1, messages
        assert "n_threads=2 has no effect in a forked process" in messages[0], messages
np.testing.assert_array_equal(estimator.predict_proba(X), expected)
print("done")
"""


def run(program, timeout=120):
    """Run a program in a new process, and return its output."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(program)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_fork
@needs_cores
def test_prediction_and_fit_after_a_fork():
    """Neither waits forever after a fit with several threads, whose threads the fork lacks."""
    assert run(PROGRAM) == "done\n"


@needs_fork
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "lock",
    [inference._LOCK, sys.modules["eegsk.training.reproducible"]._LOCK, eegsk._epochs._FILE_LOCK],
)
def test_a_lock_held_by_another_thread_is_free_after_a_fork(lock):
    is_held, can_end = threading.Event(), threading.Event()

    def hold():
        with lock.hold():
            is_held.set()
            can_end.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    is_held.wait(60)
    process = multiprocessing.get_context("fork").Process(target=_use, args=(lock,))
    process.start()
    process.join(60)
    exit_code = process.exitcode
    process.kill()
    can_end.set()
    thread.join()
    assert exit_code == 0


def _use(lock):
    with lock.hold():
        pass


@needs_fork
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_forking_thread_may_hold_a_lock():
    lock = inference._LOCK
    with lock.hold():
        process = multiprocessing.get_context("fork").Process(target=_use, args=(lock,))
        process.start()
        process.join(60)
        assert process.exitcode == 0
    _use(lock)


# Signals

INTERRUPTED = """
import os, pickle, signal, sys, threading, time
import numpy as np
from skorch.callbacks import Callback
from sklearn.model_selection import cross_val_score
from eegsk import EEGNetClassifier

class Ready(Callback):
    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 3:
            print("ready", flush=True)
            time.sleep(0.2)

signal.signal(signal.SIGINT, signal.default_int_handler)
if sys.argv[-1] == "SIGTERM":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
X, y = np.random.default_rng(0).standard_normal((24, 3, 48)), np.arange(24) % 2
small = {"n_filters": 2, "kernel": 5, "pool": 2, "second_kernel": 3, "second_pool": 2}
estimator = EEGNetClassifier(max_epochs=100_000, callbacks=[Ready()], **small)
try:
    estimator.fit(X, y)
except (KeyboardInterrupt, SystemExit) as error:
    is_fitted = hasattr(estimator, "net_")
    if is_fitted:
        assert np.isfinite(estimator.predict_proba(X)).all()
    estimator.set_params(max_epochs=1, callbacks=None).fit(X, y).predict(X)
    pickle.loads(pickle.dumps(estimator)).predict(X)
    threads = [item.name for item in threading.enumerate() if item is not threading.main_thread()]
    assert not threads, threads
    print(type(error).__name__, is_fitted, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for other processes")
@pytest.mark.parametrize(
    ("name", "outcome"), [("SIGINT", "KeyboardInterrupt True"), ("SIGTERM", "SystemExit False")]
)
def test_an_interrupted_fit_leaves_a_usable_estimator(name, outcome):
    """After Ctrl-C, the estimator has the weights so far; after another exit, it is as before."""
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, name],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(getattr(signal, name))
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, output.strip(), errors) == (0, outcome, "")


ORPHANS = """
import os, signal
import numpy as np
from skorch.callbacks import Callback
from sklearn.model_selection import cross_val_score
from eegsk import EEGNetClassifier

class Slow(Callback):
    def on_train_begin(self, net, **kwargs):
        print(os.getpid(), flush=True)

signal.signal(signal.SIGINT, signal.default_int_handler)
X, y = np.random.default_rng(0).standard_normal((24, 3, 48)), np.arange(24) % 2
small = {"n_filters": 2, "kernel": 5, "pool": 2, "second_kernel": 3, "second_pool": 2}
estimator = EEGNetClassifier(max_epochs=100_000, callbacks=[Slow()], **small)
print("ready", flush=True)
cross_val_score(estimator, X, y, cv=2, n_jobs=2)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="requires /proc")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_no_worker_is_left_after_a_signal(name):
    process = subprocess.Popen(
        [sys.executable, "-c", ORPHANS],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    workers = [int(process.stdout.readline()) for _ in range(2)]
    process.send_signal(getattr(signal, name))
    process.wait(120)
    process.stdout.close()
    assert process.returncode != 0
    assert _ended(workers, seconds=60)


def _ended(pids, seconds):
    """Wait until processes have ended; return whether they have."""
    ended = threading.Event()
    for _ in range(10 * seconds):
        if not any(_is_running(pid) for pid in pids):
            return True
        ended.wait(0.1)
    return False


def _is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


# Long runs

LONG_RUN = """
import gc, os, tempfile, threading
import numpy as np
from eegsk import EEGNetClassifier

X, y = np.random.default_rng(0).standard_normal((24, 3, 48)).astype("f4"), np.arange(24) % 2
small = {"n_filters": 2, "kernel": 5, "pool": 2, "second_kernel": 3, "second_pool": 2}

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def state():
    files = sorted(os.listdir("/proc/self/fd"))
    return len(files), threading.active_count(), sorted(os.listdir(tempfile.gettempdir()))

def fit(n):
    for _ in range(n):
        estimator = EEGNetClassifier(max_epochs=1, **small).fit(X, y)
    return estimator

def predict(estimator, n):
    for trial in range(n):
        estimator.predict(X[trial % 24 : trial % 24 + 1])

predict(fit(40), 1000)
before, memory = state(), resident()
predict(fit(200), 10_000)
assert state() == before, (state(), before)
print(resident() / memory)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="requires /proc")
def test_memory_of_a_long_run(tmp_path, monkeypatch):
    """200 fits and 10,000 predictions leave no memory, thread, file handle or file behind."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert float(run(LONG_RUN, timeout=900)) < 1.02


# Callbacks that cannot be copied


class Locked(pytest.importorskip("skorch.callbacks").Callback):
    """Callback with a lock, like a writer of TensorBoard."""

    created = 0

    def __init__(self, lock):
        self.lock = lock
        Locked.created += 1


def make_locked():
    return Locked(threading.Lock())


def test_a_callback_with_a_lock_cannot_be_cloned(X, y):
    estimator = small(EEGNetClassifier, callbacks=[Locked(threading.Lock())])
    estimator.fit(X, y)
    sentence = (
        "EEGNetClassifier: a parameter cannot be copied: cannot pickle '_thread.lock' object; "
        "instead of a callback that holds an open file or a lock, pass a function that creates it."
    )
    with pytest.raises(TypeError) as caught:
        clone(estimator)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("callbacks", [[make_locked], [("locked", make_locked)]])
def test_a_function_creates_a_callback_in_each_fit(callbacks, X, y):
    estimator = clone(small(EEGNetClassifier, callbacks=callbacks))
    n_created = Locked.created
    first, second = (dict(estimator.fit(X, y).net_.callbacks_) for _ in range(2))
    assert Locked.created == n_created + 2
    name = "locked" if isinstance(callbacks[0], tuple) else "function"
    assert first[name].lock is not second[name].lock
    assert estimator.callbacks == callbacks
