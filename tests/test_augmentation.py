"""Augmentation: what each transform does, and that training alone sees it."""

import pickle

import numpy as np
import pytest
import scipy.stats
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from torch import nn

from eegsk import EEGClassifier, EEGNetClassifier, EEGNetRegressor, EEGRegressor
from eegsk.augmentation import (
    AmplitudeScale,
    ChannelDropout,
    FourierSurrogate,
    GaussianNoise,
    Mixup,
    TimeMask,
    TimeShift,
)
from eegsk.augmentation.transform import MixedTarget
from eegsk.callbacks import EarlyStopping

from .networks import ESTIMATORS, linear, small

TRANSFORMS = [
    AmplitudeScale,
    ChannelDropout,
    FourierSurrogate,
    GaussianNoise,
    Mixup,
    TimeMask,
    TimeShift,
]
ALL = [
    TimeShift(0.2),
    FourierSurrogate(),
    AmplitudeScale(),
    ChannelDropout(0.3),
    TimeMask(0.3),
    GaussianNoise(0.1),
    Mixup(),
]
DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
    ),
]


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def trials(n_trials=64, n_chans=3, n_times=50, **how):
    return torch.randn(n_trials, n_chans, n_times, **how)


def applied(transform, X):
    return transform(X, torch.zeros(len(X)))[0]


def is_changed(made, X):
    return (made != X).flatten(1).any(dim=1)


# Every transform


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("transform_class", TRANSFORMS)
def test_each_trial_has_its_own_draw_in_a_tensor_of_its_own(transform_class, dtype, device):
    X = trials(n_chans=8, n_times=400, dtype=dtype, device=device)
    if transform_class is not Mixup:  # which has nothing to mix if all trials are the same
        X = X[:1].repeat(64, 1, 1)
    before = X.clone()
    made = applied(transform_class(probability=1), X)
    assert torch.equal(X, before)
    assert (made.shape, made.dtype, made.device) == (X.shape, X.dtype, X.device)
    changed = made[is_changed(made, X)]
    assert len(changed) > 10
    assert len(torch.unique(changed, dim=0)) > 5


@pytest.mark.parametrize("transform_class", TRANSFORMS)
def test_probability_of_a_change(transform_class):
    X = trials(4000, n_chans=10, n_times=20)
    n_changed = {
        probability: is_changed(applied(transform_class(probability=probability), X), X).sum()
        for probability in (0, 0.25, 1)
    }
    assert n_changed[0] == 0
    assert 0.2 < n_changed[0.25] / n_changed[1] < 0.3
    assert n_changed[1] > 2000


@pytest.mark.parametrize("transform_class", TRANSFORMS)
def test_the_same_seed_gives_the_same_trials(transform_class):
    X = trials()
    made = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        made.append(applied(transform_class(probability=1), X))
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


@pytest.mark.parametrize("n_times", [1, 2, 3])
@pytest.mark.parametrize("transform_class", TRANSFORMS)
def test_trials_of_few_times_and_batches_of_one(transform_class, n_times):
    assert applied(transform_class(), trials(1, 1, n_times)).shape == (1, 1, n_times)


@pytest.mark.parametrize("transform", ALL, ids=lambda transform: type(transform).__name__)
def test_transforms_are_cloned_pickled_and_shown(transform):
    for copy in (clone(transform), pickle.loads(pickle.dumps(transform))):
        assert type(copy) is type(transform)
        assert copy.get_params() == transform.get_params()
    assert eval(repr(transform)).get_params() == transform.get_params()


# Each of them


@pytest.mark.parametrize("n_times", [50, 51])
@pytest.mark.parametrize("max_shift", [0.0, 0.1, 1.0])
def test_time_shift_rolls_each_trial(max_shift, n_times):
    X = trials(500, n_times=n_times)
    X[:, 0] = torch.arange(float(n_times))
    made = applied(TimeShift(max_shift), X)
    most = round(max_shift * n_times)
    shifts = (made[:, 0] == 0).int().argmax(dim=1)  # where the first sample has gone
    assert set(shifts.tolist()) == {shift % n_times for shift in range(-most, most + 1)}
    for trial, shift, shifted in zip(X, shifts.tolist(), made, strict=True):
        assert torch.equal(shifted, torch.roll(trial, shift, dims=1))


