"""The outer surface of a lesion, searched along rays from a point inside it.

A lesion differs from the liver round it, whichever way: brighter, darker, or a rim of one about a core of the other.
So the surface is searched not in the signal but in its *unlikeness* to the surrounding liver, |signal - mode| / spread:
the outer edge of every kind of lesion is where unlikeness falls for the last time. First a surface with unlike voxels
inside and a broad seam of liver outside is found (robust, but drawn too wide by a saturated measure); then it moves
to the steepest fall nearby (exact). In both, the rays are tied together by smoothing the radius over the sphere between
ever firmer searches (half-quadratic splitting: Geman and Yang, IEEE Trans Image Process 1995;4:932).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy import ndimage

__all__ = [
    "Background",
    "Rays",
    "Surface",
    "find_surface",
    "interpolate_rays",
    "outermost",
    "sample_rays",
    "sharpen_surface",
    "surrounding_background",
]

_INNER_MM, _OUTER_MM = 3.0, 8.0  # compared on the two sides of a possible surface: unlike inside, liver outside
_SATURATION, _CEILING = 3.0, 10.0  # unlikeness where more says nothing (robust search), and for the exact search
# How firmly a ray is held to its neighbours, per mm squared, in successive searches: from spheres, which must bend far, and
# from a surface that is nearly right, which must not follow a vessel out of a lesion.
_FIRMNESS_FROM_SPHERES, _FIRMNESS_NEARBY = (0.01, 0.03, 0.1, 0.3), (0.03, 0.1, 0.3, 0.6)
_LAYER_MM, _CONTRARY = (1.0, 4.0), 1.0  # a layer just outside a surface that is off the mode the other way, in spreads
_STARTS = 8
_ABOUT_EQUAL = 0.6  # difference in mean support
_CHART = (32, 64)  # polar angle, azimuth


@dataclass(frozen=True)
class Rays:
    """Signal along rays: ``values`` (directions, radii), NaN where there is none, from ``centre_lps`` at ``radii_mm``."""

    centre_lps: np.ndarray
    radii_mm: np.ndarray
    values: np.ndarray

    @property
    def step_mm(self) -> float:
        """Distance of two samples."""
        return float(self.radii_mm[0])

    @property
    def directions(self) -> np.ndarray:
        """Unit vectors (directions, 3) in LPS, evenly spread over the sphere."""
        return _directions(len(self.values))


@dataclass(frozen=True)
class Background:
    """Most frequent signal of the surroundings, and its standard deviation."""

    mode: float
    spread: float

    def unlikeness(self, values: np.ndarray, ceiling: float, sign: int = 0) -> np.ndarray:
        """How many spreads a signal is off the mode, at most ``ceiling``.

        :param sign: 1 counts only brighter signal, -1 only darker, 0 both.
        :return: 0 where there is no signal: NaN counts as outside.
        """
        off = (values - self.mode) / self.spread
        return np.clip(np.nan_to_num(off * sign if sign else np.abs(off)), 0, ceiling)


@dataclass(frozen=True)
class Surface:
    """A star-shaped surface: ``radius_mm`` along each ray, and how clearly each ray shows it (``support``, -3 to 3).

    ``sign`` is 1 when the lesion's outermost layer is brighter than the surroundings, -1 when it is darker.
    """

    rays: Rays
    radius_mm: np.ndarray
    support: np.ndarray
    background: Background
    sign: int

    @property
    def centroid_lps(self) -> np.ndarray:
        """Centre of gravity of the enclosed volume (a cone's is at 3/4 of its height)."""
        return self.rays.centre_lps + 0.75 * (self.radius_mm**4) @ self.rays.directions / (self.radius_mm**3).sum()

    @property
    def contrary_share(self) -> float:
        """Share of the surface, 0 to 1, with a layer of the other sign just outside: it may be a core within a rim."""
        off = (self.rays.values - self.background.mode) / self.background.spread * self.sign
        outside = self.rays.radii_mm - self.radius_mm[:, None]
        layer = (outside > _LAYER_MM[0]) & (outside <= _LAYER_MM[1]) & np.isfinite(off)
        mean = np.where(layer, np.nan_to_num(off), 0).sum(axis=1) / np.maximum(layer.sum(axis=1), 1)
        return float(np.mean(mean < -_CONTRARY))

    def radius_towards(self, directions: np.ndarray) -> np.ndarray:
        """Radius (n,) of the ray nearest to each direction (n, 3)."""
        return self.radius_mm[(directions @ self.rays.directions.T).argmax(axis=1)]


@lru_cache(maxsize=4)
def _directions(count):
    """Fibonacci lattice."""
    index = np.arange(count) + 0.5
    z = 1 - 2 * index / count
    turn = np.pi * (1 + np.sqrt(5)) * index
    return np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], axis=1)


