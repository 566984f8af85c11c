"""
EEGNet against CSP and a Riemannian pipeline
============================================

A deep network should be compared with established methods on the same folds. This example compares
EEGNet with common spatial patterns (CSP) and, if pyRiemann is installed, with the tangent space of
covariance matrices, on subjects that are not in the training data. The comparison is paired: the
methods are compared on each subject, because subjects differ more than methods.
"""

from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
from mne.decoding import CSP, TemporalFilter
from scipy.stats import wilcoxon
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from eegsk import EEGNetClassifier
from eegsk.datasets import make_motor_imagery

mne.set_log_level("error")
N_SUBJECTS, SFREQ = 10, 128.0
X, y, subjects = make_motor_imagery(
    n_subjects=N_SUBJECTS, n_trials=40, n_chans=12, snr=4, sfreq=SFREQ, random_state=0
)

# %%
# Define the methods
# ------------------
# CSP and covariance matrices need a band-pass filter. EEGNet learns its filters and receives the
# unfiltered signal. To save time, it is trained for 25 epochs instead of the default 100.

band_pass = TemporalFilter(l_freq=8, h_freq=30, sfreq=SFREQ)
methods = {
    "CSP and LDA": make_pipeline(
        band_pass, CSP(n_components=6, reg="ledoit_wolf"), LinearDiscriminantAnalysis()
    ),
    "EEGNet": EEGNetClassifier(max_epochs=25, random_state=0),
}
if find_spec("pyriemann"):
    from pyriemann.estimation import Covariances
    from pyriemann.tangentspace import TangentSpace

    methods["Tangent space"] = make_pipeline(
        band_pass, Covariances("oas"), TangentSpace(), LogisticRegression(max_iter=1000)
    )

# %%
# Compare them on unseen subjects
# -------------------------------
# Each subject is left out once. The Wilcoxon signed-rank test compares the accuracies of two
# methods on the same subjects.

cv = GroupKFold(N_SUBJECTS)
scores = {
    name: 100 * cross_val_score(method, X, y, groups=subjects, cv=cv)
    for name, method in methods.items()
}
print("method           mean accuracy   difference from EEGNet (p of the Wilcoxon test)")
for name, score in scores.items():
    print(f"{name:<15} {score.mean():>13.1f} %", end="")
    difference = scores["EEGNet"] - score
    if difference.any():
        print(
            f"   {-difference.mean():+.1f} points (p = {wilcoxon(difference).pvalue:.3f})", end=""
        )
    print()

# %%
# Plot the comparison
# -------------------
# Each dot is one subject. Above the diagonal, EEGNet is better than the other method. Read the
# number of subjects on each side of the diagonal before the means: with ten subjects, a difference
# of means that is due to one or two of them is not significant. Here each method is better than
# EEGNet for about half of the subjects, and no difference is significant.

COLORS = {"CSP and LDA": "#d55e00", "Tangent space": "#009e73"}
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
others = [name for name in scores if name != "EEGNet"]
figure, axes = plt.subplots(
    1, len(others), figsize=(4.6 * len(others), 4.6), sharey=True, squeeze=False,
    layout="constrained",
)  # fmt: skip
for ax, name in zip(axes[0], others, strict=True):
    ax.plot([40, 102], [40, 102], "--", color="0.5", zorder=0)
    ax.plot(scores[name], scores["EEGNet"], "o", color=COLORS[name], markersize=9, alpha=0.75)
    n_better = np.sum(scores["EEGNet"] > scores[name])
    n_worse = np.sum(scores["EEGNet"] < scores[name])
    ax.text(42, 98, f"EEGNet better: {n_better} subjects", va="top")
    ax.text(101, 42, f"{name} better: {n_worse} subjects", ha="right")
    ax.set(xlabel=f"Accuracy of {name} (%)", xlim=(40, 102), ylim=(40, 102), aspect="equal")
axes[0, 0].set(ylabel="Accuracy of EEGNet (%)")
figure.suptitle("Accuracy on each left-out subject")

path = Path("plot_baselines.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
