"""Property tests: changes of the input that must not change the results, found by hypothesis.

The examples are the same in every run. ``pytest -m slow`` tries more of them.
"""

import pickle
from pathlib import Path
from tempfile import TemporaryDirectory

import mne
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import ClassifierMixin, clone

from eegsk import (
    CompactCNNClassifier,
    DeepConvNetClassifier,
    EEGClassifier,
    EEGNetClassifier,
    EEGNetRegressor,
    EEGNeXMiniRegressor,
    EEGRegressor,
    ShallowConvNetClassifier,
    load,
)
from eegsk.alignment import AlignedEstimator, EuclideanAlignment
from eegsk.persistence._container import unpack

from .networks import DoubleLinear, small
from .networks import linear as linear_network

CLASSES = [
    EEGNetClassifier,
    EEGNetRegressor,
    CompactCNNClassifier,
    DeepConvNetClassifier,
    EEGNeXMiniRegressor,
    ShallowConvNetClassifier,
    EEGClassifier,
    EEGRegressor,
]
COMMON = {
    "derandomize": True,  # the same examples in every run
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
}
SHAPES = st.tuples(st.integers(6, 20), st.integers(1, 5), st.integers(46, 70))
DTYPES = st.sampled_from([np.float64, np.float32, np.float16, np.int16, np.int64, ">f8"])
LAYOUTS = st.sampled_from(["C", "F", "strided", "read-only", "list", "tensor", "transposed"])
# Functions that name the classes; their order is that of the numbers.
NAMES = st.sampled_from(
    [
        lambda code: code,
        lambda code: 10 * code - 7,
        lambda code: float(code),
        lambda code: "abcdef"[code],
        lambda code: f"class {code}",
        lambda code: np.datetime64("2020-01-01") + code,
    ]
)
NUMBERS = st.integers(0, 2**16)


