"""All slices of a parameter map on one page, with a colour bar."""

from pathlib import Path

import numpy as np

from ..geometry import Geometry
from .figure import figure_text, new_figure, require_packages

__all__ = ["orientation_letters", "write_montage"]

_LETTERS = (("R", "L"), ("A", "P"), ("I", "S"))
_CONTOURS = ("#ffffff", "#00e5ff", "#ff5fa2", "#b6ff3b", "#ffb000", "#b99aff")


def write_montage(
    path: Path,
    values: np.ndarray,
    geometry: Geometry,
    *,
    title: str,
    subtitle: str = "",
    unit: str,
    window: tuple[float, float],
    shown: np.ndarray | None = None,
    outlines: list[tuple[str, np.ndarray]] | None = None,
    most_slices: int = 24,
    colour_map: str = "viridis",
) -> None:
    """Write a PNG with up to ``most_slices`` slices of a map, as a radiologist looks at them.

    :param values: map (k, j, i) in the shown unit; NaN is left black.
    :param unit: of the colour bar.
    :param window: lower and upper value of the colour bar.
    :param shown: boolean (k, j, i); voxels outside are left black. None: all finite voxels.
    :param outlines: (name, boolean mask (k, j, i)), drawn as contours.
    :raises InputError: matplotlib is not installed.
    """
    require_packages("matplotlib")
    from matplotlib import colormaps
    from matplotlib.lines import Line2D

    visible = np.isfinite(values) if shown is None else np.isfinite(values) & shown
    slices = _slices_to_show(visible, most_slices)
    rows, columns = _page(slices.size, geometry)
    spacing = geometry.spacing_mm
    field_mm = (geometry.shape[2] * spacing[0], geometry.shape[1] * spacing[1])
    tile = 1.75  # inches
    height = tile * field_mm[1] / field_mm[0]
    bar_inches, top_inches = 1.15, 0.75
    outlines = [(name, mask) for name, mask in outlines or [] if mask.any()]
    bottom_inches = 0.4 if outlines else 0.1
    # Even a single flat slice leaves room for the colour bar and its unit.
    size = (max(columns * tile, 3.0) + bar_inches, max(rows * height, 1.5) + top_inches + bottom_inches)

    figure = new_figure(*size, dpi=150, background="black")
    colours = colormaps[colour_map].with_extremes(bad="black")
    for place, k in enumerate(slices):
        row, column = divmod(place, columns)
        axes = figure.add_axes(
            (column * tile / size[0], 1 - (top_inches + (row + 1) * height) / size[1], tile / size[0], height / size[1]),
        )
        axes.set_axis_off()
        picture = axes.imshow(
            np.where(visible[k], values[k], np.nan),
            cmap=colours,
            vmin=window[0],
            vmax=window[1],
            interpolation="nearest",
            aspect=spacing[1] / spacing[0],
        )
        for (_name, mask), colour in zip(outlines, _cycle(len(outlines)), strict=True):
            if mask[k].any():
                axes.contour(mask[k], levels=[0.5], colors=[colour], linewidths=0.7)
        axes.text(0.03, 0.03, f"{k + 1}", transform=axes.transAxes, color="#bbbbbb", fontsize=6, va="bottom")
        if place == 0:
            _write_letters(axes, geometry)
    bar = figure.add_axes(
        (
            1 - (bar_inches - 0.3) / size[0],
            (bottom_inches + 0.3) / size[1],
            0.13 / size[0],
            1 - (top_inches + bottom_inches + 0.4) / size[1],
        ),
    )
    colour_bar = figure.colorbar(picture, cax=bar, extend="max")
    colour_bar.ax.tick_params(colors="white", labelsize=7)
    colour_bar.outline.set_edgecolor("#888888")
    bar.set_title(unit, color="white", fontsize=7, loc="left", pad=10)
    figure.text(0.12 / size[0], 1 - 0.27 / size[1], figure_text(title), color="white", fontsize=11, va="center")
    figure.text(0.12 / size[0], 1 - 0.53 / size[1], figure_text(subtitle), color="#bbbbbb", fontsize=7.5, va="center")
    if outlines:
        named = zip(outlines, _cycle(len(outlines)), strict=True)
        handles = [Line2D([], [], color=colour, label=figure_text(name)) for (name, _mask), colour in named]
        figure.legend(handles=handles, loc="lower left", ncols=4, fontsize=7, frameon=False, labelcolor="white")
    figure.savefig(path, facecolor="black")


def _cycle(count: int) -> list[str]:
    return [_CONTOURS[index % len(_CONTOURS)] for index in range(count)]


def _slices_to_show(visible: np.ndarray, most: int) -> np.ndarray:
    """Indices of evenly spread slices between the first and the last with something to see."""
    filled = np.flatnonzero(visible.any(axis=(1, 2)))
    first, last = (filled[0], filled[-1]) if filled.size else (0, visible.shape[0] - 1)
    return np.unique(np.linspace(first, last, min(most, last - first + 1)).round().astype(int))


def _page(count: int, geometry: Geometry) -> tuple[int, int]:
    """Rows and columns of a page a little wider than high."""
    ratio = geometry.shape[1] * geometry.spacing_mm[1] / (geometry.shape[2] * geometry.spacing_mm[0])
    columns = min(count, max(3, round(np.sqrt(count * ratio * 1.5))))
    return -(-count // columns), columns


def orientation_letters(geometry: Geometry) -> tuple[str, str, str, str]:
    """Return the patient's sides at the left, right, upper and lower edge of a slice, from the nearest anatomical axes."""
    letters = []
    for axis in (0, 1):
        vector = geometry.direction_lps[:, axis]
        nearest = int(np.abs(vector).argmax())
        letters += _LETTERS[nearest] if vector[nearest] > 0 else _LETTERS[nearest][::-1]
    return tuple(letters)


def _write_letters(axes, geometry: Geometry) -> None:
    places = ((0.02, 0.5, "left", "center"), (0.98, 0.5, "right", "center"), (0.5, 0.98, "center", "top"), (0.5, 0.02, "center", "bottom"))
    for (x, y, horizontal, vertical), letter in zip(places, orientation_letters(geometry), strict=True):
        axes.text(x, y, letter, transform=axes.transAxes, color="#bbbbbb", fontsize=6, ha=horizontal, va=vertical)
