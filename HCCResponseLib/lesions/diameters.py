"""Longest diameter of a lesion in a plane, the longest perpendicular to it, and the longest distance in space.

What "in-plane" means: on the acquisition plane, the rows and columns of the image as it was scanned, however oblique (RECIST
1.1 measures on the images as acquired); on the axial plane, sections normal to the patient's head-to-foot axis, cut through the
volume. For an image scanned within half a degree of axial the two are the same.

Whole lesion: end to end, from the outermost edge to the outermost edge, across holes, notches and, where a mask has several
pieces, gaps (RECIST 1.1: the joint diameter of lesions that have run together). The perpendicular of the WHO and EASL products
is the longest line at a right angle to the longest diameter in the same section, anywhere along it.

Viable part: mRECIST (Lencioni and Llovet, Semin Liver Dis 2010;30:52) measures the longest viable diameter so that it includes
no major intervening area of necrosis. A line here may cross non-viable tissue only over stretches that are each no longer than
``gap_mm``; by default two voxels in the plane, for what is smaller cannot be told from noise.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

from ..errors import InputError
from ..geometry import Geometry
from .contour import Contour, longest_runs, plane_steps, simplify_contour, trace_contour
from .inputs import crop_to_mask, require_mask, require_mask_or_occupancy
from .subvoxel import FIELD_LIMIT, LAYERS, edge_field

__all__ = [
    "PLANES",
    "Diameter",
    "PlanarDiameters",
    "SplitDiameters",
    "measure_diameters",
    "measure_feret_diameter",
    "measure_split_diameters",
    "measure_viable_diameters",
]

PLANES = ("acquisition", "axial")

AXIAL_TOLERANCE_DEG = 0.5
"""An acquisition this close to axial is measured on its own slices."""

DIRECTIONS = 500
"""Directions (a Fibonacci lattice on half a sphere) in which the farthest pair in space is looked for."""

DIRECTIONS_APART_DEG = 5.6
"""No direction in space is farther from the nearest of these; 5.46 degrees by trial of three million."""

STRAIGHT_VOXELS = 0.1
"""For lines within the viable part, corners this close to a straight contour are left out: fewer lines to try. The line found is
shorter than the longest by about as much; where a narrow way between two gaps is missed, by up to 0.3 voxel (speckled masks)."""

# Of lines within the viable part: where they are sampled first, how their ends are paired, and how many are tried at once.
_SAMPLES = np.array([8]) / 16, np.array([5, 11]) / 16, np.array([1, 2, 3, 4, 6, 7, 9, 10, 12, 13, 14, 15]) / 16
_TILE_VOXELS, _TILE_PAIRS, _LINES = 6.0, 500, 256

# Distance to either side of a contour point at which a perpendicular is tried: its length may jump there.
_NUDGE_MM = 1e-6


@dataclass(frozen=True)
class Diameter:
    """A straight line across a lesion, with its ends in LPS millimetres."""

    length_mm: float
    start_lps: tuple[float, float, float]
    end_lps: tuple[float, float, float]


@dataclass(frozen=True)
class PlanarDiameters:
    """Longest diameter in a plane and its longest perpendicular.

    :param long_axis: longest diameter.
    :param short_axis: longest perpendicular to it in the same section.
    :param plane: "acquisition" or "axial".
    :param slice_index: slice (k) of the image; None on sections cut through the volume.
    :param normal_lps: unit normal of the plane.
    :param pieces: separate pieces of the mask in space; more than one means a joint diameter.
    :param touches_border: the lesion reaches the border of the image: the true diameters may be longer.
    :param method: how the lines were found.
    :param parameters: settings used.
    """

    long_axis: Diameter
    short_axis: Diameter
    plane: str
    slice_index: int | None
    normal_lps: tuple[float, float, float]
    pieces: int
    touches_border: bool
    method: str
    parameters: Mapping[str, object]

    @property
    def product_mm2(self) -> float:
        """Bidimensional product of WHO and EASL."""
        return self.long_axis.length_mm * self.short_axis.length_mm


@dataclass(frozen=True)
class SplitDiameters:
    """Diameters of the pieces a lesion has split into (RECIST 1.1: their longest diameters are added).

    :param parts: of each piece, largest first.
    :param sum_mm: sum of the longest diameters.
    """

    parts: tuple[PlanarDiameters, ...]
    sum_mm: float


@dataclass(frozen=True)
class _Section:
    """One plane through a lesion.

    :param field: positive inside the lesion, zero on its edge; shape (rows, columns).
    :param steps_mm: position in the plane of (row, column) is (row, column) @ steps_mm.
    :param to_lps: 3 x 3; LPS position of (row, column, 1) is to_lps @ (row, column, 1).
    :param slice_index: slice (k) of the image, or None.
    """

    field: np.ndarray
    steps_mm: np.ndarray
    to_lps: np.ndarray
    slice_index: int | None

    def line(self, start_mm: np.ndarray, end_mm: np.ndarray) -> Diameter:
        """Turn two points in the plane into a diameter."""
        ends = np.linalg.solve(self.steps_mm.T, np.stack([start_mm, end_mm], axis=1))
        first, second = (self.to_lps @ np.vstack([ends, [1.0, 1.0]])).T
        return Diameter(float(np.linalg.norm(second - first)), tuple(map(float, first)), tuple(map(float, second)))


def measure_diameters(
    mask: np.ndarray,
    geometry: Geometry,
    *,
    plane: str = "acquisition",
    slices: Iterable[int] | None = None,
) -> PlanarDiameters:
    """Measure the longest diameter of a whole lesion and its longest perpendicular.

    All pieces of the mask count as one lesion; for lesions that run together pass the union of their masks.

    :param mask: bool, shape (k, j, i), or float occupancy 0 to 1 (anti-aliased).
    :param geometry: grid of the mask.
    :param plane: "acquisition" or "axial"; see the top of this file.
    :param slices: slices (k) to measure on, on the acquisition plane; all if None.
    :raises InputError: the mask is empty, also on the slices, or the plane unknown.
    :raises GeometryError: mask and geometry do not fit.
    """
    return _measure(mask, geometry, plane, slices, np.inf, "lesion")


def measure_viable_diameters(
    viable: np.ndarray,
    geometry: Geometry,
    *,
    plane: str = "acquisition",
    slices: Iterable[int] | None = None,
    gap_mm: float | None = None,
) -> PlanarDiameters:
    """Measure the longest diameter of the viable part of a lesion that crosses no major necrosis, and its perpendicular.

    The perpendicular obeys the same rule. A lesion without a viable part has no such diameter: that is an error here and
    0 mm (complete response of the lesion) to the reader.

    :param viable: mask of the viable part: bool, shape (k, j, i), or float occupancy.
    :param geometry: grid of the mask.
    :param plane: "acquisition" or "axial".
    :param slices: slices (k) to measure on, on the acquisition plane; all if None.
    :param gap_mm: longest stretch of non-viable tissue that a line may cross; if None, two voxels in the plane (of the largest
        side, where the plane is cut through the volume).
    :raises InputError: there is no viable part, also on the slices, the gap is negative, or the plane unknown.
    :raises GeometryError: mask and geometry do not fit.
    """
    if gap_mm is not None and not gap_mm >= 0.0:
        raise InputError(f"The gap that a viable diameter may cross must be 0 mm or more, not {gap_mm} mm.")
    return _measure(viable, geometry, plane, slices, gap_mm, "viable part of the lesion")


def measure_split_diameters(
    mask: np.ndarray,
    geometry: Geometry,
    *,
    plane: str = "acquisition",
    smallest_piece_voxels: int = 1,
) -> SplitDiameters:
    """Measure every piece of a split lesion by itself and add the longest diameters.

    :param mask: bool, shape (k, j, i). Voxels that touch by a face, an edge or a corner belong together.
    :param geometry: grid of the mask.
    :param plane: "acquisition" or "axial".
    :param smallest_piece_voxels: smaller pieces are left out.
    :raises InputError: the mask is empty, or every piece is too small.
    """
    mask = require_mask(mask, geometry)
    labels, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    kept = [int(piece) for piece in np.argsort(-sizes, kind="stable") + 1 if sizes[piece - 1] >= smallest_piece_voxels]
    if not kept:
        raise InputError(f"No piece of the lesion has {smallest_piece_voxels} voxels or more.")
    parts = tuple(measure_diameters(labels == piece, geometry, plane=plane) for piece in kept)
    return SplitDiameters(parts, float(sum(part.long_axis.length_mm for part in parts)))


def measure_feret_diameter(mask: np.ndarray, geometry: Geometry) -> Diameter:
    """Measure the longest distance between two points of a lesion's edge, in any direction (3D Feret diameter).

    :param mask: bool, shape (k, j, i), or float occupancy.
    :raises InputError: the mask is empty.
    :raises GeometryError: mask and geometry do not fit.
    """
    crop, occupancy, first, _touches = _prepare(mask, geometry, "lesion")
    field = edge_field(crop, geometry.ijk_to_lps[:3, :3].T[::-1]) if occupancy is None else 2.0 * occupancy - 1.0
    points = []
    for axis in range(3):
        low, high = (np.take(field, range(*ends), axis=axis) for ends in ((0, field.shape[axis] - 1), (1, field.shape[axis])))
        crossed = np.nonzero((low > 0.0) != (high > 0.0))
        point = np.stack(crossed, axis=1).astype(float)
        point[:, axis] += low[crossed] / (low[crossed] - high[crossed])
        points.append(point)
    points = np.concatenate(points) + first
    points = points[:, ::-1] @ geometry.ijk_to_lps[:3, :3].T + geometry.ijk_to_lps[:3, 3]
    start, end = _farthest_pair_in_space(points)
    return Diameter(float(np.linalg.norm(end - start)), tuple(map(float, start)), tuple(map(float, end)))


def _prepare(mask, geometry: Geometry, name: str) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, bool]:
    """Return the cropped mask, the cropped occupancy (None for a binary mask), the crop's first index, and border contact."""
    mask, occupancy = require_mask_or_occupancy(mask, geometry, name)
    if occupancy is not None and not np.any(occupancy > 0.5):
        raise InputError(f"No voxel belongs to the {name} by more than half; there is no edge to measure.")
    crop, first, touches = crop_to_mask(mask, LAYERS + 1)
    if occupancy is not None:
        box = tuple(slice(a + LAYERS + 1, a + n - LAYERS - 1) for a, n in zip(first, crop.shape, strict=True))
        occupancy = np.pad(occupancy[box], LAYERS + 1).astype(np.float64)
        crop = occupancy > 0.5
    return crop, occupancy, first, touches


