"""Alignment of sessions and subjects by whitening trials with the mean covariance of each."""

from .euclidean import EuclideanAlignment
from .riemannian import RiemannianAlignment

__all__ = ["EuclideanAlignment", "RiemannianAlignment"]
