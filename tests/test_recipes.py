"""Recipes: their settings, overriding them, and use as estimators."""

import functools
import inspect
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from skorch.callbacks import Checkpoint
from torch import nn

from eegsk import recipes
from eegsk.alignment import AlignedEstimator
from eegsk.augmentation import ChannelReflection
from eegsk.callbacks import SAM, SWA
from eegsk.datasets import make_motor_imagery
from eegsk.metrics import nrmse_scorer

EEGNET = {
    "n_filters": 16,
    "kernel": 51,
    "depth": 2,
    "pool": 4,
    "separable": False,
    "second_n_filters": None,
    "second_kernel": 15,
    "second_pool": 8,
    "dropout": 0.25,
    "spatial_max_norm": None,
    "head_max_norm": None,
    "optimizer": "adam",
    "weight_decay": 0.0,
    "criterion": "cross_entropy",
    "max_epochs": 300,
}
ONE_SUBJECT = {
    "max_epochs": 100,
    "augmentation__timemask__max_length": 0.2,
    "augmentation__timeshift__max_shift": 0.1,
    "callbacks__ema__decay": 0.999,
}
DEEP_CONV_NET = {
    "kernel": 5,
    "pool": 2,
    "max_norm": None,
    "head_max_norm": None,
    "optimizer": "adam",
    "weight_decay": 0.0,
    "criterion": "cross_entropy",
    "batch_size": 64,
    "max_epochs": 300,
}
REGRESSION = {
    "lr": 1e-3,
    "weight_decay": 0.01,
    "criterion": "mse",
    "valid_split": None,
    "callbacks__sam__rho": 0.05,
    "callbacks__sam__adaptive": False,
    "augmentation__timeshift__max_shift": 0.1,
    "augmentation__gaussiannoise__std": 0.01,
}
FINE_GRAINED = {
    "optimizer": "adamw",
    "max_epochs": 100,
    "callbacks__focalbalance__gamma": 2.0,
    "callbacks__focalbalance__scheme": "balanced",
    "callbacks__cosinewarmrestarts__t_0": 10,
    "callbacks__mixedprecision__dtype": "bfloat16",
    "callbacks__gradientclipping__max_norm": 1.0,
    "callbacks__swa__lr": 1e-4,
    "callbacks__earlystopping__monitor": "valid_balanced_accuracy",
    "callbacks__earlystopping__patience": None,
    "callbacks__earlystopping__load_best": True,
}

# Fields for small networks, for trials of 64 time points.
SHORT = {
    recipes.motor_imagery: {"n_filters": 2, "sfreq": 32},
    recipes.cross_subject_motor_imagery: {"n_filters": 2, "sfreq": 80, "n_seeds": 2},
    recipes.event_related_potential: {"n_filters": 2, "sfreq": 32, "n_seeds": 2},
    recipes.motor_imagery_eegnet: {"n_filters": 2, "kernel": 9},
    recipes.motor_imagery_deep_conv_net: {"kernel": 2},
    recipes.reaction_time_regression: {"n_filters": 2, "kernel": 9, "second_kernel": 9},
    recipes.multi_output_regression: {"n_filters": 2, "kernel": 9, "second_kernel": 9},
    recipes.fine_grained_classification: {"n_filters": 2, "kernel": 9},
}
# Recipes of aligned ensembles.
ALIGNED = [
    recipes.motor_imagery,
    recipes.cross_subject_motor_imagery,
    recipes.event_related_potential,
]
# Recipes by name, with the arguments that they require.
RECIPES = [getattr(recipes, name) for name in recipes.__all__]
REQUIRED: dict = {
    recipes.cross_subject_motor_imagery: {"sfreq": 160},
    recipes.event_related_potential: {"sfreq": 125},
}


def networks_of(estimator):
    """Return the networks of the estimator of a recipe."""
    if isinstance(estimator, AlignedEstimator):
        return networks_of(estimator.estimator)
    if isinstance(estimator, VotingClassifier):
        return [network for _, member in estimator.estimators for network in networks_of(member)]
    return [estimator]


