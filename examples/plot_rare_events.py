"""
Rare events with class weights and focal loss
=============================================

In an oddball task, one of eight stimuli is a target. A target evokes a positive wave about 0.4 s
after the stimulus (P300). A network that is trained with the usual loss finds few of the targets,
because it is right in seven of eight trials if it never predicts one. This example compares three
remedies on subjects that are not in the training data.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import PrecisionRecallDisplay, balanced_accuracy_score, recall_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from eegsk import EEGNetClassifier
from eegsk.callbacks import FocalBalance
from eegsk.datasets import make_motor_imagery
from eegsk.losses import FocalBalancedLoss

# %%
# Simulate the task
# -----------------
# Background EEG of six subjects, and in each trial with a target a wave that is largest at Pz. Its
# amplitude and latency vary between trials.

N_SUBJECTS, N_TRIALS, SFREQ = 6, 160, 128.0
CH_NAMES = ["C3", "Cz", "C4", "FC3", "FC4", "CP3", "CP4", "Pz"]
TOPOGRAPHY = np.array([0.5, 0.8, 0.5, 0.3, 0.3, 0.7, 0.7, 1.0])
X, _, subjects = make_motor_imagery(
    n_subjects=N_SUBJECTS, n_trials=N_TRIALS, n_chans=8, n_times=96, sfreq=SFREQ, random_state=0
)
rng = np.random.default_rng(0)
time = np.arange(96) / SFREQ
n = len(X)
is_target = np.concatenate(
    [rng.permutation(np.arange(N_TRIALS) % 8 == 0) for _ in range(N_SUBJECTS)]
)
latency, amplitude = rng.normal(0.4, 0.04, n), 7e-6 * rng.uniform(0.5, 1.5, n)
wave = amplitude[:, None] * np.exp(-0.5 * ((time - latency[:, None]) / 0.07) ** 2)
X[is_target] += TOPOGRAPHY[:, None] * wave[is_target, None]
y = np.where(is_target, "target", "other")
print(f"{is_target.sum()} targets in {n} trials")

# %%
# Compare the methods
# -------------------
# ``cross_val_predict`` returns the probabilities for subjects that were left out of training. The
# balanced accuracy is the mean of the recalls of both classes; it is 50 % for guesses.

base = {"max_epochs": 12, "kernel": 32, "lr": 0.005, "random_state": 0}
methods = {
    "cross-entropy": EEGNetClassifier(**base),
    "focal loss": EEGNetClassifier(criterion=FocalBalancedLoss, **base),
    "class weights": EEGNetClassifier(class_weight="balanced", **base),
    "focal loss and weights": EEGNetClassifier(callbacks=[FocalBalance()], **base),
}
cv = GroupKFold(3)
proba = {
    name: cross_val_predict(method, X, y, groups=subjects, cv=cv, method="predict_proba")[:, 1]
    for name, method in methods.items()
}
scores = {}
print(f"{'':<24} balanced accuracy   recall of targets   accuracy")
for name, values in proba.items():
    predicted = values > 0.5
    scores[name] = (
        balanced_accuracy_score(is_target, predicted),
        recall_score(is_target, predicted),
        np.mean(predicted == is_target),
    )
    print("{:<24} {:>17.1%} {:>19.1%} {:>10.1%}".format(name, *scores[name]))

# %%
# Plot the comparison
# -------------------
# Left: the methods with class weights find more targets, and the balanced accuracy is higher, but
# the accuracy is not: it does not show the gain. Right: precision and recall for all thresholds.
# The curves are similar. The weights mainly change the threshold, not the order of the trials. (The
# left ends of the curves vary, because they depend on few trials.)

COLORS = dict(zip(methods, ["0.4", "#cc79a7", "#0072b2", "#d55e00"], strict=True))
STYLES = dict(zip(methods, ["-", "--", "-", "--"], strict=True))
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.4), layout="constrained")
names = ["balanced\naccuracy", "recall of\ntargets", "accuracy"]
for number, (name, color) in enumerate(COLORS.items()):
    place = np.arange(3) + 0.2 * (number - 1.5)
    left.bar(place, 100 * np.array(scores[name]), width=0.18, color=color, label=name)
    display = PrecisionRecallDisplay.from_predictions(is_target, proba[name], name=name, ax=right)
    display.line_.set(color=color, linestyle=STYLES[name], linewidth=2)
left.set_xticks(range(3), names)
left.set(ylabel="Score (%)", ylim=(0, 100), title="Decisions at the threshold of 0.5")
right.axhline(is_target.mean(), color="0.5", linestyle=":")
right.annotate("chance", (0.02, is_target.mean() + 0.02), color="0.4")
right.set(xlabel="Recall of targets", ylabel="Precision", title="All thresholds")
right.set(xlim=(0, 1.01), ylim=(0, 1.02), aspect="auto")
right.get_legend().remove()
figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncol=4, frameon=False)

path = Path("plot_rare_events.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