@pytest.mark.parametrize("std", [0.01, 2.0])
def test_gaussian_noise_is_white_and_normal(std):
    X = trials(61, 7, 101)
    noise = (applied(GaussianNoise(std), X.double()) - X).numpy() / std
    assert noise.std() == pytest.approx(1, abs=0.01)
    assert scipy.stats.kstest(noise.ravel()[::5], "norm").pvalue > 0.01
    assert scipy.stats.kurtosis(noise.ravel()) == pytest.approx(0, abs=0.1)
    for axis in range(3):  # neighbours are independent
        first, second = np.delete(noise, -1, axis), np.delete(noise, 0, axis)
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02


def test_no_noise_is_none():
    X = trials()
    assert torch.equal(applied(GaussianNoise(0.0), X), X)


def test_channel_dropout_drops_channels():
    X = trials(4000, n_chans=10)
    made = applied(ChannelDropout(0.3), X)
    dropped = (made == 0).all(dim=2)
    assert torch.equal(made, X * ~dropped[:, :, None])
    assert dropped.float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert abs(np.corrcoef(dropped[:, 0], dropped[:, 1])[0, 1]) < 0.05


@pytest.mark.parametrize("n_chans", [1, 2, 5])
def test_channel_dropout_leaves_an_electrode(n_chans):
    kept = (applied(ChannelDropout(1.0), trials(n_chans=n_chans)) != 0).all(dim=2)
    assert (kept.sum(dim=1) == 1).all()
    assert kept.any(dim=0).all()  # not always the same


def test_time_mask_blots_one_stretch_out():
    X = trials(2000)
    made = applied(TimeMask(0.2), X)
    masked = (made == 0).all(dim=1)
    assert torch.equal(made, X * ~masked[:, None])
    lengths = masked.sum(dim=1)
    assert set(lengths.tolist()) == set(range(11))
    starts = np.diff(masked.numpy().astype(int), axis=1, prepend=0) == 1
    assert (starts.sum(axis=1) == (lengths > 0).numpy()).all()
    assert starts.any(axis=0)[:41].all()
    assert masked[:, -1].any()


def test_amplitude_scale_multiplies_each_trial():
    X = trials(2000)
    factors = applied(AmplitudeScale(0.4), X) / X
    torch.testing.assert_close(factors, factors[:, :1, :1].expand_as(factors))
    drawn = (factors[:, 0, 0].numpy() - 0.6) / 0.8
    assert scipy.stats.kstest(drawn, "uniform").pvalue > 0.01


@pytest.mark.parametrize("n_times", [50, 51])
def test_fourier_surrogate_keeps_amplitudes_and_what_is_between_electrodes(n_times):
    X = trials(n_times=n_times, dtype=torch.float64) + 1
    made = applied(FourierSurrogate(probability=1), X)
    before, after = np.fft.rfft(X.numpy()), np.fft.rfft(made.numpy())
    np.testing.assert_allclose(np.abs(after), np.abs(before), rtol=1e-9)
    np.testing.assert_allclose(made.mean(dim=2), X.mean(dim=2))
    cross_before, cross_after = (f[:, 0] * f[:, 1].conj() for f in (before, after))
    np.testing.assert_allclose(cross_after, cross_before, rtol=1e-6)
    turns = np.angle(after / before)[:, :, 1:24]
    np.testing.assert_allclose(turns[:, 0], turns[:, 1], atol=1e-6)
    assert scipy.stats.kstest(turns[:, 0].ravel() / (2 * np.pi) + 0.5, "uniform").pvalue > 0.01


def test_phase_noise_limits_the_turn():
    X = trials(dtype=torch.float64)
    made = applied(FourierSurrogate(phase_noise=0.25, probability=1), X)
    turns = np.angle(np.fft.rfft(made.numpy()) / np.fft.rfft(X.numpy()))
    assert 0.24 * np.pi < np.abs(turns).max() <= 0.25 * np.pi * (1 + 1e-9)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 2.0, 5.0])
