"""Cleaning an outline: islands, holes, smoothing that keeps the volume, slices between outlined slices."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage

from ...errors import InputError
from ...geometry import Geometry
from ..inputs import require_mask
from .grid import box_of, lps_to_kji, spacing_kji

__all__ = ["CleanedOutline", "fill_between_slices", "fill_holes", "remove_islands", "smooth_outline"]

_ALL_NEIGHBOURS = np.ones((3, 3, 3), bool)


@dataclass(frozen=True)
class CleanedOutline:
    """A cleaned ``mask``, bool (k, j, i), and what was done to it in one sentence."""

    mask: np.ndarray
    note: str


def remove_islands(mask, geometry: Geometry, *, smallest_ml: float | None = None, keep_at_lps=None) -> CleanedOutline:
    """Remove detached pieces (voxels that touch by a corner hang together).

    :param mask: bool (k, j, i).
    :param smallest_ml: keep every piece of at least this volume; None keeps only one piece.
    :param keep_at_lps: LPS point; the piece there, or the nearest to it, is kept instead of the largest.
    :raises InputError: the mask is empty, or no piece is as large as asked for.
    :raises GeometryError: the mask lies on another grid.
    """
    mask = require_mask(mask, geometry)
    box = box_of(mask)
    labels, count = ndimage.label(mask[box], _ALL_NEIGHBOURS)
    sizes = np.bincount(labels.ravel())[1:]
    if smallest_ml is not None:
        kept = sizes * geometry.voxel_volume_ml >= smallest_ml
        if not kept.any():
            largest_ml = sizes.max() * geometry.voxel_volume_ml
            raise InputError(f"No piece of the outline reaches {smallest_ml:g} mL; the largest has {largest_ml:.3g} mL.")
    else:
        kept = np.arange(count) == sizes.argmax()
    if keep_at_lps is not None:
        point = lps_to_kji(geometry, keep_at_lps) - [part.start for part in box]
        voxels = np.argwhere(labels > 0)
        nearest = voxels[(((voxels - point) * spacing_kji(geometry)) ** 2).sum(axis=1).argmin()]
        at_point = np.arange(count) == labels[tuple(nearest)] - 1
        kept = at_point if smallest_ml is None else kept | at_point
    result = np.zeros_like(mask)
    result[box] = np.concatenate([[False], kept])[labels]
    lost = int(sizes[~kept].sum())
    return CleanedOutline(result, f"{count - int(kept.sum())} of {count} pieces removed, {lost * geometry.voxel_volume_ml:.3g} mL.")


def fill_holes(mask, geometry: Geometry, *, largest_ml: float | None = None, slice_axis: int | None = None) -> CleanedOutline:
    """Fill holes that the outline encloses completely.

    :param mask: bool (k, j, i).
    :param largest_ml: leave larger holes open, None fills all.
    :param slice_axis: 0, 1 or 2 looks at each slice across that array axis alone, which closes holes that are open
        upwards or downwards; None looks at the volume.
    :raises InputError: the mask is empty.
    :raises GeometryError: the mask lies on another grid.
    """
    mask = require_mask(mask, geometry)
    box = box_of(mask)
    structure = ndimage.generate_binary_structure(3, 1)
    if slice_axis is not None:
        structure[tuple(slice(None) if axis != slice_axis else [0, 2] for axis in range(3))] = False
    holes = ndimage.binary_fill_holes(mask[box], structure) & ~mask[box]
    labels, count = ndimage.label(holes, structure)
    if largest_ml is not None and count:
        sizes = np.bincount(labels.ravel())
        small = sizes * geometry.voxel_volume_ml <= largest_ml
        small[0] = False
        holes, count = small[labels], int(small.sum())
    result = mask.copy()
    result[box] |= holes
    return CleanedOutline(result, f"{count} holes filled, {np.count_nonzero(holes) * geometry.voxel_volume_ml:.3g} mL.")


def smooth_outline(mask, geometry: Geometry, *, width_mm: float = 1.5) -> CleanedOutline:
    """Smooth the outline and keep the voxel count of every piece exactly.

    The signed distance to the outline is smoothed with a Gaussian; of each piece, as many voxels as it had are taken,
    deepest first. A fixed level would shrink convex lesions, small ones most. Where the image ends the outline is taken to go on.

    :param mask: bool (k, j, i).
    :param width_mm: standard deviation of the Gaussian, the same in mm along every axis.
    :raises InputError: the mask is empty or the width is not a positive number.
    :raises GeometryError: the mask lies on another grid, or the grid is sheared.
    """
    mask = require_mask(mask, geometry)
    if not (np.isfinite(width_mm) and width_mm > 0):
        raise InputError(f"The smoothing width must be a positive number of mm, found {width_mm}.")
    spacing = spacing_kji(geometry)
    box = box_of(mask, 3 * width_mm / spacing + 2)
    piece = mask[box]
    if piece.all():
        return CleanedOutline(mask.copy(), "The outline fills the whole image; there is no edge to smooth.")
    labels, count = ndimage.label(piece, _ALL_NEIGHBOURS)
    # The nearest piece of every voxel: pieces are smoothed together but keep their own volumes.
    outside, nearest = ndimage.distance_transform_edt(~piece, sampling=spacing, return_indices=True)
    owner = labels[tuple(nearest)]
    depth = ndimage.gaussian_filter(outside - ndimage.distance_transform_edt(piece, sampling=spacing), width_mm / spacing, mode="nearest")
    smooth = np.zeros(piece.shape, bool)
    for label in range(1, count + 1):
        candidates = np.flatnonzero(owner == label)
        order = np.argsort(depth.flat[candidates], kind="stable")
        smooth.flat[candidates[order[: np.count_nonzero(labels == label)]]] = True
    result = np.zeros_like(mask)
    result[box] = smooth
    moved = np.count_nonzero(smooth & ~piece)
    return CleanedOutline(result, f"{moved} voxels moved from bumps to dents; the volume is unchanged.")


def fill_between_slices(mask, geometry: Geometry, *, axis: int = 0) -> CleanedOutline:
    """Interpolate the slices between outlined ones by shape (Raya and Udupa, IEEE Trans Med Imaging 1990;9:32).

    Signed distances within the two neighbouring outlined slices are averaged by distance; single outlines are first slid
    onto each other's centroid (Herman et al., IEEE Comput Graph Appl 1992;12:69), so that an oblique lesion stays whole.
    Outlined slices are not changed.

    :param mask: bool (k, j, i), outlined on some slices across array ``axis`` (0, 1 or 2).
    :raises InputError: fewer than two slices are outlined.
    :raises GeometryError: the mask lies on another grid, or the grid is sheared.
    """
    mask = require_mask(mask, geometry)
    slices = np.moveaxis(mask, axis, 0)
    spacing = np.delete(spacing_kji(geometry), axis)
    outlined = np.flatnonzero(slices.any(axis=(1, 2)))
    if len(outlined) < 2:
        raise InputError("Only one slice is outlined; outline at least two to fill the slices between them.")
    result = slices.copy()
    # Outlines slide within the box that holds them all, with room for distances to be positive round them.
    box = box_of(slices.any(axis=0), 2)
    filled = 0
    for below, above in pairwise(outlined):
        if above == below + 1:
            continue
        ends = [slices[k][box] for k in (below, above)]
        depths = [ndimage.distance_transform_edt(~end, sampling=spacing) - _inner_distance(end, spacing) for end in ends]
        middles = [np.array(ndimage.center_of_mass(end)) for end in ends]
        single = all(ndimage.label(end)[1] == 1 for end in ends)
        for k in range(below + 1, above):
            part = (k - below) / (above - below)
            middle = (1 - part) * middles[0] + part * middles[1]
            slid = [ndimage.shift(d, middle - m, order=1, mode="nearest") if single else d for d, m in zip(depths, middles, strict=True)]
            result[(k, *box)] = (1 - part) * slid[0] + part * slid[1] <= 0
            filled += 1
    note = f"{filled} slices filled between {len(outlined)} outlined ones."
    return CleanedOutline(np.ascontiguousarray(np.moveaxis(result, 0, axis)), note)


def _inner_distance(mask, spacing):
    """Distance of inside voxels to the outside, also where the outline fills the box up to the image's border."""
    padded = np.pad(mask, 1)
    return ndimage.distance_transform_edt(padded, sampling=spacing)[tuple(slice(1, -1) for _axis in range(mask.ndim))]
