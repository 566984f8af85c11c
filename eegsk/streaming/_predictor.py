"""Prediction of windows, with estimators and pipelines that may include an alignment."""

from __future__ import annotations

import copy
from collections.abc import Hashable
from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.utils.validation import check_is_fitted

from .._steps import is_aligner, members_of, steps_of
from ..alignment import AlignedVotingClassifier
from ..signals import Signal

# Domain of a stream for the aligners, if the user gives none.
_STREAM = "the stream"


def signal_of(estimator: Any) -> Signal | None:
    """Return the signal of the trials of ``fit``; None if no step knows it."""
    steps = steps_of(estimator)
    signals = [step.signal_ for step in steps if hasattr(step, "signal_")]
    if not signals and isinstance(steps[-1], AlignedVotingClassifier):
        check_is_fitted(steps[-1])
        return signal_of(steps[-1].estimators_[0])
    return signals[0] if signals else None


def make_predictor(name: str, estimator: Any, group: Hashable = None) -> Predictor:
    """Create the predictor of an estimator, or of an ensemble whose members align differently.

    Parameters
    ----------
    name : str
        Name of the caller, for error messages.
    estimator : estimator
        Fitted estimator, pipeline or ensemble. It is not changed: aligners are copied.
    group : hashable or None
        Domain of the stream for the aligners; None for a new domain.

    Returns
    -------
    predictor : Predictor
        The predictor.
    """
    steps = steps_of(estimator)
    if not isinstance(steps[-1], AlignedVotingClassifier):
        return Predictor(name, steps, group)
    members = [Predictor(name, steps_of(member), group) for member, _ in members_of(estimator)]
    return VotingPredictor(steps[-1], members)


class Predictor:
    """Prediction of windows in the order of their times.

    Parameters
    ----------
    name : str
        Name of the caller, for error messages.
    steps : list of estimator
        Fitted transformers and an estimator. They are not changed: aligners are copied.
    group : hashable or None
        Domain of the stream for the aligners; None for a new domain.
    """

    def __init__(self, name: str, steps: list[Any], group: Hashable = None) -> None:
        *transformers, self._last = steps
        check_is_fitted(self._last)
        self._group = _STREAM if group is None else group
        self._transformers = [self._prepared(name, step, group) for step in transformers]
        self.is_regressor = is_regressor(self._last)
        if not self.is_regressor and not hasattr(self._last, "predict_proba"):
            raise TypeError(
                f"{name}: {type(self._last).__name__} has no predict_proba; use a classifier with "
                "probabilities, or a regressor."
            )

    @property
    def classes(self) -> np.ndarray | None:
        """The classes, in the order of the probabilities; None for a regressor."""
        return None if self.is_regressor else self._last.classes_

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Return probabilities or predictions of windows (n_windows, n_chans, n_times)."""
        for step in self._transformers:
            windows = self._align(step, windows) if is_aligner(step) else step.transform(windows)
        if self.is_regressor:
            return self._last.predict(windows)
        return self._last.predict_proba(windows)

    def _prepared(self, name: str, step: Any, group: Hashable) -> Any:
        """Return a transformer that can be used on a stream."""
        if not is_aligner(step):
            return step
        check_is_fitted(step, "reference_")
        if group is None and not step.online:
            raise ValueError(
                f"{name}: {type(step).__name__}(online=False) aligns all trials of a session "
                "together, which a stream does not have; set online=True before fit, or pass the "
                "group of fit to which the stream belongs."
            )
        if group is not None and group not in step.references_ and not step.online:
            raise ValueError(
                f"{name}: group={group!r} was not in the fit of {type(step).__name__}; choose from "
                f"{list(step.references_)}, or set online=True before fit."
            )
        step = copy.deepcopy(step).set_params(by=None)
        if group is None:
            step.references_.pop(_STREAM, None)
        step._is_growing = self._group not in step.references_
        return step

    def _align(self, step: Any, windows: np.ndarray) -> np.ndarray:
        """Align windows; those of a new domain by the windows before them."""
        if not step._is_growing:
            return step.transform(windows, groups=[self._group] * len(windows))
        aligned = []
        for window in windows[:, None]:
            aligned.append(step.transform(window, groups=[self._group]))
            step.update(window, groups=[self._group])
        return np.concatenate(aligned)


class VotingPredictor(Predictor):
    """Mean of the probabilities of members that align the windows differently.

    Parameters
    ----------
    voting : AlignedVotingClassifier
        Fitted ensemble.
    members : list of Predictor
        Predictor of each member.
    """

    is_regressor = False

    def __init__(self, voting: AlignedVotingClassifier, members: list[Predictor]) -> None:
        self._voting, self._members = voting, members

    @property
    def classes(self) -> np.ndarray | None:
        """The classes, in the order of the probabilities."""
        return self._voting.classes_

    def predict(self, windows: np.ndarray) -> np.ndarray:
        """Return probabilities of windows (n_windows, n_chans, n_times)."""
        probabilities = [member.predict(windows) for member in self._members]
        return np.average(probabilities, axis=0, weights=self._voting.weights)
