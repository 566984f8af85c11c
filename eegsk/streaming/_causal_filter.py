"""Temporal filters with a state, which filter a stream chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import signal

_EXPECTED = (
    "it should be second-order sections of scipy, of shape (n_sections, 6), the taps of a FIR "
    "filter, coefficients (b, a), or an IIR design of mne.filter.create_filter"
)


class CausalFilter:
    """Causal temporal filter that continues where the previous chunk ended.

    Parameters
    ----------
    name : str
        Name of the caller, for error messages.
    design : array, (array, array) or dict
        Second-order sections, FIR taps, coefficients ``(b, a)``, or a dictionary of MNE with
        ``"sos"`` or with ``"b"`` and ``"a"``.

    Raises
    ------
    ValueError
        If the design has another form, or values that are not finite.
    """

    def __init__(self, name: str, design: Any) -> None:
        try:
            self._apply, self._start = _implementation(design)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        self._state: np.ndarray | None = None

    def reset(self) -> None:
        """Remove the state, e.g. after a gap."""
        self._state = None

    def filter(self, x: np.ndarray) -> np.ndarray:
        """Filter a chunk of shape (n_chans, n_samples).

        After a reset, the state is that after a long constant signal with the value of the first
        sample, so that an offset of the recording causes no transient.
        """
        if x.shape[1] == 0:
            return x
        if self._state is None:
            self._state = self._start(x[:, :1])
        filtered, self._state = self._apply(x, self._state)
        return filtered


def _implementation(design: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return a function that filters, and one that computes the state before the first sample."""
    if isinstance(design, dict):
        design = design["sos"] if "sos" in design else (design.get("b"), design.get("a"))
    if isinstance(design, tuple) and len(design) == 2:
        return _polynomials(_coefficients(design[0]), _coefficients(design[1]))
    design = _coefficients(design)
    if design.ndim == 1:
        return _polynomials(design, np.ones(1))
    if design.ndim != 2 or design.shape[1] != 6:
        raise ValueError(f"temporal_filter has shape {design.shape}; {_EXPECTED}.")
    start = signal.sosfilt_zi(design)
    return (
        lambda x, state: signal.sosfilt(design, x, axis=1, zi=state),
        lambda first: start[:, None, :] * first[None],
    )


def _polynomials(b: np.ndarray, a: np.ndarray) -> tuple[Callable[..., Any], Callable[..., Any]]:
    if not b.ndim == a.ndim == 1:
        raise ValueError(f"temporal_filter has coefficients of {b.ndim} dimensions; {_EXPECTED}.")
    start = signal.lfilter_zi(b, a) if max(len(a), len(b)) > 1 else np.zeros(0)
    return (
        lambda x, state: signal.lfilter(b, a, x, axis=1, zi=state),
        lambda first: start[None] * first,
    )


def _coefficients(values: Any) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"temporal_filter is {type(values).__name__}; {_EXPECTED}.") from error
    if array.size == 0 or not np.isfinite(array).all():
        raise ValueError(
            f"temporal_filter is empty or has values that are not finite; {_EXPECTED}."
        )
    return array
