"""Cross-validation and searches in processes of loky, dask and ray: same scores, bit for bit."""

import os
import warnings

import joblib
import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV, KFold, LeaveOneGroupOut, cross_val_score
from skorch.callbacks import Callback

from eegsk import EEGNetClassifier
from eegsk.recordings import LazyTrials

from .networks import small

# Warnings of the packages, e.g. of sockets that are still open when a cluster ends.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

GRID = {"activation": ["elu", "relu"]}


class KillOnce(Callback):
    """Kill the process of the first fit, in its second epoch, as a lack of memory would."""

    def __init__(self, path, process):
        self.path = path
        self.process = process

    def on_epoch_begin(self, net, **kwargs):
        assert os.getpid() != self.process, "The fit should run in a worker."
        if len(net.history) == 2 and not self.path.exists():
            self.path.touch()
            os._exit(1)


class Threads(Callback):
    """Store the number of threads of a fit."""

    def on_train_end(self, net, **kwargs):
        net.n_threads_ = torch.get_num_threads()


def score_threads(estimator, X, y):
    return estimator.net_.n_threads_


def neg_log_losses(classifier, X, y, cv=None):
    return cross_val_score(classifier, X, y, cv=cv or KFold(3), scoring="neg_log_loss")


def search_scores(classifier, X, y, cv=None):
    search = GridSearchCV(classifier, GRID, cv=cv or KFold(3), scoring="neg_log_loss", refit=False)
    return search.fit(X, y).cv_results_["mean_test_score"]


@pytest.fixture
def classifier():
    return small(EEGNetClassifier)


@pytest.fixture(scope="module")
def client():
    """Return the client of a cluster of two processes, which keeps copies of scattered arrays."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        distributed = pytest.importorskip("distributed", reason="requires the extra dask")
        dask = pytest.importorskip("dask")
        with (
            # Without amm.stop(), dask would remove the copies of scattered arrays at once.
            dask.config.set({"distributed.scheduler.active-memory-manager.interval": "10ms"}),
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            client.amm.stop()
            yield client


@pytest.fixture(scope="module")
def ray():
    """Start ray with two processors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray = pytest.importorskip("ray", reason="requires the extra ray")
        from ray.util.joblib import register_ray

        register_ray()
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield ray
        ray.shutdown()


@pytest.fixture(params=["loky", "dask", "ray"])
def backend(request):
    """Return the arguments of joblib's ``parallel_config``."""
    if request.param == "dask":
        request.getfixturevalue("client").wait_for_workers(2)
    if request.param == "ray":
        request.getfixturevalue("ray")
    return {"backend": request.param, "n_jobs": 2}


@pytest.mark.parametrize("scores", [neg_log_losses, search_scores])
def test_scores_of_arrays(backend, classifier, X, y, scores):
    expected = scores(classifier, X, y)
    with joblib.parallel_config(**backend):
        np.testing.assert_array_equal(scores(classifier, X, y), expected)


@pytest.mark.parametrize("name", ["epochs", "saved"])
def test_scores_of_epochs(backend, classifier, epochs, y, name, request):
    expected = neg_log_losses(classifier, epochs.get_data(), y)
    with joblib.parallel_config(**backend):
        scores = neg_log_losses(classifier, request.getfixturevalue(name), y)
    np.testing.assert_array_equal(scores, expected)


@pytest.fixture
def lazy(tmp_path):
    """Return 300 trials in a file."""
    X = np.random.default_rng(0).standard_normal((300, 3, 48)).astype(np.float32)
    np.save(tmp_path / "trials.npy", X)
    return LazyTrials([tmp_path / "trials.npy"])


def test_scores_of_trials_in_files(backend, classifier, lazy):
    y = np.arange(300) % 2
    expected = neg_log_losses(classifier, np.asarray(lazy), y)
    with joblib.parallel_config(**backend):
        np.testing.assert_array_equal(neg_log_losses(classifier, lazy, y), expected)


def test_each_worker_uses_one_thread(backend, classifier, X, y):
    classifier.set_params(callbacks=[Threads()])
    with joblib.parallel_config(**backend):
        n_threads = cross_val_score(classifier, X, y, cv=KFold(3), scoring=score_threads)
    assert n_threads.tolist() == [1, 1, 1]


def fit_and_describe(classifier, X, y):
    return type(X), X.flags.writeable, classifier.fit(X, y).predict_proba(X)


def test_workers_of_loky_map_large_arrays_into_memory(classifier, X, y):
    expected = classifier.fit(X, y).predict_proba(X)
    parallel = joblib.Parallel(n_jobs=2, backend="loky", max_nbytes=1000)
    call = joblib.delayed(fit_and_describe)
    for kind, is_writeable, proba in parallel(call(classifier, X, y) for _ in range(2)):
        assert (kind, is_writeable) == (np.memmap, False)
        np.testing.assert_array_equal(proba, expected)


@pytest.mark.parametrize("scores", [neg_log_losses, search_scores])
@pytest.mark.parametrize("is_lazy", [False, True], ids=["array", "files"])
def test_fit_of_a_killed_worker_of_dask_is_repeated(
    client, classifier, lazy, tmp_path, scores, is_lazy
):
    X, y = np.asarray(lazy), np.arange(300) % 2
    splits = LeaveOneGroupOut().split(X, y, groups=np.arange(300) // 100)
    # Lists are sent with each fit. Arrays of indices would be in the memory of one worker only.
    cv = [(train.tolist(), test.tolist()) for train, test in splits]
    expected = scores(classifier, X, y, cv)
    path = tmp_path / "killed"
    client.wait_for_workers(2)  # with one worker, joblib would fit in this process
    classifier.set_params(callbacks=[KillOnce(path, os.getpid())])
    with joblib.parallel_config("dask", scatter=[y] if is_lazy else [X, y]):
        results = scores(classifier, lazy if is_lazy else X, y, cv)
    assert path.exists()
    np.testing.assert_array_equal(results, expected)
