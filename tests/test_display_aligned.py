"""Displays of networks of aligned trials show the channels before the alignment."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegsk import EEGNetClassifier, EEGNetRegressor
from eegsk.alignment import (
    AlignedEstimator,
    AlignedVotingClassifier,
    EuclideanAlignment,
    RiemannianAlignment,
)
from eegsk.display import (
    FilterDisplay,
    HistoryDisplay,
    ImportanceDisplay,
    PatternDisplay,
    SaliencyDisplay,
)
from eegsk.recordings import LazyTrials

from .networks import small
from .test_display_recovery import planted_pattern

mpl.use("Agg")

pytestmark = pytest.mark.usefixtures("no_figures")

# For each display, a function that creates it from an estimator and trials with labels.
DISPLAYS = {
    "filters": lambda estimator, X, y, **options: FilterDisplay.from_estimator(
        estimator, X, **options
    ),
    "patterns": lambda estimator, X, y, **options: PatternDisplay.from_estimator(
        estimator, X, **options
    ),
    "saliency": SaliencyDisplay.from_estimator,
}


def aligned(aligner, X, y, groups, **params):
    return AlignedEstimator(aligner, small(EEGNetClassifier, **params)).fit(X, y, groups=groups)


@pytest.fixture
def sessions(X):
    """Return the domains of trials whose channels are mixed differently in each."""
    groups = np.arange(len(X)) % 3
    mixing = np.random.default_rng(0).standard_normal((3, 3, 3)) + 2 * np.eye(3)
    return mixing[groups] @ X.astype(np.float64), groups


@pytest.mark.slow
@pytest.mark.parametrize(
    "aligner",
    [EuclideanAlignment(), RiemannianAlignment(online=True), EuclideanAlignment(band=(5, 30))],
    ids=repr,
)
@pytest.mark.parametrize("layer", [None, "network.trunk.front"])
def test_patterns_recover_the_sources_of_the_hands(aligner, layer, planted):
    epochs, y = planted
    network = EEGNetClassifier(
        n_filters=3, kernel=32, max_epochs=40, lr=0.02, batch_size=16, dropout=0.25, random_state=0
    )
    pipeline = make_pipeline(aligner, network).fit(epochs, y)
    display = PatternDisplay.from_estimator(pipeline, epochs, layer=layer)
    whitened = PatternDisplay.from_estimator(network, pipeline[0].transform(epochs), layer=layer)
    np.testing.assert_allclose(display.relevance, whitened.relevance, rtol=0.01, atol=1e-4)
    for index, channel in enumerate(["C3", "C4"]):
        expected = planted_pattern(channel, epochs.ch_names)
        source = display.relevance[:, index].argmax()
        correlation = np.corrcoef(display.patterns[source], expected)[0, 1]
        assert correlation > 0.98
        # Between whitened channels, patterns are the weights of the filters.
        assert correlation > np.corrcoef(whitened.patterns[source], expected)[0, 1] + 0.02
        assert 1e-6 < display.patterns[source].max() < 50e-6


@pytest.mark.parametrize("joint", [False, True])
def test_patterns_are_a_regression_of_the_recorded_channels(joint, sessions, y):
    """The patterns of a layer that only mixes channels, from its outputs."""
    X, groups = sessions
    estimator = aligned(EuclideanAlignment(), X, y, groups, kernel=1, standardize=None)
    display = PatternDisplay.from_estimator(estimator, X, groups=groups, joint=joint)
    network = estimator.estimator_
    front = network.module_.get_submodule("network.trunk.front")
    weights = front.spatial.weight.detach().double().numpy().reshape(-1, 2, X.shape[1])
    recorded = (X - X.mean((0, 2), keepdims=True)).transpose(1, 0, 2).reshape(X.shape[1], -1)
    centred = estimator.aligner_.transform(X - X.mean((0, 2), keepdims=True), groups=groups)
    expected = []
    for pair in weights:
        sources = (pair @ centred).transpose(1, 0, 2).reshape(2, -1)
        sources /= np.sqrt(np.mean(sources**2, axis=1, keepdims=True))
        fits = [sources] if joint else [sources[:1], sources[1:]]
        for regressors in fits:
            expected.extend(np.linalg.lstsq(regressors.T, recorded.T, rcond=None)[0])
    signs = np.sign(np.sum(display.patterns * expected, axis=1, keepdims=True))
    np.testing.assert_allclose(display.patterns, signs * expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("online", [False, True])
def test_gradient_is_that_of_the_recorded_channels(online, sessions, y):
    """A finite difference of the decision function, with the spatial filters held constant."""
    X, groups = sessions
    estimator = aligned(EuclideanAlignment(online=online), X, y, groups)
    display = SaliencyDisplay.from_estimator(estimator, X, y, groups=groups)
    contrast = estimator.estimator_.decision_function
    baseline = X.mean(axis=(0, 2))
    for channel, time in [(0, 5), (2, 30)]:
        step = np.zeros_like(X)
        step[:, channel, time] = 1e-3
        high, low = (
            contrast(estimator.aligner_.transform(trials, groups=groups))
            for trials in (X + step, X - step)
        )
        slope = (high - low) / 2e-3
        for index, sign in enumerate([-1, 1]):
            attributions = sign * slope * (X[:, channel, time] - baseline[channel])
            value = display.attributions[index, channel, time]
            assert value == pytest.approx(attributions[y == index].mean(), rel=0.02, abs=1e-5)


def test_integrated_gradients_sum_to_the_difference_of_outputs(sessions, y):
    pytest.importorskip("captum")
    X, groups = sessions
    estimator = aligned(EuclideanAlignment(), X, y, groups)
    options = {"method": "integrated_gradients", "n_steps": 200}
    display = SaliencyDisplay.from_estimator(estimator, X, y, groups=groups, **options)
    baseline = np.broadcast_to(X.mean(axis=(0, 2), keepdims=True), X.shape)
    network, aligner = estimator.estimator_, estimator.aligner_
    change = np.subtract(
        *(network.decision_function(aligner.transform(x, groups=groups)) for x in (X, baseline))
    )
    for index, sign in enumerate([-1, 1]):
        expected = sign * change[y == index].mean()
        assert display.attributions[index].sum() == pytest.approx(expected, rel=0.02, abs=0.01)


def test_attributions_of_an_ensemble_are_the_weighted_mean(sessions, y):
    X, groups = sessions
    labels = np.array(["left", "right"])[y]
    members = [
        (aligner, small(EEGNetClassifier, random_state=seed))
        for seed, aligner in enumerate([EuclideanAlignment(), RiemannianAlignment()])
    ]
    ensemble = AlignedVotingClassifier(
        [(f"{seed}", AlignedEstimator(*member)) for seed, member in enumerate(members)],
        weights=[3, 1],
    ).fit(X, labels, groups=groups)
    display = SaliencyDisplay.from_estimator(ensemble, X, labels, groups=groups)
    assert display.class_names == ["left", "right"]
    single = [
        SaliencyDisplay.from_estimator(member, X, y, groups=groups).attributions
        for member in ensemble.estimators_
    ]
    expected = 0.75 * single[0] + 0.25 * single[1]
    np.testing.assert_allclose(display.attributions, expected)


def test_members_that_an_ensemble_drops_have_no_weight(X, y):
    voting = VotingClassifier(
        [("first", small(EEGNetClassifier)), ("none", "drop"), ("last", small(EEGNetClassifier))],
        voting="soft",
        weights=[1, 5, 0],
    ).fit(X, y)
    display = SaliencyDisplay.from_estimator(voting, X, y)
    expected = SaliencyDisplay.from_estimator(voting.estimators_[0], X, y)
    np.testing.assert_allclose(display.attributions, expected.attributions)


@pytest.mark.parametrize("name", DISPLAYS)
def test_estimators_that_contain_an_aligner(name, epochs, y):
    """A pipeline, a search and an aligned estimator, with domains in the metadata or groups."""
    groups = np.arange(len(y)) // 8
    epochs.metadata = pd.DataFrame({"session": groups})
    network = small(EEGNetClassifier)
    pipeline = make_pipeline(EuclideanAlignment(by="session"), network).fit(epochs, y)
    grid = {"eegnetclassifier__lr": [network.lr]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(epochs, y)
    estimator = AlignedEstimator(EuclideanAlignment(), network).fit(epochs, y, groups=groups)
    displays = [
        DISPLAYS[name](pipeline, epochs, y),
        DISPLAYS[name](search, epochs, y),
        DISPLAYS[name](estimator, epochs, y, groups=groups),
    ]
    attribute = {"filters": "relevance", "patterns": "patterns", "saliency": "attributions"}[name]
    first, *others = (getattr(display, attribute) for display in displays)
    for values in others:
        np.testing.assert_allclose(values, first)


@pytest.mark.parametrize("name", DISPLAYS)
def test_groups_without_an_aligner_are_an_error(name, X, y):
    with pytest.raises(ValueError, match="groups are the domains of an aligner, but there is none"):
        DISPLAYS[name](small(EEGNetClassifier).fit(X, y), X, y, groups=y)


def test_sources_of_an_ensemble_are_those_of_its_networks(sessions, y):
    X, groups = sessions
    members = [(f"{seed}", small(EEGNetClassifier, random_state=seed)) for seed in range(2)]
    estimator = AlignedEstimator(EuclideanAlignment(), VotingClassifier(members))
    estimator.fit(X, np.array(["left", "right"])[y], groups=groups)
    display = PatternDisplay.from_estimator(estimator, X, groups=groups, sfreq=64)
    assert display.class_names == ["left", "right"]
    single = [
        PatternDisplay.from_estimator(
            make_pipeline(estimator.aligner_, network), X, groups=groups, sfreq=64
        )
        for network in estimator.estimator_.estimators_
    ]
    for name, weight in {"patterns": 1, "relevance": 0.5, "peak_freqs": 1}.items():
        expected = weight * np.concatenate([getattr(item, name) for item in single])
        np.testing.assert_array_equal(getattr(display, name), expected)


def test_networks_of_an_ensemble_share_the_aligned_trials(X, y, monkeypatch):
    members = [(f"{seed}", small(EEGNetClassifier, random_state=seed)) for seed in range(3)]
    estimator = AlignedEstimator(EuclideanAlignment(), VotingClassifier(members)).fit(X, y)
    align, calls = EuclideanAlignment._trials_and_filters, []

    def counted(aligner, *args):
        calls.append(args)
        return align(aligner, *args)

    monkeypatch.setattr(EuclideanAlignment, "_trials_and_filters", counted)
    PatternDisplay.from_estimator(estimator, X)
    assert len(calls) == 1


def test_filters_of_an_ensemble_are_an_error(X, y):
    members = [(f"{seed}", small(EEGNetClassifier)) for seed in range(2)]
    estimator = AlignedEstimator(EuclideanAlignment(), VotingClassifier(members)).fit(X, y)
    with pytest.raises(TypeError, match="VotingClassifier, an ensemble .* pass one of them"):
        FilterDisplay.from_estimator(estimator, X)
    network = estimator.estimator_.estimators_[0]
    assert FilterDisplay.from_estimator(make_pipeline(estimator.aligner_, network), X).figure_


def test_networks_without_weight_come_last(X, y):
    members = [(f"{seed}", small(EEGNetClassifier, random_state=seed)) for seed in range(2)]
    voting = VotingClassifier(members, voting="soft", weights=[0, 1]).fit(X, y)
    display = PatternDisplay.from_estimator(voting, X)
    n_sources = len(display.order) // 2
    assert set(display.order[:n_sources]) == set(range(n_sources, 2 * n_sources))
    single = PatternDisplay.from_estimator(voting.estimators_[1], X)
    np.testing.assert_array_equal(display.relevance[n_sources:], single.relevance)


def test_a_frozen_aligner_is_an_aligner(sessions, y):
    X, groups = sessions
    aligner = EuclideanAlignment().fit(X, groups=groups)
    pipeline = make_pipeline(FrozenEstimator(aligner), small(EEGNetClassifier)).fit(X, y)
    display = PatternDisplay.from_estimator(pipeline, X, groups=groups)
    thawed = make_pipeline(aligner, pipeline[-1])
    expected = PatternDisplay.from_estimator(thawed, X, groups=groups)
    np.testing.assert_array_equal(display.patterns, expected.patterns)


def test_channels_of_trials_in_files_are_known(X, y, tmp_path):
    """The aligner knows them, although the network receives an array."""
    np.save(tmp_path / "trials.npy", X)
    lazy = LazyTrials([tmp_path / "trials.npy"], sfreq=64.0, ch_names=["C3", "Cz", "C4"])
    estimator = AlignedEstimator(EuclideanAlignment(), small(EEGNetClassifier)).fit(lazy, y)
    display = PatternDisplay.from_estimator(estimator, lazy)
    assert list(display.ch_names) == ["C3", "Cz", "C4"]
    assert display.unit == "V"
    assert display.peak_freqs.max() <= 32


def test_the_sampling_rate_of_the_aligner_is_known(X, y):
    aligner = EuclideanAlignment(band=(8, 30), sfreq=64.0)
    estimator = AlignedEstimator(aligner, small(EEGNetClassifier)).fit(X, y)
    display = SaliencyDisplay.from_estimator(estimator, X, y, domain="frequency")
    assert display.places[-1] == 32


def test_predicted_labels_are_those_of_the_ensemble(X, y):
    network = small(EEGNetClassifier, max_epochs=20)
    members = [(f"{seed}", clone(network).set_params(random_state=seed)) for seed in range(3)]
    voting = VotingClassifier(members, voting="soft", weights=[1, 1, 2]).fit(X, y)
    labels = voting.predict(X)
    assert set(labels) == {0, 1}
    display = SaliencyDisplay.from_estimator(voting, X)
    expected = SaliencyDisplay.from_estimator(voting, X, labels)
    np.testing.assert_array_equal(display.attributions, expected.attributions)


def test_labels_of_other_classes_are_an_error(X, y):
    classifier = small(EEGNetClassifier).fit(X, np.array(["left", "right"])[y])
    with pytest.raises(ValueError, match="y has the label 0, but the classes .* 'left', 'right'"):
        SaliencyDisplay.from_estimator(classifier, X, y)


def test_aligned_channels_have_no_unit(epochs, y):
    steps = [EuclideanAlignment(), FunctionTransformer(), small(EEGNetClassifier)]
    pipeline = make_pipeline(*steps).fit(epochs, y)
    assert PatternDisplay.from_estimator(pipeline, epochs).unit is None
    assert PatternDisplay.from_estimator(make_pipeline(*steps[1:]), epochs).unit == "V"


def test_a_step_after_the_aligner_hides_the_recorded_channels(X, y):
    """The displays are then those of the trials that the network receives."""
    steps = [EuclideanAlignment(), FunctionTransformer(), small(EEGNetClassifier)]
    pipeline = make_pipeline(*steps).fit(X, y)
    display = PatternDisplay.from_estimator(pipeline, X)
    expected = PatternDisplay.from_estimator(pipeline[-1], pipeline[:-1].transform(X))
    np.testing.assert_allclose(display.patterns, expected.patterns)


def test_history_of_an_ensemble_is_the_mean_of_its_networks(X, y):
    members = [(f"{seed}", small(EEGNetClassifier, random_state=seed)) for seed in range(3)]
    estimator = AlignedEstimator(EuclideanAlignment(), VotingClassifier(members)).fit(X, y)
    display = HistoryDisplay.from_estimator(estimator)
    assert [len(histories) for histories in display.histories.values()] == [3]


def test_saliency_of_targets_of_aligned_trials(sessions):
    X, groups = sessions
    y = np.random.default_rng(0).standard_normal(len(X))
    estimator = AlignedEstimator(EuclideanAlignment(), small(EEGNetRegressor))
    display = SaliencyDisplay.from_estimator(estimator.fit(X, y, groups=groups), X, groups=groups)
    assert display.class_names == ["target"]
    assert display.unit == "unit of y"


@pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
def test_importance_passes_the_domains(scoring, sessions, y):
    """Channels are permuted within the domains, and then the trials are aligned."""
    X, groups = sessions
    estimator = aligned(EuclideanAlignment(), X, y, groups, max_epochs=20)
    options = {"n_repeats": 4, "random_state": 0}
    display = ImportanceDisplay.from_estimator(
        estimator, X, y, groups=groups, scoring=scoring, **options
    )

    def score(model, index, y):
        trials = X.copy()
        for channel, rows in enumerate(index.T):
            for domain in range(3):
                members = np.flatnonzero(groups == domain)
                trials[members, channel] = X[members[np.argsort(rows[members])], channel]
        proba = model.predict_proba(trials, groups=groups)
        if scoring is None:
            return np.mean(proba.argmax(1) == y)
        return np.log(proba[np.arange(len(y)), y]).mean()

    index = np.tile(np.arange(len(X))[:, None], 3)
    expected = permutation_importance(estimator, index, y, scoring=score, **options)
    np.testing.assert_allclose(display.importances, expected.importances, atol=1e-6)


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_importance_with_domains_in_the_metadata(n_jobs, epochs, y):
    groups = np.arange(len(y)) // 8
    epochs.metadata = pd.DataFrame({"session": groups})
    pipeline = make_pipeline(EuclideanAlignment(by="session"), small(EEGNetClassifier))
    options = {"n_repeats": 2, "random_state": 0, "scoring": "neg_log_loss"}
    display = ImportanceDisplay.from_estimator(
        pipeline.fit(epochs, y), epochs, y, n_jobs=n_jobs, **options
    )
    estimator = AlignedEstimator(EuclideanAlignment(), small(EEGNetClassifier))
    estimator.fit(epochs, y, groups=groups)
    expected = ImportanceDisplay.from_estimator(estimator, epochs, y, groups=groups, **options)
    np.testing.assert_allclose(display.importances, expected.importances, atol=1e-6)
    assert display.names == ["C3", "Cz", "C4"]


def log_variance(X):
    return np.log(X.var(axis=2))


def test_importance_does_not_exchange_channels_of_different_amplitudes(y):
    """Noise is not important, although the amplitudes of the domains differ a hundredfold."""
    rng = np.random.default_rng(0)
    y, groups = np.tile(y, 5), np.arange(5 * len(y)) // 12
    X = rng.standard_normal((len(y), 3, 48))
    X[:, 0] *= 1 + 4 * y[:, None]
    X *= 10.0 ** (groups % 3)[:, None, None]
    classifier = make_pipeline(FunctionTransformer(log_variance), LinearDiscriminantAnalysis())
    estimator = AlignedEstimator(EuclideanAlignment(), classifier).fit(X, y, groups=groups)
    assert estimator.score(X, y, groups=groups) > 0.95
    display = ImportanceDisplay.from_estimator(
        estimator, X, y, groups=groups, n_repeats=4, random_state=0
    )
    assert display.mean[0] > 0.3
    assert np.abs(display.mean[1:]).max() < 0.05


@pytest.mark.parametrize("kind", ["frozen", "search", "routed"])
def test_importance_of_estimators_that_contain_an_aligned_one(kind, sessions, y):
    X, groups = sessions
    estimator = aligned(EuclideanAlignment(), X, y, groups)
    options = {"groups": groups, "n_repeats": 2, "random_state": 0, "scoring": "neg_log_loss"}
    expected = ImportanceDisplay.from_estimator(estimator, X, y, **options).importances
    if kind == "frozen":
        wrapped = FrozenEstimator(estimator)
    elif kind == "search":
        grid = {"estimator__lr": [estimator.estimator.lr]}
        wrapped = GridSearchCV(estimator, grid, cv=GroupKFold(2)).fit(X, y, groups=groups)
        best = wrapped.best_estimator_  # fitted without groups, which a search does not pass on
        expected = ImportanceDisplay.from_estimator(best, X, y, **options).importances
    else:
        with sklearn.config_context(enable_metadata_routing=True):
            aligner = EuclideanAlignment().set_fit_request(groups=True)
            aligner.set_transform_request(groups=True)
            network = small(EEGNetClassifier).set_fit_request(groups=False)
            wrapped = make_pipeline(aligner, network).fit(X, y, groups=groups)
            display = ImportanceDisplay.from_estimator(wrapped, X, y, **options)
            np.testing.assert_allclose(display.importances, expected, atol=1e-6)
        return
    display = ImportanceDisplay.from_estimator(wrapped, X, y, **options)
    np.testing.assert_allclose(display.importances, expected, atol=1e-6)


def test_importance_with_groups_that_are_not_used_is_an_error(X, y):
    with pytest.raises(ValueError, match="groups are the domains of an aligner, in an AlignedEst"):
        ImportanceDisplay.from_estimator(small(EEGNetClassifier).fit(X, y), X, y, groups=y)
    estimator = aligned(EuclideanAlignment(), X, y, y)
    with pytest.raises(ValueError, match=r"groups has shape \(3,\); it should be \(24,\)"):
        ImportanceDisplay.from_estimator(estimator, X, y, groups=y[:3])
