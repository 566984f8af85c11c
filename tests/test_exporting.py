"""Export of networks: torch.export, torch.jit, torch.compile, and ONNX."""

import io
import json
import sys

import numpy as np
import pytest
import torch
from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from eegsk import (
    EEGClassifier,
    EEGNetClassifier,
    EEGNetRegressor,
    EEGNeXClassifier,
    to_onnx,
)
from eegsk.alignment import AlignedEstimator, EuclideanAlignment
from eegsk.blocks import MaxPool

from .networks import ESTIMATORS, linear, small

N_TIMES = 400  # long enough for all networks
CATALOGUE = [cls for cls in ESTIMATORS if not cls.__name__.startswith(("EEGClass", "EEGRegr"))]
CLASSIFIERS = [cls for cls in CATALOGUE if cls.__name__.endswith("Classifier")]


def by_speed(classes):
    """Mark all classes but EEGNetClassifier as slow."""
    return [
        cls if cls is EEGNetClassifier else pytest.param(cls, marks=pytest.mark.slow)
        for cls in classes
    ]


def trials(n_chans=3):
    """Return trials in microvolts with an offset, as those of an amplifier."""
    rng = np.random.default_rng(0)
    return (20 * rng.standard_normal((8, n_chans, N_TIMES)) + 3000).astype(np.float32)


def fitted(estimator_class, **fields):
    """Return an estimator whose weights differ from their initial values, and trials."""
    X, y = trials(), np.arange(8) % 2
    if estimator_class.__name__.endswith("Regressor"):
        y = np.c_[y, 100 * np.random.default_rng(1).standard_normal(8) + 1e4]
    estimator = estimator_class(max_epochs=1, random_state=0, **fields).fit(X, y)
    randomize(estimator.module_.network)
    return estimator, X


@torch.no_grad()
def randomize(network):
    """Change weights and running statistics by a fraction of their size."""
    torch.manual_seed(0)
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
        if tensor.is_floating_point():
            tensor.mul_(1 + 0.2 * torch.randn_like(tensor).clamp(-2, 2))
            if name.endswith(("bias", "running_mean")):
                tensor.add_(0.1 * torch.randn_like(tensor))


# Networks traced by torch


@pytest.mark.parametrize("estimator_class", by_speed(CLASSIFIERS))
def test_torch_export_with_any_number_of_trials(estimator_class):
    estimator, X = fitted(estimator_class)
    x = torch.from_numpy(X)
    shapes = ({0: torch.export.Dim("n_trials")},)
    program = torch.export.export(estimator.module_, (x[:3],), dynamic_shapes=shapes)
    expected = torch.from_numpy(estimator.predict_proba(X)).float()
    for n_trials in (1, 8):
        proba = program.module()(x[:n_trials]).softmax(1)
        torch.testing.assert_close(proba, expected[:n_trials], rtol=0, atol=1e-5)
    assert estimator.module_.state_dict().keys() == program.state_dict.keys()


