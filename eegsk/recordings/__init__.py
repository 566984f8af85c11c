"""Trials in files: a lazy array, and windows of continuous recordings."""

from ._cache import RowCache as RowCache
from ._memory import aligned as aligned
from ._mne import annotated_spans as annotated_spans
from ._tensor import LazyTensor as LazyTensor
from ._tensor import check_input as check_input
from ._trials import LazyTrials
from ._windows import trials_from_bids, trials_from_moabb, trials_from_raw

__all__ = ["LazyTrials", "trials_from_bids", "trials_from_moabb", "trials_from_raw"]
