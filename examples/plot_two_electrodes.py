"""
Two electrodes: three activations by epoch
==========================================

Courses on motor imagery often use the two channels C3 and C4 of data set IIIb of BCI Competition
III. They train EEGNet and DeepConvNet with ReLU, leaky ReLU and ELU, and plot the accuracy of each
epoch. This example does so with the two recipes for this data set, and shows which number of such a
curve is the result.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import PredefinedSplit

from eegsk.datasets import load_bci_iii_iiib, make_motor_imagery
from eegsk.display import HistoryDisplay
from eegsk.recipes import motor_imagery_deep_conv_net, motor_imagery_eegnet

# %%
# Trials
# ------
# If the folder ``EEGSK_DATA`` has the files of data set IIIb, the networks are trained for 300
# epochs as in the recipes, which takes some minutes. Otherwise, the trials are simulated, and there
# are fewer epochs.

try:
    X, y = load_bci_iii_iiib("S4b", "train")
    X_test, y_test = load_bci_iii_iiib("S4b", "test")
    data, max_epochs = "data set IIIb, subject S4b", 300
except FileNotFoundError:
    trials, labels, _ = make_motor_imagery(
        n_subjects=1, n_trials=240, n_chans=3, n_times=256, snr=8, random_state=0
    )
    trials = trials[:, [0, 2]]  # C3 and C4
    X, y, X_test, y_test = trials[:120], labels[:120], trials[120:], labels[120:]
    data, max_epochs = "simulated trials", 40
print(f"{data}: {len(X)} training trials, {len(X_test)} test trials, {X.shape[1]} channels")

# %%
# Training
# --------
# A ``PredefinedSplit`` marks the test trials as validation trials, so that ``fit`` computes their
# loss and accuracy after each epoch. They do not influence the training.

split = PredefinedSplit(np.repeat([-1, 0], [len(X), len(X_test)]))
trials, labels = np.concatenate([X, X_test]), np.concatenate([y, y_test])
RECIPES = {"EEGNet": motor_imagery_eegnet, "DeepConvNet": motor_imagery_deep_conv_net}
ACTIVATIONS = {"ReLU": "relu", "leaky ReLU": "leaky_relu", "ELU": "elu"}
fitted = {}
for network, recipe in RECIPES.items():
    fitted[network] = {}
    for name, activation in ACTIVATIONS.items():
        estimator = recipe(
            activation=activation, max_epochs=max_epochs, valid_split=split, random_state=0
        )
        fitted[network][name] = estimator.fit(trials, labels)

# %%
# Result
# ------
# The result is the accuracy after the last epoch, because the number of epochs was chosen before.
# The accuracy of the best epoch is printed for comparison only. It is not a result: this epoch is
# chosen by the test trials, so its accuracy is too high.

print(f"\n{'network':<12} {'activation':<11} last epoch   (best of {max_epochs} epochs)")
for network, estimators in fitted.items():
    for name, estimator in estimators.items():
        accuracy = np.array(estimator.history_[:, "valid_score"])
        print(f"{network:<12} {name:<11} {accuracy[-1]:10.1%}   ({accuracy.max():.1%})")

# %%
# Curves
# ------
# Markers show the epoch with the lowest test loss. If the test loss increases after it while the
# training loss decreases, the network overfits. To stop near this epoch, use
# :class:`eegsk.callbacks.EarlyStopping` with validation trials that are taken from the training
# trials. In few epochs, DeepConvNet learns faster with ReLU, because the recipe has a larger
# learning rate for ReLU than for the other activations.

LEGEND = {"validation": "test", "best epoch": "lowest test loss"}
figure, axes = plt.subplots(2, 2, figsize=(10.5, 7), layout="constrained", sharex=True)
for panels, (network, estimators) in zip(axes, fitted.items(), strict=True):
    HistoryDisplay.from_estimator(estimators, ax=panels)
    for text in panels[-1].get_legend().get_texts():
        text.set_text(LEGEND.get(text.get_text(), text.get_text()))
    for panel in panels:
        panel.set_title(network)
figure.suptitle(f"Learning curves, {data}")

path = Path("plot_two_electrodes.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