def test_mixup_mixes_trials(alpha):
    X, y = trials(4000, dtype=torch.float64, n_times=2), torch.arange(4000)
    made, mixed = Mixup(alpha)(X, y)
    share = mixed.share[:, None, None]
    torch.testing.assert_close(made, share * X + (1 - share) * X[mixed.partner])
    assert torch.equal(mixed.own, y)
    assert torch.equal(mixed.partner.sort().values, y)
    beta = scipy.stats.beta(alpha, alpha)
    of_larger = scipy.stats.kstest(mixed.share.numpy(), lambda share: 2 * beta.cdf(share) - 1)
    assert of_larger.pvalue > 0.01


@pytest.mark.parametrize("alpha", [1e-3, 1e-6, 1e-300, 5e-324])
def test_the_smaller_alpha_the_less_is_mixed(alpha):
    _, mixed = Mixup(alpha)(trials(4000, n_times=2), torch.zeros(4000))
    assert mixed.share.mean() >= 0.99
    assert (mixed.share >= 0.5).all()


def test_mixtures_are_not_mixed_again():
    X, mixed = Mixup()(trials(), torch.zeros(64))
    with pytest.raises(ValueError, match="mixed already; use one Mixup only"):
        Mixup()(X, mixed)


# Mixed targets


def mixtures(n_outputs, dtype=torch.float64):
    share = torch.tensor([1.0, 0.8, 0.5], dtype=dtype)
    own = torch.tensor([0, 2, 1]) if n_outputs == 3 else torch.randn(3, n_outputs, dtype=dtype)
    output = torch.randn(3, n_outputs, dtype=dtype, requires_grad=True)
    return MixedTarget(own, torch.tensor([2, 0, 1]), share), output


def loss_of(estimator, output, target, weight):
    return estimator.net_.get_loss(output, target, X={"weight": weight}, training=True)


def test_the_loss_is_cross_entropy_of_soft_targets(X):
    estimator = EEGClassifier(network=linear, max_epochs=1).fit(X, np.arange(24) % 3)
    mixed, output = mixtures(3)
    one_hot = nn.functional.one_hot(mixed.own).double()
    share = mixed.share[:, None]
    soft = share * one_hot + (1 - share) * one_hot[mixed.partner]
    found = loss_of(estimator, output, mixed, torch.ones(3))
    torch.testing.assert_close(found, nn.functional.cross_entropy(output, soft))


def test_squared_errors_have_the_gradient_of_mixed_targets(X):
    estimator = EEGRegressor(network=linear, max_epochs=1).fit(X, X[:, :2, 0])
    mixed, output = mixtures(2)
    share = mixed.share[:, None]
    soft = share * mixed.own + (1 - share) * mixed.own[mixed.partner]
    (found,) = torch.autograd.grad(loss_of(estimator, output, mixed, torch.ones(3)), output)
    (expected,) = torch.autograd.grad(nn.functional.mse_loss(output, soft), output)
    torch.testing.assert_close(found, expected)


def test_weights_are_mixed_as_targets_are(X):
    estimator = EEGClassifier(network=linear, max_epochs=1).fit(X, np.arange(24) % 3)
    mixed, output = mixtures(3)
    weight = torch.tensor([0.5, 2.0, 0.5])
    own, other = (
        nn.functional.cross_entropy(output, target, reduction="none")
        for target in (mixed.own, mixed.own[mixed.partner])
    )
    expected = mixed.share * weight * own + (1 - mixed.share) * weight[mixed.partner] * other
    torch.testing.assert_close(loss_of(estimator, output, mixed, weight), expected.mean())


