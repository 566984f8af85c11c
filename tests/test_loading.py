"""load_weights: weights of braindecode, of plain networks and of eegsk."""

import importlib
import pickle
import re
import warnings
from collections import OrderedDict

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from eegsk import (
    ATCNetClassifier,
    DeepConvNetClassifier,
    EEGNetClassifier,
    EEGNetRegressor,
    EEGNeXClassifier,
    ShallowConvNetClassifier,
    Signal,
)

SIGNAL = Signal(n_chans=2, n_times=750)
PLAIN_EEGNET = {
    "n_filters": 16,
    "kernel": 51,
    "second_kernel": 15,
    "separable": False,
    "standardize": None,
    "device": "cpu",
}
BRAINDECODE_EEGNET = {"padding": "symmetric", "norm_eps": 1e-3, "head_max_norm": 0.25}
# Estimator, network of braindecode with its arguments, and parameters of the estimator.
TWINS = {
    "EEGNet": (EEGNetClassifier, "EEGNet", {}, BRAINDECODE_EEGNET),
    "EEGNet with odd kernels": (
        EEGNetClassifier,
        "EEGNet",
        {"kernel_length": 33, "depthwise_kernel_length": 15},
        {"kernel": 33, "second_kernel": 15, "norm_eps": 1e-3},
    ),
    "EEGNet with a constrained head": (
        EEGNetClassifier,
        "EEGNet",
        {"final_layer_with_constraint": True},
        BRAINDECODE_EEGNET,
    ),
    "EEGNeX": (EEGNeXClassifier, "EEGNeX", {}, {}),
    "Deep4Net": (DeepConvNetClassifier, "Deep4Net", {}, {"kernel": 10, "pool": 3}),
    "ShallowFBCSPNet": (ShallowConvNetClassifier, "ShallowFBCSPNet", {}, {}),
}


def plain_eegnet():
    """Return the EEGNet of two-electrode courses."""

    def block(*layers):
        return nn.Sequential(*layers)

    blocks = OrderedDict(
        firstconv=block(nn.Conv2d(1, 16, (1, 51), padding=(0, 25), bias=False), nn.BatchNorm2d(16)),
        depthwiseConv=block(
            nn.Conv2d(16, 32, (2, 1), groups=16, bias=False),
            nn.BatchNorm2d(32),
            nn.ELU(),
            nn.AvgPool2d((1, 4)),
            nn.Dropout(0.25),
        ),
        separableConv=block(
            nn.Conv2d(32, 32, (1, 15), padding=(0, 7), bias=False),
            nn.BatchNorm2d(32),
            nn.ELU(),
            nn.AvgPool2d((1, 8)),
            nn.Dropout(0.25),
        ),
        flatten=nn.Flatten(),
        classify=block(nn.Linear(736, 2)),
    )
    return nn.Sequential(blocks)


def plain_deep_conv_net():
    """Return the DeepConvNet of two-electrode courses."""
    blocks = OrderedDict()
    n_inputs = 1
    for number, n_filters in enumerate((25, 50, 100, 200)):
        first = [nn.Conv2d(25, 25, (2, 1))] if number == 0 else []
        blocks[f"conv{number}"] = nn.Sequential(
            nn.Conv2d(n_inputs, n_filters, (1, 5)),
            *first,
            nn.BatchNorm2d(n_filters),
            nn.ELU(),
            nn.MaxPool2d((1, 2)),
            nn.Dropout(0.5),
        )
        n_inputs = n_filters
    return nn.Sequential(
        OrderedDict(blocks, flatten=nn.Flatten(), classify=nn.Sequential(nn.Linear(8600, 2)))
    )


PLAIN = {
    "EEGNet": (EEGNetClassifier(**PLAIN_EEGNET), plain_eegnet),
    "DeepConvNet": (DeepConvNetClassifier(standardize=None, device="cpu"), plain_deep_conv_net),
}


