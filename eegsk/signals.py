"""Input conversion: arrays, tensors and Epochs to one array and its `Signal`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import mne
import numpy as np
import torch

from ._epochs import event_names, is_epochs, read_values

# Channel types of MNE that contain data, as keyword arguments of mne.pick_types.
_DATA_TYPES: dict[str, Any] = {
    **dict.fromkeys(("meg", "eeg", "csd", "seeg", "ecog", "dbs", "fnirs"), True),
    "ref_meg": False,
}
# Objects of MNE with frequencies or sources instead of the channels and time points of Epochs.
_TRANSFORMED = (
    mne.time_frequency.Spectrum,
    mne.time_frequency.EpochsSpectrum,
    mne.time_frequency.AverageTFR,
    mne.time_frequency.EpochsTFR,
    mne.SourceEstimate,
    mne.VectorSourceEstimate,
    mne.VolSourceEstimate,
)
Position = tuple[float, ...]  # x, y and z


@dataclass(frozen=True)
class Signal:
    """Shape, sampling rate and channel names of the trials that a network is built for.

    Parameters
    ----------
    n_chans : int
        Number of channels.
    n_times : int
        Number of time points in a trial.
    sfreq : float or None, default=None
        Sampling rate in Hz; None if unknown, e.g. for an array.
    ch_names : tuple of str or None, default=None
        Names of the channels, in order; None if unknown, e.g. for an array.
    ch_types : tuple of str or None, default=None
        Channel types of MNE, e.g. ``"eeg"``; None if the trials are not Epochs.
    ch_positions : tuple or None, default=None
        Position ``(x, y, z)`` of each channel in metres, or None for a channel without position;
        None if the Epochs have no montage.

    Examples
    --------
    >>> from eegsk import Signal
    >>> Signal(n_chans=3, n_times=1000, sfreq=250.0)
    Signal(n_chans=3, n_times=1000, sfreq=250.0, ch_names=None)
    """

    n_chans: int
    n_times: int
    sfreq: float | None = None
    ch_names: tuple[str, ...] | None = None
    ch_types: tuple[str, ...] | None = field(default=None, repr=False)
    ch_positions: tuple[Position | None, ...] | None = field(default=None, repr=False)

    @property
    def chs_info(self) -> list[dict[str, Any]] | None:
        """Description of each channel as in ``epochs.info["chs"]``; None if names are unknown."""
        if self.ch_names is None:
            return None
        types: Any = list(self.ch_types or ["eeg"] * self.n_chans)
        chs = mne.create_info(list(self.ch_names), self.sfreq or 1.0, types)["chs"]
        for channel, position in zip(chs, self.ch_positions or (), strict=False):
            channel["loc"][:3] = position or np.nan
        return chs

    def select(self, channels: Sequence[int] | np.ndarray) -> Signal:
        """Return the signal of channels selected by their indices, in this order."""
        values: dict[str, Any] = {"n_chans": len(channels)}
        for name in ("ch_names", "ch_types", "ch_positions"):
            if (items := getattr(self, name)) is not None:
                values[name] = tuple(items[channel] for channel in channels)
        return replace(self, **values)


def is_lazy(X: Any) -> bool:
    """Return whether ``X`` is LazyTrials, whose module imports this one."""
    return hasattr(X, "match_signal")


def read_trials(X: Any, fitted: Signal | None = None) -> tuple[Any, Signal | None]:
    """Convert trials to an array-like, and describe the signal of Epochs.

    Parameters
    ----------
    X : array-like, torch.Tensor, mne.Epochs, list of mne.Epochs, or LazyTrials
        Trials, ``(n_trials, n_chans, n_times)``, or ``(n_trials, n_times)`` for one channel. The
        good data channels of Epochs are read, in volts; bad epochs are dropped. LazyTrials are not
        read.
    fitted : Signal or None, default=None
        Signal of the trials of ``fit``. Channels of Epochs are selected by name, in the order of
        this signal.

    Returns
    -------
    trials : array-like
        The trials, not yet validated.
    signal : Signal or None
        Signal of Epochs and LazyTrials; None for other input.

    Raises
    ------
    TypeError
        If ``X`` is Raw or Evoked, which have no trials.
    ValueError
        If Epochs differ in channels, length or sampling rate from ``fitted`` or from the first
        Epochs in the list.
    """
    if is_epochs(X):
        return _read_epochs(X if isinstance(X, list | tuple) else [X], fitted)
    if is_lazy(X):
        return X.match_signal(fitted)
    _check_has_time_points(X)
    return (to_numpy(X) if isinstance(X, torch.Tensor) else X), None


def _check_has_time_points(X: Any) -> None:
    """Raise an error for objects of MNE without trials; some of them look like arrays."""
    item = X[0] if isinstance(X, list | tuple) and len(X) > 0 else X
    kind = f"a list of {type(item).__name__}" if item is not X else type(item).__name__
    if isinstance(item, mne.io.BaseRaw | mne.Evoked):
        raise TypeError(f"X is {kind}, which has no trials; pass mne.Epochs instead.")
    if isinstance(item, _TRANSFORMED):
        raise TypeError(
            f"X is {kind}, but the networks take channels and time points; pass mne.Epochs instead."
        )


def labels_of(X: Any) -> Any:
    """Return the labels that trials contain: event names, or the labels of LazyTrials.

    Parameters
    ----------
    X : object
        Trials.

    Returns
    -------
    labels : array of shape (n_trials,) or None
        The labels; None for an array, which has none.
    """
    if is_epochs(X):
        return event_names(X)
    return X.labels if is_lazy(X) else None


def signal_of(instance: Any, n_times: int | None = None) -> Signal:
    """Describe the good data channels of Epochs or Raw.

    Parameters
    ----------
    instance : mne.Epochs or mne.io.Raw
        A recording.
    n_times : int or None, default=None
        Number of time points in a trial; None for that of Epochs.

    Returns
    -------
    signal : Signal
        Their signal, with channel types and positions.
    """
    signal = _with_channels(_describe(instance), instance.info)
    return signal if n_times is None else replace(signal, n_times=n_times)


def to_numpy(X: torch.Tensor) -> np.ndarray:
    """Convert a tensor to an array; bfloat16, which NumPy does not have, becomes float32."""
    X = X.detach().cpu()
    return (X.float() if X.dtype is torch.bfloat16 else X).numpy()


def _read_epochs(parts: Sequence[Any], fitted: Signal | None) -> tuple[np.ndarray, Signal]:
    if fitted is not None and fitted.ch_names is not None:
        signal, source = fitted, "fit"
    else:
        signal, source = _describe(parts[0]), "the first Epochs in the list"
    for part in parts:
        _check_signal(_describe(part), signal, source)
    if signal is not fitted:
        signal = _with_channels(signal, parts[0].info)
    picks = list(signal.ch_names or ())
    return np.concatenate([read_values(part, picks) for part in parts]), signal


def _describe(epochs: mne.BaseEpochs) -> Signal:
    picks = mne.pick_types(epochs.info, exclude="bads", **_DATA_TYPES)
    if len(picks) == 0:
        raise ValueError(
            "The Epochs have no good data channel (EEG, MEG, ...); check info['bads'] and the "
            "channel types, epochs.get_channel_types()."
        )
    names = tuple(epochs.ch_names[pick] for pick in picks)
    return Signal(len(names), len(epochs.times), float(epochs.info["sfreq"]), names)


def _with_channels(signal: Signal, info: mne.Info) -> Signal:
    """Add the types and the positions of the channels."""
    picks = [info.ch_names.index(name) for name in signal.ch_names or ()]
    positions = tuple(_position(info["chs"][pick]["loc"]) for pick in picks)
    return replace(
        signal,
        ch_types=tuple(info.get_channel_types(picks)),
        ch_positions=positions if any(positions) else None,
    )


def _position(loc: np.ndarray) -> Position | None:
    """Return the position of a channel; None if it is unknown, which MNE marks by NaN or zeros."""
    position = loc[:3]
    return tuple(position.tolist()) if np.isfinite(position).all() and position.any() else None


def _check_signal(signal: Signal, expected: Signal, source: str) -> None:
    """Check that Epochs have the expected channels (in any order), sampling rate and length."""
    names, expected_names = signal.ch_names or (), expected.ch_names or ()
    missing = [name for name in expected_names if name not in names]
    additional = [name for name in names if name not in expected_names]
    if missing or additional:
        pairs = [("missing", missing), ("additional", additional)]
        differences = ", ".join(f"{word} {_join(channels)}" for word, channels in pairs if channels)
        raise ValueError(
            f"The good channels of the Epochs differ from those of {source}: {differences}; "
            "select the same channels and interpolate bad ones."
        )
    if not np.isclose(signal.sfreq or 0, expected.sfreq or 0):
        raise ValueError(
            f"The Epochs are sampled at {signal.sfreq:g} Hz, but those of {source} at "
            f"{expected.sfreq:g} Hz; use epochs.resample({expected.sfreq:g})."
        )
    if signal.n_times != expected.n_times:
        raise ValueError(
            f"The Epochs have {signal.n_times} time points, but those of {source} have "
            f"{expected.n_times}; crop them to the same length."
        )


def _join(names: list[str]) -> str:
    """Join names for an error message; only the first five if there are more."""
    text = ", ".join(names[:5])
    return f"{text}, ... ({len(names)} channels)" if len(names) > 5 else text
