"""Alignment of sessions and subjects."""

import importlib
import inspect
import os
import pickle
import re
import warnings
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.signal import butter, sosfiltfilt
from scipy.stats import gmean
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from eegsk import EEGNetClassifier
from eegsk.alignment import EuclideanAlignment, RiemannianAlignment

from .networks import small

ALIGNERS = [EuclideanAlignment, RiemannianAlignment]
N_TRIALS, N_CHANS, N_TIMES = 60, 4, 64
SESSIONS = np.repeat(["s1", "s2", "s3"], 20)

both = pytest.mark.parametrize("aligner_class", ALIGNERS)


@pytest.fixture
def X():  # noqa: N802
    """Return trials of three sessions with different mixing matrices, in volts."""
    rng = np.random.default_rng(0)
    mixing = np.repeat(rng.standard_normal((3, N_CHANS, N_CHANS)), 20, axis=0)
    amplitude = rng.uniform(0.5, 2, (N_TRIALS, N_CHANS, 1))
    return 1e-5 * mixing @ (amplitude * rng.standard_normal((N_TRIALS, N_CHANS, N_TIMES)))


@pytest.fixture
def y():
    return np.arange(N_TRIALS) % 2


@pytest.fixture
def epochs(X, y):
    return to_epochs(X, y, pd.DataFrame({"session": SESSIONS, "subject": np.arange(60) // 30}))


def to_epochs(X, y, metadata=None):
    """Return trials as Epochs of the channels C1, C2, ... at 100 Hz."""
    info = mne.create_info([f"C{number}" for number in range(1, X.shape[1] + 1)], 100.0, "eeg")
    events = np.column_stack([N_TIMES * np.arange(len(X)), np.zeros(len(X), int), y + 1])
    return mne.EpochsArray(
        X,
        info,
        events,
        tmin=-0.2,
        event_id={"left": 1, "right": 2},
        metadata=metadata,
        verbose="error",
    )


def covariances_of(X):
    return np.stack([np.cov(trial, bias=True) for trial in np.asarray(X, dtype=np.float64)])


def power_of(matrix, exponent):
    values, vectors = np.linalg.eigh(matrix)
    return vectors * values**exponent @ vectors.T


def log_of(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.log(values) @ vectors.T


def whitened(X):
    """Return trials aligned as in the paper of He and Wu."""
    return power_of(covariances_of(X).mean(axis=0), -0.5) @ X


# The references of domains


def test_euclidean_alignment_is_that_of_the_paper(X):
    aligned = EuclideanAlignment().fit_transform(X, groups=SESSIONS)
    for session in np.unique(SESSIONS):
        assert_allclose(aligned[session == SESSIONS], whitened(X[session == SESSIONS]), rtol=1e-7)


@both
def test_the_mean_of_each_aligned_session_is_the_identity(aligner_class, X):
    aligned = aligner_class().fit_transform(X, groups=SESSIONS)
    for session in np.unique(SESSIONS):
        matrices = covariances_of(aligned[session == SESSIONS])
        if aligner_class is RiemannianAlignment:
            mean = sum(log_of(matrix) for matrix in matrices)
            assert_allclose(mean, np.zeros((N_CHANS, N_CHANS)), atol=1e-6)
        else:
            assert_allclose(matrices.mean(axis=0), np.eye(N_CHANS), atol=1e-10)


@both
def test_a_domain_of_fit_keeps_its_reference(aligner_class, X):
    aligner = aligner_class().fit(X, groups=SESSIONS)
    first = aligner_class().fit(X[:20])
    trials = np.random.default_rng(1).standard_normal((5, N_CHANS, N_TIMES))
    expected = power_of(first.references_[None], -0.5) @ trials
    assert_allclose(aligner.transform(trials, groups=["s1"] * 5), expected)


@both
def test_a_new_domain_is_aligned_by_its_own_trials(aligner_class, X):
    aligner = aligner_class().fit(X[:40], groups=SESSIONS[:40])
    expected = aligner_class().fit_transform(X[40:])
    assert_allclose(aligner.transform(X[40:], groups=SESSIONS[40:]), expected)
    assert_allclose(aligner.transform(X[40:]), expected)
    assert set(aligner.references_) == {"s1", "s2"}
    mixed = aligner.transform(X[::2], groups=SESSIONS[::2])
    assert_allclose(mixed[:10], aligner.transform(X[:20:2], groups=SESSIONS[:20:2]))


@both
def test_without_domains_each_call_is_one(aligner_class, X):
    aligner = aligner_class().fit(X[:20])
    assert_allclose(aligner.transform(X[20:40]), aligner_class().fit_transform(X[20:40]))
    assert_allclose(aligner.transform(X[:20]), aligner.fit_transform(X[:20]))


@both
def test_the_training_mean_is_that_of_all_sessions(aligner_class, X):
    aligner = aligner_class().fit(X[:50], groups=SESSIONS[:50])
    assert aligner.n_trials_ == {"s1": 20, "s2": 20, "s3": 10}
    if aligner_class is EuclideanAlignment:
        expected = covariances_of(X[:50]).mean(axis=0)
        assert_allclose(aligner.reference_, expected)
    else:
        root = power_of(aligner.reference_, -0.5)
        logs = [log_of(root @ aligner.references_[name] @ root) for name in ("s1", "s2", "s3")]
        assert_allclose(2 * logs[0] + 2 * logs[1] + logs[2], np.zeros((4, 4)), atol=1e-6)


@both
def test_labels_are_not_used(aligner_class, X, y):
    expected = aligner_class().fit_transform(X, groups=SESSIONS)
    assert_array_equal(aligner_class().fit_transform(X, y, groups=SESSIONS), expected)
    assert_array_equal(aligner_class().fit(X, y).transform(X), aligner_class().fit_transform(X))


@both
@pytest.mark.parametrize("labels", [np.repeat([7, 8, 9], 20), list(SESSIONS), "categorical"])
def test_any_kind_of_groups(aligner_class, labels, X):
    groups = pd.Series(pd.Categorical(SESSIONS)) if isinstance(labels, str) else labels
    aligned = aligner_class().fit_transform(X, groups=groups)
    assert_allclose(aligned, aligner_class().fit_transform(X, groups=SESSIONS))


# Units and types


@both
@pytest.mark.parametrize("unit", [1e6, 1e-12, 2.0**40])
def test_results_do_not_depend_on_the_unit(aligner_class, unit, X):
    for online in (False, True):
        aligner = aligner_class(online=online)
        expected = aligner.fit(X[:30], groups=SESSIONS[:30]).transform(X[30:])
        aligner.fit(unit * X[:30], groups=SESSIONS[:30])
        assert_allclose(aligner.transform(unit * X[30:]), expected, rtol=1e-6, atol=1e-9)


@both
def test_single_precision_is_kept_and_computed_in_double(aligner_class, X):
    single = X.astype(np.float32)
    aligner = aligner_class().fit(single)
    assert aligner.reference_.dtype == np.float64
    aligned = aligner.transform(single)
    assert aligned.dtype == np.float32
    assert_allclose(aligned, aligner_class().fit_transform(X), atol=1e-5)
    assert_array_equal(aligner.transform(torch.from_numpy(single)), aligned)
    integers = (X / 1e-9).astype(np.int16)
    assert aligner_class().fit_transform(integers).dtype == np.float64


@both
def test_the_trials_of_the_user_are_not_changed(aligner_class, X, epochs):
    before = X.copy()
    for online in (False, True):
        aligner = aligner_class(online=online)
        aligner.fit_transform(X)
        aligner.fit(X).transform(X)
        aligner.fit_transform(epochs)
    assert_array_equal(X, before)
    assert_array_equal(epochs.get_data(copy=True), before)


@both
def test_clone_and_pickle(aligner_class, X):
    aligner = aligner_class(by=["subject"], online=True, min_trials=5)
    assert clone(aligner).get_params() == aligner.get_params()
    fitted = aligner_class().fit(X, groups=SESSIONS)
    restored = pickle.loads(pickle.dumps(fitted))
    expected = fitted.transform(X, groups=SESSIONS)
    assert_array_equal(restored.transform(X, groups=SESSIONS), expected)
    assert not hasattr(clone(fitted), "reference_")


def reasons(aligner):
    reason = "a call without groups is one domain, which is aligned by all of its trials"
    return {"check_methods_subset_invariance": reason}


@parametrize_with_checks(
    [aligner_class() for aligner_class in ALIGNERS], expected_failed_checks=reasons
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@both
def test_diagonal_scales_the_channels_of_each_domain(aligner_class, X):
    aligner = aligner_class(diagonal=True)
    aligned = aligner.fit_transform(X, groups=SESSIONS)
    for session in np.unique(SESSIONS):
        trials = X[session == SESSIONS]
        variances = trials.var(axis=-1)
        mean = variances.mean(0) if aligner_class is EuclideanAlignment else gmean(variances)
        expected = trials / np.sqrt(mean)[:, None]
        assert_allclose(aligned[session == SESSIONS], expected, rtol=1e-5, atol=1e-6)


# Few trials and singular covariances


@both
@pytest.mark.parametrize("n_trials", [1, 5, 19, 20, 30])
def test_few_trials_are_shrunk_towards_the_training_mean(aligner_class, n_trials, X):
    aligner = aligner_class().fit(X[:30])
    trials = np.concatenate([X[40:], X[40:]])[:n_trials]
    own = aligner_class(min_trials=1).fit(np.concatenate([trials] * 2)).references_[None]
    share = min(1, n_trials / 20)
    if aligner_class is EuclideanAlignment:
        mean = (1 - share) * aligner.reference_ + share * own
    else:
        root, inverse = (power_of(aligner.reference_, exponent) for exponent in (0.5, -0.5))
        mean = root @ power_of(inverse @ own @ inverse, share) @ root
    aligned = aligner.transform(trials)
    assert_allclose(aligned, power_of(mean, -0.5) @ trials, rtol=1e-5, atol=1e-6)


def test_few_training_trials_are_shrunk_towards_the_diagonal(X):
    aligner = EuclideanAlignment().fit(X[:5])
    mean = covariances_of(X[:5]).mean(axis=0)
    expected = 0.25 * mean + 0.75 * np.diag(np.diag(mean))
    assert_allclose(aligner.reference_, expected)
    assert_allclose(aligner.references_[None], mean)


@both
@pytest.mark.parametrize("online", [False, True])
@pytest.mark.parametrize("n_trials", [2, 20, 40])
def test_directions_without_signal_stay_zero(aligner_class, online, n_trials):
    """Average reference, a flat channel, and fewer samples than channels."""
    rng = np.random.default_rng(0)
    X = 1e-5 * rng.standard_normal((60, 16, 40)) * rng.uniform(0.1, 10, (16, 1))
    X[:, 3] = 0.0
    X -= X.mean(axis=1, keepdims=True)
    X[:, 5] = 2e-6
    for trials in (X, X.astype(np.float32), X[:, :, :9]):
        aligner = aligner_class(online=online).fit(trials[:n_trials])
        aligned = aligner.transform(trials)
        assert np.isfinite(aligned).all()
        spread = aligned.std(axis=(0, 2))
        assert (spread < 5).all()
        assert_allclose(spread[5], 0, atol=1e-3)
        assert spread[0] > 0.2


@both
def test_trials_that_are_all_zero_stay_zero(aligner_class):
    for online in (False, True):
        aligner = aligner_class(online=online).fit(np.zeros((4, 3, 20)))
        assert_array_equal(aligner.transform(np.zeros((4, 3, 20))), np.zeros((4, 3, 20)))


@both
def test_aligned_trials_do_not_explode_in_new_directions(aligner_class, X):
    """A domain of ``fit`` with an average reference, then without it."""
    referenced = X - X.mean(axis=1, keepdims=True)
    aligner = aligner_class().fit(referenced, groups=SESSIONS)
    aligned = aligner.transform(X, groups=SESSIONS)
    assert np.abs(aligned).max() < 20


# Online


@both
def test_online_alignment_is_causal(aligner_class, X):
    aligner = aligner_class(online=True).fit(X[:40], groups=SESSIONS[:40])
    aligned = aligner.transform(X[40:])
    assert_allclose(aligned[0], power_of(aligner.reference_, -0.5) @ X[40])
    changed = X[40:].copy()
    changed[11:] *= 100
    assert_array_equal(aligner.transform(changed)[:11], aligned[:11])
    assert_allclose(aligner.transform(changed)[11], 100 * aligned[11])
    assert_array_equal(aligner.transform(X[40:]), aligned)


def test_online_alignment_uses_the_mean_of_the_trials_before(X):
    aligner = EuclideanAlignment(online=True, min_trials=10).fit(X[:40], groups=SESSIONS[:40])
    aligned = aligner.transform(X[40:], groups=SESSIONS[40:])
    matrices = covariances_of(X[40:])
    for n_trials in (4, 10, 15):
        share = min(1, n_trials / 10)
        mean = (1 - share) * aligner.reference_ + share * matrices[:n_trials].mean(axis=0)
        assert_allclose(aligned[n_trials], power_of(mean, -0.5) @ X[40 + n_trials])


@both
def test_online_domains_of_one_call_are_separate(aligner_class, X):
    aligner = aligner_class(online=True).fit(X[:20])
    order = np.random.default_rng(0).permutation(40)
    together = aligner.transform(X[20:][order], groups=SESSIONS[20:][order])
    for session in ("s2", "s3"):
        selected = SESSIONS[20:][order] == session
        assert_allclose(together[selected], aligner.transform(X[20:][order][selected]))


@both
def test_online_alignment_of_a_domain_of_fit(aligner_class, X):
    offline = aligner_class().fit(X, groups=SESSIONS)
    online = aligner_class(online=True).fit(X, groups=SESSIONS)
    expected = offline.transform(X, groups=SESSIONS)
    assert_array_equal(online.transform(X, groups=SESSIONS), expected)


@both
def test_a_live_session_is_aligned_as_in_one_call(aligner_class, X):
    aligner = aligner_class(online=True).fit(X[:40], groups=SESSIONS[:40])
    expected = aligner.transform(X[40:])
    aligned = []
    for trial in X[40:]:
        aligned.append(aligner.transform(trial[None], groups=["today"])[0])
        aligner.update(trial[None], groups=["today"])
    assert_allclose(aligned, expected, rtol=1e-6, atol=1e-9)
    assert aligner.n_trials_ == {"s1": 20, "s2": 20, "today": 20}


def test_update_of_a_domain_of_fit(X):
    aligner = EuclideanAlignment().fit(X[:10], groups=SESSIONS[:10])
    reference = aligner.reference_
    aligner.update(X[10:20], groups=SESSIONS[10:20])
    expected = EuclideanAlignment().fit(X[:20], groups=SESSIONS[:20])
    assert_allclose(aligner.references_["s1"], expected.references_["s1"])
    assert aligner.n_trials_ == expected.n_trials_
    assert_array_equal(aligner.reference_, reference)


# Epochs


@both
@pytest.mark.parametrize("by", ["session", ["session"], ["subject", "session"]])
def test_domains_from_metadata(aligner_class, by, X, epochs):
    groups = SESSIONS if len(by) != 2 else [f"{n // 30}{s}" for n, s in enumerate(SESSIONS)]
    aligned = aligner_class(by=by).fit_transform(epochs)
    expected = aligner_class().fit_transform(X, groups=groups)
    assert_allclose(aligned.get_data(copy=False), expected, rtol=1e-6, atol=1e-9)
    as_list = [epochs[trial] for trial in range(len(epochs))]
    from_list = aligner_class(by=by).fit(as_list).transform(as_list)
    assert_allclose(from_list.get_data(copy=False), expected, rtol=1e-6, atol=1e-9)


def test_aligned_epochs_keep_everything_else(epochs):
    epochs = epochs.copy().drop([3]).apply_baseline((None, 0), verbose="error")
    for trials in (epochs, [epochs[trial] for trial in range(len(epochs))]):
        aligned = EuclideanAlignment(by="session").fit_transform(trials)
        assert isinstance(aligned, mne.BaseEpochs)
        assert_array_equal(aligned.events, epochs.events)
        assert_array_equal(aligned.times, epochs.times)
        assert aligned.event_id == epochs.event_id
        assert mne.utils.object_diff(aligned.info, epochs.info) == ""
        table = aligned.metadata.reset_index(drop=True)
        pd.testing.assert_frame_equal(table, epochs.metadata.reset_index(drop=True))
    aligned = EuclideanAlignment().fit_transform(epochs)
    assert aligned.baseline == epochs.baseline
    assert aligned.drop_log == epochs.drop_log
    assert_array_equal(aligned.selection, epochs.selection)


def test_bad_and_other_channels_are_not_aligned(X, y):
    epochs = to_epochs(X, y)
    epochs.set_channel_types({"C1": "eog"}, verbose="error")
    epochs.info["bads"] = ["C3"]
    expected = EuclideanAlignment().fit_transform(X[:, [1, 3]])
    for trials in (epochs, [epochs[:30], epochs[30:]]):
        aligned = EuclideanAlignment().fit_transform(trials).get_data(copy=False)
        assert_array_equal(aligned[:, [0, 2]], X[:, [0, 2]])
        assert_allclose(aligned[:, [1, 3]], expected)


def test_channels_in_another_order_are_matched_by_name(X, epochs):
    aligner = EuclideanAlignment(by="session").fit(epochs)
    expected = aligner.transform(epochs).get_data(copy=False)
    reordered = epochs.copy().reorder_channels(["C3", "C1", "C4", "C2"])
    for trials in (reordered, [reordered[:30], reordered[30:]]):
        aligned = aligner.transform(trials)
        assert aligned.ch_names == ["C3", "C1", "C4", "C2"]
        assert_allclose(aligned.get_data(copy=False), expected[:, [2, 0, 3, 1]])


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # used by MNE
def test_epochs_in_a_file(epochs, tmp_path):
    epochs.save(tmp_path / "trials-epo.fif", verbose="error")
    saved = mne.read_epochs(tmp_path / "trials-epo.fif", preload=False, verbose="error")
    aligned = EuclideanAlignment(by="session").fit_transform(saved)
    expected = EuclideanAlignment(by="session").fit_transform(epochs)
    assert_allclose(aligned.get_data(copy=False), expected.get_data(copy=False), atol=1e-4)
    assert not saved.preload


def test_bad_epochs_are_dropped(X, y):
    raw = mne.io.RawArray(np.hstack(X), to_epochs(X, y).info, verbose="error")
    events = to_epochs(X, y).events
    table = pd.DataFrame({"session": SESSIONS})
    limits = {"tmin": 0, "tmax": (N_TIMES - 1) / 100, "baseline": None, "metadata": table}
    reject = {"eeg": np.quantile(np.ptp(X, axis=2).max(axis=1), 0.8)}
    epochs = mne.Epochs(raw, events, {"left": 1, "right": 2}, **limits, reject=reject)
    aligned = EuclideanAlignment(by="session").fit_transform(epochs)
    kept = np.ptp(X, axis=2).max(axis=1) <= reject["eeg"]
    assert len(aligned) == kept.sum() == 48
    assert len(epochs.events) == 60
    expected = EuclideanAlignment().fit_transform(X[kept], groups=SESSIONS[kept])
    assert_allclose(aligned.get_data(copy=False), expected, rtol=1e-6, atol=1e-9)


def test_lists_of_recordings_with_the_same_samples_and_codes(X, y, epochs):
    """Two recordings start at sample zero, and use the codes of events differently."""
    second = to_epochs(X[30:], 1 - y[30:], epochs.metadata[30:].reset_index(drop=True))
    second.event_id = {"left": 2, "right": 1}
    aligned = EuclideanAlignment(by="session").fit_transform([epochs[:30], second])
    expected = EuclideanAlignment(by="session").fit_transform(epochs)
    assert_allclose(aligned.get_data(copy=False), expected.get_data(copy=False))
    assert len(aligned["left"]) == 30
    assert_array_equal(aligned["left"].get_data(copy=False), aligned.get_data(copy=False)[::2])


# In pipelines


@both
def test_cross_validation_and_search_over_epochs(aligner_class, epochs, y):
    pipeline = make_pipeline(aligner_class(by="session"), small(EEGNetClassifier))
    groups = epochs.metadata["session"]
    folds = {"groups": groups, "cv": GroupKFold(3)}
    scores = cross_val_score(pipeline, epochs, y, **folds, n_jobs=2)
    by_hand = []
    for train, test in folds["cv"].split(y, y, groups):
        aligner, X = aligner_class(), epochs.get_data(copy=False)
        network = small(EEGNetClassifier)
        network.fit(aligner.fit_transform(X[train], groups=groups.iloc[train]), y[train])
        by_hand.append(network.score(aligner.transform(X[test]), y[test]))
    assert_allclose(scores, by_hand)
    name = aligner_class.__name__.lower()
    grid = {f"{name}__online": [False, True], f"{name}__by": [["subject", "session"]]}
    search = GridSearchCV(pipeline, grid, cv=GroupKFold(3), n_jobs=2)
    search.fit(epochs, y, groups=groups)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(epochs).shape == (60,)


def test_events_are_targets_after_alignment(epochs):
    pipeline = make_pipeline(EuclideanAlignment(by="session"), small(EEGNetClassifier))
    assert set(pipeline.fit(epochs).predict(epochs)) <= {"left", "right"}


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@both
@pytest.mark.usefixtures("routing")
def test_groups_are_routed_to_fit_and_transform(aligner_class, X, y):
    aligner = aligner_class().set_fit_request(groups=True).set_transform_request(groups=True)
    network = small(EEGNetClassifier).set_fit_request(groups=False)
    pipeline = make_pipeline(aligner, network)
    cv = KFold(3, shuffle=True, random_state=0)
    scores = cross_val_score(pipeline, X, y, cv=cv, params={"groups": SESSIONS})
    by_hand = []
    for train, test in cv.split(X):
        aligner = aligner_class().fit(X[train], groups=SESSIONS[train])
        aligned = aligner.transform(X, groups=SESSIONS)
        by_hand.append(
            small(EEGNetClassifier).fit(aligned[train], y[train]).score(aligned[test], y[test])
        )
    assert_allclose(scores, by_hand)
    pipeline.fit(X, y, groups=SESSIONS)
    assert pipeline.predict(X, groups=SESSIONS).shape == (60,)
    assert pipeline[0].n_trials_ == {"s1": 20, "s2": 20, "s3": 20}


@pytest.mark.usefixtures("routing")
def test_groups_that_nobody_requested(X, y):
    pipeline = make_pipeline(EuclideanAlignment(), small(EEGNetClassifier))
    with pytest.raises(UnsetMetadataPassedError, match="groups"):
        pipeline.fit(X, y, groups=SESSIONS)


# Errors


@both
@pytest.mark.parametrize(
    ("fields", "kind", "message"),
    [
        ({"by": 3}, TypeError, "by=3 should be a name, a list, a tuple or None"),
        ({"online": 1}, TypeError, "online=1 should be a bool"),
        ({"min_trials": 0}, ValueError, "min_trials=0 should be an integer of at least 1"),
        ({"by": "session"}, ValueError, "by='session' is a column .* but X is an array; pass gr"),
    ],
)
def test_wrong_parameters(aligner_class, fields, kind, message, X):
    with pytest.raises(kind, match=f"^{aligner_class.__name__}: {message}"):
        aligner_class(**fields).fit(X)


def change(X, index, value):
    X = X.copy()
    X[index] = value
    return X


@both
@pytest.mark.parametrize(
    ("trials", "groups", "message"),
    [
        (lambda X: X, ["s1"] * 3, r"groups has shape \(3,\); it should be \(60,\)"),
        (lambda X: X, [None] * 60, "groups is None for trial 0; give each trial the name"),
        (lambda X: X, [1.0] * 59 + [np.nan], "groups is nan for trial 59; give each trial"),
        (
            lambda X: change(X, (4, 2, 7), np.nan),
            None,
            "X contains NaN in 1 of 60 trials, first in",
        ),
        (lambda X: change(X, (4, 2, 7), np.inf), None, "X contains infinity"),
        (lambda X: X[:1], None, "X has 1 sample; at least two trials are needed to fit"),
        (lambda X: X[:0], None, "Found array with 0 sample"),
        (lambda X: X[..., :1], None, r"X has 1 feature\(s\), i.e. one time point in each trial"),
    ],
)
def test_wrong_training_trials(aligner_class, trials, groups, message, X):
    with pytest.raises(ValueError, match=message):
        aligner_class().fit(trials(X), groups=groups)


@both
@pytest.mark.parametrize(
    ("trials", "message"),
    [
        (lambda X: X[:, :3], "X has 3"),
        (lambda X: X[:, :, :50], "X has 50"),
        (lambda X: change(X, (4, 2, 7), np.nan), "X contains NaN in 1 of 60 trials, first in"),
        (lambda X: X[0], r"X has shape \(4, 64\).*for a single trial"),
    ],
)
def test_trials_that_differ_from_those_of_fit(aligner_class, trials, message, X):
    aligner = aligner_class().fit(X)
    with pytest.raises(ValueError, match=f"^{aligner_class.__name__}: {message}"):
        aligner.transform(trials(X))


@both
def test_not_fitted(aligner_class, X):
    for method in ("transform", "update"):
        with pytest.raises(NotFittedError, match=f"This {aligner_class.__name__} instance is not"):
            getattr(aligner_class(), method)(X)


@both
def test_update_needs_the_domain(aligner_class, X):
    with pytest.raises(ValueError, match=f"{aligner_class.__name__}: update needs the domain"):
        aligner_class().fit(X).update(X)


@pytest.mark.parametrize(
    ("by", "groups", "message"),
    [
        ("day", None, "by='day' is not a column of the metadata; choose from session, subject"),
        ([], None, r"by=\[\] should have at least one column, or be None"),
        ("session", SESSIONS, "by='session' and groups both define the domains; use one of them"),
    ],
)
def test_wrong_columns(by, groups, message, epochs):
    with pytest.raises(ValueError, match=f"EuclideanAlignment: {message}"):
        EuclideanAlignment(by=by).fit(epochs, groups=groups)


def test_epochs_without_metadata(X, y):
    with pytest.raises(ValueError, match="by='session', but the Epochs have no metadata; set epo"):
        EuclideanAlignment(by="session").fit(to_epochs(X, y))


def test_missing_values_in_the_metadata(epochs):
    epochs.metadata.loc[5, "session"] = None
    with pytest.raises(ValueError, match="column 'session' of the metadata has missing values"):
        EuclideanAlignment(by="session").fit(epochs)


def test_other_channels_than_in_fit(epochs):
    aligner = EuclideanAlignment().fit(epochs)
    with pytest.raises(ValueError, match="C4"):
        aligner.transform(epochs.copy().drop_channels(["C4"]))


def test_channels_with_different_units(epochs):
    epochs.set_channel_types({"C2": "mag"}, verbose="error")
    with pytest.raises(ValueError, match="the channels have different units, e.g. EEG and MEG"):
        EuclideanAlignment().fit(epochs)


def test_a_failed_fit_leaves_the_aligner_as_it_was(X):
    aligner = EuclideanAlignment().fit(X, groups=SESSIONS)
    expected = aligner.transform(X, groups=SESSIONS)
    with pytest.raises(ValueError, match="groups has shape"):
        aligner.fit(X[:, :2], groups=SESSIONS[:5])
    assert_array_equal(aligner.transform(X, groups=SESSIONS), expected)


# Other libraries


@pytest.fixture
def pyriemann():
    return pytest.importorskip("pyriemann", reason="pyriemann is not installed")


@pytest.mark.parametrize(
    ("aligner_class", "metric"), [(EuclideanAlignment, "euclid"), (RiemannianAlignment, "riemann")]
)
def test_the_same_as_in_pyriemann(aligner_class, metric, X, pyriemann):
    from pyriemann.estimation import Covariances
    from pyriemann.transfer import TLCenter, encode_domains

    matrices = Covariances("scm").fit_transform(X)
    _, labels = encode_domains(matrices, np.zeros(len(X), int), SESSIONS)
    centred = TLCenter("s1", metric=metric).fit_transform(matrices, labels)
    aligned = aligner_class().fit_transform(X, groups=SESSIONS)
    assert_allclose(Covariances("scm").fit_transform(aligned), centred, atol=1e-7)


def test_the_same_running_mean_as_in_pyriemann(X, pyriemann):
    from pyriemann.estimation import Covariances
    from pyriemann.preprocessing import Whitening

    matrices = Covariances("scm").fit_transform(X[20:])
    whitening = Whitening(metric="riemann")
    aligner = RiemannianAlignment().fit(X[:20])
    for trial, matrix in zip(X[20:], matrices, strict=True):
        whitening.partial_fit(matrix[None])
        aligner.update(trial[None], groups=["new"])
    assert_allclose(aligner.references_["new"] / whitening._mean, 1, rtol=1e-6)


def test_the_same_as_in_moabb(X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        preprocessing = pytest.importorskip(
            "moabb.datasets.preprocessing", reason="moabb is not installed"
        )
    aligner = preprocessing.EuclideanAlignment("scm").fit(X[:20])
    ours = EuclideanAlignment().fit(X[:20], groups=SESSIONS[:20])
    assert_allclose(ours.transform(X[:20]), aligner.transform(X[:20]))
    trials = X[20:40]
    aligned = ours.transform(trials, groups=["s1"] * 20)
    assert_allclose(aligned, aligner.transform(trials))


# Pass band


def filtered(X, low=8.0, high=30.0):
    return sosfiltfilt(butter(4, [low, high], "bandpass", fs=100, output="sos"), X, axis=-1)


@both
@pytest.mark.parametrize("as_epochs", [False, True])
def test_trials_are_filtered_in_the_band(aligner_class, as_epochs, X, epochs):
    trials = epochs if as_epochs else X
    sfreq = None if as_epochs else 100.0
    aligner = aligner_class(band=(8, 30), sfreq=sfreq).fit(trials[:40], groups=SESSIONS[:40])
    expected = aligner_class().fit(filtered(X[:40]), groups=SESSIONS[:40])
    for groups in (SESSIONS[:40], None):
        aligned = aligner.transform(trials[:40], groups=groups)
        values = aligned.get_data() if as_epochs else aligned
        assert_allclose(values, expected.transform(filtered(X[:40]), groups=groups), rtol=1e-6)
    aligner.update(trials[40:], groups=SESSIONS[40:])
    expected.update(filtered(X[40:]), groups=SESSIONS[40:])
    assert_allclose(aligner.references_["s3"], expected.references_["s3"], rtol=1e-9)


def test_the_sampling_rate_of_training_epochs_is_known_in_prediction(X, epochs):
    aligner = EuclideanAlignment(band=[8, 30]).fit(epochs)
    assert_array_equal(aligner.transform(X), aligner.transform(epochs).get_data())


def test_many_trials_are_filtered_in_blocks(X, monkeypatch):
    aligner = EuclideanAlignment(band=(8, 30), sfreq=100)
    expected = aligner.fit_transform(X)
    monkeypatch.setattr("eegsk.alignment._band_pass._VALUES_PER_BLOCK", 7 * X[0].size)
    assert_array_equal(aligner.fit_transform(X), expected)
    assert aligner.fit_transform(X.astype(np.float32)).dtype == np.float32


BANDS = {
    "no sampling rate": ({"sfreq": None}, "band=(8, 30) requires the sampling rate of arrays; set"),
    "above half the rate": ({"sfreq": 60}, "band=(8, 30) should be two increasing frequencies"),
    "decreasing": ({"band": (30, 8)}, "band=(30, 8) should be two increasing frequencies between "),
    "zero": ({"band": (0, 8)}, "band=(0, 8) should be two increasing frequencies between 0 and 50"),
    "not a number": ({"band": (np.nan, 30)}, "band=(nan, 30) should be two increasing frequen"),
    "boolean": ({"band": (True, 30)}, "band=(True, 30) should be two increasing frequencies betw"),
    "three": ({"band": (1, 2, 3)}, "band=(1, 2, 3) should be two increasing frequencies between "),
    "text": ({"band": ("a", "b")}, "band=('a', 'b') should be two increasing frequencies between"),
}


@both
@pytest.mark.parametrize("name", BANDS)
def test_bad_bands(aligner_class, name, X):
    params, message = BANDS[name]
    aligner = aligner_class(**{"band": (8, 30), "sfreq": 100, **params})
    with pytest.raises(ValueError, match=re.escape(f"{aligner_class.__name__}: {message}")):
        aligner.fit(X)


def test_band_and_trials_that_do_not_fit(X, epochs):
    with pytest.raises(ValueError, match="sfreq=80 differs from the sampling rate of the trials, "):
        EuclideanAlignment(band=(8, 30), sfreq=80).fit(epochs)
    with pytest.raises(ValueError, match="trials with 27 time points are too short for the filter"):
        EuclideanAlignment(band=(8, 30), sfreq=100).fit(X[:, :, :27])
    with pytest.raises(TypeError, match="band='mu' should be a tuple, a list or None"):
        EuclideanAlignment(band="mu").fit(X)


def test_signatures_are_those_of_scikit_learn():
    for aligner_class in ALIGNERS:
        for method in ("fit", "fit_transform"):
            names = [*inspect.signature(getattr(aligner_class, method)).parameters]
            assert names == ["self", "X", "y", "groups"]
        assert [*inspect.signature(aligner_class.transform).parameters] == ["self", "X", "groups"]


# Documentation and benchmark


def test_code_of_the_user_guide(monkeypatch, X, y, epochs):
    guide = Path(__file__).parents[1] / "docs" / "user_guide" / "alignment.md"
    text = guide.read_text(encoding="utf-8")
    monkeypatch.setitem(EEGNetClassifier.__init__.__kwdefaults__, "max_epochs", 1)
    names = {"X": X, "y": y, "epochs": epochs, "sessions": SESSIONS, "stream": X[:2, None]}
    names |= {"X_new": X[40:], "sessions_new": SESSIONS[40:]}
    with sklearn.config_context():
        for block in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S):
            exec(block, names)
    assert names["aligner"].n_trials_["today"] == 2


def test_benchmark(monkeypatch, capsys):
    if not os.environ.get("EEGSK_DATA"):
        pytest.skip("needs recordings: set EEGSK_DATA to their folder")
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    benchmark = importlib.import_module("alignment")
    module = importlib.import_module("recordings.alignment")
    monkeypatch.setattr(module, "ALIGNERS", {"raw": None, "Euclidean": EuclideanAlignment})
    for name in ("load_sessions", "load_windows"):
        load = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args, load=load: load(*args).select(np.s_[::5]))
    only = ["--only", "bci_iv_2b", "eegmat"]
    benchmark.main([*only, "--seeds", "0", "--subjects", "4", "--max-epochs", "1"])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(rows) == 8 + 5
    assert "| others | Euclidean, causal | 0." in rows[7]
