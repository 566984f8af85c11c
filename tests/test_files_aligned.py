"""Files of aligners, of `AlignedEstimator`, and of pipelines: ``save`` and skops."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import eegsk
from eegsk import EEGClassifier, EEGNetClassifier, EEGNetRegressor, EEGRegressor
from eegsk.alignment import AlignedEstimator, EuclideanAlignment, RiemannianAlignment
from eegsk.recipes import cross_subject_motor_imagery, event_related_potential

from .networks import linear, small
from .test_files import assert_same
from .test_files_damaged import forge

GROUPS = {
    "none": lambda groups: None,
    "numbers": lambda groups: groups,
    "names": lambda groups: np.array([f"session {group}" for group in groups]),
    "tuples": lambda groups: [("subject", int(group)) for group in groups],
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.eegsk"


def tupled(values):
    """Return an array of objects, because numpy makes two dimensions of a list of tuples."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def make_aligned(estimator_class=EEGNetClassifier, aligner=None, **params):
    return AlignedEstimator(aligner or EuclideanAlignment(), small(estimator_class, **params))


def assert_same_aligner(loaded, aligner, X, groups=None):
    """Check that two fitted aligners are the same, to the last bit."""
    assert type(loaded) is type(aligner)
    assert vars(loaded).keys() == vars(aligner).keys()
    assert loaded.get_params() == aligner.get_params()
    assert (loaded.signal_, loaded.n_trials_) == (aligner.signal_, aligner.n_trials_)
    np.testing.assert_array_equal(loaded.reference_, aligner.reference_)
    assert [*loaded.references_] == [*aligner.references_]
    for name, matrix in aligner.references_.items():
        np.testing.assert_array_equal(loaded.references_[name], matrix)
    np.testing.assert_array_equal(loaded.transform(X), aligner.transform(X))
    if groups is not None:
        aligned = loaded.update(X, groups=groups).transform(X, groups=groups)
        expected = aligner.update(X, groups=groups).transform(X, groups=groups)
        np.testing.assert_array_equal(aligned, expected)


def assert_same_aligned(loaded, aligned, X, groups=None):
    """Check that two fitted estimators of aligned trials are the same, to the last bit."""
    assert vars(loaded).keys() == vars(aligned).keys()
    assert repr(loaded) == repr(aligned)
    np.testing.assert_array_equal(
        loaded.predict(X, groups=groups), aligned.predict(X, groups=groups)
    )
    assert_same(loaded.estimator_, aligned.estimator_, aligned.aligner_.transform(X))
    assert_same_aligner(loaded.aligner_, aligned.aligner_, X, groups)


# AlignedEstimator in a file of eegsk


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier, EEGNetRegressor, EEGRegressor])
@pytest.mark.parametrize(
    "aligner", [EuclideanAlignment(), RiemannianAlignment(online=True, diagonal=True, min_trials=5)]
)
def test_aligned_estimators_are_the_same(estimator_class, aligner, X, y, groups, path):
    aligned = make_aligned(estimator_class, aligner).fit(X, y, groups=groups)
    aligned.save(path)
    arguments = {"network": linear} if estimator_class is EEGRegressor else {}
    loaded = eegsk.load(path, **arguments)
    assert_same_aligned(loaded, aligned, X, groups)
    again = clone(loaded).fit(X, y, groups=groups)
    np.testing.assert_array_equal(again.predict(X), clone(aligned).fit(X, y, groups).predict(X))


@pytest.mark.parametrize("kind", GROUPS)
def test_domains_of_any_type(kind, X, y, groups, path):
    groups = GROUPS[kind](groups)
    groups = tupled(groups) if kind == "tuples" else groups
    aligned = make_aligned().fit(X, y, groups=groups)
    aligned.save(path)
    assert_same_aligned(eegsk.load(path), aligned, X, groups)


def test_aligned_epochs(epochs, path):
    aligned = make_aligned().fit(epochs)
    aligned.save(path)
    loaded = eegsk.load(path)
    assert loaded.classes_.tolist() == ["left", "right"]
    assert loaded.aligner_.signal_ == aligned.aligner_.signal_
    reordered = epochs.copy().reorder_channels(["C4", "C3", "Cz"])
    np.testing.assert_array_equal(loaded.predict_proba(reordered), aligned.predict_proba(epochs))


def test_parameters_that_were_changed_after_fit(X, y, path):
    aligned = make_aligned().fit(X, y)
    aligned.set_params(estimator__n_filters=7, aligner__online=True)
    aligned.save(path)
    loaded = eegsk.load(path)
    assert (loaded.estimator.n_filters, loaded.estimator_.n_filters) == (7, 2)
    assert (loaded.aligner.online, loaded.aligner_.online) == (True, False)


