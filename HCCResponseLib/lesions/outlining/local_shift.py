"""Where a registration leaves tissue displaced: the shift of every block of a region that its edges still show.

Similarity, overlap and distinctness of a registration are averages over the region; a part of the liver that breathing or a
growing lesion pushed aside hardly moves them. A block of about 40 mm tells its own shift.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial.distance import cdist

from ..edge_shift import image_edges, peak_position, similarity_of_shifts
from .grid import box_of, kji_to_lps, lps_to_kji, spacing_kji

__all__ = ["LocalShifts", "find_local_shifts"]

BLOCK_MM = 40.0
"""Side of a block; the next block is half of this away."""

LARGEST_SHIFT_MM = 24.0
"""Shifts are tried up to this along each axis of the image."""

CLEAR_FROM = 0.3
"""A block is believed where its best shift is this much more similar than every shift 12 mm away from it and farther."""

SHIFTED_MM = 6.0
"""Tissue shifted by more than this is displaced. Without deformation the two test patients of the phantom floor, other sequences and
lesions grown or shrunk under therapy included, show less; a bump of 10 mm about 40 mm wide shows more."""

_STEP_MM = 4.0  # of the points where edges are compared
_BESIDE_MM = 12.0
_LEAST_FILLED = 0.4  # of a block by the region
# The wall of a lesion that shrank moves too, but not alike all round it: the median of a block and its neighbours counts.
_NEIGHBOURS_MM, _FEWEST_NEIGHBOURS = 25.0, 3


@dataclass(frozen=True)
class LocalShifts:
    """Places of a region whose shift could be told.

    :param centres_lps: (places, 3) mm in the source.
    :param shifts_lps: how far the tissue lies, in the source, from where the registration looked for it, (places, 3) mm.
    :param told: share of the region's blocks, 0 to 1, whose edges were clear enough to tell; NaN for a region smaller than a block.
    """

    centres_lps: np.ndarray
    shifts_lps: np.ndarray
    told: float

    def largest(self, near_lps=None, within_mm: float = BLOCK_MM / 2) -> tuple[float, np.ndarray] | None:
        """Return the largest shift in mm and its place, LPS mm; None where nothing could be told.

        :param near_lps: only places within ``within_mm`` of one of these points (n, 3).
        """
        length = np.linalg.norm(self.shifts_lps, axis=1)
        if near_lps is not None and len(length):
            length[cdist(self.centres_lps, near_lps).min(axis=1) > within_mm] = -1.0
        if not len(length) or length.max() < 0.0:
            return None
        return float(length.max()), self.centres_lps[int(length.argmax())]


def find_local_shifts(source, source_geometry, target, target_geometry, to_target, region) -> LocalShifts:
    """Find the shift that a registration leaves in each block of a region.

    :param source: (k, j, i), NaN where nothing is known; ``target`` likewise on its own grid.
    :param to_target: function of LPS points (..., 3) of the source that gives them in the target.
    :param region: bool mask on the source; blocks lie within it, so that what slides beside it does not count.
    """
    spacing = spacing_kji(source_geometry)
    box = box_of(region)
    low, high = (np.array([getattr(part, end) for part in box]) * spacing for end in ("start", "stop"))
    reach = int(np.ceil(LARGEST_SHIFT_MM / _STEP_MM))
    counts = np.maximum(np.rint((high - low) / _STEP_MM).astype(int), 1)
    axes = [(a + (np.arange(-reach, n + reach) + 0.5) * _STEP_MM) / s - 0.5 for a, n, s in zip(low, counts, spacing, strict=True)]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    points = kji_to_lps(source_geometry, index)
    fixed = image_edges(_sampled(source, index, spacing), np.full(3, _STEP_MM))
    moving = image_edges(
        _sampled(target, lps_to_kji(target_geometry, to_target(points)), spacing_kji(target_geometry)), np.full(3, _STEP_MM),
    )
    if fixed is None or moving is None:
        return LocalShifts(np.empty((0, 3)), np.empty((0, 3)), float("nan"))
    inner = (slice(reach, -reach),) * 3
    inside = ndimage.map_coordinates(region.astype(np.uint8), np.moveaxis(index[inner], -1, 0), order=0, mode="nearest") > 0
    points, fixed = points[inner], fixed[(slice(None), *inner)] * inside
    side = round(BLOCK_MM / _STEP_MM)
    starts = [np.arange(-(-n // (side // 2)) or 1) * (side // 2) - side // 4 for n in inside.shape]
    offsets = np.indices((2 * reach + 1,) * 3)
    blocks, centres, shifts = 0, [], []
    for start in np.stack(np.meshgrid(*starts, indexing="ij"), axis=-1).reshape(-1, 3):
        block = tuple(slice(max(int(a), 0), min(int(a) + side, n)) for a, n in zip(start, inside.shape, strict=True))
        if np.count_nonzero(inside[block]) < _LEAST_FILLED * side**3:
            continue
        blocks += 1
        wide = tuple(slice(part.start, part.stop + 2 * reach) for part in block)
        similarity = similarity_of_shifts(fixed[(slice(None), *block)], moving[(slice(None), *wide)], (reach,) * 3)
        best = np.unravel_index(int(similarity.argmax()), similarity.shape)
        apart = np.linalg.norm(offsets - np.reshape(best, (3, 1, 1, 1)), axis=0) * _STEP_MM
        at_end = any(index in (0, 2 * reach) for index in best)
        if at_end or similarity[best] - similarity[apart > _BESIDE_MM].max() < CLEAR_FROM:
            continue
        centres.append(points[block][inside[block]].mean(axis=0))
        shifts.append(source_geometry.direction_lps[:, ::-1] @ ((peak_position(similarity, best) - reach) * _STEP_MM))
    centres, shifts = np.reshape(centres, (-1, 3)), np.reshape(shifts, (-1, 3))
    near = cdist(centres, centres) < _NEIGHBOURS_MM
    kept = np.flatnonzero(near.sum(axis=1) >= _FEWEST_NEIGHBOURS)
    medians = np.reshape([np.median(shifts[near[place]], axis=0) for place in kept], (-1, 3))
    return LocalShifts(centres[kept], medians, len(centres) / blocks if blocks else float("nan"))


def _sampled(image, index, spacing):
    """Image smoothed to the step of the comparison, at continuous indices (..., 3); NaN outside and where nothing is known."""
    known = np.isfinite(image)
    smooth = ndimage.gaussian_filter(np.where(known, image, 0), 0.5 * _STEP_MM / spacing, truncate=3)
    smooth = np.where(known, smooth, np.nan)
    return ndimage.map_coordinates(smooth, np.moveaxis(index, -1, 0), order=1, mode="constant", cval=np.nan)
