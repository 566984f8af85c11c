"""Augmentation: each transform, and its use in training only."""

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


def trials(n_trials=64, n_chans=3, n_times=50, **options):
    return torch.randn(n_trials, n_chans, n_times, **options)


def applied(transform, X):
    return transform(X, torch.zeros(len(X)))[0]


def is_changed(transformed, X):
    return (transformed != X).flatten(1).any(dim=1)


# Every transform


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("transform_class", TRANSFORMS)
def test_trials_are_transformed_independently_in_a_new_tensor(transform_class, dtype, device):
    X = trials(n_chans=8, n_times=400, dtype=dtype, device=device)
    if transform_class is not Mixup:  # mixtures of equal trials are equal
        X = X[:1].repeat(64, 1, 1)
    copied = X.clone()
    result = applied(transform_class(probability=1), X)
    assert torch.equal(X, copied)
    assert (result.shape, result.dtype, result.device) == (X.shape, X.dtype, X.device)
    changed = result[is_changed(result, X)]
    assert len(changed) > 10
    assert len(torch.unique(changed, dim=0)) > 5


@pytest.mark.parametrize("transform_class", TRANSFORMS)
def test_probability_that_a_trial_is_transformed(transform_class):
    X = trials(4000, n_chans=10, n_times=20)
    n_changed = {
        probability: is_changed(applied(transform_class(probability=probability), X), X).sum()
        for probability in (0, 0.25, 1)
    }
    assert n_changed[0] == 0
    assert 0.2 < n_changed[0.25] / n_changed[1] < 0.3
    assert n_changed[1] > 2000


@pytest.mark.parametrize("transform_class", TRANSFORMS)
def test_same_seed_gives_the_same_trials(transform_class):
    X = trials()
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(applied(transform_class(probability=1), X))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


@pytest.mark.parametrize("n_times", [1, 2, 3])
@pytest.mark.parametrize("transform_class", TRANSFORMS)
def test_batches_of_one_short_trial(transform_class, n_times):
    assert applied(transform_class(), trials(1, 1, n_times)).shape == (1, 1, n_times)


@pytest.mark.parametrize("transform", ALL, ids=lambda transform: type(transform).__name__)
def test_clone_pickle_and_repr_of_transforms(transform):
    for copy in (clone(transform), pickle.loads(pickle.dumps(transform))):
        assert type(copy) is type(transform)
        assert copy.get_params() == transform.get_params()
    assert eval(repr(transform)).get_params() == transform.get_params()


# Single transforms


@pytest.mark.parametrize("n_times", [50, 51])
@pytest.mark.parametrize("max_shift", [0.0, 0.1, 1.0])
def test_time_shift_rolls_each_trial(max_shift, n_times):
    X = trials(500, n_times=n_times)
    X[:, 0] = torch.arange(float(n_times))
    result = applied(TimeShift(max_shift), X)
    largest = round(max_shift * n_times)
    shifts = (result[:, 0] == 0).int().argmax(dim=1)  # new position of the first time point
    assert set(shifts.tolist()) == {shift % n_times for shift in range(-largest, largest + 1)}
    for trial, shift, shifted in zip(X, shifts.tolist(), result, strict=True):
        assert torch.equal(shifted, torch.roll(trial, shift, dims=1))


@pytest.mark.parametrize("std", [0.01, 2.0])
def test_gaussian_noise_is_white_and_normal(std):
    X = trials(61, 7, 101)
    noise = (applied(GaussianNoise(std), X.double()) - X).numpy() / std
    assert noise.std() == pytest.approx(1, abs=0.01)
    assert scipy.stats.kstest(noise.ravel()[::5], "norm").pvalue > 0.01
    assert scipy.stats.kurtosis(noise.ravel()) == pytest.approx(0, abs=0.1)
    for axis in range(3):  # neighbouring values are not correlated
        first, second = np.delete(noise, -1, axis), np.delete(noise, 0, axis)
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02


