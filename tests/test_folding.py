"""Folded networks: the same outputs as the network, also after it was changed by hand."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
import torch
import torch.nn.utils.prune
from torch import nn

import eegsk.networks
from eegsk import EEGClassifier, EEGNetClassifier, Signal
from eegsk.blocks import MeanPool, Standardize, Whiten
from eegsk.blocks.folding import _ELU, can_fold, fold
from eegsk.training import apply_network, inference
from eegsk.training.inference import _FOLDED
from eegsk.training.module_snapshot import ModuleSnapshot

from .networks import linear, small

NETWORKS = [
    getattr(eegsk.networks, name)
    for name in eegsk.networks.__all__
    if name not in ("Architecture", "build_network")
]


def randomized(module, seed=0):
    """Change weights and running statistics at random, as training would."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_()
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2)
    return module


def network_of(kind, first=Standardize, n_chans=5, n_times=600):
    network = kind().build(Signal(n_chans=n_chans, n_times=n_times), 3)
    learned = {
        Standardize: [torch.randn(n_chans), torch.rand(n_chans) + 0.5],
        Whiten: [torch.randn(n_chans), torch.rand(n_chans) + 0.5, torch.randn(7)],
    }
    return randomized(nn.Sequential(first(*learned.get(first, [])), network)).double()


@pytest.mark.parametrize("first", [Standardize, Whiten, nn.Identity])
@pytest.mark.parametrize("kind", NETWORKS)
def test_a_folded_network_computes_the_same(kind, first):
    module = network_of(kind, first)
    before = copy.deepcopy(module.state_dict())
    x = torch.randn(7, 5, 600, dtype=torch.float64)
    folded = fold(module, torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(folded(x), module.eval()(x), rtol=1e-11, atol=1e-11)
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("kind", [eegsk.networks.EEGNet, eegsk.networks.EEGNeX])
def test_a_folded_network_has_no_normalisation_up_to_the_first_activation(kind):
    folded = fold(network_of(kind), torch.float64)
    assert isinstance(folded[1], _ELU)
    kinds = [type(layer).__name__ for layer in folded.modules()]
    assert not [name for name in kinds if "Norm" in name or "Dropout" in name]


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv1d(5, 4, 3), nn.BatchNorm1d(4, affine=False), nn.ReLU()],
        [nn.Conv1d(5, 4, 3), nn.BatchNorm1d(4, track_running_stats=False), nn.PReLU()],
        [nn.Conv1d(5, 4, 3, 2, bias=False), nn.BatchNorm1d(4), nn.Dropout1d(0.5), nn.ELU()],
        [nn.BatchNorm1d(5), nn.Conv1d(5, 5, 3, groups=5, padding="same"), nn.BatchNorm1d(5)],
        [MeanPool(3), nn.Flatten(), nn.Linear(30, 2)],
        [MeanPool(3), nn.Flatten(), nn.Linear(30, 4)],
        [MeanPool(4, 2), nn.Flatten(), nn.Linear(45, 2)],
        [MeanPool(4, padding=2), nn.Flatten(), nn.Linear(30, 2)],
        [MeanPool(4), nn.Flatten(2), nn.Linear(5, 2)],
    ],
)
def test_other_sequences_of_layers_can_be_folded(layers):
    module = randomized(nn.Sequential(nn.Identity(), nn.Sequential(*layers))).double()
    x = torch.randn(7, 5, 20, dtype=torch.float64)
    with torch.no_grad():
        expected = module.eval()(x)
        torch.testing.assert_close(fold(module, torch.float64)(x), expected, rtol=0, atol=1e-12)


class Shift(nn.Module):
    """A layer with a weight that is neither torch's nor eegsk's."""

    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return x + self.shift


def test_networks_with_other_layers_cannot_be_folded():
    assert not can_fold(nn.Sequential(nn.Flatten(), Shift()))
    parametrized = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    assert not can_fold(nn.Sequential(parametrized))


def apply(module, x):
    return apply_network(module, x, torch.float64, 64)


def change_values(module):
    next(module.parameters()).data.mul_(2)


def change_values_through_numpy(module):
    values = next(module.parameters()).detach().numpy()
    values *= 2


def change_a_statistic(module):
    module[1].trunk.second_norm.running_mean.data += 1


def change_a_parameter(module):
    module[1].head.bias = nn.Parameter(torch.ones(3))


