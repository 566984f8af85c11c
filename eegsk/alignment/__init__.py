"""Alignment of sessions and subjects by whitening trials with the mean covariance of each."""

from ._groups import groups_argument as groups_argument
from .aligned_estimator import AlignedEstimator
from .aligned_voting import AlignedVotingClassifier
from .euclidean import EuclideanAlignment
from .riemannian import RiemannianAlignment

__all__ = [
    "AlignedEstimator",
    "AlignedVotingClassifier",
    "EuclideanAlignment",
    "RiemannianAlignment",
]