@torch.no_grad()
def randomized(module):
    """Return a module in evaluation mode with changed weights and running statistics."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            noise = torch.rand(tensor.shape, generator=generator)
            tensor.copy_(0.5 + noise if "running_var" in name else tensor + 0.2 * (noise - 0.5))
    return module.eval()


@pytest.fixture(scope="module")
def trials():
    return np.random.default_rng(0).standard_normal((6, 2, 750)).astype(np.float32)


@torch.no_grad()
def assert_same_logits(estimator, module, trials, atol, shape=(-1, 1, 2, 750)):
    expected = module.double()(torch.from_numpy(trials).double().view(shape)).numpy()
    assert np.ptp(expected, axis=0).min() > 1e-3
    np.testing.assert_allclose(
        estimator.decision_function(trials), expected[:, 1] - expected[:, 0], rtol=0, atol=atol
    )


def load(estimator, weights):
    return estimator.load_weights(weights, signal=SIGNAL, classes=["left", "right"])


@pytest.fixture(params=PLAIN)
def plain(request):
    estimator, make = PLAIN[request.param]
    torch.manual_seed(0)
    return clone(estimator), randomized(make())


@pytest.mark.parametrize("twin", TWINS)
def test_weights_of_braindecode_give_the_same_logits(twin, trials):
    pytest.importorskip("braindecode", reason='braindecode is installed by the extra "bench"')
    estimator_class, name, arguments, fields = TWINS[twin]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = importlib.import_module("braindecode.models")
        torch.manual_seed(0)
        module = getattr(models, name)(n_chans=2, n_times=750, n_outputs=2, **arguments)
        module = randomized(module)
        estimator = estimator_class(standardize=None, device="cpu", **fields)
        estimator = load(estimator, module.state_dict())
        assert_same_logits(estimator, module, 5 * trials, 1e-5, shape=(-1, 2, 750))


def test_weights_of_plain_networks_give_the_same_logits(plain, trials):
    estimator, module = plain
    load(estimator, module.state_dict())
    assert estimator.classes_.tolist() == ["left", "right"]
    assert set(estimator.predict(trials)) <= {"left", "right"}
    assert estimator.n_iter_ == 0
    assert_same_logits(estimator, module, trials, 1e-6)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_files_give_the_same_logits(plain, trials, suffix, tmp_path):
    estimator, module = plain
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pt":
        torch.save({"epoch": 3, "state_dict": module.state_dict()}, path)
    else:
        importlib.import_module("safetensors.torch").save_file(module.state_dict(), path)
    assert_same_logits(load(estimator, path), module, trials, 1e-6)


def test_weights_with_unknown_names_are_matched_in_order(plain, trials):
    estimator, module = plain
    weights = {f"body.{name}": tensor for name, tensor in module.state_dict().items()}
    with pytest.warns(UserWarning, match="names of the layers .* are unknown.*matched in order"):
        load(estimator, weights)
    assert_same_logits(estimator, module, trials, 1e-6)


def test_training_continues_from_loaded_weights(trials):
    estimator = EEGNetClassifier(**PLAIN_EEGNET, warm_start=True, max_epochs=1, random_state=0)
    weights = plain_eegnet().state_dict()
    load(estimator, weights)
    before = estimator.module_.network.head.weight.clone()
    assert torch.equal(before, weights["classify.0.weight"])
    estimator.fit(trials, ["left", "right"] * 3)
    assert estimator.n_iter_ == 1
    assert not torch.equal(before, estimator.module_.network.head.weight)


@pytest.mark.parametrize("standardize", ["channel", "global", "spectrum", None])
def test_weights_of_a_fitted_estimator_give_the_same_logits(standardize, trials):
    fields = {"standardize": standardize, "max_epochs": 1, "random_state": 0, "device": "cpu"}
    fitted = ATCNetClassifier(**fields).fit(trials, ["left", "right"] * 3)
    estimator = load(ATCNetClassifier(**fields), fitted.module_.state_dict())
    expected = fitted.decision_function(trials)
    np.testing.assert_array_equal(estimator.decision_function(trials), expected)


def test_fitted_estimators_keep_their_standardisation(trials):
    fields = {**PLAIN_EEGNET, "standardize": "channel"}
    estimator = EEGNetClassifier(**fields, max_epochs=1, random_state=0)
    estimator.fit(1e-6 * trials, [3, 4] * 3)
    module = randomized(plain_eegnet())
    estimator.load_weights(module.state_dict())
    assert estimator.classes_.tolist() == [3, 4]
    with torch.no_grad():
        standardized = estimator.module_.standardize(torch.from_numpy(1e-6 * trials)).unsqueeze(1)
        expected = module(standardized).numpy()
    logits = estimator.decision_function(1e-6 * trials)
    np.testing.assert_allclose(logits, expected[:, 1] - expected[:, 0], atol=1e-5)
    with pytest.raises(ValueError, match="is fitted and keeps its signal; do not pass signal"):
        load(estimator, module.state_dict())


def test_regressors_return_the_outputs_of_the_network(trials):
    module = randomized(plain_eegnet())
    estimator = EEGNetRegressor(**PLAIN_EEGNET)
    estimator.load_weights(module.state_dict(), signal=SIGNAL, n_outputs=2)
    with torch.no_grad():
        expected = module(torch.from_numpy(trials).unsqueeze(1)).numpy()
    np.testing.assert_allclose(estimator.predict(trials), expected, atol=1e-6)


def test_all_mismatches_are_in_one_error():
    weights = plain_eegnet().state_dict()
    weights["classify.0.weight"] = torch.zeros(2, 700)
    weights["firstconv.0.bias"] = torch.zeros(16)
    weights["separableConv.1.weight"] = torch.full((32,), torch.nan)
    del weights["depthwiseConv.1.running_var"]
    with pytest.raises(ValueError, match="none was loaded") as info:
        load(EEGNetClassifier(**PLAIN_EEGNET), weights)
    for message in (
        "classify.0.weight of shape (2, 700) does not fit head.weight of shape (2, 736)",
        "firstconv.0.bias has no counterpart in trunk.front.temporal",
        "trunk.second_norm.weight is not finite",
        "trunk.front.spatial_norm.running_var has no counterpart in depthwiseConv.1",
    ):
        assert message in str(info.value)


def test_a_different_number_of_layers_is_an_error():
    message = re.escape("has 8 layers with weights (trunk.front.temporal,")
    with pytest.raises(ValueError, match=message):
        load(EEGNetClassifier(**{**PLAIN_EEGNET, "separable": True}), plain_eegnet().state_dict())


def test_networks_with_branches_need_their_own_names():
    estimator = ATCNetClassifier(standardize=None, device="cpu")
    with pytest.raises(ValueError, match=r"firstconv\.0\.weight is not in the network"):
        load(estimator, plain_eegnet().state_dict())


def braindecode_weights():
    """Return weights with the names and shapes of braindecode's EEGNet, kernels of 64 and 16."""
    shapes = {
        "conv_temporal": (8, 1, 1, 64),
        "bnorm_temporal": (8,),
        "conv_spatial.parametrizations.weight.original": (16, 1, 2, 1),
        "bnorm_1": (16,),
        "conv_separable_depth": (16, 1, 1, 16),
        "conv_separable_point": (16, 16, 1, 1),
        "bnorm_2": (16,),
        "final_layer.conv_classifier": (2, 16, 1, 23),
    }
    weights = {}
    for name, shape in shapes.items():
        weights[name if "original" in name else f"{name}.weight"] = torch.ones(shape)
        attributes = ("bias", "running_mean", "running_var") if "bnorm" in name else ()
        weights |= {f"{name}.{attribute}": torch.ones(shape) for attribute in attributes}
    return weights | {"final_layer.conv_classifier.bias": torch.ones(2)}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"norm_eps": 1e-3}, r"kernel=64, second_kernel=16\), which .*set padding='symmetric'"),
        ({"padding": "symmetric"}, r"set norm_eps=1e-3"),
        ({**BRAINDECODE_EEGNET, "spatial_max_norm": None}, r"conv_spatial\.weight has a max-norm"),
    ],
)
def test_weights_that_would_predict_something_else_are_errors(fields, message):
    with pytest.raises(ValueError, match=message):
        load(EEGNetClassifier(standardize=None, **fields), braindecode_weights())


