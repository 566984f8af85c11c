"""Figures: optional packages, axes, colours and labels that all displays share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._imports import import_optional

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colours of Okabe and Ito, which the colour-blind can distinguish, https://jfly.uni-koeln.de/color.
# They differ in lightness too, so that they differ in a grey print.
BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
COLORS = (BLUE, ORANGE, GREEN, PURPLE, "#56b4e9", "#e69f00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "0.45"
# Height in inches of the name of a channel on an axis.
_NAME_HEIGHT = 0.13


def make_axes(
    ax: Any,
    n_axes: int,
    caller: str,
    *,
    n_cols: int = 1,
    size: tuple[float, float] = (6.4, 4.0),
    **options: Any,
) -> np.ndarray:
    """Return the axes of a display: those of the user, or those of a new figure.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, array-like of Axes, or None
        None for a new figure. A single Axes is divided if several are needed.
    n_axes : int
        Number of axes.
    caller : str
        Class of the display, for the error messages.
    n_cols : int, default=1
        Number of columns of axes.
    size : (float, float), default=(6.4, 4.0)
        Width and height of each axes of a new figure in inches.
    **options : dict
        Options of the grid: ``sharex``, ``sharey`` and ``width_ratios``.

    Returns
    -------
    axes : array of Axes, shape (n_axes,)
        The axes.

    Raises
    ------
    ValueError
        If ``ax`` has another number of axes.
    """
    plt = import_optional("matplotlib.pyplot", "plot", f"{caller}.plot")
    n_cols = min(n_cols, n_axes)
    shape = -(-n_axes // n_cols), n_cols
    if ax is None:
        figsize = size[0] * shape[1], size[1] * shape[0]
        figure = plt.figure(figsize=figsize, layout="constrained")
        return _subplots(figure.add_gridspec(*shape, **_ratios(options)), n_axes, options)
    axes = np.array(ax, dtype=object)
    if axes.size == n_axes:
        return axes.ravel()
    if axes.size > 1:
        raise ValueError(
            f"{caller}: ax has {axes.size} axes, but the plot needs {n_axes}; pass one Axes, which "
            f"is divided, or {n_axes} of them."
        )
    position = axes.item().get_subplotspec()
    if position is None:
        raise ValueError(
            f"{caller}: ax was not created by subplots, so it cannot be divided; pass {n_axes} "
            "axes."
        )
    axes.item().set_axis_off()
    return _subplots(position.subgridspec(*shape, **_ratios(options)), n_axes, options)


def _ratios(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name.endswith("_ratios")}


def _subplots(grid: Any, n_axes: int, options: dict[str, Any]) -> np.ndarray:
    """Create the axes of a grid, without those that are not needed in the last row."""
    share = {name: value for name, value in options.items() if name.startswith("share")}
    axes = grid.subplots(squeeze=False, **share).ravel()
    for unused in axes[n_axes:]:
        unused.remove()
    return axes[:n_axes]


def remove_spines(ax: Axes) -> None:
    """Remove the lines at the top and at the right of an Axes."""
    ax.spines[["top", "right"]].set_visible(False)


def label_channels(ax: Axes, names: Sequence[str] | None, n_chans: int) -> None:
    """Write the names of the channels on the y axis, or only some if there is little space."""
    if names is None:
        ax.set_ylabel("Channel (index)")
        return
    height = ax.get_window_extent().height / ax.figure.dpi
    step = max(1, math.ceil(n_chans * _NAME_HEIGHT / height))
    ax.set_yticks(range(0, n_chans, step), list(names)[::step], fontsize="small")
    ax.set_ylabel("Channel" if step == 1 else f"Channel (one in {step} named)")
