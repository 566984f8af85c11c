"""The precision of what must not be computed in half of it: statistics, and products of weights."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch


def full_precision(x: torch.Tensor) -> AbstractContextManager[Any]:
    """Return a context in which autocast does not lower the precision."""
    if not torch.is_autocast_enabled(x.device.type):
        return nullcontext()
    return torch.autocast(x.device.type, enabled=False)


def at_least_single(x: torch.Tensor) -> torch.Tensor:
    """Return values in single precision if they are in half."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
