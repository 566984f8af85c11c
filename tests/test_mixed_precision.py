"""Mixed precision: what is in half precision and what is not, and gradients in true scale."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import skorch.callbacks
import torch
from torch import nn

from eegsk import CompactCNNClassifier, EEGClassifier, EEGNetClassifier
from eegsk.blocks import TemporalSpatial
from eegsk.callbacks import SAM, FocalBalance, GradientClipping, MixedPrecision

from .networks import ESTIMATORS, small
from .witness import assert_same, differ, observed


class Probe(nn.Module):
    """A network that notes the precision of what it computes."""

    def __init__(self, n_chans, n_times, n_outputs):
        super().__init__()
        self.filters = nn.Conv1d(n_chans, 4, 7)
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, n_outputs)
        self.seen = []

    def forward(self, x):
        output = self.head(self.norm(self.filters(x)).mean(2))
        self.seen.append((self.training, output.dtype))
        return output


class Outputs(skorch.callbacks.Callback):
    def on_batch_end(self, net, y_pred=None, loss=None, **kwargs):
        assert y_pred.dtype == loss.dtype == torch.float32


def test_half_precision_is_for_training_only(X, y):
    callbacks = [MixedPrecision(), Outputs()]
    fields = {"callbacks": callbacks, "valid_split": 0.25, "max_epochs": 2}
    estimator = EEGClassifier(network=Probe, random_state=0, **fields).fit(X, y)
    seen = set(estimator.module_.network.seen)
    estimator.module_.network.seen.clear()
    assert (True, torch.bfloat16) in seen
    assert (False, torch.float32) in seen
    assert (True, torch.float32) not in seen
    assert (False, torch.bfloat16) not in seen
    tensors = [*estimator.module_.parameters(), *estimator.module_.buffers()]
    assert {item.dtype for item in tensors} == {torch.float32, torch.int64}
    states = [state["exp_avg"] for state in estimator.net_.optimizer_.state.values()]
    assert {state.dtype for state in states} == {torch.float32}
    assert estimator.predict_proba(X).dtype == np.float64


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_training_is_nearly_that_in_full_precision(estimator_class, X, y):
    fields = {"max_epochs": 1, "batch_size": 64}
    mixed = small(estimator_class, callbacks=[MixedPrecision()], **fields).fit(X, y)
    full = small(estimator_class, **fields).fit(X, y)
    loss, expected = mixed.history_[0, "train_loss"], full.history_[0, "train_loss"]
    assert loss == pytest.approx(expected, rel=0.05)
    assert loss != expected
    assert differ(mixed.module_, full.module_)


def test_statistics_of_the_front_end_are_in_full_precision(X, y):
    """With weights that do not move, they are those without mixed precision to the last bit."""
    fields = {"optimizer": "sgd", "weight_decay": 0, "lr": 1e-30, "max_epochs": 2}
    mixed = small(EEGNetClassifier, callbacks=[MixedPrecision()], **fields).fit(X, y)
    full = small(EEGNetClassifier, **fields).fit(X, y)
    fronts = [item.module_.network.trunk.front for item in (mixed, full)]
    assert isinstance(fronts[0], TemporalSpatial)
    pairs = zip(*(front.named_buffers() for front in fronts), strict=True)
    for (name, value), (_, expected) in pairs:
        if name.startswith("temporal_norm"):
            assert torch.equal(value, expected), name
    assert "forward" not in vars(fronts[0])


def scaled(scale):
    """Return a callback whose scaler works on the CPU, as float16 does on a GPU."""

    class Scaled(MixedPrecision):
        def on_train_begin(self, net, **kwargs):
            super().on_train_begin(net, **kwargs)
            self.scaler_ = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=1000)

    return Scaled()


@pytest.mark.parametrize("others", [[], [GradientClipping(0.01)], [SAM(0.1)]])
def test_gradients_are_in_their_true_scale(others, X, y):
    """A power of two as the scale leaves no trace, in what is clipped and ascended neither."""
    fields = {"max_epochs": 2, "batch_size": 7}
    found = [
        small(EEGNetClassifier, callbacks=[*others, item], **fields).fit(X, y).module_
        for item in (scaled(2.0**12), MixedPrecision())
    ]
    assert_same(*found, atol=1e-6)


@pytest.mark.parametrize("others", [[], [GradientClipping(0.01)], [SAM(0.1)]])
def test_steps_that_overflow_are_left_out(others, X, y):
    """The largest scale there is makes gradients infinite until it has been halved enough."""
    callbacks = [*others, scaled(2.0**127), FocalBalance(alpha=2.0**12)]
    fields = {"max_epochs": 24, "batch_size": 64, "callbacks": callbacks}
    estimator, witness = observed(small(CompactCNNClassifier, **fields), X, y)
    moved = [differ(witness.before_, module) for module in witness.steps_]
    assert not moved[0]
    assert moved[-1]
    assert moved == sorted(moved)
    scale = dict(estimator.net_.callbacks_)["scaled"].scaler_.get_scale()
    n_left_out = 127 - round(math.log2(scale))
    assert scale == 2.0 ** (127 - n_left_out)
    assert 0 < moved.index(True) <= n_left_out < 24
    steps = [state["step"].item() for state in estimator.net_.optimizer_.state.values()]
    assert set(steps) == {24 - n_left_out}


def test_the_scale_is_part_of_a_snapshot():
    callback = MixedPrecision()
    callback.scaler_ = torch.amp.GradScaler("cpu", init_scale=4.0)
    weight = nn.Parameter(torch.ones(1))
    net = SimpleNamespace(optimizer_=torch.optim.SGD([weight]))
    callback.differentiate(net, (2 * weight).sum(), torch.Tensor.backward)
    assert weight.grad.item() == 2
    state = callback.state_dict()
    callback.differentiate(net, (float("inf") * weight).sum(), torch.Tensor.backward)
    assert weight.grad is None
    assert callback.scaler_.get_scale() == 2
    callback.load_state_dict(state)
    assert callback.scaler_.get_scale() == 4


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        ([MixedPrecision("float16")], "MixedPrecision: dtype='float16' needs a CUDA GPU, but the"),
        ([MixedPrecision("float8")], "MixedPrecision: dtype='float8' should be 'bfloat16' or 'flo"),
    ],
)
def test_what_cannot_be(callbacks, message, X, y):
    with pytest.raises(ValueError, match=message):
        small(EEGNetClassifier, callbacks=callbacks, device="cpu").fit(X, y)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_on_a_gpu(dtype, estimator_class, X, y):
    callbacks = [SAM(), GradientClipping(), MixedPrecision(dtype)]
    # In the first steps, the scale of the gradients can be too large for half precision.
    fields = {"callbacks": callbacks, "device": "cuda", "max_epochs": 20}
    estimator, witness = observed(small(estimator_class, **fields), X, y)
    assert differ(witness.before_, estimator.module_)
    assert np.isfinite(estimator.predict(X)).all()
