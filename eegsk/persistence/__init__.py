"""Model files: saving and loading of fitted estimators without running code."""

from ._saving import SavingMixin, load

__all__ = ["SavingMixin", "load"]
