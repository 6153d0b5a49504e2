"""Carrying an outline from slice to slice until its edge is lost.

On the outlined slice the mean signal across the edge is learnt as a profile, whatever kind of edge it is (rims included).
On the next slice the outline moves along its normals to where the signal fits this profile best; neighbouring points are
tied together as in :mod:`.radial_surface`. How much of the profile's contrast is found again says whether the edge is lost.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...errors import InputError
from ...geometry import Geometry
from ...progress import Progress, report_progress
from ..inputs import require_mask
from .grid import axis_word, box_of, check_image, spacing_kji

__all__ = ["CarriedSlices", "SliceStop", "carry_slices"]

_DEPTH_MM = 4.0  # of the profile, inwards and outwards
_REACH_MM = 6.0  # that an outline may move from one slice to the next
_STEP_MM = 0.5
_TIE_MM = 4.0  # points nearer than about this move together
_FIRMNESS = (0.02, 0.06, 0.2)  # how firmly, per mm squared
_LOST_CONTRAST = 0.5  # part of the contrast on the outlined slice
_LOST_SHARE = 0.6  # of the outline that still shows this contrast
_COLLAPSE, _EXPLOSION = 0.15, 2.0  # area relative to the slice before
_FEWEST_PIXELS = 6


@dataclass(frozen=True)
class SliceStop:
    """Where carrying stopped in one direction, and why.

    :param last_slice: index of the last slice outlined.
    :param reason: "edge lost", "image border", "area collapsed", "area exploded" or "limit".
    :param sentence: the same for the user, with the figures.
    """

    last_slice: int
    reason: str
    sentence: str


@dataclass(frozen=True)
class CarriedSlices:
    """The outline with the slices it was carried to.

    :param mask: bool (k, j, i); outlined slices are unchanged.
    :param first: stop towards lower slice indices; ``last`` towards higher ones.
    """

    mask: np.ndarray
    first: SliceStop
    last: SliceStop


def carry_slices(
    image,
    geometry: Geometry,
    mask,
    *,
    axis: int = 0,
    most_slices: int | None = None,
    progress: Progress | None = None,
) -> CarriedSlices:
    """Carry the first outlined slice downwards and the last one upwards in slice index.

    :param image: (k, j, i); voxels that are not finite are never outlined.
    :param mask: bool (k, j, i), outlined on at least one slice across array ``axis``.
    :param most_slices: largest number of slices to add in each direction.
    :param progress: told the finished fraction; may cancel.
    :raises InputError: the mask is empty, has fewer than 6 pixels on the slice to start from, or follows no edge there.
    :raises GeometryError: image, mask and geometry do not fit together, or the grid is sheared.
    :raises Cancelled: the progress callback said so.
    """
    image = np.moveaxis(check_image(image, geometry), axis, 0)
    mask = require_mask(mask, geometry)
    spacing = np.delete(spacing_kji(geometry), axis)
    direction = geometry.direction_lps[:, 2 - axis]
    result = np.moveaxis(mask.copy(), axis, 0)
    outlined = np.flatnonzero(result.any(axis=(1, 2)))
    report_progress(progress, 0.0)
    stops = []
    for part, (start, step) in enumerate(((int(outlined[0]), -1), (int(outlined[-1]), 1))):
        way = axis_word(step * direction)
        stops.append(_carry(image, result, start, step, spacing, way, most_slices, progress, 0.5 * part))
    report_progress(progress, 1.0)
    return CarriedSlices(np.ascontiguousarray(np.moveaxis(result, 0, axis)), *stops)


def _carry(image, result, start, step, spacing, way, most_slices, progress, done):
    """Carry in one direction; writes into ``result`` and says where it stopped."""
    outline = result[start]
    if np.count_nonzero(outline) < _FEWEST_PIXELS:
        raise InputError(f"The outline has fewer than {_FEWEST_PIXELS} pixels on its slice, too few to follow; outline by hand.")
    points = _Edge(outline, spacing)
    template = points.profiles(image[start])
    learnt, noise = _mean_profile(template)
    if not np.ptp(learnt) > 5 * noise / np.sqrt(max(len(template) / 3, 1)):
        raise InputError("The outline follows no visible edge on its own slice, so there is nothing to carry on; correct it first.")
    last, profile, drift = start, learnt, 0.0
    limit = len(image) if most_slices is None else most_slices
    while True:
        following, carried = last + step, abs(last - start)
        if not 0 <= following < len(image):
            beyond = "the border of the image; the lesion may go on beyond"
            return SliceStop(last, "image border", f"Carried {carried} slices {way} to {beyond}.")
        if carried >= limit:
            return SliceStop(last, "limit", f"Carried {carried} slices {way}, as far as allowed.")
        report_progress(progress, done + 0.5 * carried / len(image))
        candidate, drift, contrast, share = points.moved(image[following], profile, noise, drift)
        area = np.count_nonzero(candidate) / np.count_nonzero(outline)
        # A vanished outline has no edge to speak of; a lost edge explains an area that explodes.
        if area < _COLLAPSE or np.count_nonzero(candidate) < _FEWEST_PIXELS:
            return SliceStop(last, "area collapsed", f"Stopped after {carried} slices {way}: the outline shrinks to {area:.0%}.")
        if contrast < _LOST_CONTRAST or share < _LOST_SHARE:
            found = f"{max(contrast, 0):.0%} of the edge's contrast is left, and {share:.0%} of the outline shows it"
            return SliceStop(last, "edge lost", f"Stopped after {carried} slices {way}: {found}.")
        if area > _EXPLOSION:
            return SliceStop(last, "area exploded", f"Stopped after {carried} slices {way}: the outline grows to {area:.0%}.")
        result[following] = outline = candidate
        last = following
        points = _Edge(outline, spacing)
        # Half the drawn slice, half the latest: follows slow change, keeps what the user drew.
        profile = 0.5 * learnt + 0.5 * _mean_profile(points.profiles(image[last]))[0]


def _mean_profile(profiles):
    """Mean over the points, and the standard deviation of single points about it."""
    finite = np.isfinite(profiles)
    count = np.maximum(finite.sum(axis=0), 1)
    mean = np.where(finite, profiles, 0.0).sum(axis=0) / count
    noise = np.sqrt(np.mean((profiles - mean)[finite] ** 2)) if finite.any() else 0.0
    return mean, max(float(noise), 1e-6 * float(np.ptp(mean)) + 1e-30)


class _Edge:
    """Points on the edge of a 2D mask with their outward normals, in mm."""

    def __init__(self, mask, spacing):
        self.spacing = spacing
        self.shape = mask.shape
        self.box = box_of(mask, (2 * _REACH_MM + _DEPTH_MM) / spacing + 2)
        inside = mask[self.box]
        padded = np.pad(inside, 1)
        inner = ndimage.distance_transform_edt(padded, sampling=spacing)[1:-1, 1:-1]
        # Half a pixel each way puts zero on the border between pixels.
        self.depth = ndimage.distance_transform_edt(~inside, sampling=spacing) - inner
        half = 0.5 * float(np.mean(spacing))
        self.depth += np.where(inside, half, -half)
        smooth = ndimage.gaussian_filter(self.depth, 1.0, mode="nearest")
        gradient = np.stack([_slope(smooth, axis, spacing[axis]) for axis in (0, 1)], axis=-1)
        steepness = np.linalg.norm(gradient, axis=-1)
        # On a spit one pixel wide the two sides' normals cancel; such pixels lead nowhere.
        edge = inside & ~ndimage.binary_erosion(inside) & (steepness > 0.2)
        normals = gradient[edge] / steepness[edge][:, None]
        first = np.array([part.start for part in self.box])
        self.points = (np.argwhere(edge) + first) * spacing - self.depth[edge][:, None] * normals
        self.normals = normals
        self.inner_mm = min(_DEPTH_MM, max(float(inner.max()), _STEP_MM))
        squared = ((self.points[:, None] - self.points[None]) ** 2).sum(axis=-1)
        # Points across a thin lesion are near each other but their normals differ: they are not tied.
        weights = np.exp(-squared / (2 * _TIE_MM**2)) * np.maximum(normals @ normals.T, 0)
        self.tie = weights / weights.sum(axis=1, keepdims=True)

    def _along_normals(self, image, from_mm, to_mm):
        steps = np.arange(round(from_mm / _STEP_MM), round(to_mm / _STEP_MM) + 1) * _STEP_MM
        positions = self.points[:, None, :] + steps[None, :, None] * self.normals[:, None, :]
        coordinates = (positions / self.spacing).reshape(-1, 2).T
        values = ndimage.map_coordinates(np.asarray(image, np.float64), coordinates, order=1, mode="constant", cval=np.nan)
        values[~np.isfinite(values)] = np.nan
        return values.reshape(len(self.points), len(steps))

    def profiles(self, image):
        """Signal (points, depths) across the edge; what lies deeper than the lesion's middle is not there (NaN)."""
        values = self._along_normals(image, -_DEPTH_MM, _DEPTH_MM)
        values[:, : round((_DEPTH_MM - self.inner_mm) / _STEP_MM)] = np.nan
        return values

    def moved(self, image, profile, noise, drift):
        """Outline on another slice: mask, mean shift in mm, contrast found relative to ``profile``, share of the outline with it."""
        values = self._along_normals(image, -_REACH_MM - _DEPTH_MM, _REACH_MM + _DEPTH_MM)
        windows = np.lib.stride_tricks.sliding_window_view(values, len(profile), axis=1)  # points, shifts, depths
        used = np.isfinite(windows)
        used[..., : round((_DEPTH_MM - self.inner_mm) / _STEP_MM)] = False
        misfit = np.where(used, (windows - profile) ** 2, 0.0).sum(axis=-1) / np.maximum(used.sum(axis=-1), 1) / noise**2
        gain = -(self.tie @ misfit)
        shifts = np.arange(windows.shape[1]) * _STEP_MM - _REACH_MM
        shift = np.full(len(gain), np.clip(drift, -_REACH_MM, _REACH_MM))
        for firm in _FIRMNESS:
            shift = self.tie @ shifts[(gain - firm * (shifts - shift[:, None]) ** 2).argmax(axis=1)]
        column = np.rint((shift + _REACH_MM) / _STEP_MM).astype(int)
        found, usable = (array[np.arange(len(array)), column] for array in (windows, used))
        found = np.where(usable, found, 0.0)
        contrast = _contrast(found.sum(axis=0) / np.maximum(usable.sum(axis=0), 1), profile, usable.any(axis=0))
        # Single points are too noisy; each is judged with its neighbours.
        total, weight = self.tie @ found, self.tie @ usable.astype(float)
        local = np.array([_contrast(t / np.maximum(w, 1e-9), profile, w > 0.05) for t, w in zip(total, weight, strict=True)])
        return self._mask(image, shift), float(shift.mean()), contrast, float(np.mean(local > _LOST_CONTRAST))

    def _mask(self, image, shift):
        """Pixels whose depth is less than the shift of the edge points near them."""
        rows, columns = self.box
        grid = np.stack(np.meshgrid(np.arange(rows.start, rows.stop), np.arange(columns.start, columns.stop), indexing="ij"), axis=-1)
        near = np.abs(self.depth) <= _REACH_MM + 1
        positions = grid[near] * self.spacing
        distance = np.linalg.norm(positions[:, None] - self.points[None], axis=-1)
        weights = np.exp(-((distance - distance.min(axis=1, keepdims=True)) / 1.5))
        inside = self.depth <= 0
        inside[near] = self.depth[near] <= (weights @ shift) / weights.sum(axis=1)
        mask = np.zeros(self.shape, bool)
        mask[self.box] = inside & np.isfinite(image[self.box])
        return mask


def _slope(values, axis, spacing):
    return np.gradient(values, spacing, axis=axis) if values.shape[axis] > 1 else np.zeros_like(values)


def _contrast(found, profile, usable):
    """Regression of a found profile on the learnt one: 1 when all its contrast is there, 0 when none is."""
    if np.count_nonzero(usable) < 3:
        return 0.0
    wanted = profile[usable] - profile[usable].mean()
    variance = wanted @ wanted
    return float(wanted @ found[usable] / variance) if variance > 0 else 0.0
