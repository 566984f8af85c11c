"""Pretraining, fine-tuning with frozen blocks, evaluation across subjects, ensembles of seeds."""

import copy
import pickle
import re
import sys
from pathlib import Path

import mne
import numpy as np
import pytest
import sklearn
import torch
from sklearn.base import BaseEstimator, TransformerMixin, clone, is_classifier
from sklearn.ensemble import BaggingClassifier, VotingClassifier, VotingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

import eegsk
from eegsk import (
    CompactCNNClassifier,
    EEGClassifier,
    EEGNetClassifier,
    EEGNetRegressor,
)
from eegsk.alignment import AlignedEstimator, EuclideanAlignment
from eegsk.callbacks import (
    EMA,
    SAM,
    SWA,
    Checkpoint,
    CosineWarmup,
    EarlyStopping,
    GradientClipping,
    MixedPrecision,
)
from eegsk.model_selection import evaluate_transfer, transfer
from eegsk.recordings import LazyTrials

from .networks import ESTIMATORS, linear, small
from .witness import assert_same, double_network, observed

CATALOGUE = [item for item in ESTIMATORS if item.__name__ not in ("EEGClassifier", "EEGRegressor")]
# The block of temporal and spatial filters, where it is not called "front".
FRONT = {"CompactCNN": "first", "DeepConvNet": "first.filters"}


def fine_tuned(source, **fields):
    """Return an unfitted estimator of the same parameters that begins with fitted weights."""
    return clone(source).set_params(pretrained=FrozenEstimator(source), **fields)


def state_of(estimator, block=""):
    """Return the weights and buffers of a block of the network."""
    network = estimator.module_.get_submodule("network")
    return {k: v.clone() for k, v in network.get_submodule(block).state_dict().items()}


def assert_equal_states(state, expected):
    assert state.keys() == expected.keys()
    for name, value in state.items():
        assert torch.equal(value, expected[name]), name


def front_of(estimator):
    name = type(estimator).__name__.removesuffix("Classifier").removesuffix("Regressor")
    return FRONT.get(name, "front")


@pytest.fixture
def others():
    """Return trials of other subjects."""
    rng = np.random.default_rng(1)
    return rng.standard_normal((20, 3, 48)).astype(np.float32), np.arange(20) % 2


@pytest.fixture
def source(others):
    return small(EEGNetClassifier).fit(*others)


# Initial weights


@pytest.mark.parametrize("estimator_class", CATALOGUE)
def test_training_begins_with_the_pretrained_weights(estimator_class, others, X, y):
    source = small(estimator_class).fit(*others)
    before = copy.deepcopy(source.module_)
    estimator, witness = observed(fine_tuned(source), X, y)
    assert_same(witness.before_[1], before[1])
    assert_same(source.module_, before)
    assert estimator.predict(X).shape == y.shape
    copied = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(copied.predict(X), estimator.predict(X))
    repeated = clone(copied).set_params(callbacks=None).fit(X, y)
    assert_same(repeated.module_, estimator.module_)


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier, EEGNetRegressor])
def test_trials_are_standardised_by_their_own_mean_and_scale(estimator_class, others, X, y):
    """Trials in microvolts fit to a network that was pretrained with trials in volts."""
    source = small(estimator_class).fit(1e-6 * others[0], others[1])
    in_volts = fine_tuned(source).fit(1e-6 * X, y)
    estimator = fine_tuned(source).fit(3 + X, y)
    standardize = estimator.module_[0]
    np.testing.assert_allclose(standardize.mean[:, 0], 3 + X.mean((0, 2)), rtol=1e-6)
    np.testing.assert_allclose(standardize.scale[:, 0], X.std((0, 2)), rtol=1e-6)
    method = "predict_proba" if is_classifier(estimator) else "predict"
    np.testing.assert_allclose(
        getattr(estimator, method)(3 + X), getattr(in_volts, method)(1e-6 * X), atol=1e-4
    )


def test_targets_are_standardised_by_their_own_mean_and_scale(others, X, y):
    source = small(EEGNetRegressor).fit(others[0], 1e3 * others[1])
    predictions = [fine_tuned(source).fit(X, scale * y).predict(X) / scale for scale in (1, 1e-3)]
    np.testing.assert_allclose(*predictions, rtol=1e-5)


def test_the_same_classes_keep_the_head(source, X, y):
    _, witness = observed(fine_tuned(source), X, y)
    assert_same(witness.before_[1].head, source.module_[1].head)


@pytest.mark.parametrize(
    "labels", [["left", "right"], [0, 1, 2], [1, 2], [0, 2, 4, 6]], ids=["names", "3", "1-2", "4"]
)
def test_other_classes_get_a_new_head(labels, source, X):
    y = np.array(labels)[np.arange(24) % len(labels)]
    estimator, witness = observed(fine_tuned(source), X, y)
    new = observed(clone(source), X, y)[1].before_[1].head
    assert_same(witness.before_[1].trunk, source.module_[1].trunk)
    assert_same(witness.before_[1].head, new)
    np.testing.assert_array_equal(estimator.classes_, np.unique(y))
    assert estimator.predict_proba(X).shape == (24, len(labels))


