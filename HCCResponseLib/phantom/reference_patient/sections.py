"""True diameters of a lesion in the planes of an examination, from the formulas of its outline."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist, squareform

from .lesions import StarShape

__all__ = ["SectionDiameters", "section_diameters"]

_RAYS, _PLANES = 240, 41
# The longest viable line is looked for among fewer: every pair of ends is tried against the whole core.
_VIABLE_RAYS, _VIABLE_PLANES = 120, 31


@dataclass(frozen=True)
class SectionDiameters:
    """Diameters in the acquisition plane [mm].

    :param longest_mm: longest diameter of any section, end to end.
    :param perpendicular_mm: longest line at a right angle to it in the same section.
    :param viable_mm: longest line of any section that meets no dead tissue.
    :param ends_lps: ends of the longest diameter, in the examination, shape (2, 3).
    """

    longest_mm: float
    perpendicular_mm: float
    viable_mm: float
    ends_lps: np.ndarray


def section_diameters(shape: StarShape, dead: StarShape | None, motion: np.ndarray, directions: np.ndarray) -> SectionDiameters:
    """Measure a lesion in all sections parallel to the slices, at most two millimetres apart: 0.02 mm are lost between two of them.

    :param shape: outline of the lesion in the anatomy; ``dead`` of what does not enhance in it.
    :param motion: 4 x 4 LPS matrix from the anatomy to the examination.
    :param directions: columns are the unit vectors of i, j, k in the examination.
    """
    heights = np.linspace(-1.3, 1.3, _PLANES) * shape.radius_mm
    to_anatomy = np.linalg.inv(motion[:3, :3]) @ directions
    longest = 0.0
    for height, outline in zip(heights, _sections(shape, shape.centre, to_anatomy, heights, _RAYS), strict=True):
        distances = squareform(pdist(outline))
        first, second = np.unravel_index(np.argmax(np.nan_to_num(distances)), distances.shape)
        if distances[first, second] > longest:
            longest, best = distances[first, second], (height, outline, outline[[first, second]])
    height, outline, ends = best
    centre = motion[:3, :3] @ shape.centre + motion[:3, 3]
    ends_lps = centre + np.column_stack([ends, [height, height]]) @ directions.T
    viable = longest if dead is None else _longest_viable(shape, dead, to_anatomy)
    return SectionDiameters(float(longest), _perpendicular(outline, *ends), float(viable), ends_lps)


def _sections(shape: StarShape, origin, to_anatomy: np.ndarray, heights: np.ndarray, rays: int) -> np.ndarray:
    """Outlines in planes, mm along i and j from ``origin``, shape (planes, rays, 2); NaN where a plane misses the shape.

    :param heights: of the planes above ``origin`` (a point of the anatomy), along k.
    :param to_anatomy: 3 x 3, from steps along i, j, k to steps in the anatomy.
    """
    aside = np.linalg.solve(to_anatomy, np.subtract(shape.centre, origin))
    angles = np.arange(rays) * (2 * np.pi / rays)
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def depth(radius):
        place = np.empty((*radius.shape, 3))
        place[..., :2] = aside[:2] + radius[..., None] * rays
        place[..., 2] = heights[:, None]
        return shape.depth(*np.moveaxis(origin + place @ to_anatomy.T, -1, 0))

    inner = np.zeros((len(heights), len(angles)))
    missed = depth(inner)[:, 0] >= 0
    outer = np.full_like(inner, 2.0 * shape.radius_mm)
    for _ in range(24):
        radius = (inner + outer) / 2
        inside = depth(radius) < 0
        inner, outer = np.where(inside, radius, inner), np.where(inside, outer, radius)
    outlines = aside[:2] + radius[..., None] * rays
    outlines[missed] = np.nan
    return outlines


def _perpendicular(outline: np.ndarray, start: np.ndarray, stop: np.ndarray) -> float:
    along = (stop - start) / np.linalg.norm(stop - start)
    u, v = outline @ along, outline @ np.array([-along[1], along[0]])
    u2, v2 = np.roll(u, -1), np.roll(v, -1)
    places = np.linspace(u.min(), u.max(), 801)[1:-1, None]
    crossed = (u <= places) != (u2 <= places)
    crossing = v + (places - u) / np.where(crossed, u2 - u, 1.0) * (v2 - v)
    high = np.where(crossed, crossing, -np.inf).max(axis=1)
    low = np.where(crossed, crossing, np.inf).min(axis=1)
    return float((high - low).max())


def _longest_viable(shape: StarShape, dead: StarShape, to_anatomy: np.ndarray) -> float:
    """Longest chord of any section that does not meet the dead part, all of which lies inside the lesion."""
    heights = np.linspace(-1.2, 1.2, _VIABLE_PLANES) * shape.radius_mm
    outlines = _sections(shape, shape.centre, to_anatomy, heights, _VIABLE_RAYS)
    cores = _sections(dead, shape.centre, to_anatomy, heights, _VIABLE_RAYS // 2)
    longest = 0.0
    for outline, core in zip(outlines, cores, strict=True):
        first, second = np.triu_indices(_VIABLE_RAYS, 1)
        lengths = np.linalg.norm(outline[second] - outline[first], axis=-1)
        better = lengths > longest
        start, step = outline[first[better]], (outline[second] - outline[first])[better]
        # A chord misses the core where all of the core lies on one side of its line; no core (NaN) is missed by all.
        side = step[:, :1] * (core[:, 1] - start[:, 1:]) - step[:, 1:] * (core[:, 0] - start[:, :1])
        meets = (side.min(axis=1) < 0) & (side.max(axis=1) > 0)
        longest = lengths[better][~meets].max(initial=longest)
    return float(longest)