def problem(estimator_class, shape, seed, n_classes=2):
    """Return trials and targets."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal(shape)
    if issubclass(estimator_class, ClassifierMixin):
        return X, rng.permutation(np.arange(shape[0]) % n_classes)
    return X, rng.standard_normal(shape[0])


def output(estimator, X):
    """Return the predicted probabilities or targets."""
    method = estimator.predict_proba if hasattr(estimator, "classes_") else estimator.predict
    return method(X)


def linear(task, **fields):
    """Return an estimator in double precision, whose batches contain all trials."""
    common = {"network": DoubleLinear, "batch_size": 1000, "max_epochs": 3, "random_state": 0}
    return task(**{**common, **fields})


def lay_out(X, layout):
    """Return the same trials in another container or memory layout."""
    if layout == "F":
        return np.asfortranarray(X)
    if layout == "strided":
        return np.repeat(X, 2, axis=2)[:, :, ::2]
    if layout == "read-only":
        X = X.copy()
        X.flags.writeable = False
        return X
    if layout == "transposed":
        return np.ascontiguousarray(X.transpose(2, 0, 1)).transpose(1, 2, 0)
    if layout == "tensor":
        return torch.from_numpy(X.astype(X.dtype.newbyteorder("=")))
    return X.tolist() if layout == "list" else X


def as_epochs(X, ch_names):
    """Return trials as Epochs."""
    info = mne.create_info(list(ch_names), 100.0, "eeg")
    return mne.EpochsArray(X, info, verbose="error")


def check_layout(estimator_class, shape, dtype, layout, seed):
    X, y = problem(estimator_class, shape, seed)
    X = (100 * X).astype(dtype)
    plain = np.ascontiguousarray(X, np.float32)
    expected = small(estimator_class).fit(plain, y)
    estimator = small(estimator_class).fit(lay_out(X, layout), y)
    np.testing.assert_array_equal(output(estimator, plain), output(expected, plain))
    np.testing.assert_array_equal(output(expected, lay_out(X, layout)), output(expected, plain))


def check_clone_and_pickle(estimator_class, shape, seed):
    X, y = problem(estimator_class, shape, seed)
    estimator = small(estimator_class, random_state=seed).fit(X, y)
    expected = output(estimator, X)
    np.testing.assert_array_equal(output(clone(estimator).fit(X, y), X), expected)
    loaded = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(output(loaded, X), expected)
    np.testing.assert_array_equal(
        output(loaded.partial_fit(X, y), X), output(estimator.partial_fit(X, y), X)
    )


def check_save_and_load(estimator_class, shape, seed):
    """A loaded estimator predicts and continues as the saved one; it can be saved again."""
    X, y = problem(estimator_class, shape, seed)
    groups = np.arange(len(X)) // 2
    network = {"network": linear_network} if "network" in vars(small(estimator_class)) else {}
    plain = small(estimator_class, random_state=seed).fit(X, y)
    aligned = AlignedEstimator(EuclideanAlignment(), small(estimator_class)).fit(X, y, groups)
    with TemporaryDirectory() as folder:
        path, again = Path(folder) / "model.eegsk", Path(folder) / "again.eegsk"
        aligned.save(path)
        loaded = load(path, **network)
        np.testing.assert_array_equal(loaded.predict(X, groups), aligned.predict(X, groups))
        plain.save(path)
        loaded = load(path, **network)
        loaded.save(again)
        (description, tensors), (description_again, tensors_again) = (
            unpack(file.read_bytes()) for file in (path, again)
        )
    assert description_again == description
    assert tensors_again.keys() == tensors.keys()
    assert all(torch.equal(tensors_again[name], tensors[name]) for name in tensors)
    np.testing.assert_array_equal(output(loaded, X), output(plain, X))
    np.testing.assert_array_equal(output(clone(loaded).fit(X, y), X), output(plain, X))
    np.testing.assert_array_equal(
        output(loaded.partial_fit(X, y), X), output(plain.partial_fit(X, y), X)
    )


def check_labels(n_classes, name, shape, seed):
    """Other names of the classes change the names of the predictions only."""
    X, codes = problem(EEGNetClassifier, (4 * n_classes, *shape[1:]), seed, n_classes)
    expected = small(EEGNetClassifier).fit(X, codes)
    labels = np.array([name(code) for code in codes])
    estimator = small(EEGNetClassifier).fit(X, labels)
    np.testing.assert_array_equal(output(estimator, X), output(expected, X))
    np.testing.assert_array_equal(
        estimator.predict(X), np.array([name(code) for code in expected.predict(X)])
    )
    assert estimator.score(X, labels) == expected.score(X, codes)


def check_unit_and_constant(estimator_class, shape, exponent, constant, seed):
    """The unit of the trials and a constant in each channel do not change predictions."""
    X, y = problem(estimator_class, shape, seed)
    offset = constant * np.random.default_rng(seed).standard_normal((shape[1], 1))
    changed = 2.0**exponent * (X + offset)
    expected = output(small(estimator_class).fit(X, y), X)
    result = output(small(estimator_class).fit(changed, y), changed)
    np.testing.assert_allclose(result, expected, atol=5e-3)


def check_target_unit(shape, scale, shift, seed):
    """The unit of a regression target changes the unit of the predictions only."""
    X, y = problem(EEGNetRegressor, shape, seed)
    expected = small(EEGNetRegressor).fit(X, y).predict(X)
    result = small(EEGNetRegressor).fit(X, scale * y + shift).predict(X)
    np.testing.assert_allclose((result - shift) / scale, expected, atol=1e-3)


def check_channel_order(estimator_class, shape, seed):
    """Epochs of a prediction may have their channels in any order."""
    X, y = problem(estimator_class, shape, seed)
    names = [f"EEG {number}" for number in range(shape[1])]
    order = np.random.default_rng(seed).permutation(shape[1])
    estimator = small(estimator_class).fit(as_epochs(X, names), y)
    permuted = as_epochs(X[:, order], [names[i] for i in order])
    expected = output(estimator, as_epochs(X, names))
    np.testing.assert_array_equal(output(estimator, permuted), expected)
    np.testing.assert_array_equal(output(estimator, X), expected)


def check_weights(task, shape, seed):
    """A trial of weight 2 counts twice, and a trial of weight 0 does not count."""
    X, y = problem(task, shape, seed)
    weight = np.random.default_rng(seed).integers(0, 3, len(y)).astype(float)
    weight[:4] = [1, 2, 1, 2]
    y[:4] = [0, 1, 1, 0]
    times = weight.astype(int)
    weighted = linear(task).fit(X, y, sample_weight=weight)
    repeated = linear(task).fit(np.repeat(X, times, axis=0), np.repeat(y, times, axis=0))
    np.testing.assert_allclose(output(weighted, X), output(repeated, X), atol=1e-4)


def check_zero_weights(estimator_class, shape, seed):
    """Trials of weight 0 may have any values."""
    X, y = problem(estimator_class, shape, seed)
    weight = np.ones(len(y))
    weight[-2:] = 0
    y[:4] = [0, 1, 0, 1]
    changed = X.copy()
    changed[-2:] = 1e3
    expected = small(estimator_class).fit(X, y, sample_weight=weight)
    result = small(estimator_class).fit(changed, y, sample_weight=weight)
    np.testing.assert_array_equal(output(result, X), output(expected, X))


def check_batches(estimator_class, shape, batch_size, seed):
    """The prediction of a trial depends neither on other trials nor on the batch size."""
    X, y = problem(estimator_class, shape, seed)
    estimator = small(estimator_class).fit(X, y)
    expected = output(estimator, X)
    order = np.random.default_rng(seed).permutation(len(X))
    estimator.set_params(batch_size=batch_size)
    np.testing.assert_allclose(output(estimator, X[order]), expected[order], atol=1e-9)
    single = np.concatenate([output(estimator, X[i : i + 1]) for i in range(len(X))])
    np.testing.assert_allclose(single, expected, atol=1e-9)


ESTIMATORS = st.sampled_from(CLASSES)
TASKS = st.sampled_from([EEGClassifier, EEGRegressor])
PROPERTIES = {
    check_layout: (ESTIMATORS, SHAPES, DTYPES, LAYOUTS, NUMBERS),
    check_clone_and_pickle: (ESTIMATORS, SHAPES, NUMBERS),
    check_save_and_load: (ESTIMATORS, SHAPES, NUMBERS),
    check_labels: (st.integers(2, 6), NAMES, SHAPES, NUMBERS),
    check_unit_and_constant: (
        ESTIMATORS,
        SHAPES,
        st.integers(-40, 40),
        st.floats(-10, 10),
        NUMBERS,
    ),
    check_target_unit: (SHAPES, st.floats(1e-6, 1e6), st.floats(-1e3, 1e3), NUMBERS),
    check_channel_order: (ESTIMATORS, SHAPES, NUMBERS),
    check_weights: (TASKS, SHAPES, NUMBERS),
    check_zero_weights: (ESTIMATORS, SHAPES, NUMBERS),
    check_batches: (ESTIMATORS, SHAPES, st.integers(1, 30), NUMBERS),
}
NUMBERS_OF_EXAMPLES = [3, pytest.param(40, marks=pytest.mark.slow)]


@pytest.mark.parametrize("n_examples", NUMBERS_OF_EXAMPLES)
@pytest.mark.parametrize("check", PROPERTIES, ids=lambda check: check.__name__)
def test_property(check, n_examples):
    test = settings(max_examples=n_examples, **COMMON)(given(*PROPERTIES[check])(check))
    test()
