"""Choice of the device to compute on."""

from __future__ import annotations

import torch


def find_device(device: str | torch.device) -> torch.device:
    """Find the requested device, or choose the fastest one.

    Parameters
    ----------
    device : str or torch.device
        A torch device, e.g. ``"cuda:1"``. ``"auto"`` chooses CUDA if it is available, else MPS,
        else the CPU.

    Returns
    -------
    device : torch.device
        An available device.

    Raises
    ------
    ValueError
        If the device does not exist on this machine.

    Examples
    --------
    >>> from eegsk.training import find_device
    >>> find_device("cpu")
    device(type='cpu')
    """
    if device == "auto":
        return torch.device(_available()[0])
    try:
        requested = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device={device!r} is not a torch device; use 'auto', 'cpu' or 'cuda'."
        ) from error
    if requested.type not in _available() or not _has_index(requested):
        raise ValueError(
            f"device={str(device)!r} is not available: torch finds {', '.join(_available())} on "
            "this machine; use device='auto'."
        )
    return requested


def _available() -> list[str]:
    """Return the types of the available devices, the fastest first."""
    is_available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    return [name for name in is_available if is_available[name]]


def _has_index(device: torch.device) -> bool:
    """Check whether a device of this index exists, e.g. a second GPU for "cuda:1"."""
    return device.type != "cuda" or (device.index or 0) < torch.cuda.device_count()
