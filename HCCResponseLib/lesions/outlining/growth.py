"""Growing the outline of a lesion from one click: edge-aware, bounded in size, with a strength that is changed live."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ...errors import InputError
from ...geometry import Geometry
from .grid import check_image, lps_to_kji, spacing_kji, sub_geometry
from .radial_surface import Surface, find_surface, interpolate_rays, outermost, sample_rays, sharpen_surface, surrounding_background

__all__ = ["GrownOutline", "LesionGrowth", "grow_lesion"]

_SMOOTHING_MM = 1.0
_SEAM_MM = 12.0  # of liver round a lesion, from which the liver's signal is learnt
_SHELLS = (0.25, 0.5, 1.0)  # parts of the reach where the liver is looked for while the size is unknown
_ROUGH = {"count": 150, "step_mm": 1.0}  # rays while the place is looked for
_EDGE_STEPS_MM = (4.0, 8.0, 13.0, 20.0, 30.0)  # from a click on the edge to where the middle may be
_CLICK_TOLERANCE_MM = 4.0
_VISIBLE_SUPPORT = 0.7  # of one ray
_FAINTEST_SUPPORT = 1.0  # of the whole surface; pure noise gave at most 0.75, lesions at contrast-to-noise 2 at least 1.3
_CONVINCING_SHARE = 0.85
_FAINTEST_RIM = 0.5  # less will do where a layer of the other sign was already seen
_CONTRARY_SHARE = 0.4  # cores taken for the whole lesion had at least 0.50, right outlines of five kinds of lesion at most 0.32


@dataclass(frozen=True)
class GrownOutline:
    """A proposed outline.

    :param mask: bool (k, j, i).
    :param strength: the strength it was grown with.
    :param edge_visible: share of the surface, 0 to 1, where the edge stands out of the noise.
    :param notes: sentences for the user, the problems first; empty when there is nothing to say.
    :param problems: those of the notes that say why the outline may be wrong altogether.
    """

    mask: np.ndarray
    strength: float
    edge_visible: float
    notes: tuple[str, ...]
    problems: tuple[str, ...] = ()


class LesionGrowth:
    """One click, all strengths: the surface is searched once, then ``outline`` only compares numbers.

    The surface is that of :mod:`.radial_surface`. Other strengths are level sets of one arrival time, counted along rays
    from the middle of the lesion and slow where the signal changes: the outlines are nested by construction and pass
    edges last. Strength 0.5 is the surface itself; 0 has an eighth of its volume (half its diameter), 1 eight times.

    :param image: (k, j, i); voxels that are not finite count as outside the lesion.
    :param geometry: grid of the image; oblique and anisotropic grids are fine.
    :param seed_lps: the click, LPS mm, in the middle of the lesion or on its edge.
    :param max_diameter_mm: no outline reaches further than half of this from the lesion's middle.
    :raises InputError: the click is outside the image or on a voxel without a value, there is no edge round it, or the
        image has fewer than three slices.
    :raises GeometryError: image and geometry do not fit together, or the grid is sheared.
    """

    def __init__(self, image, geometry: Geometry, seed_lps, *, max_diameter_mm: float = 60.0):
        image = check_image(image, geometry)
        if not (np.isfinite(max_diameter_mm) and max_diameter_mm > 0):
            raise InputError(f"The largest diameter must be a positive number of mm, found {max_diameter_mm}.")
        if min(geometry.shape) < 3:
            raise InputError("Growing needs an image of three slices or more; outline the lesion by hand here.")
        self._geometry = geometry
        self._spacing = spacing_kji(geometry)
        self._largest_mm = max_diameter_mm / 2
        self._reach_mm = self._largest_mm + _SEAM_MM
        seed_lps = np.asarray(seed_lps, float)
        self._crop_box = _box_round(geometry, self._checked_seed(image, seed_lps), self._reach_mm / self._spacing)
        self._crop_geometry = sub_geometry(geometry, self._crop_box)
        crop = image[self._crop_box].astype(np.float32)
        self._finite = np.isfinite(crop)
        self._smooth = _smoothed(crop, self._finite, _SMOOTHING_MM / self._spacing)
        self._surface = self._whole(sharpen_surface(self._refined(self._located(seed_lps), seed_lps)))
        self._order_voxels()

    @property
    def centre_lps(self) -> np.ndarray:
        """Middle of the lesion found, LPS mm."""
        return self._surface.rays.centre_lps

    @property
    def edge_visible(self) -> float:
        """Share of the surface, 0 to 1, where the edge stands out of the noise."""
        return float(np.mean(self._surface.support > _VISIBLE_SUPPORT))

    def outline(self, strength: float = 0.5) -> GrownOutline:
        """Outline of one ``strength``, 0 to 1; a larger strength never loses a voxel.

        :raises InputError: the strength is not between 0 and 1.
        """
        if not 0 <= strength <= 1:
            raise InputError(f"The strength must be between 0 and 1, found {strength}.")
        count = int(np.clip(round(self._natural_count * 8.0 ** (2 * strength - 1)), 1, len(self._sorted)))
        inside = self._arrival <= self._sorted[count - 1]
        # Holes in the image can cut voxels off; parts of nested masks that hold the same voxel are nested too.
        labels, parts = ndimage.label(inside)
        if parts > 1:
            inside = labels == labels[self._first_voxel]
        mask = np.zeros(self._geometry.shape, bool)
        mask[self._box] = inside
        problems = self._problems()
        return GrownOutline(mask, float(strength), self.edge_visible, (*problems, *self._notes(inside)), problems)

    def _checked_seed(self, image, seed_lps):
        seed = lps_to_kji(self._geometry, seed_lps)
        shape = np.asarray(image.shape)
        if not np.all(np.isfinite(seed)) or np.any(seed < -0.5) or np.any(seed > shape - 0.5):
            raise InputError("The click lies outside the image; click on the lesion.")
        if not np.isfinite(image[tuple(np.clip(np.rint(seed).astype(int), 0, shape - 1))]):
            raise InputError("The image has no value where the click is; click on a part of the lesion that is shown.")
        return seed

    def _rays(self, centre_lps, reach_mm, **density):
        return sample_rays(self._smooth, lambda lps: lps_to_kji(self._crop_geometry, lps), centre_lps, reach_mm, **density)

    def _located(self, seed_lps) -> Surface:
        """Rough surface with the click inside; when it is badly supported the click may be on the edge: other middles are tried."""
        rays = self._rays(seed_lps, self._reach_mm, **_ROUGH)
        surfaces = []
        for part in _SHELLS:
            shell = (rays.radii_mm > 0.5 * part * self._reach_mm) & (rays.radii_mm <= part * self._reach_mm)
            background = surrounding_background(rays.values[:, shell])
            if background is not None:
                surfaces.append(find_surface(rays, background, self._largest_mm))
        if not surfaces:
            raise InputError("The image does not vary round the click; there is no edge to grow to.")
        best = outermost(surfaces)
        if np.mean(best.support > _VISIBLE_SUPPORT) > _CONVINCING_SHARE:
            return best
        unlike = best.background.unlikeness(rays.values, 5.0)[:, rays.radii_mm <= 5]
        inwards = unlike.sum(axis=1) @ rays.directions
        inwards /= max(np.linalg.norm(inwards), 1e-9)
        for step in _EDGE_STEPS_MM:
            for direction in (inwards, -inwards):
                rays = self._rays(seed_lps + step * direction, self._reach_mm, **_ROUGH)
                surface = find_surface(rays, best.background, self._largest_mm)
                if _has_inside(surface, seed_lps) and _mean_support(surface) > _mean_support(best):
                    best = surface
        return best

    def _refined(self, surface: Surface, seed_lps) -> Surface:
        """Search again from the middle of what was found, against the liver next to it.

        :raises InputError: no surface stands out of the noise, or the search drifted away from the click.
        """
        for _repeat in range(3):
            shift = np.linalg.norm(surface.centroid_lps - surface.rays.centre_lps)
            rays = self._rays(surface.centroid_lps, self._reach_mm, **_ROUGH)
            surface = find_surface(rays, surface.background, self._largest_mm)
            if shift < 3:
                break
        for _repeat in range(2):
            rays = self._rays(surface.centroid_lps, min(1.4 * surface.radius_mm.max() + 2 * _SEAM_MM, self._reach_mm))
            radius = surface.radius_towards(rays.directions)
            seam = (rays.radii_mm > radius[:, None] + 2) & (rays.radii_mm <= radius[:, None] + _SEAM_MM)
            background = surrounding_background(rays.values[seam]) or surface.background
            starts = [radius * factor for factor in (0.75, 0.87, 1.0, 1.15, 1.3)]
            surface = find_surface(rays, background, self._largest_mm, starts=starts)
        if _mean_support(surface) < _FAINTEST_SUPPORT or not _has_inside(surface, seed_lps):
            raise InputError(
                f"No edge up to {2 * self._largest_mm:.0f} mm across stands out of the noise round the click. Click in the middle of the "
                "lesion, allow a larger diameter, choose the image that shows it best, or outline it by hand.",
            )
        return surface

    def _whole(self, surface: Surface) -> Surface:
        """Go on to the rim where only a core was found: a core stands out more than its rim, but the rim's edge is the lesion's."""
        if surface.contrary_share <= _CONTRARY_SHARE:
            return surface
        starts = [surface.radius_mm * factor for factor in (1.15, 1.3, 1.5)]
        rim = find_surface(surface.rays, surface.background, self._largest_mm, starts=starts, signs=(-surface.sign,))
        rim = sharpen_surface(rim)
        return rim if _mean_support(rim) >= _FAINTEST_RIM and rim.contrary_share <= _CONTRARY_SHARE else surface

    def _order_voxels(self):
        """Arrival time of every voxel that an outline may have, 1 at the surface."""
        rays, radius = self._surface.rays, self._surface.radius_mm
        unlike = self._surface.background.unlikeness(rays.values, 10.0)
        slowness = 1 + np.abs(ndimage.gaussian_filter1d(unlike, 0.7 / rays.step_mm, axis=1, order=1)) / rays.step_mm
        arrival = np.cumsum(slowness, axis=1) * rays.step_mm
        at_surface = np.array([np.interp(r, rays.radii_mm, row) for r, row in zip(radius, arrival, strict=True)])[:, None]
        # Inside, each ray runs from 0 to 1, so that all reach the surface at once; outside, edges decide who is faster.
        arrival = np.where(arrival <= at_surface, arrival / at_surface, 1 + (arrival - at_surface) / at_surface.mean())
        bound_mm = min(self._largest_mm, rays.radii_mm[-1])
        inner_box = _box_round(self._crop_geometry, lps_to_kji(self._crop_geometry, rays.centre_lps), bound_mm / self._spacing)
        vectors = _voxel_vectors(sub_geometry(self._crop_geometry, inner_box), rays.centre_lps)
        allowed = self._finite[inner_box] & ((vectors**2).sum(axis=0) <= bound_mm**2)
        if not allowed.any():
            raise InputError("No voxel of the image is as near to the lesion's middle as the largest diameter demands; allow more.")
        self._arrival = np.full(allowed.shape, np.inf, np.float32)
        self._arrival[allowed] = interpolate_rays(arrival, rays.step_mm, vectors[:, allowed])
        self._sorted = np.sort(self._arrival[allowed])
        self._natural_count = max(1, int(np.searchsorted(self._sorted, 1.0, side="right")))
        self._first_voxel = np.unravel_index(self._arrival.argmin(), allowed.shape)
        self._box = tuple(slice(a.start + b.start, a.start + b.stop) for a, b in zip(self._crop_box, inner_box, strict=True))

    def _problems(self) -> tuple[str, ...]:
        problems = []
        if self._surface.contrary_share > _CONTRARY_SHARE:
            layer = "darker" if self._surface.sign > 0 else "brighter"
            problems.append(
                f"A {layer} layer surrounds {self._surface.contrary_share:.0%} of the outline: it may be the core of a larger lesion. "
                "Raise the strength, or click on the rim.",
            )
        return tuple(problems)

    def _notes(self, inside) -> tuple[str, ...]:
        notes = []
        if self.edge_visible < _CONVINCING_SHARE:
            notes.append(f"The edge is visible on {self.edge_visible:.0%} of the surface; the rest is drawn smoothly between, check it.")
        if self._surface.radius_mm.max() >= self._largest_mm - 0.5:
            notes.append(f"The lesion reaches the largest size allowed ({2 * self._largest_mm:.0f} mm across); allow more if it is larger.")
        finite = self._finite[tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(self._box, self._crop_box, strict=True))]
        if not finite.all() and (ndimage.binary_dilation(inside, iterations=2) & ~finite).any():
            notes.append("Voxels without a value touch the lesion; they were left outside.")
        borders = (inside.any(axis=tuple(other for other in range(3) if other != axis)) for axis in range(3))
        if any(
            (line[0] and part.start == 0) or (line[-1] and part.stop == size)
            for line, part, size in zip(borders, self._box, self._geometry.shape, strict=True)
        ):
            notes.append("The lesion reaches the border of the image; what lies beyond is not counted.")
        return tuple(notes)


def grow_lesion(image, geometry: Geometry, seed_lps, *, strength: float = 0.5, max_diameter_mm: float = 60.0) -> GrownOutline:
    """Outline of one click and one strength; :class:`LesionGrowth` says what the arguments mean and what is raised."""
    return LesionGrowth(image, geometry, seed_lps, max_diameter_mm=max_diameter_mm).outline(strength)


def _mean_support(surface):
    return float(surface.support.mean())


def _has_inside(surface, point_lps):
    """Whether a point is inside a surface, or so near that a hand that clicked on the edge may have meant it."""
    offset = point_lps - surface.rays.centre_lps
    return np.linalg.norm(offset) <= surface.radius_towards(offset[None])[0] + _CLICK_TOLERANCE_MM


def _box_round(geometry, kji, half):
    shape = np.asarray(geometry.shape)
    first = np.clip(np.floor(kji - half), 0, shape - 1).astype(int)
    last = np.clip(np.ceil(kji + half) + 1, first + 1, shape).astype(int)
    return tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))


def _voxel_vectors(geometry, centre_lps):
    """LPS vectors (3, k, j, i) from a point to the voxel centres."""
    k, j, i = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in geometry.shape), indexing="ij", sparse=True)
    rows = geometry.ijk_to_lps[:3].astype(np.float64)
    rows[:, 3] -= centre_lps
    return np.stack([row[0] * i + row[1] * j + (row[2] * k + row[3]) for row in rows.astype(np.float32)])


def _smoothed(values, finite, sigma_voxels):
    """Gaussian smoothing that leaves values that are not finite out, and NaN where they are."""
    if finite.all():
        return ndimage.gaussian_filter(values, sigma_voxels, truncate=3.0)
    weight = ndimage.gaussian_filter(finite.astype(np.float32), sigma_voxels, truncate=3.0)
    total = ndimage.gaussian_filter(np.where(finite, values, np.float32(0)), sigma_voxels, truncate=3.0)
    return np.where(finite, total / np.maximum(weight, 1e-6), np.nan).astype(np.float32)
