"""
Quickstart: decode imagined movements of unseen subjects
========================================================

Several subjects imagined moving the left or the right hand while their EEG was recorded. This
example trains EEGNet on most of them and predicts the hand in each trial of the others. It then
compares three activations by grid search and plots the losses of one fit.

By default, the recordings are simulated. To use real recordings (BCI Competition IV, data set 2b),
set the environment variable ``EEGSK_DATA`` to the folder that contains ``bci_iv_2b``.
"""

# sphinx_gallery_parallel = False

import os
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
from scipy.stats import binom
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict

from eegsk import EEGNetClassifier
from eegsk.datasets import load_bci_iv_2b, make_motor_imagery

# %%
# Load the trials
# ---------------
# ``epochs`` contains the trials as :class:`mne.Epochs`, ``y`` the imagined hand and ``subjects``
# the subject of each trial. Of the real recordings we use one session of each subject (the first
# one with feedback). They are resampled to 128 Hz, the sampling rate that the default filter
# lengths of EEGNet were designed for.


def load_recordings(folder):
    """Load session 03T of each subject in ``folder/bci_iv_2b``."""
    files = Path(folder, "bci_iv_2b").glob("B*03T.mat")
    subject_ids = sorted({int(path.name[1:3]) for path in files})
    if not subject_ids:
        raise FileNotFoundError(
            f"EEGSK_DATA={folder} contains no file bci_iv_2b/B*03T.mat; set it to the folder of "
            "the recordings, or unset it to simulate recordings."
        )
    sessions = [load_bci_iv_2b(i, "03T", data_dir=folder, as_epochs=True) for i in subject_ids]
    epochs = mne.concatenate_epochs([session[0] for session in sessions], verbose="error")
    y = np.concatenate([session[1] for session in sessions])
    subjects = np.repeat(subject_ids, [len(session[1]) for session in sessions])
    return epochs.resample(128, verbose="error"), y, subjects


folder = os.environ.get("EEGSK_DATA")
if folder:
    source = "BCI Competition IV, data set 2b, session 03T"
    epochs, y, subjects = load_recordings(folder)
else:
    source = "Simulated motor imagery"
    epochs, y, subjects = make_motor_imagery(
        n_subjects=10, n_trials=60, snr=4, as_epochs=True, random_state=0
    )

subject_ids, n_trials = np.unique(subjects, return_counts=True)
print(
    f"{source}: {len(subject_ids)} subjects, {len(epochs)} trials of {len(epochs.ch_names)} "
    f"channels x {len(epochs.times)} samples at {epochs.info['sfreq']:g} Hz\n"
)

# %%
# Accuracy on unseen subjects
# ---------------------------
# The classifier is a scikit-learn estimator and takes Epochs directly. To save time, we train for
# 25 epochs instead of the default 100. ``GroupKFold`` keeps all trials of a subject in the same
# fold, so no subject is in the training and the test data at the same time.

estimator = EEGNetClassifier(max_epochs=25, random_state=0)
cv = GroupKFold(n_splits=min(5, len(subject_ids)))

predicted = cross_val_predict(estimator, epochs, y, groups=subjects, cv=cv, n_jobs=2)
is_correct = predicted == y
accuracy = np.array([is_correct[subjects == i].mean() for i in subject_ids])

# %%
# A classifier that guesses is correct in about half of the trials. With a probability of 95 %, its
# accuracy is at most ``chance_limit``; only a higher accuracy shows that the network decodes
# something.

chance = 1 / len(np.unique(y))
chance_limit = binom.ppf(0.95, n_trials, chance) / n_trials

print("left-out subject   trials   accuracy   chance limit (95 %)")
for row in zip(subject_ids, n_trials, accuracy, chance_limit, strict=True):
    print("{:>16}   {:>6}   {:>8.1%}   {:>19.1%}".format(*row))
print(f"{'mean':>16}   {n_trials.sum():>6}   {accuracy.mean():>8.1%}")
print(f"{'chance':>16}   {'':>6}   {chance:>8.1%}\n")

# %%
# Compare activations
# -------------------
# Every parameter can be searched. We only need the scores here, so ``refit=False``. (An unbiased
# score of the best candidate needs nested cross-validation, i.e. this search inside
# ``cross_val_score``.) All candidates are tested on the same subjects, so we compare them by the
# difference in each fold and its standard error.

