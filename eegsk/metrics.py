"""Regression metrics that scikit-learn does not have."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import numpy as np
from sklearn.metrics import make_scorer, root_mean_squared_error


def nrmse(
    y_true: Any,
    y_pred: Any,
    *,
    sample_weight: Any = None,
    multioutput: Literal["uniform_average", "raw_values"] = "uniform_average",
) -> Any:
    """Compute the root mean squared error divided by the standard deviation of the target.

    The normalised error has no unit. It is 0 for perfect predictions and 1 if the mean of the
    target is predicted for every trial; ``nrmse ** 2`` is one minus the coefficient of
    determination.

    Parameters
    ----------
    y_true : array-like of shape (n_trials,) or (n_trials, n_outputs)
        Targets.
    y_pred : array-like of shape (n_trials,) or (n_trials, n_outputs)
        Predictions.
    sample_weight : array-like of shape (n_trials,) or None, default=None
        Weights of the trials, for the error and for the standard deviation.
    multioutput : {"uniform_average", "raw_values"}, default="uniform_average"
        Whether to return the mean over targets or one value for each target.

    Returns
    -------
    error : float or array of shape (n_outputs,)
        The normalised error.

    Raises
    ------
    ValueError
        If a target is constant, or ``multioutput`` is none of the choices.

    See Also
    --------
    nrmse_scorer : Scorer for ``cross_val_score(..., scoring=nrmse_scorer)``.
    nrmse_by_output : Scorer for each target, for ``cross_validate(..., scoring=nrmse_by_output)``.

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
    rmse = partial(root_mean_squared_error, sample_weight=sample_weight, multioutput="raw_values")
    rmse_of_predictions = rmse(y_true, y_pred)
    target = np.asarray(y_true, dtype=float)
    target = target.reshape(len(target), -1)
    _check_not_constant(target, sample_weight)
    mean = np.average(target, axis=0, weights=sample_weight)
    standard_deviation = rmse(target, np.broadcast_to(mean, target.shape))
    errors = np.divide(rmse_of_predictions, standard_deviation)
    return errors if multioutput == "raw_values" else float(errors.mean())


def _check_not_constant(target: np.ndarray, sample_weight: Any) -> None:
    # The range is exactly zero, whereas rounding can make the standard deviation positive, e.g. for
    # [0.1, 0.1, 0.1].
    weight = np.ones(len(target)) if sample_weight is None else np.asarray(sample_weight)
    constant = np.flatnonzero(np.ptp(target[weight > 0], axis=0) == 0)
    if len(constant):
        raise ValueError(
            f"nrmse: target {constant[0]} of y_true is constant, so its standard deviation is 0; "
            "use trials with different targets."
        )


#: Scorer of scikit-learn, for ``scoring=nrmse_scorer``. It returns the negative error, because a
#: larger score is better for all scorers of scikit-learn.
nrmse_scorer = make_scorer(nrmse, greater_is_better=False)


def nrmse_by_output(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> dict[str, float]:
    """Score the predictions of each target with :func:`nrmse`, as a scorer of scikit-learn.

    Parameters
    ----------
    estimator : object
        A fitted regressor.
    X : array-like of shape (n_trials, n_chans, n_times) or mne.Epochs
        Trials.
    y : array-like of shape (n_trials,) or (n_trials, n_outputs)
        Targets.
    sample_weight : array-like of shape (n_trials,) or None, default=None
        Weights of the trials.

    Returns
    -------
    scores : dict
        Negative errors, so that a larger score is better: ``"neg_nrmse"`` is the mean over targets,
        ``"neg_nrmse_0"`` the score of the first target, and so on.

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
    >>> scores = cross_validate(LinearRegression(), X, X[:, :2] + 7, scoring=nrmse_by_output, cv=3)
    >>> [name for name in scores if name.startswith("test")]
    ['test_neg_nrmse', 'test_neg_nrmse_0', 'test_neg_nrmse_1']
    """
    errors = nrmse(
        y, estimator.predict(X), sample_weight=sample_weight, multioutput="raw_values"
    ).tolist()
    by_output = {f"neg_nrmse_{output}": -error for output, error in enumerate(errors)}
    return {"neg_nrmse": -sum(errors) / len(errors), **by_output}
