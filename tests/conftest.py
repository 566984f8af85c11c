"""Trials that fits in tests share: few and short, of pure noise, or recorded."""

import os

# Without it scikit-learn skips its checks of the array API; scipy reads it when it is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import signal
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
import pytest
import torch

from eegsk.datasets import make_motor_imagery
from eegsk.training import device

N_TRIALS, N_CHANS, N_TIMES = 24, 3, 48


@pytest.fixture(scope="session", autouse=True)
def ctrl_c():
    """Let Ctrl-C interrupt, which a shell has what it starts in the background ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Keep what runs outside of fits from competing with other processes for the cores."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def automatic_device():
    """Let ``device="auto"`` be the CPU, on which results are expected to the last digits.

    Tests of GPUs set ``device="cuda"``.
    """
    available = device._available
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device, "_available", lambda: available()[::-1])
        yield


@pytest.fixture(autouse=True)
def state_of_torch():
    """Check that a test leaves gradients enabled and the default precision as they were."""
    yield
    is_enabled, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    assert is_enabled, "The test disabled gradients for the tests after it."
    assert dtype == torch.float32, "The test changed the default precision for the tests after it."


@pytest.fixture
def X():  # noqa: N802
    rng = np.random.default_rng(0)
    return rng.standard_normal((N_TRIALS, N_CHANS, N_TIMES)).astype(np.float32)


@pytest.fixture
def y():
    """Return labels that are targets of a regression just as well."""
    return np.arange(N_TRIALS) % 2


@pytest.fixture
def groups():
    """Return six recordings of four trials, two of each class."""
    return np.arange(N_TRIALS) // 4


@pytest.fixture
def epochs(X, y):
    """Return the trials as Epochs in volts; those labelled 1 are events called "right"."""
    info = mne.create_info(["C3", "Cz", "C4"], sfreq=100.0, ch_types="eeg")
    events = np.column_stack([N_TIMES * np.arange(N_TRIALS), np.zeros(N_TRIALS, int), y + 1])
    event_id = {"left": 1, "right": 2}
    return mne.EpochsArray(1e-6 * X, info, events, event_id=event_id, verbose="error")


@pytest.fixture
def saved(epochs, tmp_path):
    """Return the Epochs in a file, from which each is read when it is needed."""
    epochs.save(tmp_path / "trials-epo.fif", verbose="error")
    return mne.read_epochs(tmp_path / "trials-epo.fif", preload=False, verbose="error")


@pytest.fixture
def recorded():
    """Return trials of imagined movement, each read from a recording when it is needed."""
    if not os.environ.get("EEGSK_DATA"):
        pytest.skip("EEGSK_DATA does not say where the real recordings are")
    path = Path(os.environ["EEGSK_DATA"]) / "eegmmidb_s001" / "S001R04.edf"
    raw = mne.io.read_raw_edf(path, preload=False, verbose="error")
    events, codes = mne.events_from_annotations(raw, verbose="error")
    event_id = {"left": codes["T1"], "right": codes["T2"]}
    where = {"tmin": 0.5, "tmax": 0.8, "baseline": None, "picks": ["C3..", "Cz..", "C4.."]}
    epochs = mne.Epochs(raw, events, event_id, **where, preload=False, verbose="error")
    return epochs.drop_bad(verbose="error")


@pytest.fixture(params=["epochs", "saved", "recorded"])
def any_epochs(request):
    """Return Epochs in memory, in a file, or in a recording."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def planted():
    """Return trials with an ERD over C4 for the left hand and over C3 for the right hand."""
    epochs, y, _ = make_motor_imagery(
        n_subjects=1, n_trials=160, snr=20, n_chans=12, n_times=192, as_epochs=True, random_state=1
    )
    return epochs, y


@pytest.fixture
def no_figures():
    """Close the figures of a test."""
    yield
    plt.close("all")