def test_an_aligned_estimator_that_is_not_fitted(path):
    with pytest.raises(NotFittedError):
        make_aligned().save(path)
    assert not path.exists()


def test_other_ensembles_are_refused(X, y, path):
    network = small(EEGNetClassifier)
    aligned = AlignedEstimator(EuclideanAlignment(), make_pipeline(network)).fit(X, y)
    message = (
        "^AlignedEstimator.save: estimator=Pipeline is not an estimator of eegsk; save it "
        "with skops.io.dump, whose files contain no code either, or with joblib.$"
    )
    with pytest.raises(TypeError, match=message):
        aligned.save(path)
    aligned = make_voting([network, make_pipeline(network)]).fit(X, y)
    with pytest.raises(TypeError, match="^AlignedEstimator.save: Pipeline is not an estimator of "):
        aligned.save(path)
    aligned = make_voting(
        [EEGClassifier(network=network, max_epochs=1) for network in (linear, other_linear)]
    )
    message = "^AlignedEstimator.save: estimator_ has the networks linear and other_linear, but"
    with pytest.raises(TypeError, match=message):
        aligned.fit(X, y).save(path)
    assert not path.exists()


def test_other_parts_of_an_aligned_estimator_are_refused(X, y, path):
    class Own(EuclideanAlignment):
        """An aligner whose code a file cannot contain."""

    with pytest.raises(TypeError, match="^AlignedEstimator.save: aligner=Own is not an alignment"):
        make_aligned(aligner=Own()).fit(X, y).save(path)
    aligned = make_aligned().fit(X, y).set_params(estimator=LogisticRegression())
    with pytest.raises(
        TypeError, match="^AlignedEstimator.save: LogisticRegression is not an estim"
    ):
        aligned.save(path)
    aligned = make_aligned(activation=lambda: None)
    with pytest.raises(TypeError, match="^AlignedEstimator.save: estimator.activation=<function"):
        make_aligned().fit(X, y).set_params(estimator=aligned.estimator).save(path)
    assert not path.exists()


def test_the_network_of_an_aligned_estimator_is_passed(X, y, path):
    make_aligned(EEGClassifier).fit(X, y).save(path)
    with pytest.raises(ValueError, match="it contains a EEGClassifier with the network 'linear'"):
        eegsk.load(path)
    make_aligned().fit(X, y).save(path)
    with pytest.raises(ValueError, match="contains a AlignedEstimator, which has its own network"):
        eegsk.load(path, network=linear)


def replace_domain(node):
    """Return a change of a description that replaces a value of its first domain."""

    def change(description):
        description["domains"][0][1] = node

    return change


