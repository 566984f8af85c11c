"""
Live stream with a loose electrode and lost samples
===================================================

A classifier decodes a simulated live stream: an amplifier sends chunks of different sizes, and the
decoder returns a probability every 100 ms. During the session, one electrode loses contact, a
burst of NaN is sent, and two seconds of samples are lost. The decoder reports each problem with
its time, and decodes no window that contains invalid samples.
"""

import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
from scipy.signal import butter, sosfilt

from eegsk import EEGNetClassifier, to_onnx
from eegsk.datasets import make_motor_imagery
from eegsk.streaming import StreamingDecoder, StreamWarning

mne.set_log_level("error")

# %%
# Train a classifier on filtered data
# -----------------------------------
# Segments of four seconds, in which one subject rests or imagines a movement, are joined to a
# recording. The first 240 s are for training. The filter is causal, as that of the stream, and is
# applied before the recording is cut into windows of one second.

SEGMENT, SFREQ, LENGTH, BOUNDARY = 4.0, 128.0, 1.0, 240.0  # seconds, Hz
segments, y, _ = make_motor_imagery(
    n_subjects=1, n_trials=90, n_chans=8, n_times=int(SEGMENT * SFREQ), sfreq=SFREQ,
    classes=("rest", "right_hand"), snr=12, as_epochs=True, random_state=3,
)  # fmt: skip
recording = np.hstack(segments.get_data())  # (n_chans, n_samples), in volts
sos = butter(2, [4, 40], "bandpass", output="sos", fs=SFREQ)
train = recording[:, : int(BOUNDARY * SFREQ)]
filtered = mne.io.RawArray(sosfilt(sos, train), segments.info)
windows = mne.make_fixed_length_epochs(filtered, LENGTH, overlap=LENGTH / 2, preload=True)
last = (windows.events[:, 0] - 1) / SFREQ + LENGTH  # time of the last sample of each window
classifier = EEGNetClassifier(max_epochs=40, batch_size=32, dropout=0.25, random_state=0)
classifier.fit(windows, y[(last / SEGMENT).astype(int)])

# %%
# Simulate the amplifier
# ----------------------
# The test part is sent in chunks of 5 to 50 samples with a time stamp for each sample, as in the
# lab streaming layer.

stream = recording[:, int(BOUNDARY * SFREQ) :].T.copy()  # (n_samples, n_chans)
stamps = np.arange(len(stream)) / SFREQ
C3 = segments.ch_names.index("C3")
stream[(stamps >= 17) & (stamps < 21), C3] = stream[int(17 * SFREQ), C3]  # loose electrode
stream[(stamps >= 34) & (stamps < 34.2)] = np.nan
is_sent = (stamps < 46) | (stamps >= 48)  # two seconds are lost
stream, stamps = stream[is_sent], stamps[is_sent]


def chunks():
    """Yield chunks of the stream and their time stamps."""
    rng, start = np.random.default_rng(0), 0
    while start < len(stream):
        stop = start + rng.integers(5, 51)
        yield stream[start:stop], stamps[start:stop]
        start = stop


# %%
# Decode it
# ---------
# ``push`` returns the windows that a chunk completes. The filter and the mean over the last second
# keep their state between the chunks.

decoder = StreamingDecoder(classifier, step=0.1, smoothing=1.0, temporal_filter=sos)
decoded = []
with warnings.catch_warnings():
    warnings.simplefilter("ignore", StreamWarning)  # problems are printed below
    for chunk, times in chunks():
        decoded += decoder.push(chunk, times)
for time, kind, message in decoder.problems_:
    print(f"{time:6.2f} s  {kind}: {message}")
times = np.array([window.time for window in decoded])
proba = np.array([window.values[1] for window in decoded])
is_movement = y[((BOUNDARY + times) / SEGMENT).astype(int)] == "right_hand"
print(f"{len(times)} windows; {np.mean((proba > 0.5) == is_movement):.0%} agree with the task")

# %%
# The same network in ONNX
# ------------------------
# For a device without Python, the network is exported with the extra ``onnx``. The file contains
# the names of classes and channels, and the sampling rate.

path = Path(tempfile.mkdtemp(), "model.onnx")
try:
    to_onnx(classifier, path)
    print(f"ONNX model of {path.stat().st_size / 1000:.0f} kB")
except ImportError as error:
    print(error)

# %%
# Plot the probability and the problems
# -------------------------------------
# Grey areas are imagined movements. The probability follows them with a delay of about one second,
# the length of a window and of the mean. Orange areas have no probability, because a window would
# contain invalid samples.

BLUE, ORANGE = "#0072b2", "#d55e00"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, (top, bottom) = plt.subplots(
    2, 1, figsize=(10, 5.4), height_ratios=[1, 1.4], sharex=True, layout="constrained"
)
breaks = np.flatnonzero(np.diff(times) > 0.15)
line = np.insert(times, breaks + 1, np.nan), np.insert(100 * proba, breaks + 1, np.nan)
is_lost = np.flatnonzero(np.diff(stamps) > 1) + 1
signal = np.insert(stamps, is_lost, np.nan), np.insert(1e6 * stream[:, C3], is_lost, np.nan)
top.plot(*signal, color="0.3", linewidth=0.5)
top.set(ylabel="C3 (µV)", title="Stream")
bottom.plot(*line, color=BLUE, linewidth=2)
bottom.axhline(50, color="0.5", linestyle="--", linewidth=1)
bottom.set(xlabel="Time (s)", ylabel="Probability of\nmovement (%)", xlim=(0, 60), ylim=(0, 100))
bottom.set_title("Decoded probability")
onsets = SEGMENT * np.flatnonzero(y == "right_hand") - BOUNDARY
for ax in (top, bottom):
    for onset in onsets[onsets >= 0]:
        ax.axvspan(onset, onset + SEGMENT, color="0.92", linewidth=0, zorder=0)
    for before in breaks:
        ax.axvspan(times[before], times[before + 1], color=ORANGE, alpha=0.25, linewidth=0)
for time, kind, _ in decoder.problems_:
    if time < 60:
        top.annotate(kind, (time, 1), xycoords=("data", "axes fraction"), ha="left", va="top",
                     color=ORANGE, fontweight="bold")  # fmt: skip
handles = [plt.Rectangle((0, 0), 1, 1, color="0.92"),
           plt.Rectangle((0, 0), 1, 1, color=ORANGE, alpha=0.25)]  # fmt: skip
figure.legend(handles, ["imagined movement", "not decoded"], loc="outside lower center", ncol=2,
              frameon=False)  # fmt: skip

path = Path("plot_stream.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
