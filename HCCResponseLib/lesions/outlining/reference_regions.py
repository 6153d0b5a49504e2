"""Reference regions: normal liver round a lesion, the lumen of the aorta, an even sphere of muscle."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...errors import InputError
from ...geometry import Geometry
from ..inputs import Reference, require_mask, require_reference
from .grid import box_of, check_image, kji_to_lps, lps_to_kji, spacing_kji, sub_geometry
from .radial_surface import surrounding_background

__all__ = ["ReferenceRegion", "aorta_region", "liver_ring", "sphere_region"]

_OUTLIER_SPREADS = 3.0
_ENOUGH_VOXELS = 200
_AORTA_MM = (10.0, 45.0)  # lumen diameter from a slim adult's to an aneurysm's
_EVEN_SLOPE, _EVEN_OUTLIERS, _EVEN_SD = 0.2, 0.05, 0.25  # relative to the median; share of voxels; relative to the median


@dataclass(frozen=True)
class ReferenceRegion:
    """A reference region.

    :param mask: bool (k, j, i).
    :param reference: mean, standard deviation, median and number of its voxels.
    :param notes: sentences that say what is doubtful; empty for a good region.
    """

    mask: np.ndarray
    reference: Reference
    notes: tuple[str, ...]


def liver_ring(
    image,
    geometry: Geometry,
    lesion,
    *,
    liver=None,
    exclude=None,
    gap_mm: float = 3.0,
    width_mm: float = 10.0,
) -> ReferenceRegion:
    """Normal liver in a shell round a lesion, without vessels and other lesions.

    The most frequent signal of the shell is taken for liver. Vessels, unmarked lesions and other organs show as patches off
    that signal by more than 3 spreads in a slightly smoothed image; they are left out with their margin. Single noisy voxels
    stay, so that the spread remains that of the liver. A shell that is too small is doubled in width once.

    :param image: (k, j, i); voxels that are not finite are left out.
    :param lesion: bool (k, j, i).
    :param liver: bool (k, j, i); nothing outside it is used (None: not known).
    :param exclude: bool (k, j, i): other lesions and known vessels, left out with a margin of ``gap_mm``.
    :param gap_mm: from the lesion's edge to the shell, for partial volume and perilesional change.
    :raises InputError: the lesion is empty, or too little even tissue is left.
    :raises GeometryError: image, masks and geometry do not fit together, or the grid is sheared.
    """
    image = check_image(image, geometry)
    lesion = require_mask(lesion, geometry)
    if not (gap_mm >= 0 and width_mm > 0):
        raise InputError(f"Gap and width of the ring must not be negative, found {gap_mm} and {width_mm} mm.")
    notes = []
    ring = _shell(image, geometry, lesion, liver, exclude, gap_mm, width_mm)
    if np.count_nonzero(ring) < _ENOUGH_VOXELS:
        ring = _shell(image, geometry, lesion, liver, exclude, gap_mm, 2 * width_mm)
        notes.append(f"The ring of {width_mm:g} mm held too little tissue and was widened to {2 * width_mm:g} mm.")
    if not ring.any():
        raise InputError("No tissue is left round the lesion for a liver reference; place the reference by hand.")
    even = _without_patches(image, ring, spacing_kji(geometry))
    left_out = 1 - np.count_nonzero(even) / np.count_nonzero(ring)
    if left_out > 0.4:
        notes.append(f"{left_out:.0%} of the ring was left out as unlike the rest (vessels, lesions, organs); check that liver is left.")
    return ReferenceRegion(even, require_reference(image, even, "liver"), tuple(notes))


def _shell(image, geometry, lesion, liver, exclude, gap_mm, width_mm):
    spacing = spacing_kji(geometry)
    box = box_of(lesion, (gap_mm + width_mm) / spacing + 1)
    distance = ndimage.distance_transform_edt(~lesion[box], sampling=spacing)
    inside = (distance > gap_mm) & (distance <= gap_mm + width_mm) & np.isfinite(image[box])
    if liver is not None:
        inside &= require_mask(liver, geometry, "liver")[box]
    if exclude is not None and np.any(exclude):
        others = require_mask(exclude, geometry, "excluded region")[box] & ~lesion[box]
        if others.any():
            inside &= ndimage.distance_transform_edt(~others, sampling=spacing) > gap_mm
    shell = np.zeros(geometry.shape, bool)
    shell[box] = inside
    return shell


def _without_patches(image, ring, spacing):
    """The part of a ring whose smoothed signal is near the ring's mode; the edges of patches go with them."""
    box = box_of(ring, 3)
    values, inside = np.asarray(image[box], float), ring[box]
    finite = np.isfinite(values)
    sigma = 1.2 / spacing
    weight = ndimage.gaussian_filter(finite.astype(float), sigma)
    smooth = ndimage.gaussian_filter(np.where(finite, values, 0.0), sigma) / np.maximum(weight, 1e-6)
    background = surrounding_background(smooth[inside])
    if background is None:
        return ring
    patches = inside & (np.abs(smooth - background.mode) > _OUTLIER_SPREADS * background.spread)
    even = np.zeros_like(ring)
    even[box] = inside & ~ndimage.binary_dilation(patches)
    return even


