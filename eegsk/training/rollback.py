"""Rollback of an estimator whose ``fit`` fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def restored_on_error(estimator: Any, is_continued: bool) -> Iterator[None]:
    """Restore an estimator if ``fit`` fails; after Ctrl-C, it keeps the weights trained so far.

    Parameters
    ----------
    estimator : EEGEstimator
        The estimator.
    is_continued : bool
        Whether ``fit`` continues to train the present net.
    """
    attributes = dict(vars(estimator))
    net: Any = attributes.get("net_")
    state = net.snapshot() if is_continued else None
    try:
        yield
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and (
            is_continued or vars(estimator).get("net_") is not net
        ):
            raise
        vars(estimator).clear()
        vars(estimator).update(attributes)
        if state is not None:
            net.restore(state)
        raise
