"""
Reaction times predicted by a network trained with SAM
======================================================

A regressor predicts the reaction time of each trial from the EEG after the stimulus. The simulated
response of the brain is later in slow trials. This example compares training with and without
sharpness-aware minimisation (SAM), and with a prediction of the mean, on subjects that are not in
the training data.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import GroupKFold, cross_val_predict

from eegsk import EEGNetRegressor
from eegsk.callbacks import SAM
from eegsk.datasets import make_motor_imagery
from eegsk.metrics import nrmse

# %%
# Simulate the task
# -----------------
# Each trial contains a positive wave, largest at Pz, at about 60 % of the reaction time. Reaction
# times have a skewed distribution, as in experiments.

N_SUBJECTS, N_TRIALS, SFREQ = 6, 80, 128.0
TOPOGRAPHY = np.array([0.5, 0.8, 0.5, 0.3, 0.3, 0.7, 0.7, 1.0])  # C3 Cz C4 FC3 FC4 CP3 CP4 Pz
X, _, subjects = make_motor_imagery(
    n_subjects=N_SUBJECTS, n_trials=N_TRIALS, n_chans=8, n_times=128, sfreq=SFREQ, random_state=1
)
rng = np.random.default_rng(1)
seconds = 0.3 + rng.gamma(3.0, 0.09, size=len(X))
latency = 0.1 + 0.6 * seconds + rng.normal(0, 0.03, len(X))
wave = 1.4e-5 * np.exp(-0.5 * ((np.arange(128) / SFREQ - latency[:, None]) / 0.06) ** 2)
X += TOPOGRAPHY[:, None] * wave[:, None]

# %%
# Predict unseen subjects
# -----------------------
# ``nrmse`` is the root mean squared error divided by the standard deviation of the target, so
# that 1 is the error of the mean. The networks are trained with two seeds each, because the
# difference between them is small.

network = EEGNetRegressor(max_epochs=15, kernel=32, batch_size=32, lr=0.005)
regressors = {
    "mean of training trials": DummyRegressor(),
    "EEGNet": network,
    "EEGNet with SAM": clone(network).set_params(callbacks=[SAM(rho=0.05)]),
}
N_SEEDS, cv = 2, GroupKFold(3)
errors, predicted = {}, {}
for name, regressor in regressors.items():
    errors[name] = []
    for seed in range(N_SEEDS):
        if name != "mean of training trials":
            regressor.set_params(random_state=seed)
        seconds_of = cross_val_predict(regressor, X, seconds, groups=subjects, cv=cv)
        errors[name].append(nrmse(seconds, seconds_of))
        predicted.setdefault(name, seconds_of)  # of the first seed
    print(f"{name:<24} NRMSE {np.mean(errors[name]):.3f} (seeds: {np.round(errors[name], 3)})")

# %%
# Plot the predictions
# --------------------
# Left: each dot is a trial. Predictions are less extreme than the reaction times: the network
# predicts the mean of all reaction times that are compatible with a noisy trial. Right: compare the
# difference between the two ways of training with the differences between seeds before you decide
# for one of them. Here SAM changes the error about as much as another seed does, and takes twice
# the time.

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "0.5"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.4), width_ratios=[1.1, 1], layout="constrained"
)
limits = (0.25, 1.1)
left.plot(limits, limits, "--", color=GREY, zorder=0)
left.annotate("perfect prediction", (0.79, 0.81), rotation=45, rotation_mode="anchor", color="0.4")
left.plot(seconds, predicted["EEGNet with SAM"], "o", color=BLUE, markersize=4, alpha=0.5)
left.set(xlabel="Reaction time (s)", ylabel="Predicted reaction time (s)")
left.set(xlim=limits, ylim=limits, aspect="equal", title="EEGNet with SAM, unseen subjects")
for row, (name, color) in enumerate(zip(errors, [GREY, ORANGE, BLUE], strict=True)):
    values = errors[name]
    right.plot(values, np.full(len(values), row), "o", color=color, markersize=9, alpha=0.6)
    right.plot(np.mean(values), row, "|", color=color, markersize=28, markeredgewidth=3)
right.axvline(1, color=GREY, linestyle=":", zorder=0)
right.set_yticks(range(3), [name.replace(" of ", "\nof ") for name in errors])
right.invert_yaxis()
right.set(xlabel="NRMSE (smaller is better)", title="Error: seeds (dots) and mean (bar)")
right.margins(y=0.3)
right.locator_params(axis="x", nbins=5)

path = Path("plot_reaction_times.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