@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("estimator_class", by_speed(CLASSIFIERS))
def test_torch_jit_trace(estimator_class):
    estimator, X = fitted(estimator_class)
    x = torch.from_numpy(X)
    traced = torch.jit.trace(estimator.module_, x[:3])
    expected = torch.from_numpy(estimator.predict_proba(X)).float()
    torch.testing.assert_close(traced(x).softmax(1), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("estimator_class", by_speed(CLASSIFIERS))
def test_torch_compile(estimator_class):
    """The backend does not generate code, which needs a C++ compiler."""
    torch._dynamo.reset()
    estimator, X = fitted(estimator_class)
    compiled = torch.compile(estimator.module_, backend="aot_eager")
    expected = torch.from_numpy(estimator.predict_proba(X)).float()
    with torch.no_grad():
        proba = compiled(torch.from_numpy(X)).softmax(1)
    torch.testing.assert_close(proba, expected, rtol=0, atol=1e-5)


def test_tracing_leaves_no_traces_in_the_estimator():
    """The estimator predicts the same bits before and after its module was exported."""
    estimator, X = fitted(EEGNeXClassifier)
    before = estimator.predict_proba(X)
    torch.export.export(estimator.module_, (torch.from_numpy(X),))
    np.testing.assert_array_equal(estimator.predict_proba(X), before)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.filterwarnings("ignore:Constant folding:UserWarning")
@pytest.mark.parametrize("estimator_class", by_speed(CLASSIFIERS))
def test_the_old_onnx_exporter_of_torch(estimator_class):
    """It replaced the maximum of MaxPool by the first sample, without an error."""
    onnxruntime = pytest.importorskip("onnxruntime")
    estimator, X = fitted(estimator_class)
    buffer = io.BytesIO()
    torch.onnx.export(
        estimator.module_,
        (torch.from_numpy(X[:3]),),
        buffer,
        dynamo=False,
        input_names=["X"],
        dynamic_axes={"X": {0: "n_trials"}},
        opset_version=17,
    )
    (logits,) = onnxruntime.InferenceSession(buffer.getvalue()).run(None, {"X": X})
    proba = torch.from_numpy(logits).softmax(1).numpy()
    np.testing.assert_allclose(proba, estimator.predict_proba(X), rtol=0, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_max_pool_is_traced_with_gradients():
    layer, x = MaxPool(2), torch.randn(2, 3, 31, requires_grad=True)
    traced = torch.jit.trace(layer, x)
    assert "max_pool1d" in str(traced.graph)
    torch.testing.assert_close(traced(x), layer(x))


# ONNX


@pytest.fixture
def onnx():
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    return pytest.importorskip("onnx")


def run(path, X):
    import onnxruntime

    (output,) = onnxruntime.InferenceSession(path).run(None, {"X": X})
    return output


@pytest.mark.parametrize("estimator_class", by_speed(CATALOGUE))
def test_onnx_equals_the_estimator(estimator_class, onnx, tmp_path):
    estimator, X = fitted(estimator_class)
    path = tmp_path / "model.onnx"
    to_onnx(estimator, path)
    is_classifier = estimator_class in CLASSIFIERS
    expected = estimator.predict_proba(X) if is_classifier else estimator.predict(X)
    mean, scale = (0, 1) if is_classifier else (estimator._target.mean, estimator._target.scale)
    for n_trials in (1, 8):
        output = (run(path, X[:n_trials]) - mean) / scale
        np.testing.assert_allclose(output, (expected[:n_trials] - mean) / scale, 1e-5, 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("standardize", ["global", "spectrum", None])
def test_onnx_with_other_standardisation(standardize, onnx, tmp_path):
    estimator, X = fitted(EEGNetClassifier, standardize=standardize)
    to_onnx(estimator, tmp_path / "model.onnx")
    expected = estimator.predict_proba(X)
    np.testing.assert_allclose(run(tmp_path / "model.onnx", X), expected, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("opset", [17, 20])
@pytest.mark.parametrize("estimator_class", CLASSIFIERS)
def test_onnx_of_any_opset(estimator_class, opset, onnx, tmp_path):
    estimator, X = fitted(estimator_class)
    to_onnx(estimator, tmp_path / "model.onnx", opset=opset)
    (version,) = (item.version for item in onnx.load(tmp_path / "model.onnx").opset_import)
    assert version == opset
    expected = estimator.predict_proba(X)
    np.testing.assert_allclose(run(tmp_path / "model.onnx", X), expected, rtol=0, atol=1e-5)


def test_padding_in_version_17(onnx, tmp_path):
    """The converter of onnx cannot convert Pad, which torch exports, e.g. of this network."""
    network = nn.Sequential(nn.ConstantPad1d((2, 3), 0.5), *linear(3, N_TIMES + 5, 2))
    estimator, X = fitted(EEGClassifier, network=lambda n_chans, n_times, n_outputs: network)
    to_onnx(estimator, tmp_path / "model.onnx", opset=17)
    model = onnx.load(tmp_path / "model.onnx")
    assert "Pad" in {node.op_type for node in model.graph.node}
    assert [(item.domain, item.version) for item in model.opset_import] == [("", 17)]
    expected = estimator.predict_proba(X)
    np.testing.assert_allclose(run(tmp_path / "model.onnx", X), expected, rtol=0, atol=1e-5)


def metadata(onnx, path):
    return {item.key: json.loads(item.value) for item in onnx.load(path).metadata_props}


def test_onnx_has_metadata_of_epochs(onnx, epochs, tmp_path):
    path = tmp_path / "model.onnx"
    estimator = small(EEGNetClassifier).fit(epochs)
    to_onnx(estimator, path)
    values = metadata(onnx, path)
    assert values.pop("eegsk_version")
    assert values == {
        "estimator": "EEGNetClassifier",
        "classes": ["left", "right"],
        "n_chans": 3,
        "n_times": 48,
        "sfreq": 100.0,
        "ch_names": ["C3", "Cz", "C4"],
    }
    assert list(tmp_path.iterdir()) == [path]
    expected = estimator.predict_proba(epochs)
    X = epochs.get_data(copy=False).astype(np.float32)
    np.testing.assert_allclose(run(path, X), expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_onnx_of_one_target_has_the_shape_of_predict(onnx, X, y, tmp_path):
    path = tmp_path / "model.onnx"
    estimator = small(EEGNetRegressor).fit(X, 1e6 + y)
    to_onnx(estimator, path)
    assert metadata(onnx, path)["sfreq"] is None
    np.testing.assert_allclose(run(path, X), estimator.predict(X), rtol=0, atol=1e-5)


@pytest.mark.slow
def test_onnx_of_another_network(onnx, X, y, tmp_path):
    estimator = small(EEGClassifier).fit(X, y)
    to_onnx(estimator, tmp_path / "model.onnx")
    expected = estimator.predict_proba(X)
    np.testing.assert_allclose(run(tmp_path / "model.onnx", X), expected, rtol=0, atol=1e-5)


class Noise(nn.Module):
    """A layer whose outputs are random."""

    def forward(self, x):
        return x + torch.randn_like(x)


def noisy(n_chans, n_times, n_outputs):
    return nn.Sequential(Noise(), *linear(n_chans, n_times, n_outputs))


class Conditional(nn.Module):
    """A layer that depends on the values of the trials."""

    def forward(self, x):
        return x if x.sum() > 0 else -x


def conditional(n_chans, n_times, n_outputs):
    return nn.Sequential(Conditional(), *linear(n_chans, n_times, n_outputs))


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (noisy, r"outputs of the ONNX model differ from those of EEGClassifier by \S+, more than"),
        (conditional, r"the network of EEGClassifier cannot be exported with opset=18: \w+Error"),
    ],
)
def test_networks_that_cannot_be_exported_are_refused(network, message, onnx, X, y, tmp_path):
    estimator = EEGClassifier(network=network, max_epochs=1).fit(X, y)
    with pytest.raises(RuntimeError, match=message):
        to_onnx(estimator, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_invalid_arguments(onnx, X, y, tmp_path):
    estimator = small(EEGNetClassifier).fit(X, y)
    with pytest.raises(ValueError, match="to_onnx: opset=16 should be between 17 and"):
        to_onnx(estimator, tmp_path / "model.onnx", opset=16)
    with pytest.raises(TypeError, match="to_onnx: opset=17.5 should be an integer"):
        to_onnx(estimator, tmp_path / "model.onnx", opset=17.5)


def test_other_estimators_are_refused(X, y, tmp_path):
    pipeline = make_pipeline(FunctionTransformer(), small(EEGNetClassifier)).fit(X, y)
    message = "estimator is FunctionTransformer, EEGNetClassifier; it should be a fitted classifier"
    with pytest.raises(TypeError, match=message):
        to_onnx(pipeline, tmp_path / "model.onnx")


def test_networks_of_an_ensemble_are_exported_one_by_one(onnx, X, y, tmp_path):
    voting = VotingClassifier([("a", small(EEGNetClassifier)), ("b", small(EEGNetClassifier))])
    estimator = AlignedEstimator(EuclideanAlignment(), voting).fit(X, y)
    with pytest.raises(TypeError, match="VotingClassifier, an ensemble; export each of its netw"):
        to_onnx(estimator, tmp_path / "model.onnx")


@pytest.mark.parametrize("online", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_onnx_of_aligned_trials(online, onnx, X, y, tmp_path):
    """The trials of a domain of fit are aligned by its mean covariance."""
    X, groups = np.float32(1e-5 * X + 3e-3), np.arange(len(X)) % 3
    aligner = EuclideanAlignment(online=online)
    estimator = AlignedEstimator(aligner, small(EEGNetClassifier)).fit(X, y, groups=groups)
    pipeline = make_pipeline(estimator.aligner_, estimator.estimator_)
    expected = estimator.predict_proba(X, groups=[2] * len(X))
    for item in (estimator, pipeline):
        to_onnx(item, tmp_path / "aligned.onnx", group=2)
        np.testing.assert_allclose(run(tmp_path / "aligned.onnx", X), expected, atol=1e-5)


@pytest.mark.slow
def test_onnx_of_targets_of_aligned_trials(onnx, X, tmp_path):
    y = np.random.default_rng(0).standard_normal(len(X))
    estimator = AlignedEstimator(EuclideanAlignment(), small(EEGNetRegressor)).fit(X, y)
    to_onnx(estimator, tmp_path / "aligned.onnx")
    expected = estimator.predict(X)  # the domain of fit has the same trials
    np.testing.assert_allclose(run(tmp_path / "aligned.onnx", X), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("aligner", "group", "message"),
    [
        (
            EuclideanAlignment(),
            None,
            "group=None should be one domain of the fit of .*: 0, 1",
        ),
        (EuclideanAlignment(), "new", "group='new' should be one domain"),
        (EuclideanAlignment(), [0], r"group=\[0\] should be one domain"),
        (EuclideanAlignment(band=(5, 20), sfreq=64), 0, "filter the trials before the estimator"),
    ],
)
def test_an_alignment_that_cannot_be_exported_is_an_error(aligner, group, message, X, y, tmp_path):
    estimator = AlignedEstimator(aligner, small(EEGNetClassifier))
    estimator.fit(X, y, groups=np.arange(len(X)) % 2)
    with pytest.raises(ValueError, match=message):
        to_onnx(estimator, tmp_path / "aligned.onnx", group=group)
    assert not (tmp_path / "aligned.onnx").exists()


def test_a_group_without_aligner_is_an_error(X, y, tmp_path):
    with pytest.raises(ValueError, match="group=1 is a domain, but there is no aligner"):
        to_onnx(small(EEGNetClassifier).fit(X, y), tmp_path / "model.onnx", group=1)


def test_error_names_the_extra(X, y, tmp_path, monkeypatch):
    estimator = small(EEGNetClassifier).fit(X, y)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"to_onnx needs onnx; .* pip install 'eegsk\[onnx\]'"):
        to_onnx(estimator, tmp_path / "model.onnx")