def _sphere_weights(targets, count, concentration):
    """Rows of von Mises-Fisher weights over the directions; the angle averaged over is about 1 / sqrt(concentration)."""
    weights = np.exp(concentration * (targets @ _directions(count).T - 1))
    return weights / weights.sum(axis=1, keepdims=True)


@lru_cache(maxsize=8)
def _smoothing(count, concentration):
    return _sphere_weights(_directions(count), count, concentration)


@lru_cache(maxsize=4)
def _to_chart(count):
    polar = (np.arange(_CHART[0])[:, None] + 0.5) / _CHART[0] * np.pi
    azimuth = (np.arange(_CHART[1])[None, :] + 0.5) / _CHART[1] * 2 * np.pi - np.pi
    targets = np.stack(np.broadcast_arrays(np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)), axis=-1)
    return _sphere_weights(targets.reshape(-1, 3), count, 80.0)


def interpolate_rays(per_ray: np.ndarray, step_mm: float, vectors: np.ndarray) -> np.ndarray:
    """Interpolate what is known along rays at any point round their centre.

    :param per_ray: (directions, radii), at radii ``step_mm``, 2 ``step_mm``, ...
    :param vectors: LPS mm from the centre, (3, ...).
    :return: values (...); beyond the last radius the last value, nearer than the first the first.
    """
    chart = (_to_chart(len(per_ray)) @ per_ray).reshape(*_CHART, -1)
    # Close the chart over the seam of the azimuth and over the poles.
    chart = np.concatenate([chart[:, -1:], chart, chart[:, :1]], axis=1)
    pole = [chart[[row]].mean(axis=1, keepdims=True).repeat(chart.shape[1], axis=1) for row in (0, -1)]
    chart = np.concatenate([pole[0], chart, pole[1]], axis=0)
    length = np.sqrt((vectors**2).sum(axis=0))
    polar = np.arccos(np.clip(vectors[2] / np.maximum(length, 1e-6), -1, 1)) * (_CHART[0] / np.pi) + 0.5
    azimuth = (np.arctan2(vectors[1], vectors[0]) + np.pi) * (_CHART[1] / (2 * np.pi)) + 0.5
    return ndimage.map_coordinates(chart, [polar, azimuth, length / step_mm - 1], order=1, mode="nearest")


def sample_rays(
    image: np.ndarray,
    to_kji: Callable[[np.ndarray], np.ndarray],
    centre_lps,
    reach_mm: float,
    *,
    count: int = 300,
    step_mm: float = 0.5,
) -> Rays:
    """Sample ``image`` (k, j, i) linearly along ``count`` rays up to ``reach_mm``.

    :param to_kji: from LPS points (n, 3) to continuous indices (n, 3) of ``image``.
    """
    radii = np.arange(1, int(reach_mm / step_mm) + 1) * step_mm
    points = centre_lps + _directions(count)[:, None, :] * radii[None, :, None]
    indices = to_kji(points.reshape(-1, 3)).T
    values = ndimage.map_coordinates(image, indices, order=1, mode="constant", cval=np.nan, output=np.float32)
    return Rays(np.asarray(centre_lps, float), radii, values.reshape(count, len(radii)))


def surrounding_background(values: np.ndarray) -> Background | None:
    """Mode and spread of ``values``, neither moved by a minority of vessels, fat or air; None where there are too few or all are equal."""
    values = values[np.isfinite(values)]
    if values.size < 50:
        return None
    low, high = np.percentile(values, [1, 99])
    if not high > low:
        return None
    counts, edges = np.histogram(values, bins=64, range=(low, high))
    peak = int(ndimage.gaussian_filter1d(counts.astype(float), 2.0).argmax())
    mode = float(edges[peak] + edges[peak + 1]) / 2
    # 40 % of a normal distribution lie within 0.524 standard deviations of its middle.
    spread = float(np.percentile(np.abs(values - mode), 40)) / 0.524
    return Background(mode, spread) if spread > 0 else None


