"""Locks that a forked process can use."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ForkSafeLock:
    """Reentrant lock that is free in a process created by ``os.fork``.

    A fork copies locks, but not the threads that hold them. Without a new lock, a process that is
    forked while another thread holds the lock would wait for it forever.

    Examples
    --------
    >>> from eegsk._locks import ForkSafeLock
    >>> lock = ForkSafeLock()
    >>> with lock.hold():
    ...     print("Only one thread at a time is here.")
    Only one thread at a time is here.
    """

    def __init__(self) -> None:
        self._renew()
        if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._lock = threading.RLock()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock within a context."""
        with self._lock:
            yield
