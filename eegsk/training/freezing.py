"""Frozen blocks of a network: their weights and running statistics do not change in training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import nn

# Most blocks of eegsk's networks are inside ``trunk``. This prefix can be left out, e.g. "front".
_TRUNK = "trunk."


def find_blocks(owner: str, network: nn.Module, names: str | Sequence[str] | None) -> list[str]:
    """Return the paths of blocks in a network.

    Parameters
    ----------
    owner : str
        Name of the estimator, for error messages.
    network : torch.nn.Module
        The network.
    names : str, sequence of str or None
        Paths of submodules with weights, e.g. ``"trunk"``, ``"trunk.front"`` or ``"front"``.

    Returns
    -------
    paths : list of str
        Paths of the submodules, e.g. ``"trunk.front"``.

    Raises
    ------
    ValueError
        If there is no block with that name, or if the blocks contain all weights.
    """
    names = [names] if isinstance(names, str) else list(names or [])
    weights = [name for name, _ in network.named_parameters()]
    paths = []
    for name in names:
        candidates = [path for path in (name, f"{_TRUNK}{name}") if _inside(path, weights)]
        if not candidates:
            raise ValueError(
                f"{owner}: freeze={name!r} is not a block of the network; its blocks are "
                f"{', '.join(map(repr, _block_names(weights)))}."
            )
        paths.append(candidates[0])
    if paths and all(any(_inside(path, [weight]) for path in paths) for weight in weights):
        raise ValueError(f"{owner}: freeze={names} leaves no weight to train; freeze fewer blocks.")
    return paths


@contextmanager
def frozen(blocks: Sequence[nn.Module]) -> Iterator[None]:
    """Do not compute gradients of the weights of blocks within a context."""
    weights = [weight for block in blocks for weight in block.parameters() if weight.requires_grad]
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)


def _inside(path: str, weights: Sequence[str]) -> list[str]:
    """Return the weights of a block."""
    return [weight for weight in weights if weight.startswith(f"{path}.")]


def _block_names(weights: Sequence[str]) -> list[str]:
    """Return the names of the outer blocks that have weights: "trunk", "front", ..., "head"."""
    names = []
    for weight in weights:
        names.append(weight.partition(".")[0])
        inner = weight.removeprefix(_TRUNK)
        names += [inner.partition(".")[0]] if inner != weight else []
    return list(dict.fromkeys(names))
