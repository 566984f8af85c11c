"""
Calibration: probabilities that can be trusted
==============================================

A network that is trained for many epochs on few trials is too sure of its decisions: of the trials
for which it predicts a probability of 95 %, far fewer than 95 % are of the predicted class. This
matters if a decision depends on the probability, e.g. if a brain-computer interface acts only above
a threshold. :class:`sklearn.calibration.CalibratedClassifierCV` corrects the probabilities.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import StratifiedKFold

from eegsk import EEGNetClassifier
from eegsk.datasets import make_motor_imagery

# %%
# Train and calibrate
# -------------------
# Each subject has 60 trials for training and 140 for the test. ``CalibratedClassifierCV`` divides
# the training trials into five folds. It trains a network on four of them and fits a sigmoid to its
# outputs for the fifth. The prediction is the mean over the five networks.

X, y, subjects = make_motor_imagery(n_subjects=6, n_trials=200, n_chans=8, snr=4, random_state=0)
network = EEGNetClassifier(max_epochs=60, batch_size=16, dropout=0.25, random_state=0)
calibrated = CalibratedClassifierCV(network, method="sigmoid", cv=StratifiedKFold(5), n_jobs=2)
estimators = {"EEGNet": network, "EEGNet, calibrated": calibrated}
proba = {name: [] for name in estimators}
is_right_hand = []
for subject in np.unique(subjects):
    trials = np.flatnonzero(subjects == subject)
    train, test = trials[:60], trials[60:]
    is_right_hand.extend(y[test] == "right_hand")
    for name, estimator in estimators.items():
        proba[name].extend(estimator.fit(X[train], y[train]).predict_proba(X[test])[:, 1])
is_right_hand = np.array(is_right_hand)

print(f"{'':<20} accuracy   log loss   Brier score")
for name, values in proba.items():
    accuracy = np.mean((np.array(values) > 0.5) == is_right_hand)
    loss, brier = log_loss(is_right_hand, values), brier_score_loss(is_right_hand, values)
    print(f"{name:<20} {accuracy:>8.1%}   {loss:>8.3f}   {brier:>11.3f}")

# %%
# Plot the reliability
# --------------------
# Left: on the dashed line, the predicted probability is the observed frequency. The curve of EEGNet
# is flatter than this line, which means that its probabilities are too extreme. Right: most of its
# probabilities are near 0 or 1; those of the calibrated estimator are more moderate. The log loss
# above shows the gain in one number.

COLORS = dict(zip(estimators, ["#d55e00", "#0072b2"], strict=True))
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.2), layout="constrained")
left.plot([0, 100], [0, 100], "--", color="0.5", zorder=0)
left.annotate("perfectly calibrated", (12, 17), color="0.4", rotation=45, rotation_mode="anchor")
for name, color in COLORS.items():
    observed, predicted = calibration_curve(is_right_hand, proba[name], n_bins=8)
    left.plot(100 * predicted, 100 * observed, "o-", color=color, label=name, linewidth=2)
    right.hist(
        100 * np.array(proba[name]), bins=np.arange(0, 101, 10), histtype="step", color=color,
        linewidth=2,
    )  # fmt: skip
left.set(xlabel="Predicted probability of right hand (%)", ylabel="Right hand (% of trials)")
left.set(title="Reliability", xlim=(0, 100), ylim=(0, 100), aspect="equal")
right.set(xlabel="Predicted probability of right hand (%)", ylabel="Number of test trials")
right.set(title="Distribution of probabilities", xlim=(0, 100))
figure.legend(loc="outside lower center", ncol=2, frameon=False)

path = Path("plot_calibration.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
