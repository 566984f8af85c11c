"""Techniques of training, each one a small skorch callback."""

from .early_stopping import EarlyStopping

__all__ = ["EarlyStopping"]
