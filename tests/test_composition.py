"""Estimators inside scikit-learn: model selection, meta-estimators, pipelines, copies, routing."""

import copy
import functools
import pickle
import subprocess
import sys

import joblib
import mne
import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    permutation_test_score,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from eegsk import EEGClassifier, EEGNetClassifier, EEGNetRegressor, EEGRegressor
from eegsk.callbacks import EarlyStopping

from .networks import ESTIMATORS, small

BY_GROUP = GroupKFold(3)


@pytest.fixture
def classifier():
    return small(EEGNetClassifier)


# Model selection


def selected(search):
    return lambda estimator, X, y, groups, n_jobs: (
        search(estimator, {"activation": ["relu", "tanh"]}, cv=BY_GROUP, n_jobs=n_jobs)
        .fit(X, y, groups=groups)
        .cv_results_["mean_test_score"]
    )


def scored(function, **params):
    return lambda estimator, X, y, groups, n_jobs: function(
        estimator, X, y, groups=groups, cv=BY_GROUP, n_jobs=n_jobs, **params
    )


SELECTIONS = {
    "cross_val_score": scored(cross_val_score, scoring="neg_log_loss"),
    "cross_val_predict": scored(cross_val_predict),
    "cross_val_predict_proba": scored(cross_val_predict, method="predict_proba"),
    "learning_curve": scored(learning_curve, train_sizes=[0.7, 1.0]),
    "permutation_test_score": scored(permutation_test_score, n_permutations=3, random_state=0),
    "grid_search": selected(GridSearchCV),
    "halving_by_trials": selected(
        functools.partial(HalvingGridSearchCV, min_resources=9, factor=2, random_state=0)
    ),
    "halving_by_epochs": selected(
        functools.partial(HalvingGridSearchCV, resource="max_epochs", max_resources=2, factor=2)
    ),
}


def flattened(results):
    results = results if isinstance(results, tuple) else (results,)
    return np.concatenate([np.ravel(result) for result in results])


@pytest.mark.parametrize("select", SELECTIONS.values(), ids=SELECTIONS)
def test_model_selection_on_epochs(classifier, any_epochs, select):
    """The results are those on arrays, whatever the Epochs are read from and in any process."""
    y = np.where(any_epochs.events[:, 2] == any_epochs.event_id["left"], "left", "right")
    groups = np.arange(len(y)) // 4
    expected = flattened(select(classifier, any_epochs.get_data(), y, groups, 1))
    for n_jobs in (1, 2):
        found = flattened(select(classifier, any_epochs, y, groups, n_jobs))
        np.testing.assert_array_equal(found, expected)


def test_epochs_tell_their_labels_in_model_selection(classifier, epochs):
    names = np.where(epochs.events[:, 2] == 1, "left", "right")
    expected = cross_val_score(classifier, epochs, names, cv=KFold(3))
    np.testing.assert_array_equal(cross_val_score(classifier, epochs, cv=3), expected)
    search = GridSearchCV(classifier, {"dropout": [0.5]}, cv=KFold(3)).fit(epochs)
    assert search.best_score_ == expected.mean()


ACTIVATIONS = ["elu", nn.ReLU, functools.partial(nn.LeakyReLU, 0.3)]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("estimator_class", [EEGNetClassifier, EEGNetRegressor])
def test_search_over_activations(X, y, estimator_class, n_jobs):
    grid = {"activation": ACTIVATIONS, "dropout": [0.0, 0.5]}
    search = GridSearchCV(small(estimator_class), grid, cv=3, n_jobs=n_jobs).fit(X, y)
    made = small(estimator_class, **search.best_params_).fit(X, y)
    np.testing.assert_array_equal(search.predict(X), made.predict(X))
    assert search.cv_results_["mean_test_score"].shape == (6,)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(
    ("name", "callbacks"),
    [
        ("earlystopping", [EarlyStopping()]),
        ("stop", [("stop", EarlyStopping()), ("none", None)]),
        ("earlystopping-2", [EarlyStopping(patience=9), EarlyStopping()]),
    ],
)
def test_search_over_parameters_of_a_callback(classifier, X, y, name, callbacks, n_jobs):
    # Nothing improves that much, so that the patience alone tells when training stops.
    fields = {"valid_split": 0.25, "max_epochs": 8, "callbacks": callbacks}
    classifier.set_params(**fields, **{f"callbacks__{name}__threshold": 0.9})
    before = classifier.get_params()
    grid = {f"callbacks__{name}__patience": [2, 4]}
    scoring = {"n": lambda fitted, X, y: fitted.n_iter_}
    search = GridSearchCV(classifier, grid, cv=2, n_jobs=n_jobs, scoring=scoring, refit=False)
    search.fit(X, y)
    assert search.cv_results_["mean_test_n"].tolist() == [3, 5]
    assert all(value is before[key] for key, value in classifier.get_params().items())


