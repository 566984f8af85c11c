"""Parameters as typed fields: constructor, checks of types and ranges, errors."""

import functools
import inspect
import re

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import KFold
from torch import nn

from eegsk import EEGClassifier, EEGNetClassifier, EEGNetRegressor
from eegsk.augmentation import TimeShift
from eegsk.callbacks import EarlyStopping

from .networks import ESTIMATORS, linear, small

NOT_COUNTS = [0, -1, 1.5, "3", True, np.True_, np.nan, np.inf, [3], np.array([3])]
NOT_POSITIVE = [0, -1, "0.1", True, np.nan, np.inf, 1j, [0.1]]
NOT_DICTIONARIES = [3, "a", [("a", 1)]]
NOT_FACTORIES = [3, None, True, ["relu"], np.ones((3, 3))]
# Values that do not match the annotation of a field.
WRONG = {
    "Count": [*NOT_COUNTS, None],
    "Count | None": NOT_COUNTS,
    "ThreadCount": [*NOT_COUNTS, None, 1_000_000],
    "Positive": [*NOT_POSITIVE, None],
    "Positive | None": NOT_POSITIVE,
    "NonNegative": [-0.1, "0.1", None, True, np.nan, np.inf],
    "Probability": [-0.1, 1.1, "0.5", None, True, np.nan, np.inf],
    "bool": [0, 1, "yes", None],
    "Activation": NOT_FACTORIES,
    "OptimizerFactory": NOT_FACTORIES,
    "CriterionFactory": NOT_FACTORIES,
    "Callable[..., nn.Module]": [None, "linear", 3],
    "dict[str, Any] | None": NOT_DICTIONARIES,
    "dict[Any, float] | Literal['balanced'] | None": ["balance", 1, True, [1, 2]],
    "Literal['paper', 'braindecode']": ["Paper", True, None, ["paper"]],
    "Literal['average', 'concatenate']": ["mean", True, None, ["average"]],
    "Literal['token', 'head']": ["heads", True, None, ["token"]],
    "tuple[int, ...]": [20, "20", [20], None],
    "Literal['channel', 'global', 'spectrum'] | None": ["channels", True, 1, ["channel"]],
    "Literal['same', 'symmetric']": ["valid", True, None, ["same"]],
    "Fraction | None": [0, 1, "0.2", True, np.nan],
    "Fraction | Splitter | None": [0, 1, 1.5, -0.2, "0.2", True, np.nan, [0.2], KFold],
    "list[Any] | tuple[Any, ...] | None": [EarlyStopping(), "early_stopping", {"a": 1}, 3],
    "str | torch.device": [None, 0, True, ["cpu"]],
    "Seed | np.random.RandomState | None": [-1, 2**32, 0.5, "0", np.random.default_rng(0)],
    "Annotated[int, Range(0)] | bool": [None, "1", 0.5, -1],
    "Any": [0, 1.5, True, EEGNetClassifier()],  # pretrained
    "Literal['same', 'match']": ["any", None, True],
    "str | list[str] | tuple[str, ...] | None": [1, True, {"front"}],
}
FIELDS = [
    (estimator_class, parameter)
    for estimator_class in ESTIMATORS
    for parameter in inspect.signature(estimator_class).parameters.values()
]


def one_line(error):
    """Return the message of an error, after a check that it is one line of readable length."""
    message = str(error.value)
    assert "\n" not in message
    assert len(message) < 500
    return message