def _measure(mask: np.ndarray, geometry: Geometry, plane: str, slices, gap_mm: float | None, name: str) -> PlanarDiameters:
    if plane not in PLANES:
        raise InputError(f"A diameter is measured on the plane {' or '.join(PLANES)}, not on '{plane}'.")
    if slices is not None and plane != "acquisition":
        raise InputError("Single slices can be measured on the acquisition plane only.")
    crop, occupancy, first, touches = _prepare(mask, geometry, name)
    columns = geometry.ijk_to_lps[:3, :3]
    normal = np.cross(columns[:, 0], columns[:, 1])
    normal /= np.linalg.norm(normal)
    reformat = plane == "axial" and abs(normal[2]) < np.cos(np.radians(AXIAL_TOLERANCE_DEG))
    if reformat:
        normal = np.array([0.0, 0.0, 1.0])
        bounds, section_at = _axial_sections(crop, occupancy, first, geometry)
    else:
        bounds, section_at = _acquired_sections(crop, occupancy, first, geometry)
    if gap_mm is None:
        gap_mm = 2.0 * max(geometry.spacing_mm if reformat else geometry.spacing_mm[:2])
    if slices is not None:
        slices = tuple(slices)
        chosen = np.isin(np.arange(len(bounds)) + first[0], slices)
        if not np.any(chosen & np.isfinite(bounds)):
            raise InputError(f"The {name} does not appear in the chosen slices {slices}.")
        bounds = np.where(chosen, bounds, -np.inf)
    longest, line = 0.0, None
    for index in np.argsort(-bounds, kind="stable"):
        if bounds[index] <= longest:
            break
        section = section_at(int(index))
        contour = trace_contour(section.field, section.steps_mm)
        found = _farthest_pair(contour.points) if np.isinf(gap_mm) else _longest_chord(section, contour, gap_mm, longest)
        if found is not None and np.linalg.norm(found[1] - found[0]) > longest:
            best, best_contour, line, longest = section, contour, found, float(np.linalg.norm(found[1] - found[0]))
    short = _longest_perpendicular(best_contour, *line, gap_mm)
    parameters = {"plane": plane, "reformatted": bool(reformat)}
    if slices is not None:
        parameters["slices"] = slices
    if not np.isinf(gap_mm):
        parameters["gap_mm"] = float(gap_mm)
    return PlanarDiameters(
        long_axis=best.line(*line),
        short_axis=best.line(*short),
        plane=plane,
        slice_index=best.slice_index,
        normal_lps=tuple(map(float, normal)),
        pieces=int(ndimage.label(crop, structure=np.ones((3, 3, 3)))[1]),
        touches_border=touches,
        method="longest line between sub-voxel contours" if np.isinf(gap_mm) else "longest line within sub-voxel contours",
        parameters=parameters,
    )