def test_search_over_a_whole_callback(classifier, X, y):
    classifier.set_params(valid_split=0.25, max_epochs=8, callbacks=[EarlyStopping(patience=2)])
    grid = {"callbacks__earlystopping": [None, EarlyStopping(patience=1, threshold=0.9)]}
    scoring = {"n": lambda fitted, X, y: fitted.n_iter_}
    search = GridSearchCV(classifier, grid, cv=2, scoring=scoring, refit=False).fit(X, y)
    assert search.cv_results_["mean_test_n"].tolist() == [8, 2]


def hidden(n_chans, n_times, n_outputs, n_hidden=4):
    layers = nn.Linear(n_chans * n_times, n_hidden), nn.Tanh(), nn.Linear(n_hidden, n_outputs)
    return nn.Sequential(nn.Flatten(), *layers)


@pytest.mark.parametrize("estimator_class", [EEGClassifier, EEGRegressor])
def test_search_inside_dictionaries(X, y, estimator_class):
    estimator = estimator_class(
        network=hidden,
        network_params={"n_hidden": 3},
        optimizer="sgd",
        net_params={"optimizer__momentum": 0.5},
        max_epochs=2,
        random_state=0,
    )
    grid = {"network_params__n_hidden": [2, 5], "net_params__optimizer__momentum": [0.0, 0.9]}
    search = GridSearchCV(estimator, grid, cv=2, refit=True).fit(X, y)
    best = search.best_estimator_
    assert best.module_.network[1].out_features == search.best_params_["network_params__n_hidden"]
    momentum = search.best_params_["net_params__optimizer__momentum"]
    assert best.net_.optimizer_.param_groups[0]["momentum"] == momentum
    assert estimator.network_params == {"n_hidden": 3}
    assert estimator.net_params == {"optimizer__momentum": 0.5}


# Meta-estimators


META = {
    "calibrated": lambda e: CalibratedClassifierCV(e, cv=3, n_jobs=2),
    "voting": lambda e: VotingClassifier([("a", e), ("b", clone(e))], voting="soft", n_jobs=2),
    "stacking": lambda e: StackingClassifier([("a", e)], LogisticRegression(), cv=3, n_jobs=2),
    "one versus rest": lambda e: OneVsRestClassifier(e, n_jobs=2),
    "pipeline": lambda e: make_pipeline(FunctionTransformer(), e),
    "grid search": lambda e: GridSearchCV(e, {"dropout": [0.1, 0.2]}, cv=3, n_jobs=2),
}


@pytest.mark.parametrize("wrap", META.values(), ids=META)
@pytest.mark.parametrize("hold", [lambda epochs: epochs.get_data(), copy.copy], ids=["X", "epochs"])
def test_meta_classifiers(classifier, saved, wrap, hold):
    y = np.array(["feet", "left", "right"])[np.arange(24) % 3]
    estimator = wrap(classifier).fit(hold(saved), y)
    proba = estimator.predict_proba(hold(saved))
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert estimator.classes_.tolist() == np.unique(y).tolist()
    assert len(np.unique(proba[:, 0])) > 2
    np.testing.assert_array_equal(
        proba, wrap(classifier).fit(saved.get_data(), y).predict_proba(saved.get_data())
    )


def test_one_electrode_in_bags(classifier, X, y):
    bags = BaggingClassifier(classifier, n_estimators=4, n_jobs=2, random_state=0)
    assert np.ptp(bags.fit(X[:, 0], y).predict_proba(X[:, 0])) > 0
    drawn = bags.estimators_samples_[0]
    one = clone(bags.estimators_[0]).fit(X[drawn, 0], y[drawn])
    np.testing.assert_array_equal(one.predict(X[:, 0]), bags.estimators_[0].predict(X[:, 0]))


def test_boosting_weighs_the_trials_of_arrays(classifier, X, y):
    classifier.set_params(max_epochs=8, lr=0.01)
    boosted = AdaBoostClassifier(classifier, n_estimators=3, random_state=0).fit(X, y)
    first, second = boosted.estimators_[:2]
    unweighted = clone(second).fit(X, y)
    assert not np.array_equal(second.predict_proba(X), unweighted.predict_proba(X))
    np.testing.assert_array_equal(
        first.predict_proba(X), clone(first).fit(X, y, np.full(24, 3.0)).predict_proba(X)
    )


