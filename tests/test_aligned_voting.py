"""Ensembles of estimators that align trials differently."""

import pickle

import matplotlib.pyplot as plt
import mne
import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

import eegsk
from eegsk import EEGClassifier, EEGNetClassifier, Signal
from eegsk.alignment import (
    AlignedEstimator,
    AlignedVotingClassifier,
    EuclideanAlignment,
    RiemannianAlignment,
)
from eegsk.datasets import make_motor_imagery
from eegsk.display import SubjectDisplay
from eegsk.model_selection import evaluate_transfer
from eegsk.streaming import StreamingDecoder

from .networks import linear, small
from .test_files_damaged import forge

ALIGNERS = {
    "broad": EuclideanAlignment(diagonal=True),
    "rhythms": RiemannianAlignment(band=(8, 30), sfreq=128),
}


@pytest.fixture(scope="module")
def trials():
    X, y, subjects = make_motor_imagery(
        n_subjects=4, n_trials=24, n_chans=4, n_times=64, random_state=0
    )
    return X.astype(np.float32), y, subjects


def make_members(estimator=None):
    estimator = small(EEGNetClassifier) if estimator is None else estimator
    return [
        (name, AlignedEstimator(clone(aligner), estimator)) for name, aligner in ALIGNERS.items()
    ]


def make_voting(estimator=None, **params):
    return AlignedVotingClassifier(make_members(estimator), **params)


def split(trials):
    """Return the trials of subjects 1 to 3, and those of subject 4."""
    is_new = trials[2] == 4
    return [part[~is_new] for part in trials], [part[is_new] for part in trials]


@pytest.mark.parametrize("weights", [None, [1, 3]])
def test_mean_of_the_members(trials, weights):
    (X, y, subjects), (X_new, y_new, new) = split(trials)
    voting = make_voting(weights=weights).fit(X, y, groups=subjects)
    probabilities = [
        member.fit(X, y, groups=subjects).predict_proba(X_new, groups=new)
        for _, member in make_members()
    ]
    expected = np.average(probabilities, axis=0, weights=weights)
    assert_allclose(voting.predict_proba(X_new, groups=new), expected, rtol=1e-12)
    predicted = voting.predict(X_new, groups=new)
    assert_array_equal(predicted, np.unique(y)[expected.argmax(axis=1)])
    assert voting.score(X_new, y_new, groups=new) == np.mean(predicted == y_new)
    assert_array_equal(voting.transform(X_new, groups=new), np.hstack(probabilities))
    assert_array_equal(voting.classes_, np.unique(y))
    assert voting.n_features_in_ == 4


def test_score_with_weights(trials):
    X, y, subjects = trials
    voting = make_voting().fit(X, y, groups=subjects)
    is_correct = voting.predict(X, groups=subjects) == y
    weights = np.arange(len(y))
    expected = np.average(is_correct, weights=weights)
    assert voting.score(X, y, groups=subjects, sample_weight=weights) == pytest.approx(expected)


def test_sample_weights_reach_the_members(trials):
    X, y, subjects = trials
    weights = np.random.default_rng(0).uniform(size=len(y))
    weighted = make_voting().fit(X, y, groups=subjects, sample_weight=weights)
    for name, member in make_members():
        member.fit(X, y, groups=subjects, sample_weight=weights)
        assert_array_equal(
            weighted.named_estimators_[name].predict_proba(X), member.predict_proba(X)
        )


@pytest.mark.slow
def test_parallel_members_are_the_same(trials):
    X, y, subjects = trials
    expected = make_voting().fit(X, y, groups=subjects).predict_proba(X, groups=subjects)
    parallel = make_voting(n_jobs=2).fit(X, y, groups=subjects)
    assert_array_equal(parallel.predict_proba(X, groups=subjects), expected)


def test_clone_and_pickle(trials):
    X, y, subjects = trials
    voting = make_voting(weights=[2, 1]).fit(X, y, groups=subjects)
    loaded = pickle.loads(pickle.dumps(voting))
    assert_array_equal(loaded.predict_proba(X, subjects), voting.predict_proba(X, subjects))
    again = clone(voting)
    assert not hasattr(again, "estimators_")
    assert again.get_params(deep=False).keys() == {"estimators", "weights", "n_jobs"}
    with pytest.raises(NotFittedError):
        again.predict(X)


