"""The same seed gives the same weights, bit for bit, and global state is restored after a fit."""

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from torch import nn

from eegsk import EEGClassifier, EEGNetClassifier, EEGNetRegressor

from .networks import ESTIMATORS, small

TRAINED = {"batch_size": 7, "lr": 0.05, "valid_split": 0.25}


def digest(estimator):
    """Return a hash of the weights and losses of a fitted estimator."""
    hashed = hashlib.sha256()
    for tensor in estimator.module_.state_dict().values():
        hashed.update(tensor.cpu().numpy().tobytes())
    losses = [(row["train_loss"], row.get("valid_loss")) for row in estimator.history_]
    hashed.update(repr(losses).encode())
    return hashed.hexdigest()


def generators():
    """Return the states of the global random generators."""
    return (
        torch.get_rng_state().numpy().tobytes(),
        str(np.random.get_state()),
        random.getstate(),
    )


class Failing(nn.Module):
    """A network that draws random numbers and fails in its first training step."""

    def __init__(self, n_chans, n_times, n_outputs):
        super().__init__()
        self.head = nn.Linear(n_chans * n_times, n_outputs)

    def forward(self, x):
        random.random(), np.random.rand(), torch.rand(1)
        if self.training:
            raise ZeroDivisionError
        return self.head(x.flatten(1))


# The same seed


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_same_seed_same_weights(estimator_class, X, y):
    estimators = [small(estimator_class, **TRAINED, random_state=3).fit(X, y) for _ in range(2)]
    assert digest(estimators[0]) == digest(estimators[1])
    assert digest(estimators[0].fit(X, y)) == digest(estimators[1])


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_different_seeds_different_weights(estimator_class, X, y):
    digests = {
        digest(small(estimator_class, **TRAINED, random_state=seed).fit(X, y)) for seed in range(3)
    }
    assert len(digests) == 3


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_without_a_seed_each_fit_has_different_weights(estimator_class, X, y):
    estimator = small(estimator_class, **TRAINED, random_state=None)
    for set_global_seed in (random.seed, np.random.seed, torch.manual_seed):
        set_global_seed(0)
    first = digest(estimator.fit(X, y))
    for set_global_seed in (random.seed, np.random.seed, torch.manual_seed):
        set_global_seed(0)
    assert digest(estimator.fit(X, y)) != first


def test_weights_do_not_depend_on_global_generators(X, y):
    digests = set()
    for seed in range(2):
        random.seed(seed), np.random.seed(seed), torch.manual_seed(seed)
        digests.add(digest(small(EEGNetClassifier, **TRAINED).fit(X, y)))
    assert len(digests) == 1


def test_a_random_state_instance_advances_with_each_fit(X, y):
    def two_fits():
        estimator = small(EEGNetClassifier, random_state=np.random.RandomState(5))
        return [digest(estimator.fit(X, y)) for _ in range(2)]

    first, second = two_fits()
    assert first != second
    assert [first, second] == two_fits()


def test_numpy_and_python_integers_are_equal_seeds(X, y):
    seeds = (7, np.int64(7), np.uint32(7))
    assert len({digest(small(EEGNetClassifier, random_state=s).fit(X, y)) for s in seeds}) == 1


def test_partial_fit_and_warm_start_are_reproducible(X, y):
    def digests():
        partial = small(EEGNetClassifier).partial_fit(X, y, classes=[0, 1])
        warm = small(EEGNetRegressor, warm_start=True).fit(X, y)
        return [digest(e) for e in (partial.partial_fit(X, y), partial, warm, warm.fit(X, y))]

    assert digests() == digests()


def test_repeated_predictions_are_identical(X, y):
    estimator = small(EEGNetClassifier, **TRAINED).fit(X, y)
    np.testing.assert_array_equal(estimator.predict_proba(X), estimator.predict_proba(X))


# Threads and processes

PROGRAM = """
import numpy as np
from tests.test_reproducible import with_threads
print(*with_threads(np.random.default_rng(0).standard_normal((24, 3, 48)), np.arange(24) % 2))
"""


def with_threads(X, y):
    """Return the digests of fits with one and with two threads."""
    return [
        digest(small(EEGNetClassifier, **TRAINED, n_threads=n, device="cpu").fit(X, y))
        for n in (1, 2)
    ]


def test_same_weights_in_a_process_with_more_threads():
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "OMP_NUM_THREADS": "3", "MKL_NUM_THREADS": "3"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    X, y = np.random.default_rng(0).standard_normal((24, 3, 48)), np.arange(24) % 2
    assert process.stdout.split() == with_threads(X, y)