def test_noise_of_zero_standard_deviation_changes_nothing():
    X = trials()
    assert torch.equal(applied(GaussianNoise(0.0), X), X)


def test_channel_dropout_sets_channels_to_zero():
    X = trials(4000, n_chans=10)
    result = applied(ChannelDropout(0.3), X)
    dropped = (result == 0).all(dim=2)
    assert torch.equal(result, X * ~dropped[:, :, None])
    assert dropped.float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert abs(np.corrcoef(dropped[:, 0], dropped[:, 1])[0, 1]) < 0.05


@pytest.mark.parametrize("n_chans", [1, 2, 5])
def test_channel_dropout_keeps_one_channel(n_chans):
    kept = (applied(ChannelDropout(1.0), trials(n_chans=n_chans)) != 0).all(dim=2)
    assert (kept.sum(dim=1) == 1).all()
    assert kept.any(dim=0).all()  # each channel is kept in some trial


def test_time_mask_sets_one_segment_to_zero():
    X = trials(2000)
    result = applied(TimeMask(0.2), X)
    masked = (result == 0).all(dim=1)
    assert torch.equal(result, X * ~masked[:, None])
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
    uniform = (factors[:, 0, 0].numpy() - 0.6) / 0.8
    assert scipy.stats.kstest(uniform, "uniform").pvalue > 0.01


@pytest.mark.parametrize("n_times", [50, 51])
def test_fourier_surrogate_keeps_amplitude_and_cross_spectra(n_times):
    X = trials(n_times=n_times, dtype=torch.float64) + 1
    surrogate = applied(FourierSurrogate(probability=1), X)
    spectrum, new_spectrum = np.fft.rfft(X.numpy()), np.fft.rfft(surrogate.numpy())
    np.testing.assert_allclose(np.abs(new_spectrum), np.abs(spectrum), rtol=1e-9)
    np.testing.assert_allclose(surrogate.mean(dim=2), X.mean(dim=2))
    cross, new_cross = (f[:, 0] * f[:, 1].conj() for f in (spectrum, new_spectrum))
    np.testing.assert_allclose(new_cross, cross, rtol=1e-6)
    shifts = np.angle(new_spectrum / spectrum)[:, :, 1:24]
    np.testing.assert_allclose(shifts[:, 0], shifts[:, 1], atol=1e-6)
    assert scipy.stats.kstest(shifts[:, 0].ravel() / (2 * np.pi) + 0.5, "uniform").pvalue > 0.01


def test_phase_noise_limits_the_phase_shift():
    X = trials(dtype=torch.float64)
    surrogate = applied(FourierSurrogate(phase_noise=0.25, probability=1), X)
    shifts = np.angle(np.fft.rfft(surrogate.numpy()) / np.fft.rfft(X.numpy()))
    assert 0.24 * np.pi < np.abs(shifts).max() <= 0.25 * np.pi * (1 + 1e-9)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 2.0, 5.0])
def test_mixup_mixes_trials(alpha):
    X, y = trials(4000, dtype=torch.float64, n_times=2), torch.arange(4000)
    mixtures, mixed = Mixup(alpha)(X, y)
    share = mixed.share[:, None, None]
    torch.testing.assert_close(mixtures, share * X + (1 - share) * X[mixed.partner])
    assert torch.equal(mixed.target, y)
    assert torch.equal(mixed.partner.sort().values, y)
    beta = scipy.stats.beta(alpha, alpha)
    test = scipy.stats.kstest(mixed.share.numpy(), lambda share: 2 * beta.cdf(share) - 1)
    assert test.pvalue > 0.01


@pytest.mark.parametrize("alpha", [1e-3, 1e-6, 1e-300, 5e-324])
def test_mixup_of_tiny_alpha(alpha):
    _, mixed = Mixup(alpha)(trials(4000, n_times=2), torch.zeros(4000))
    assert mixed.share.mean() >= 0.99
    assert (mixed.share >= 0.5).all()


