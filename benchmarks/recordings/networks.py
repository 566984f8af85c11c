"""Accuracy and time of every network, of braindecode's equals, and of Riemannian classifiers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from side_by_side import libraries
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits
from torch import nn

import eegsk
from eegsk.alignment import EuclideanAlignment

from .alignment import Trials, load_fists, load_sessions
from .jobs import EVALUATION, TRAINING, Job, Settings, fit_seconds, run_jobs
from .riemannian import PIPELINES

NETWORKS = [
    "EEGNet", "EEGTCNet", "ATCNet", "TCFormer", "EEGConformer", "ShallowConvNet", "DeepConvNet",
    "EEGNeX", "EEGNeXMini", "CompactCNN", "AdvancedEEGNet",
]  # fmt: skip
# The same networks in braindecode, which are trained as in bci_iv_2b.py: AdamW, learning rate 1e-3,
# batches of 64, 150 epochs.
EQUALS = {
    network.ours.__name__.removesuffix("Classifier"): network
    for network in (
        *(libraries.EEGNET, libraries.EEGTCNET, libraries.ATCNET, libraries.TCFORMER),
        *(libraries.EEGCONFORMER, libraries.SHALLOW_CONV_NET, libraries.DEEP_CONV_NET),
        libraries.EEGNEX,
    )
}
EQUALS_EPOCHS = 150
SAME_TRAINING = "eegsk, lr=1e-3"  # the networks of eegsk, trained as those of braindecode
METHODS = {
    "eegsk": NETWORKS,
    SAME_TRAINING: list(EQUALS),
    "braindecode": list(EQUALS),
    "pyRiemann": list(PIPELINES),
}
N_FOLDS = 5
SFREQ = {"bci_iv_2b": 250.0, "eegmmidb": 160.0}


class Result(NamedTuple):
    """Predicted labels of the test trials, seconds of ``fit``, and number of parameters."""

    predicted: np.ndarray
    seconds: float
    n_parameters: int | None = None


def count(network: nn.Module) -> int:
    """Count the parameters of a network."""
    return sum(parameter.numel() for parameter in network.parameters())


def run_eegsk(
    name: str, train: Trials, test: Trials, seed: int, settings: Settings, **params: Any
) -> Result:
    """Train eegsk's classifier with its defaults, or with other parameters."""
    classifier = settings.apply(getattr(eegsk, f"{name}Classifier")(**params), seed)
    seconds = fit_seconds(classifier, train.X, train.y)
    network = classifier.module_.get_submodule("network")
    return Result(classifier.predict(test.X), seconds, count(network))


def run_braindecode(
    name: str, train: Trials, test: Trials, seed: int, settings: Settings
) -> Result:
    """Train braindecode's classifier on standardised trials, because it does not standardise."""
    mean, std = (f(train.X, axis=(0, 2), keepdims=True) for f in (np.mean, np.std))
    X, X_test = (((trials.X - mean) / std).astype(np.float32) for trials in (train, test))
    classes, y = np.unique(train.y, return_inverse=True)
    epochs = settings.max_epochs or EQUALS_EPOCHS
    training = libraries.Training(epochs, batch_size=64, threads=1, device=settings.device)
    classifier = libraries.make_braindecode(EQUALS[name], training)
    torch.manual_seed(seed)
    seconds = fit_seconds(classifier, X, y)
    return Result(classes[classifier.predict(X_test)], seconds, count(classifier.module_))


def run_pyriemann(name: str, train: Trials, test: Trials, seed: int, settings: Settings) -> Result:
    """Train a classifier of covariance matrices, which does not depend on the seed."""
    data = "bci_iv_2b" if train.X.shape[1] == 3 else "eegmmidb"
    pipeline = PIPELINES[name](train.X.shape[1], SFREQ[data])
    X, X_test = (1e6 * trials.X.astype(float) for trials in (train, test))
    with threadpool_limits(1):
        seconds = fit_seconds(pipeline, X, train.y)
        return Result(pipeline.predict(X_test), seconds)


RUN: dict[str, Callable[..., Result]] = {
    "eegsk": run_eegsk,
    SAME_TRAINING: partial(run_eegsk, lr=1e-3, max_epochs=EQUALS_EPOCHS),
    "braindecode": run_braindecode,
    "pyRiemann": run_pyriemann,
}


def load_subject(subject: int) -> tuple[Trials, Trials]:
    """Load training and evaluation sessions of a subject of data set 2b."""
    return load_sessions(subject, TRAINING), load_sessions(subject, EVALUATION)


def load_fold(fold: int) -> tuple[Trials, Trials]:
    """Load training and test people of a fold of eegmmidb."""
    trials = load_fists()
    train, test = list(GroupKFold(N_FOLDS).split(trials.X, trials.y, trials.domains))[fold]
    return trials.select(train), trials.select(test)


LOADERS = {"bci_iv_2b": load_subject, "eegmmidb": load_fold}


def score_method(
    data: str, library: str, method: str, trials: str, part: int, seed: int, settings: Settings
) -> dict[str, Any]:
    """Train on a part of a data set and test; return score, seconds and number of parameters.

    The score is the balanced accuracy of each test domain (session or person), averaged.
    """
    train, test = LOADERS[data](part)
    if trials == "aligned":
        aligner = EuclideanAlignment()
        train = train._replace(X=aligner.fit_transform(train.X, groups=train.domains))
        test = test._replace(X=aligner.transform(test.X, groups=test.domains))
    result = RUN[library](method, train, test, seed, settings)
    scores = [
        balanced_accuracy_score(test.y[selected], result.predicted[selected])
        for domain in np.unique(test.domains)
        for selected in [test.domains == domain]
    ]
    return {
        "score": float(np.mean(scores)),
        "seconds": result.seconds,
        "n_parameters": result.n_parameters,
    }


def run_method(
    data: str, library: str, method: str, alignments: list[str], settings: Settings
) -> list[dict[str, Any]]:
    """Score a method on all parts of a data set, with all seeds."""
    # The cache depends on the settings of a fit only.
    fixed = replace(settings, seeds=(), subjects=(), n_jobs=1, cache=None)
    names = [
        {
            "data": data,
            "library": library,
            "method": method,
            "trials": trials,
            "part": part,
            "seed": seed,
        }
        for seed in (settings.seeds[:1] if library == "pyRiemann" else settings.seeds)
        for trials in alignments
        for part in (settings.subjects if data == "bci_iv_2b" else range(N_FOLDS))
    ]
    jobs = [Job(score_method, {**name, "settings": fixed}, name) for name in names]
    return run_jobs(jobs, settings)
