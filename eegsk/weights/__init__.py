"""Weights of other libraries: reading of files, and assignment to the layers of a network."""

from ._matching import match_weights
from ._pairs import braindecode_pairs
from ._reading import is_ordered, read_weights

__all__ = ["braindecode_pairs", "is_ordered", "match_weights", "read_weights"]
