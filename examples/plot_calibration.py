"""
Calibration: probabilities that can be trusted
==============================================

A network that is trained for many epochs on few trials is too sure of its decisions: of the trials
for which it predicts a probability of 95 %, far fewer than 95 % are of the predicted class. This
matters if a decision depends on the probability, e.g. if a brain-computer interface acts only above
a threshold. :class:`sklearn.calibration.CalibratedClassifierCV` corrects the probabilities.
The settings of this simulation were chosen so that the effect is visible.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import GroupKFold

from eegsk import EEGNetClassifier
from eegsk.datasets import make_motor_imagery

# %%
# Train and calibrate
# -------------------
# The network is trained on five subjects and tested on five others. ``CalibratedClassifierCV``
# first predicts each training subject by a network that was trained on the four others, and fits a
# sigmoid to these predictions. It then trains the network on all five subjects.
# (``ensemble=False``: one network, so that both estimators make nearly the same decisions.)

X, y, subjects = make_motor_imagery(n_subjects=10, n_trials=60, n_chans=8, snr=8, random_state=0)
is_train = subjects <= 5
network = EEGNetClassifier(max_epochs=60, batch_size=32, lr=0.01, dropout=0.1, random_state=0)
folds = GroupKFold(5).split(X[is_train], y[is_train], subjects[is_train])
calibrated = CalibratedClassifierCV(network, method="sigmoid", cv=list(folds), ensemble=False)
estimators = {"EEGNet": network, "EEGNet, calibrated": calibrated}
is_right_hand = y[~is_train] == "right_hand"
proba = {
    name: estimator.fit(X[is_train], y[is_train]).predict_proba(X[~is_train])[:, 1]
    for name, estimator in estimators.items()
}

print(f"{'':<20} accuracy   log loss   Brier score")
for name, values in proba.items():
    accuracy = np.mean((values > 0.5) == is_right_hand)
    loss, brier = log_loss(is_right_hand, values), brier_score_loss(is_right_hand, values)
    print(f"{name:<20} {accuracy:>8.1%}   {loss:>8.3f}   {brier:>11.3f}")

# %%
# Plot the reliability
# --------------------
# Left: on the dashed line, the predicted probability is the observed frequency. The curve of EEGNet
# is flatter than this line, which means that its probabilities are too extreme. Right: most of its
# probabilities are near 0 or 1; those of the calibrated estimator are more moderate. Its curve is
# steeper than the line, which means that they are now a little too moderate: the sigmoid was fitted
# to networks of four subjects, which are less accurate than that of five. The log loss above shows
# the gain in one number.

COLORS = dict(zip(estimators, ["#d55e00", "#0072b2"], strict=True))
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.2), layout="constrained")
left.plot([0, 100], [0, 100], "--", color="0.5", zorder=0, label="perfectly calibrated")
for name, color in COLORS.items():
    observed, predicted = calibration_curve(is_right_hand, proba[name], n_bins=5)
    left.plot(100 * predicted, 100 * observed, "o-", color=color, label=name, linewidth=2)
    right.hist(
        100 * proba[name], bins=np.arange(0, 101, 10), histtype="step", color=color,
        linewidth=2,
    )  # fmt: skip
left.set(xlabel="Predicted probability of right hand (%)", ylabel="Right hand (% of trials)")
left.set(title="Reliability", xlim=(-3, 103), ylim=(-3, 103), aspect="equal")
right.set(xlabel="Predicted probability of right hand (%)", ylabel="Number of test trials")
right.set(title="Distribution of probabilities", xlim=(0, 100))
figure.legend(loc="outside lower center", ncol=3, frameon=False)

path = Path("plot_calibration.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
