"""
Decode imagined movements of people the network has never seen
===============================================================

Several people imagined moving a hand, left or right, while their EEG was recorded. EEGNet learns
from most of them, and says of each trial of the others which hand it was. Then three activations
are compared on the same people, and one fit is watched as it learns.

Without files, the recordings are simulated. To run this on BCI Competition IV, data set 2b, set
the environment variable ``EEGSK_DATA`` to the folder that holds ``bci_iv_2b``.
"""

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
# Trials
# ------
# ``epochs`` are the trials as :class:`mne.Epochs`, ``y`` says which hand each was of, ``subjects``
# who imagined it. Of the real recordings, one session of each person (the first with feedback) is
# enough here; they are resampled to the 128 Hz that EEGNet's filters were made for.


def load_recordings(folder):
    """Load the session 03T of every subject in ``folder/bci_iv_2b``."""
    people = sorted({int(path.name[1:3]) for path in Path(folder, "bci_iv_2b").glob("B*03T.mat")})
    if not people:
        raise FileNotFoundError(f"EEGSK_DATA is {folder}, where there is no bci_iv_2b/B*03T.mat.")
    trials = [load_bci_iv_2b(who, "03T", data_dir=folder, as_epochs=True) for who in people]
    epochs = mne.concatenate_epochs([each for each, _, _ in trials], verbose="error")
    y = np.concatenate([labels for _, labels, _ in trials])
    subjects = np.repeat(people, [len(labels) for _, labels, _ in trials])
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

people, n_trials = np.unique(subjects, return_counts=True)
print(
    f"{source}: {len(people)} subjects, {len(epochs)} trials of {len(epochs.ch_names)} channels x "
    f"{len(epochs.times)} times at {epochs.info['sfreq']:g} Hz\n"
)

# %%
# How well does it do on a new person?
# ------------------------------------
# The estimator is as any other of scikit-learn, and takes Epochs as they are. To keep the wait
# short, it goes through the trials fewer times than it would by default. ``GroupKFold`` keeps each
# person's trials together, so that nobody is trained and tested on at once.

estimator = EEGNetClassifier(max_epochs=25, random_state=0)
cv = GroupKFold(n_splits=min(5, len(people)))

predicted = cross_val_predict(estimator, epochs, y, groups=subjects, cv=cv, n_jobs=2)
accuracy = np.array([np.mean((predicted == y)[subjects == who]) for who in people])

# %%
# Someone who guesses is right in half of the trials, more or less: in 95 of 100 cases not more
# often than ``lucky``. Accuracy says something only above that.

chance = 1 / len(np.unique(y))
lucky = binom.ppf(0.95, n_trials, chance) / n_trials

print("left-out subject   trials   accuracy   guessing, at most")
for row in zip(people, n_trials, accuracy, lucky, strict=True):
    print("{:>16}   {:>6}   {:>8.1%}   {:>17.1%}".format(*row))
print(f"{'mean':>16}   {n_trials.sum():>6}   {accuracy.mean():>8.1%}")
print(f"{'chance':>16}   {'':>6}   {chance:>8.1%}\n")

# %%
# Does the activation matter?
# ---------------------------
# Every argument can be searched. The search is asked for the scores alone (``refit=False``): to
# state how well its winner does takes people that it has not seen, that is, a search inside
# ``cross_val_score``. Since all activations meet the same people, it is the difference in each
# fold that tells them apart, beside its standard error.

activations = ["relu", "leaky_relu", "elu"]
search = GridSearchCV(estimator, {"activation": activations}, cv=cv, n_jobs=2, refit=False)
search.fit(epochs, y, groups=subjects)

folds = range(search.n_splits_)
scores = np.array([search.cv_results_[f"split{fold}_test_score"] for fold in folds])
difference = scores - scores[:, [-1]]
error = difference.std(axis=0, ddof=1) / np.sqrt(len(scores))

