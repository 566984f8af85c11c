"""Transforms that depend on the class of a trial: reflection and recombination."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone

from eegsk import EEGNetClassifier, EEGNetRegressor
from eegsk.augmentation import ChannelReflection, Mixup, SegmentRecombination

from .networks import small

NAMES = ["C3", "Cz", "C4", "FC5", "FC6", "Pz"]
OPPOSITE = [2, 1, 0, 4, 3, 5]
DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
    ),
]
TRANSFORMS = [
    lambda **fields: ChannelReflection({0: 1}, NAMES, **fields),
    lambda **fields: SegmentRecombination(**fields),
]

both = pytest.mark.parametrize("make", TRANSFORMS, ids=["reflection", "recombination"])


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def trials(n_trials=64, n_times=50, n_classes=3, **options):
    X = torch.randn(n_trials, len(NAMES), n_times, **options)
    return X, torch.arange(n_trials, device=X.device) % n_classes


def is_changed(transformed, X):
    return (transformed != X).flatten(1).any(dim=1)


# Both


@both
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_batch_stays_and_shape_type_and_device_are_kept(make, dtype, device):
    X, y = trials(dtype=dtype, device=device)
    before = X.clone(), y.clone()
    transformed, targets = make(probability=1)(X, y)
    assert torch.equal(X, before[0])
    assert torch.equal(y, before[1])
    assert (transformed.shape, transformed.dtype, transformed.device) == (X.shape, dtype, X.device)
    assert (targets.shape, targets.dtype, targets.device) == (y.shape, y.dtype, y.device)
    transformed.zero_()
    assert torch.equal(X, before[0])


@both
def test_probability_of_a_change(make):
    X, y = trials(4000, n_times=10)
    n_changed = {
        probability: is_changed(make(probability=probability)(X, y)[0], X).sum()
        for probability in (0, 0.25, 1)
    }
    assert n_changed[0] == 0
    assert 0.2 < n_changed[0.25] / n_changed[1] < 0.3
    assert n_changed[1] > 3900


@both
def test_the_same_seed_gives_the_same_trials(make):
    X, y = trials()
    transformed = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        transformed.append(make()(X, y)[0])
    assert torch.equal(transformed[0], transformed[1])
    assert not torch.equal(transformed[0], transformed[2])


@both
@pytest.mark.parametrize("n_times", [1, 2, 3])
def test_trials_of_few_samples_and_batches_of_one(make, n_times):
    assert make(probability=1)(*trials(1, n_times))[0].shape == (1, len(NAMES), n_times)


@both
def test_training_clone_and_pickle(make, y):
    X = np.random.default_rng(0).standard_normal((24, len(NAMES), 48))
    estimator = small(EEGNetClassifier, augmentation=[make()]).fit(X, y)
    expected = estimator.predict_proba(X)
    np.testing.assert_array_equal(clone(estimator).fit(X, y).predict_proba(X), expected)
    restored = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(restored.predict_proba(X), expected)
    without = small(EEGNetClassifier).fit(X, y)
    assert estimator.history_[-1, "train_loss"] != without.history_[-1, "train_loss"]


@both
def test_after_mixup(make, y):
    X = np.random.default_rng(0).standard_normal((24, len(NAMES), 48))
    estimator = small(EEGNetClassifier, augmentation=[Mixup(), make()])
    with pytest.raises(ValueError, match="trials are mixed already; list it before Mixup"):
        estimator.fit(X, y)
    small(EEGNetClassifier, augmentation=[make(), Mixup()]).fit(X, y)


@both
def test_continuous_targets(make):
    X = np.random.default_rng(0).standard_normal((24, len(NAMES), 48))
    with pytest.raises(ValueError, match="but the targets are continuous"):
        small(EEGNetRegressor, augmentation=[make()]).fit(X, X[:, 0, 0])


# Reflection


def test_left_and_right_channels_and_classes_are_exchanged():
    X, y = trials()
    reflected, targets = ChannelReflection({0: 2}, NAMES, probability=1)(X, y)
    assert torch.equal(reflected, X[:, OPPOSITE])
    assert torch.equal(targets, 2 - y)
    twice, targets = ChannelReflection({0: 2}, NAMES, probability=1)(reflected, targets)
    assert torch.equal(twice, X)
    assert torch.equal(targets, y)


def test_classes_change_with_the_channels_of_a_trial():
    X, y = trials(1000, n_times=2)
    reflected, targets = ChannelReflection({0: 1}, NAMES)(X, y)
    changed = is_changed(reflected, X)
    assert torch.equal(targets, torch.where(changed & (y < 2), 1 - y, y))


def test_several_pairs_of_classes():
    X, y = trials(n_classes=5)
    _, targets = ChannelReflection({0: 1, 4: 2}, NAMES, probability=1)(X, y)
    assert torch.equal(targets, torch.tensor([1, 0, 4, 3, 2])[y])


def test_names_in_another_order_than_the_channels():
    reflection = ChannelReflection(ch_names=["C3", "Cz", "C4"])
    reflection.prepare(["EEG1", "EEG2", "EEG3"], None)
    reflection.prepare(["C3", "Cz", "C4"], None)
    message = (
        r"ch_names=\['C3', 'Cz', 'C4'\] has another order than the channels of the trials, \['C3"
    )
    with pytest.raises(ValueError, match=message):
        reflection.prepare(["C3", "C4", "Cz"], None)


def test_without_labels_to_swap_any_target_stays():
    X, _ = trials()
    y = torch.randn(64, 2)
    reflected, targets = ChannelReflection(ch_names=NAMES, probability=1)(X, y)
    assert targets is y
    assert torch.equal(reflected, X[:, OPPOSITE])
    estimator = small(EEGNetRegressor, augmentation=[ChannelReflection(ch_names=NAMES)])
    estimator.fit(X.numpy(), y.numpy())


def test_names_and_labels_of_a_fit():
    X, y = trials()
    reflection = ChannelReflection({"right": "left"}, probability=1)
    reflection.prepare(NAMES, np.array(["feet", "left", "right"]))
    reflected, targets = reflection(X, y)
    assert torch.equal(reflected, X[:, OPPOSITE])
    assert torch.equal(targets, torch.tensor([0, 2, 1])[y])


def test_a_fit_to_epochs_passes_the_names_of_channels_and_classes(epochs):
    reflection = ChannelReflection({"left": "right"}, probability=1)
    classifier = small(EEGNetClassifier, augmentation=[reflection]).fit(epochs)
    (fitted,) = classifier.net_.augmentation_
    X, y = torch.arange(3.0)[None, :, None].expand(1, 3, 4), torch.tensor([0])
    reflected, target = fitted(X, y)
    assert reflected[0, :, 0].tolist() == [2, 1, 0]  # C3, Cz, C4
    assert target.tolist() == [1]
    assert not hasattr(reflection, "_counterpart")


def test_labels_of_a_fit_to_arrays_are_those_of_y():
    X, y = trials()
    labels = np.array(["feet", "left", "right"])[y.numpy()]
    reflection = ChannelReflection({"left": "right"}, NAMES)
    small(EEGNetClassifier, augmentation=[reflection]).fit(X.numpy(), labels)
    message = "has 'hand', which is not a class; the classes are 'feet', 'left', 'right'"
    with pytest.raises(ValueError, match=f"^EEGNetClassifier: ChannelReflection: .*{message}"):
        small(EEGNetClassifier, augmentation=[ChannelReflection({"left": "hand"}, NAMES)]).fit(
            X.numpy(), labels
        )


def test_both_classes_are_exchanged():
    X, y = trials()
    y = y % 2
    reflection = ChannelReflection("both", NAMES, probability=1)
    for classes in (None, np.array(["left", "right"])):
        reflection.prepare(None, classes)
        assert torch.equal(reflection(X, y)[1], 1 - y)
    three = small(EEGNetClassifier, augmentation=[ChannelReflection("both", NAMES)])
    with pytest.raises(
        ValueError,
        match=r"^EEGNetClassifier: ChannelReflection: .*needs two classes, but .* are 3;",
    ):
        three.fit(X.numpy(), np.arange(len(X)) % 3)


def test_a_fit_to_arrays_needs_the_names_of_channels(X, y):
    with pytest.raises(
        ValueError, match=r"^EEGNetClassifier: ChannelReflection: the channels have no"
    ):
        small(EEGNetClassifier, augmentation=[ChannelReflection()]).fit(X, y)


@pytest.mark.parametrize(
    ("names", "opposite"),
    [
        (["Fp1", "Fp2", "T7", "T8", "O1", "O2", "Oz"], [1, 0, 3, 2, 5, 4, 6]),
        (["Fc5.", "C3..", "Fc6.", "C4..", "Cz.."], [2, 3, 0, 1, 4]),
        (["EEG F3", "EEG F4", "eeg t3", "EEG T4"], [1, 0, 3, 2]),
        (["PO10", "PO9", "FFC5h", "FFC6h", "M1", "M2"], [1, 0, 3, 2, 5, 4]),
    ],
)
def test_names_of_channels(names, opposite):
    X = torch.arange(float(len(names)))[None, :, None].expand(1, len(names), 4)
    reflected, _ = ChannelReflection(ch_names=names, probability=1)(X, torch.zeros(1))
    assert reflected[0, :, 0].tolist() == opposite


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "the channels have no names; pass ch_names, or fit on mne.Epochs"),
        ({"ch_names": ["C3", "Cz", "C4"]}, "ch_names has 3 names, but the trials have 6 channels"),
        ({"ch_names": ["C3", "Cz"]}, "channel 'C3' has no counterpart on the other side; select"),
        ({"ch_names": ["A31", "A32"]}, "channel 'A31' is not a name of the 10-20 system; rename"),
        ({"ch_names": ["C3-Cz", "C4-Cz"]}, "channel 'C3-Cz' is not a name of the 10-20 system"),
        ({"ch_names": NAMES, "swap_labels": {0: 1, 2: 0}}, "contains a label twice; give each"),
        ({"ch_names": NAMES, "swap_labels": {"a": "b"}}, "should have integers, the indices of"),
    ],
)
def test_wrong_names_and_labels(fields, message):
    with pytest.raises(ValueError, match=f"^ChannelReflection: .*{message}"):
        ChannelReflection(**fields)(*trials())


def test_labels_that_are_not_classes():
    reflection = ChannelReflection({"left": "right"})
    with pytest.raises(ValueError, match="has 'right', which is not a class; the classes are 'fee"):
        reflection.prepare(NAMES, ["feet", "left"])


# Recombination


@pytest.mark.parametrize("n_segments", [1, 3, 8, 50, 80])
def test_segments_come_from_trials_of_the_same_class_at_the_same_time(n_segments):
    X, y = trials()
    recombined, targets = SegmentRecombination(n_segments, probability=1)(X, y)
    assert targets is y
    # The source of each sample: the trial of the batch with the same values in all channels.
    is_source = (recombined[:, None] == X[None]).all(dim=2)
    assert is_source.any(dim=1).all()
    source = is_source.float().argmax(dim=1)
    assert torch.equal(y[source], y[:, None].expand(-1, 50))
    n_jumps = (source.diff(dim=1) != 0).sum(dim=1)
    assert n_jumps.max() <= min(n_segments, 50) - 1
    if n_segments > 1:
        assert len(torch.unique(source[0])) > 1


def test_segments_come_from_the_same_group():
    X, y = trials()
    groups = torch.arange(64) // 16
    recombined, _ = SegmentRecombination(probability=1)(X, y, groups=groups)
    source = (recombined[:, None] == X[None]).all(dim=2).float().argmax(dim=1)
    assert torch.equal(groups[source], groups[:, None].expand(-1, 50))
    assert torch.equal(y[source], y[:, None].expand(-1, 50))


@pytest.mark.parametrize("valid_split", [None, 0.5])
def test_groups_of_a_fit_reach_the_transform(valid_split):
    X = np.random.default_rng(0).standard_normal((48, 4, 48)).astype(np.float32)
    groups = np.repeat(["s3", "s1", "s2", "s4"], 12)
    seen = []

    class Recombination(SegmentRecombination):
        def __call__(self, X, y, groups=None):
            seen.append((X, groups))
            return super().__call__(X, y, groups)

    estimator = small(
        EEGNetClassifier, augmentation=[Recombination()], valid_split=valid_split, batch_size=12
    )
    estimator.fit(X, np.arange(48) % 2, groups=groups)
    standardized = estimator.module_.get_submodule("standardize")(torch.from_numpy(X)).detach()
    for trials, codes in seen:
        index = [int((standardized == trial).all((1, 2)).nonzero()) for trial in trials]
        assert np.array_equal(np.unique(groups)[codes.numpy()], groups[index])
    seen.clear()
    estimator.fit(X, np.arange(48) % 2)
    assert all(codes is None for _, codes in seen)


def test_a_class_with_one_trial_stays():
    X, _ = trials(4)
    y = torch.tensor([0, 1, 1, 2])
    recombined, _ = SegmentRecombination(probability=1)(X, y)
    assert torch.equal(recombined[[0, 3]], X[[0, 3]])


def test_wrong_number_of_segments(X, y):
    message = "SegmentRecombination: n_segments=0 should be an integer of at least 1"
    with pytest.raises(ValueError, match=message):
        small(EEGNetClassifier, augmentation=[SegmentRecombination(0)]).fit(X, y)
