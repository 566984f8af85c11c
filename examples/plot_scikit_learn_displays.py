"""
Displays of scikit-learn: confusion matrix, ROC curve and learning curve
========================================================================

Estimators of eegsk are scikit-learn estimators, so that the displays of scikit-learn work without
changes, with :class:`mne.Epochs` too. This example plots three of them for imagined movements of
the left hand, the right hand and the feet.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.metrics import ConfusionMatrixDisplay, RocCurveDisplay
from sklearn.model_selection import GroupKFold, LearningCurveDisplay

from eegsk import EEGNetClassifier
from eegsk.datasets import make_motor_imagery

epochs, y, subjects = make_motor_imagery(
    n_subjects=8, n_trials=60, n_chans=8, n_times=192, snr=8,
    classes=("left_hand", "right_hand", "feet"), as_epochs=True, random_state=0,
)  # fmt: skip
is_test = subjects > 6
classifier = EEGNetClassifier(max_epochs=30, batch_size=32, random_state=0)
classifier.fit(epochs[~is_test], y[~is_test])
print(f"accuracy on two unseen subjects: {classifier.score(epochs[is_test], y[is_test]):.1%}")

# %%
# Three displays
# --------------
# **Confusion matrix.**
# Rows are the imagined movements, columns the decoded ones. With ``normalize="true"``, each row
# adds up to 1, so that the diagonal has the recall of each class. Feet are decoded worst, and are
# mostly mistaken for the right hand.
#
# **ROC curves.**
# A ROC curve compares two groups of trials: here those of one movement with all others, by the
# predicted probability of this movement. A curve near the diagonal is no better than guessing. AUC
# is the area under the curve.
#
# **Learning curve.**
# The score by the number of training trials. ``GroupKFold`` tests each subject by networks that
# were trained on other subjects. Here the training trials are a random part of those of all
# training subjects (``shuffle=True``). The bands are one standard deviation over the folds. If the
# test curve still rises at its right end, as here, more recordings are likely to help.

COLORS = {"left_hand": "#0072b2", "right_hand": "#d55e00", "feet": "#009e73"}
NAMES = {name: name.replace("_", " ") for name in COLORS}
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, axes = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
display = ConfusionMatrixDisplay.from_estimator(
    classifier, epochs[is_test], y[is_test], labels=list(NAMES), display_labels=NAMES.values(),
    normalize="true", values_format=".0%", cmap="Blues", colorbar=False, ax=axes[0],
)  # fmt: skip
display.im_.set_clim(0, 1)
axes[0].set(xlabel="Decoded movement", ylabel="Imagined movement", title="Confusion matrix")
axes[0].tick_params(axis="y", labelrotation=90)
plt.setp(axes[0].get_yticklabels(), va="center")

proba = classifier.predict_proba(epochs[is_test])
for values, name in zip(proba.T, classifier.classes_, strict=True):
    display = RocCurveDisplay.from_predictions(
        y[is_test] == name, values, name=NAMES[name], ax=axes[1]
    )
    display.line_.set_color(COLORS[name])
axes[1].plot([0, 1], [0, 1], "--", color="0.5", linewidth=1, label="Chance")
axes[1].set(xlabel="False positive rate", ylabel="True positive rate", title="ROC curves")
axes[1].legend(loc="lower right", frameon=False, fontsize="small")

LearningCurveDisplay.from_estimator(
    classifier, epochs, y, groups=subjects, cv=GroupKFold(4), train_sizes=[0.15, 0.3, 0.6, 1.0],
    shuffle=True, random_state=0, score_name="Accuracy", ax=axes[2],
)  # fmt: skip
axes[2].axhline(1 / 3, color="0.5", linestyle="--", linewidth=1, label="Chance")
axes[2].set(xlabel="Number of training trials", title="Learning curve", ylim=(0.25, 1.03))
axes[2].legend(loc="upper left", ncol=3, frameon=False, fontsize="small")

path = Path("plot_scikit_learn_displays.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
