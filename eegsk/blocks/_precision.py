"""Minimum precision of statistics and filters under mixed precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch


def full_precision(x: torch.Tensor) -> AbstractContextManager[Any]:
    """Return a context in which autocast is off for the device of a tensor."""
    if x.is_meta or not torch.is_autocast_enabled(x.device.type):
        return nullcontext()
    return torch.autocast(x.device.type, enabled=False)


def at_least_single(x: torch.Tensor) -> torch.Tensor:
    """Convert half precision to single; return single and double precision unchanged."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