def test_a_step_on_mixtures_is_that_of_the_paper(X):
    """The weights after one step of gradient descent on soft targets, computed by hand."""
    y, seen = np.arange(24) % 3, []

    def spy(X, y):
        seen.append((X.clone(), y))
        return X, y

    fields = {"optimizer": "sgd", "lr": 0.5, "weight_decay": 0, "batch_size": 24, "random_state": 0}
    estimator = EEGClassifier(network=linear, max_epochs=1, augmentation=[Mixup(2.0), spy])
    estimator.set_params(**fields).fit(X, y)
    ((made, mixed),) = seen
    start = EEGClassifier(network=linear, max_epochs=1, **{**fields, "lr": 1e-30}).fit(X, y)
    head = start.module_.network
    head.zero_grad()
    one_hot = nn.functional.one_hot(mixed.own).float()
    share = mixed.share[:, None]
    soft = share * one_hot + (1 - share) * one_hot[mixed.partner]
    loss = nn.functional.cross_entropy(head(made), soft)
    loss.backward()
    for found, weight in zip(estimator.module_.parameters(), head.parameters(), strict=True):
        torch.testing.assert_close(found, weight - 0.5 * weight.grad)
    assert estimator.history_[-1, "train_loss"] == pytest.approx(loss.item(), rel=1e-5)


@pytest.mark.parametrize("criterion", ["multi_margin", "cross_entropy"])
def test_mixup_with_losses_that_take_no_soft_targets(criterion, X, y):
    small(EEGNetClassifier, criterion=criterion, augmentation=[Mixup()]).fit(X, y)


def test_mixup_needs_a_loss_for_each_trial(X, y):
    class Whole(nn.Module):
        def forward(self, logits, target):
            return nn.functional.cross_entropy(logits, target)

    with pytest.raises(ValueError, match="cannot act, nor Mixup; it should take reduction='none'"):
        small(EEGNetClassifier, criterion=Whole, augmentation=[Mixup()]).fit(X, y)


# Training


def counter():
    """Return a transform that changes nothing, and what it has been given."""
    seen = []

    def count(X, y):
        seen.append((X, y))
        return X, y

    return count, seen


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_all_transforms_together_train_every_network(estimator_class, X, y):
    weight = np.linspace(0.5, 2, 24)
    fields = {"augmentation": ALL, "batch_size": 12, "valid_split": 0.25}
    estimator = small(estimator_class, **fields).fit(X, y, weight)
    again = clone(estimator).fit(X, y, weight)
    np.testing.assert_array_equal(again.predict(X), estimator.predict(X))
    plain = small(estimator_class, **{**fields, "augmentation": None}).fit(X, y, weight)
    assert estimator.history_[-1, "train_loss"] != plain.history_[-1, "train_loss"]
    restored = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(restored.predict(X), estimator.predict(X))
    np.testing.assert_array_equal(
        restored.partial_fit(X, y).predict(X), estimator.partial_fit(X, y).predict(X)
    )


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier, EEGNetRegressor])
@pytest.mark.parametrize("standardize", ["channel", "global", "spectrum", None])
def test_a_transform_sees_standardised_training_trials_alone(estimator_class, standardize, X, y):
    X = 3 * X + 5
    count, seen = counter()
    fields = {"standardize": standardize, "valid_split": 0.25, "max_epochs": 3, "batch_size": 9}
    estimator = small(estimator_class, augmentation=[count], **fields).fit(X, y)
    assert [len(X) for X, _ in seen] == [9] * 6
    epoch = torch.cat([X for X, _ in seen[:2]])
    if standardize is None:
        assert np.isin(epoch.numpy(), X).all()
    else:
        centred = 0.1 if standardize == "spectrum" else 1e-5
        torch.testing.assert_close(epoch.mean(dim=(0, 2)), torch.zeros(3), atol=centred, rtol=0)
        assert epoch[..., 6:].std().item() == pytest.approx(1, abs=0.01)
    estimator.predict(X), estimator.score(X, y)
    assert len(seen) == 6
    plain = small(estimator_class, **fields).fit(X, y)
    # Without augmentation, standardisation is part of the first mixtures: other roundings.
    np.testing.assert_allclose(plain._output(X), estimator._output(X), atol=1e-5)
    losses = [item.history_[:, "valid_loss"] for item in (plain, estimator)]
    np.testing.assert_allclose(*losses, atol=1e-5)