def _acquired_sections(crop, occupancy, first, geometry: Geometry) -> tuple[np.ndarray, Callable[[int], _Section]]:
    """Return an upper bound of any length in each slice of the image, and a function that gives the slice."""
    row_step, column_step = geometry.ijk_to_lps[:3, 1], geometry.ijk_to_lps[:3, 0]
    steps = plane_steps(geometry)
    margin = LAYERS + 1

    def section_at(index: int) -> _Section:
        rows = np.flatnonzero(crop[index].any(axis=1))
        columns = np.flatnonzero(crop[index].any(axis=0))
        box = (slice(rows[0] - margin, rows[-1] + margin + 1), slice(columns[0] - margin, columns[-1] + margin + 1))
        field = edge_field(crop[index][box], steps) if occupancy is None else 2.0 * occupancy[index][box] - 1.0
        corner = np.array([first[2] + box[1].start, first[1] + box[0].start, first[0] + index, 1.0])
        to_lps = np.stack([row_step, column_step, (geometry.ijk_to_lps @ corner)[:3]], axis=1)
        return _Section(field, steps, to_lps, int(first[0] + index))

    return _length_bounds(crop, steps), section_at


def _axial_sections(crop, occupancy, first, geometry: Geometry) -> tuple[np.ndarray, Callable[[int], _Section]]:
    """Cut axial sections one smallest voxel side apart; return the same as ``_acquired_sections``."""
    field = edge_field(crop, geometry.ijk_to_lps[:3, :3].T[::-1]) if occupancy is None else 2.0 * occupancy - 1.0
    spacing = min(geometry.spacing_mm)
    inside = np.argwhere(crop)[:, ::-1] + first[::-1]
    lps = inside @ geometry.ijk_to_lps[:3, :3].T + geometry.ijk_to_lps[:3, 3]
    reach = np.abs(geometry.ijk_to_lps[:3, :3]).sum(axis=1)
    low = lps.min(axis=0) - reach - spacing
    count = np.ceil((lps.max(axis=0) + reach + spacing - low) / spacing).astype(int) + 1
    # The middle section passes through the middle of the lesion's extent.
    low += 0.5 * (lps.max(axis=0) + lps.min(axis=0) - (2.0 * low + (count - 1) * spacing))
    to_index = np.linalg.inv(geometry.ijk_to_lps)
    step_index = to_index[:3, :3] * spacing
    origin_index = (to_index @ [*low, 1.0])[:3] - first[::-1]
    z, y, x = np.meshgrid(*[np.arange(n) for n in count[::-1]], indexing="ij", sparse=True)
    coordinates = [origin_index[a] + step_index[a, 0] * x + step_index[a, 1] * y + step_index[a, 2] * z for a in (2, 1, 0)]
    sections = ndimage.map_coordinates(field, coordinates, order=1, mode="constant", cval=-FIELD_LIMIT)
    steps = spacing * np.array([[0.0, 1.0], [1.0, 0.0]])

    def section_at(index: int) -> _Section:
        origin = low + [0.0, 0.0, index * spacing]
        to_lps = np.stack([[0.0, spacing, 0.0], [spacing, 0.0, 0.0], origin], axis=1)
        return _Section(sections[index], steps, to_lps, None)

    return _length_bounds(sections > 0.0, steps), section_at


