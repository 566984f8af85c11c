"""
Alignment: test on a session that was not used for training
===========================================================

Each person took part in several sessions. The cap had another position in each session, so that the
covariance between channels changed. A network that was trained on the first sessions is therefore
less accurate on the next session. Alignment multiplies the trials of each session by the inverse
square root of their mean covariance. It needs no labels.

Without files, the recordings are simulated. To run this on BCI Competition IV, data set 2b, set
the environment variable ``EEGSK_DATA`` to the folder that contains ``bci_iv_2b``.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from eegsk import EEGNetClassifier
from eegsk.alignment import EuclideanAlignment
from eegsk.datasets import load_bci_iv_2b, make_motor_imagery

# %%
# Sessions
# --------
# The trials of all people are one :class:`mne.Epochs`. Its metadata has a row for each trial, with
# the columns ``subject`` and ``session``. In the simulation a new session changes the gain of each
# channel, and mixes channels a little.


def load_recordings(folder):
    """Load two training sessions and the first evaluation session of three subjects."""
    parts, labels, tables = [], [], []
    for subject in (1, 4, 8):
        sessions = ["02T", "03T", "04E"]
        epochs, y, session = load_bci_iv_2b(subject, sessions, data_dir=folder, as_epochs=True)
        parts.append(epochs)
        labels.append(y)
        tables.append(pd.DataFrame({"subject": subject, "session": session}))
    epochs = mne.concatenate_epochs(parts, verbose="error").resample(128, verbose="error")
    return epochs, np.concatenate(labels), pd.concat(tables, ignore_index=True)


def simulate(random_state=0):
    """Simulate three sessions of each of six people."""
    epochs, y, subjects = make_motor_imagery(
        n_subjects=6, n_trials=120, n_chans=8, snr=6, as_epochs=True, random_state=random_state
    )
    sessions = np.tile(np.repeat(["1", "2", "3"], 40), 6)
    rng = np.random.default_rng(random_state)
    X = epochs.get_data(copy=False)
    for subject in np.unique(subjects):
        for session in np.unique(sessions):
            selected = (subjects == subject) & (sessions == session)
            mixing = np.eye(8) + 0.15 * rng.standard_normal((8, 8))
            X[selected] = rng.lognormal(sigma=0.4, size=(8, 1)) * (mixing @ X[selected])
    table = pd.DataFrame({"subject": subjects, "session": sessions})
    return epochs, y, table


folder = os.environ.get("EEGSK_DATA")
source = "BCI Competition IV, data set 2b" if folder else "Simulated motor imagery"
mne.set_log_level("error")
epochs, y, table = load_recordings(folder) if folder else simulate()
epochs.metadata = table
subject, session = table["subject"].to_numpy(), table["session"].to_numpy()
people, sessions = np.unique(subject), np.unique(session)
print(f"{source}: {len(epochs)} trials, {len(people)} people, {len(sessions)} sessions of each\n")

# %%
# Train on the first sessions, test on the last one
# -------------------------------------------------
# The aligner is the first step of a pipeline. ``by`` names the columns of the metadata that say
# which trials belong together. A session that was in ``fit`` is aligned by its mean covariance in
# ``fit``, a new one by the mean covariance of its own trials.
#
# There are two ways to align a new session. By default, all its trials are averaged. This is
# *transductive*: it needs the whole session before the first prediction. With ``online=True``, each
# trial is aligned by the trials before it, as in a live experiment. Training is the same for both.

classifier = EEGNetClassifier(max_epochs=30, random_state=0)
pipeline = make_pipeline(EuclideanAlignment(by=["subject", "session"]), classifier)
train, test = session != sessions[-1], session == sessions[-1]


def accuracies(estimator):
    """Return the accuracy for the last session of each person, in percent."""
    correct = estimator.predict(epochs[test]) == y[test]
    return [100 * correct[subject[test] == person].mean() for person in people]


scores = {"not aligned": accuracies(clone(classifier).fit(epochs[train], y[train]))}
pipeline.fit(epochs[train], y[train])
scores["aligned"] = accuracies(pipeline)
pipeline.set_params(euclideanalignment__online=True)
scores["aligned online"] = accuracies(pipeline)

table = pd.DataFrame(scores, index=people)
table.loc["mean"] = table.mean()
print(table.to_string(float_format="{:.1f} %".format))

# %%
# The figure
# ----------
# A dot on the left is a trial of the first person: the first two principal components of the
# logarithm of its covariance. Without alignment the dots of different sessions lie apart; a
# classifier has to learn for each session anew where the classes are.


def principal_components(trials):
    """Return two principal components of the logarithms of covariances."""
    values, vectors = np.linalg.eigh(np.stack([np.cov(trial) for trial in trials]))
    logarithms = (vectors * np.log(values)[:, None]) @ vectors.swapaxes(1, 2)
    return PCA(n_components=2).fit_transform(logarithms.reshape(len(trials), -1))


COLORS = ["#0072b2", "#56b4e9", "#d55e00"]
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, axes = plt.subplots(1, 3, figsize=(12, 4.2), width_ratios=[1, 1, 1.1], layout="constrained")
figure.suptitle(source, x=0.01, ha="left", weight="bold")
figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)

first = epochs[subject == people[0]]
aligner = EuclideanAlignment(by=["subject", "session"])
for ax, trials, title in zip(
    axes, (first, aligner.fit_transform(first)), ("Not aligned", "Aligned"), strict=False
):
    components = principal_components(trials.get_data(copy=False))
    for name, color in zip(sessions, COLORS, strict=True):
        selected = session[subject == people[0]] == name
        ax.scatter(*components[selected].T, s=14, color=color, alpha=0.7, label=f"session {name}")
    ax.set(title=title, xlabel="Component 1", xticks=[], yticks=[], aspect="equal")
    ax.set_box_aspect(1)
    ax.set_adjustable("datalim")
axes[0].set_ylabel("Component 2")
figure.legend(
    *axes[0].get_legend_handles_labels(),
    loc="upper left",
    bbox_to_anchor=(0.3, 1.0),
    ncols=3,
    frameon=False,
    handletextpad=0.0,
    columnspacing=1.0,
    markerscale=1.5,
)

axes[2].plot(table.iloc[:-1].T.to_numpy(), "o-", color="0.7", linewidth=1, markersize=4)
axes[2].plot(table.loc["mean"].to_numpy(), "o-", color="#0072b2", linewidth=2.5, markersize=9)
axes[2].axhline(50, color="0.5", linestyle="--", linewidth=1)
for place, mean in enumerate(table.loc["mean"]):
    axes[2].annotate(
        f"{mean:.0f} %",
        (place, mean),
        xytext=(0, 12),
        textcoords="offset points",
        ha="center",
        color="#0072b2",
        weight="bold",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )
axes[2].annotate(
    "chance", (2.25, 50), xytext=(0, 3), textcoords="offset points", color="0.5", ha="right"
)
axes[2].set_xticks(range(3), ["not aligned", "aligned", "aligned\nonline"])
axes[2].set(title="Last session of each person", ylabel="Accuracy (%)", xlim=(-0.3, 2.3))

path = Path("plot_alignment.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure is in {path}")