def _running_total(values):
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)


def _robust_support(rays, background, sign, largest_mm):
    """For every ray and radius: mean unlikeness, of one sign, of the seam inside minus that, of either sign, outside."""
    layer = _running_total(background.unlikeness(rays.values, _SATURATION, sign))
    any_unlike = _running_total(background.unlikeness(rays.values, _SATURATION))
    here = np.arange(len(rays.radii_mm)) + 1
    inner, outer = round(_INNER_MM / rays.step_mm), round(_OUTER_MM / rays.step_mm)
    first, last = np.maximum(here - inner, 0), np.minimum(here + outer, len(here))
    # A seam that the centre cuts short counts as like: a surface cannot hide in its own centre.
    inside = (layer[:, here] - layer[:, first]) / inner
    outside = (any_unlike[:, last] - any_unlike[:, here]) / np.maximum(last - here, 1)
    support = inside - outside
    support[:, rays.radii_mm > largest_mm] = -_SATURATION
    return support


def _search(rays, gain, radius, firmness, concentration):
    """Alternate between the best radius of each ray near ``radius`` and its smoothing over the sphere."""
    smoothing = _smoothing(len(gain), concentration)
    gain, radii = gain.astype(np.float32), rays.radii_mm.astype(np.float32)
    for firm in np.float32(firmness):
        # -firm (r - radius)^2 without the term that is equal for all r
        best = (gain - firm * radii * radii + (2 * firm * radius.astype(np.float32))[:, None] * radii).argmax(axis=1)
        radius = smoothing @ rays.radii_mm[best]
    return radius


def _at_radius(rays, per_ray, radius):
    column = np.clip(np.rint(radius / rays.step_mm).astype(int) - 1, 0, per_ray.shape[1] - 1)
    return np.take_along_axis(per_ray, column[:, None], axis=1)[:, 0]


def find_surface(
    rays: Rays,
    background: Background,
    largest_mm: float,
    *,
    starts: list[np.ndarray] | None = None,
    signs: tuple[int, ...] = (1, -1),
) -> Surface:
    """Find the surface that best parts unlike from like: the best of several starts, because one search ends at the nearest edge.

    A bright and a dark outermost layer are tried apart, so that a bright vessel beside a dark lesion is not taken for its edge.

    :param largest_mm: no ray is longer; the rays themselves should reach 8 mm further.
    :param starts: radii (directions,) to start from; None: spheres of all sizes.
    :param signs: of the outermost layer: 1 brighter than the surroundings, -1 darker.
    """
    firmness = _FIRMNESS_FROM_SPHERES if starts is None else _FIRMNESS_NEARBY
    if starts is None:
        starts = [np.full(len(rays.values), size) for size in np.geomspace(3.0, max(largest_mm, 4.0), _STARTS)]
    surfaces = []
    for sign in signs:
        gain = _robust_support(rays, background, sign, largest_mm)
        found = [_search(rays, gain, start, firmness, 20.0) for start in starts]
        radius = max(found, key=lambda radius: _at_radius(rays, gain, radius).mean())
        surfaces.append(Surface(rays, radius, _at_radius(rays, gain, radius), background, sign))
    return outermost(surfaces)


def outermost(surfaces: list[Surface]) -> Surface:
    """Of about equally clear surfaces the outermost: the others are a core within its own shell."""
    clearest = max(surface.support.mean() for surface in surfaces)
    return max((s for s in surfaces if s.support.mean() >= clearest - _ABOUT_EQUAL), key=lambda s: s.radius_mm.mean())


def sharpen_surface(surface: Surface, reach_mm: float = 3.0) -> Surface:
    """Move a surface within ``reach_mm`` to the steepest fall of unlikeness."""
    rays = surface.rays
    unlike = surface.background.unlikeness(rays.values, _CEILING, surface.sign)
    fall = -ndimage.gaussian_filter1d(unlike, 0.7 / rays.step_mm, axis=1, order=1) / rays.step_mm
    fall = _smoothing(len(fall), 120.0) @ fall
    fall[np.abs(rays.radii_mm - surface.radius_mm[:, None]) > reach_mm] = -np.inf
    return replace(surface, radius_mm=_search(rays, fall, surface.radius_mm, (0.025, 0.05, 0.1), 80.0))