def test_mixtures_are_not_mixed_again():
    X, mixed = Mixup()(trials(), torch.zeros(64))
    with pytest.raises(ValueError, match="^Mixup: the trials are mixed already; use only one"):
        Mixup()(X, mixed)


# Mixed targets


def mixtures(n_outputs, dtype=torch.float64):
    share = torch.tensor([1.0, 0.8, 0.5], dtype=dtype)
    target = torch.tensor([0, 2, 1]) if n_outputs == 3 else torch.randn(3, n_outputs, dtype=dtype)
    output = torch.randn(3, n_outputs, dtype=dtype, requires_grad=True)
    return MixedTarget(target, torch.tensor([2, 0, 1]), share), output


def loss_of(estimator, output, target, weight):
    return estimator.net_.get_loss(output, target, X={"weight": weight}, training=True)


def test_loss_is_cross_entropy_of_mixed_targets(X):
    estimator = EEGClassifier(network=linear, max_epochs=1).fit(X, np.arange(24) % 3)
    mixed, output = mixtures(3)
    one_hot = nn.functional.one_hot(mixed.target).double()
    share = mixed.share[:, None]
    soft_target = share * one_hot + (1 - share) * one_hot[mixed.partner]
    loss = loss_of(estimator, output, mixed, torch.ones(3))
    torch.testing.assert_close(loss, nn.functional.cross_entropy(output, soft_target))


def test_squared_error_has_the_gradient_of_mixed_targets(X):
    estimator = EEGRegressor(network=linear, max_epochs=1).fit(X, X[:, :2, 0])
    mixed, output = mixtures(2)
    share = mixed.share[:, None]
    soft_target = share * mixed.target + (1 - share) * mixed.target[mixed.partner]
    (gradient,) = torch.autograd.grad(loss_of(estimator, output, mixed, torch.ones(3)), output)
    (expected,) = torch.autograd.grad(nn.functional.mse_loss(output, soft_target), output)
    torch.testing.assert_close(gradient, expected)


def test_weights_of_both_trials_count_in_a_mixture(X):
    estimator = EEGClassifier(network=linear, max_epochs=1).fit(X, np.arange(24) % 3)
    mixed, output = mixtures(3)
    weight = torch.tensor([0.5, 2.0, 0.5])
    loss, partner_loss = (
        nn.functional.cross_entropy(output, target, reduction="none")
        for target in (mixed.target, mixed.target[mixed.partner])
    )
    expected = (
        mixed.share * weight * loss + (1 - mixed.share) * weight[mixed.partner] * partner_loss
    )
    torch.testing.assert_close(loss_of(estimator, output, mixed, weight), expected.mean())


def test_training_step_on_mixtures_follows_the_paper(X):
    """Compare with one step of gradient descent on mixed targets, computed here."""
    y, batches = np.arange(24) % 3, []

    def record(X, y):
        batches.append((X.clone(), y))
        return X, y

    fields = {"optimizer": "sgd", "lr": 0.5, "weight_decay": 0, "batch_size": 24, "random_state": 0}
    estimator = EEGClassifier(network=linear, max_epochs=1, augmentation=[Mixup(2.0), record])
    estimator.set_params(**fields).fit(X, y)
    ((mixtures, mixed),) = batches
    start = EEGClassifier(network=linear, max_epochs=1, **{**fields, "lr": 1e-30}).fit(X, y)
    head = start.module_.network
    head.zero_grad()
    one_hot = nn.functional.one_hot(mixed.target).float()
    share = mixed.share[:, None]
    soft_target = share * one_hot + (1 - share) * one_hot[mixed.partner]
    loss = nn.functional.cross_entropy(head(mixtures), soft_target)
    loss.backward()
    for trained, weight in zip(estimator.module_.parameters(), head.parameters(), strict=True):
        torch.testing.assert_close(trained, weight - 0.5 * weight.grad)
    assert estimator.history_[-1, "train_loss"] == pytest.approx(loss.item(), rel=1e-5)


