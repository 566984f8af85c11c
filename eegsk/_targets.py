"""Encoding of targets for a network, and decoding of its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from ._arguments import as_numbers, check_file_size, check_finite, is_missing

# Ratio of standard deviation to mean up to which a target counts as constant: smaller variations
# are rounding errors of double precision.
_ROUNDING = 1e-14


@dataclass(frozen=True, eq=False)
class ClassTarget:
    """Encoding of class labels (names, integers, booleans) as indices from 0 to n_classes - 1.

    Parameters
    ----------
    classes : array of shape (n_classes,)
        The sorted labels.
    """

    classes: np.ndarray

    @staticmethod
    def read(y: Any, name: str = "y") -> np.ndarray:
        """Validate labels and return them as an array; errors contain the name of the argument."""
        y = _to_array(name, y)
        if np.iscomplexobj(y):
            raise ValueError(
                f"{name}: Complex data not supported; use names, integers or booleans."
            )
        if np.ndim(y) > 2:
            raise ValueError(f"{name} has shape {y.shape}; it should be (n_trials,).")
        y = column_or_1d(y, warn=True)
        _check_no_label_is_missing(name, y)
        check_finite(name, y)
        try:
            np.unique(y)
        except TypeError as error:
            raise TypeError(
                f"{name} has labels that cannot be sorted, e.g. numbers and names together; use "
                "labels of one type."
            ) from error
        check_classification_targets(y)
        return y

    @property
    def n_outputs(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def matches(self, target: Any) -> bool:
        """Return whether another target has the same classes."""
        is_same_kind = isinstance(target, ClassTarget)
        return is_same_kind and self.classes.tolist() == target.classes.tolist()

    def check_kind(self, y: np.ndarray) -> None:
        """Check that labels are names if the classes are names, and numbers if they are numbers."""
        if self._has_names(y) != self._has_names(self.classes):
            raise ValueError(
                f"y has the labels {_some(np.unique(y))}, but the labels of fit were "
                f"{_some(self.classes)}; use the same labels, or no y for the events of Epochs."
            )

    @staticmethod
    def _has_names(labels: np.ndarray) -> bool:
        return isinstance(labels.flat[0] if labels.size else None, str | bytes)

    def encode(self, y: np.ndarray) -> torch.Tensor:
        """Return the class index of each label."""
        # LabelEncoder of scikit-learn is not used: it encodes the string "1" as the class 1 without
        # an error. So does NumPy if there are many classes.
        is_same_kind = self._has_names(y) == self._has_names(self.classes)
        unknown = np.setdiff1d(y, self.classes) if is_same_kind else np.unique(y)
        if len(unknown):
            raise ValueError(f"y has labels that are not in classes: {unknown.tolist()}.")
        return torch.from_numpy(np.searchsorted(self.classes, y).astype(np.int64))


@dataclass(frozen=True, eq=False)
class ContinuousTarget:
    """Standardisation of continuous targets.

    Parameters
    ----------
    mean : array of shape (n_outputs,)
        Mean of each target.
    scale : array of shape (n_outputs,)
        Standard deviation of each target; 1 where it is constant.
    n_dims : int
        Number of dimensions of ``y`` in ``fit``: 1, or 2 for several targets.
    """

    mean: np.ndarray
    scale: np.ndarray
    n_dims: int

    @staticmethod
    def read(y: Any) -> np.ndarray:
        """Validate targets and return them in double precision."""
        y = as_numbers("y", _to_array("y", y))
        if not 1 <= y.ndim <= 2:
            raise ValueError(
                f"y has shape {y.shape}; it should be (n_trials,) or (n_trials, n_outputs)."
            )
        return y

    @classmethod
    def learn(cls, y: np.ndarray, weight: np.ndarray, standardize: bool) -> ContinuousTarget:
        """Estimate mean and scale from weighted training targets."""
        columns = y.reshape(len(y), -1)
        if not standardize:
            n_outputs = columns.shape[1]
            return cls(np.zeros(n_outputs), np.ones(n_outputs), y.ndim)
        mean = np.average(columns, axis=0, weights=weight)
        scale = np.sqrt(np.average((columns - mean) ** 2, axis=0, weights=weight))
        is_varying = scale > _ROUNDING * np.abs(mean)
        return cls(mean, np.where(is_varying, scale, 1.0), y.ndim)

    @property
    def n_outputs(self) -> int:
        """Number of targets."""
        return len(self.mean)

    def matches(self, target: Any) -> bool:
        """Return whether another target is continuous and has as many outputs."""
        return isinstance(target, ContinuousTarget) and self.n_outputs == target.n_outputs

    def encode(self, y: np.ndarray) -> torch.Tensor:
        """Return standardised targets of shape (n_trials, n_outputs)."""
        columns = y.reshape(len(y), -1)
        if columns.shape[1] != self.n_outputs:
            raise ValueError(
                f"y has {columns.shape[1]} targets, but y of the first call had {self.n_outputs}."
            )
        return torch.from_numpy(((columns - self.mean) / self.scale).astype(np.float32))

    def decode(self, output: np.ndarray) -> np.ndarray:
        """Return predictions in the unit and with the number of dimensions of ``y`` in ``fit``."""
        y = output * self.scale + self.mean
        return y[:, 0] if self.n_dims == 1 else y


def check_classes(weighted: np.ndarray, train: np.ndarray) -> None:
    """Check the number of classes, and that each has a training trial.

    Parameters
    ----------
    weighted : array
        Labels of all trials with non-zero weight.
    train : array
        Labels of the training trials.

    Raises
    ------
    ValueError
        If there are fewer than two classes, or a class has no training trial.
    """
    if len(np.unique(weighted)) < 2:
        raise ValueError(
            f"all trials with non-zero weight are of one class, {weighted.tolist()[0]!r}; at least "
            "two classes are needed."
        )
    missing = np.setdiff1d(weighted, train)
    if len(missing):
        raise ValueError(
            f"valid_split leaves no training trial of class {missing.tolist()[0]!r}; use a smaller "
            "fraction or another splitter."
        )


def _check_no_label_is_missing(name: str, y: np.ndarray) -> None:
    """Check that no label is None, NaN or NaT; NaN in an array of floats is checked elsewhere."""
    if y.dtype.kind not in "OmM":
        return
    missing = [is_missing(label) for label in y] if y.dtype.kind == "O" else np.isnat(y)
    trials = np.flatnonzero(missing)
    if len(trials):
        label = "NaN" if isinstance(y[trials[0]], float) else y[trials[0]]
        raise ValueError(
            f"{name} contains {label} in {len(trials)} of {len(y)} trials, first in trial "
            f"{trials[0]}; drop the trials that have no label."
        )


def _some(labels: np.ndarray) -> str:
    """Return labels for an error message; only the first five if there are more."""
    text = ", ".join(map(repr, labels[:5].tolist()))
    return f"{text}, ..." if len(labels) > 5 else text


def _to_array(name: str, y: Any) -> Any:
    """Convert lists and tensors to arrays; scikit-learn converts pandas objects later."""
    if isinstance(y, torch.Tensor):
        return y.detach().cpu().numpy()
    check_file_size(name, y)
    try:
        return y if hasattr(y, "shape") else np.asarray(y)
    except ValueError as error:
        raise ValueError(
            f"{name} has entries of different lengths; it should be (n_trials,) or (n_trials, "
            "n_outputs)."
        ) from error