# Constructor


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_constructor_has_keyword_arguments_only(estimator_class):
    parameters = inspect.signature(estimator_class).parameters.values()
    assert {parameter.kind for parameter in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    message = f"^{estimator_class.__name__}.__init__\\(\\) takes 1 positional argument but 2 were"
    with pytest.raises(TypeError, match=message):
        estimator_class(8)


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_constructor_stores_its_arguments(estimator_class):
    arguments = {name: object() for name in inspect.signature(estimator_class).parameters}
    estimator = estimator_class(**arguments)
    assert estimator.get_params(deep=False) == arguments
    assert all(vars(estimator)[name] is value for name, value in arguments.items())


@pytest.mark.parametrize(
    "estimator_class", [item for item in ESTIMATORS if not hasattr(item, "network_params")]
)
def test_constructor_stores_defaults(estimator_class):
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(estimator_class).parameters.items()
    }
    assert estimator_class().get_params(deep=False) == defaults
    assert list(estimator_class().get_params(deep=False)) == sorted(defaults)


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_clone_has_the_fields_only(estimator_class, X, y):
    estimator = small(estimator_class, lr=0.02, callbacks=[("stop", EarlyStopping())])
    copy = clone(estimator.set_params(valid_split=0.25).fit(X, y))
    assert copy.get_params(deep=False).keys() == vars(copy).keys()
    assert copy.lr == 0.02
    assert copy.callbacks[0][1] is not estimator.callbacks[0][1]


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_fit_changes_no_field(estimator_class, X, y):
    stopping = EarlyStopping()
    estimator = small(estimator_class, valid_split=0.25, callbacks=[stopping], net_params={})

    def identities():
        return {name: (id(value), repr(value)) for name, value in estimator.get_params().items()}

    params, state = identities(), dict(vars(stopping))
    estimator.fit(X, y)
    assert identities() == params
    assert vars(stopping) == state


def test_a_subclass_adds_and_changes_fields(X, y):
    class Deeper(EEGNetClassifier):
        """EEGNet with another depth.

        Parameters
        ----------
        note : str, default=""
            A note.
        """

        depth: int = 3
        note: str = ""

    estimator = small(Deeper, note="mine").fit(X, y)
    assert estimator.depth == 3
    assert estimator.module_.network.trunk.front.spatial.weight.shape[0] == 6
    assert "note : str" in Deeper.__doc__
    with pytest.raises(TypeError, match=r"^Deeper: note=3 should be a name\.$"):
        estimator.set_params(note=3).fit(X, y)


# Types and ranges


@pytest.mark.parametrize(
    ("estimator_class", "field"), FIELDS, ids=lambda item: getattr(item, "name", None)
)
def test_fit_checks_types_and_ranges(estimator_class, field):
    for value in WRONG[field.annotation]:
        estimator = small(estimator_class, **{field.name: value})
        with pytest.raises((TypeError, ValueError)) as error:
            estimator.fit(np.zeros((4, 3, 48)), [0, 1, 0, 1])
        text = re.escape(" ".join(repr(value).split())[:80])
        pattern = rf"{estimator_class.__name__}: {field.name}={text}(\.\.\.)? should be .+\."
        assert re.fullmatch(pattern, one_line(error))


@pytest.mark.parametrize(
    ("field", "value", "error", "expected"),
    [
        ("n_filters", 0, ValueError, "an integer of at least 1"),
        ("n_filters", 2.0, TypeError, "an integer of at least 1"),
        ("second_n_filters", -1, ValueError, "an integer of at least 1 or None"),
        ("lr", 0, ValueError, "a number above 0"),
        ("weight_decay", -1, ValueError, "a number of at least 0"),
        ("dropout", 1.5, ValueError, "a number between 0 and 1"),
        ("activation", 3, TypeError, "a name or a callable"),
        ("separable", "yes", TypeError, "a bool"),
        ("standardize", "electrode", ValueError, "'channel', 'global', 'spectrum' or None"),
        ("valid_split", 1, ValueError, "a number strictly between 0 and 1, a Splitter or None"),
        ("callbacks", 3, TypeError, "a list, a tuple or None"),
        ("class_weight", "even", ValueError, "a dict, 'balanced' or None"),
        ("random_state", -1, ValueError, "an integer between 0 and 4294967295, a RandomState"),
    ],
)
def test_errors_name_the_expected_values(field, value, error, expected, X, y):
    message = re.escape(f"EEGNetClassifier: {field}={value!r} should be {expected}")
    with pytest.raises(error, match=f"^{message}"):
        small(EEGNetClassifier, **{field: value}).fit(X, y)


