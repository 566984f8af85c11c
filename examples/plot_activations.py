"""
Activations compared by grid search
===================================

Which activation should a network have? This example compares ReLU, leaky ReLU and ELU by grid
search, and plots the learning curves of each, so that you see not only which is better but also how
they are trained.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold

from eegsk import EEGNetClassifier
from eegsk.datasets import make_motor_imagery

X, y, subjects = make_motor_imagery(
    n_subjects=6, n_trials=60, n_chans=8, n_times=192, snr=8, random_state=0
)

# %%
# Search
# ------
# Each candidate is trained on four subjects and scored on two others, three times. The score is
# for the comparison of the candidates. The best score is too optimistic as an estimate for new
# subjects; see :doc:`/auto_examples/plot_leaks`.

ACTIVATIONS = ["relu", "leaky_relu", "elu"]
classifier = EEGNetClassifier(max_epochs=30, lr=0.01, dropout=0.25, batch_size=32, random_state=0)
cv = GroupKFold(3)
search = GridSearchCV(classifier, {"activation": ACTIVATIONS}, cv=cv, refit=False)
search.fit(X, y, groups=subjects)
scores = np.array([search.cv_results_[f"split{fold}_test_score"] for fold in range(3)])
for name, score in zip(ACTIVATIONS, scores.T, strict=True):
    print(f"{name:<12} {score.mean():.1%} (folds: {', '.join(f'{x:.1%}' for x in score)})")

# %%
# Learning curves
# ---------------
# A search keeps the scores only. For the curves, we train each candidate once more and use the last
# two subjects for validation.

curves = {}
for name in ACTIVATIONS:
    fitted = clone(classifier).set_params(activation=name, valid_split=cv)
    history = fitted.fit(X, y, groups=subjects).history_
    curves[name] = {part: history[:, f"{part}_loss"] for part in ("train", "valid")}

# %%
# Plot the comparison
# -------------------
# Left and middle: losses by epoch. Look at where the validation loss is lowest, and whether it
# increases afterwards (overfitting). Right: accuracies. Lines connect the same fold. If the lines
# cross, the order of the activations depends on the subjects, and the choice matters little.

COLORS = dict(zip(ACTIVATIONS, ["#0072b2", "#d55e00", "#009e73"], strict=True))
LABELS = {"relu": "ReLU", "leaky_relu": "leaky ReLU", "elu": "ELU"}
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, axes = plt.subplots(1, 3, figsize=(11, 4), layout="constrained")
for ax, part, title in [(axes[0], "train", "Training"), (axes[1], "valid", "Validation")]:
    for name, color in COLORS.items():
        values = curves[name][part]
        epochs = np.arange(1, len(values) + 1)
        ax.plot(epochs, values, color=color, linewidth=2, label=LABELS[name])
        if part == "valid":
            best = int(np.argmin(values))
            ax.plot(epochs[best], values[best], "o", color=color, markersize=8)
    ax.set(xlabel="Epoch", title=f"{title} loss")
axes[0].set(ylabel="Cross-entropy (nats)")
axes[1].sharey(axes[0])
axes[2].plot(range(3), 100 * scores.T, ".-", color="0.65", linewidth=1)
for place, color in enumerate(COLORS.values()):
    axes[2].plot(place, 100 * scores[:, place].mean(), "o", color=color, markersize=11)
axes[2].axhline(50, color="0.5", linestyle="--", linewidth=1)
axes[2].annotate("chance", (0.02, 50.5), xycoords=("axes fraction", "data"), color="0.4")
axes[2].set_xticks(range(3), [LABELS[name] for name in ACTIVATIONS])
axes[2].set(ylabel="Accuracy (%)", title="Unseen subjects", ylim=(45, 100), xlim=(-0.4, 2.4))
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncol=3,
              frameon=False)  # fmt: skip

path = Path("plot_activations.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
