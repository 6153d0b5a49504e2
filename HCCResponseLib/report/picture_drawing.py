"""A picture of a lesion as PNG: slice, outlines, letters of orientation, scale bar, colour bar."""

import numpy as np

from ..errors import InputError
from .figure import figure_bytes, figure_text, new_figure
from .lesion_picture import LesionPicture

__all__ = ["picture_png"]

_SIDE_INCHES = 2.0
_BARS_MM = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_LETTER = dict(color="white", fontsize=9.5, fontweight="bold", alpha=0.85)


def picture_png(picture: LesionPicture, *, side_pixels: int = 440) -> bytes:
    """Draw a picture.

    :param side_pixels: width of the PNG; its height follows from the field of view.
    :raises InputError: matplotlib is not installed, or knows no colour map of that name.
    """
    from matplotlib import colormaps
    from matplotlib.patheffects import withStroke

    if picture.colour_map not in colormaps:
        raise InputError(f"Picture '{picture.title[:60]}': there is no colour map '{picture.colour_map[:60]}'.")
    rows, columns = picture.pixels.shape
    size_mm = (rows * picture.pixel_mm[0], columns * picture.pixel_mm[1])
    field_mm = picture.field_mm or size_mm
    figure = new_figure(_SIDE_INCHES, _SIDE_INCHES * field_mm[0] / field_mm[1], dpi=side_pixels / _SIDE_INCHES, background="black")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    # Millimetres around the middle of the picture.
    extent = (-size_mm[1] / 2, size_mm[1] / 2, size_mm[0] / 2, -size_mm[0] / 2)
    is_map = picture.colour_map != "gray"
    shown = axes.imshow(
        np.ma.masked_invalid(picture.pixels),
        cmap=colormaps[picture.colour_map].with_extremes(bad="black"),
        vmin=picture.window[0],
        vmax=picture.window[1],
        extent=extent,
        # Voxels of a map are numbers; those of a signal are looked at.
        interpolation="nearest" if is_map else "bilinear",
        interpolation_stage="data",
    )
    y = extent[3] + picture.pixel_mm[0] * (np.arange(rows) + 0.5)
    x = extent[0] + picture.pixel_mm[1] * (np.arange(columns) + 0.5)
    for overlay in picture.overlays:
        mask = np.asarray(overlay.mask, dtype=float)
        if not mask.any() or min(mask.shape) < 2:
            continue
        if overlay.filled:
            axes.contourf(x, y, mask, levels=[0.5, 2.0], colors=[overlay.colour], alpha=0.22)
        axes.contour(x, y, mask, levels=[0.5], colors=[overlay.colour], linewidths=1.0)
    axes.set_xlim(-field_mm[1] / 2, field_mm[1] / 2)
    axes.set_ylim(field_mm[0] / 2, -field_mm[0] / 2)
    outline = [withStroke(linewidth=1.6, foreground="black", alpha=0.8)]
    places = ((0.03, 0.5, "left", "center"), (0.97, 0.5, "right", "center"), (0.5, 0.98, "center", "top"), (0.5, 0.02, "center", "bottom"))
    for (left, bottom, horizontal, vertical), letter in zip(places, picture.letters, strict=True):
        if is_map and horizontal == "right":
            left, bottom, vertical = 0.97, 0.03, "bottom"  # beside the colour bar there is no room
        text = figure_text(letter, 3)
        axes.text(left, bottom, text, transform=axes.transAxes, ha=horizontal, va=vertical, path_effects=outline, **_LETTER)
    _scale_bar(axes, field_mm, outline)
    if is_map:
        _colour_bar(figure, axes, shown, picture, outline)
    return figure_bytes(figure, "png")


def _scale_bar(axes, field_mm: tuple[float, float], outline: list) -> None:
    """The longest of the usual lengths that takes at most a third of the width."""
    length = max((one for one in _BARS_MM if one <= field_mm[1] / 3), default=field_mm[1] / 3)
    left, height = -field_mm[1] / 2 + 0.05 * field_mm[1], field_mm[0] / 2 - 0.06 * field_mm[0]
    axes.plot([left, left + length], [height, height], color="white", linewidth=1.8, solid_capstyle="butt", path_effects=outline)
    axes.text(
        left,
        height - 0.025 * field_mm[0],
        f"{length:g} mm",
        color="white",
        fontsize=8.5,
        ha="left",
        va="bottom",
        path_effects=outline,
    )


def _colour_bar(figure, axes, shown, picture: LesionPicture, outline: list) -> None:
    place = figure.add_axes((0.925, 0.25, 0.028, 0.52))
    bar = figure.colorbar(shown, cax=place)
    bar.set_ticks([])
    bar.outline.set_edgecolor("white")
    bar.outline.set_linewidth(0.5)
    # Maps are bright and noisy outside of the body: letters need a ground of their own.
    ground = dict(boxstyle="square,pad=0.12", facecolor="black", edgecolor="none", alpha=0.65)
    number = dict(transform=axes.transAxes, color="white", fontsize=8.5, ha="right", path_effects=outline, bbox=ground)
    axes.text(0.965, 0.785, f"{picture.window[1]:g}", va="bottom", **number)
    axes.text(0.965, 0.235, f"{picture.window[0]:g}", va="top", **number)
    if picture.unit:
        axes.text(0.965, 0.89, figure_text(picture.unit, 20), va="bottom", **number)
