"""
New subjects: networks of slow potentials and of rhythms
========================================================

A classifier of imagined movements should work for a person who was not in the training data. Two
kinds of signals differ between the left and the right hand: slow potentials, and the amplitude of
the mu and beta rhythms. In some people the first are clearer, in others the second. The recipe
:func:`~eegsk.recipes.cross_subject_motor_imagery` trains networks for both, and averages their
probabilities.

Without files, the recordings are simulated. To run this on 40 people of the EEG Motor
Movement/Imagery data set, which takes a few minutes, set the environment variable ``EEGSK_DATA`` to
the folder that contains ``eegmmidb``.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np

from eegsk import EEGNetClassifier
from eegsk.datasets import make_motor_imagery
from eegsk.display import PatternDisplay, SubjectDisplay
from eegsk.recipes import cross_subject_motor_imagery

# %%
# Recordings
# ----------
# The simulated rhythms are those of :func:`~eegsk.datasets.make_motor_imagery`. A slow potential is
# added over the side opposite to the hand. Its amplitude differs between people.


def simulate(n_subjects=16, random_state=0):
    """Simulate trials of 2 s with rhythms and slow potentials."""
    epochs, y, subjects = make_motor_imagery(
        n_subjects=n_subjects, n_trials=48, as_epochs=True, random_state=random_state
    )
    rng = np.random.default_rng(random_state)
    positions = np.array(list(epochs.get_montage().get_positions()["ch_pos"].values()))
    side = np.where(y == "left_hand", 1, -1) * rng.lognormal(-1, 1, n_subjects)[subjects - 1]
    ramp = np.linspace(0, 1, len(epochs.times))
    X = epochs.get_data(copy=False)
    X += 2e-4 * side[:, None, None] * positions[:, :1] * ramp * X.std() / 1e-5
    return epochs.get_data(), y, subjects, epochs.info["sfreq"], epochs.ch_names


def load_people(folder):
    """Load imagined movements of the left and right fist, the first three seconds after the cue."""
    trials, labels, people = [], [], []
    for path in sorted((folder / "eegmmidb").glob("S*.npz")):
        with np.load(path) as file:
            trials.append(1e-6 * file["X"][:, :, :480].astype(np.float32))
            labels.append(np.where(file["y"] == 1, "left_fist", "right_fist"))
            people.append(np.repeat(path.stem, len(file["y"])))
            sfreq, ch_names = float(file["sfreq"]), file["ch_names"].tolist()
    return *map(np.concatenate, (trials, labels, people)), sfreq, ch_names


mne.set_log_level("error")
folder = os.environ.get("EEGSK_DATA")
X, y, people, sfreq, ch_names = load_people(Path(folder)) if folder else simulate()
names = np.unique(people)
n_new = len(names) // 4
is_new = np.isin(people, names[-n_new:])
print(f"{len(names)} people, {len(X)} trials of {X.shape[1]} channels; {n_new} people are new")

# %%
# Train on three quarters of the people, test on the others
# ---------------------------------------------------------
# ``groups`` are the people. The trials of each person are aligned together, in training and in the
# prediction. Labels of the new people are not used. With ``n_seeds=1``, there is one network of
# each kind; the default is three.

recipe = cross_subject_motor_imagery(
    sfreq=sfreq, ch_names=ch_names, n_seeds=1, max_epochs=30, random_state=0
)
recipe.fit(X[~is_new], y[~is_new], groups=people[~is_new])
X_new, y_new, new = X[is_new], y[is_new], people[is_new]
network = EEGNetClassifier(max_epochs=30, random_state=0).fit(X[~is_new], y[~is_new])

# The members receive the labels as integers, the indices of ``recipe.classes_``.
predictions = {"EEGNet": network.predict(X_new)}
for name, member in recipe.named_estimators_.items():
    predictions[name] = recipe.classes_[member.predict(X_new, groups=new)]
predictions["both"] = recipe.predict(X_new, groups=new)
for name, predicted in predictions.items():
    print(f"{name}: {100 * np.mean(predicted == y_new):.1f} % correct")

# %%
# What the networks use
# ---------------------
# The patterns show the sources of the networks in the recorded channels, i.e. before the alignment.
# Each row shows the most relevant sources of one kind of network. Look at them before you trust an
# accuracy: slow potentials that are largest at the front of the head probably come from the eyes,
# which some people move towards the cue.

patterns, axes = plt.subplots(2, 4, figsize=(9, 6), layout="constrained")
for row, (name, member) in zip(axes, recipe.named_estimators_.items(), strict=True):
    PatternDisplay.from_estimator(
        member, X_new, groups=new, sfreq=sfreq, ch_names=ch_names, n_sources=4, ax=row
    )
    row[0].set_ylabel(name)
patterns.suptitle(f"Class 0 is {recipe.classes_[0]}, class 1 is {recipe.classes_[1]}")
patterns.savefig("plot_new_subjects_patterns.png", dpi=150)

# %%
# A live experiment
# -----------------
# By default, the alignment of a new person uses all trials of the call. In a live experiment, only
# the trials before the current one are known. Training is the same for both.

for member in recipe.estimators_:
    member.aligner_.set_params(online=True)
predictions["both, causal"] = recipe.predict(X_new, groups=new)
accuracy = np.mean(predictions["both, causal"] == y_new)
print(f"causal alignment: {100 * accuracy:.1f} % correct")

# %%
# The figure
# ----------
# Each dot is the accuracy for a new person.

source = "EEG Motor Movement/Imagery data set" if folder else "Simulated motor imagery"
figure, ax = plt.subplots(figsize=(9, 4), layout="constrained")
SubjectDisplay.from_predictions(y_new, predictions, groups=new, chance=0.5, ax=ax)
ax.set_title(f"{source}: people who were not in the training data")

path = Path("plot_new_subjects.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure is in {path}")
