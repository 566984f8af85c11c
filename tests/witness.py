"""A callback that records the course of training, and a network in double precision."""

import copy

import torch
from torch import nn

from eegsk.callbacks import TrainingCallback


class Witness(TrainingCallback):
    """Callback that records copies of the module, the batches and the generator's states.

    ``before_`` is the module before training and ``steps_`` has the module after each step.
    ``modules_`` has the module after the last step of each epoch, ``after_`` the module when
    ``on_epoch_end`` is called, e.g. with averaged weights. ``batches_``, ``generators_`` and
    ``lrs_`` have the batch, the state of torch's generator and the learning rate of each step.
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
    """Fit with a Witness as the first callback; return the estimator and the callback."""
    estimator.set_params(callbacks=[Witness(), *(estimator.callbacks or [])])
    estimator.fit(X, y, **fit_params)
    return estimator, dict(estimator.net_.callbacks_)["witness"]


class Double(nn.Sequential):
    """Layers in double precision that accept single precision."""

    def forward(self, x):
        return super().forward(x.double())


def double_network(n_chans, n_times, n_outputs, dropout=0.5):
    """Create a network with batch normalisation and dropout, in double precision."""
    return Double(
        nn.Conv1d(n_chans, 4, 7),
        nn.BatchNorm1d(4),
        nn.ELU(),
        nn.Dropout(dropout),
        nn.Flatten(),
        nn.Linear(4 * (n_times - 6), n_outputs),
    ).double()


def assert_same(module, other, atol=0.0, rtol=0.0):
    """Check that two modules have the same parameters and buffers."""
    states = module.state_dict(), other.state_dict()
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        torch.testing.assert_close(value, states[1][name], atol=atol, rtol=rtol, msg=name)


def differ(module, other):
    """Check whether any parameter differs between two modules."""
    pairs = zip(module.parameters(), other.parameters(), strict=True)
    return any(not torch.equal(weight, value) for weight, value in pairs)
