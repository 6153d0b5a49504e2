"""Frames of one or several series placed on one grid."""

from collections.abc import Sequence

import numpy as np

from ..errors import GeometryError
from ..geometry import Geometry
from .series import Frame, Series
from .slices import sort_into_slices

__all__ = ["place_on_one_grid"]

SAME_GRID_MM = 0.1
"""Largest distance between corresponding voxels of series that are fitted together."""


def place_on_one_grid(frames: Sequence[Frame], source: np.ndarray, series: Sequence[Series]) -> tuple[Geometry, np.ndarray, list[str]]:
    """Find the grid of frames that belong together.

    :param source: number of the series of each frame, int (frames,).
    :return: the grid; slice number of each frame, int (frames,); and notes on what is not ideal.
    :raises GeometryError: the slices of a series do not fit together, or those of two series are not the same.
    """
    place = np.empty(len(frames), dtype=int)
    grids: list[tuple[Series, Geometry]] = []
    notes: list[str] = []
    for s in np.unique(source):
        chosen = np.flatnonzero(source == s)
        slices = sort_into_slices([frames[n] for n in chosen], series[s].label)
        place[chosen] = slices.index
        notes.extend(slices.notes)
        grids.append((series[s], slices.geometry))
    first = grids[0][1]
    if not all(first.matches(geometry, SAME_GRID_MM) for _, geometry in grids):
        listing = "; ".join(f"{one.label}: {_in_words(geometry)}" for one, geometry in grids)
        raise GeometryError(f"The chosen series do not lie on the same slices, so they cannot be fitted together: {listing}.")
    return first, place, notes


def _in_words(geometry: Geometry) -> str:
    k, j, i = geometry.shape
    spacing = " x ".join(f"{mm:.4g}" for mm in geometry.spacing_mm)
    corner = ", ".join(f"{mm:.1f}" for mm in geometry.origin_lps)
    normal = ", ".join(f"{x:.3f}" for x in geometry.direction_lps[:, 2])
    return f"{i} x {j} x {k} voxels of {spacing} mm, first voxel at ({corner}), slice normal ({normal})"
