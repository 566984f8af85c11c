"""Scores that scikit-learn lacks."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from sklearn.metrics import make_scorer, mean_squared_error


def nrmse(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    multioutput: Literal["uniform_average", "raw_values"] = "uniform_average",
) -> Any:
    """Compute the root mean squared error over the standard deviation of the target.

    It is free of units: 0 for perfect predictions, 1 for those of the mean; its square is one minus
    the coefficient of determination.

    Parameters
    ----------
    y_true : array-like of shape (n_trials,) or (n_trials, n_outputs)
        The targets.
    y_pred : array-like of shape (n_trials,) or (n_trials, n_outputs)
        What was predicted.
    sample_weight : array-like of shape (n_trials,) or None, default=None
        How much each trial counts, in the error and in the standard deviation.
    multioutput : {"uniform_average", "raw_values"}, default="uniform_average"
        Whether to return the mean over targets or one value for each.

    Returns
    -------
    error : float or array of shape (n_outputs,)
        The normalised error.

    Raises
    ------
    ValueError
        If a target is constant, or ``multioutput`` is neither of the two.

    See Also
    --------
    nrmse_scorer : For ``cross_val_score(..., scoring=nrmse_scorer)``.
    nrmse_by_output : For ``cross_validate(..., scoring=nrmse_by_output)``.

    Examples
    --------
    >>> from eegsk.metrics import nrmse
    >>> nrmse([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 2.0])
    0.894...
    """
    if multioutput not in ("uniform_average", "raw_values"):
        raise ValueError(
            f"nrmse: multioutput={multioutput!r} should be 'uniform_average' or 'raw_values'."
        )
    squared = mean_squared_error(
        y_true, y_pred, sample_weight=sample_weight, multioutput="raw_values"
    )
    target = np.asarray(y_true, dtype=float)
    target = target.reshape(len(target), -1)
    weight = np.ones(len(target)) if sample_weight is None else np.asarray(sample_weight)
    constant = np.flatnonzero(np.ptp(target[weight > 0], axis=0) == 0)
    if len(constant):
        raise ValueError(
            f"nrmse: target {constant[0]} of y_true is constant, so that there is no standard "
            "deviation to divide by; score trials whose targets differ."
        )
    mean = np.average(target, axis=0, weights=weight)
    errors = np.sqrt(squared / np.average((target - mean) ** 2, axis=0, weights=weight))
    return errors if multioutput == "raw_values" else float(errors.mean())


#: A scorer of scikit-learn, for ``scoring=nrmse_scorer``. As of all its scorers, more is better:
#: scores are negative errors.
nrmse_scorer = make_scorer(nrmse, greater_is_better=False)


def nrmse_by_output(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
    """Score the predictions of each target by :func:`nrmse`, as a scorer of scikit-learn.

    Parameters
    ----------
    estimator : object
        A fitted regressor.
    X : array-like of shape (n_trials, n_chans, n_times) or mne.Epochs
        Trials.
    y : array-like of shape (n_trials,) or (n_trials, n_outputs)
        Their targets.
    sample_weight : array-like of shape (n_trials,) or None, default=None
        How much each trial counts.

    Returns
    -------
    scores : dict
        Negative errors, so that more is better: ``"neg_nrmse"``, the mean over targets, then
        ``"neg_nrmse_0"`` and so on, one for each.

    Raises
    ------
    ValueError
        If a target is constant.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.model_selection import cross_validate
    >>> from eegsk.metrics import nrmse_by_output
    >>> X = np.random.default_rng(0).standard_normal((30, 4))
    >>> found = cross_validate(LinearRegression(), X, X[:, :2] + 7, scoring=nrmse_by_output, cv=3)
    >>> [name for name in found if name.startswith("test")]
    ['test_neg_nrmse', 'test_neg_nrmse_0', 'test_neg_nrmse_1']
    """
    errors = nrmse(
        y, estimator.predict(X), sample_weight=sample_weight, multioutput="raw_values"
    ).tolist()
    of_each = {f"neg_nrmse_{output}": -error for output, error in enumerate(errors)}
    return {"neg_nrmse": -sum(errors) / len(errors), **of_each}