@pytest.mark.parametrize("hold", [lambda epochs: epochs.get_data(), copy.copy], ids=["X", "epochs"])
def test_meta_regressors(saved, hold):
    regressor = small(EEGNetRegressor)
    one = saved.get_data().std(axis=(1, 2))
    both = np.column_stack([one, -one])
    X = hold(saved)
    several = MultiOutputRegressor(regressor, n_jobs=2).fit(X, both)
    np.testing.assert_array_equal(several.predict(X)[:, 0], clone(regressor).fit(X, one).predict(X))
    assert clone(regressor).fit(X, both).predict(X).shape == (24, 2)
    logarithm = TransformedTargetRegressor(regressor, func=np.log, inverse_func=np.exp)
    np.testing.assert_allclose(
        logarithm.fit(X, one).predict(X), np.exp(clone(regressor).fit(X, np.log(one)).predict(X))
    )


# Pipelines


@pytest.mark.parametrize("scalings", ["mean", "median", None])
def test_pipeline_with_scaler_of_mne(classifier, epochs, y, scalings):
    X = epochs.get_data()
    pipeline = make_pipeline(mne.decoding.Scaler(epochs.info, scalings=scalings), classifier)
    proba = pipeline.fit(X, y).predict_proba(X)
    np.testing.assert_allclose(proba, clone(classifier).fit(X, y).predict_proba(X), atol=1e-4)
    search = GridSearchCV(pipeline, {"eegnetclassifier__activation": ["elu", "relu"]}, cv=2)
    assert search.fit(X, y).cv_results_["mean_test_score"].shape == (2,)


def test_pipeline_with_vectorizer_of_mne(X, y):
    pipeline = make_pipeline(mne.decoding.Vectorizer(), small(EEGNetClassifier)).fit(X, y)
    assert pipeline[-1].signal_.n_times == X[0].size
    classical = make_pipeline(mne.decoding.Vectorizer(), LogisticRegression())
    voting = VotingClassifier([("deep", small(EEGNetClassifier)), ("plain", classical)])
    assert set(voting.fit(X, y).predict(X)) <= {0, 1}


def difference(X):
    return np.diff(X, axis=2)


def test_pipeline_with_function_on_trials(classifier, X, y):
    pipeline = make_pipeline(FunctionTransformer(difference), classifier).fit(X, y)
    expected = clone(classifier).fit(difference(X), y).predict_proba(difference(X))
    np.testing.assert_array_equal(pipeline.predict_proba(X), expected)


# Copies and parameters


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_copies_predict_identically(estimator_class, epochs, y, tmp_path):
    fields = {"callbacks": [EarlyStopping(patience=1)], "valid_split": 0.25}
    fitted = small(estimator_class, **fields).fit(epochs, y)
    joblib.dump(fitted, tmp_path / "fitted.joblib")
    copies = [pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)]
    copies += [joblib.load(tmp_path / "fitted.joblib"), clone(fitted).fit(epochs, y)]
    for made in copies:
        np.testing.assert_array_equal(made.predict(epochs), fitted.predict(epochs))
        assert made.signal_ == fitted.signal_
        assert len(made.history_) == len(fitted.history_)
    for made in [fitted, *copies]:
        made.partial_fit(epochs, y)
        np.testing.assert_array_equal(made.predict(epochs), fitted.predict(epochs))


def test_unpickled_in_a_fresh_process(classifier, X, y, tmp_path):
    classifier.set_params(activation=nn.SiLU, callbacks=[EarlyStopping()], valid_split=0.25)
    joblib.dump((classifier.fit(X, y), X), tmp_path / "fitted")
    code = (
        "import sys, joblib, numpy; estimator, X = joblib.load(sys.argv[1]); "
        "numpy.save(sys.argv[2], estimator.predict_proba(X))"
    )
    arguments = [tmp_path / "fitted", tmp_path / "proba.npy"]
    subprocess.run([sys.executable, "-W", "error", "-c", code, *arguments], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "proba.npy"), classifier.predict_proba(X))


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_set_params_after_fit(estimator_class, X, y):
    fitted = small(estimator_class).fit(X, y)
    before = fitted.predict(X)
    fields = {"max_epochs": 3, "lr": 0.1, "callbacks": [EarlyStopping()], "valid_split": 0.25}
    fitted.set_params(**fields, callbacks__earlystopping__patience=7)
    np.testing.assert_array_equal(fitted.predict(X), before)
    again = fitted.fit(X, y)
    np.testing.assert_array_equal(
        again.predict(X), small(estimator_class, **fields).fit(X, y).predict(X)
    )
    assert again.n_iter_ == 3
    assert again.callbacks[0].patience == 7