def test_scores_do_not_depend_on_n_jobs(X, y):
    estimator = small(EEGNetClassifier, **TRAINED, callbacks=[])
    sequential, parallel = (
        cross_validate(estimator, X, y, cv=KFold(2), n_jobs=n_jobs, return_estimator=True)
        for n_jobs in (1, 2)
    )
    assert list(map(digest, sequential["estimator"])) == list(map(digest, parallel["estimator"]))
    scores = [cross_val_score(estimator, X, y, cv=KFold(2), n_jobs=n_jobs) for n_jobs in (1, 2)]
    np.testing.assert_array_equal(*scores)


def test_grid_search_does_not_depend_on_n_jobs(X, y):
    estimator = small(EEGNetRegressor, **TRAINED)
    grid = {"activation": ["relu", "elu"]}
    searches = [GridSearchCV(estimator, grid, cv=2, n_jobs=n).fit(X, y) for n in (1, 2)]
    scores = [search.cv_results_["mean_test_score"] for search in searches]
    np.testing.assert_array_equal(*scores)
    assert digest(searches[0].best_estimator_) == digest(searches[1].best_estimator_)


def test_same_weights_in_threads(X, y):
    estimator = small(EEGNetClassifier, **TRAINED)
    sequential = [digest(clone(estimator).set_params(random_state=s).fit(X, y)) for s in range(4)]
    before = generators(), torch.get_num_threads()
    with joblib.parallel_config("threading", n_jobs=4):
        parallel = joblib.Parallel()(
            joblib.delayed(clone(estimator).set_params(random_state=s).fit)(X, y) for s in range(4)
        )
    assert list(map(digest, parallel)) == sequential
    assert (generators(), torch.get_num_threads()) == before


def test_same_predictions_in_threads(X, y):
    estimator = small(EEGNetClassifier, **TRAINED).fit(X, y)
    sequential = estimator.predict_proba(X)
    with joblib.parallel_config("threading", n_jobs=4):
        parallel = joblib.Parallel()(joblib.delayed(estimator.predict_proba)(X) for _ in range(60))
    for proba in parallel:
        np.testing.assert_array_equal(proba, sequential)


# Global state


@pytest.fixture(params=[1, 2])
def n_threads(request):
    """Set the number of threads of torch for one test."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_global_generators_and_threads_are_restored(estimator_class, random_state, n_threads, X, y):
    estimator = small(estimator_class, **TRAINED, random_state=random_state)
    before = generators()
    estimator.fit(X, y).predict(X)
    estimator.partial_fit(X, y).score(X, y)
    assert generators() == before
    assert torch.get_num_threads() == n_threads


def test_generators_and_threads_are_restored_after_an_error(n_threads, X, y):
    before = generators()
    with pytest.raises(ZeroDivisionError):
        EEGClassifier(network=Failing).fit(X, y)
    assert generators() == before
    assert torch.get_num_threads() == n_threads


def test_fit_and_predict_use_n_threads(n_threads, X, y):
    seen = []

    class Recording(nn.Linear):
        def forward(self, x):
            seen.append((self.training, torch.get_num_threads()))
            return super().forward(x.flatten(1))

    def network(n_chans, n_times, n_outputs):
        return Recording(n_chans * n_times, n_outputs)

    estimator = EEGClassifier(network=network, max_epochs=1, n_threads=3 - n_threads).fit(X, y)
    assert (True, 3 - n_threads) in seen
    seen.clear()
    estimator.predict(X)
    assert set(seen) == {(False, 3 - n_threads)}


def test_global_settings_of_torch_are_restored(X, y):
    flags = torch.backends.cudnn
    before = (flags.enabled, flags.benchmark, flags.deterministic)
    dtype = torch.get_default_dtype()
    small(EEGNetClassifier).fit(X, y)
    assert (flags.enabled, flags.benchmark, flags.deterministic) == before
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == dtype


@pytest.mark.skipif(not torch.cuda.is_available(), reason="requires a CUDA GPU")
def test_same_weights_on_a_gpu_and_its_generator_is_restored(X, y):
    before = torch.cuda.get_rng_state()
    fitted = [small(EEGNetClassifier, **TRAINED, device="cuda").fit(X, y) for _ in range(2)]
    assert len({digest(estimator) for estimator in fitted}) == 1
    assert torch.equal(torch.cuda.get_rng_state(), before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="requires a CUDA GPU")
def test_a_fit_on_the_cpu_does_not_initialise_cuda():
    program = PROGRAM + "import torch; assert not torch.cuda.is_initialized()"
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[1], check=True)
