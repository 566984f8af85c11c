"""
Early stopping on whole subjects, and nested cross-validation
=============================================================

This example makes two decisions, the epoch at which training stops (on validation subjects) and the
dropout of the network (by an inner cross-validation), and reports the accuracy on test subjects.
Metadata routing passes the subjects to all of them. Patience and learning rate suit this simulation
and are no recommendation.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate

from eegsk import EEGNetClassifier
from eegsk.callbacks import EarlyStopping
from eegsk.datasets import make_motor_imagery

X, y, subjects = make_motor_imagery(
    n_subjects=9, n_trials=60, n_chans=8, n_times=192, snr=8, random_state=0
)

# %%
# Define the search
# -----------------
# ``valid_split=0.34`` sets a third of the training subjects aside. Training stops after 25 epochs
# without a lower loss on them, and the best weights are restored.

classifier = EEGNetClassifier(
    max_epochs=60, lr=0.005, batch_size=32, valid_split=0.34,
    callbacks=[EarlyStopping(patience=25)], random_state=0,
)  # fmt: skip

# %%
# Nested cross-validation
# -----------------------
# The outer loop leaves three subjects out. The search in the inner loop never sees them.

with config_context(enable_metadata_routing=True):
    classifier.set_fit_request(groups=True)
    search = GridSearchCV(classifier, {"dropout": [0.1, 0.5]}, cv=GroupKFold(2))
    results = cross_validate(
        search, X, y, cv=GroupKFold(3), params={"groups": subjects}, return_estimator=True
    )
inner = [fitted.best_score_ for fitted in results["estimator"]]
print("outer fold   dropout   best epoch   inner score   score on test subjects")
for fold, (fitted, score) in enumerate(
    zip(results["estimator"], results["test_score"], strict=True)
):
    callback = dict(fitted.best_estimator_.net_.callbacks_)["earlystopping"]
    print(
        f"{fold + 1:>10}   {fitted.best_params_['dropout']:>7}   {callback.best_epoch_:>10}"
        f"   {fitted.best_score_:>11.1%}   {score:>22.1%}"
    )

# %%
# Plot the training of the three final networks
# ---------------------------------------------
# Dots mark the epochs whose weights were restored. After them, the training loss decreases
# further, and the validation loss does not. Report the mean of the scores on test subjects
# (right). The inner score only compares the values of dropout. Here it is lower, because the
# networks of the inner loop are trained on two subjects, and the final networks on four.

COLORS = ["#0072b2", "#d55e00", "#009e73"]
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, axes = plt.subplots(1, 3, figsize=(11, 4), width_ratios=[1, 1, 0.8], layout="constrained")
for fold, (fitted, color) in enumerate(zip(results["estimator"], COLORS, strict=True)):
    network = fitted.best_estimator_
    best = dict(network.net_.callbacks_)["earlystopping"].best_epoch_
    for ax, part in zip(axes, ("train", "valid"), strict=False):
        losses = network.history_[:, f"{part}_loss"]
        ax.plot(range(1, len(losses) + 1), losses, color=color, linewidth=2)
        ax.plot(best, losses[best - 1], "o", color=color, markersize=9)
    axes[2].plot(
        [0, 1], [100 * inner[fold], 100 * results["test_score"][fold]], "o-", color=color,
        linewidth=2, markersize=9, label=f"outer fold {fold + 1}",
    )  # fmt: skip
axes[0].set(xlabel="Epoch", ylabel="Cross-entropy (nats)", title="Training loss")
axes[1].set(xlabel="Epoch", title="Loss on validation subjects")
axes[1].sharey(axes[0])
axes[2].axhline(50, color="0.5", linestyle="--", linewidth=1)
axes[2].annotate("chance", (0.5, 50.5), xycoords=("axes fraction", "data"), color="0.4")
axes[2].set_xticks([0, 1], ["inner\n(chosen)", "test\nsubjects"])
axes[2].set(xlim=(-0.4, 1.4), ylim=(45, 100), ylabel="Accuracy (%)", title="Scores")
figure.legend(loc="outside lower center", ncol=3, frameon=False)

path = Path("plot_early_stopping.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