def aorta_region(image, geometry: Geometry, click_lps, *, length_mm: float = 30.0) -> ReferenceRegion:
    """The core of a vessel's lumen round a click, away from its wall; any orientation of slices.

    The lumen is what differs from its surroundings more than half as much as the clicked spot and hangs together with it;
    of this, voxels at least half as deep as the deepest are used.

    :param image: (k, j, i).
    :param click_lps: LPS mm, in the lumen.
    :param length_mm: how much of the vessel is used.
    :raises InputError: the click is outside the image or on no value, or there is no vessel.
    :raises GeometryError: image and geometry do not fit together, or the grid is sheared.
    """
    image = check_image(image, geometry)
    spacing = spacing_kji(geometry)
    box = _box_at(image, geometry, click_lps, (length_mm / 2 + _AORTA_MM[1] / 2) / spacing)
    values = np.asarray(image[box], float)
    finite = np.isfinite(values)
    distance = _distance_from(sub_geometry(geometry, box), click_lps)
    clicked = float(np.median(values[finite & (distance <= max(3.0, spacing.max()))]))
    around = surrounding_background(values[distance > _AORTA_MM[0] / 2])
    if around is None or abs(clicked - around.mode) < 2 * around.spread:
        raise InputError("The clicked spot does not stand out of its surroundings; click in the vessel, on a phase that shows it.")
    halfway = (clicked + around.mode) / 2
    lumen = finite & ((values > halfway) if clicked > around.mode else (values < halfway))
    lumen = ndimage.binary_opening(ndimage.binary_fill_holes(lumen))
    labels, _count = ndimage.label(lumen)
    label = labels[np.unravel_index(np.where(lumen, distance, np.inf).argmin(), distance.shape)]
    depth = ndimage.distance_transform_edt(labels == label, sampling=spacing) if label else np.zeros(distance.shape)
    depth[distance > length_mm / 2] = 0
    if not depth.any():
        raise InputError("No vessel was found at the click; click in the middle of it.")
    notes = []
    diameter = 2 * depth.max()
    if not _AORTA_MM[0] <= diameter <= _AORTA_MM[1]:
        notes.append(f"The lumen is {diameter:.0f} mm wide; an aorta has {_AORTA_MM[0]:.0f} to {_AORTA_MM[1]:.0f} mm. Check the place.")
    mask = np.zeros(geometry.shape, bool)
    mask[box] = depth >= depth.max() / 2
    reference = require_reference(image, mask, "aorta")
    relative = reference.robust_sd / max(abs(reference.median), 1e-30)
    if relative > _EVEN_SD:
        notes.append(f"The signal is uneven (spread {relative:.0%} of the median): flow, or not only lumen.")
    return ReferenceRegion(mask, reference, tuple(notes))


