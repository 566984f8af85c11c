"""Comparison of the alpha of ELU in EEGNet."""

from __future__ import annotations

from .jobs import Settings
from .two_channels import compare

TITLE = (
    "The alpha of ELU in the two-channel recipe of EEGNet: accuracy on 04E and 05E after the last "
    "epoch, trained on 01T, 02T and 03T"
)

ALPHAS = {
    f"elu, alpha {n / 10:g}": {"activation": "elu", "activation_params": {"alpha": n / 10}}
    for n in range(1, 10)
}


def measure(settings: Settings) -> str:
    """Return the table."""
    return compare({("EEGNet", name): params for name, params in ALPHAS.items()}, settings)
