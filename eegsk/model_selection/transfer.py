"""Evaluation on new subjects, with few or no labelled trials of the tested subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import mne
import numpy as np
from sklearn import get_config
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import check_scoring
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.parallel import Parallel, delayed
from tqdm.auto import tqdm

from .._arguments import check_groups, errors_named
from .._epochs import is_epochs, list_epochs
from ..alignment import AlignedEstimator, AlignedVotingClassifier, groups_argument
from ..signals import labels_of


class Trials(NamedTuple):
    """Trials, their labels or targets, and their groups."""

    X: Any
    y: np.ndarray
    groups: np.ndarray

    def select(self, indices: np.ndarray) -> Trials:
        """Select trials by their indices."""
        return Trials(_select(self.X, indices), self.y[indices], self.groups[indices])


def evaluate_transfer(
    estimator: Any,
    X: Any,
    y: Any = None,
    groups: Any = None,
    *,
    n_trials: Sequence[int] = (0, 10, 20, 50),
    fine_tuning: Mapping[str, Any] | None = None,
    scoring: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Any:
    """Score an estimator on new subjects, with few or no labelled trials of each subject.

    Each subject is the test subject once. The estimator is trained on all other subjects and tested
    on this subject. It is then fine-tuned with the first 10, 20, ... trials of the subject, and
    tested again. All tests of a subject use the same trials, namely those that no fine-tuning uses,
    so that their scores can be compared.

    Parameters
    ----------
    estimator : estimator
        A classifier or regressor, or a pipeline that ends with one, e.g. after
        :class:`~eegsk.alignment.EuclideanAlignment`. Only estimators with the parameter
        ``pretrained``, i.e. those of eegsk, can be fine-tuned.
    X : array-like of shape (n_trials, n_chans, n_times), mne.Epochs, or list of mne.Epochs
        Trials, also :class:`~eegsk.recordings.LazyTrials`. Those of a subject are in the order in
        which they were recorded.
    y : array-like of shape (n_trials,) or (n_trials, n_outputs), default=None
        Labels or targets; None for the event names of Epochs and the labels of LazyTrials.
    groups : array-like of shape (n_trials,)
        Subject of each trial, or its session for transfer between sessions. They are passed to
        ``fit`` of an ``AlignedEstimator`` or ``AlignedVotingClassifier`` and, with metadata
        routing, to steps of the pipeline that request ``groups``.
    n_trials : sequence of int, default=(0, 10, 20, 50)
        Numbers of labelled trials of the tested subject; 0 for no fine-tuning.
    fine_tuning : dict or None, default=None
        Parameters of the estimator (of the last step of a pipeline) that differ in fine-tuning,
        e.g. ``{"lr": 1e-3, "max_epochs": 30, "freeze": "front"}``. With the learning rate of
        pretraining, a few trials often make a network less accurate.
    scoring : str, callable or None, default=None
        Score, as in :func:`sklearn.model_selection.cross_val_score`; None for the ``score`` method
        of the estimator.
    n_jobs : int or None, default=None
        Number of subjects that are evaluated in parallel; -1 for the number of CPUs.
    verbose : int, default=0
        0 for no output, 1 for a progress bar over the subjects.

    Returns
    -------
    table : pandas.DataFrame, or numpy.recarray if pandas is not installed
        One row for each subject and number of labelled trials. The columns are ``"group"``,
        ``"n_trials"``, ``"n_test"`` (number of tested trials) and ``"score"``.

    Raises
    ------
    TypeError
        If the estimator cannot be fine-tuned.
    ValueError
        If there are no groups or only one, or if a subject has too few trials, or labelled trials
        of one class only.

    Notes
    -----
    Transformers of a pipeline are fitted to the training subjects only. All trials of the tested
    subject are transformed in one call, without their labels, before any is tested. A transformer
    that learns from the trials it transforms, e.g. ``EuclideanAlignment()`` with
    ``online=False``, thus uses the unlabelled test trials.

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.datasets import make_motor_imagery
    >>> from eegsk.model_selection import evaluate_transfer
    >>> X, y, subjects = make_motor_imagery(n_subjects=3, n_trials=30, random_state=0)
    >>> classifier = EEGNetClassifier(max_epochs=2, random_state=0)
    >>> table = evaluate_transfer(classifier, X, y, subjects, n_trials=[0, 10])
    >>> table[["group", "n_trials", "n_test"]]
       group  n_trials  n_test
    0      1         0      20
    1      1        10      20
    2      2         0      20
    3      2        10      20
    4      3         0      20
    5      3        10      20
    """
    trials = _read(X, y, groups)
    sizes = _check_sizes(n_trials)
    model = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    if sizes[-1] > 0:
        _check_fine_tuning(model, fine_tuning or {})
    _check_trials(trials, sizes, is_classifier(estimator))
    scorer = check_scoring(model, scoring=scoring)
    labels = np.unique(trials.groups)
    jobs = (
        delayed(_evaluate)(estimator, trials, label, sizes, fine_tuning or {}, scorer)
        for label in labels.tolist()
    )
    results: Any = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
    progress = tqdm(results, total=len(labels), unit="subject", disable=not verbose)
    return _table([row for rows in progress for row in rows])


def _evaluate(
    estimator: Any,
    trials: Trials,
    group: Any,
    sizes: Sequence[int],
    fine_tuning: Mapping[str, Any],
    scorer: Any,
) -> list[dict[str, Any]]:
    """Return the scores of one group, for each number of its labelled trials."""
    is_tested = trials.groups == group
    train, tested = (trials.select(np.flatnonzero(mask)) for mask in (~is_tested, is_tested))
    pretrained: Any = clone(estimator)
    pretrained.fit(train.X, train.y, **_routed(pretrained, "fit", train.groups))
    if isinstance(pretrained, Pipeline):
        tested = tested._replace(X=_transform(pretrained[:-1], tested))
        pretrained = pretrained[-1]
    test = tested.select(np.arange(sizes[-1], len(tested.y)))
    rows = []
    for size in sizes:
        model: Any = pretrained
        if size > 0:
            labelled = tested.select(np.arange(size))
            model = clone(pretrained)
            model.set_params(**{**fine_tuning, "pretrained": FrozenEstimator(pretrained)})
            model.fit(labelled.X, labelled.y)
        score = scorer(model, test.X, test.y)
        rows.append({"group": group, "n_trials": size, "n_test": len(test.y), "score": score})
    return rows


def _transform(transformers: Pipeline, trials: Trials) -> Any:
    if len(transformers) == 0:
        return trials.X
    return transformers.transform(trials.X, **_routed(transformers, "transform", trials.groups))


def _routed(estimator: Any, method: str, groups: np.ndarray) -> dict[str, np.ndarray]:
    """Return the groups as a keyword argument if a method takes them."""
    if isinstance(estimator, AlignedEstimator | AlignedVotingClassifier):
        return groups_argument(estimator, groups)
    if not get_config()["enable_metadata_routing"]:
        return {}
    requested = get_routing_for_object(estimator).consumes(method, ["groups"])
    return {"groups": groups} if requested else {}


def _select(X: Any, indices: np.ndarray) -> Any:
    if isinstance(X, mne.BaseEpochs):
        return X[indices]
    return _safe_indexing(X, indices)


def _read(X: Any, y: Any, groups: Any) -> Trials:
    """Validate labels and groups, and drop bad Epochs, so that trials can be counted."""
    y = labels_of(X) if y is None else y
    if y is None:
        raise ValueError("evaluate_transfer: y is None; pass the labels, or Epochs with events.")
    y = np.asarray(y)
    if is_epochs(X):
        X = _good_epochs(X)
    n_trials = X.shape[0] if hasattr(X, "shape") else len(X)
    if len(y) != n_trials:
        raise ValueError(f"evaluate_transfer: X has {n_trials} trials, but y has {len(y)} labels.")
    with errors_named("evaluate_transfer"):
        groups = check_groups(groups, n_trials)
    if groups is None or len(np.unique(groups)) < 2:
        raise ValueError(
            "evaluate_transfer: groups should be the subject of each trial, of at least two "
            "subjects."
        )
    return Trials(X, y, groups)


def _good_epochs(X: Any) -> Any:
    """Drop bad Epochs; return a list of Epochs as a list with one trial each."""
    parts = list_epochs(X)
    if isinstance(X, mne.BaseEpochs):
        return parts[0]
    return [epochs[index] for epochs in parts for index in range(len(epochs))]


def _check_sizes(n_trials: Sequence[int]) -> list[int]:
    """Return the numbers of labelled trials in ascending order."""
    sizes = list(n_trials)
    is_integer = [isinstance(size, Integral) and not isinstance(size, bool) for size in sizes]
    if not sizes or not all(is_integer) or any(size < 0 or size == 1 for size in sizes):
        raise ValueError(
            f"evaluate_transfer: n_trials={n_trials!r} should be integers, 0 or at least 2."
        )
    return sorted({int(size) for size in sizes})


def _check_fine_tuning(model: Any, fine_tuning: Mapping[str, Any]) -> None:
    if "pretrained" not in model.get_params(deep=False):
        raise TypeError(
            f"evaluate_transfer: {type(model).__name__} has no parameter 'pretrained' and cannot "
            "be fine-tuned; use a single network, e.g. EEGNetClassifier, or n_trials=[0]."
        )
    copy: Any = clone(model)
    copy.set_params(**{**fine_tuning, "pretrained": None})


def _check_trials(trials: Trials, sizes: Sequence[int], has_classes: bool) -> None:
    """Check the number of trials of each group, and the classes of the labelled ones."""
    for group in np.unique(trials.groups).tolist():
        y = trials.y[trials.groups == group]
        if len(y) <= sizes[-1]:
            raise ValueError(
                f"evaluate_transfer: group {group!r} has {len(y)} trials, but n_trials={sizes} "
                f"needs at least {sizes[-1] + 1}; lower n_trials."
            )
        for size in sizes if has_classes else []:
            if size > 0 and len(np.unique(y[:size])) < 2:
                raise ValueError(
                    f"evaluate_transfer: the first {size} trials of group {group!r} are all of "
                    "one class; raise n_trials, or leave this group out."
                )


def _table(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Return rows as a pandas table, or as a record array without pandas."""
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    dtype = [(name, column.dtype) for name, column in columns.items()]
    try:
        from pandas import DataFrame
    except ImportError:
        return np.rec.fromarrays(list(columns.values()), dtype=np.dtype(dtype))
    return DataFrame(columns)
