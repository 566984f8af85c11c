"""Draw the figure of README.md: ``python docs/make_readme_figure.py [PATH]``.

The recordings are simulated (:func:`eegsk.datasets.make_motor_imagery`). Left: accuracy on each
subject, who was left out of training. Middle: losses by epoch of one fit with early stopping.
Right: permutation importance of each channel, i.e. the accuracy that is lost when the values of
this channel are exchanged between trials. It takes about a minute on two cores.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
from scipy.stats import binom
from sklearn.base import clone
from sklearn.model_selection import GroupKFold

from eegsk import EEGNetClassifier
from eegsk.callbacks import EarlyStopping
from eegsk.datasets import make_motor_imagery

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "0.5"  # safe for colour-blind readers
N_SUBJECTS, N_TRIALS, N_REPEATS = 8, 60, 5


def cross_validate(classifier, X, y, subjects):
    """Return the accuracy and the channel importance of each left-out subject."""
    rng = np.random.default_rng(0)
    accuracy, importance = [], []
    for train, test in GroupKFold(N_SUBJECTS).split(X, y, subjects):
        fitted = clone(classifier).fit(X[train], y[train])
        score = fitted.score(X[test], y[test])
        accuracy.append((subjects[test][0], score))
        importance.append(score - permuted_scores(fitted, X[test], y[test], rng))
    return np.array(sorted(accuracy))[:, 1], np.mean(importance, axis=0)


def permuted_scores(fitted, X, y, rng):
    """Return the accuracy after the trials of one channel are permuted, for each channel."""
    scores = np.empty((X.shape[1], N_REPEATS))
    for channel, repeat in np.ndindex(*scores.shape):
        permuted = X.copy()
        permuted[:, channel] = X[rng.permutation(len(X)), channel]
        scores[channel, repeat] = fitted.score(permuted, y)
    return scores.mean(axis=1)


def plot_accuracy(ax, accuracy):
    """Plot the accuracy on each subject above the range of guessing."""
    upper = 100 * binom.ppf(0.95, N_TRIALS, 0.5) / N_TRIALS
    place = np.arange(1, N_SUBJECTS + 1)
    ax.axhspan(50, upper, color="0.9", linewidth=0)
    ax.text(1, 48.5, "grey: range of guessing (95 %)", color="0.35", va="top")
    ax.vlines(place, 50, 100 * accuracy, color=BLUE, linewidth=2)
    ax.plot(place, 100 * accuracy, "o", color=BLUE, markersize=8)
    ax.set(xlabel="Left-out subject", ylabel="Accuracy (%)", ylim=(44, 102), xticks=place)
    ax.set_title("Accuracy on unseen subjects")


def plot_losses(ax, fitted):
    """Plot the losses by epoch and mark the epoch whose weights were restored."""
    history = fitted.history_
    best = dict(fitted.net_.callbacks_)["earlystopping"].best_epoch_
    for column, label, color in [
        ("train_loss", "training", BLUE),
        ("valid_loss", "validation", ORANGE),
    ]:
        ax.plot(history[:, "epoch"], history[:, column], color=color, label=label)
    ax.plot(best, history[best - 1, "valid_loss"], "o", color=ORANGE, markersize=8)
    ax.axvline(best, color=GREY, linestyle=":", zorder=0)
    ax.annotate(
        "best epoch", (best, 1), xytext=(-4, -4), xycoords=("data", "axes fraction"),
        textcoords="offset points", ha="right", va="top", color="0.35",
    )  # fmt: skip
    ax.legend(frameon=False, loc="lower left")
    ax.set(xlabel="Epoch", ylabel="Cross-entropy (nats)")
    ax.set_title("Early stopping on whole subjects")


def plot_importance(ax, importance, info):
    """Plot the importance of each channel on the scalp."""
    names = [name if name in ("C3", "Cz", "C4") else "" for name in info.ch_names]
    image, _ = mne.viz.plot_topomap(
        100 * importance, info, axes=ax, cmap="Blues", vlim=(0, None), contours=0,
        names=names, show=False,
    )  # fmt: skip
    for text in ax.texts:
        text.set(va="bottom", fontsize=10, y=text.get_position()[1] + 0.014)  # above the sensor
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.75, pad=0.05)
    bar.set_label("Accuracy drop (% points)")
    ax.set_title("Channel importance")


def main(path):
    """Compute the results and save the figure."""
    epochs, y, subjects = make_motor_imagery(
        n_subjects=N_SUBJECTS, n_trials=N_TRIALS, n_chans=32, snr=8, as_epochs=True, random_state=0
    )
    X = epochs.get_data()
    classifier = EEGNetClassifier(lr=0.005, dropout=0.25, max_epochs=30, random_state=0)
    accuracy, importance = cross_validate(classifier, X, y, subjects)
    stopped = clone(classifier).set_params(
        max_epochs=100, valid_split=0.25, callbacks=[EarlyStopping(patience=20)]
    )
    stopped.fit(X, y, groups=subjects)
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 10})
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.4), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12)
    plot_accuracy(axes[0], accuracy)
    plot_losses(axes[1], stopped)
    plot_importance(axes[2], importance, epochs.info)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "_static/readme.png"))
