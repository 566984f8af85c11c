"""Where to compute."""

from __future__ import annotations

import torch


def find_device(device: str | torch.device) -> torch.device:
    """Find the device asked for, or the fastest there is.

    Parameters
    ----------
    device : str or torch.device
        A torch device, or ``"auto"`` for CUDA, else MPS, else the CPU.

    Returns
    -------
    device : torch.device
        A device that is there.

    Raises
    ------
    ValueError
        If there is no such device on this machine.
    """
    if device == "auto":
        return torch.device(_available()[0])
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device={device!r} is no device; use 'auto', 'cpu' or 'cuda'.") from error
    if found.type not in _available() or not _has_index(found):
        raise ValueError(
            f"device={str(device)!r} is not there: torch sees {', '.join(_available())} on this "
            "machine; use device='auto'."
        )
    return found


def _available() -> list[str]:
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    return [name for name, available in there.items() if available]


def _has_index(device: torch.device) -> bool:
    return device.type != "cuda" or (device.index or 0) < torch.cuda.device_count()
