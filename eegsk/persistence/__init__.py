"""Model files: saving and loading of fitted estimators without running code."""

from ._load import SavingMixin, load

__all__ = ["SavingMixin", "load"]