def test_only_the_last_layer_of_a_deep_head_is_new(others, X):
    source = small(eegsk.AdvancedEEGNetClassifier).fit(*others)
    _, witness = observed(fine_tuned(source), X, np.arange(24) % 3)
    head, pretrained = witness.before_[1].head, source.module_[1].head
    assert_same(head.dense, pretrained.dense)
    assert_same(head.second_dense, pretrained.second_dense)
    assert head.output.weight.shape == (3, pretrained.output.in_features)


def test_classes_without_a_labelled_trial_are_kept(others, X, y):
    """A few labelled trials need not include all classes of the pretrained classifier."""
    source = small(EEGNetClassifier).fit(others[0], np.arange(20) % 4)
    estimator, witness = observed(fine_tuned(source), X, y)
    np.testing.assert_array_equal(estimator.classes_, [0, 1, 2, 3])
    assert_same(witness.before_[1], source.module_[1])
    assert set(estimator.predict(X)) <= {0, 1, 2, 3}
    with pytest.raises(ValueError, match="all trials with non-zero weight are of one class"):
        fine_tuned(source).fit(X, np.zeros(24))


def test_partial_fit_begins_with_the_pretrained_weights(source, X, y):
    estimator = fine_tuned(source, freeze="trunk").partial_fit(X, y, classes=[0, 1])
    estimator.partial_fit(X, y)
    assert_equal_states(state_of(estimator, "trunk"), state_of(source, "trunk"))
    assert not torch.equal(state_of(estimator)["head.weight"], state_of(source)["head.weight"])
    estimator = fine_tuned(source).partial_fit(X, y, classes=[0, 1, 2])
    np.testing.assert_array_equal(estimator.classes_, [0, 1, 2])


def test_regressors_with_other_targets_get_a_new_head(others, X, y):
    source = small(EEGNetRegressor).fit(*others)
    same = observed(fine_tuned(source), X, y)[1].before_[1]
    assert_same(same, source.module_[1])
    two = observed(fine_tuned(source), X, np.column_stack([y, y]))[1].before_[1]
    assert_same(two.trunk, source.module_[1].trunk)
    assert two.head.weight.shape[0] == 2


def test_a_regressor_begins_with_a_classifier(source, X, y):
    regressor = small(EEGNetRegressor, pretrained=FrozenEstimator(source))
    _, witness = observed(regressor, X, y)
    assert_same(witness.before_[1].trunk, source.module_[1].trunk)


def test_networks_of_users(others, X, y):
    source = EEGClassifier(network=double_network, max_epochs=2, random_state=0).fit(*others)
    _, witness = observed(fine_tuned(source, freeze=["0", "1"]), X, y)
    assert_same(witness.before_[1], source.module_[1])
    assert_same(witness.modules_[-1][1][:2], source.module_[1][:2])
    _, witness = observed(fine_tuned(source), X, np.arange(24) % 3)
    assert_same(witness.before_[1][:5], source.module_[1][:5])


def test_the_head_of_a_user_may_be_parametrized(others, X):
    def network(n_chans, n_times, n_outputs):
        head = nn.utils.parametrizations.weight_norm(nn.Linear(n_chans * n_times, n_outputs))
        return nn.Sequential(nn.BatchNorm1d(n_chans), nn.Flatten(), head)

    source = EEGClassifier(network=network, max_epochs=1, random_state=0).fit(*others)
    estimator, witness = observed(fine_tuned(source), X, np.arange(24) % 3)
    assert_same(witness.before_[1][0], source.module_[1][0])
    assert estimator.predict_proba(X).shape == (24, 3)


# Channels and length


def test_channels_are_ordered_by_name(epochs, y, source):
    epochs = epochs.copy().set_montage("biosemi64")
    source = clone(source).fit(epochs, y)
    expected = fine_tuned(source).fit(epochs, y)
    reordered = epochs.copy().reorder_channels(["C4", "C3", "Cz"])
    estimator = fine_tuned(source).fit(reordered, y)
    assert estimator.signal_ == source.signal_
    assert_same(estimator.module_, expected.module_)
    np.testing.assert_array_equal(estimator.predict(reordered), expected.predict(epochs))


def with_channels(epochs, names):
    """Return Epochs with other names of channels, in their order."""
    data = epochs.get_data(copy=True)
    data = np.concatenate([data, data], axis=1)[:, : len(names)]
    info = mne.create_info(names, epochs.info["sfreq"], "eeg")
    return mne.EpochsArray(data, info, epochs.events, event_id=epochs.event_id, verbose="error")


@pytest.mark.parametrize("estimator_class", CATALOGUE)
def test_spatial_filters_are_matched_by_name(estimator_class, epochs, y):
    source = small(estimator_class).fit(epochs, y)
    trials = with_channels(epochs, ["C4", "Pz", "C3", "Oz"])
    estimator, witness = observed(fine_tuned(source, pretrained_channels="match"), trials, y)
    assert estimator.predict(trials).shape == y.shape
    before, pretrained = witness.before_[1].state_dict(), state_of(source)
    matched = []
    for name, weight in before.items():
        if weight.shape == pretrained[name].shape:
            assert torch.equal(weight, pretrained[name]), name
            continue
        (axis,) = np.flatnonzero(np.array(weight.shape) != pretrained[name].shape)
        selected = pretrained[name].index_select(axis, torch.tensor([2, 0]))
        assert torch.equal(weight.index_select(axis, torch.tensor([0, 2])), selected)
        assert not weight.index_select(axis, torch.tensor([1, 3])).any()
        matched.append(name)
    assert len(matched) == 1