def test_set_params_leaves_what_is_shared_alone():
    shared = {"n_hidden": 3}
    one, other = (EEGClassifier(network=hidden, network_params=shared) for _ in range(2))
    one.set_params(network_params__n_hidden=5, net_params__train_split=None)
    assert one.network_params == {"n_hidden": 5}
    assert one.net_params == {"train_split": None}
    assert other.network_params is shared
    assert shared == {"n_hidden": 3}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dropot", "Invalid parameter 'dropot' for estimator EEGNetClassifier"),
        ("kernel__size", "Invalid parameter 'kernel__size' for EEGNetClassifier: kernel has no"),
        (
            "callbacks__stop",
            r"No callback has the name 'stop'; the names are \['earlystopping', 'a'\]",
        ),
        (
            "callbacks__earlystopping__patients",
            "Invalid parameter 'patients' for estimator EarlyStopping",
        ),
        ("callbacks__a__patience", "Callback 'a' is <class .*, which has no parameter 'patience'"),
    ],
)
def test_unknown_parameters(name, message):
    callbacks = [EarlyStopping(), ("a", EarlyStopping)]
    with pytest.raises(ValueError, match=message):
        small(EEGNetClassifier, callbacks=callbacks).set_params(**{name: 3})


@pytest.mark.parametrize(
    "callbacks",
    [
        [("a", EarlyStopping()), ("a", EarlyStopping)],
        [EarlyStopping(), ("earlystopping", EarlyStopping())],
        [EarlyStopping(), EarlyStopping(), ("earlystopping-2", EarlyStopping())],
    ],
)
def test_names_of_callbacks_are_unique(callbacks, X, y):
    estimator = clone(small(EEGNetClassifier, callbacks=callbacks, valid_split=0.25))
    assert estimator.get_params()
    name = callbacks[-1][0]
    message = f"^EEGNetClassifier: several callbacks have the name '{name}'; use unique names"
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y)


def test_notebooks_show_the_documentation_of_parameters():
    for estimator_class in ESTIMATORS:
        estimator = small(estimator_class, callbacks=[EarlyStopping(patience=3)])
        html = make_pipeline(FunctionTransformer(), estimator)._repr_html_()
        assert "is CUDA if available, else Apple" in html
        assert "callbacks__earlystopping__patience" in html
        assert html.count("param-doc-description") >= len(estimator.get_params(deep=False))
    assert "https://doi.org/10.1088/1741-2552/aace8c" in EEGNetClassifier()._repr_html_()


# Going on


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_partial_fit_in_a_loop(estimator_class, X, y):
    X, estimator = X + y[:, None, None], small(estimator_class, lr=0.01)
    classes = {"classes": [0, 1]} if is_classifier(estimator) else {}
    losses = []
    for _ in range(12):
        for part in (slice(0, 12), slice(12, 24)):
            estimator.partial_fit(X[part], y[part], **classes)
        losses.append(estimator.history_[-2:, "train_loss"])
    assert estimator.n_iter_ == 24
    assert np.mean(losses[-3:]) < np.mean(losses[:3])


def test_partial_fit_of_a_class_at_a_time(classifier, X):
    names = ["left", "rest", "right"]
    for name in names:
        classifier.partial_fit(X, [name] * 24, classes=names)
    assert classifier.classes_.tolist() == names
    assert classifier.predict_proba(X).shape == (24, 3)
    with pytest.raises(ValueError, match=r"y has labels that are not in classes: \['feet'\]"):
        classifier.partial_fit(X, ["feet"] * 24)


def test_numbers_are_not_their_names(classifier, X):
    X, labels = np.concatenate([X, X]), np.arange(48) % 20
    classifier.partial_fit(X, labels, classes=range(20))
    with pytest.raises(ValueError, match=r"y has labels that are not in classes: \['0', '1', "):
        classifier.partial_fit(X, labels.astype(str))


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_warm_start_goes_on(estimator_class, X, y):
    X = X + y[:, None, None]
    fields = {"max_epochs": 8, "lr": 0.01}
    once = small(estimator_class, **fields).fit(X, y)
    on = small(estimator_class, warm_start=True, **fields).fit(X, y)
    np.testing.assert_array_equal(on.predict(X), once.predict(X))
    first_loss = on.history_[:3, "train_loss"]
    assert np.mean(on.fit(X, y).history_[:3, "train_loss"]) < np.mean(first_loss)
    again = once.fit(X, y)
    assert np.mean(again.history_[:3, "train_loss"]) == np.mean(first_loss)
