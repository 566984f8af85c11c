"""
Continuous recording decoded in sliding windows
===============================================

A classifier is usually trained on trials, i.e. on segments after a cue. Here it decodes a
continuous recording: windows of one second follow each other every 125 ms, and each window is
decoded as rest or as imagined movement of the right hand. The recording is divided into a training
part and a test part before it is cut into windows, so that no window overlaps with both.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
from sklearn.metrics import roc_auc_score

from eegsk import EEGNetClassifier
from eegsk.datasets import make_motor_imagery
from eegsk.streaming import decode_windows

mne.set_log_level("error")

# %%
# Make a continuous recording
# ---------------------------
# Simulated segments of four seconds, in which one subject rests or imagines a movement, are joined
# to a :class:`mne.io.RawArray`. Annotations mark the segments, as in a recording with cues.

SEGMENT, SFREQ = 4.0, 128.0  # seconds, Hz
segments, y, _ = make_motor_imagery(
    n_subjects=1, n_trials=90, n_chans=8, n_times=int(SEGMENT * SFREQ), sfreq=SFREQ,
    classes=("rest", "right_hand"), snr=12, as_epochs=True, random_state=3,
)  # fmt: skip
raw = mne.io.RawArray(np.hstack(segments.get_data()), segments.info)
raw.set_annotations(mne.Annotations(SEGMENT * np.arange(len(y)), SEGMENT, y))
print(f"{raw.times[-1]:.0f} s of EEG, {len(raw.ch_names)} channels")

# %%
# Train on windows
# ----------------
# The first 240 s are for training: :func:`mne.make_fixed_length_epochs` cuts them into overlapping
# windows. The label of a window is the annotation at its end, because a decoder that runs online
# knows the past only.

LENGTH, STEP, BOUNDARY = 1.0, 0.125, 240.0  # seconds


def is_movement(times):
    """Return whether the subject imagines a movement at these times in seconds."""
    return y[(times / SEGMENT).astype(int)] == "right_hand"


train = raw.copy().crop(0, BOUNDARY, include_tmax=False)
windows = mne.make_fixed_length_epochs(train, LENGTH, overlap=LENGTH / 2, preload=True)
last = (windows.events[:, 0] - train.first_samp - 1) / SFREQ + LENGTH
classifier = EEGNetClassifier(max_epochs=40, batch_size=32, dropout=0.25, random_state=0)
classifier.fit(windows, is_movement(last))

# %%
# Decode the test part
# --------------------
# :func:`eegsk.streaming.decode_windows` reads the rest of the recording once, and decodes a window
# every 125 ms. With ``smoothing``, the probabilities are averaged over the last second (eight
# windows). This mean is causal: it is less noisy, but reacts later. In this recording, the two
# effects cancel, and the area under the ROC curve is about the same.

test = raw.copy().crop(BOUNDARY)
times, proba = decode_windows(classifier, test, STEP)
_, smooth = decode_windows(classifier, test, STEP, smoothing=1.0)
proba, smooth = proba[:, 1], smooth[:, 1]
test_labels = is_movement(BOUNDARY + times)
print(f"area under the ROC curve: {roc_auc_score(test_labels, proba):.2f} for single windows, "
      f"{roc_auc_score(test_labels, smooth):.2f} after smoothing")  # fmt: skip

# %%
# Plot one minute of the test part
# --------------------------------
# Grey areas are imagined movements. The probability follows them with a delay: the rhythms change
# about 0.4 s after the cue, and a window has to contain enough of the change.

BLUE, ORANGE = "#0072b2", "#d55e00"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, (top, bottom) = plt.subplots(
    2, 1, figsize=(10, 5), height_ratios=[1, 1.6], sharex=True, layout="constrained"
)
is_shown = raw.times >= BOUNDARY
band = raw.copy().pick(["C3"]).filter(8, 13)
signal = 1e6 * band.get_data()[0, is_shown]
top.plot(raw.times[is_shown] - BOUNDARY, signal, color="0.3", linewidth=0.6)
top.set(ylabel="C3, 8 to 13 Hz (µV)", title="Mu rhythm")
bottom.plot(times, 100 * proba, color=BLUE, linewidth=0.8, alpha=0.5, label="single window")
bottom.plot(times, 100 * smooth, color=ORANGE, linewidth=2, label="mean over one second")
bottom.axhline(50, color="0.5", linestyle="--", linewidth=1)
bottom.set(xlabel="Time in the test part (s)", ylabel="Probability of\nmovement (%)")
bottom.set(xlim=(0, 60), ylim=(0, 100), title="Decoded probability")
onsets = SEGMENT * np.flatnonzero(y == "right_hand") - BOUNDARY
for ax in (top, bottom):
    for onset in onsets[onsets >= 0]:
        ax.axvspan(onset, onset + SEGMENT, color="0.9", linewidth=0, zorder=0)
handles, labels = bottom.get_legend_handles_labels()
handles.append(plt.Rectangle((0, 0), 1, 1, color="0.9"))
figure.legend(handles, [*labels, "imagined movement"], loc="outside lower center", ncol=3,
              frameon=False)  # fmt: skip

path = Path("plot_sliding_windows.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