def test_renamed_channel_has_zero_weights(epochs, y, source):
    """The number of channels is the same, so that their names alone make the difference."""
    source = clone(source).fit(epochs, y)
    estimator = fine_tuned(source, pretrained_channels="match")
    _, witness = observed(estimator, with_channels(epochs, ["C3", "POz", "C4"]), y)
    weight = witness.before_[1].trunk.front.spatial.weight[:, 0, :, 0]
    pretrained = state_of(source, "trunk.front")["spatial.weight"][:, 0, :, 0]
    assert torch.equal(weight[:, [0, 2]], pretrained[:, [0, 2]])
    assert not weight[:, 1].any()


def test_matching_uses_no_random_number(epochs, y, source):
    source = clone(source).fit(epochs, y)
    matched = fine_tuned(source, pretrained_channels="match").fit(epochs, y)
    assert_same(matched.module_, fine_tuned(source).fit(epochs, y).module_)


def test_networks_with_pooling_over_time_take_another_length(others, X, y):
    source = small(CompactCNNClassifier).fit(*others)
    _, witness = observed(fine_tuned(source), X[:, :, 8:], y)
    assert_same(witness.before_[1], source.module_[1])


# Errors


def pipeline_of(source):
    return make_pipeline(FunctionTransformer(), source)


@pytest.mark.parametrize(
    ("pretrained", "error", "message"),
    [
        (
            lambda source: source,
            TypeError,
            "pretrained=EEGNet.* should be .* FrozenEstimator, the path",
        ),
        (lambda source: 3, TypeError, "pretrained=3 should be a fitted estimator"),
        (lambda source: "net.pkl", FileNotFoundError, "there is no file 'net.pkl'"),
        (
            lambda source: FrozenEstimator(pipeline_of(source)),
            TypeError,
            r"contains a Pipeline, .* the last step of a pipeline, pipeline\[-1\]",
        ),
        (
            lambda source: FrozenEstimator(clone(source)),
            NotFittedError,
            "EEGNetClassifier: the estimator in pretrained is not fitted; call its fit",
        ),
    ],
)
def test_errors_of_pretrained(pretrained, error, message, source, X, y):
    with pytest.raises(error, match=message):
        clone(source).set_params(pretrained=pretrained(source)).fit(X, y)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n_filters": 3}, r"temporal.weight of the network has shape \(3, 1, 1, 5\), but \(2, 1"),
        ({"separable": False}, "has other layers, e.g. only one of the networks has trunk.second"),
        ({"standardize": None}, "standardize=None, but .* has standardize='channel'; use the same"),
        ({"pretrained_channels": "match"}, "'match' needs the names of channels; fit both"),
        ({"pretrained_channels": "any"}, "pretrained_channels='any' should be 'same' or 'match'"),
        ({"freeze": "fronts"}, "freeze='fronts' is not a block .* are 'trunk', 'front', 'second',"),
        ({"freeze": "dropout"}, "freeze='dropout' is not a block of the network"),
        ({"freeze": "fron"}, "freeze='fron' is not a block of the network"),
        ({"freeze": ["front", ""]}, "freeze='' is not a block of the network"),
        ({"freeze": ["head", "trunk"]}, r"freeze=\['head', 'trunk'\] leaves no weight to train"),
        ({"freeze": 1}, "freeze=1 should be a name, a list, a tuple or None"),
    ],
)
def test_errors_of_fields(fields, message, source, X, y):
    estimator = fine_tuned(source, **fields)
    with pytest.raises((TypeError, ValueError), match=f"^EEGNetClassifier: .*{message}") as error:
        estimator.fit(X, y)
    assert "\n" not in str(error.value)
    assert not hasattr(estimator, "net_")


def test_errors_of_targets(others, X, y):
    source = small(EEGNetRegressor).fit(*others)
    with pytest.raises(ValueError, match="standardize_target=False, but .* standardize_target=Tru"):
        fine_tuned(source, standardize_target=False).fit(X, y)


def test_errors_of_arrays(source, X, y):
    message = "the trials have 2 channels, but those of the pretrained estimator had 3 channels;"
    with pytest.raises(ValueError, match=message):
        fine_tuned(source).fit(X[:, :2], y)
    message = "head.weight .* because the trials have 40 time points instead of 48"
    with pytest.raises(ValueError, match=message):
        fine_tuned(source).fit(X[:, :, 8:], y)


def test_errors_of_epochs(epochs, y, source):
    source = clone(source).fit(epochs, y)
    renamed = with_channels(epochs, ["C3", "Cz", "C2", "C6", "T7", "T8"])
    message = r"have 6 channels \(C3, Cz, C2, C6, T7, ...\), but .* 3 channels \(C3, Cz, C4\); sel"
    with pytest.raises(ValueError, match=message):
        fine_tuned(source).fit(renamed, y)
    with pytest.raises(ValueError, match="no channel has the name of a channel of pretrained"):
        fine_tuned(source, pretrained_channels="match").fit(with_channels(epochs, ["O1", "O2"]), y)
    faster = with_channels(epochs, ["C3", "Cz", "C4"])
    with faster.info._unlock():
        faster.info["sfreq"] = 128.0
    with pytest.raises(ValueError, match="sampled at 128 Hz, but .* at 100 Hz; resample them"):
        fine_tuned(source).fit(faster, y)


