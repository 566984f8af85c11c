"""Split into training and validation trials, and evaluation on new subjects."""

from .transfer import evaluate_transfer
from .validation_split import split_for_validation

__all__ = ["evaluate_transfer", "split_for_validation"]
