"""
Subject leakage: validation on known and on unseen subjects
===========================================================

Trials of the same subject resemble each other. If some of them are in the training data and others
in the validation data, a network can reach a high validation score by recognising the subject. Such
a score does not hold for new subjects, and it misleads early stopping, checkpoints and schedules.

This example makes the leak visible. Half of the subjects, drawn at random, are labelled as
patients. Their EEG does not differ from that of the controls, so no network can be better than
guessing on new subjects. We compare the validation scores of two ways of splitting the data.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from eegsk import ShallowConvNetClassifier
from eegsk.datasets import make_motor_imagery

# %%
# Simulate subjects with a random diagnosis
# -----------------------------------------
# ``subjects`` contains the subject of each trial. The diagnosis is drawn five times, because the
# result of a single draw may be due to chance.

N_SUBJECTS, N_DRAWS = 18, 5
X, _, subjects = make_motor_imagery(
    n_subjects=N_SUBJECTS, n_trials=40, n_chans=8, snr=4, random_state=0
)
subject_ids = np.arange(1, N_SUBJECTS + 1)


def draw_diagnosis(seed):
    """Draw the patients, and select six patients and six controls for ``fit``."""
    order = np.random.default_rng(seed).permutation(subject_ids)
    patients, controls = np.array_split(order, 2)
    y = np.where(np.isin(subjects, patients), "patient", "control")
    return y, np.isin(subjects, [*patients[:6], *controls[:6]])


# %%
# Fit with and without groups
# ---------------------------
# ``valid_split=0.25`` sets a quarter of the data aside for validation: a quarter of the trials, or,
# if ``fit`` receives ``groups``, a quarter of the subjects. Everything else is the same. The test
# score is the accuracy on the six subjects that were used neither for training nor for validation.

SPLITS = {"random trials": False, "whole subjects": True}
estimator = ShallowConvNetClassifier(
    n_filters=24, max_epochs=30, batch_size=32, lr=0.01, valid_split=0.25
)
curves = {split: [] for split in SPLITS}
valid_scores = {split: [] for split in SPLITS}
test_scores = {split: [] for split in SPLITS}
for seed in range(N_DRAWS):
    y, is_train = draw_diagnosis(seed)
    for split, use_groups in SPLITS.items():
        estimator.set_params(random_state=seed)
        groups = subjects[is_train] if use_groups else None
        estimator.fit(X[is_train], y[is_train], groups=groups)
        curves[split].append(estimator.history_[:, "valid_score"])
        valid_scores[split].append(estimator.history_[-1, "valid_score"])
        test_scores[split].append(estimator.score(X[~is_train], y[~is_train]))

print("accuracy, mean and SD over draws")
print("validation on      validation        new subjects")
for split in SPLITS:
    valid, test = valid_scores[split], test_scores[split]
    print(
        f"{split:<16}  {np.mean(valid):>5.1%} +/- {np.std(valid, ddof=1):<5.1%}"
        f"  {np.mean(test):>6.1%} +/- {np.std(test, ddof=1):<5.1%}"
    )

# %%
# Validation on random trials reports a high accuracy although there is nothing to diagnose.
# Validation on whole subjects is near chance, as it should be; it varies between draws, because
# there are few subjects. The leak is largest if the label is a property of the subject, e.g. a
# diagnosis. It is much smaller if the label changes from trial to trial within each subject, e.g.
# the imagined hand.
#
# In cross-validation, pass ``groups`` to ``fit`` by metadata routing:
#
# .. code-block:: python
#
#     with sklearn.config_context(enable_metadata_routing=True):
#         estimator.set_fit_request(groups=True)
#         cross_validate(estimator, X, y, cv=GroupKFold(5), params={"groups": subjects})
#
# Plot the scores
# ---------------
# Thin lines and small dots are single draws, thick lines and large dots their means. The dashed
# line is the chance level.

ORANGE, BLUE, GREY = "#d55e00", "#0072b2", "0.5"
LABEL_RIGHT = {"xytext": (4, 0), "textcoords": "offset points", "va": "center"}
COLORS = dict(zip(SPLITS, (ORANGE, BLUE), strict=True))
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.2), width_ratios=[1.3, 1], sharey=True, layout="constrained"
)
figure.suptitle("A diagnosis drawn at random", x=0.01, ha="left", weight="bold")
figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
epochs = np.arange(1, estimator.max_epochs + 1)
for split, color in COLORS.items():
    scores = 100 * np.array(curves[split])
    left.plot(epochs, scores.T, color=color, linewidth=0.8, alpha=0.4)
    left.plot(epochs, scores.mean(axis=0), color=color, linewidth=2.5)
    left.annotate(split, (epochs[-1], scores.mean(axis=0)[-1]), color=color, **LABEL_RIGHT)
left.set(xlabel="Epoch", ylabel="Accuracy (%)", title="Validation score during training")
left.margins(x=0)

for number, (split, color) in enumerate(COLORS.items()):
    pairs = 100 * np.array([valid_scores[split], test_scores[split]])
    x = 2.6 * number + np.array([0, 1])
    right.plot(x, pairs, ".-", color=color, linewidth=0.8, alpha=0.4)
    right.plot(x, pairs.mean(axis=1), "o-", color=color, linewidth=2.5, markersize=8)
right.set_xticks([0, 1, 2.6, 3.6], ["validation", "new\nsubjects"] * 2)
right.set(title="Validation score and score on new subjects", xlim=(-0.5, 4.1))
for ax in (left, right):
    ax.axhline(50, color=GREY, linestyle="--", zorder=0)
right.annotate("chance", (4.1, 50), color=GREY, **LABEL_RIGHT)

path = Path("plot_subject_leak.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
