"""Frozen blocks of a network: their weights and running statistics do not change in training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import nn

from ..blocks.temporal_spatial import FrontEnd

# Blocks of eegsk's networks are inside ``trunk``, which need not be written, e.g. "front".
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
        Paths of submodules with weights, e.g. ``"trunk"`` or ``"trunk.second"``. Inside ``trunk``,
        ``"second"`` is enough. ``"front"`` is the front end, wherever it is.

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
    blocks = _named_blocks(network, weights)
    paths = []
    for name in names:
        candidates = [name, f"{_TRUNK}{name}", blocks.get(name, "")]
        path = next((path for path in candidates if _inside(path, weights)), None)
        if path is None:
            raise ValueError(
                f"{owner}: freeze={name!r} is not a block of the network; its blocks are "
                f"{', '.join(map(repr, blocks))}."
            )
        paths.append(path)
    if paths and all(any(_inside(path, [weight]) for path in paths) for weight in weights):
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


def _inside(path: str, weights: Sequence[str]) -> list[str]:
    """Return the weights of a block."""
    return [weight for weight in weights if weight.startswith(f"{path}.")]


def _named_blocks(network: nn.Module, weights: Sequence[str]) -> dict[str, str]:
    """Return the paths of the outer blocks by name: "trunk", "front", ..., "head"."""
    blocks: dict[str, str] = {}
    for weight in weights:
        outer, *inner = weight.split(".")[:-1] or [""]
        blocks.setdefault(outer, outer)
        if inner and f"{outer}." == _TRUNK:
            blocks.setdefault(inner[0], f"{_TRUNK}{inner[0]}")
    blocks.pop("", None)  # of weights outside every block
    fronts = [path for path, layer in network.named_modules() if isinstance(layer, FrontEnd)]
    if fronts:
        blocks.setdefault("front", fronts[0])
    return blocks