FORGED = {
    "another class": (
        lambda description: description.update(aligner_={"instance": ["eegsk.callbacks.EMA", {}]}),
        "its aligner is a EMA",
    ),
    "another class among the parameters": (
        lambda description: description["params"].update(aligner=None),
        "its aligner is a NoneType",
    ),
    "a value out of range": (
        lambda description: description["aligner_"]["instance"][1].update(min_trials=0),
        "EuclideanAlignment: min_trials=0 should be an integer of at least 1",
    ),
    "weights instead of a covariance": (
        replace_domain({"tensor": "estimator_.module.standardize.mean"}),
        r"a covariance of shape \(3, 1\) should be finite, of shape \(3, 3\)",
    ),
    "another number of channels": (
        lambda description: description["signal"]["dict"].update(n_chans=4),
        r"a covariance of shape \(3, 3\) should be finite, of shape \(4, 4\)",
    ),
    "an aligned estimator inside": (
        lambda description: description.update(estimator_=dict(description)),
        "it contains a 'AlignedEstimator', which this version of eegsk lacks",
    ),
    "no domains": (lambda description: description.pop("domains"), "'domains'"),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_descriptions(name, X, y, groups, path, tmp_path):
    change, message = FORGED[name]
    model = tmp_path / "valid.eegsk"
    make_aligned().fit(X, y, groups=groups).save(model)
    forge(model, path, change)
    with pytest.raises(ValueError, match=f"^eegsk.load: .* cannot be loaded: {message}") as error:
        eegsk.load(path)
    assert "\n" not in str(error.value)


def test_covariances_that_are_not_finite(X, y, path):
    aligned = make_aligned().fit(X, y)
    aligned.aligner_.reference_ = np.full((3, 3), np.nan)
    aligned.save(path)
    with pytest.raises(ValueError, match=r"a covariance of shape \(3, 3\) should be finite"):
        eegsk.load(path)


@pytest.mark.parametrize("n_chans", [2, 3])
def test_aligner_and_network_of_different_trials(n_chans, X, y, path):
    aligned = make_aligned().fit(X[:, :n_chans], y)
    aligned.estimator_ = make_aligned().fit(X[:, : 5 - n_chans], y).estimator_
    aligned.save(path)
    message = f"its aligner has {n_chans} channels, but its network {5 - n_chans}"
    with pytest.raises(ValueError, match=message):
        eegsk.load(path)


# Ensembles


def other_linear(n_chans, n_times, n_outputs):
    return linear(n_chans, n_times, n_outputs)


def make_voting(networks, voting_class=VotingClassifier, **params):
    """Return an aligned voting ensemble."""
    members = [(f"seed{number}", network) for number, network in enumerate(networks)]
    return AlignedEstimator(EuclideanAlignment(), voting_class(members, **params))


@pytest.fixture
def voting(X, y, groups):
    networks = [small(EEGNetClassifier, random_state=seed) for seed in range(2)]
    return make_voting(networks, voting="soft", weights=[1, 2]).fit(X, y, groups=groups)


def test_voting_ensembles(voting, X, y, groups, path):
    voting.save(path)
    loaded = eegsk.load(path)
    assert_same_aligner(loaded.aligner_, voting.aligner_, X, groups)
    for method in ("predict", "predict_proba"):
        expected = getattr(voting, method)(X, groups=groups)
        np.testing.assert_array_equal(getattr(loaded, method)(X, groups=groups), expected)
    assert vars(loaded.estimator_).keys() == vars(voting.estimator_).keys()
    assert repr(loaded) == repr(voting)
    for item, expected in zip(
        loaded.estimator_.named_estimators_.values(), voting.estimator_.estimators_, strict=True
    ):
        assert_same(item, expected, voting.aligner_.transform(X))
    np.testing.assert_array_equal(
        clone(loaded).fit(X, y).predict_proba(X), clone(voting).fit(X, y).predict_proba(X)
    )


def test_voting_ensembles_of_regressors_and_of_other_networks(X, y, path):
    target = X[:, 0, 0]
    regressor = make_voting([small(EEGNetRegressor)], VotingRegressor).fit(X, target)
    regressor.save(path)
    np.testing.assert_array_equal(eegsk.load(path).predict(X), regressor.predict(X))
    names = np.array(["left", "right"])[y]
    networks = [EEGClassifier(network=linear, max_epochs=1), small(EEGNetClassifier)]
    classifier = make_voting(networks, voting="soft").fit(X, names)
    classifier.save(path)
    with pytest.raises(ValueError, match="it contains a EEGClassifier with the network 'linear'"):
        eegsk.load(path)
    loaded = eegsk.load(path, network=linear)
    np.testing.assert_array_equal(loaded.predict(X), classifier.predict(X))


@pytest.mark.parametrize("recipe", [cross_subject_motor_imagery, event_related_potential])
def test_recipes_with_several_seeds(recipe, X, y, path):
    estimator = recipe(sfreq=100, n_seeds=2, max_epochs=1, random_state=0).fit(X, y)
    estimator.save(path)
    np.testing.assert_array_equal(eegsk.load(path).predict_proba(X), estimator.predict_proba(X))


FORGED_ENSEMBLES = {
    "fewer networks": (lambda d: d["estimator_"]["fitted"].pop(), "of 2 networks has 1 trained"),
    "no networks": (lambda d: d["estimator_"].update(members=[]), "has the invalid names "),
    "equal names": (
        lambda d: [member.__setitem__(0, "a") for member in d["estimator_"]["members"]],
        r"its ensemble has the invalid names \['a', 'a'\]",
    ),
    "other weights": (
        lambda d: d["estimator_"]["params"].update(weights=[1]),
        "its ensemble of 2 networks has 1 weights",
    ),
    "another vote": (
        lambda d: d["estimator_"]["params"].update(voting="loud"),
        "The 'voting' parameter of VotingClassifier must be",
    ),
    "another class": (
        lambda d: d["estimator_"].update(estimator="BaggingClassifier"),
        "it contains a 'BaggingClassifier', which this version of eegsk lacks",
    ),
}


@pytest.mark.parametrize("name", FORGED_ENSEMBLES)
def test_forged_ensembles(name, voting, path, tmp_path):
    change, message = FORGED_ENSEMBLES[name]
    voting.save(tmp_path / "valid.eegsk")
    forge(tmp_path / "valid.eegsk", path, change)
    with pytest.raises(ValueError, match=f"^eegsk.load: .* cannot be loaded: .*{message}"):
        eegsk.load(path)


# skops, and pickle


@pytest.mark.parametrize("kind", GROUPS)
@pytest.mark.parametrize("aligner_class", [EuclideanAlignment, RiemannianAlignment])
def test_pickled_aligners(aligner_class, kind, X, groups):
    groups = GROUPS[kind](groups)
    groups = tupled(groups) if kind == "tuples" else groups
    aligner = aligner_class().fit(X, groups=groups)
    assert_same_aligner(pickle.loads(pickle.dumps(aligner)), aligner, X, groups)


# Types that a user trusts when a file of skops is loaded; docs/user_guide/saving.md lists them.
TRUSTED = {
    "eegsk.alignment.aligned_estimator.AlignedEstimator",
    "eegsk.alignment.aligned_voting.AlignedVotingClassifier",
    "eegsk.alignment.euclidean.EuclideanAlignment",
    "eegsk.alignment.riemannian.RiemannianAlignment",
    "eegsk.any_network.EEGClassifier",
    "eegsk.any_network.EEGRegressor",
    "eegsk.estimators.EEGNetClassifier",
    "eegsk.estimators.EEGNetRegressor",
    "eegsk.signals.Signal",
    "sklearn.utils._bunch.Bunch",  # of VotingClassifier
}


def through_skops(estimator):
    """Return the estimator of a file of skops, and the types to trust."""
    skops_io = pytest.importorskip("skops.io")
    data = skops_io.dumps(estimator)
    types = skops_io.get_untrusted_types(data=data)
    assert set(types) <= TRUSTED
    return skops_io.loads(data, trusted=types), types


@pytest.mark.parametrize("kind", GROUPS)
@pytest.mark.parametrize("aligner_class", [EuclideanAlignment, RiemannianAlignment])
def test_aligners_in_skops(aligner_class, kind, X, groups):
    groups = GROUPS[kind](groups)
    groups = tupled(groups) if kind == "tuples" else groups
    aligner = aligner_class(diagonal=True).fit(X, groups=groups)
    loaded, types = through_skops(aligner)
    assert len(types) == 2
    assert_same_aligner(loaded, aligner, X, groups)


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier, EEGNetRegressor])
def test_aligned_estimators_in_skops(estimator_class, X, y, groups):
    aligned = make_aligned(estimator_class).fit(X, y, groups=groups)
    loaded, types = through_skops(aligned)
    assert len(types) == 4
    assert_same_aligned(loaded, aligned, X, groups)


