"""Frozen blocks of a network: their weights and running statistics do not change in training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import nn


def find_blocks(owner: str, network: nn.Module, names: str | Sequence[str] | None) -> list[str]:
    """Return the paths of blocks in a network.

    Parameters
    ----------
    owner : str
        Name of the estimator, for error messages.
    network : torch.nn.Module
        The network.
    names : str, sequence of str or None
        Paths of submodules with weights, e.g. ``"trunk"`` or ``"trunk.front"``, or the end of a
        path, e.g. ``"front"``.

    Returns
    -------
    paths : list of str
        Paths of the submodules, e.g. ``"trunk.front"``.

    Raises
    ------
    ValueError
        If there is no block of such a name, or if every weight is inside a block.
    """
    names = [names] if isinstance(names, str) else list(names or [])
    weights = [name for name, _ in network.named_parameters()]
    blocks, paths = _blocks(weights), []
    for name in names:
        matches = [path for path in blocks if f".{path}".endswith(f".{name}")]
        if not matches:
            outer = [path.rpartition(".")[2] for path in blocks if path.count(".") < 2]
            raise ValueError(
                f"{owner}: freeze={name!r} is not a block of the network; its blocks are "
                f"{', '.join(map(repr, dict.fromkeys(outer)))}."
            )
        paths.append(min(matches, key=len))
    if paths and all(weight.startswith(tuple(f"{path}." for path in paths)) for weight in weights):
        raise ValueError(f"{owner}: freeze={names} leaves no weight to train; freeze fewer blocks.")
    return paths


@contextmanager
def frozen(blocks: Sequence[nn.Module]) -> Iterator[None]:
    """Keep the weights of blocks fixed within a context: they get no gradient."""
    weights = [weight for block in blocks for weight in block.parameters() if weight.requires_grad]
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)


def _blocks(weights: Sequence[str]) -> list[str]:
    """Return the paths of all submodules that have weights, outer ones first."""
    paths = [weight.split(".")[:-1] for weight in weights]
    blocks = [".".join(path[:depth]) for path in paths for depth in range(1, len(path) + 1)]
    return list(dict.fromkeys(blocks))