def sphere_region(
    image,
    geometry: Geometry,
    click_lps,
    *,
    name: str = "muscle",
    radius_mm: float = 7.0,
    search_mm: float = 5.0,
) -> ReferenceRegion:
    """The most even sphere (a disc where slices are thicker) with its centre near a click, checked for being one tissue.

    :param image: (k, j, i).
    :param click_lps: LPS mm, in the tissue.
    :param search_mm: the centre may move as far.
    :raises InputError: the click is outside the image or on no value, or no whole sphere fits.
    :raises GeometryError: image and geometry do not fit together, or the grid is sheared.
    """
    image = check_image(image, geometry)
    spacing = spacing_kji(geometry)
    if not (radius_mm > 0 and search_mm >= 0):
        raise InputError(f"Radius and search distance must be positive, found {radius_mm} and {search_mm} mm.")
    box = _box_at(image, geometry, click_lps, (radius_mm + search_mm) / spacing + 1)
    values = np.asarray(image[box], float)
    finite = np.isfinite(values)
    values = np.where(finite, values, 0.0)
    offsets = np.stack(np.meshgrid(*(np.arange(-h, h + 1) for h in (radius_mm / spacing).astype(int)), indexing="ij"), axis=-1)
    ball = ((offsets * spacing) ** 2).sum(axis=-1) <= radius_mm**2
    whole = ndimage.binary_erosion(finite, ball)  # outside the box, and so outside the image, counts as no value
    grid = sub_geometry(geometry, box)
    near = whole & (_distance_from(grid, click_lps) <= max(search_mm, spacing.max() / 2))
    if not near.any():
        raise InputError(f"No whole sphere of {radius_mm:g} mm radius fits near the click; click further inside the {name}.")
    count = np.count_nonzero(ball)
    mean, square = (ndimage.correlate(power, ball.astype(float), mode="constant") / count for power in (values, values**2))
    centre = np.unravel_index(np.where(near, square - mean**2, np.inf).argmin(), near.shape)
    sphere = np.zeros(values.shape, bool)
    sphere[tuple(slice(c - s // 2, c + s // 2 + 1) for c, s in zip(centre, ball.shape, strict=True))] = ball
    mask = np.zeros(geometry.shape, bool)
    mask[box] = sphere
    reference = require_reference(image, mask, name)
    return ReferenceRegion(mask, reference, _unevenness(values[sphere], kji_to_lps(grid, np.argwhere(sphere)), reference, radius_mm))


def _unevenness(values, points, reference, radius_mm):
    """What speaks against one even tissue: a slope across the sphere, patches, a wide spread."""
    notes = []
    design = np.column_stack([points - points.mean(axis=0), np.ones(len(points))])
    slope = np.linalg.lstsq(design, values, rcond=None)[0][:3]
    scale = max(abs(reference.median), 1e-30)
    change = np.linalg.norm(slope) * 2 * radius_mm / scale
    if change > _EVEN_SLOPE:
        notes.append(f"The signal changes by {change:.0%} across the sphere; it may hold two tissues.")
    outliers = np.mean(np.abs(values - reference.median) > _OUTLIER_SPREADS * reference.robust_sd)
    if outliers > _EVEN_OUTLIERS:
        notes.append(f"{outliers:.0%} of the voxels are far off the median; the sphere holds a vessel, fat or an edge.")
    if reference.robust_sd > _EVEN_SD * scale:
        notes.append(f"The spread is {reference.robust_sd / scale:.0%} of the median; the tissue is uneven or the image noisy.")
    return tuple(notes)


def _box_at(image, geometry, click_lps, half):
    seed = lps_to_kji(geometry, click_lps)
    shape = np.asarray(geometry.shape)
    if not np.all(np.isfinite(seed)) or np.any(seed < -0.5) or np.any(seed > shape - 0.5):
        raise InputError("The click lies outside the image.")
    voxel = np.clip(np.rint(seed).astype(int), 0, shape - 1)
    if not np.isfinite(image[tuple(voxel)]):
        raise InputError("The image has no value where the click is.")
    half = np.ceil(half).astype(int)
    return tuple(slice(max(0, int(v - h)), min(int(n), int(v + h + 1))) for v, h, n in zip(voxel, half, shape, strict=True))


def _distance_from(geometry, point_lps):
    indices = np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1)
    return np.linalg.norm(kji_to_lps(geometry, indices) - np.asarray(point_lps, float), axis=-1)
