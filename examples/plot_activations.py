"""
Activations compared by grid search
===================================

Which activation should a network have? This example compares ReLU, leaky ReLU and ELU by grid
search. It plots the learning curves of all candidates, so that you see not only which of them is
better but also how they are trained.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, GroupKFold

from eegsk import EEGNetClassifier
from eegsk.datasets import make_motor_imagery
from eegsk.display import HistoryDisplay, HistoryScorer

X, y, subjects = make_motor_imagery(
    n_subjects=6, n_trials=60, n_chans=8, n_times=192, snr=8, random_state=0
)

# %%
# Search
# ------
# Each candidate is trained on four subjects and scored on two others, three times. A quarter of the
# training trials are validation trials (``valid_split=0.25``), whose loss is computed after each
# epoch. A search keeps scores only. With :class:`~eegsk.display.HistoryScorer`, it also keeps the
# losses and scores of each epoch; the score that compares the candidates is the usual one.

ACTIVATIONS = {"relu": "ReLU", "leaky_relu": "leaky ReLU", "elu": "ELU"}
classifier = EEGNetClassifier(max_epochs=40, batch_size=32, valid_split=0.25, random_state=0)
search = GridSearchCV(
    classifier,
    {"activation": list(ACTIVATIONS)},
    scoring=HistoryScorer(),
    refit=False,
    cv=GroupKFold(3),
)
search.fit(X, y, groups=subjects)

# %%
# The comparison is paired: all candidates are scored on the same subjects. The score of the best
# candidate is too optimistic as an estimate for new subjects; see
# :doc:`/auto_examples/plot_leaks`.

scores = np.array([search.cv_results_[f"split{fold}_test_score"] for fold in range(3)])
print(f"{'activation':<12} accuracy   difference from ELU in each fold")
for name, score in zip(ACTIVATIONS, scores.T, strict=True):
    difference = ", ".join(f"{100 * value:+.1f}" for value in score - scores[:, -1])
    print(f"{name:<12} {score.mean():>8.1%}   {difference}")

# %%
# Learning curves, and scores
# ---------------------------
# One call plots the curves of all candidates: the mean over folds and, for validation, a band of
# one standard deviation. Markers show the epoch with the lowest validation loss. Look at where it
# is, and whether the validation loss increases afterwards (overfitting).
#
# Here all validation losses still decrease at the end, and that of ELU is behind. This comparison
# shows which activation is trained faster. To decide which is better, train for more epochs.
#
# Right: accuracies. Lines connect the same fold. If the lines cross, the order of the activations
# depends on the subjects.

plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure = plt.figure(figsize=(13, 4.2), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[2.8, 1])
display = HistoryDisplay.from_search(search, ax=left.subplots(1, 2))
for panel in display.axes_:
    panel.margins(x=0.05)

ax = right.subplots()
places = np.arange(len(ACTIVATIONS))
ax.plot(places, 100 * scores.T, ".-", color="0.65", linewidth=1)
for place, line in zip(places, display.axes_[1].get_legend().get_lines(), strict=False):
    ax.plot(place, 100 * scores[:, place].mean(), "o", color=line.get_color(), markersize=11)
ax.axhline(50, color="0.5", linestyle="--", linewidth=1)
ax.annotate("chance", (0.02, 50.5), xycoords=("axes fraction", "data"), color="0.4")
ax.set_xticks(places, ACTIVATIONS.values())
ax.set(ylabel="Accuracy on unseen subjects (%)", ylim=(45, 100), xlim=(-0.4, 2.4))

path = Path("plot_activations.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