def test_max_norm_constraints_are_applied():
    estimator = EEGNetClassifier(standardize=None, device="cpu", **BRAINDECODE_EEGNET)
    load(estimator, braindecode_weights())
    norms = estimator.module_.network.trunk.front.spatial.weight.flatten(1).norm(dim=1)
    torch.testing.assert_close(norms, torch.ones(16))


def test_weights_without_standardisation_need_none():
    estimator = EEGNetClassifier(**{**PLAIN_EEGNET, "standardize": "channel"})
    with pytest.raises(ValueError, match=r"contain no standardisation; set standardize=None"):
        load(estimator, plain_eegnet().state_dict())


class Malicious:
    def __reduce__(self):
        return print, ("executed",)


def test_files_of_other_kinds_are_errors(tmp_path, capsys):
    estimator = EEGNetClassifier(**PLAIN_EEGNET)
    for name in ("text.pt", "text.safetensors"):
        (tmp_path / name).write_text("no weights")
        with pytest.raises(ValueError, match="is no file of weights; expected a state dict"):
            load(estimator, tmp_path / name)
    torch.save(plain_eegnet(), tmp_path / "module.pt")
    (tmp_path / "malicious.pt").write_bytes(pickle.dumps(Malicious(), protocol=2))
    for name in ("module.pt", "malicious.pt"):
        with pytest.raises(ValueError, match="cannot be read without running its code"):
            load(estimator, tmp_path / name)
    assert capsys.readouterr().out == ""
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(TypeError, match="does not contain a state dict"):
        load(estimator, tmp_path / "list.pt")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load(estimator, tmp_path / "missing.pt")
    with pytest.raises(TypeError, match=r"pass module\.state_dict\(\)"):
        load(estimator, plain_eegnet())