def improved(net):
    scores = net.history[:, "valid_balanced_accuracy"]
    return scores[-1] >= max(scores)


def n_weights(estimator, n_chans, n_times, n_outputs):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4, n_chans, n_times))
    y = np.arange(4) % n_outputs
    module = estimator.set_params(max_epochs=1).fit(X, y).module_
    return sum(weight.numel() for weight in module.parameters() if weight.requires_grad)


def data_for(recipe, n_trials=40):
    """Return trials of noise, with targets for a recipe."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_trials, 2, 64))
    if recipe is recipes.multi_output_regression:
        return X, rng.standard_normal((n_trials, 8))
    if recipe is recipes.reaction_time_regression:
        return X, rng.uniform(0.3, 0.7, n_trials)
    n_classes = 8 if recipe is recipes.fine_grained_classification else 2
    return X, np.array([f"class {number % n_classes}" for number in range(n_trials)])


def short(recipe, **fields):
    return recipe(**{"max_epochs": 2, "random_state": 0, **SHORT[recipe], **fields})


# Settings


@pytest.mark.parametrize(
    ("recipe", "arguments", "expected"),
    [
        (recipes.motor_imagery_eegnet, {}, EEGNET | {"batch_size": 64, "lr": 1e-3}),
        (
            recipes.motor_imagery_eegnet,
            {"activation": nn.LeakyReLU},
            EEGNET | {"batch_size": 12, "lr": 4e-4},
        ),
        (
            recipes.motor_imagery_eegnet,
            {"activation": "elu", "activation_params": {"alpha": 0.2}},
            EEGNET | {"batch_size": 12, "lr": 5e-4},
        ),
        (
            recipes.motor_imagery_eegnet,
            {"activation": "gelu"},
            EEGNET | {"batch_size": 64, "lr": 1e-3},
        ),
        (recipes.motor_imagery, {}, ONE_SUBJECT | {"kernel": 125, "pool": 8}),
        (recipes.motor_imagery, {"sfreq": 128.0}, ONE_SUBJECT | {"kernel": 64, "pool": 4}),
        (
            recipes.motor_imagery_deep_conv_net,
            {},
            DEEP_CONV_NET | {"activation": "relu", "lr": 1e-3},
        ),
        (recipes.motor_imagery_deep_conv_net, {"activation": "elu"}, DEEP_CONV_NET | {"lr": 3e-4}),
        (
            recipes.reaction_time_regression,
            {},
            REGRESSION | {"optimizer": "adamw", "max_epochs": 30, "batch_size": 32},
        ),
        (
            recipes.multi_output_regression,
            {},
            REGRESSION | {"optimizer": "adamax", "max_epochs": 20, "batch_size": 16},
        ),
        (recipes.fine_grained_classification, {}, FINE_GRAINED),
    ],
)
def test_settings_of_recipes(recipe, arguments, expected):
    (network,) = networks_of(recipe(**arguments))
    params = network.get_params()
    assert {name: params[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (recipes.motor_imagery_eegnet, 17874),
        (recipes.motor_imagery_deep_conv_net, 150977),
    ],
)
def test_number_of_parameters_of_two_channels(recipe, expected):
    estimator = recipe()
    assert n_weights(estimator, 2, 750, 2) == expected


def test_number_of_features_of_motor_imagery_eegnet():
    X = np.random.default_rng(0).standard_normal((4, 2, 750))
    fitted = recipes.motor_imagery_eegnet(max_epochs=1).fit(X, [0, 1, 0, 1])
    assert fitted.module_.network.head.in_features == 736


def test_averaging_starts_in_epoch_80_of_100():
    callbacks = recipes.fine_grained_classification().callbacks
    (average,) = (item for item in callbacks if isinstance(item, SWA))
    assert average._first_epoch(100) == 80
    X, y = data_for(recipes.fine_grained_classification)
    fitted = short(recipes.fine_grained_classification, max_epochs=5).fit(X, y)
    assert fitted.history_[:, "n_averaged"] == [0, 0, 0, 1, 2]


def test_fine_grained_classification_keeps_the_best_epoch():
    X, y = data_for(recipes.fine_grained_classification, n_trials=80)
    fitted = short(recipes.fine_grained_classification, max_epochs=4).fit(X, y)
    scores = fitted.history_[:, "valid_balanced_accuracy"]
    (keeper,) = (item for name, item in fitted.net_.callbacks_ if name == "earlystopping")
    assert keeper.best_epoch_ == 1 + int(np.argmax(scores))


def test_fine_grained_classification_with_another_checkpoint(tmp_path):
    checkpoint = Checkpoint(monitor=improved, dirname=tmp_path, load_best=True)
    estimator = short(recipes.fine_grained_classification, checkpoint=checkpoint)
    X, y = data_for(recipes.fine_grained_classification)
    assert "callbacks__earlystopping" not in estimator.get_params()
    estimator.fit(X, y)
    assert (tmp_path / "params.pt").exists()


def test_fine_grained_classification_keeps_the_best_epoch_in_a_file(tmp_path):
    estimator = short(recipes.fine_grained_classification, checkpoint=tmp_path / "best")
    X, y = data_for(recipes.fine_grained_classification)
    fitted = estimator.fit(X, y)
    best = torch.load(tmp_path / "best", weights_only=True)["best"]
    scores = fitted.history_[:, "valid_balanced_accuracy"]
    assert best["epoch"] == 1 + int(np.argmax(scores))
    for name, value in fitted.module_.state_dict().items():
        assert torch.equal(value, best["weights"][name])


# Use as estimators


@pytest.mark.parametrize("recipe", RECIPES)
def test_fit_clone_and_pickle(recipe):
    X, y = data_for(recipe)
    estimator = short(recipe)
    fitted = clone(estimator).fit(X, y)
    predicted = fitted.predict(X)
    assert predicted.shape == y.shape
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), predicted)
    assert np.array_equal(clone(fitted).fit(X, y).predict(X), predicted)


@pytest.mark.parametrize(
    ("recipe", "grid"),
    [
        (recipes.motor_imagery, {"estimator__augmentation__timemask__max_length": [0.0, 0.2]}),
        (recipes.cross_subject_motor_imagery, {"broadband__estimator__seed0__lr": [1e-3, 1e-2]}),
        (recipes.event_related_potential, {"estimator__seed1__augmentation__mixup__alpha": [1, 2]}),
        (recipes.motor_imagery_eegnet, {"activation": ["relu", nn.ELU]}),
        (recipes.motor_imagery_deep_conv_net, {"activation": ["relu", "gelu"]}),
        (recipes.reaction_time_regression, {"callbacks__sam__rho": [0.02, 0.05]}),
        (recipes.multi_output_regression, {"augmentation__timeshift__max_shift": [0.0, 0.2]}),
        (recipes.fine_grained_classification, {"callbacks__focalbalance__gamma": [0.0, 2.0]}),
    ],
)
def test_grid_search(recipe, grid):
    X, y = data_for(recipe, n_trials=80)
    search = GridSearchCV(short(recipe, max_epochs=1), grid, cv=2, error_score="raise").fit(X, y)
    ((name, values),) = grid.items()
    assert search.best_params_[name] in values
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_reaction_time_regression_in_cross_validation_by_subject():
    X, seconds = data_for(recipes.reaction_time_regression)
    subjects = np.repeat(np.arange(5), 8)
    scores = cross_val_score(
        short(recipes.reaction_time_regression, max_epochs=1),
        X,
        seconds,
        groups=subjects,
        cv=GroupKFold(n_splits=5),
        scoring=nrmse_scorer,
        error_score="raise",
    )
    assert scores.shape == (5,)
    assert (scores < 0).all()


# Overriding settings


@pytest.mark.parametrize("recipe", RECIPES)
def test_fields_can_be_overridden(recipe):
    expected = {"lr": 0.5, "batch_size": 7, "dropout": 0.1, "verbose": 1, "max_epochs": 9}
    for network in networks_of(recipe(**REQUIRED.get(recipe, {}), **expected, random_state=3)):
        assert {name: network.get_params()[name] for name in expected} == expected
        assert network.random_state is not None


def test_nested_parameters_can_be_overridden():
    estimator = recipes.reaction_time_regression(callbacks__sam__rho=0.2, augmentation=None)
    assert estimator.get_params()["callbacks__sam__rho"] == 0.2
    assert estimator.augmentation is None
    replaced = recipes.multi_output_regression(optimizer="sgd", callbacks=[SAM(rho=0.3)])
    assert (replaced.optimizer, replaced.callbacks[0].rho) == ("sgd", 0.3)


def test_estimators_of_one_recipe_are_independent():
    changed = recipes.reaction_time_regression(callbacks__sam__rho=0.2)
    assert changed.callbacks[0].rho == 0.2
    assert recipes.reaction_time_regression().callbacks[0].rho == 0.05


@pytest.mark.parametrize("recipe", RECIPES)
def test_unknown_fields(recipe):
    recipe = functools.partial(recipe, **REQUIRED.get(recipe, {}))
    name = type(networks_of(recipe())[0]).__name__
    with pytest.raises(TypeError, match=f"^{name} has no parameter 'batchsize'; did you mean"):
        recipe(batchsize=3)
    with pytest.raises(TypeError, match=rf"^{name} has no parameter 'qqqq'; see its get_params"):
        recipe(qqqq=3)
    with pytest.raises(ValueError, match="^No callback has the name 'nobody'; the names are "):
        recipe(callbacks__nobody__rho=3)


@pytest.mark.parametrize(
    ("sfreq", "error"),
    [(-5, ValueError), (0, ValueError), (np.nan, ValueError), ("a", TypeError), (None, TypeError)],
)
@pytest.mark.parametrize("recipe", ALIGNED)
def test_bad_sampling_rates(recipe, sfreq, error):
    lowest = 64.0 if recipe is recipes.cross_subject_motor_imagery else 0
    message = rf"^{recipe.__name__}: sfreq={sfreq!r} should be a number above {lowest}\.$"
    with pytest.raises(error, match=message):
        recipe(sfreq=sfreq)


def trials_of_sessions():
    """Return trials of three channels in four sessions."""
    return make_motor_imagery(n_subjects=4, n_trials=16, n_chans=3, n_times=64, random_state=0)


@pytest.mark.parametrize("recipe", [recipes.motor_imagery, recipes.cross_subject_motor_imagery])
@pytest.mark.parametrize("n_seeds", [1, 3])
def test_groups_and_names_of_channels(recipe, n_seeds):
    X, y, sessions = trials_of_sessions()
    is_new = sessions == 4
    estimator = short(recipe, ch_names=["C3", "Cz", "C4"], n_seeds=n_seeds)
    estimator.fit(X[~is_new], y[~is_new], groups=sessions[~is_new])
    probabilities = estimator.predict_proba(X[is_new], groups=sessions[is_new])
    assert probabilities.shape == (16, 2)
    n_networks = n_seeds * len(getattr(estimator, "estimators", [None]))
    assert len(networks_of(estimator)) == n_networks
    again = clone(estimator).fit(X[~is_new], y[~is_new], groups=sessions[~is_new])
    assert np.array_equal(again.predict_proba(X[is_new], sessions[is_new]), probabilities)
    for network in networks_of(estimator):
        assert isinstance(network.augmentation[0], ChannelReflection)
    assert len({network.random_state for network in networks_of(estimator)}) == n_networks


@pytest.mark.parametrize("recipe", ALIGNED)
def test_a_random_state_draws_the_seeds_of_an_ensemble(recipe):
    def seeds(random_state):
        estimator = short(recipe, n_seeds=3, random_state=random_state)
        return [network.random_state for network in networks_of(estimator)]

    assert seeds(0) == seeds(0) == seeds(np.random.RandomState(0)) != seeds(1)
    assert set(seeds(None)) == {None}


def test_recipes_have_keyword_arguments_only():
    for recipe in RECIPES:
        kinds = {parameter.kind for parameter in inspect.signature(recipe).parameters.values()}
        assert kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}
        assert inspect.signature(recipe).parameters["random_state"].default is None
