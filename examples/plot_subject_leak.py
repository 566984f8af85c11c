"""
A validation score that knows the people, and one that does not
================================================================

Trials of one person resemble each other. If some of them are trained on and others validated on, a
network can do well by recognising the person, and its validation score says nothing of people whom
it will meet later. Early stopping, checkpoints and schedules that watch this score are misled in
the same way.

Here the leak is laid bare: half of the people, drawn at random, are called patients. Nothing in
their EEG tells them apart, so that on new people no network can be right more often than one that
guesses. What does the validation score say?
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from eegsk import ShallowConvNetClassifier
from eegsk.datasets import make_motor_imagery

# %%
# People and a diagnosis that means nothing
# -----------------------------------------
# The recordings are simulated; ``subjects`` says whose each trial is. The diagnosis is drawn five
# times, for what holds of one draw may be luck.

N_PEOPLE, N_DRAWS = 18, 5
X, _, subjects = make_motor_imagery(
    n_subjects=N_PEOPLE, n_trials=40, n_chans=8, snr=4, random_state=0
)
people = np.arange(1, N_PEOPLE + 1)


def diagnose(seed):
    """Draw who is a patient, and six patients and six controls to learn from."""
    order = np.random.default_rng(seed).permutation(people)
    patients, controls = np.array_split(order, 2)
    y = np.where(np.isin(subjects, patients), "patient", "control")
    return y, np.isin(subjects, [*patients[:6], *controls[:6]])


# %%
# The same fit, told who is who and not told
# ------------------------------------------
# A quarter of what the network learns from is set aside for validation: of the trials, or, where
# ``fit`` is given ``groups``, of the people. That is all the difference there is. The third number
# is the accuracy on the six people whom the fit has not seen in either role.

HOW = {"trials at random": False, "whole people": True}
estimator = ShallowConvNetClassifier(
    n_filters=24, max_epochs=30, batch_size=32, lr=0.01, valid_split=0.25
)
curves = {how: [] for how in HOW}
promised = {how: [] for how in HOW}
kept = {how: [] for how in HOW}
for seed in range(N_DRAWS):
    y, known = diagnose(seed)
    for how, told in HOW.items():
        estimator.set_params(random_state=seed)
        estimator.fit(X[known], y[known], groups=subjects[known] if told else None)
        curves[how].append(estimator.history_[:, "valid_score"])
        promised[how].append(estimator.history_[-1, "valid_score"])
        kept[how].append(estimator.score(X[~known], y[~known]))

print("validation on      promised   on new people   (accuracy, mean and s.d. of draws)")
for how in HOW:
    print(
        f"{how:<16}  {np.mean(promised[how]):>5.1%} +/- {np.std(promised[how], ddof=1):<5.1%}"
        f"  {np.mean(kept[how]):>6.1%} +/- {np.std(kept[how], ddof=1):<5.1%}"
    )

# %%
# Validation on trials at random promises a diagnosis where there is none. Validation on whole
# people is near chance, as it should be; it scatters, since a few people are few, but it does not
# deceive. The leak is the larger, the more a label has to do with who somebody is: where it changes
# from trial to trial within each person, as with imagined movements, there is far less to leak.
#
# In cross-validation, ``groups`` reaches ``fit`` through metadata routing:
#
# .. code-block:: python
#
#     with sklearn.config_context(enable_metadata_routing=True):
#         estimator.set_fit_request(groups=True)
#         cross_validate(estimator, X, y, cv=GroupKFold(5), params={"groups": subjects})
#
# The figure
# ----------
# Thin lines and dots are single draws, thick ones their means. Grey is what guessing reaches.

ORANGE, BLUE, GREY = "#d55e00", "#0072b2", "0.5"
BESIDE = {"xytext": (4, 0), "textcoords": "offset points", "va": "center"}
COLORS = dict(zip(HOW, (ORANGE, BLUE), strict=True))
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.2), width_ratios=[1.3, 1], sharey=True, layout="constrained"
)
figure.suptitle("A diagnosis drawn at random", x=0.01, ha="left", weight="bold")
figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
epochs = np.arange(1, estimator.max_epochs + 1)
for how, color in COLORS.items():
    scores = 100 * np.array(curves[how])
    left.plot(epochs, scores.T, color=color, linewidth=0.8, alpha=0.4)
    left.plot(epochs, scores.mean(axis=0), color=color, linewidth=2.5)
    left.annotate(how, (epochs[-1], scores.mean(axis=0)[-1]), color=color, **BESIDE)
left.set(xlabel="Epoch", ylabel="Accuracy (%)", title="Validation while it learns")
left.margins(x=0)

for place, (how, color) in enumerate(COLORS.items()):
    pairs = 100 * np.array([promised[how], kept[how]])
    where = 2.6 * place + np.array([0, 1])
    right.plot(where, pairs, ".-", color=color, linewidth=0.8, alpha=0.4)
    right.plot(where, pairs.mean(axis=1), "o-", color=color, linewidth=2.5, markersize=8)
right.set_xticks([0, 1, 2.6, 3.6], ["promised", "new\npeople"] * 2)
right.set(title="What it promises, and what it keeps", xlim=(-0.5, 4.1))
for ax in (left, right):
    ax.axhline(50, color=GREY, linestyle="--", zorder=0)
right.annotate("guessing", (4.1, 50), color=GREY, **BESIDE)

path = Path("plot_subject_leak.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure is in {path}")
