"""Networks of other makers, for the generic estimators, and small fields for ours."""

import inspect

import torch
from torch import nn

import eegsk
from eegsk.base import EEGEstimator
from eegsk.networks import DeepConvNet

ESTIMATORS = [
    item
    for item in vars(eegsk).values()
    if inspect.isclass(item) and issubclass(item, EEGEstimator)
]

# Fields that make a network train in milliseconds, of which each takes those that it has.
SMALL = {
    "n_filters": 2,
    "kernel": 5,
    "pool": 2,
    "second_kernel": 3,
    "second_pool": 2,
    "n_layers": 1,
    "max_epochs": 2,
    "random_state": 0,
}


def linear(n_chans, n_times, n_outputs):
    """Return a network without batch statistics or dropout."""
    return nn.Sequential(nn.Flatten(), nn.Linear(n_chans * n_times, n_outputs))


class DoubleLinear(nn.Sequential):
    """The same in double precision, where the order of sums leaves no trace."""

    def __init__(self, n_chans, n_times, n_outputs):
        super().__init__(*linear(n_chans, n_times, n_outputs))
        self.double()

    def forward(self, x):
        return super().forward(x.double())


def small(estimator_class, **fields):
    """Make a small estimator of any class of the catalogue."""
    parameters = inspect.signature(estimator_class).parameters
    if "network" in parameters:
        return estimator_class(network=linear, max_epochs=2, random_state=0).set_params(**fields)
    own = {name: value for name, value in SMALL.items() if name in parameters}
    if issubclass(estimator_class, DeepConvNet):
        own["kernel"] = 3  # four stages of filters within the 48 times of the trials
    return estimator_class(**{**own, **fields})


class Recurrent(nn.Module):
    """An LSTM that starts from states of single precision, whatever it is given."""

    def __init__(self, n_chans, n_times, n_outputs, n_hidden=4):
        super().__init__()
        self.lstm = nn.LSTM(n_chans, n_hidden, batch_first=True)
        self.head = nn.Linear(n_hidden, n_outputs)

    def forward(self, x):
        start = torch.zeros(1, len(x), self.lstm.hidden_size, dtype=torch.float32)
        states, _ = self.lstm(x.transpose(1, 2), (start, start))
        return self.head(states[:, -1])