def test_validation_is_of_trials_as_they_are(X, y):
    """A transform that leaves nothing of a trial cannot be told in validation."""

    def blot(X, y):
        return torch.zeros_like(X), y

    estimator = small(EEGNetClassifier, augmentation=[blot], valid_split=0.25, max_epochs=1)
    estimator.fit(X, y)
    blind = small(EEGNetClassifier, augmentation=[blot], valid_split=0.25, max_epochs=1)
    blind.fit(0 * X, y)
    assert estimator.history_[0, "train_loss"] == blind.history_[0, "train_loss"]
    assert estimator.history_[0, "valid_loss"] != blind.history_[0, "valid_loss"]


@pytest.mark.parametrize("transform", ALL, ids=lambda transform: type(transform).__name__)
def test_the_unit_of_the_trials_makes_no_difference(transform, X, y):
    fitted = [
        small(EEGNetClassifier, augmentation=[transform]).fit(unit * X, y)
        for unit in (1, 2.0**-20, 1e-6)
    ]
    losses = [estimator.history_[:, "train_loss"] for estimator in fitted]
    assert losses[0] == losses[1]
    np.testing.assert_allclose(losses[2], losses[0], rtol=1e-4)


@pytest.mark.parametrize("transform_class", [ChannelDropout, TimeMask])
def test_what_is_blotted_out_is_at_its_mean(transform_class, X, y):
    """Far from 0 V it makes no difference either."""
    losses = [
        small(EEGNetClassifier, augmentation=[transform_class(0.5)])
        .fit(X + offset, y)
        .history_[:, "train_loss"]
        for offset in (0, 100)
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)


def test_the_trials_of_the_user_are_left_alone(X, y):
    def clear(X, y):
        return X.zero_(), y

    before = X.copy()
    for standardize in ("channel", None):
        small(EEGNetClassifier, augmentation=[clear], standardize=standardize).fit(X, y)
    np.testing.assert_array_equal(X, before)


def test_all_evaluations_of_a_step_see_the_same_batch(X, y):
    count, seen = counter()
    estimator = EEGClassifier(network=linear, optimizer="lbfgs", weight_decay=0, lr=0.1)
    estimator.set_params(max_epochs=3, augmentation=[GaussianNoise(0.1), count]).fit(X, y)
    assert len(seen) == 3


def test_random_state_makes_it_reproducible(X, y):
    losses = [
        small(EEGNetClassifier, dropout=0, augmentation=ALL, random_state=seed)
        .fit(X, y)
        .history_[:, "train_loss"]
        for seed in (0, 0, 1)
    ]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_transforms_come_in_order(X, y):
    count, seen = counter()
    double, add = (lambda X, y: (2 * X, y)), (lambda X, y: (X + 1, y))
    fields = {"batch_size": 24, "max_epochs": 1, "standardize": None}
    for augmentation in ([double, add, count], [add, double, count]):
        small(EEGNetClassifier, augmentation=augmentation, **fields).fit(X, y)
    sums = [X.double().sum().item() for X, _ in seen]
    total = X.astype(float).sum()
    assert sums == pytest.approx([2 * total + X.size, 2 * (total + X.size)], rel=1e-4)


def test_the_training_score_is_that_of_the_larger_part(X, y):
    estimator = small(
        EEGNetClassifier, max_epochs=60, lr=0.02, dropout=0, augmentation=[Mixup(0.2)]
    )
    estimator.fit(X + 3 * y[:, None, None] * np.linspace(-1, 1, 48), y)
    assert np.mean(estimator.history_[-5:, "train_score"]) > 0.8


# Parameters


def test_parameters_are_listed_set_and_searched(X, y):
    augmentation = [TimeShift(), ("loud", GaussianNoise()), TimeMask(), TimeMask(0.5)]
    estimator = small(EEGNetClassifier, augmentation=augmentation)
    before = estimator.get_params()
    assert before["augmentation__timeshift__max_shift"] == 0.1
    assert before["augmentation__timemask-2__max_length"] == 0.5
    grid = {
        "augmentation__timeshift__max_shift": [0.0, 0.3],
        "augmentation__loud__std": [0.01, 1.0],
        "augmentation__timemask-1": [None],
    }
    search = GridSearchCV(estimator, grid, cv=2).fit(X, y)
    best = small(EEGNetClassifier, augmentation=clone(augmentation, safe=False))
    best.set_params(**search.best_params_).fit(X, y)
    np.testing.assert_array_equal(search.predict_proba(X), best.predict_proba(X))
    assert len(best.net_.augmentation_) == 3
    assert all(value is before[key] for key, value in estimator.get_params().items())