@pytest.mark.parametrize("criterion", ["multi_margin", "cross_entropy"])
def test_mixup_with_losses_without_class_probabilities(criterion, X, y):
    small(EEGNetClassifier, criterion=criterion, augmentation=[Mixup()]).fit(X, y)


def test_mixup_needs_a_loss_for_each_trial(X, y):
    class BatchLoss(nn.Module):
        def forward(self, logits, target):
            return nn.functional.cross_entropy(logits, target)

    message = "sample_weight, class_weight and Mixup have no effect; use a criterion with reduction"
    with pytest.raises(ValueError, match=message):
        small(EEGNetClassifier, criterion=BatchLoss, augmentation=[Mixup()]).fit(X, y)


# Training


def recorder():
    """Return a transform that changes nothing, and the list of the batches that it receives."""
    batches = []

    def record(X, y):
        batches.append((X, y))
        return X, y

    return record, batches


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_all_transforms_together_train_every_network(estimator_class, X, y):
    weight = np.linspace(0.5, 2, 24)
    fields = {"augmentation": ALL, "batch_size": 12, "valid_split": 0.25}
    estimator = small(estimator_class, **fields).fit(X, y, weight)
    again = clone(estimator).fit(X, y, weight)
    np.testing.assert_array_equal(again.predict(X), estimator.predict(X))
    without = small(estimator_class, **{**fields, "augmentation": None}).fit(X, y, weight)
    assert estimator.history_[-1, "train_loss"] != without.history_[-1, "train_loss"]
    restored = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(restored.predict(X), estimator.predict(X))
    np.testing.assert_array_equal(
        restored.partial_fit(X, y).predict(X), estimator.partial_fit(X, y).predict(X)
    )


@pytest.mark.parametrize("estimator_class", [EEGNetClassifier, EEGNetRegressor])
@pytest.mark.parametrize("standardize", ["channel", "global", "spectrum", None])
def test_transforms_are_applied_to_standardised_training_trials_only(
    estimator_class, standardize, X, y
):
    X = 3 * X + 5
    record, batches = recorder()
    fields = {"standardize": standardize, "valid_split": 0.25, "max_epochs": 3, "batch_size": 9}
    estimator = small(estimator_class, augmentation=[record], **fields).fit(X, y)
    assert [len(X) for X, _ in batches] == [9] * 6
    epoch = torch.cat([X for X, _ in batches[:2]])
    if standardize is None:
        assert np.isin(epoch.numpy(), X).all()
    else:
        atol = 0.1 if standardize == "spectrum" else 1e-5
        torch.testing.assert_close(epoch.mean(dim=(0, 2)), torch.zeros(3), atol=atol, rtol=0)
        assert epoch[..., 6:].std().item() == pytest.approx(1, abs=0.01)
    estimator.predict(X), estimator.score(X, y)
    assert len(batches) == 6
    without = small(estimator_class, **fields).fit(X, y)
    # Without augmentation, standardisation is merged into the spatial filters: rounding differs.
    np.testing.assert_allclose(without._output(X), estimator._output(X), atol=1e-5)
    losses = [item.history_[:, "valid_loss"] for item in (without, estimator)]
    np.testing.assert_allclose(*losses, atol=1e-5)


def test_transforms_are_not_applied_to_validation_trials(X, y):
    """If all training trials are set to zero, validation losses still depend on the trials."""

    def set_to_zero(X, y):
        return torch.zeros_like(X), y

    fields = {"augmentation": [set_to_zero], "valid_split": 0.25, "max_epochs": 1}
    reversed_in_time = X[:, :, ::-1].copy()
    one, two = (small(EEGNetClassifier, **fields).fit(data, y) for data in (X, reversed_in_time))
    assert one.history_[0, "train_loss"] == two.history_[0, "train_loss"]
    assert one.history_[0, "valid_loss"] != two.history_[0, "valid_loss"]