def test_channels_of_a_dense_layer_cannot_be_matched(epochs, y):
    source = EEGClassifier(network=linear, max_epochs=1).fit(epochs, y)
    with pytest.raises(ValueError, match="'match' is not possible .*: 1.weight has no axis of cha"):
        fine_tuned(source, pretrained_channels="match").fit(epochs, y)


# Frozen blocks


@pytest.mark.parametrize("estimator_class", CATALOGUE)
@pytest.mark.parametrize("block", ["front", "trunk"])
def test_frozen_blocks_do_not_change(estimator_class, block, others, X, y):
    source = small(estimator_class).fit(*others)
    freeze = front_of(source) if block == "front" else "trunk"
    estimator = fine_tuned(source, freeze=freeze, batch_size=6).fit(X, y)
    (path,) = estimator.net_.frozen_
    assert_equal_states(state_of(estimator, path), state_of(source, path))
    head = [name for name in state_of(source) if name.startswith("head.")]
    states = state_of(estimator), state_of(source)
    assert not all(torch.equal(states[0][name], states[1][name]) for name in head)
    assert all(weight.requires_grad for weight in estimator.module_.parameters())


def test_frozen_blocks_are_in_evaluation_mode(source, X, y):
    """Dropout of the trunk is off, so that the loss of the first step is that of its features."""
    estimator = fine_tuned(source, freeze="trunk", dropout=0.9, max_epochs=1, batch_size=24)
    estimator, witness = observed(estimator, X, y)
    before = witness.before_.eval()
    losses = nn.functional.cross_entropy(before(torch.from_numpy(X)), torch.from_numpy(y))
    assert estimator.history_[0, "train_loss"] == pytest.approx(losses.item(), rel=1e-5)


@pytest.mark.parametrize(
    "freeze", ["trunk.front", "front", ["front"], ("front.temporal", "trunk.front.spatial")]
)
def test_names_of_blocks(freeze, source, X, y):
    estimator = fine_tuned(source, freeze=freeze).fit(X, y)
    for name in ("temporal.weight", "spatial.weight"):
        states = [state_of(item, "trunk.front")[name] for item in (estimator, source)]
        assert torch.equal(*states)


def test_max_norm_does_not_change_frozen_weights(others, X, y):
    source = small(EEGNetClassifier, spatial_max_norm=None).fit(*others)
    estimator = fine_tuned(source, spatial_max_norm=1e-3, freeze="front").fit(X, y)
    assert_equal_states(state_of(estimator, "trunk.front"), state_of(source, "trunk.front"))
    estimator = fine_tuned(source, spatial_max_norm=1e-3).fit(X, y)
    weight = state_of(estimator, "trunk.front")["spatial.weight"]
    assert weight.flatten(1).norm(dim=1).max() < 1.1e-3


@pytest.mark.parametrize(
    ("callback", "fields"),
    [
        (SWA(start=1), {}),
        (EMA(decay=0.5), {}),
        (SAM(rho=0.1), {}),
        (CosineWarmup(), {}),
        (GradientClipping(0.1), {}),
        (MixedPrecision(), {}),
        (EarlyStopping(), {"valid_split": 0.25}),
    ],
    ids=lambda item: type(item).__name__,
)
@pytest.mark.parametrize("freeze", ["front", "trunk"])
def test_callbacks_do_not_change_frozen_blocks(callback, fields, freeze, source, X, y):
    estimator = fine_tuned(source, freeze=freeze, callbacks=[callback], max_epochs=3, **fields)
    estimator.fit(X, y)
    path = "trunk" if freeze == "trunk" else "trunk.front"
    assert_equal_states(state_of(estimator, path), state_of(source, path))
    assert not torch.equal(state_of(estimator)["head.weight"], state_of(source)["head.weight"])


def test_swa_recomputes_statistics_behind_a_frozen_block(source, X, y):
    estimator = fine_tuned(source, freeze="front", callbacks=[SWA(start=1)], dropout=0.0)
    module = estimator.fit(X, y).module_
    module.train()
    module[1].trunk.front.eval()
    norm, inputs = module[1].trunk.second_norm, []
    expected = norm.running_mean.clone()
    norm.register_forward_pre_hook(lambda layer, args: inputs.append(args[0]))
    module(torch.from_numpy(X))
    torch.testing.assert_close(inputs[0].mean((0, 2)), expected, atol=1e-5, rtol=1e-4)


def test_warm_start_unfreezes_blocks_gradually(source, X, y):
    estimator = fine_tuned(source, freeze="trunk", warm_start=True).fit(X, y)
    head = state_of(estimator, "head")
    assert_equal_states(state_of(estimator, "trunk"), state_of(source, "trunk"))
    estimator.set_params(freeze=["front", "head"]).fit(X, y)
    assert_equal_states(state_of(estimator, "head"), head)
    assert_equal_states(state_of(estimator, "trunk.front"), state_of(source, "trunk.front"))
    second = state_of(estimator, "trunk.second")["depthwise.weight"]
    assert not torch.equal(second, state_of(source, "trunk.second")["depthwise.weight"])
    estimator.set_params(freeze=None).fit(X, y)
    states = [state_of(item, "trunk.front")["temporal.weight"] for item in (estimator, source)]
    assert not torch.equal(*states)


