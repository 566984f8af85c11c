"""Aligned ensembles of seeds, and reflection of the channels, for recipes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.utils import check_random_state

from ..alignment import AlignedEstimator, EuclideanAlignment
from ..augmentation import ChannelReflection
from ._overrides import RandomState


def reflections(ch_names: Sequence[str] | None) -> list[ChannelReflection]:
    """Return the reflection of trials of two hands; none if the channels have no names.

    Parameters
    ----------
    ch_names : sequence of str or None
        Names of the channels.

    Returns
    -------
    transforms : list of ChannelReflection
        One transform, or an empty list.
    """
    return [] if ch_names is None else [ChannelReflection("both", list(map(str, ch_names)))]


def align_seeds(
    aligner: EuclideanAlignment, network: Any, n_seeds: int, random_state: RandomState
) -> AlignedEstimator:
    """Return an aligned ensemble of copies of a network with different seeds.

    Parameters
    ----------
    aligner : EuclideanAlignment
        The aligner.
    network : classifier
        The network.
    n_seeds : int
        Number of copies; with one, it is not wrapped in an ensemble.
    random_state : int, RandomState or None
        Seed from which the seeds of the copies are drawn.

    Returns
    -------
    estimator : AlignedEstimator
        An estimator that is not fitted.
    """
    seeds = [random_state] if n_seeds == 1 else draw_seeds(random_state, n_seeds)
    networks: list[Any] = [clone(network) for _ in seeds]
    for copy, seed in zip(networks, seeds, strict=True):
        copy.set_params(random_state=seed)
    if n_seeds == 1:
        return AlignedEstimator(aligner, networks[0])
    members = [(f"seed{number}", copy) for number, copy in enumerate(networks)]
    return AlignedEstimator(aligner, VotingClassifier(members, voting="soft"))


def draw_seeds(random_state: RandomState, n_seeds: int) -> list[Any]:
    """Draw seeds.

    Parameters
    ----------
    random_state : int, RandomState or None
        Seed from which the seeds are drawn.
    n_seeds : int
        Number of seeds.

    Returns
    -------
    seeds : list of int or None
        The seeds; None for each if ``random_state`` is None.
    """
    if random_state is None:
        return [None] * n_seeds
    return check_random_state(random_state).randint(np.iinfo(np.int32).max, size=n_seeds).tolist()
