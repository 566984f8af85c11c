"""Statistics of the training trials for standardisation."""

import pytest
import torch

from eegsk.training.batches import Trials
from eegsk.training.statistics import channel_statistics


def trials_of(X, weight=None):
    weight = torch.ones(len(X)) if weight is None else weight
    return Trials(X, torch.zeros(len(X)), weight, torch.arange(len(X)))


@pytest.mark.parametrize("n_times", [1, 7, 1000, 30001])
@pytest.mark.parametrize("value", [0.0, 0.1, -3.3e-5, 1e6 / 3])
def test_the_variance_of_a_constant_is_zero(n_times, value):
    mean, variance = channel_statistics(trials_of(torch.full((20, 2, n_times), value)))
    torch.testing.assert_close(mean.float(), torch.full((2,), value), rtol=1e-6, atol=0)
    assert (variance.sqrt() <= 1e-8 * mean.abs()).all()


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e5])
def test_a_large_offset_costs_no_precision(offset):
    torch.manual_seed(0)
    X = torch.randn(40, 3, 500) + offset
    mean, variance = channel_statistics(trials_of(X))
    expected = X.double().transpose(0, 1).flatten(1)
    torch.testing.assert_close(mean, expected.mean(1), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(variance, expected.var(1, correction=0), rtol=1e-5, atol=0)


def test_a_weight_counts_as_a_number_of_equal_trials():
    torch.manual_seed(0)
    X = torch.randn(5, 2, 30)
    weight = torch.tensor([1.0, 0.0, 2.0, 3.0, 1.0])
    weighted = channel_statistics(trials_of(X, weight))
    expected = channel_statistics(trials_of(X.repeat_interleave(weight.int(), dim=0)))
    torch.testing.assert_close(weighted, expected)