def test_partial_fit_checks_fields(X, y):
    with pytest.raises(ValueError, match="EEGNetRegressor: lr=-1 should be a number above 0"):
        small(EEGNetRegressor, lr=-1).partial_fit(X, y)


def test_fields_are_checked_again_after_set_params(X, y):
    estimator = small(EEGNetClassifier).fit(X, y).set_params(dropout=2)
    message = "^EEGNetClassifier: dropout=2 should be a number between 0 and 1"
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y)


@pytest.mark.parametrize("value", [10**400, "x" * 1000, np.ones((20, 20))])
def test_errors_abbreviate_long_values(value, X, y):
    message = r"^EEGNetClassifier: separable=.*\.\.\. should be a bool\.$"
    with pytest.raises(TypeError, match=message) as error:
        small(EEGNetClassifier, separable=value).fit(X, y)
    assert len(one_line(error)) < 160


def test_integers_too_large_for_a_float_are_in_range(X, y):
    small(EEGNetClassifier, batch_size=10**400).fit(X, y)


def test_numpy_scalars_are_numbers(X, y):
    counts = ["n_filters", "kernel", "depth", "pool", "second_kernel", "second_pool", "max_epochs"]
    numbers = ["lr", "weight_decay", "dropout", "spatial_max_norm", "head_max_norm"]
    estimator = EEGNetClassifier(
        **{name: np.int64(2) for name in [*counts, "second_n_filters"]},
        **{name: np.float32(0.25) for name in [*numbers, "valid_split"]},
        batch_size=np.int64(8),
        n_threads=np.int32(1),
        random_state=np.int64(0),
        verbose=np.int64(0),
        separable=np.True_,
        warm_start=np.False_,
    )
    assert estimator.fit(X, y).n_iter_ == 2


# Misspelt names


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_misspelt_parameters(estimator_class):
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'max_epoch'"):
        estimator_class(max_epoch=3)
    message = f"Invalid parameter 'max_epoch' for estimator {estimator_class.__name__}"
    with pytest.raises(ValueError, match=message):
        small(estimator_class).set_params(max_epoch=3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"activation": "rleu"}, "activation='rleu' is not known; did you mean ReLU?"),
        (
            {"activation": "leaky-relu"},
            "activation='leaky-relu' is not known; did you mean LeakyReLU?",
        ),
        ({"activation": "zzz"}, "activation='zzz' is not known; choose from CELU, ELU, GELU"),
        (
            {"optimizer": "adamv"},
            "optimizer='adamv' is not known; did you mean Adam or RAdam or NAdam or AdamW?",
        ),
        (
            {"optimizer": "optimizer"},
            "optimizer='optimizer' is not known; choose from Adadelta, Ada",
        ),
        (
            {"criterion": "cross_entropi"},
            "criterion='cross_entropi' is not known; did you mean CrossEntropyLoss",
        ),
        ({"criterion": ""}, "criterion='' is not known; choose from BCELoss"),
        ({"device": "gpu"}, "device='gpu' is not a torch device; use 'auto', 'cpu' or 'cuda'"),
        (
            {"net_params": {"optimizr__momentum": 0.9}},
            "net_params contains 'optimizr__momentum', which the net does not have; did you mean "
            "'optimizer__momentum'?",
        ),
        (
            {"net_params": {"optimizer__momentun": 0.9}},
            "net_params contains 'optimizer__momentun', but AdamW has no parameter 'momentun'; ",
        ),
        (
            {"net_params": {"iterator_trian": None}},
            "net_params contains 'iterator_trian', which the net does not have; did you mean "
            "'iterator_train'?",
        ),
    ],
)
def test_misspelt_names(fields, message, X, y):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)) as error:
        small(EEGNetClassifier, **fields).fit(X, y)
    one_line(error)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("callbacks__early__patience", "No callback has the name 'early'; the names are ['stop']"),
        ("callbacks__early", "No callback has the name 'early'; the names are ['stop']"),
        ("callbacks__stop__patients", "Invalid parameter 'patients' for estimator EarlyStopping"),
        (
            "network_params__n_hidden",
            "Invalid parameter 'network_params' for estimator EEGNetClassifier",
        ),
    ],
)
def test_misspelt_nested_parameters(name, message):
    estimator = EEGNetClassifier(callbacks=[("stop", EarlyStopping())])
    with pytest.raises(ValueError, match=re.escape(message)):
        estimator.set_params(**{name: 3})


