"""
Windows of recordings in files
==============================

Recordings of several people often do not fit in memory. Here, each person has a continuous
recording in a file. Overlapping windows are cut out of the trials, and are read only when the
network needs them. The network is tested on people who are not in the training data, and the
predictions for the windows of a trial are averaged.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
from sklearn.model_selection import GroupKFold, cross_val_predict

from eegsk import EEGNetClassifier
from eegsk.datasets import make_motor_imagery
from eegsk.recordings import trials_from_raw

mne.set_log_level("error")

# %%
# Write one recording for each person
# -----------------------------------
# Each simulated recording has 30 imagined movements of four seconds, with an annotation at the
# start of each.

N_PEOPLE, LENGTH = 6, 4.0
epochs, y, people = make_motor_imagery(
    n_subjects=N_PEOPLE, n_trials=30, n_chans=16, n_times=int(LENGTH * 128), sfreq=128.0,
    snr=3, as_epochs=True, random_state=0,
)  # fmt: skip
folder = Path(tempfile.mkdtemp())
names = [f"person{number}" for number in range(1, N_PEOPLE + 1)]
for name, person in zip(names, np.unique(people), strict=True):
    is_person = people == person
    raw = mne.io.RawArray(np.hstack(epochs.get_data()[is_person]), epochs.info)
    onsets = LENGTH * np.arange(is_person.sum())
    raw.set_annotations(mne.Annotations(onsets, LENGTH, y[is_person]))
    raw.save(folder / f"{name}_raw.fif")

# %%
# Cut windows
# -----------
# ``trials_from_raw`` reads the annotations, but no samples. The result has the shape of an array.
# Its table contains the label, the person and the number of the trial of each window.

windows = trials_from_raw(
    [folder / f"{name}_raw.fif" for name in names],
    ["left_hand", "right_hand"],
    duration=1.0,
    tmax=LENGTH,
    step=0.5,
    columns={"person": names},
)
print(windows.shape)
print(windows.table.drop(columns="recording").head(3))

# %%
# Test on new people
# ------------------
# scikit-learn selects windows without reading them, and ``fit`` reads one batch after the other.
# People are the groups, so that all windows of a person are in the same fold.

classifier = EEGNetClassifier(max_epochs=20, random_state=0)
person = windows.groups("person")
probabilities = cross_val_predict(
    classifier, windows, windows.labels, groups=person, cv=GroupKFold(3), method="predict_proba"
)

# %%
# Windows and trials
# ------------------
# The windows are sorted by trial, and here each trial has the same number of windows. The mean of
# their probabilities is a prediction for the whole trial.

n_windows = round((LENGTH - 1.0) / 0.5) + 1
by_trial = probabilities[:, 1].reshape(-1, n_windows)
is_right = (windows.labels == "right_hand").reshape(-1, n_windows)
of_windows = np.mean((by_trial > 0.5) == is_right, axis=0)
of_trials = np.mean((by_trial.mean(axis=1) > 0.5) == is_right[:, 0])
print(f"windows: {of_windows.mean():.3f}, trials: {of_trials:.3f}")

figure, ax = plt.subplots(layout="constrained")
centers = 0.5 + 0.5 * np.arange(n_windows)
ax.plot(centers, of_windows, "o-", label="single windows of 1 s")
ax.axhline(of_trials, color="C1", label="mean over the windows of a trial")
ax.axhline(0.5, color="0.45", linestyle=":", label="chance")
ax.set(xlabel="Center of the window after the cue (s)", ylabel="Accuracy on new people")
ax.set(ylim=(0.45, 1.0), title="One probability for each window, or their mean")
ax.legend(loc="upper left")

path = Path("plot_large_data.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
