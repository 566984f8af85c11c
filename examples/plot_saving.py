"""
Save a decoder, and adapt it day by day
=======================================

A decoder is trained once and used for weeks. ``save`` writes it to a file, and
:func:`eegsk.load` reads it without running code. The loaded decoder makes identical predictions,
and ``partial_fit`` continues its training as if it had not been saved.

Here a decoder of imagined hand movements is trained on six people. Six new people then use it for
six days. Every day, the decoder is loaded, used, trained with the trials of this day, and saved
for the next day. The recordings are simulated.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
from safetensors import safe_open

import eegsk
from eegsk.datasets import make_motor_imagery

# %%
# Train and save
# --------------
# The first six people are for training. The others have 40 trials a day.

X, y, subjects = make_motor_imagery(
    n_subjects=12, n_trials=240, n_chans=8, n_times=192, snr=3.0, random_state=1
)
is_training = subjects <= 6
folder = TemporaryDirectory()
path = Path(folder.name) / "decoder.eegsk"

decoder = eegsk.EEGNetClassifier(max_epochs=10, random_state=0)
decoder.fit(X[is_training], y[is_training]).save(path)

# %%
# Load
# ----
# The predictions are identical, not only similar.

loaded = eegsk.load(path)
new = X[~is_training]
print(
    "identical predictions:", np.array_equal(loaded.predict_proba(new), decoder.predict_proba(new))
)

# %%
# A damaged file raises an error; it is never a decoder with wrong weights.

content = bytearray(path.read_bytes())
content[-1] ^= 1  # one bit of the last weight
damaged = Path(folder.name) / "damaged.eegsk"
damaged.write_bytes(content)
try:
    eegsk.load(damaged)
except ValueError as error:
    print(str(error).replace(str(folder.name), "..."))

# %%
# The file is a safetensors file, whose tensors have names.

n_bytes = {"weights": 0, "state of the optimizer": 0}
with safe_open(path, "pt") as file:
    for name in file.keys():  # noqa: SIM118 - not a dictionary
        tensor = file.get_tensor(name)
        part = "weights" if name.startswith("module.") else "state of the optimizer"
        n_bytes[part] += tensor.numel() * tensor.element_size()
n_bytes["description"] = path.stat().st_size - sum(n_bytes.values())
print(
    f"{path.stat().st_size / 1000:.0f} kB:", ", ".join(f"{n} bytes {k}" for k, n in n_bytes.items())
)

# %%
# Six days
# --------
# Every evening, the decoder of a person is trained for ten epochs with the trials of this day.

N_DAYS, N_TRIALS = 6, 40
people = np.unique(subjects[~is_training])
scores = {"fixed": np.zeros((len(people), N_DAYS)), "adapted": np.zeros((len(people), N_DAYS))}
for row, person in enumerate(people):
    own_path = Path(folder.name) / f"person_{person}.eegsk"
    eegsk.load(path).save(own_path)
    trials, labels = X[subjects == person], y[subjects == person]
    for day in range(N_DAYS):
        today = slice(day * N_TRIALS, (day + 1) * N_TRIALS)
        decoder = eegsk.load(own_path)
        scores["fixed"][row, day] = 100 * loaded.score(trials[today], labels[today])
        scores["adapted"][row, day] = 100 * decoder.score(trials[today], labels[today])
        for _ in range(10):
            decoder.partial_fit(trials[today], labels[today])
        decoder.save(own_path)

for name, values in scores.items():
    first, last = values[:, 0].mean(), values[:, -1].mean()
    print(f"{name}: {first:.0f} % on the first day, {last:.0f} % on the last day")
folder.cleanup()

# %%
# The figure
# ----------
# Lines are means over people, bands their standard errors.

BLUE, GREY = "#0072b2", "0.45"
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 11})
figure, ax = plt.subplots(figsize=(7.5, 4.4), layout="constrained")
days = np.arange(1, N_DAYS + 1)
labels = {"fixed": "the file of\nthe first day", "adapted": "loaded, trained and\nsaved every day"}
for (name, values), color in zip(scores.items(), [GREY, BLUE], strict=True):
    mean, error = values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
    ax.fill_between(days, mean - error, mean + error, color=color, alpha=0.15, linewidth=0)
    ax.plot(days, mean, "o-", color=color, linewidth=2.5, markersize=7)
    ax.annotate(
        labels[name],
        (days[-1], mean[-1]),
        xytext=(12, 0),
        textcoords="offset points",
        color=color,
        va="center",
        annotation_clip=False,
    )
ax.axhline(50, color=GREY, linestyle="--", linewidth=1, zorder=0)
ax.annotate("chance", (days[0], 50), xytext=(0, 4), textcoords="offset points", color=GREY)
ax.set(
    xlabel="Day",
    ylabel="Accuracy before training on the day (%)",
    xticks=days,
    ylim=(45, 101),
    title="A decoder that is loaded every morning and saved every evening",
)

path = Path("plot_saving.png").resolve()
figure.savefig(path, dpi=150)
print(f"\nThe figure was saved as {path}")
