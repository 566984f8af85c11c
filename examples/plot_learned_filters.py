"""
What a network has learned: filters, patterns and saliency
==========================================================

A network that decodes imagined movements should use the rhythms of the motor cortex, and not, for
example, eye movements. This example shows where on the scalp, at which frequencies and when a
trained EEGNet finds the information. The recordings are simulated, so that the correct answer is
known: after about 0.4 s, the mu rhythm (9 to 12 Hz) and the beta rhythm (twice that frequency)
become weaker over the hemisphere opposite to the imagined hand.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.model_selection import train_test_split

from eegsk import EEGNetClassifier
from eegsk.datasets import make_motor_imagery
from eegsk.display import FilterDisplay, ImportanceDisplay, PatternDisplay, SaliencyDisplay

epochs, y, _ = make_motor_imagery(
    n_subjects=1, n_trials=300, n_chans=24, snr=15, as_epochs=True, random_state=1
)
training, test = train_test_split(range(len(y)), test_size=0.4, stratify=y, random_state=0)
classifier = EEGNetClassifier(
    n_filters=4, max_epochs=40, lr=0.01, dropout=0.25, batch_size=16, random_state=0
)
classifier.fit(epochs[training], y[training])
print(f"Accuracy on test trials: {classifier.score(epochs[test], y[test]):.1%}")

# %%
# Patterns: where?
# ----------------
# Each map is the activation pattern of a source, i.e. of the output of a temporal and a spatial
# filter: how strongly the source appears in each channel. The maps are sorted by relevance. Above
# a map are the frequency with the largest effect, the limit of the colours, and the class for which
# more power of the source speaks.
#
# Look at the place and at the class: sources over the left hemisphere speak for the left hand. This
# is correct, since the rhythm becomes weaker over the *opposite* hemisphere: strong power on the
# left says that the right hand did not move.

display = PatternDisplay.from_estimator(classifier, epochs[training], n_sources=4)

# %%
# Filters: at which frequencies?
# ------------------------------
# Rows are temporal filters, the most relevant first. A circle is the frequency at which the filter
# has the largest effect on the result, a bar the frequency that it passes best. The two can differ,
# because a filter passes more than one frequency.

display = FilterDisplay.from_estimator(classifier, epochs[training], fmax=40)
print("Frequencies with the largest effect:", display.relevant_freqs[display.order], "Hz")

# %%
# Saliency: when, and at which frequencies of each channel?
# ---------------------------------------------------------
# The contribution of each sample to the logit of the class, averaged over the test trials of the
# class. Red supports the class. Contributions begin with the change of the rhythms, about 0.4 s
# after the cue, and are larger for the channels over the motor cortex.

display = SaliencyDisplay.from_estimator(classifier, epochs[test])

# %%
# The same contributions can be divided by frequency instead of time. Both rhythms are visible, also
# in channels whose filters are not easy to read.

display = SaliencyDisplay.from_estimator(classifier, epochs[test], domain="frequency")
for panel in display.axes_:
    panel.set_xlim(0, 40)

# %%
# Importance: what is needed?
# ---------------------------
# Saliency describes the network. Importance measures the score: how much does the accuracy on test
# trials decrease if one frequency band is exchanged between trials? This needs no gradients and
# works for every estimator.

display = ImportanceDisplay.from_estimator(
    classifier, epochs[test], y[test], by="band", random_state=0
)

# %%
# All together
# ------------
# Every display draws on axes that you pass, so that several fit into one figure.

figure = plt.figure(figsize=(10, 6.2), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=[1, 1.1])
PatternDisplay.from_estimator(classifier, epochs[training], n_sources=4, ax=top.subplots(1, 4))
left, right = bottom.subplots(1, 2, sharey=True)
SaliencyDisplay.from_estimator(classifier, epochs[test], ax=[left, right])

path = Path("plot_learned_filters.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
