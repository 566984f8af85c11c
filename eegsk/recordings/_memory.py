"""Memory that begins at a multiple of 64 bytes, as that of torch's tensors does.

The rounding errors of matrix products depend on it. Memory of NumPy begins at multiples of 16.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

_ALIGNMENT = 64


def aligned_empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Create an array without setting its values.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    dtype : numpy.dtype
        Type of the values.

    Returns
    -------
    array : array
        The array.
    """
    n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(n_bytes + _ALIGNMENT, np.uint8)
    start = -memory.__array_interface__["data"][0] % _ALIGNMENT
    return memory[start : start + n_bytes].view(dtype).reshape(shape)


def aligned(array: np.ndarray) -> torch.Tensor:
    """Convert an array to a tensor.

    Parameters
    ----------
    array : array
        The array.

    Returns
    -------
    tensor : torch.Tensor
        The tensor. It shares memory with the array if the array begins at a multiple of 64 bytes.
    """
    tensor = torch.from_numpy(array)
    return tensor.clone() if tensor.data_ptr() % _ALIGNMENT else tensor
