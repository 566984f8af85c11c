"""
Leaks: good scores without any information
==========================================

The trials of this example contain no information about their labels, so that no classifier can be
better than chance, 50 %. Five common mistakes of evaluation nevertheless give a higher score. Each
mistake is compared with a correct evaluation of the same data.

Each evaluation is repeated with several draws of the data, because a single score on few trials can
be high by chance.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import mne
import numpy as np
from mne.decoding import CSP
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    PredefinedSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline

from eegsk import EEGNetClassifier, ShallowConvNetClassifier
from eegsk.datasets import make_motor_imagery

mne.set_log_level("error")
N_DRAWS = 3
scores = {}  # (mistake, correct) in percent, for each draw


def simulate(seed, n_trials=60, n_chans=8, n_times=128):
    """Simulate EEG of one subject without imagined movements, and draw labels at random."""
    X, _, _ = make_motor_imagery(
        n_subjects=1, n_trials=n_trials, n_chans=n_chans, n_times=n_times, snr=0, random_state=seed
    )
    rng = np.random.default_rng(seed)
    return X, rng.permutation(np.arange(n_trials) % 2), rng


def record(mistake, wrong, correct):
    """Keep the scores of one draw and print them."""
    scores.setdefault(mistake, []).append((100 * np.mean(wrong), 100 * np.mean(correct)))


def classifier(**params):
    """Return a small network that is trained quickly."""
    defaults = {"kernel": 16, "pool": 4, "max_epochs": 12, "batch_size": 16, "random_state": 0}
    return EEGNetClassifier(**{**defaults, **params})


# %%
# Overlapping windows on both sides of the split
# ----------------------------------------------
# Each trial is cut into windows that overlap by 75 %. If windows are split at random, a test window
# shares most of its samples with training windows, whose label it has. ``GroupKFold`` keeps the
# windows of a trial together.

for seed in range(N_DRAWS):
    X, y, _ = simulate(seed, n_trials=32, n_times=128)
    starts = range(0, 65, 16)
    windows = np.concatenate([X[:, :, start : start + 64] for start in starts])
    labels, trials = np.tile(y, len(starts)), np.tile(np.arange(len(y)), len(starts))
    network = ShallowConvNetClassifier(
        n_filters=16, kernel=13, pool=24, max_epochs=30, batch_size=16, lr=0.01, random_state=0
    )
    shuffled = KFold(4, shuffle=True, random_state=0)
    record(
        "overlapping windows\nsplit at random",
        cross_val_score(network, windows, labels, cv=shuffled),
        cross_val_score(network, windows, labels, groups=trials, cv=GroupKFold(4)),
    )

# %%
# Blocks of trials that are split at random
# -----------------------------------------
# The two conditions are recorded in alternating blocks, and the state of the recording drifts
# slowly, e.g. because the gel dries. Trials of the same block resemble each other. A network that
# recognises the block knows the condition. Whole blocks have to be left out.

for seed in range(N_DRAWS):
    X, _, rng = simulate(seed, n_trials=96)
    blocks = np.arange(96) // 12
    y = blocks % 2
    gains = np.exp(0.5 * rng.standard_normal((8, X.shape[1])))  # one for each block and channel
    X = X * gains[blocks][:, :, None]
    network = ShallowConvNetClassifier(
        n_filters=16, kernel=13, pool=32, max_epochs=15, batch_size=16, lr=0.01, random_state=0
    )
    record(
        "blocks of one condition\nsplit at random",
        cross_val_score(network, X, y, cv=StratifiedKFold(4, shuffle=True, random_state=0)),
        cross_val_score(network, X, y, groups=blocks, cv=GroupKFold(4)),
    )

# %%
# Features selected on all trials
# -------------------------------
# Common spatial patterns (CSP) use the labels. If they are fitted before cross-validation, they
# have seen the labels of the test trials. In a pipeline, they are fitted to the training trials of
# each fold.

for seed in range(2 * N_DRAWS):
    X, y, _ = simulate(seed, n_trials=60, n_chans=32)
    csp = CSP(n_components=6, reg=1e-3)
    lda = LinearDiscriminantAnalysis()
    cv = StratifiedKFold(5, shuffle=True, random_state=0)
    record(
        "spatial filters fitted\nbefore the split",
        cross_val_score(lda, csp.fit_transform(X, y), y, cv=cv),
        cross_val_score(make_pipeline(csp, lda), X, y, cv=cv),
    )

# %%
# The best epoch on the test trials
# ---------------------------------
# With the test trials as validation trials, the score of the best epoch is the maximum of many
# scores, each of which is chance. The score after the last epoch has not been selected.

for seed in range(2 * N_DRAWS):
    X, y, _ = simulate(seed)
    side = np.where(np.arange(60) < 40, -1, 0)
    network = classifier(valid_split=PredefinedSplit(side), max_epochs=30).fit(X, y)
    valid = network.history_[:, "valid_score"]
    record("best epoch chosen\non test trials", max(valid), valid[-1])

# %%
# The best candidate on the test trials
# -------------------------------------
# ``best_score_`` of a search is the maximum over candidates, and each candidate was scored on the
# same trials. Here the best of eight seeds is chosen, i.e. of equal candidates. Trials that were
# not used by the search give a correct score of the best candidate.

for seed in range(2 * N_DRAWS):
    X, y, _ = simulate(seed, n_trials=80, n_chans=4)
    grid = {"random_state": list(range(8))}
    search = GridSearchCV(classifier(max_epochs=5), grid, cv=StratifiedKFold(2))
    search.fit(X[:40], y[:40])
    record("best of 8 candidates\non test trials", search.best_score_, search.score(X[40:], y[40:]))

# %%
# Plot the scores
# ---------------
# Large dots are means over draws, small dots are single draws. Correct scores (blue) vary around
# 50 %, because there are few trials. All orange means are above 50 %, although there is nothing to
# decode.

print(f"{'mistake':<42}  with the mistake   correct")
for mistake, pairs in scores.items():
    wrong, correct = np.mean(pairs, axis=0)
    print(f"{mistake.replace(chr(10), ' '):<42}  {wrong:>14.0f} %   {correct:>5.0f} %")

ORANGE, BLUE = "#d55e00", "#0072b2"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, ax = plt.subplots(figsize=(9, 4.6), layout="constrained")
for row, pairs in enumerate(scores.values()):
    for column, (color, offset) in enumerate([(ORANGE, -0.12), (BLUE, 0.12)]):
        values = np.array(pairs)[:, column]
        ax.plot(values, np.full(len(values), row + offset), ".", color=color, alpha=0.4)
        ax.plot(values.mean(), row + offset, "o", color=color, markersize=10)
        ax.hlines(row + offset, 50, values.mean(), color=color, linewidth=2)
ax.axvline(50, color="0.5", linestyle="--", zorder=0)
ax.set_yticks(range(len(scores)), scores)
ax.invert_yaxis()
ax.set(xlabel="Accuracy (%)", title="Scores of labels that were drawn at random")
handles = [plt.Line2D([], [], marker="o", color=color, markersize=8) for color in (ORANGE, BLUE)]
figure.legend(
    handles,
    ["with the mistake", "correct evaluation"],
    loc="outside lower center",
    ncol=2,
    frameon=False,
)

path = Path("plot_leaks.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
