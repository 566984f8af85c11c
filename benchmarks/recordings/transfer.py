"""Pretraining on other subjects and fine-tuning on a subject of data set 2b."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from eegsk import EEGNetClassifier
from eegsk.alignment import EuclideanAlignment
from eegsk.recipes import motor_imagery

from .aligned import HANDS
from .alignment import Trials, join, load_sessions
from .jobs import EVALUATION, SUBJECTS, TRAINING, Settings

ALIGNMENTS = ("raw", "aligned")
# Settings of fine-tuning; the others are those of pretraining.
CHOICES: dict[str, dict[str, Any]] = {
    f"freeze={freeze!r}, lr={lr}": {"freeze": freeze, "lr": lr, "max_epochs": 30}
    for freeze in (None, "front")
    for lr in (3e-4, 1e-3)
}


def recipe_network() -> EEGNetClassifier:
    """Return the EEGNet of the recipe with reflection, without its alignment."""
    return clone(motor_imagery(ch_names=HANDS, max_epochs=50).estimator)


NETWORKS = {"EEGNet": EEGNetClassifier, "recipe": recipe_network}


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


def fine_tune(pretrained: Any, own: Trials, settings: Settings, params: dict[str, Any]) -> Any:
    """Fine-tune a copy of a pretrained estimator; ``--max-epochs`` limits it, too."""
    estimator = clone(pretrained).set_params(pretrained=FrozenEstimator(pretrained), **params)
    if settings.max_epochs is not None:
        estimator.set_params(max_epochs=settings.max_epochs)
    return estimator.fit(own.X, own.y)


def score_subject(
    network: str, subject: int, alignment: str, seed: int, settings: Settings
) -> dict[str, Any]:
    """Score every way to train, on the last training session and on the evaluation sessions.

    The result has the scores for the choice of settings ("choice") and those of the evaluation
    sessions ("evaluation"), by name of the training and kind of the test trials.
    """
    estimator = settings.apply(NETWORKS[network](), seed)
    others = load_others(subject)
    pretrained, scores = None, {}
    for table, training, tested in [
        ("choice", TRAINING[:-1], TRAINING[-1:]),
        ("evaluation", TRAINING, EVALUATION),
    ]:
        own, test = load_sessions(subject, training), load_sessions(subject, tested)
        aligned, own, tests = align(alignment, others, own, test)
        if pretrained is None:
            pretrained = clone(estimator).fit(aligned.X, aligned.y)
        trained = {"own": clone(estimator).fit(own.X, own.y), "others": pretrained}
        for name, params in CHOICES.items():
            trained[name] = fine_tune(pretrained, own, settings, params)
        scores[table] = {
            (training, kind): model.score(test.X, test.y)
            for training, model in trained.items()
            for kind, test in tests.items()
        }
    return scores
