"""`split_for_validation`: proportions, groups, splitters, and errors."""

import re
import warnings

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold, PredefinedSplit

from eegsk.model_selection import split_for_validation

Y = np.repeat([0, 1], [30, 10])
GROUPS = np.repeat(["a", "b", "c", "d"], 10)


def assert_covers(train, valid, n_trials=40):
    """Check that each trial is used once."""
    assert sorted([*train, *valid]) == [*range(n_trials)]


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, np.float32(0.25)])
def test_fraction_of_the_trials(fraction):
    train, valid = split_for_validation(fraction, Y, random_state=0)
    assert len(valid) == 40 * fraction
    assert_covers(train, valid)
    again = split_for_validation(fraction, Y, random_state=0)
    np.testing.assert_array_equal(again[1], valid)
    other = split_for_validation(fraction, Y, random_state=1)
    assert set(other[1]) != set(valid)


def test_fraction_without_stratification():
    numbers = {
        int(Y[split_for_validation(0.2, Y, random_state=seed)[1]].sum()) for seed in range(9)
    }
    assert len(numbers) > 1


@pytest.mark.parametrize("seed", range(5))
def test_stratified_fraction(seed):
    train, valid = split_for_validation(0.2, Y, stratify=True, random_state=seed)
    assert Y[valid].sum() == 2
    assert_covers(train, valid)


@pytest.mark.parametrize("stratify", [False, True])
@pytest.mark.parametrize("fraction", [0.25, 0.5])
def test_fraction_of_the_groups(fraction, stratify):
    train, valid = split_for_validation(fraction, Y, GROUPS, stratify=stratify, random_state=0)
    assert len(set(GROUPS[valid])) == 4 * fraction
    assert not set(GROUPS[train]) & set(GROUPS[valid])
    assert_covers(train, valid)


def test_first_split_of_a_splitter():
    train, valid = split_for_validation(KFold(4), Y)
    np.testing.assert_array_equal(valid, np.arange(10))
    assert_covers(train, valid)
    train, valid = split_for_validation(GroupKFold(2), Y, GROUPS)
    assert_covers(train, valid)
    assert not set(GROUPS[train]) & set(GROUPS[valid])


def test_a_splitter_that_ignores_groups_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train, valid = split_for_validation(KFold(4), Y, GROUPS)
    assert set(GROUPS[valid]) == {"a"}
    assert_covers(train, valid)


class Splits:
    """Splitter that yields given splits, and records what it receives."""

    def __init__(self, *splits):
        self.splits = splits

    def split(self, X, y, groups):
        self.received = X, y, groups
        yield from self.splits


def test_a_splitter_receives_targets_and_groups():
    splitter = Splits((np.arange(20), np.arange(20, 40)), (np.arange(1), np.arange(1, 40)))
    train, _ = split_for_validation(splitter, Y, GROUPS)
    X, y, groups = splitter.received
    assert (len(train), len(X)) == (20, 40)
    assert y is Y
    assert groups is GROUPS


@pytest.mark.parametrize(
    ("valid_split", "groups", "message"),
    [
        (0.5, np.repeat(["a"], 40), "all trials belong to one group, 'a'; pass trials of at least"),
        (KFold(3), GROUPS, "group 'b' has training and validation trials; use a fraction, or a"),
        (Splits(), None, "the splitter yields no split."),
        (
            Splits((np.arange(40), np.arange(0))),
            None,
            "the split has 40 training and 0 validation trials; both need at least one.",
        ),
        (
            Splits((np.arange(0), np.arange(40))),
            GROUPS,
            "the split has 0 training and 40 validation trials; both need at least one.",
        ),
        (PredefinedSplit([-1] * 40), None, "the splitter yields no split."),
        (0.999, None, "With n_samples=40, test_size=0.999 and train_size=None, the resulting"),
    ],
)
def test_splits_that_are_refused(valid_split, groups, message):
    with pytest.raises(ValueError, match=rf"^valid_split=.*: {re.escape(message)}"):
        split_for_validation(valid_split, Y, groups, random_state=0)


def test_one_trial_on_each_side_is_enough():
    splitter = Splits((np.array([0]), np.array([1])))
    train, valid = split_for_validation(splitter, np.array([0, 1]), np.array(["a", "b"]))
    assert (train.tolist(), valid.tolist()) == ([0], [1])