print("activation   accuracy   s.d. of folds   difference from elu")
for row in zip(activations, scores.T, difference.mean(axis=0), error, strict=True):
    name, score, mean, spread = row
    print(f"{name:>10}   {score.mean():>8.1%}   {score.std(ddof=1):>13.1%}", end="")
    print("" if name == "elu" else f"   {100 * mean:>+6.1f} +/- {100 * spread:.1f} points")

# %%
# What happens in a fit
# ---------------------
# ``valid_split`` sets two in five of the people aside, because ``fit`` is told who is who, and
# ``history_`` has a row for each epoch. The training score is that of the network with dropout on,
# as it was while it learned.

estimator.set_params(valid_split=0.4).fit(epochs, y, groups=subjects)
history = estimator.history_

# %%
# The figure
# ----------
# Grey is what guessing reaches, in 95 of 100 cases. Folds of the search are joined by lines.

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "0.5"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, axes = plt.subplot_mosaic(
    [["loss", "people", "activation"], ["score", "people", "activation"]],
    figsize=(12, 5),
    width_ratios=[1, 1.2, 1],
    layout="constrained",
)


def write_beside(ax, text, height, color, va="center"):
    """Write to the right of an axes, at a height in units of its data."""
    where = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    ax.annotate(text, (1, height), xytext=(4, 0), color=color, va=va, **where)


figure.suptitle(source, x=0.01, ha="left", weight="bold")
figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
for name, unit in [("loss", 1), ("score", 100)]:
    for side, color in [("train", BLUE), ("valid", ORANGE)]:
        axes[name].plot(history[:, "epoch"], unit * np.array(history[:, f"{side}_{name}"]), color)
    axes[name].margins(x=0)
train, valid = history[-1, ("train_loss", "valid_loss")]
write_beside(axes["loss"], "training", train, BLUE, "top" if train < valid else "bottom")
write_beside(axes["loss"], "validation", valid, ORANGE, "bottom" if train < valid else "top")
axes["loss"].set(title="One fit", ylabel="Cross-entropy (nats)")
axes["loss"].tick_params(labelbottom=False)
axes["score"].set(xlabel="Epoch", ylabel="Accuracy (%)")

place = np.arange(len(people))
axes["people"].axhspan(100 * chance, 100 * lucky.max(), color="0.92")
axes["people"].vlines(place, 100 * chance, 100 * accuracy, color=BLUE, linewidth=2)
axes["people"].plot(place, 100 * accuracy, "o", color=BLUE, markersize=8)
axes["people"].axhline(100 * accuracy.mean(), color=BLUE, linestyle="--")
axes["people"].set_xticks(place, people)
axes["people"].set(title="On people never seen", xlabel="Left-out subject")
write_beside(axes["people"], "mean", 100 * accuracy.mean(), BLUE)
write_beside(axes["people"], "guessing", 50 * (chance + lucky.max()), GREY)

place = np.arange(len(activations))
mean, deviation = scores.mean(axis=0), scores.std(axis=0, ddof=1)
axes["activation"].plot(place, 100 * scores.T, ".-", color="0.65", linewidth=1)
axes["activation"].errorbar(
    place + 0.12, 100 * mean, 100 * deviation, fmt="o", color=BLUE, markersize=8, capsize=4
)
axes["activation"].set_xticks(place, activations)
axes["activation"].set(title="With each activation", xlabel="Activation", xlim=(-0.3, 2.4))
write_beside(axes["activation"], "mean,\ns.d.", 100 * mean[-1], BLUE)
write_beside(axes["activation"], "chance", 100 * chance, GREY)

for name in ["people", "activation"]:
    axes[name].axhline(100 * chance, color=GREY, linewidth=1)
    axes[name].set(ylim=(100 * min(0.9 * chance, accuracy.min(), scores.min()), 101))
    axes[name].set(ylabel="Accuracy (%)")

path = Path("plot_quickstart.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure is in {path}")