def test_misspelt_network_parameters(X, y):
    estimator = EEGClassifier(network=linear, network_params={"n_hiden": 3})
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'n_hiden'"):
        estimator.fit(X, y)


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        ([TimeShift()], r".*skorch.callbacks.Callback. Pass transforms as augmentation"),
        ([3], "callbacks contains 3, which should be an instance or a"),
        (["stop"], "callbacks contains 'stop', which should be an instance"),
        ([("a", "stop")], "callbacks contains 'stop', which should be an instance"),
    ],
)
def test_bad_callbacks(callbacks, message, X, y):
    with pytest.raises(TypeError, match=f"^EEGNetClassifier: {message}") as error:
        small(EEGNetClassifier, callbacks=callbacks).fit(X, y)
    one_line(error)


# Optimizers and criteria


@pytest.mark.parametrize(
    ("optimizer", "expected_class"),
    [
        ("adamw", torch.optim.AdamW),
        ("AdamW", torch.optim.AdamW),
        ("sgd", torch.optim.SGD),
        ("RMSprop", torch.optim.RMSprop),
        (torch.optim.NAdam, torch.optim.NAdam),
        (functools.partial(torch.optim.SGD, momentum=0.9), torch.optim.SGD),
    ],
)
def test_optimizer_by_name_class_and_partial(optimizer, expected_class, X, y):
    fields = {"lr": 0.125, "weight_decay": 0.0625}
    estimator = small(EEGNetClassifier, optimizer=optimizer, **fields).fit(X, y)
    (group,) = estimator.net_.optimizer_.param_groups
    assert type(estimator.net_.optimizer_) is expected_class
    assert (group["lr"], group["weight_decay"]) == (0.125, 0.0625)
    if isinstance(optimizer, functools.partial):
        assert group["momentum"] == 0.9


def test_optimizer_parameters_through_net_params(X, y):
    estimator = small(EEGNetClassifier, optimizer="sgd", net_params={"optimizer__momentum": 0.9})
    (group,) = estimator.fit(X, y).net_.optimizer_.param_groups
    assert group["momentum"] == 0.9
    estimator.set_params(net_params__optimizer__momentum=0.5)
    (group,) = estimator.fit(X, y).net_.optimizer_.param_groups
    assert group["momentum"] == 0.5


def test_activation_params_are_nested_parameters():
    estimator = small(EEGNetClassifier, activation_params={"alpha": 0.2})
    assert clone(estimator).get_params()["activation_params__alpha"] == 0.2
    changed = clone(estimator).set_params(activation_params__alpha=0.7)
    assert changed.activation_params == {"alpha": 0.7}
    assert estimator.activation_params == {"alpha": 0.2}
    assert "activation_params={'alpha': 0.2}" in repr(estimator)


def test_net_params_do_not_replace_parameters(X, y):
    message = "^EEGNetClassifier: net_params contains batch_size, lr; set the parameter of the"
    with pytest.raises(ValueError, match=message) as error:
        small(EEGNetClassifier, net_params={"lr": 1.0, "batch_size": 3}).fit(X, y)
    one_line(error)


