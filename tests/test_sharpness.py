"""SAM: the published algorithm, its statistics, what it composes with."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from eegsk import EEGClassifier, EEGNetClassifier, EEGNetRegressor
from eegsk.callbacks import SAM, GradientClipping

from .networks import ESTIMATORS, small
from .witness import assert_same, differ, double_network, observed

OPTIMIZERS = {
    "adamw": partial(torch.optim.AdamW, lr=0.01, weight_decay=0.1),
    "adamax": partial(torch.optim.Adamax, lr=0.01, weight_decay=0.1),
    "sgd": partial(torch.optim.SGD, lr=0.01, weight_decay=0.1, momentum=0.9),
}


def gradients(module, batch, generator):
    """Return the gradients of a weighted cross-entropy, of dropout masks from a generator."""
    torch.set_rng_state(generator)
    inputs, target = batch
    losses = F.cross_entropy(module(inputs["x"]), target, reduction="none")
    return torch.autograd.grad((losses * inputs["weight"]).mean(), list(module.parameters()))


def ascended(module, grads, rho, adaptive, eta):
    """Return a copy of a module at the weights of eq. 2 of Foret et al., or eq. 9 of Kwon et al."""
    scales = [
        w.detach().abs() + eta if adaptive and "bias" not in name else torch.ones_like(w)
        for name, w in module.named_parameters()
    ]
    norm = torch.cat([(t * g).flatten() for t, g in zip(scales, grads, strict=True)]).norm()
    moved = copy.deepcopy(module)
    with torch.no_grad():
        for weight, t, g in zip(moved.parameters(), scales, grads, strict=True):
            weight += rho * t * t * g / norm
    return moved


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("max_norm", [None, 0.01])
def test_steps_are_those_of_the_published_algorithm(optimizer, adaptive, max_norm, X, y):
    callbacks = [SAM(0.3, adaptive, eta=0.02)]
    callbacks = [GradientClipping(max_norm), *callbacks] if max_norm else callbacks
    params = {"optimizer__momentum": 0.9} if optimizer == "sgd" else None
    estimator = EEGClassifier(
        network=double_network,
        optimizer=optimizer,
        lr=0.01,
        weight_decay=0.1,
        batch_size=9,
        max_epochs=2,
        callbacks=callbacks,
        net_params=params,
        random_state=0,
    )
    weight = np.linspace(0.5, 2, len(X))
    estimator, witness = observed(estimator, X, y, sample_weight=weight)

    module = witness.before_.train()
    stepper = OPTIMIZERS[optimizer](module.parameters())
    for batch, generator in zip(witness.batches_, witness.generators_, strict=True):
        first = gradients(module, batch, generator)
        second = gradients(ascended(module, first, 0.3, adaptive, 0.02), batch, generator)
        for parameter, gradient in zip(module.parameters(), second, strict=True):
            parameter.grad = gradient
        if max_norm:
            nn.utils.clip_grad_norm_(module.parameters(), max_norm)
        stepper.step()
    assert_same(estimator.module_, module, atol=1e-7)
    assert module[1][1].num_batches_tracked == len(witness.batches_) == 6


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_statistics_and_history_are_those_of_the_first_pass(estimator_class, X, y):
    """In the first step, they are those of the initial weights, with and without SAM."""
    fields = {"max_epochs": 1, "batch_size": 64}
    with_sam = small(estimator_class, callbacks=[SAM(rho=1.0)], **fields).fit(X, y)
    without = small(estimator_class, **fields).fit(X, y)
    buffers = dict(without.module_.named_buffers())
    for name, buffer in with_sam.module_.named_buffers():
        assert torch.equal(buffer, buffers[name]), name
    for column in ("train_loss", "train_score"):
        assert with_sam.history_[:, column] == without.history_[:, column]
    assert len(with_sam.history_[-1, "batches"]) == 1
    assert differ(with_sam.module_, without.module_)


def test_of_no_radius_it_is_the_optimizer_alone(X, y):
    fields = {"batch_size": 7, "max_epochs": 3}
    alone = small(EEGNetClassifier, **fields).fit(X, y)
    for adaptive in (False, True):
        callbacks = [SAM(rho=0, adaptive=adaptive)]
        assert_same(
            small(EEGNetClassifier, callbacks=callbacks, **fields).fit(X, y).module_, alone.module_
        )


def test_gradients_of_zero_are_no_harm(X, y):
    """Without weight decay, constant trials leave weights as they are, not undefined."""

    class Constant(nn.Module):
        def __init__(self, n_chans, n_times, n_outputs):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(n_outputs))

        def forward(self, x):
            return 0 * x[:, :1, 0] * self.weight + self.weight.detach()

    fields = {"weight_decay": 0, "max_epochs": 2, "callbacks": [SAM()]}
    estimator = EEGClassifier(network=Constant, **fields).fit(X, y)
    assert torch.equal(estimator.module_.network.weight, torch.ones(2))


@pytest.mark.parametrize("adaptive", [False, True])
def test_the_bound_on_weights_holds(adaptive, X, y):
    callbacks = [SAM(rho=5.0, adaptive=adaptive)]
    estimator = small(EEGNetClassifier, callbacks=callbacks, lr=0.5).fit(X, y)
    layers = estimator.module_.modules()
    bounded = [layer for layer in layers if getattr(layer, "_max_norm_limit", None)]
    assert bounded
    for layer in bounded:
        assert layer.weight.flatten(1).norm(dim=1).max() <= layer._max_norm_limit * (1 + 1e-6)


def test_frozen_weights_stay(X, y):
    class Freeze(SAM):
        def on_train_begin(self, net, **kwargs):
            super().on_train_begin(net, **kwargs)
            net.module_.network.head.requires_grad_(False)

    callbacks = [Freeze(rho=1.0)]
    estimator, witness = observed(small(EEGNetClassifier, callbacks=callbacks), X, y)
    before = witness.before_.network.head.bias
    assert torch.equal(estimator.module_.network.head.bias, before)
    assert differ(estimator.module_, witness.before_)


def test_flatter_than_without(X, y):
    """What SAM is for: the loss rises less within its radius."""
    rng = np.random.default_rng(0)
    target = X[:, :1].std(axis=2)[:, 0] + 0.1 * rng.standard_normal(len(X))

    def sharpness(callbacks):
        fields = {"max_epochs": 60, "lr": 0.01, "callbacks": callbacks, "dropout": 0.0}
        module = small(EEGNetRegressor, **fields).fit(X, target).module_.train()
        x = torch.from_numpy(X)
        z = torch.tensor((target - target.mean()) / target.std()).float()[:, None]
        loss = F.mse_loss(module(x), z)
        grads = torch.autograd.grad(loss, list(module.parameters()))
        moved = ascended(module, grads, 0.1, adaptive=False, eta=0)
        return (F.mse_loss(moved(x), z) - loss).item()

    assert sharpness([SAM(rho=0.2)]) < sharpness(None)


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        ([SAM(rho=-1)], r"SAM: rho=-1 should be a number of at least 0\."),
        ([SAM(rho="large")], r"SAM: rho='large' should be a number of at least 0\."),
        ([SAM(adaptive="yes")], "SAM: adaptive='yes' should be"),
        ([SAM(), SAM()], "SAM and SAM both set the gradients; use only one of them"),
    ],
)
def test_parameters_are_checked_in_fit(callbacks, message, X, y):
    with pytest.raises((TypeError, ValueError), match=message):
        small(EEGNetClassifier, callbacks=callbacks).fit(X, y)
