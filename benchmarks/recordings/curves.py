"""Figure of losses and accuracies by epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .jobs import choose


def draw(rows: list[dict[str, Any]], networks: list[str], activations: list[str], path: Path):
    """Save the mean curves over subjects, with one row of panels for each network."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        len(networks), 2, squeeze=False, sharex=True, figsize=(10, 3.5 * len(networks))
    )
    for network, (loss, score) in zip(networks, axes, strict=True):
        for number, activation in enumerate(activations):
            selected = choose(rows, network=network, activation=activation)
            for ax, name in ((loss, "loss"), (score, "score")):
                for part, style in (("train", ":"), ("valid", "-")):
                    curves = [row["curves"][f"{part}_{name}"] for row in selected]
                    mean = np.mean(curves, axis=0)
                    epochs = np.arange(1, len(mean) + 1)
                    label = activation if part == "valid" else None
                    ax.plot(epochs, mean, style, color=f"C{number}", label=label)
        loss.set(title=network, ylabel="cross-entropy (nats)")
        score.set(title=f"{network} (dotted: training, with dropout)", ylabel="accuracy")
        score.legend()
    for ax in axes[-1]:
        ax.set_xlabel("epoch")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)
