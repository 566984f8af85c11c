"""
Many classes: which of twelve pictures was seen
===============================================

A subject looks at twelve pictures, each of which evokes a response with its own place and latency.
This example decodes which picture it is, with the techniques of
:func:`eegsk.recipes.fine_grained_classification`: focal loss, learning-rate restarts, gradient
clipping and averages of weights. The simulated responses are strong, so that the networks learn
them in seconds; the accuracies are no benchmark.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay, top_k_accuracy_score

from eegsk import EEGNetClassifier
from eegsk.datasets import make_motor_imagery
from eegsk.recipes import fine_grained_classification

# %%
# Simulate the pictures
# ---------------------
# The pictures A1 to A4 evoke a wave over the left hemisphere at four latencies, B1 to B4 in the
# middle, and C1 to C4 over the right hemisphere. Pictures of the same letter are similar, and so
# are those of the same number.

SFREQ, N_TIMES, N_TRIALS = 128.0, 96, 48
NAMES = np.array([f"{place}{number}" for place in "ABC" for number in "1234"])
TOPOGRAPHIES = np.array([[1, 0.4, 0.1], [0.4, 1, 0.4], [0.1, 0.4, 1]])  # at C3, Cz, C4
LATENCIES = np.array([0.15, 0.24, 0.33, 0.42])  # s
X, _, _ = make_motor_imagery(
    n_subjects=1, n_trials=N_TRIALS * len(NAMES), n_chans=3, n_times=N_TIMES, sfreq=SFREQ, snr=0,
    random_state=0,
)  # fmt: skip
rng = np.random.default_rng(0)
picture = rng.permutation(np.tile(np.arange(len(NAMES)), N_TRIALS))
latency = LATENCIES[picture % 4] + rng.normal(0, 0.02, len(X))
wave = 3e-5 * np.exp(-0.5 * ((np.arange(N_TIMES) / SFREQ - latency[:, None]) / 0.04) ** 2)
X += TOPOGRAPHIES[picture // 4][:, :, None] * wave[:, None]

# %%
# Train on the first three quarters of the recording
# --------------------------------------------------
# The last quarter is the test set. The recipe uses a fifth of the training trials to select the
# epoch.

labels = NAMES[picture]
train = np.arange(len(labels)) < 0.75 * len(labels)
test = ~train
estimators = {
    "EEGNet": EEGNetClassifier(max_epochs=30, kernel=32, lr=0.005, batch_size=16, random_state=0),
    "fine-grained recipe": fine_grained_classification(
        callbacks__mixedprecision=None, max_epochs=30, batch_size=16, random_state=0
    ),
}
curves, predicted = {}, {}
for name, estimator in estimators.items():
    proba = estimator.fit(X[train], labels[train]).predict_proba(X[test])
    ranks = range(1, 6)
    curves[name] = [
        top_k_accuracy_score(labels[test], proba, k=k, labels=estimator.classes_) for k in ranks
    ]
    predicted[name] = estimator.classes_[proba.argmax(axis=1)]
    print(f"{name:<20} accuracy {curves[name][0]:.1%}, of three guesses {curves[name][2]:.1%}")
print(f"{'chance':<20} accuracy {1 / len(NAMES):.1%}, of three guesses {3 / len(NAMES):.1%}")

# %%
# Plot the confusions
# -------------------
# Left: pictures are confused with those of the neighbouring latency (next to the diagonal) or of
# the neighbouring place (four rows away). Right: accuracy if the k most probable pictures are
# accepted.

best = "fine-grained recipe"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, (left, right) = plt.subplots(
    1, 2, figsize=(10.5, 4.8), width_ratios=[1.2, 1], layout="constrained"
)
display = ConfusionMatrixDisplay.from_predictions(
    labels[test], predicted[best], normalize="true", include_values=False, cmap="Blues", ax=left
)
display.im_.set_clim(0, 1)
display.im_.colorbar.set_label("Fraction of the trials of a class")
left.set(xlabel="Predicted picture", ylabel="Picture", title=best.capitalize())
for (name, values), color in zip(curves.items(), ["#d55e00", "#0072b2"], strict=True):
    right.plot(ranks, 100 * np.array(values), "o-", color=color, label=name, linewidth=2)
right.plot(ranks, 100 * np.array(ranks) / len(NAMES), "--", color="0.5", label="chance")
right.set(xlabel="k", ylabel="Picture is among the k most probable (%)", title="Top-k accuracy")
right.set(ylim=(0, 102), xticks=list(ranks))
right.legend(frameon=False, loc="center right")

path = Path("plot_many_classes.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
