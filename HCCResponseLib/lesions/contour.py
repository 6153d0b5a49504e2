"""Contours of a lesion in one plane, and straight lines across it."""

from dataclasses import dataclass

import numpy as np

from ..geometry import Geometry

__all__ = ["Contour", "longest_runs", "plane_steps", "simplify_contour", "trace_contour"]


@dataclass(frozen=True)
class Contour:
    """Closed polygons around a region, holes included.

    :param points: corners, shape (points, 2).
    :param following: index of the corner that follows each one, with the region on the left or on the right throughout.
    """

    points: np.ndarray
    following: np.ndarray


def plane_steps(geometry: Geometry) -> np.ndarray:
    """Steps of (row, column) in a Cartesian frame of the slices of an image, in mm, shape (2, 2); sheared grids too."""
    column, row = geometry.ijk_to_lps[:3, 0], geometry.ijk_to_lps[:3, 1]
    along = row @ column / np.linalg.norm(column)
    return np.array([[along, np.sqrt(row @ row - along**2)], [np.linalg.norm(column), 0.0]])


def trace_contour(field: np.ndarray, steps_mm: np.ndarray) -> Contour:
    """Find the zero level of a field between its grid points, linearly interpolated (marching squares).

    :param field: finite, shape (rows, columns), positive inside and nowhere positive on its border.
    :param steps_mm: position of (row, column) is (row, column) @ steps_mm, shape (2, 2).
    :return: corners in millimetres, one for each pair of neighbouring grid points with the edge between them.
        Where a cell has two opposite corners inside, the sign of the cell's mean tells whether they join.
    """
    # Flat indices: a step beyond the end of a row meets the next row's border, and neither is inside.
    values, columns = field.ravel(), field.shape[1]
    inside = values > 0.0
    points, numbers = [], []
    for axis, step in enumerate((columns, 1)):
        at = np.flatnonzero(inside[:-step] != inside[step:])
        point = np.stack(np.divmod(at, columns), axis=1).astype(float)
        point[:, axis] += values[at] / (values[at] - values[at + step])
        number = np.full(len(values), -1)
        number[at] = np.arange(len(at)) + sum(map(len, points))
        points.append(point)
        numbers.append(number)
    points = np.concatenate(points)
    down, across = numbers

    # The corners of a cell in cyclic order; its edge e joins corners e and e + 1. A stretch of the contour starts where a walk
    # round the cell leaves the inside and ends where it enters again; in the neighbouring cell that is the other way round.
    round_cell = np.array([0, 1, columns + 1, columns])
    inner = sum(inside[corner : len(inside) - columns - 1 + corner].astype(np.int8) for corner in round_cell)
    cell = np.flatnonzero((inner > 0) & (inner < 4))
    corners = values[cell[:, None] + round_cell]
    edges = np.stack([across[cell], down[cell + 1], across[cell + columns], down[cell]], axis=1)
    leaves = (edges >= 0) & (corners > 0.0)
    enters = (edges >= 0) & ~leaves
    cell = np.arange(len(edges))
    leave, enter = leaves.argmax(axis=1), enters.argmax(axis=1)
    saddle = (edges >= 0).all(axis=1)
    enter[saddle] = np.where(corners[saddle].mean(axis=1) > 0.0, leave[saddle] + 1, leave[saddle] - 1) % 4
    following = np.empty(len(points), dtype=np.intp)
    following[edges[cell, leave]] = edges[cell, enter]
    cell, leave, enter = cell[saddle], (leave[saddle] + 2) % 4, (enter[saddle] + 2) % 4
    following[edges[cell, leave]] = edges[cell, enter]
    return Contour(points @ steps_mm, following)