def test_fit_transform_uses_the_groups(trials):
    X, y, subjects = trials
    transformed = make_voting().fit_transform(X, y, groups=subjects)
    expected = make_voting().fit(X, y, groups=subjects).transform(X, groups=subjects)
    assert_array_equal(transformed, expected)


def test_domains_in_the_metadata(trials):
    X, y, subjects = trials
    epochs = mne.EpochsArray(X, mne.create_info(4, 128.0, "eeg"), verbose="error")
    epochs.metadata = pd.DataFrame({"subject": subjects})
    by = {"broad__aligner__by": "subject", "rhythms__aligner__by": "subject"}
    voting = make_voting().set_params(**by).fit(epochs, y)
    expected = make_voting().fit(epochs, y, groups=subjects).predict_proba(epochs, groups=subjects)
    assert_array_equal(voting.predict_proba(epochs), expected)
    evaluate_transfer(make_voting().set_params(**by), epochs, y, groups=subjects, n_trials=[0])


def test_pretrained_members_need_the_same_classes(trials):
    X, y, subjects = trials
    codes = np.arange(len(y)) % 3
    pretrained = make_voting().fit(X, codes, groups=subjects)
    members = [
        (name, AlignedEstimator(aligner, small(EEGNetClassifier, pretrained=FrozenEstimator(net))))
        for (name, aligner), net in zip(
            ALIGNERS.items(), [item.estimator_ for item in pretrained.estimators_], strict=True
        )
    ]
    tuned = AlignedVotingClassifier(members).fit(X, codes, groups=subjects)
    assert tuned.predict_proba(X).shape == (len(X), 3)
    with pytest.raises(ValueError, match="member 'broad' has 3 classes, but the labels have 2; if"):
        AlignedVotingClassifier(members).fit(X, y, groups=subjects)


def test_scores_of_subjects_are_those_with_groups(trials):
    X, y, subjects = trials
    voting = make_voting().fit(X, y, groups=subjects)
    display = SubjectDisplay.from_estimator(voting, X, y, groups=subjects, metric=accuracy_score)
    predicted = voting.predict(X, groups=subjects)
    expected = [np.mean((predicted == y)[subjects == subject]) for subject in np.unique(subjects)]
    [scores] = display.scores.values()
    assert_allclose(scores, expected)
    plt.close("all")


def test_labels_of_epochs(trials):
    X, y, subjects = trials
    events = np.column_stack([64 * np.arange(len(X)), np.zeros(len(X), int), y == "right_hand"])
    epochs = mne.EpochsArray(
        X,
        mne.create_info(["C3", "C1", "C2", "C4"], 128.0, "eeg"),
        events=events,
        event_id={"left_hand": 0, "right_hand": 1},
        verbose="error",
    )
    voting = make_voting().fit(epochs, groups=subjects)
    assert_allclose(
        voting.predict_proba(epochs, groups=subjects),
        make_voting().fit(X, y, groups=subjects).predict_proba(X, groups=subjects),
        rtol=1e-5,
    )
    assert voting.score(epochs, groups=subjects) == voting.score(epochs, y, groups=subjects)


def test_cross_validation_with_metadata_routing(trials):
    X, y, subjects = trials
    with sklearn.config_context(enable_metadata_routing=True):
        voting = make_voting().set_fit_request(groups=True).set_score_request(groups=True)
        scores = cross_val_score(
            voting, X, y, cv=GroupKFold(2), params={"groups": subjects}, error_score="raise"
        )
    expected = [
        make_voting()
        .fit(X[train], y[train], subjects[train])
        .score(X[test], y[test], subjects[test])
        for train, test in GroupKFold(2).split(X, y, subjects)
    ]
    assert_array_equal(scores, expected)