@pytest.mark.parametrize("transform", ALL, ids=lambda transform: type(transform).__name__)
def test_unit_of_the_trials_makes_no_difference(transform, X, y):
    fitted = [
        small(EEGNetClassifier, augmentation=[transform]).fit(unit * X, y)
        for unit in (1, 2.0**-20, 1e-6)
    ]
    losses = [estimator.history_[:, "train_loss"] for estimator in fitted]
    assert losses[0] == losses[1]
    np.testing.assert_allclose(losses[2], losses[0], rtol=1e-4)


@pytest.mark.parametrize("transform_class", [ChannelDropout, TimeMask])
def test_masks_set_channels_to_their_mean(transform_class, X, y):
    """A constant offset of the trials, e.g. 100 V, makes no difference."""
    losses = [
        small(EEGNetClassifier, augmentation=[transform_class(0.5)])
        .fit(X + offset, y)
        .history_[:, "train_loss"]
        for offset in (0, 100)
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)


def test_transforms_in_place_do_not_change_the_trials_of_the_user(X, y):
    def set_to_zero(X, y):
        return X.zero_(), y

    copied = X.copy()
    for standardize in ("channel", None):
        small(EEGNetClassifier, augmentation=[set_to_zero], standardize=standardize).fit(X, y)
    np.testing.assert_array_equal(X, copied)


def test_transforms_are_applied_once_in_a_step_of_several_evaluations(X, y):
    record, batches = recorder()
    estimator = EEGClassifier(network=linear, optimizer="lbfgs", weight_decay=0, lr=0.1)
    estimator.set_params(max_epochs=3, augmentation=[GaussianNoise(0.1), record]).fit(X, y)
    assert len(batches) == 3


def test_random_state_makes_augmentation_reproducible(X, y):
    losses = [
        small(EEGNetClassifier, dropout=0, augmentation=ALL, random_state=seed)
        .fit(X, y)
        .history_[:, "train_loss"]
        for seed in (0, 0, 1)
    ]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_transforms_are_applied_in_order(X, y):
    record, batches = recorder()
    double, add = (lambda X, y: (2 * X, y)), (lambda X, y: (X + 1, y))
    fields = {"batch_size": 24, "max_epochs": 1, "standardize": None}
    for augmentation in ([double, add, record], [add, double, record]):
        small(EEGNetClassifier, augmentation=augmentation, **fields).fit(X, y)
    sums = [X.double().sum().item() for X, _ in batches]
    total = X.astype(float).sum()
    assert sums == pytest.approx([2 * total + X.size, 2 * (total + X.size)], rel=1e-4)


def test_training_score_of_mixtures_is_that_of_the_larger_share(X, y):
    estimator = small(
        EEGNetClassifier, max_epochs=60, lr=0.02, dropout=0, augmentation=[Mixup(0.2)]
    )
    estimator.fit(X + 3 * y[:, None, None] * np.linspace(-1, 1, 48), y)
    assert np.mean(estimator.history_[-5:, "train_score"]) > 0.8


# Parameters


def test_parameters_are_listed_set_and_searched(X, y):
    augmentation = [TimeShift(), ("loud", GaussianNoise()), TimeMask(), TimeMask(0.5)]
    estimator = small(EEGNetClassifier, augmentation=augmentation)
    params = estimator.get_params()
    assert params["augmentation__timeshift__max_shift"] == 0.1
    assert params["augmentation__timemask-2__max_length"] == 0.5
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
    assert all(value is params[key] for key, value in estimator.get_params().items())


@pytest.mark.parametrize(
    "augmentation",
    [
        [("a", TimeShift()), ("a", TimeMask())],
        [("timeshift", TimeMask()), TimeShift()],
        [("timeshift-1", TimeMask()), TimeShift(), TimeShift()],
    ],
)
def test_names_of_transforms_are_unique(augmentation, X, y):
    estimator = clone(small(EEGNetClassifier, augmentation=augmentation))
    assert estimator.get_params()
    name = augmentation[0][0]
    message = f"^EEGNetClassifier: several transforms have the name '{name}'; use unique names"
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y)