activations = ["relu", "leaky_relu", "elu"]
search = GridSearchCV(estimator, {"activation": activations}, cv=cv, n_jobs=2, refit=False)
search.fit(epochs, y, groups=subjects)

folds = range(search.n_splits_)
scores = np.array([search.cv_results_[f"split{fold}_test_score"] for fold in folds])
difference = scores - scores[:, [-1]]
standard_error = difference.std(axis=0, ddof=1) / np.sqrt(len(scores))

print("activation   accuracy   SD over folds   difference from elu")
for row in zip(activations, scores.T, difference.mean(axis=0), standard_error, strict=True):
    name, score, mean, error = row
    print(f"{name:>10}   {score.mean():>8.1%}   {score.std(ddof=1):>13.1%}", end="")
    print("" if name == "elu" else f"   {100 * mean:>+6.1f} +/- {100 * error:.1f} points")

# %%
# Losses of one fit
# -----------------
# ``valid_split=0.4`` sets 40 % of the subjects aside for validation, because ``fit`` receives the
# subjects as ``groups``. ``history_`` has one row for each epoch. The training score is computed
# during training, i.e. with dropout.

estimator.set_params(valid_split=0.4).fit(epochs, y, groups=subjects)
history = estimator.history_

# %%
# Plot the results
# ----------------
# Grey marks the range of guessing (95 %). Lines connect the scores of the same fold.

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "0.5"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, axes = plt.subplot_mosaic(
    [["loss", "subjects", "activation"], ["score", "subjects", "activation"]],
    figsize=(12, 5),
    width_ratios=[1, 1.2, 1],
    layout="constrained",
)


def label_right(ax, text, height, color, va="center"):
    """Write a label to the right of an axes, at a height in data units."""
    position = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    ax.annotate(text, (1, height), xytext=(4, 0), color=color, va=va, **position)


figure.suptitle(source, x=0.01, ha="left", weight="bold")
figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
for name, unit in [("loss", 1), ("score", 100)]:
    for part, color in [("train", BLUE), ("valid", ORANGE)]:
        axes[name].plot(history[:, "epoch"], unit * np.array(history[:, f"{part}_{name}"]), color)
    axes[name].margins(x=0)
train, valid = history[-1, ("train_loss", "valid_loss")]
label_right(axes["loss"], "training", train, BLUE, "top" if train < valid else "bottom")
label_right(axes["loss"], "validation", valid, ORANGE, "bottom" if train < valid else "top")
axes["loss"].set(title="Losses of one fit", ylabel="Cross-entropy (nats)")
axes["loss"].tick_params(labelbottom=False)
axes["score"].set(xlabel="Epoch", ylabel="Accuracy (%)")

x = np.arange(len(subject_ids))
axes["subjects"].axhspan(100 * chance, 100 * chance_limit.max(), color="0.92")
axes["subjects"].vlines(x, 100 * chance, 100 * accuracy, color=BLUE, linewidth=2)
axes["subjects"].plot(x, 100 * accuracy, "o", color=BLUE, markersize=8)
axes["subjects"].axhline(100 * accuracy.mean(), color=BLUE, linestyle="--")
axes["subjects"].set_xticks(x, subject_ids)
axes["subjects"].set(title="Unseen subjects", xlabel="Left-out subject")
label_right(axes["subjects"], "mean", 100 * accuracy.mean(), BLUE)
label_right(axes["subjects"], "chance\n(95 %)", 50 * (chance + chance_limit.max()), GREY)

x = np.arange(len(activations))
mean, deviation = scores.mean(axis=0), scores.std(axis=0, ddof=1)
axes["activation"].plot(x, 100 * scores.T, ".-", color="0.65", linewidth=1)
axes["activation"].errorbar(
    x + 0.12, 100 * mean, 100 * deviation, fmt="o", color=BLUE, markersize=8, capsize=4
)
axes["activation"].set_xticks(x, activations)
axes["activation"].set(title="Activations", xlabel="Activation", xlim=(-0.3, 2.4))
label_right(axes["activation"], "mean,\nSD", 100 * mean[-1], BLUE)
label_right(axes["activation"], "chance", 100 * chance, GREY)

for name in ["subjects", "activation"]:
    axes[name].axhline(100 * chance, color=GREY, linewidth=1)
    axes[name].set(ylim=(100 * min(0.9 * chance, accuracy.min(), scores.min()), 101))
    axes[name].set(ylabel="Accuracy (%)")

path = Path("plot_quickstart.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