def change_a_layer(module):
    module[1].head = copy.deepcopy(module[1].head)
    module[1].head.weight.data.mul_(2)


def change_the_class_of_a_layer(module):
    module[1].trunk.activation.__class__ = nn.SELU


def change_an_activation(module):
    module[1].trunk.activation = nn.Tanh()


def change_an_activation_inside(module):
    module[1].trunk.activation.alpha = 0.1


def change_an_epsilon(module):
    module[1].trunk.second_norm.eps = 1.0


def change_a_forward(module):
    module[1].head.forward = lambda x: torch.zeros(len(x), 3, dtype=x.dtype)


@pytest.mark.parametrize(
    "change",
    [
        change_an_epsilon,
        change_a_forward,
        change_values,
        change_values_through_numpy,
        change_a_statistic,
        change_a_layer,
        change_the_class_of_a_layer,
        change_a_parameter,
        change_an_activation,
        change_an_activation_inside,
    ],
)
def test_predictions_follow_changes_made_by_hand(change):
    module = network_of(eegsk.networks.EEGNet).float()
    x = torch.randn(4, 5, 600)
    before = apply(module, x)
    change(module)
    after = apply(module, x)
    expected = copy.deepcopy(module).double().eval()(x.double()).detach()
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, expected, rtol=1e-9, atol=1e-9)


def test_a_snapshot_detects_that_a_module_moves_to_another_device():
    module = network_of(eegsk.networks.EEGNet)
    snapshot = ModuleSnapshot(module)
    assert snapshot.matches(module)
    assert not snapshot.matches(module.to("meta"))


@pytest.mark.parametrize(
    ("attribute", "change"),
    [
        ([3, 4], lambda value: value.append(5)),
        ([3, 4], lambda value: value.__setitem__(0, 9)),
        ({"a": 3}, lambda value: value.update(a=4)),
        ({"a": 3}, lambda value: value.update(b=4)),
    ],
)
def test_a_snapshot_compares_the_items_of_lists_and_dictionaries(attribute, change):
    module = nn.Sequential(nn.Linear(2, 2))
    module[0].sizes = attribute
    snapshot = ModuleSnapshot(module)
    assert snapshot.matches(module)
    change(attribute)
    assert not snapshot.matches(module)


def test_a_snapshot_compares_tensors_that_are_plain_attributes():
    layer = nn.ReLU()
    layer.gain = torch.ones(3)
    module = nn.Sequential(layer)
    snapshot = ModuleSnapshot(module)
    layer.gain[0] = 2
    assert not snapshot.matches(module)


def test_a_network_is_folded_once(monkeypatch):
    module, n_folds = network_of(eegsk.networks.EEGNet), []
    monkeypatch.setattr(inference, "fold", lambda *args: n_folds.append(1) or fold(*args))
    for _ in range(3):
        apply(module, torch.randn(2, 5, 600))
    assert len(n_folds) == 1


def test_hooks_are_called():
    module = network_of(eegsk.networks.EEGNet).float()
    x, seen = torch.randn(4, 5, 600), []
    expected = apply(module, x)
    layer = module[1].trunk.front
    handle = layer.register_forward_hook(lambda layer, args, output: seen.append(output.shape))
    torch.testing.assert_close(apply(module, x), expected)
    assert seen == [(4, 16, 600)]
    handle.remove()
    apply(module, x)
    assert len(seen) == 1


@pytest.mark.parametrize(
    "kind", [eegsk.networks.EEGNet, eegsk.networks.EEGNeX, eegsk.networks.ShallowConvNet]
)
def test_hooks_inside_the_front_end_change_the_output(kind):
    module = network_of(kind).float()
    x, front = torch.randn(4, 5, 600), module[1].trunk.front
    expected = apply(module, x)
    for layer in front.children():
        handle = layer.register_forward_hook(lambda layer, args, output: 0 * output)
        assert not torch.allclose(apply(module, x), expected)
        handle.remove()
    torch.testing.assert_close(apply(module, x), expected)


@pytest.mark.parametrize("layer", ["temporal", "spatial"])
def test_pruned_layers(layer, X, y):
    classifier = small(EEGNetClassifier, warm_start=True).fit(X, y)
    before = classifier.predict_proba(X)
    pruned = getattr(classifier.module_.network.trunk.front, layer)
    nn.utils.prune.random_unstructured(pruned, "weight", amount=0.5)
    assert not np.allclose(classifier.predict_proba(X), before)
    assert np.isfinite(classifier.fit(X, y).predict_proba(X)).all()


