"""A figure of losses and accuracies by epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .jobs import choose


def draw(rows: list[dict[str, Any]], networks: list[str], activations: list[str], path: Path):
    """Save curves of each activation, means over subjects: one row of panels a network."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        len(networks), 2, squeeze=False, sharex=True, figsize=(10, 3.5 * len(networks))
    )
    for network, (loss, score) in zip(networks, axes, strict=True):
        for number, activation in enumerate(activations):
            own = choose(rows, network=network, activation=activation)
            for ax, what in ((loss, "loss"), (score, "score")):
                for side, style in (("train", ":"), ("valid", "-")):
                    mean = np.mean([row["curves"][f"{side}_{what}"] for row in own], axis=0)
                    epochs = np.arange(1, len(mean) + 1)
                    label = activation if side == "valid" else None
                    ax.plot(epochs, mean, style, color=f"C{number}", label=label)
        loss.set(title=network, ylabel="loss")
        score.set(title=f"{network} (dotted: training, with dropout)", ylabel="accuracy")
        score.legend()
    for ax in axes[-1]:
        ax.set_xlabel("epoch")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)
