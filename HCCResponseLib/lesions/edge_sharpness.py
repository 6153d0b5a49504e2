"""How well the edge of a lesion can be seen, measured along its outline.

Profiles of the image are taken across the outline, in the slices and at right angles to it, at every contour point of the
slices in which the lesion is at least half as large as in its largest. The upper and lower slices, which cut the edge
obliquely, are left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..geometry import Geometry
from .contour import Contour, plane_steps, trace_contour
from .inputs import crop_to_mask, require_image, require_mask
from .subvoxel import LAYERS, edge_field

__all__ = ["EdgeSharpness", "measure_edge_sharpness"]

REACH_MM = 8.0
"""Profiles reach this far to either side of the outline."""

NEAR_MM = 3.0
"""The edge is looked for this close to the outline; its contrast is the range of the profile there."""

STEP_MM = 0.5
"""Distance of the samples of a profile."""

NEIGHBOURS = 5
"""Profiles of this many contour points in succession are averaged."""

SMOOTHING_MM = 1.0
"""Standard deviation of the Gaussian that smooths a profile."""

VISIBLE_FROM = 2.0
"""An edge is visible where its contrast is at least this many times the noise."""


@dataclass(frozen=True)
class EdgeSharpness:
    """Sharpness of a lesion's edge.

    :param width_mm: median over the profiles of their range divided by their steepest slope: the distance that the change of
        signal would take at that slope. 2.5 times the standard deviation of a Gaussian blur; NaN where no edge is visible.
    :param visible_fraction: part of the outline along which the signal changes by ``VISIBLE_FROM`` times the noise or more.
    :param contrast_to_noise: median of that change over the noise.
    :param noise_sd: noise, in signal units.
    :param profiles: number of profiles.
    :param method: how it was measured.
    :param parameters: settings used.
    """

    width_mm: float
    visible_fraction: float
    contrast_to_noise: float
    noise_sd: float
    profiles: int
    method: str
    parameters: Mapping[str, object]


def measure_edge_sharpness(image: np.ndarray, lesion: np.ndarray, geometry: Geometry) -> EdgeSharpness:
    """Measure how sharp and how visible the edge of a lesion is in an image.

    Noise is told from the differences of neighbouring voxels in a row, which cancel what changes slowly; their median absolute
    value is not moved by edges.

    :param image: signal, shape (k, j, i); profiles that meet NaN or infinity are left out.
    :param lesion: mask, bool, same shape.
    :param geometry: grid of both.
    :raises InputError: the mask is empty, no profile lies inside the image, or there is no noise to compare with.
    :raises GeometryError: image and mask lie on different grids.
    """
    image = require_image(image, geometry, "outlined")
    lesion = require_mask(lesion, geometry)
    steps = plane_steps(geometry)
    crop, first, _touches = crop_to_mask(lesion, LAYERS + 1)
    areas = np.count_nonzero(crop, axis=(1, 2))
    offsets = np.arange(-REACH_MM, REACH_MM + 0.5 * STEP_MM, STEP_MM)
    profiles, differences = [], []
    for index in np.flatnonzero(areas >= 0.5 * areas.max()):
        contour = trace_contour(edge_field(crop[index], steps), steps)
        normals = _outward_normals(crop[index], contour, steps)
        samples = contour.points[:, None, :] + offsets[:, None] * normals[:, None, :]
        coordinates = samples @ np.linalg.inv(steps) + first[1:]
        part = np.asarray(image[first[0] + index], dtype=np.float64)
        profile = ndimage.map_coordinates(part, coordinates.transpose(2, 0, 1), order=1, mode="constant", cval=np.nan)
        # Neighbours along the outline are averaged: they see the same edge and other noise.
        profiles.append(np.mean([profile[after] for after in _runs_along(contour, NEIGHBOURS)], axis=0))
        low, high = (np.clip(np.rint(edge(coordinates, axis=(0, 1))).astype(int), 0, None) for edge in (np.min, np.max))
        differences.append(np.diff(part[low[0] : high[0] + 1, low[1] : high[1] + 1], axis=1).ravel())
    profiles = np.concatenate(profiles)
    profiles = profiles[np.isfinite(profiles).all(axis=1)]
    if not len(profiles):
        raise InputError("The lesion is so near the border of the image, or voxels without a signal, that its edge cannot be measured.")
    differences = np.concatenate(differences)
    differences = differences[np.isfinite(differences)]
    noise = float(1.4826 / np.sqrt(2.0) * np.median(np.abs(differences - np.median(differences))))
    if not noise > 0.0:
        raise InputError("The image has no noise around the lesion; the visibility of an edge cannot be judged.")

    smooth = ndimage.gaussian_filter1d(profiles, SMOOTHING_MM / STEP_MM, axis=1, mode="nearest")
    near = np.abs(offsets) <= NEAR_MM
    contrast = np.ptp(smooth[:, near], axis=1) / noise
    visible = contrast >= VISIBLE_FROM
    width = float("nan")
    if visible.any():
        slope = np.abs(np.gradient(smooth[visible], STEP_MM, axis=1))[:, near].max(axis=1)
        width = float(np.median(np.ptp(smooth[visible], axis=1) / slope))
    return EdgeSharpness(
        width_mm=width,
        visible_fraction=float(np.mean(visible)),
        contrast_to_noise=float(np.median(contrast)),
        noise_sd=noise,
        profiles=len(profiles),
        method="profiles across the outline in the slices",
        parameters={"reach_mm": REACH_MM, "near_mm": NEAR_MM, "smoothing_mm": SMOOTHING_MM, "visible_from": VISIBLE_FROM},
    )


def _outward_normals(mask: np.ndarray, contour: Contour, steps_mm: np.ndarray) -> np.ndarray:
    """Unit normals of a contour's points from a smoothed mask, shape (points, 2)."""
    smooth = ndimage.gaussian_filter(mask.astype(np.float64), 2.0)
    index = (contour.points @ np.linalg.inv(steps_mm)).T
    slope = np.stack([ndimage.map_coordinates(part, index, order=1) for part in np.gradient(smooth)], axis=1)
    normals = -slope @ np.linalg.inv(steps_mm).T
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _runs_along(contour: Contour, count: int) -> Iterator[np.ndarray]:
    """Yield the index of each contour point, of the point after it, and so on."""
    index = np.arange(len(contour.points))
    for _step in range(count):
        yield index
        index = contour.following[index]
