"""Weights from elsewhere: reading of files, and assignment to the layers of a network."""

from ._matching import match_weights
from ._reading import is_ordered, read_weights

__all__ = ["is_ordered", "match_weights", "read_weights"]