def simplify_contour(contour: Contour, tolerance: float, smallest_hole: float = 0.0) -> Contour:
    """Leave out corners where the contour is almost straight, and small holes.

    :param contour: closed polygons.
    :param tolerance: largest distance of a corner left out from the contour that remains.
    :param smallest_hole: holes whose bounding box has no longer diagonal are left out.
    """
    rest, order, starts = contour.following.tolist(), [], []
    for first in range(len(rest)):
        if rest[first] >= 0:
            starts.append(len(order))
        while rest[first] >= 0:
            order.append(first)
            following, rest[first] = rest[first], -1
            first = following
    points, following = contour.points[order], contour.points[contour.following[order]]
    # Holes run the other way round than the region as a whole.
    area = np.add.reduceat(points[:, 0] * following[:, 1] - points[:, 1] * following[:, 0], starts)
    extent = np.maximum.reduceat(points, starts) - np.minimum.reduceat(points, starts)
    kept = (area * area.sum() >= 0.0) | (np.hypot(*extent.T) > smallest_hole)
    polygons = [_straightened(polygon, 0.5 * tolerance) for polygon, keep in zip(np.split(points, starts[1:]), kept, strict=True) if keep]
    following = np.arange(1, sum(map(len, polygons)) + 1)
    ends = np.cumsum([len(polygon) for polygon in polygons])
    following[ends - 1] = np.concatenate([[0], ends[:-1]])
    return Contour(np.concatenate(polygons), following)


def _straightened(points: np.ndarray, tolerance: float) -> np.ndarray:
    """Leave out corners of an open polygon in two passes, every second one at most in each."""
    for _pass in range(2):
        if len(points) < 8:
            break
        before, between, after = points[:-2:2], points[1:-1:2], points[2::2]
        along, offset = after - before, between - before
        away = np.abs(along[:, 0] * offset[:, 1] - along[:, 1] * offset[:, 0])
        keep = np.ones(len(points), dtype=bool)
        keep[1:-1:2] = away > tolerance * np.linalg.norm(along, axis=1)
        points = points[keep]
    return points


def longest_runs(contour: Contour, origins: np.ndarray, directions: np.ndarray, gap: float) -> np.ndarray:
    """Find the longest stretch inside a contour on each of several straight lines.

    :param contour: closed contours.
    :param origins: a point of each line, shape (lines, 2).
    :param directions: unit vector of each line, shape (lines, 2), or of all, shape (2,): many parallel lines are faster.
    :param gap: stretches outside the contours up to this length, between two stretches inside, do not interrupt
        (0: none is crossed; infinity: from the first to the last crossing).
    :return: start and stop of the longest stretch along each line, from its origin, shape (lines, 2);
        both NaN on a line that misses the contours.
    """
    # Each corner has one value per line, whichever side rounding puts it: crossings come in pairs, in and out.
    if directions.ndim == 1:
        line, start, part = _parallel_crossings(contour, origins, directions)
        directions = np.broadcast_to(directions, origins.shape)
    else:
        normals = np.stack([-directions[:, 1], directions[:, 0]])
        side = contour.points @ normals - (normals * origins.T).sum(axis=0)
        beyond = side >= 0.0
        start, line = np.divmod(np.flatnonzero(beyond != beyond[contour.following]), len(origins))
        part = side[start, line] / (side[start, line] - side[contour.following[start], line])
    runs = np.full((len(origins), 2), np.nan)
    if not len(line):
        return runs
    crossing = contour.points[start] + part[:, None] * (contour.points[contour.following[start]] - contour.points[start])
    along = ((crossing - origins[line]) * directions[line]).sum(axis=1)
    order = np.lexsort((along, line))
    line, along = line[order][::2], along[order].reshape(-1, 2)

    # Stretches inside, line after line; one that starts beyond the gap, or on a new line, starts a new run.
    starts, stops = along.T
    fresh = np.ones(len(line), dtype=bool)
    fresh[1:] = (line[1:] != line[:-1]) | (starts[1:] - stops[:-1] > gap)
    first = np.flatnonzero(fresh)
    last = np.append(first[1:], len(line)) - 1
    line, starts, stops = line[first], starts[first], stops[last]
    order = np.argsort(stops - starts, kind="stable")
    runs[line[order]] = np.stack([starts, stops], axis=1)[order]
    return runs


def _parallel_crossings(contour: Contour, origins: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where parallel lines cross a contour: line, corner before the crossing, part of the way to the next corner."""
    normal = np.array([-direction[1], direction[0]])
    offset, position = origins @ normal, contour.points @ normal
    order = np.argsort(offset)
    # A stretch of the contour crosses the lines between the ranks of its two corners.
    rank = np.searchsorted(offset[order], position, side="right")
    first = np.minimum(rank, rank[contour.following])
    count = np.abs(rank - rank[contour.following])
    start = np.repeat(np.arange(len(count)), count)
    line = order[np.arange(len(start)) + (first - np.cumsum(count) + count)[start]]
    part = (position[start] - offset[line]) / (position[start] - position[contour.following[start]])
    return line, start, part
