"""Pretraining on other subjects and fine-tuning on a subject of data set 2b."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from eegsk import EEGNetClassifier
from eegsk.alignment import EuclideanAlignment
from eegsk.recipes import motor_imagery

from .aligned import HANDS
from .alignment import Trials, join, load_sessions
from .jobs import EVALUATION, SUBJECTS, TRAINING, Settings

ALIGNMENTS = ("raw", "aligned")
# Settings of fine-tuning; the others are those of the training on own sessions.
CHOICES: dict[str, dict[str, Any]] = {
    "lr=1e-3": {"lr": 1e-3},
    "lr=3e-4": {"lr": 3e-4},
    "lr=1e-3, front frozen": {"lr": 1e-3, "freeze": "front"},
}


def recipe_network(**params: Any) -> EEGNetClassifier:
    """Return the EEGNet of the recipe without its alignment."""
    return clone(motor_imagery(**params).estimator)


# Networks trained on other subjects, and on own sessions.
NETWORKS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "EEGNet": (EEGNetClassifier, EEGNetClassifier),
    "recipe": (partial(recipe_network, ch_names=HANDS, max_epochs=50), recipe_network),
}


def align(
    alignment: str, others: Trials, own: Trials, test: Trials
) -> tuple[Trials, Trials, dict[str, Trials]]:
    """Align trials by session, unless they stay raw; return test trials by kind of alignment."""
    if alignment == "raw":
        return others, own, {"raw": test}
    aligner = EuclideanAlignment()
    others = others._replace(X=aligner.fit_transform(others.X, groups=others.domains))
    own, aligned = (
        trials._replace(X=aligner.transform(trials.X, groups=trials.domains))
        for trials in (own, test)
    )
    aligner.set_params(online=True)
    causal = test._replace(X=aligner.transform(test.X, groups=test.domains))
    return others, own, {"aligned": aligned, "aligned, causal": causal}


def load_others(subject: int) -> Trials:
    """Load all sessions of the other subjects."""
    sessions = (*TRAINING, *EVALUATION)
    return join([load_sessions(other, sessions) for other in SUBJECTS if other != subject])


def train_on_own(estimator: Any, pretrained: Any, own: Trials) -> dict[str, list[Any]]:
    """Train on a subject's own sessions; return the networks of each kind of training.

    The probabilities of several networks are averaged.
    """
    trained = clone(estimator).fit(own.X, own.y)
    networks = {"own": [trained], "others": [pretrained], "others and own": [pretrained, trained]}
    for name, params in CHOICES.items():
        tuned = clone(estimator).set_params(pretrained=FrozenEstimator(pretrained), **params)
        networks[name] = [tuned.fit(own.X, own.y)]
    return networks


def accuracy(networks: list[Any], test: Trials) -> float:
    """Return the accuracy of the mean of the networks' probabilities."""
    probabilities = np.mean([network.predict_proba(test.X) for network in networks], axis=0)
    predicted = networks[0].classes_[probabilities.argmax(axis=1)]
    return float(np.mean(predicted == test.y))


def score_subject(
    network: str, subject: int, alignment: str, seed: int, settings: Settings
) -> dict[str, Any]:
    """Score every way to train, on the last training session and on the evaluation sessions.

    The result has the scores for the choice of settings ("choice") and those of the evaluation
    sessions ("evaluation"), by name of the training and kind of the test trials.
    """
    pretrained, estimator = (settings.apply(make(), seed) for make in NETWORKS[network])
    others = load_others(subject)
    scores = {}
    for table, training, tested in [
        ("choice", TRAINING[:-1], TRAINING[-1:]),
        ("evaluation", TRAINING, EVALUATION),
    ]:
        own, test = load_sessions(subject, training), load_sessions(subject, tested)
        aligned, own, tests = align(alignment, others, own, test)
        if table == "choice":  # the other subjects are aligned in the same way in both tables
            pretrained.fit(aligned.X, aligned.y)
        networks = train_on_own(estimator, pretrained, own)
        scores[table] = {
            (name, kind): accuracy(members, test)
            for name, members in networks.items()
            for kind, test in tests.items()
        }
    return scores