def test_weights_frozen_by_a_network_stay_frozen(others, X, y):
    def network(n_chans, n_times, n_outputs):
        module = nn.Sequential(nn.Flatten(), nn.Linear(n_chans * n_times, 4), nn.Linear(4, 4))
        module[1].bias.requires_grad_(False)
        return module.append(nn.Linear(4, n_outputs))

    estimator = EEGClassifier(network=network, freeze=["1", "2"], max_epochs=1).fit(X, y)
    flags = {name: item.requires_grad for name, item in estimator.module_[1].named_parameters()}
    assert [name for name, flag in flags.items() if not flag] == ["1.bias"]


def test_learning_rate_by_block(source, X, y):
    groups = [("network.trunk.*", {"lr": 1e-12})]
    estimator = fine_tuned(source, net_params={"optimizer__param_groups": groups})
    estimator.set_params(callbacks=[CosineWarmup()], weight_decay=0.0).fit(X, y)
    weights = [dict(item.module_[1].named_parameters()) for item in (estimator, source)]
    for name, weight in weights[0].items():
        is_close = torch.allclose(weight, weights[1][name], atol=1e-8)
        assert is_close == name.startswith("trunk."), name


# Against a loop by hand


def fine_tune_by_hand(source, X, y, frozen, lr, n_epochs):
    """Fine-tune a copy of a network with torch alone, by gradient descent with all trials."""
    network = copy.deepcopy(source.module_.get_submodule("network"))
    blocks = [network.get_submodule(path) for path in frozen]
    for block in blocks:
        block.requires_grad_(False)
    mean, scale = X.mean((0, 2), keepdims=True), X.std((0, 2), keepdims=True)
    trials, labels = torch.from_numpy((X - mean) / scale), torch.from_numpy(y)
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=lr, weight_decay=0.01)
    for _ in range(n_epochs):
        network.train()
        for block in blocks:
            block.eval()
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(trials), labels).backward()
        optimizer.step()
    with torch.no_grad():
        return network.eval()(trials).softmax(1).numpy(), network


@pytest.mark.parametrize("frozen", [[], ["trunk.front"], ["trunk"], ["trunk.second", "head"]])
def test_fine_tuning_is_that_of_a_loop_by_hand(frozen, others, X, y):
    params = {"dropout": 0.0, "spatial_max_norm": None, "head_max_norm": None}
    source = small(EEGNetClassifier, **params).fit(*others)
    training = {"optimizer": "sgd", "lr": 0.5, "max_epochs": 10, "batch_size": 24}
    estimator = fine_tuned(source, freeze=frozen, **training).fit(X, y)
    proba, network = fine_tune_by_hand(source, X, y, frozen, lr=0.5, n_epochs=10)
    np.testing.assert_allclose(estimator.predict_proba(X), proba, atol=1e-4)
    assert_same(estimator.module_[1], network, atol=1e-4)
    assert np.abs(proba - source.predict_proba(X)).max() > 0.01


# Tools of scikit-learn


def test_cross_validation_keeps_the_pretrained_weights(source, X, y):
    estimator = fine_tuned(source, freeze="trunk")
    assert clone(estimator).pretrained is estimator.pretrained
    cv = KFold(2)
    scores = cross_val_score(estimator, X, y, cv=cv)
    expected = [clone(estimator).fit(X[a], y[a]).score(X[b], y[b]) for a, b in cv.split(X)]
    np.testing.assert_array_equal(scores, expected)
    np.testing.assert_array_equal(cross_val_score(estimator, X, y, cv=cv, n_jobs=2), expected)


