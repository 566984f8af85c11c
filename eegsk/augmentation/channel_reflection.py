"""Augmentation by reflection of the channels across the midline."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Literal

import numpy as np
import torch

from .._fields import Probability, short_repr
from .transform import MixedTarget, Transform

# Names of the 10-20, 10-10 and 10-05 systems. BioSemi's names, e.g. B12, are not among them.
_NAME = re.compile(
    r"(fp|afp|aff?|f|ff[ct]|fcc?|ftt?|c|ccp|cpp?|t|ttp|tpp?|p|ppo|poo?|o|oi|i|n|[am](?=[12]$))"
    r"(z|[1-9]\d?)(h?)"
)


class ChannelReflection(Transform):
    """Exchange of the left and right channels of trials, and of the classes of the two sides.

    The signals of e.g. C3 and C4 are exchanged; channels on the midline, e.g. Cz, do not change. A
    trial with imagery of the left hand becomes a trial with imagery of the right hand [1]_. The
    names of the channels must be those of the 10-20 system or its extensions.

    Parameters
    ----------
    swap_labels : dict, "both" or None, default=None
        Labels of ``y`` that a reflection exchanges, e.g. ``{"left_hand": "right_hand"}``. Other
        labels, e.g. ``"feet"``, do not change. ``"both"`` if there are two classes, which a
        reflection exchanges. None if no label depends on the side.
    ch_names : sequence of str or None, default=None
        Names of the channels in the 10-20 system or its extensions, e.g. ``["C3", "Cz", "C4"]``.
        None for the channel names of the Epochs that are passed to ``fit``.
    probability : float, default=0.5
        Probability that a trial is reflected.

    References
    ----------
    .. [1] Wang, Z., Li, S., Luo, J., Liu, J., & Wu, D. (2024). Channel reflection: knowledge-driven
       data augmentation for EEG-based brain-computer interfaces. Neural Networks, 176, 106351.
       https://doi.org/10.48550/arXiv.2412.03224

    Examples
    --------
    >>> import torch
    >>> from eegsk.augmentation import ChannelReflection
    >>> reflection = ChannelReflection({0: 1}, ["C3", "Cz", "C4"], probability=1)
    >>> X = torch.arange(3.0)[:, None].expand(2, 3, 100)
    >>> reflected, y = reflection(X, torch.tensor([0, 1]))
    >>> reflected[:, :, 0]
    tensor([[2., 1., 0.],
            [2., 1., 0.]])
    >>> y
    tensor([1, 0])
    """

    swap_labels: dict[Any, Any] | Literal["both"] | None = None
    ch_names: list[str] | tuple[str, ...] | None = None
    probability: Probability = field(default=0.5, kw_only=True)

    def prepare(self, ch_names: Sequence[str] | None, classes: Sequence[Any] | None) -> None:
        """Set the names of the channels and the labels of the classes.

        Parameters
        ----------
        ch_names : sequence of str or None
            Names of the channels of the trials. The parameter ``ch_names`` replaces them, e.g. if
            they are not of the 10-20 system.
        classes : sequence or None
            Label of each class. None if the labels in ``swap_labels`` are the integer targets.

        Raises
        ------
        ValueError
            If the channels have no names or are in another order than ``ch_names``, a name is not
            of the 10-20 system, a channel has no counterpart, or a label is not a class or occurs
            twice.
        """
        if self.ch_names and ch_names:
            _check_order(self.ch_names, ch_names)
        self._counterpart = _counterparts(self.ch_names or ch_names)
        if self.swap_labels == "both":
            self._pairs = _pair_of_two_classes(classes)
        else:
            self._pairs = _pairs_of_classes(self.swap_labels or {}, classes)

    def __call__(self, X: torch.Tensor, y: Any) -> tuple[torch.Tensor, Any]:
        """Reflect the trials of a batch.

        Parameters
        ----------
        X : torch.Tensor of shape (n_trials, n_chans, n_times)
            Standardised trials.
        y : torch.Tensor of shape (n_trials,) or (n_trials, n_outputs)
            Targets; classes are integers.

        Returns
        -------
        X : torch.Tensor of shape (n_trials, n_chans, n_times)
            The reflected trials, in a new tensor.
        y : torch.Tensor of shape (n_trials,) or (n_trials, n_outputs)
            The targets; a reflected trial has the class of the other side.

        Raises
        ------
        ValueError
            If ``swap_labels`` is given but the targets are continuous or mixed, or if the number of
            channels differs from that of the names.
        """
        if not hasattr(self, "_counterpart"):
            self.prepare(None, None)
        is_chosen = self._choose(X)
        return self._transform(X, is_chosen), self._swap(y, is_chosen)

    def _transform(self, X: torch.Tensor, is_chosen: torch.Tensor) -> torch.Tensor:
        if len(self._counterpart) != X.shape[1]:
            raise ValueError(
                f"ChannelReflection: ch_names has {len(self._counterpart)} names, but the trials "
                f"have {X.shape[1]} channels."
            )
        reflected = X.index_select(1, torch.tensor(self._counterpart, device=X.device))
        return torch.where(is_chosen[:, None, None], reflected, X)

    def _swap(self, y: Any, is_chosen: torch.Tensor) -> Any:
        if not self._pairs:
            return y
        if isinstance(y, MixedTarget):
            raise ValueError(
                "ChannelReflection: the trials are mixed already; list it before Mixup."
            )
        if y.ndim != 1 or y.is_floating_point():
            raise ValueError(
                "ChannelReflection: swap_labels exchanges classes, but the targets are continuous; "
                "set swap_labels=None."
            )
        swapped = y
        for left, right in self._pairs:
            swapped = torch.where(y == left, right, torch.where(y == right, left, swapped))
        return torch.where(is_chosen, swapped, y)


def _check_order(names: Sequence[str], ch_names: Sequence[str]) -> None:
    """Raise an error if the trials have the named channels in another order."""
    if [*names] != [*ch_names] and sorted(names) == sorted(ch_names):
        raise ValueError(
            f"ChannelReflection: ch_names={short_repr([*names])} has another order than the "
            f"channels of the trials, {short_repr([*ch_names])}; set ch_names=None for Epochs."
        )


def _counterparts(ch_names: Sequence[str] | None) -> list[int]:
    """Return for each channel the index of the channel on the other side."""
    if ch_names is None:
        raise ValueError(
            "ChannelReflection: the channels have no names; pass ch_names, or fit on mne.Epochs."
        )
    places = [_place(name) for name in ch_names]
    indices = {place: index for index, place in enumerate(places)}
    counterparts = []
    for name, (letters, number) in zip(ch_names, places, strict=True):
        # Odd numbers are on the left; the next even number is opposite, e.g. C3 and C4.
        opposite = number if number == 0 else number + (1 if number % 2 else -1)
        if (letters, opposite) not in indices:
            raise ValueError(
                f"ChannelReflection: channel {name!r} has no counterpart on the other side; select "
                "channels in pairs, e.g. C3 and C4."
            )
        counterparts.append(indices[letters, opposite])
    return counterparts


def _place(name: str) -> tuple[str, int]:
    """Split a 10-20 name into its letters and its number, with zero for the midline."""
    match = _NAME.fullmatch(re.sub(r"^eeg|[\s._]", "", name.strip().lower()))
    if match is None:
        raise ValueError(
            f"ChannelReflection: channel {name!r} is not a name of the 10-20 system; rename the "
            "channels, or pass their places as ch_names, e.g. ['C3', 'Cz', 'C4']."
        )
    letters, number, half = match.groups()
    return letters + half, 0 if number == "z" else int(number)


def _pair_of_two_classes(classes: Any) -> list[tuple[int, int]]:
    if classes is not None and len(classes) != 2:
        raise ValueError(
            f"ChannelReflection: swap_labels='both' needs two classes, but there are "
            f"{len(classes)}; give the labels of the two sides, e.g. {{'left': 'right'}}."
        )
    return [(0, 1)]


def _pairs_of_classes(swap_labels: Mapping[Any, Any], classes: Any) -> list[tuple[int, int]]:
    """Return the pairs of class indices that a reflection exchanges."""
    labels = [label for pair in swap_labels.items() for label in pair]
    if len(set(labels)) < len(labels):
        raise ValueError(
            f"ChannelReflection: swap_labels={swap_labels!r} contains a label twice; give each "
            "pair once, e.g. {'left_hand': 'right_hand'}."
        )
    if classes is None:
        if not all(isinstance(label, int) for label in labels):
            raise ValueError(
                f"ChannelReflection: swap_labels={swap_labels!r} should have integers, the indices "
                "of the classes, because the labels of the classes are not known."
            )
        return list(swap_labels.items())
    index = {label: number for number, label in enumerate(np.asarray(classes).tolist())}
    missing = [label for label in labels if label not in index]
    if missing:
        raise ValueError(
            f"ChannelReflection: swap_labels has {missing[0]!r}, which is not a class; the classes "
            f"are {', '.join(map(repr, index))}."
        )
    return [(index[left], index[right]) for left, right in swap_labels.items()]
