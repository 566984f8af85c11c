"""
Fine-tune on a few trials of a new person
=========================================

A network that was trained on other people can decode the EEG of a new person. Its accuracy is
limited, because rhythms and electrode positions differ between people. With *fine-tuning*, a few
labelled trials of the new person, e.g. from the first minutes of a session, adapt the network:
training begins with the weights that were learned from the other people.

Here each person is tested once. The network is trained on all other people, fine-tuned with the
first 10, 20 or 40 trials of the tested person, and tested on the later ones. The recordings are
simulated.
"""

# sphinx_gallery_parallel = False

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from eegsk import EEGNetClassifier
from eegsk.datasets import make_motor_imagery
from eegsk.model_selection import evaluate_transfer

# %%
# Trials
# ------
# Each person imagines moving the left or the right hand. ``subjects`` has the person of each trial;
# the trials of a person are in the order of time.

X, y, subjects = make_motor_imagery(
    n_subjects=8, n_trials=100, n_chans=8, n_times=192, snr=2.5, random_state=1
)

# %%
# Fine-tuning by hand
# -------------------
# The pretrained estimator is passed in scikit-learn's :class:`~sklearn.frozen.FrozenEstimator`,
# which :func:`~sklearn.base.clone` and cross-validation do not reset. ``freeze="front"`` keeps the
# temporal and spatial filters, which few trials cannot improve. The learning rate is lower and the
# training shorter than for the pretraining.

classifier = EEGNetClassifier(max_epochs=15, random_state=0)
fine_tuning = {"freeze": "front", "lr": 1e-3, "max_epochs": 30}

is_new = subjects == 1
pretrained = clone(classifier).fit(X[~is_new], y[~is_new])
fine_tuned = clone(classifier).set_params(pretrained=FrozenEstimator(pretrained), **fine_tuning)
fine_tuned.fit(X[is_new][:40], y[is_new][:40])

for name, estimator in [("pretrained", pretrained), ("fine-tuned", fine_tuned)]:
    print(f"{name}: {estimator.score(X[is_new][40:], y[is_new][40:]):.1%} of the later trials")

# %%
# Every person, and several numbers of trials
# -------------------------------------------
# :func:`~eegsk.model_selection.evaluate_transfer` does this for every person. All tests of a person
# use the trials after the 40th, so that the scores can be compared. The labels of these trials are
# used for nothing else.

n_trials = [0, 10, 20, 40]
table = evaluate_transfer(
    classifier, X, y, subjects, n_trials=n_trials, fine_tuning=fine_tuning, n_jobs=2
)
scores = 100 * table.pivot(index="group", columns="n_trials", values="score")
print("\nAccuracy (%) after fine-tuning with 0, 10, 20, 40 trials")
print(scores.round(0).astype(int).to_string())

# %%
# For comparison, the same network is trained on the same few trials without pretraining, in small
# batches, so that it takes more steps.

scratch = np.zeros((len(scores), len(n_trials) - 1))
for row, subject in enumerate(scores.index):
    trials, labels = X[subjects == subject], y[subjects == subject]
    for column, size in enumerate(n_trials[1:]):
        model = clone(classifier).set_params(max_epochs=40, batch_size=10)
        model.fit(trials[:size], labels[:size])
        scratch[row, column] = 100 * model.score(trials[40:], labels[40:])

# %%
# The figure
# ----------
# Thin lines are single people, thick lines their means.

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "0.5"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, ax = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
place = np.arange(len(n_trials))
for values, places, color, label in [
    (scores.to_numpy(), place, BLUE, "pretrained on the\nother people"),
    (scratch, place[1:], ORANGE, "this person only"),
]:
    ax.plot(places, values.T, color=color, linewidth=0.8, alpha=0.35)
    ax.plot(places, values.mean(axis=0), "o-", color=color, linewidth=2.5, markersize=8)
    ax.annotate(
        label,
        (places[-1], values.mean(axis=0)[-1]),
        xytext=(10, 0),
        textcoords="offset points",
        color=color,
        va="center",
        annotation_clip=False,
    )
ax.axhline(50, color=GREY, linestyle="--", linewidth=1, zorder=0)
ax.annotate("chance", (place[0], 50), xytext=(0, 4), textcoords="offset points", color=GREY)
ax.set_xticks(place, n_trials)
ax.set(
    xlabel="Labelled trials of the tested person",
    ylabel="Accuracy on later trials (%)",
    ylim=(None, 101),
    title="A few trials of a new person",
)

path = Path("plot_transfer.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure is in {path}")
