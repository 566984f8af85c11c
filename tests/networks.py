"""Networks for the generic estimators, and small parameters for the networks of eegsk."""

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

# Parameters with which a network trains in milliseconds; each network takes those that it has.
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
    """Create a network without batch normalisation and dropout."""
    return nn.Sequential(nn.Flatten(), nn.Linear(n_chans * n_times, n_outputs))


class DoubleLinear(nn.Sequential):
    """A linear network in double precision, in which the order of sums hardly matters."""

    def __init__(self, n_chans, n_times, n_outputs):
        super().__init__(*linear(n_chans, n_times, n_outputs))
        self.double()

    def forward(self, x):
        return super().forward(x.double())


def small(estimator_class, **fields):
    """Create a small estimator of any class of the catalogue."""
    parameters = inspect.signature(estimator_class).parameters
    if "network" in parameters:
        return estimator_class(network=linear, max_epochs=2, random_state=0).set_params(**fields)
    params = {name: value for name, value in SMALL.items() if name in parameters}
    if issubclass(estimator_class, DeepConvNet):
        params["kernel"] = 3  # four stages of filters fit into 48 time points
    return estimator_class(**{**params, **fields})


class Recurrent(nn.Module):
    """An LSTM whose initial states are in single precision, whatever its input is."""

    def __init__(self, n_chans, n_times, n_outputs, n_hidden=4):
        super().__init__()
        self.lstm = nn.LSTM(n_chans, n_hidden, batch_first=True)
        self.head = nn.Linear(n_hidden, n_outputs)

    def forward(self, x):
        start = torch.zeros(1, len(x), self.lstm.hidden_size, dtype=torch.float32)
        states, _ = self.lstm(x.transpose(1, 2), (start, start))
        return self.head(states[:, -1])
