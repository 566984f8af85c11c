"""Values of channels on the scalp: topographic maps, or bars if positions are unknown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import mne
import numpy as np

from ..signals import Signal
from ._matplotlib import BLUE, GREY, label_channels, remove_spines

# Montages in which the names of channels are looked up, the same under their new and old names.
_MONTAGES = ("colin27_1005", "standard_1005")
# Least number of channels for a topographic map.
_MIN_CHANNELS = 4


class Channels(NamedTuple):
    """Names and positions of channels.

    Parameters
    ----------
    names : tuple of str or None
        Names of the channels, None if unknown.
    info : mne.Info or None
        Their positions, None if at least one is unknown.
    """

    names: tuple[str, ...] | None = None
    info: mne.Info | None = None


def find_names(
    signal: Signal, ch_names: Sequence[str] | None, caller: str
) -> tuple[str, ...] | None:
    """Return the names of the channels, given by the user or those of the Epochs of ``fit``."""
    names = signal.ch_names if ch_names is None else tuple(ch_names)
    if names is not None and len(names) != signal.n_chans:
        raise ValueError(
            f"{caller}: ch_names has {len(names)} names, but the trials have {signal.n_chans} "
            "channels; give one name for each channel."
        )
    return names


def find_channels(
    signal: Signal, ch_names: Sequence[str] | None, info: mne.Info | None, caller: str
) -> Channels:
    """Return names and positions of channels.

    Parameters
    ----------
    signal : Signal
        Signal of the trials.
    ch_names : sequence of str or None
        Names given by the user, for trials that are arrays.
    info : mne.Info or None
        Positions given by the user.
    caller : str
        Class and method, for the error messages.

    Returns
    -------
    channels : Channels
        Positions are those of ``info``, of the signal, or of the 10-05 system by name. Channels
        that are not EEG have those of ``info`` only.

    Raises
    ------
    ValueError
        If there are more or fewer names than channels, or ``info`` lacks one of them.
    """
    if info is not None and ch_names is None and signal.ch_names is None:
        ch_names = info.ch_names
    names = find_names(signal, ch_names, caller)
    if names is None:
        return Channels()
    if info is not None:
        return Channels(names, _pick(info, names, caller))
    if set(signal.ch_types or ["eeg"]) != {"eeg"}:
        return Channels(names)
    return Channels(names, _recorded_info(signal, names) or _standard_info(names))


def _pick(info: mne.Info, names: Sequence[str], caller: str) -> mne.Info:
    missing = [name for name in names if name not in info.ch_names]
    if missing:
        raise ValueError(
            f"{caller}: info has no channel {missing[0]!r}; it should have every channel of the "
            "trials."
        )
    return mne.pick_info(info, [info.ch_names.index(name) for name in names])


def _recorded_info(signal: Signal, names: Sequence[str]) -> mne.Info | None:
    """Return the positions in the signal; None if a channel has none."""
    positions = signal.ch_positions or (None,)
    if not all(positions):
        return None
    places = {name: np.array(place) for name, place in zip(names, positions, strict=True)}
    info = mne.create_info(list(names), 1.0, "eeg")
    info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
    return info


@lru_cache(maxsize=1)
def _montage() -> mne.channels.DigMontage:
    name = next(name for name in _MONTAGES if name in mne.channels.get_builtin_montages())
    return mne.channels.make_standard_montage(name)


def _standard_info(names: Sequence[str]) -> mne.Info | None:
    """Return positions by name, e.g. of ``"FC5"`` or ``"Fc5."``; None if a name is unknown."""
    names_by_key = {name.lower(): name for name in _montage().ch_names}
    standard = [names_by_key.get(name.strip(" .").lower(), "") for name in names]
    if "" in standard or len(set(standard)) < len(standard):
        return None
    info = mne.create_info(standard, 1.0, "eeg")
    info.set_montage(_montage())
    return info


def draws_map(kind: str, channels: Channels, caller: str) -> bool:
    """Return whether to draw a topographic map, for ``kind`` "auto", "topomap" or "bar"."""
    names, info = channels
    if kind not in ("auto", "topomap", "bar"):
        raise ValueError(f"{caller}: kind={kind!r} should be 'auto', 'topomap' or 'bar'.")
    if kind == "topomap" and info is None:
        detail = "the names of the channels are" if names is None else "a channel position is"
        raise ValueError(
            f"{caller}: kind='topomap', but {detail} unknown; pass info with a montage, fit on "
            "Epochs, or use kind='bar'."
        )
    has_map = info is not None and len(info.ch_names) >= _MIN_CHANNELS
    return kind == "topomap" or (kind == "auto" and has_map)


def draw_map(ax: Any, values: np.ndarray, channels: Channels, limit: float, **options: Any) -> Any:
    """Draw a topographic map of channels, with colours from ``-limit`` to ``limit``.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes.
    values : array of shape (n_chans,)
        One value for each channel.
    channels : Channels
        Positions of the channels.
    limit : float
        Largest absolute value of the colour map.
    **options : dict
        Options of :func:`mne.viz.plot_topomap`, e.g. ``cmap``.

    Returns
    -------
    image : matplotlib.image.AxesImage
        The map.
    """
    return mne.viz.plot_topomap(
        values,
        channels.info,
        axes=ax,
        vlim=(-limit, limit),
        contours=4,
        show=False,
        **options,
    )[0]


def draw_bars(ax: Any, values: np.ndarray, channels: Channels, limit: float) -> None:
    """Draw a horizontal bar for each channel, on an axis from ``-limit`` to ``limit``.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes.
    values : array of shape (n_chans,)
        One value for each channel.
    channels : Channels
        Names of the channels.
    limit : float
        Limit of the axis.
    """
    ax.barh(np.arange(len(values)), values, color=BLUE)
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.set(xlim=(-1.05 * limit, 1.05 * limit), ylim=(len(values) - 0.5, -0.5))
    label_channels(ax, channels.names, len(values))
    remove_spines(ax)
