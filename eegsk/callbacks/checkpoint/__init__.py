"""Checkpoints: the best epoch, and the complete state of training, in one file."""

from ._checkpoint import Checkpoint

__all__ = ["Checkpoint"]