def test_an_aligned_ensemble_in_skops(X, y, groups):
    members = [(f"seed{seed}", small(EEGNetClassifier, random_state=seed)) for seed in range(2)]
    aligned = AlignedEstimator(EuclideanAlignment(), VotingClassifier(members, voting="soft"))
    aligned.fit(X, y, groups=groups)
    loaded, _ = through_skops(aligned)
    proba = aligned.predict_proba(X, groups=groups)
    np.testing.assert_array_equal(loaded.predict_proba(X, groups=groups), proba)


def test_an_ensemble_of_alignments_in_skops(X, y, groups):
    voting = cross_subject_motor_imagery(sfreq=100, n_seeds=1, max_epochs=1).fit(X, y, groups)
    loaded, _ = through_skops(voting)
    proba = voting.predict_proba(X, groups=groups)
    np.testing.assert_array_equal(loaded.predict_proba(X, groups=groups), proba)


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier, EEGNetRegressor])
def test_a_pipeline_with_an_aligner_in_skops(estimator_class, epochs, y):
    pipeline = make_pipeline(EuclideanAlignment(), small(estimator_class)).fit(epochs, y)
    loaded, types = through_skops(pipeline)
    assert "eegsk.signals.Signal" in types
    np.testing.assert_array_equal(loaded.predict(epochs), pipeline.predict(epochs))
    unfitted, _ = through_skops(clone(pipeline))
    assert repr(unfitted) == repr(clone(pipeline))


def test_a_custom_network_in_skops_is_a_type_to_trust(X, y):
    skops_io = pytest.importorskip("skops.io")
    data = skops_io.dumps(make_pipeline(FunctionTransformer(), small(EEGClassifier).fit(X, y)))
    assert skops_io.get_untrusted_types(data=data) == [
        "eegsk.any_network.EEGClassifier",
        "tests.networks.linear",
    ]
