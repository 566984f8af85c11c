"""Networks of other makers, for the generic estimators."""

from torch import nn


def linear(n_chans, n_times, n_outputs):
    """Return a network without batch statistics or dropout."""
    return nn.Sequential(nn.Flatten(), nn.Linear(n_chans * n_times, n_outputs))