def _length_bounds(stack: np.ndarray, steps_mm: np.ndarray) -> np.ndarray:
    """Upper bound of the distance between two contour points in each section; -infinity where it is empty.

    A section's voxel centres reach no farther than their widest projection on any of 64 directions, over the cosine of half
    the angle between two of these; either end of a line lies within one voxel of a voxel centre inside.
    """
    section, row = np.nonzero(stack.any(axis=2))
    bounds = np.full(len(stack), -np.inf)
    if not len(section):
        return bounds
    rows = stack[section, row]
    ends = np.stack([rows.argmax(axis=1), rows.shape[1] - 1 - rows[:, ::-1].argmax(axis=1)])
    angles = np.arange(64) * np.pi / 64
    directions = np.stack([np.cos(angles), np.sin(angles)])
    projected = np.stack([np.stack([row, end], axis=1) @ steps_mm @ directions for end in ends])
    present, begin = np.unique(section, return_index=True)
    width = np.maximum.reduceat(projected.max(axis=0), begin) - np.minimum.reduceat(projected.min(axis=0), begin)
    bounds[present] = width.max(axis=1) / np.cos(np.pi / 128) + 2.0 * np.linalg.norm(steps_mm, axis=1).max()
    return bounds


def _farthest_pair(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the two points of a plane that are farthest apart: both are corners of the convex hull."""
    if len(points) > 50:
        points = points[ConvexHull(points).vertices]
    distance = cdist(points, points, "sqeuclidean")
    first, second = divmod(int(distance.argmax()), len(points))
    return points[first], points[second]


def _farthest_pair_in_space(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the two points in space that are farthest apart; exact.

    The farthest pair spans the extent of all points along its own direction. Some direction of the set is so near that along
    it both points reach almost to the ends of that direction's extent; only such points are paired.
    """
    rank = np.arange(DIRECTIONS) + 0.5
    height, turn = rank / DIRECTIONS, np.pi * (1.0 + np.sqrt(5.0)) * rank
    directions = np.stack([np.sqrt(1.0 - height**2) * np.cos(turn), np.sqrt(1.0 - height**2) * np.sin(turn), height])
    pair, longest = (points[0], points[0]), 0.0
    for chunk in np.array_split(directions, 10, axis=1):  # one projection of all points on all directions would be large
        projected = (points - points.mean(axis=0)) @ chunk
        lows, highs = projected.argmin(axis=0), projected.argmax(axis=0)
        for low, high in zip(lows, highs, strict=True):
            if (length := float(np.linalg.norm(points[high] - points[low]))) > longest:
                pair, longest = (points[low], points[high]), length
        for along, low, high in zip(projected.T, lows, highs, strict=True):
            slack = along[high] - along[low] - longest * np.cos(np.radians(DIRECTIONS_APART_DEG))
            if slack < 0.0:
                continue
            first, second = points[along <= along[low] + slack], points[along >= along[high] - slack]
            distance = cdist(first, second)
            start, end = divmod(int(distance.argmax()), len(second))
            if distance[start, end] > longest:
                pair, longest = (first[start], second[end]), float(distance[start, end])
    return pair


def _longest_perpendicular(contour: Contour, start, end, gap_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Find the longest line at a right angle to start-end within the contours.

    Between two contour points the length changes linearly with the position along the long axis, so it is longest beside one.
    """
    along = (end - start) / np.linalg.norm(end - start)
    across = np.array([-along[1], along[0]])
    position = np.unique((contour.points - start) @ along)
    position = np.concatenate([position - _NUDGE_MM, position + _NUDGE_MM])
    origins = start + position[:, None] * along
    runs = longest_runs(contour, origins, across, gap_mm)
    length = np.nan_to_num(runs[:, 1] - runs[:, 0], nan=-1.0)
    best = int(length.argmax())
    return origins[best] + runs[best, 0] * across, origins[best] + runs[best, 1] * across


def _longest_chord(section: _Section, contour: Contour, gap_mm: float, longer_than: float):
    """Find the longest line between two contour points that crosses no gap longer than ``gap_mm``; None if none is longer.

    Branch and bound: contour points are paired tile by tile, from the pair of tiles that could hold the longest line downwards.
    Most are refused by a few samples: a line through a voxel far enough from every viable one crosses a longer gap there.
    """
    sides = np.linalg.norm(section.steps_mm, axis=1)
    # A hole no wider than the gap interrupts no line, and a line that ends on one could go on beyond it.
    contour = simplify_contour(contour, STRAIGHT_VOXELS * sides.min(), gap_mm)
    points = contour.points
    # A chessboard distance is never longer than the true one. The contour is within one voxel of a viable centre, a sample
    # within 0.71 voxel of its own.
    depth = sides.min() * ndimage.distance_transform_cdt(section.field <= 0.0) - (0.5 * gap_mm + 1.75 * sides.max())
    to_index = np.linalg.inv(section.steps_mm)

    def free(start, end, width_mm):
        """Lines that no sample refuses, their ends anywhere within ``width_mm`` of ``start`` and ``end``."""
        kept = np.arange(len(start))
        start, step = start @ to_index + 0.5, (end - start) @ to_index
        for parts in _SAMPLES:
            row, column = (start[kept].T[:, None] + step[kept].T[:, None] * parts[:, None]).astype(np.intp)
            kept = kept[(depth[row, column] <= width_mm[kept]).all(axis=0)]
        return kept

    members, centre, radius = _tiles(points, _TILE_VOXELS * sides.max())
    bounds = cdist(centre, centre) + radius[:, None] + radius
    first, second = np.nonzero(np.triu(bounds > longer_than))
    kept = free(centre[first], centre[second], np.maximum(radius[first], radius[second]))
    order = np.argsort(-bounds[first[kept], second[kept]], kind="stable")
    first, second = first[kept[order]], second[kept[order]]
    best = None
    while len(first) and bounds[first[0], second[0]] > longer_than:
        start, end = np.broadcast_arrays(members[first[:_TILE_PAIRS], :, None], members[second[:_TILE_PAIRS], None, :])
        first, second = first[_TILE_PAIRS:], second[_TILE_PAIRS:]
        both = (start >= 0) & (end >= 0)
        start, end = start[both], end[both]
        length = np.hypot(*(points[end] - points[start]).T)
        pairs = np.flatnonzero(length > longer_than)
        pairs = pairs[free(points[start[pairs]], points[end[pairs]], np.zeros(len(pairs)))]
        pairs = pairs[np.argsort(-length[pairs], kind="stable")]
        while len(pairs) and length[pairs[0]] > longer_than:
            tried, pairs = pairs[:_LINES], pairs[_LINES:]
            direction = (points[end[tried]] - points[start[tried]]) / length[tried, None]
            runs = longest_runs(contour, points[start[tried]], direction, gap_mm)
            run = np.nan_to_num(runs[:, 1] - runs[:, 0], nan=-1.0)
            winner = int(run.argmax())
            if run[winner] > longer_than:
                longer_than = float(run[winner])
                best = tuple(points[start[tried[winner]]] + runs[winner, side] * direction[winner] for side in (0, 1))
    return best


def _tiles(points: np.ndarray, side_mm: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Divide points into square tiles: the points of each (-1 where there are no more), their middles and radii."""
    _corners, tile, counts = np.unique(np.floor(points / side_mm) @ [1.0, 1e6], return_inverse=True, return_counts=True)
    order = np.argsort(tile, kind="stable")
    members = np.full((len(counts), counts.max()), -1)
    members[tile[order], np.arange(len(points)) - np.repeat(np.cumsum(counts) - counts, counts)] = order
    centre = np.stack([np.bincount(tile, axis) for axis in points.T], axis=1) / counts[:, None]
    radius = np.zeros(len(counts))
    np.maximum.at(radius, tile, np.linalg.norm(points - centre[tile], axis=1))
    return members, centre, radius
