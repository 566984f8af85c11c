"""Techniques of training, each one a small skorch callback."""

from .checkpoint import Checkpoint
from .early_stopping import EarlyStopping

__all__ = ["Checkpoint", "EarlyStopping"]