@pytest.mark.parametrize(
    "augmentation",
    [
        [("a", TimeShift()), ("a", TimeMask())],
        [("timeshift", TimeMask()), TimeShift()],
        [("timeshift-1", TimeMask()), TimeShift(), TimeShift()],
    ],
)
def test_a_name_that_was_given_is_of_one_transform_only(augmentation, X, y):
    estimator = clone(small(EEGNetClassifier, augmentation=augmentation))
    assert estimator.get_params()
    name = augmentation[0][0]
    message = f"^EEGNetClassifier: several transforms have the name '{name}'; use unique names"
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y)


def test_nothing_flows_back_into_the_parameters(X, y):
    augmentation = [GaussianNoise()]
    estimator = small(EEGNetClassifier, augmentation=augmentation).fit(X, y)
    assert estimator.augmentation is augmentation
    assert estimator.net_.augmentation_[0] is not augmentation[0]
    estimator.set_params(augmentation__gaussiannoise__std=2.0)
    assert estimator.net_.augmentation_[0].std == 0.01


def test_partial_fit_goes_on_with_the_transforms_of_the_first_call(X, y):
    count, seen = counter()
    estimator = small(EEGNetClassifier, augmentation=[count])
    for _ in range(3):
        estimator.partial_fit(X, y, classes=[0, 1])
    assert len(seen) == 3


def test_early_stopping_beside_augmentation(X, y):
    fields = {"valid_split": 0.25, "callbacks": [EarlyStopping(patience=1)], "augmentation": ALL}
    assert small(EEGNetClassifier, max_epochs=50, **fields).fit(X, y).n_iter_ < 50


@pytest.mark.parametrize(
    ("augmentation", "kind", "message"),
    [
        (TimeShift(), TypeError, r"EEGNetClassifier: augmentation=TimeShift\(\) should be a list"),
        ([TimeShift], TypeError, "augmentation 'timeshift' is <class .*; it should be an instance"),
        ([("a", 3)], TypeError, "EEGNetClassifier: augmentation 'a' is 3; it should be an inst"),
        ([TimeShift(2)], ValueError, "TimeShift: max_shift=2 should be a number between 0 and 1"),
        ([GaussianNoise(-1.0)], ValueError, "GaussianNoise: std=-1.0 should be a number of at le"),
        ([Mixup(0)], ValueError, "Mixup: alpha=0 should be a number above 0"),
        ([Mixup("1")], TypeError, "Mixup: alpha='1' should be a number above 0"),
        ([TimeMask(probability=3)], ValueError, "TimeMask: probability=3 should be a number bet"),
        ([Mixup(), Mixup()], ValueError, "Mixup: the trials are mixed already; use one Mixup"),
        ([lambda X, y: X], ValueError, r"return \(X, y\), with X a tensor of shape \(24, 3, 48\)"),
        ([lambda X, y: (X[:3], y[:3])], ValueError, r"should return \(X, y\), with X a tensor of"),
        ([lambda X, y: (X.numpy(), y)], ValueError, r"should return \(X, y\), with X a tensor of"),
    ],
)
def test_what_is_wrong_is_said_by_fit(augmentation, kind, message, X, y):
    estimator = small(EEGNetClassifier, augmentation=augmentation)
    with pytest.raises(kind, match=message) as error:
        estimator.fit(X, y)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "augmentation__noise",
            r"No transform has the name 'noise'; the names are \['timeshift', 'a'\]",
        ),
        ("augmentation__timeshift__shift", "Invalid parameter 'shift' for estimator TimeShift"),
        (
            "augmentation__a__std",
            "Transform 'a' is <class .*, which has no parameter 'std'; use",
        ),
    ],
)
def test_no_such_parameter(name, message):
    estimator = small(EEGNetClassifier, augmentation=[TimeShift(), ("a", GaussianNoise)])
    with pytest.raises(ValueError, match=message):
        estimator.set_params(**{name: 3})