def test_grid_search_over_frozen_blocks(source, X, y):
    grid = {"freeze": [None, "front", ["front", "second"], "trunk"], "lr": [1e-3, 1e-2]}
    search = GridSearchCV(fine_tuned(source), grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 8
    best = fine_tuned(source, **search.best_params_).fit(X, y)
    np.testing.assert_array_equal(search.predict_proba(X), best.predict_proba(X))


def test_pretrained_can_be_searched(source, others, X, y):
    longer = clone(source).set_params(max_epochs=3).fit(*others)
    grid = {"pretrained": [None, FrozenEstimator(source), FrozenEstimator(longer)]}
    search = GridSearchCV(small(EEGNetClassifier), grid, cv=2, error_score="raise").fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_fine_tuning_twice(source, X, y):
    first = fine_tuned(source, freeze="front").fit(X, y)
    second = fine_tuned(first, freeze="trunk").fit(X[::-1], y)
    assert_equal_states(state_of(second, "trunk"), state_of(first, "trunk"))


# Checkpoints


def test_interrupted_fine_tuning_is_resumed(source, X, y, tmp_path):
    params = {"freeze": "front", "callbacks": [Checkpoint(tmp_path / "best", resume=True)]}
    whole = fine_tuned(source, freeze="front", max_epochs=4).fit(X, y)
    fine_tuned(source, max_epochs=2, **params).fit(X, y)
    copied = pickle.loads(pickle.dumps(source))
    resumed = fine_tuned(copied, max_epochs=4, **params).fit(X, y)
    assert resumed.n_iter_ == 4
    assert_same(resumed.module_, whole.module_)


def test_checkpoint_of_other_pretrained_weights_is_not_resumed(source, others, X, y, tmp_path):
    params = {"callbacks": [Checkpoint(tmp_path / "best", resume=True)], "max_epochs": 2}
    fine_tuned(source, **params).fit(X, y)
    longer = clone(source).set_params(max_epochs=3).fit(*others)
    with pytest.raises(ValueError, match="belongs to another fit: initial weights differs"):
        fine_tuned(longer, **params).fit(X, y)
    with pytest.raises(ValueError, match="belongs to another fit: freeze was None, now is 'front'"):
        fine_tuned(source, freeze="front", **params).fit(X, y)


# Evaluation across subjects


@pytest.fixture
def subjects():
    """Return three subjects of eight trials."""
    return np.repeat(["anna", "ben", "eva"], 8)


class Spy(EEGNetClassifier):
    """Classifier that records the labels it is fitted with and the trials that it predicts."""

    calls = []  # noqa: RUF012

    def fit(self, X, y=None, sample_weight=None, groups=None):
        self.calls.append(("fit", np.array(X), np.array(y)))
        return super().fit(X, y, sample_weight, groups)

    def score(self, X, y=None, sample_weight=None):
        self.calls.append(("score", np.array(X), np.array(y)))
        return super().score(X, y, sample_weight)


def test_labels_beyond_the_given_number_are_never_seen(X, y, subjects):
    Spy.calls = []
    labels = np.array([f"{label}" for label in y])
    evaluate_transfer(small(Spy, max_epochs=1), X, labels, subjects, n_trials=[0, 4, 2])
    assert len(Spy.calls) == 3 * (3 + 3)
    for number, subject in enumerate(np.unique(subjects)):
        calls = Spy.calls[6 * number : 6 * number + 6]
        own = np.flatnonzero(subjects == subject)
        seen = [np.flatnonzero(subjects != subject), own[:2], own[:4]]
        assert [name for name, _, _ in calls] == ["fit", "score"] * 3
        for (_, fitted, fitted_labels), indices in zip(calls[::2], seen, strict=True):
            np.testing.assert_array_equal(fitted, X[indices])
            np.testing.assert_array_equal(fitted_labels, labels[indices])
        for _, tested, _ in calls[1::2]:
            np.testing.assert_array_equal(tested, X[own[4:]])


def test_scores_are_those_of_a_loop_by_hand(X, y, subjects):
    fine_tuning = {"freeze": "front", "lr": 0.01, "max_epochs": 3}
    estimator = small(EEGNetClassifier)
    table = evaluate_transfer(
        estimator, X, y, subjects, n_trials=(0, 3, 5), fine_tuning=fine_tuning
    )
    rows = []
    for subject in np.unique(subjects):
        own = subjects == subject
        source = clone(estimator).fit(X[~own], y[~own])
        trials, labels = X[own], y[own]
        scores = [source.score(trials[5:], labels[5:])]
        for size in (3, 5):
            model = fine_tuned(source, **fine_tuning).fit(trials[:size], labels[:size])
            scores.append(model.score(trials[5:], labels[5:]))
        rows += [(subject, n, 3, score) for n, score in zip((0, 3, 5), scores, strict=True)]
    assert list(table.columns) == ["group", "n_trials", "n_test", "score"]
    assert list(table.itertuples(index=False, name=None)) == rows
    assert estimator.pretrained is None
    assert not hasattr(estimator, "net_")


def test_epochs_in_parallel_are_equal_to_arrays(any_epochs):
    epochs = any_epochs
    y = eegsk.signals.event_names(epochs)
    groups = np.arange(len(y)) // -(-len(y) // 2)
    options = {"groups": groups, "n_trials": [0, 5]}
    estimator = small(EEGNetClassifier)
    expected = evaluate_transfer(estimator, epochs.get_data(copy=True), y, **options)
    split = [epochs[:7], epochs[7:]]
    for X in (epochs, split):
        table = evaluate_transfer(estimator, X, **options, n_jobs=1 if X is epochs else 2)
        assert table.equals(expected)


class Scale(TransformerMixin, BaseEstimator):
    """Transformer that multiplies trials by a factor that it learns from the training trials."""

    calls = []  # noqa: RUF012

    def fit(self, X, y=None, groups=None):
        self.factor_ = 1 / X.std()
        self.calls.append(("fit", len(X), groups))
        return self

    def fit_transform(self, X, y=None, groups=None):
        return self.fit(X, y, groups).transform(X, groups)

    def transform(self, X, groups=None):
        self.calls.append(("transform", len(X), groups))
        return self.factor_ * X


def test_transformers_are_fitted_to_the_other_subjects_only(X, y, subjects):
    Scale.calls = []
    X = X * np.repeat([1, 10, 100], 8)[:, None, None].astype(X.dtype)
    model = small(EEGNetClassifier, standardize=None)
    pipeline = make_pipeline(Scale(), model)
    table = evaluate_transfer(pipeline, X, y, subjects, n_trials=[0, 4])
    assert [call[:2] for call in Scale.calls] == 3 * [
        ("fit", 16),
        ("transform", 16),
        ("transform", 8),
    ]
    own = subjects == "eva"
    fitted = clone(pipeline).fit(X[~own], y[~own])
    assert table["score"].tolist()[4] == fitted.score(X[own][4:], y[own][4:])
    trials = fitted[:-1].transform(X[own])
    tuned = fine_tuned(fitted[-1]).fit(trials[:4], y[own][:4])
    assert table["score"].tolist()[5] == tuned.score(trials[4:], y[own][4:])
    alone = Pipeline([("only", clone(model))])
    expected = evaluate_transfer(model, X, y, subjects, n_trials=[0, 4])
    assert evaluate_transfer(alone, X, y, subjects, n_trials=[0, 4]).equals(expected)


def test_groups_are_routed_to_the_steps_that_request_them(X, y, subjects):
    Scale.calls = []
    with sklearn.config_context(enable_metadata_routing=True):
        scale = Scale().set_fit_request(groups=True).set_transform_request(groups=True)
        model = small(EEGNetClassifier, max_epochs=1).set_fit_request(groups=False)
        evaluate_transfer(make_pipeline(scale, model), X, y, subjects, n_trials=[0], n_jobs=1)
    for name, n_trials, groups in Scale.calls:
        assert len(groups) == n_trials
        assert len(np.unique(groups)) == (2 if n_trials == 16 else 1), name


@pytest.mark.parametrize("scoring", ["neg_log_loss", make_scorer(lambda y, predicted: 0.25)])
def test_scoring(scoring, X, y, subjects):
    estimator = small(EEGNetClassifier, max_epochs=1)
    scores = evaluate_transfer(estimator, X, y, subjects, n_trials=[0, 4], scoring=scoring)["score"]
    assert (scores < 0).all() if scoring == "neg_log_loss" else (scores == 0.25).all()


def test_regression(X, y, subjects):
    targets = np.column_stack([X.std((1, 2)), y])
    table = evaluate_transfer(small(EEGNetRegressor), X, targets, subjects, n_trials=[0, 4])
    assert np.isfinite(table["score"]).all()


def test_other_estimators_are_tested_without_labelled_trials(X, y, subjects):
    pipeline = make_pipeline(FunctionTransformer(lambda X: X.std(2)), LogisticRegression())
    table = evaluate_transfer(pipeline, X, y, subjects, n_trials=[0])
    cv = GroupKFold(3)
    scores = cross_val_score(pipeline, X, y, groups=subjects, cv=cv)
    assert sorted(table["score"]) == sorted(scores)
    with pytest.raises(TypeError, match="LogisticRegression has no parameter 'pretrained' and can"):
        evaluate_transfer(pipeline, X, y, subjects, n_trials=[0, 4])


def test_record_array_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    rows = [{"group": "anna", "n_trials": n, "score": n / 10} for n in (0, 4)]
    table = transfer._table(rows)
    assert isinstance(table, np.recarray)
    assert table[table["n_trials"] == 4]["score"] == 0.4
    assert [tuple(row) for row in table] == [("anna", 0, 0.0), ("anna", 4, 0.4)]


def test_labels_of_lazy_trials(X, y, subjects):
    trials = LazyTrials(X, {"label": y})
    estimator = small(EEGNetClassifier, max_epochs=1)
    table = evaluate_transfer(estimator, trials, groups=subjects, n_trials=[0, 4])
    expected = evaluate_transfer(estimator, X, y, subjects, n_trials=[0, 4])
    assert table["score"].tolist() == expected["score"].tolist()


def test_progress_bar(X, y, subjects, capsys):
    estimator = small(EEGNetClassifier, max_epochs=1)
    evaluate_transfer(estimator, X, y, subjects, n_trials=[0])
    assert capsys.readouterr().err == ""
    evaluate_transfer(estimator, X, y, subjects, n_trials=[0], verbose=1)
    assert "3/3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": None}, "groups should be the subject of each trial, of at least two"),
        ({"groups": np.zeros(24)}, "groups should be the subject of each trial, of at least two"),
        ({"groups": np.zeros(3)}, r"groups has shape \(3,\); it should be \(24,\)"),
        ({"y": None}, "y is None; pass the labels, or Epochs with events"),
        ({"y": np.zeros(23)}, "X has 24 trials, but y has 23 labels"),
        ({"n_trials": [0, 8]}, "'anna' has 8 trials, but n_trials=.* needs at least 9; lower n_tr"),
        ({"n_trials": [-1]}, r"n_trials=\[-1\] should be integers, 0 or at least 2"),
        ({"n_trials": [0, 1]}, r"n_trials=\[0, 1\] should be integers, 0 or at least 2"),
        ({"n_trials": [2.5]}, r"n_trials=\[2.5\] should be integers, 0 or at least 2"),
        ({"n_trials": []}, r"n_trials=\[\] should be integers, 0 or at least 2"),
        ({"y": np.arange(24) // 4}, "first 4 trials of group 'anna' are all of one class; raise n"),
        ({"fine_tuning": {"rate": 1}}, "Invalid parameter 'rate' for estimator EEGNetClassifier"),
    ],
)
def test_errors_of_the_evaluation(change, message, X, y, subjects):
    arguments = {"y": y, "groups": subjects, "n_trials": [0, 4], **change}
    with pytest.raises(ValueError, match=message):
        evaluate_transfer(small(EEGNetClassifier), X, **arguments)


