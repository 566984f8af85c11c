"""
Your own torch network, and networks of braindecode
===================================================

Any class or function that returns a torch module becomes an estimator with cross-validation, grid
search, callbacks and reproducible training. This example writes a small network, searches one of
its parameters, and compares it with EEGNet. If braindecode is installed, it also trains a network
of braindecode.
"""

from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from torch import nn

from eegsk import EEGClassifier, EEGNetClassifier
from eegsk.datasets import make_motor_imagery

X, y, subjects = make_motor_imagery(
    n_subjects=6, n_trials=40, n_chans=8, n_times=192, snr=6, random_state=0
)

# %%
# Write a network
# ---------------
# The network is a class of :class:`torch.nn.Module`, or a function that returns one. It receives
# those of the arguments ``n_chans``, ``n_times``, ``n_outputs``, ``sfreq``, ``ch_names`` and
# ``chs_info`` that it has as parameters. Other parameters, here ``n_filters``, are
# hyper-parameters. The input of the module has the shape (n_trials, n_chans, n_times), and the
# output is one logit for each class.


class LogPower(nn.Module):
    """Logarithm of the power of learned sources, in three windows."""

    def __init__(self, n_chans, n_times, n_outputs, n_filters=8):
        super().__init__()
        self.sources = nn.Conv1d(n_chans, n_filters, kernel_size=33, padding=16)
        self.pool = nn.AdaptiveAvgPool1d(3)
        self.head = nn.Linear(3 * n_filters, n_outputs)

    def forward(self, X):
        """Return the logits of each trial."""
        power = self.pool(self.sources(X) ** 2)
        return self.head(power.clamp(min=1e-6).log().flatten(1))


# %%
# Search its parameters
# ---------------------
# Parameters of the network have the prefix ``network_params__``. The search uses four subjects;
# two others remain for a test of the best candidate.

classifier = EEGClassifier(network=LogPower, max_epochs=20, batch_size=32, random_state=0)
is_test = subjects > 4
grid = {"network_params__n_filters": [2, 8, 32]}
search = GridSearchCV(classifier, grid, cv=GroupKFold(4))
search.fit(X[~is_test], y[~is_test], groups=subjects[~is_test])
n_filters = search.best_params_["network_params__n_filters"]
print(f"best number of filters: {n_filters}")
print(f"accuracy on the two other subjects: {search.score(X[is_test], y[is_test]):.0%}")

# %%
# Compare it with other networks
# ------------------------------
# All networks are trained and tested on the same folds, with the default ``n_filters``. The
# numbers illustrate how to compare networks; they are no benchmark, because the length of the
# training was chosen on these simulated subjects.

networks = {
    "LogPower (own)": classifier,
    "EEGNet": EEGNetClassifier(max_epochs=40, batch_size=32, lr=0.01, dropout=0.25, random_state=0),
}
if find_spec("braindecode"):
    from braindecode.models import ShallowFBCSPNet

    networks["ShallowFBCSPNet\n(braindecode)"] = EEGClassifier(
        network=ShallowFBCSPNet, max_epochs=20, batch_size=32, lr=1e-3, random_state=0
    )
scores = {
    name: cross_val_score(estimator, X, y, groups=subjects, cv=GroupKFold(6))
    for name, estimator in networks.items()
}
for name, score in scores.items():
    print(f"{' '.join(name.split()):<30} {score.mean():.0%}")

# %%
# Plot the scores
# ---------------
# Left: the search on four subjects; each grey line is one of them, left out of training. Right:
# each grey line is one of six subjects. The network that measures power suits this task, in which
# the power of a rhythm changes. With six subjects, a difference of a few points can be due to
# chance.

ORANGE, BLUE, GREY = "#d55e00", "#0072b2", "0.65"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
folds = [100 * search.cv_results_[f"split{fold}_test_score"] for fold in range(4)]
panels = [
    (axes[0], np.array(folds), grid["network_params__n_filters"]),
    (axes[1], 100 * np.array(list(scores.values())).T, list(scores)),
]
for ax, values, labels in panels:
    places = np.arange(len(labels))
    ax.plot(places, values.T, ".-", color=GREY, linewidth=1)
    ax.plot(places, values.mean(axis=0), "o-", color=BLUE, markersize=9, linewidth=2)
    ax.axhline(50, color="0.5", linestyle="--", linewidth=1)
    ax.set_xticks(places, labels)
    ax.margins(x=0.12)
axes[0].set(xlabel="n_filters of LogPower", ylabel="Accuracy (%)", title="Grid search")
axes[1].set(title="Unseen subjects", ylim=(40, 102))
axes[0].annotate("chance", (0.02, 50), xycoords=("axes fraction", "data"), color="0.4", va="bottom")
handles = [plt.Line2D([], [], marker=".", color=GREY), plt.Line2D([], [], marker="o", color=BLUE)]
figure.legend(handles, ["one subject", "mean"], loc="outside lower center", ncol=2, frameon=False)

path = Path("plot_own_network.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
