"""Evaluations of MOABB on its fake data set: every classifier is a pipeline."""

import pickle
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from eegsk import EEGNetClassifier
from eegsk.alignment import EuclideanAlignment
from eegsk.augmentation import ChannelReflection
from eegsk.base import EEGEstimator
from eegsk.callbacks import SAM

from .networks import ESTIMATORS, small

# Warnings of packages that MOABB uses, e.g. of functions that will be removed.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of packages that MOABB imports
    pytest.importorskip("moabb", reason="requires the extra moabb")
    import moabb
    from moabb.analysis.results import get_digest
    from moabb.datasets.fake import FakeDataset
    from moabb.evaluations import (
        CrossSessionEvaluation,
        CrossSubjectEvaluation,
        WithinSessionEvaluation,
    )
    from moabb.paradigms import LeftRightImagery

CLASSIFIERS = [item for item in ESTIMATORS if is_classifier(small(item))]
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def fake():
    """Return trials of two subjects with two sessions of 16 trials."""
    moabb.set_log_level("error")
    return FakeDataset(
        ["left_hand", "right_hand"], n_subjects=2, n_runs=1, n_events=16, duration=60, seed=0
    )


@pytest.fixture
def evaluate(fake, tmp_path):
    """Return a function that evaluates pipelines."""

    def evaluate(evaluation, pipelines, grid=None, **params):
        params = {"overwrite": True, "random_state": 0, "hdf5_path": str(tmp_path), **params}
        evaluation = evaluation(paradigm=LeftRightImagery(), datasets=[fake], **params)
        return evaluation.process(pipelines, param_grid=grid)

    return evaluate


@pytest.mark.parametrize("return_epochs", [False, True], ids=["arrays", "epochs"])
@pytest.mark.parametrize(
    ("evaluation", "n_scores", "params"),
    [
        (WithinSessionEvaluation, 4, {"n_splits": 2}),
        (CrossSessionEvaluation, 4, {}),
        (CrossSubjectEvaluation, 4, {}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_classifier_is_a_pipeline(evaluate, evaluation, n_scores, params, return_epochs):
    pipelines = {item.__name__: make_pipeline(small(item, max_epochs=1)) for item in CLASSIFIERS}
    results = evaluate(evaluation, pipelines, return_epochs=return_epochs, **params)
    assert results.groupby("pipeline").size().to_dict() == dict.fromkeys(pipelines, n_scores)
    assert results["score"].between(0, 1).all()


@pytest.mark.parametrize(("return_epochs", "n_jobs"), [(False, 1), (True, 1), (True, 2)], ids=str)
def test_scores_are_those_of_fit_and_predict(evaluate, fake, return_epochs, n_jobs):
    classifier = small(EEGNetClassifier)
    results = evaluate(
        CrossSessionEvaluation, {"a": classifier}, return_epochs=return_epochs, n_jobs=n_jobs
    )
    X, y, table = LeftRightImagery().get_data(fake, subjects=[2], return_epochs=return_epochs)
    is_test = (table["session"] == "1").to_numpy()
    fitted = clone(classifier).fit(X[~is_test], y[~is_test])
    proba = fitted.predict_proba(X[is_test])[:, 1]
    (score,) = results.query("subject == '2' and session == '1'")["score"]
    assert score == pytest.approx(roc_auc_score(y[is_test], proba), abs=1e-12)


def test_saved_models(evaluate, fake, tmp_path):
    pipeline = make_pipeline(small(EEGNetClassifier))
    evaluate(CrossSubjectEvaluation, {"a": pipeline}, save_model=True)
    X, y, _ = LeftRightImagery().get_data(fake, subjects=[2])
    model = pickle.loads(next(tmp_path.rglob("1/a/fitted_model_0.pkl")).read_bytes())
    expected = clone(pipeline).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(model.predict_proba(X), expected)


def test_parameter_grid(evaluate, fake, tmp_path, monkeypatch):
    pipelines = {"a": make_pipeline(small(EEGNetClassifier))}
    grid = {"a": {"eegnetclassifier__activation": ["elu", "relu"]}}
    evaluate(CrossSessionEvaluation, pipelines, grid, save_model=True)
    # MOABB 1.7 adds this method to each search, without which the file cannot be read.
    monkeypatch.setattr(GridSearchCV, "_sklearn_is_fitted_true", lambda self: True, raising=False)
    search = pickle.loads(next(tmp_path.rglob("fitted_model_0.pkl")).read_bytes())
    assert set(search.best_params_) == {"eegnetclassifier__activation"}
    X, _, _ = LeftRightImagery().get_data(fake, subjects=[1])
    assert search.predict_proba(X).shape == (len(X), 2)


def test_names_of_channels_and_sessions(evaluate):
    classifier = small(EEGNetClassifier)
    pipelines = {
        "aligned": make_pipeline(EuclideanAlignment(by="session"), classifier),
        "reflected": clone(classifier).set_params(augmentation=[ChannelReflection("both")]),
        "plain": classifier,
    }
    results = evaluate(CrossSubjectEvaluation, pipelines, return_epochs=True, mne_labels=True)
    scores = results.pivot(index=["subject", "session"], columns="pipeline", values="score")
    assert not np.allclose(scores["aligned"], scores["plain"])
    assert not np.allclose(scores["reflected"], scores["plain"])


def test_repeated_runs_compute_only_changed_pipelines(evaluate, monkeypatch):
    """MOABB identifies a pipeline by its parameters, also those of callbacks."""
    first, same, other = (
        make_pipeline(small(EEGNetClassifier, callbacks=[SAM(rho=rho)])) for rho in (0.1, 0.1, 0.2)
    )
    assert get_digest(first) == get_digest(same) != get_digest(other)
    scores = evaluate(CrossSessionEvaluation, {"a": first})["score"]
    monkeypatch.delattr(EEGEstimator, "_fit")
    again = evaluate(CrossSessionEvaluation, {"a": same}, overwrite=False)["score"]
    np.testing.assert_array_equal(again, scores)


def test_benchmark_on_the_fake_data_set(monkeypatch, tmp_path, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setitem(sys.modules, "braindecode", None)
    monkeypatch.chdir(tmp_path)
    import moabb_motor_imagery

    options = ["--fake", "--max-epochs", "1", "--results", str(tmp_path)]
    moabb_motor_imagery.main([*options, "--networks", "EEGNet", "ShallowConvNet"])
    printed = capsys.readouterr().out
    for name in ("EEGNet (eegsk)", "ShallowConvNet (eegsk)", "tangent space, logistic regression"):
        assert f"| {name} |" in printed
    assert "braindecode cannot be imported" in printed