def test_lbfgs_trains_without_weight_decay(X, y):
    estimator = EEGClassifier(network=linear, optimizer="lbfgs", lr=0.1, max_epochs=20)
    with pytest.raises(
        ValueError, match=r"LBFGS'> has no weight decay; set weight_decay=0"
    ) as error:
        estimator.fit(X, y)
    one_line(error)
    assert estimator.set_params(weight_decay=0).fit(X, y).score(X, y) == 1


@pytest.mark.parametrize(
    ("criterion", "expected_class"),
    [
        ("cross_entropy", nn.CrossEntropyLoss),
        ("CrossEntropyLoss", nn.CrossEntropyLoss),
        ("cross_entropy_loss", nn.CrossEntropyLoss),
        ("multi_margin", nn.MultiMarginLoss),
        (nn.MultiMarginLoss, nn.MultiMarginLoss),
        (functools.partial(nn.CrossEntropyLoss, label_smoothing=0.1), nn.CrossEntropyLoss),
    ],
)
def test_criterion_by_name_class_and_partial(criterion, expected_class, X, y):
    estimator = small(EEGNetClassifier, criterion=criterion)
    loss = estimator.fit(X, y, sample_weight=1 + y).net_.criterion_
    assert type(loss) is expected_class
    if isinstance(criterion, functools.partial):
        assert loss.label_smoothing == 0.1


@pytest.mark.parametrize("criterion", ["mse", "l1", "smooth_l1", "huber", nn.HuberLoss])
def test_criterion_of_a_regressor(criterion, X, y):
    small(EEGNetRegressor, criterion=criterion).fit(X, y, sample_weight=1 + y)


def test_criterion_without_a_loss_for_each_trial(X, y):
    class BatchLoss(nn.Module):
        def forward(self, logits, target):
            return nn.functional.cross_entropy(logits, target)

    estimator = small(EEGNetClassifier, criterion=BatchLoss).fit(X, y)
    message = "^EEGNetClassifier: BatchLoss returns one loss for the whole batch, so sample_weight"
    with pytest.raises(ValueError, match=f"{message}, class_weight and Mixup have") as error:
        estimator.fit(X, y, sample_weight=1 + y)
    one_line(error)


# Nested parameters


def test_nested_parameters_are_listed_and_set():
    estimator = EEGClassifier(
        network=linear,
        network_params={"a": 1},
        net_params={"optimizer__momentum": 0.9},
        callbacks=[EarlyStopping(patience=7), ("second", EarlyStopping())],
    )
    params = estimator.get_params()
    assert params["callbacks__earlystopping__patience"] == 7
    assert params["callbacks__second"] is estimator.callbacks[1][1]
    assert params["net_params__optimizer__momentum"] == 0.9
    assert params["network_params__a"] == 1
    estimator.set_params(callbacks__second__patience=2, network_params__a=5, valid_split=KFold(2))
    assert estimator.callbacks[1][1].patience == 2
    assert estimator.network_params == {"a": 5}


def test_set_params_does_not_change_a_dictionary():
    shared = {"optimizer__momentum": 0.9}
    EEGNetClassifier(net_params=shared).set_params(net_params__optimizer__momentum=0.5)
    assert shared == {"optimizer__momentum": 0.9}


def test_none_removes_a_callback(X, y):
    estimator = small(EEGNetClassifier, callbacks=[EarlyStopping()])
    estimator.set_params(callbacks__earlystopping=None).fit(X, y)
    assert "earlystopping" not in dict(estimator.net_.callbacks_)


def test_a_module_is_not_a_network(X, y):
    with pytest.raises(TypeError, match="EEGClassifier: network is a module, but should be its"):
        EEGClassifier(network=torch.nn.Linear(3, 2)).fit(X, y)


def test_negative_verbose(X, y):
    with pytest.raises(ValueError, match="verbose=-1 should be an integer of at least 0 or a"):
        small(EEGNetClassifier, verbose=-1).fit(X, y)
