"""
Many classes: twelve flicker frequencies
========================================

In a speller, each key flickers at its own frequency, and the visual cortex follows the frequency of
the key that the user looks at. This example decodes which of twelve keys it is, with the techniques
of :func:`eegsk.recipes.fine_grained_classification`: focal loss, learning-rate restarts, gradient
clipping and averages of weights.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay, top_k_accuracy_score

from eegsk import EEGNetClassifier
from eegsk.datasets import make_motor_imagery
from eegsk.recipes import fine_grained_classification

# %%
# Simulate the speller
# --------------------
# The response to a key has its frequency and the double frequency, with a random phase, in
# occipital noise. Neighbouring keys differ by 0.5 Hz, so that they are similar in a trial of two
# seconds.

SFREQ, N_TIMES, N_TRIALS = 128.0, 256, 40
FREQS = np.arange(9, 15, 0.5)
X, _, _ = make_motor_imagery(
    n_subjects=1, n_trials=N_TRIALS * len(FREQS), n_chans=4, n_times=N_TIMES, sfreq=SFREQ, snr=0,
    random_state=0,
)  # fmt: skip
rng = np.random.default_rng(0)
y = rng.permutation(np.tile(FREQS, N_TRIALS))
time = np.arange(N_TIMES) / SFREQ
for harmonic, amplitude in [(1, 3e-6), (2, 1.5e-6)]:
    phase = rng.uniform(0, 2 * np.pi, (len(y), 1))
    response = amplitude * np.sin(2 * np.pi * harmonic * y[:, None] * time + phase)
    X += np.array([0.4, 1.0, 0.6, 0.8])[:, None] * response[:, None]

# %%
# Train on the first three quarters of the recording
# --------------------------------------------------
# Labels are the frequencies, as text. The last quarter is the test set. The recipe uses a fifth of
# the training trials to select the epoch.

labels = np.array([f"{freq:04.1f} Hz" for freq in y])
train, test = np.arange(len(y)) < 0.75 * len(y), np.arange(len(y)) >= 0.75 * len(y)
estimators = {
    "EEGNet": EEGNetClassifier(max_epochs=40, random_state=0),
    "fine-grained recipe": fine_grained_classification(
        callbacks__mixedprecision=None, max_epochs=40, random_state=0
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
print(f"{'chance':<20} accuracy {1 / len(FREQS):.1%}, of three guesses {3 / len(FREQS):.1%}")

# %%
# Plot the confusions
# -------------------
# Left: errors are near the diagonal, i.e. neighbouring frequencies are confused. Right: accuracy if
# the k most probable keys are accepted.

best = "fine-grained recipe"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, (left, right) = plt.subplots(
    1, 2, figsize=(10.5, 4.8), width_ratios=[1.2, 1], layout="constrained"
)
display = ConfusionMatrixDisplay.from_predictions(
    labels[test], predicted[best], normalize="true", include_values=False, cmap="Blues", ax=left,
    display_labels=[f"{freq:g}" for freq in FREQS],
)  # fmt: skip
display.im_.set_clim(0, 1)
display.im_.colorbar.set_label("Fraction of the trials of a class")
left.set(xlabel="Predicted frequency (Hz)", ylabel="Frequency (Hz)", title=best.capitalize())
left.tick_params(axis="x", rotation=90)
for (name, values), color in zip(curves.items(), ["#d55e00", "#0072b2"], strict=True):
    right.plot(ranks, 100 * np.array(values), "o-", color=color, label=name, linewidth=2)
right.plot(ranks, 100 * np.array(ranks) / len(FREQS), "--", color="0.5", label="chance")
right.set(xlabel="k", ylabel="Key is among the k most probable (%)", title="Top-k accuracy")
right.set(ylim=(0, 102), xticks=list(ranks))
right.legend(frameon=False, loc="center right")

path = Path("plot_many_classes.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