def test_aligned_estimator_receives_the_groups(X, y, subjects):
    groups_of_fits = []

    class Aligned(AlignedEstimator):
        def fit(self, X, y=None, groups=None):
            groups_of_fits.append(np.unique(groups).tolist())
            return super().fit(X, y, groups)

    aligned = Aligned(EuclideanAlignment(), small(EEGNetClassifier, max_epochs=1))
    evaluate_transfer(aligned, X, y, subjects, n_trials=[0])
    assert groups_of_fits == [["ben", "eva"], ["anna", "eva"], ["anna", "ben"]]


@pytest.mark.parametrize("online", [False, True])
def test_alignment_inside_the_folds(online, epochs, y, subjects):
    pandas = pytest.importorskip("pandas")
    epochs.metadata = pandas.DataFrame({"subject": subjects})
    aligner = EuclideanAlignment(by="subject", online=online, min_trials=1)
    pipeline = make_pipeline(aligner, small(EEGNetClassifier))
    table = evaluate_transfer(pipeline, epochs, y, subjects, n_trials=[0, 4])
    own = subjects == "ben"
    fitted = clone(pipeline).fit(epochs[~own], y[~own])
    trials = fitted[0].transform(epochs[own])
    tuned = fine_tuned(fitted[1]).fit(trials[:4], y[own][:4])
    scores = [model.score(trials[4:], y[own][4:]) for model in (fitted[1], tuned)]
    assert table.loc[table["group"] == "ben", "score"].tolist() == scores