def test_the_cache_does_not_keep_networks_alive():
    module = network_of(eegsk.networks.EEGNet)
    apply(module, torch.randn(2, 5, 600))
    assert module in _FOLDED
    reference = weakref.ref(module)
    del module
    gc.collect()
    assert reference() is None


def test_the_cache_is_not_pickled(X, y):
    classifier = small(EEGNetClassifier).fit(X, y)
    before = len(pickle.dumps(classifier))
    expected = classifier.predict_proba(X)
    assert len(pickle.dumps(classifier)) == before
    loaded = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)


def network_that_writes_to_its_input(n_chans, n_times, n_outputs):
    return nn.Sequential(nn.ReLU(inplace=True), *linear(n_chans, n_times, n_outputs))


@pytest.mark.parametrize("standardize", [None, "channel"])
def test_trials_are_not_written_to(standardize, X, y):
    classifier = EEGClassifier(
        network=network_that_writes_to_its_input, max_epochs=1, standardize=standardize
    )
    original = X.copy()
    classifier.fit(X, y).predict(X)
    np.testing.assert_array_equal(X, original)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated:DeprecationWarning")
def test_a_traced_network_predicts(X, y):
    def traced(n_chans, n_times, n_outputs):
        layer = nn.Linear(n_chans * n_times, n_outputs)
        example = torch.zeros(2, n_chans * n_times)
        return nn.Sequential(nn.Flatten(), torch.jit.trace(layer, example))

    estimator = EEGClassifier(network=traced, max_epochs=1).fit(X, y)
    before = estimator.predict_proba(X)
    np.testing.assert_array_equal(estimator.predict_proba(X), before)
    with torch.no_grad():
        estimator.module_[1][1].bias[0] += 1
    assert (estimator.predict_proba(X)[:, 0] > before[:, 0]).all()


def test_the_output_of_a_network_may_be_a_view_of_its_input():
    X = torch.randn(10, 2, 3)
    output = apply_network(nn.Sequential(nn.Flatten()), X, torch.float64, 4)
    assert torch.equal(output, X.flatten(1).double())


def test_hooks_may_keep_the_outputs_of_all_batches():
    module, seen = nn.Sequential(nn.Identity(), nn.Flatten()), []
    module[0].register_forward_hook(lambda layer, args, output: seen.append(output))
    X = torch.randn(10, 2, 3)
    apply_network(module, X, torch.float64, 4)
    assert torch.equal(torch.cat(seen), X.double())


def test_predictions_follow_changes_made_while_folding(monkeypatch):
    module = network_of(eegsk.networks.EEGNet)
    x = torch.randn(4, 5, 600)

    def fold_and_change(module, dtype):
        folded = fold(module, dtype)
        module[1].head.weight.data.mul_(2)
        return folded

    with monkeypatch.context() as patch:
        patch.setattr(inference, "fold", fold_and_change)
        apply(module, x)
    expected = copy.deepcopy(module).eval()(x.double()).detach()
    torch.testing.assert_close(apply(module, x), expected, rtol=1e-9, atol=1e-9)


def test_a_folded_front_end_has_copies_of_the_weights():
    front = network_of(eegsk.networks.EEGNet)[1].trunk.front.eval()
    folded = front.folded(torch.zeros(5).double(), torch.ones(5).double())
    x = torch.randn(2, 5, 600, dtype=torch.float64)
    with torch.no_grad():
        expected = front(x)
        front.temporal.weight.mul_(3)
        torch.testing.assert_close(folded(x), expected)


class Equal(nn.Module):
    """A layer that compares equal to all layers of its class."""

    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def __eq__(self, other):
        return isinstance(other, Equal)

    __hash__ = nn.Module.__hash__

    def forward(self, x):
        return x * self.scale


def test_layers_are_compared_by_identity():
    module = nn.Sequential(Equal(1.0), nn.Flatten())
    X = torch.randn(3, 2, 4)
    apply(module, X)
    module[0] = Equal(3.0)
    torch.testing.assert_close(apply(module, X), 3 * X.flatten(1).double())
    module[0].scale = torch.tensor([2.0, 4.0])[:, None]
    expected = (torch.tensor([2.0, 4.0])[:, None] * X).flatten(1).double()
    torch.testing.assert_close(apply(module, X), expected)