def test_grid_search_over_members(trials):
    X, y, _ = trials
    grid = {"rhythms__aligner__band": [(4, 30), (8, 30)], "broad__estimator__n_filters": [1, 2]}
    search = GridSearchCV(make_voting(), grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_.keys() == grid.keys()


def test_evaluate_transfer(trials):
    X, y, subjects = trials
    table = evaluate_transfer(make_voting(), X, y, groups=subjects, n_trials=[0])
    rows = table.to_dict("records") if hasattr(table, "to_dict") else table
    is_new = subjects == rows[0]["group"]
    expected = make_voting().fit(X[~is_new], y[~is_new], subjects[~is_new])
    assert rows[0]["score"] == expected.score(X[is_new], y[is_new], subjects[is_new])


def test_streaming(trials):
    X, y, subjects = trials
    voting = make_voting(weights=[1, 2]).fit(X, y, groups=subjects)
    recording = np.concatenate(X[:3], axis=1)
    signal = Signal(n_chans=4, n_times=64, sfreq=128.0)
    decoders = [
        StreamingDecoder(item, step=0.25, signal=signal, group=1, channels_first=True)
        for item in (voting, *voting.estimators_)
    ]
    (times, probabilities), *members = [
        map(np.array, zip(*decoder.push(recording), strict=True)) for decoder in decoders
    ]
    single = [np.array(values) for _, values in members]
    assert len(probabilities) == len(times) == 5
    assert_allclose(probabilities, np.average(single, axis=0, weights=[1, 2]), rtol=1e-12)
    assert_array_equal(decoders[0].classes_, voting.classes_)
    pipeline = make_pipeline(FunctionTransformer(), FrozenEstimator(voting))
    for item in (voting, pipeline):
        with pytest.raises(ValueError, match="aligns all trials of a session together"):
            StreamingDecoder(item, step=0.25, signal=signal)


def test_streaming_with_causal_alignment(trials):
    X, y, subjects = trials
    online = {"broad__aligner__online": True, "rhythms__aligner__online": True}
    voting = make_voting().set_params(**online).fit(X, y, groups=subjects)
    windows = X[:6]
    expected = voting.predict_proba(windows)
    signal = Signal(n_chans=4, n_times=64, sfreq=128.0)
    for item in (voting, make_pipeline(FunctionTransformer(), voting)):
        decoder = StreamingDecoder(
            item, step=0.5, signal=signal, channels_first=True, max_flat=None
        )
        probabilities = [proba for window in windows for _, proba in decoder.push(window)]
        assert_allclose(probabilities, expected, rtol=1e-6)


def test_streaming_after_a_search(trials):
    X, y, _ = trials
    epochs = mne.EpochsArray(X, mne.create_info(4, 128.0, "eeg"), verbose="error")
    voting = make_voting().set_params(broad__aligner__online=True, rhythms__aligner__online=True)
    search = GridSearchCV(voting, {"broad__estimator__lr": [1e-3]}, cv=2).fit(epochs, y)
    decoder = StreamingDecoder(search, step=0.25)
    assert decoder.signal_.sfreq == 128


ERRORS = {
    "another member": (
        {"estimators": [("net", small(EEGNetClassifier))]},
        TypeError,
        "^AlignedVotingClassifier: member 'net' is EEGNetClassifier.*; each member should be an Al",
    ),
    "a dropped member": (
        {"broad": "drop"},
        TypeError,
        "^AlignedVotingClassifier: member 'broad' is 'drop'; each member should be an AlignedEst",
    ),
    "no probabilities": (
        {"broad__estimator": LinearSVC()},
        TypeError,
        "^AlignedVotingClassifier: LinearSVC, the estimator of member 'broad', has no predict_pr",
    ),
    **{
        f"weights {weights}": (
            {"weights": weights},
            ValueError,
            r"^AlignedVotingClassifier: weights=.* should be 2 numbers of at least 0, one for each",
        )
        for weights in ([1, 2, 3], [0, 0], [-1, 3], [np.nan, 3], ["a", "b"], [[1, 2]])
    },
    "names": (
        {"estimators": [make_members()[0], make_members()[0]]},
        ValueError,
        "Names provided are not unique",
    ),
    "jobs": ({"n_jobs": "two"}, ValueError, "The 'n_jobs' parameter of AlignedVotingClassifier"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_bad_parameters(name, trials):
    params, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        make_voting().set_params(**params).fit(trials[0], trials[1])


def test_bad_labels(trials):
    with pytest.raises(ValueError, match="^AlignedVotingClassifier requires y to be passed, but "):
        make_voting().fit(trials[0])
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        make_voting().fit(trials[0], np.linspace(0, 1, len(trials[0])))


# Files


def test_file(trials, tmp_path):
    X, y, subjects = trials
    path = tmp_path / "model.eegsk"
    voting = make_voting(weights=[1, 2]).fit(X, y, groups=subjects)
    voting.save(path)
    loaded = eegsk.load(path)
    assert repr(loaded) == repr(voting)
    assert vars(loaded).keys() == vars(voting).keys()
    for method in ("predict", "predict_proba", "transform"):
        expected = getattr(voting, method)(X, groups=subjects)
        assert_array_equal(getattr(loaded, method)(X, groups=subjects), expected)
    again = clone(loaded).fit(X, y, groups=subjects)
    assert_array_equal(again.predict_proba(X), voting.predict_proba(X))
    with pytest.raises(
        ValueError, match=r"contains an AlignedVotingClassifier; .*\.estimators_\[0\]\.estimator_, "
    ):
        EEGNetClassifier(pretrained=path).fit(X, y)


@pytest.mark.parametrize("params", [{"weights": [1, 2, 3]}, {"estimators": make_members()[:1]}])
def test_a_changed_ensemble_is_not_saved(params, trials, tmp_path):
    voting = make_voting().fit(trials[0], trials[1]).set_params(**params)
    message = "^AlignedVotingClassifier: estimators or weights were changed after fit; fit again "
    with pytest.raises(ValueError, match=message):
        voting.save(tmp_path / "model.eegsk")
    assert not (tmp_path / "model.eegsk").exists()


def test_file_with_a_network_of_another_package(trials, tmp_path):
    X, y, _ = trials
    path = tmp_path / "model.eegsk"
    voting = make_voting(EEGClassifier(network=linear, max_epochs=1)).fit(X, y)
    voting.save(path)
    with pytest.raises(ValueError, match="with the network 'linear'"):
        eegsk.load(path)
    loaded = eegsk.load(path, network=linear)
    assert_array_equal(loaded.predict_proba(X), voting.predict_proba(X))


def test_other_members_cannot_be_saved(trials, tmp_path):
    voting = make_voting(Flat()).fit(trials[0], trials[1])
    message = "^AlignedVotingClassifier.save: estimator=Flat is not an estimator of eegsk; save it"
    with pytest.raises(TypeError, match=message):
        voting.save(tmp_path / "model.eegsk")
    with pytest.raises(NotFittedError):
        make_voting().save(tmp_path / "model.eegsk")


class Flat(LogisticRegression):
    """Logistic regression of flattened trials."""

    def fit(self, X, y):
        return super().fit(X.reshape(len(X), -1), y)


FORGED = {
    "fewer members": (lambda d: d["fitted"].pop(), "of 2 networks has 1 trained"),
    "no members": (lambda d: d.update(members=[]), "has the invalid names "),
    "other weights": (lambda d: d["params"].update(weights=[1]), "of 2 networks has 1 weights"),
    "another member": (
        lambda d: d["members"][0][1].update(aligner={"instance": ["eegsk.losses.FocalLoss", {}]}),
        "",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_files(name, trials, tmp_path):
    change, message = FORGED[name]
    make_voting().fit(trials[0], trials[1]).save(tmp_path / "valid.eegsk")
    forge(tmp_path / "valid.eegsk", tmp_path / "forged.eegsk", change)
    with pytest.raises(ValueError, match=f"^eegsk.load: .* cannot be loaded: .*{message}"):
        eegsk.load(tmp_path / "forged.eegsk")


def reasons(estimator):
    reason = "a call without groups is one domain, which is aligned by all of its trials"
    return {"check_methods_subset_invariance": reason}


@pytest.mark.slow
@parametrize_with_checks(
    [
        AlignedVotingClassifier(
            [
                ("all", AlignedEstimator(EuclideanAlignment(), LogisticRegression())),
                (
                    "scaled",
                    AlignedEstimator(EuclideanAlignment(diagonal=True), LogisticRegression()),
                ),
            ]
        )
    ],
    expected_failed_checks=reasons,
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)
