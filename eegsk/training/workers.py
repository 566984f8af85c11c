"""End of worker processes of joblib whose parent process has ended."""

from __future__ import annotations

import multiprocessing
import os

_PARENT = os.getppid()
# Start of the names of joblib's worker processes, which import eegsk for the first fit.
_WORKER = "LokyProcess"


def end_orphan() -> None:
    """End this process if it is a worker of joblib whose parent process has ended.

    A process that is ended by SIGTERM does not end its workers, which would train to the end of
    the fit although nobody receives the result, and then wait for minutes. Other processes go on,
    e.g. a script whose shell is closed.
    """
    is_worker = multiprocessing.current_process().name.startswith(_WORKER)
    if is_worker and os.getppid() != _PARENT:
        os._exit(1)  # an exception would only end the fit
