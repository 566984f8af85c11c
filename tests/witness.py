"""A callback that records the course of training, and a network in double precision."""

import copy

import torch
from torch import nn

from eegsk.callbacks import TrainingCallback


class Witness(TrainingCallback):
    """Keep modules before training, after each step and each epoch, and the input of each step.

    ``modules_`` holds the trained modules, ``after_`` the modules in ``on_epoch_end``, which may
    be averages.
    """

    def on_train_begin(self, net, **kwargs):
        super().on_train_begin(net)
        self.before_ = copy.deepcopy(net.module_)
        self.batches_, self.generators_, self.lrs_ = [], [], []
        self.steps_, self.modules_, self.after_ = [], [], []

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        if training:
            self.batches_.append(batch)
            self.generators_.append(torch.get_rng_state())

    def on_batch_end(self, net, training=False, **kwargs):
        if training:
            self.steps_.append(copy.deepcopy(net.module_))

    def on_epoch_trained(self, net, **kwargs):
        self.modules_.append(self.steps_[-1])

    def on_epoch_end(self, net, **kwargs):
        self.after_.append(copy.deepcopy(net.module_))

    def on_grad_computed(self, net, **kwargs):
        self.lrs_.append(net.optimizer_.param_groups[0]["lr"])


def observed(estimator, X, y, **fit_params):
    """Fit with a witness as the first callback; return the estimator and the witness."""
    estimator.set_params(callbacks=[Witness(), *(estimator.callbacks or [])])
    estimator.fit(X, y, **fit_params)
    return estimator, dict(estimator.net_.callbacks_)["witness"]


class Double(nn.Sequential):
    """Layers in double precision, for input in single."""

    def forward(self, x):
        return super().forward(x.double())


def double_network(n_chans, n_times, n_outputs, dropout=0.5):
    """Return a network with batch statistics and dropout, in double precision."""
    return Double(
        nn.Conv1d(n_chans, 4, 7),
        nn.BatchNorm1d(4),
        nn.ELU(),
        nn.Dropout(dropout),
        nn.Flatten(),
        nn.Linear(4 * (n_times - 6), n_outputs),
    ).double()


def assert_same(module, other, atol=0.0, rtol=0.0):
    """Compare all weights and buffers."""
    states = module.state_dict(), other.state_dict()
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name], atol=atol, rtol=rtol, msg=name)


def differ(module, other):
    """Tell whether any weight differs."""
    pairs = zip(module.parameters(), other.parameters(), strict=True)
    return any(not torch.equal(weight, value) for weight, value in pairs)
