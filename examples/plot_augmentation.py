"""
Augmentation and an ensemble of seeds
=====================================

Two remedies for few training trials. *Augmentation* changes the trials of each training batch at
random, in ways that leave their class known. An *ensemble of seeds* averages the probabilities of
networks that differ only in ``random_state``. This example measures both, and their combination,
on subjects that are not in the training data.

The transforms have their default settings, and nothing was chosen on the test subjects.
"""

# sphinx_gallery_parallel = False

from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from eegsk import EEGNetClassifier
from eegsk.augmentation import AmplitudeScale, ChannelReflection, TimeShift
from eegsk.datasets import make_motor_imagery

epochs, y, subjects = make_motor_imagery(
    n_subjects=6, n_trials=30, n_chans=8, n_times=192, snr=8, as_epochs=True, random_state=0
)

# %%
# Augmentation
# ------------
# Each transform is an assumption about the recordings. Here: a trial that is shifted a little in
# time, or whose amplitude is changed a little, still has the same class; and if the left and the
# right channels are exchanged, the imagined hand changes too.
# :class:`~eegsk.augmentation.ChannelReflection` finds the channels by their names in the Epochs;
# ``swap_labels="both"`` exchanges the two classes.

network = EEGNetClassifier(max_epochs=40, batch_size=32)
augmented = clone(network).set_params(
    augmentation=[TimeShift(), AmplitudeScale(), ChannelReflection(swap_labels="both")]
)

# %%
# An ensemble of seeds
# --------------------
# scikit-learn's :class:`~sklearn.ensemble.VotingClassifier` takes arrays and Epochs, and trains its
# networks in parallel with ``n_jobs``. With ``voting="soft"``, it averages probabilities.

N_SEEDS = 5


def ensemble_of_seeds(network):
    """Return an ensemble of networks with different seeds."""
    networks = [
        (f"seed {seed}", clone(network).set_params(random_state=seed)) for seed in range(N_SEEDS)
    ]
    return VotingClassifier(networks, voting="soft", n_jobs=2)


# %%
# Each ensemble is trained once for each fold. Its ``estimators_`` are the fitted networks, so that
# the results of single seeds and of smaller ensembles need no further training: their probabilities
# are averaged over all subsets of the five networks.

estimators = {"no augmentation": network, "augmentation": augmented}
proba = {name: np.zeros((N_SEEDS, len(y), 2)) for name in estimators}
accuracy = {name: np.zeros(len(y)) for name in estimators}
for name, estimator in estimators.items():
    for train, test in GroupKFold(3).split(y, y, subjects):
        ensemble = ensemble_of_seeds(estimator).fit(epochs[train], y[train])
        accuracy[name][test] = 100 * (ensemble.predict(epochs[test]) == y[test])
        proba[name][:, test] = [seed.predict_proba(epochs[test]) for seed in ensemble.estimators_]

sizes = range(1, N_SEEDS + 1)
is_right_hand = y == ensemble.classes_[1]
scores = {}  # for each estimator and size, the accuracies and log losses of all subsets
for name, values in proba.items():
    for size in sizes:
        means = [values[list(seeds), :, 1].mean(0) for seeds in combinations(range(N_SEEDS), size)]
        scores[name, size] = np.array(
            [(100 * np.mean((p > 0.5) == is_right_hand), log_loss(is_right_hand, p)) for p in means]
        )

print(f"{'':<18}{'one seed (range)':>24}   ensemble   log loss of one, of the ensemble")
for name in estimators:
    one, (_, loss) = scores[name, 1], scores[name, N_SEEDS][0]
    span = f"{one[:, 0].mean():.1f} % ({one[:, 0].min():.1f} to {one[:, 0].max():.1f})"
    print(f"{name:<18}{span:>24}   {accuracy[name].mean():>6.1f} %", end="")
    print(f"   {one[:, 1].mean():>15.3f}, {loss:.3f}")

# %%
# Plot the scores by the size of the ensemble
# -------------------------------------------
# Dots are single networks and ensembles of a part of the seeds; lines are their means. The more
# seeds are averaged, the less the results differ, and the better they are on average. Here
# augmentation improves the accuracy more than the ensemble does, and both together are best. In
# this simulation, the two hemispheres differ only in the imagined hand; on real recordings,
# expect less.

COLORS = dict(zip(estimators, ["#d55e00", "#0072b2"], strict=True))
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, axes = plt.subplots(1, 2, figsize=(9.5, 4.2), layout="constrained")
for number, (name, color) in enumerate(COLORS.items()):
    for column, ax in enumerate(axes):
        for size in sizes:
            values = scores[name, size][:, column]
            places = np.full(len(values), size + 0.12 * (number - 0.5))
            ax.plot(places, values, ".", color=color, markersize=8, alpha=0.4)
        means = [scores[name, size][:, column].mean() for size in sizes]
        ax.plot(np.array(sizes) + 0.12 * (number - 0.5), means, "-", color=color, linewidth=2)
axes[0].set(ylabel="Accuracy (%)", title="Decisions")
axes[1].set(ylabel="Log loss (nats)", title="Probabilities (lower is better)")
for ax in axes:
    ax.set(xlabel="Number of seeds in the ensemble", xticks=list(sizes))
handles = [plt.Line2D([], [], color=color, linewidth=2, marker=".") for color in COLORS.values()]
figure.legend(handles, COLORS, loc="outside lower center", ncol=2, frameon=False)

path = Path("plot_augmentation.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