def test_fit_does_not_change_transforms(X, y):
    augmentation = [GaussianNoise()]
    estimator = small(EEGNetClassifier, augmentation=augmentation).fit(X, y)
    assert estimator.augmentation is augmentation
    assert estimator.net_.augmentation_[0] is not augmentation[0]
    estimator.set_params(augmentation__gaussiannoise__std=2.0)
    assert estimator.net_.augmentation_[0].std == 0.01


def test_partial_fit_uses_the_transforms_of_the_first_call(X, y):
    record, batches = recorder()
    estimator = small(EEGNetClassifier, augmentation=[record])
    for _ in range(3):
        estimator.partial_fit(X, y, classes=[0, 1])
    assert len(batches) == 3


def test_early_stopping_with_augmentation(X, y):
    fields = {"valid_split": 0.25, "callbacks": [EarlyStopping(patience=1)], "augmentation": ALL}
    assert small(EEGNetClassifier, max_epochs=50, **fields).fit(X, y).n_iter_ < 50


NOT_A_BATCH = (
    r"augmentation: <function .*> should return \(X, y\), where X is a tensor of the same shape as "
    r"its input, \(24, 3, 48\)\."
)


@pytest.mark.parametrize(
    ("augmentation", "kind", "message"),
    [
        (TimeShift(), TypeError, r"EEGNetClassifier: augmentation=TimeShift\(\) should be a list"),
        (
            [TimeShift],
            TypeError,
            "EEGNetClassifier: augmentation 'timeshift' is <class .*; it should be an instance of",
        ),
        (
            [("a", 3)],
            TypeError,
            "EEGNetClassifier: augmentation 'a' is 3; it should be an instance of a transform",
        ),
        (
            [("a", lambda X: X)],
            TypeError,
            r"EEGNetClassifier: augmentation 'a' should be a function of two arguments, \(X, y\)",
        ),
        ([TimeShift(2)], ValueError, "TimeShift: max_shift=2 should be a number between 0 and 1"),
        ([GaussianNoise(-1)], ValueError, "GaussianNoise: std=-1 should be a number of at least 0"),
        ([Mixup(0)], ValueError, "Mixup: alpha=0 should be a number above 0"),
        ([Mixup("1")], TypeError, "Mixup: alpha='1' should be a number above 0"),
        (
            [TimeMask(probability=3)],
            ValueError,
            "TimeMask: probability=3 should be a number between 0 and 1",
        ),
        ([Mixup(), Mixup()], ValueError, "Mixup: the trials are mixed already; use only one Mixup"),
        ([lambda X, y: X], ValueError, NOT_A_BATCH),
        ([lambda X, y: (X[:3], y[:3])], ValueError, NOT_A_BATCH),
        ([lambda X, y: (X.numpy(), y)], ValueError, NOT_A_BATCH),
    ],
)
def test_bad_transforms(augmentation, kind, message, X, y):
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
def test_unknown_parameters_of_transforms(name, message):
    estimator = small(EEGNetClassifier, augmentation=[TimeShift(), ("a", GaussianNoise)])
    with pytest.raises(ValueError, match=message):
        estimator.set_params(**{name: 3})


def exchange_labels(X, y):
    return X, 1 - y


def test_training_score_uses_the_labels_that_a_transform_returns(X, y):
    estimator = small(
        EEGNetClassifier, max_epochs=60, lr=0.02, dropout=0, augmentation=[exchange_labels]
    )
    separable = X + 3 * y[:, None, None] * np.linspace(-1, 1, 48)
    estimator.fit(separable, y)
    assert np.mean(estimator.history_[-5:, "train_score"]) > 0.8
    assert estimator.score(separable, y) < 0.2