# Ensembles of seeds


def seeds_of(estimator, n_seeds=3):
    return [
        (f"seed{seed}", clone(estimator).set_params(random_state=seed)) for seed in range(n_seeds)
    ]


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_ensemble_of_classifiers(n_jobs, X, y, epochs):
    estimator = small(EEGNetClassifier)
    names = np.array(["left", "right"])[y]
    ensemble = VotingClassifier(seeds_of(estimator), voting="soft", n_jobs=n_jobs)
    probabilities = [model.fit(X, y).predict_proba(X) for _, model in seeds_of(estimator)]
    for trials in (X, 1e-6 * X):
        ensemble.fit(trials, names)
        np.testing.assert_allclose(
            ensemble.predict_proba(trials), np.mean(probabilities, axis=0), atol=1e-5
        )
    expected = ensemble.predict(1e-6 * X)
    np.testing.assert_array_equal(ensemble.fit(epochs, names).predict(epochs), expected)
    scores = cross_val_score(ensemble, epochs, names, cv=KFold(2))
    np.testing.assert_array_equal(scores, cross_val_score(ensemble, 1e-6 * X, names, cv=KFold(2)))


def test_ensemble_of_regressors(X, y, epochs):
    ensemble = VotingRegressor(seeds_of(small(EEGNetRegressor)), n_jobs=2)
    for trials in (X, epochs):
        ensemble.fit(trials, y)
        predictions = [model.predict(trials) for model in ensemble.estimators_]
        np.testing.assert_allclose(ensemble.predict(trials), np.mean(predictions, axis=0))


def test_ensemble_in_a_pipeline(X, y):
    ensemble = VotingClassifier(seeds_of(small(EEGNetClassifier)), voting="soft")
    pipeline = make_pipeline(FunctionTransformer(), ensemble).fit(X, y)
    assert pipeline.predict(X).shape == y.shape


def test_bagging_takes_two_dimensional_trials_only(X, y):
    """A pipeline that restores the shape of trials is the remedy."""
    estimator = small(EEGNetClassifier)
    with pytest.raises(ValueError, match="Found array with dim 3, while dim <= 2 is required"):
        BaggingClassifier(estimator).fit(X, y)
    shape = FunctionTransformer(np.reshape, kw_args={"shape": (-1, *X.shape[1:])})
    bagging = BaggingClassifier(make_pipeline(shape, estimator), n_estimators=2, random_state=0)
    flat = X.reshape(len(X), -1)
    assert bagging.fit(flat, y).predict_proba(flat).shape == (24, 2)


# Documentation and benchmark


@pytest.mark.slow
def test_code_of_the_user_guide(monkeypatch, others, X, y, epochs, groups):
    pandas = pytest.importorskip("pandas")
    guide = Path(__file__).parents[1] / "docs" / "user_guide" / "transfer.md"
    monkeypatch.setitem(EEGNetClassifier.__init__.__kwdefaults__, "max_epochs", 1)
    epochs.metadata = pandas.DataFrame({"session": groups, "subject": groups // 3})
    names = {"X_others": others[0], "y_others": others[1], "X": X, "y": y, "epochs": epochs}
    names |= {"epochs_others": epochs[:20], "subjects": groups, "n_chans": 3, "n_times": 48}
    names |= {"ch_names": epochs.ch_names, "subjects_others": np.arange(len(others[0])) % 2}
    for block in re.findall(
        r"^```python\n(.*?)^```", guide.read_text(encoding="utf-8"), re.M | re.S
    ):
        exec(
            block.replace("random_state=0)", "random_state=0, max_epochs=1)")
            .replace("40", "10")
            .replace("20, 50", "5")
            .replace("30", "1")
            .replace("n_jobs=-1", "n_jobs=1"),
            names,
        )
    assert len(names["table"]) == 2 * 3
    assert len(names["ensemble"].estimators) == 5
