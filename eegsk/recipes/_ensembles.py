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
    if n_seeds == 1:
        return AlignedEstimator(aligner, network.set_params(random_state=random_state))
    seeds: list[int | None] = [None] * n_seeds
    if random_state is not None:
        seeds = (
            check_random_state(random_state).randint(np.iinfo(np.int32).max, size=n_seeds).tolist()
        )
    networks: list[Any] = [clone(network) for _ in seeds]
    members = [
        (f"seed{number}", copy.set_params(random_state=seed))
        for number, (copy, seed) in enumerate(zip(networks, seeds, strict=True))
    ]
    return AlignedEstimator(aligner, VotingClassifier(members, voting="soft"))