def test_safetensors_with_unknown_names_are_errors(tmp_path):
    weights = {f"body.{name}": tensor for name, tensor in plain_eegnet().state_dict().items()}
    importlib.import_module("safetensors.torch").save_file(weights, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match="does not keep their order"):
        load(EEGNetClassifier(**PLAIN_EEGNET), tmp_path / "w.safetensors")


@pytest.mark.parametrize("is_fitted", [False, True])
def test_nothing_changes_after_an_error(is_fitted, trials):
    estimator = EEGNetClassifier(**PLAIN_EEGNET, max_epochs=1, random_state=0)
    arguments = {} if is_fitted else {"signal": SIGNAL, "classes": [0, 1]}
    if is_fitted:
        estimator.fit(trials, [0, 1] * 3)
        logits = estimator.decision_function(trials)
    before = dict(vars(estimator))
    weights = plain_eegnet().state_dict()
    weights["classify.0.bias"] = torch.zeros(3)
    with pytest.raises(ValueError, match=r"classify\.0\.bias of shape \(3,\)"):
        estimator.load_weights(weights, **arguments)
    after = vars(estimator)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    if is_fitted:
        np.testing.assert_array_equal(estimator.decision_function(trials), logits)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "the estimator is not fitted; describe the trials and targets"),
        ({"signal": SIGNAL}, "the estimator is not fitted; describe the trials and targets"),
        ({"signal": SIGNAL, "classes": [1, 0]}, "should be different labels in sorted order"),
    ],
)
def test_signal_and_classes_are_required(arguments, message):
    with pytest.raises(ValueError, match=message):
        EEGNetClassifier(**PLAIN_EEGNET).load_weights(plain_eegnet().state_dict(), **arguments)


def test_batch_norm_constants_are_fields(trials):
    fields = {"max_epochs": 1, "norm_eps": 1e-3, "norm_momentum": 0.01, "random_state": 0}
    estimator = EEGNetClassifier(**fields).fit(trials, [0, 1] * 3)
    layers = [
        m for m in estimator.module_.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)
    ]
    assert {(layer.eps, layer.momentum) for layer in layers} == {(1e-3, 0.01)}
    assert len(layers) == 3
