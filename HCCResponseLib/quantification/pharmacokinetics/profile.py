"""The profile: how much of a voxel's data the model explains at best, as a function of the non-linear parameters alone.

    F(theta) = max over c in the region of 2 c.p - c.G c,    p_i = a_i(theta).y,  G_ij = a_i(theta).a_j(theta).

p is linear in the data: at all nodes of the grid it is one matrix product for a whole block of voxels. Between nodes p and G are
polynomials through the nodes around. By the envelope theorem, with r_e = p_e - G_e c,

    F_d = 2 c.p_d - c.G_d c,    F_de = 2 c.p_de - c.G_de c + 2 r_d.W r_e,

where a subscript is a derivative and W the inverse of G on the coefficients that no bound holds. F and F_d are continuous where a bound
begins to hold.
"""

import functools
from collections.abc import Callable

import numpy as np

from .axis import Axis, keep_within
from .bounds import Region, bounded_pair
from .climb import Summit, climb
from .compression import project, scan_block
from .interpolation import lagrange_weights, polynomial_jet, window_index
from .optimum import Optimum
from .separable import CurveTables

__all__ = ["Profile"]

_CANDIDATES = 2
"""Local maxima of the grid that are followed."""

_CLOSE = 0.02
"""A lower local maximum of the grid can turn out the higher one between nodes only when they differ by less than this part of F."""

_CELLS_IN_DOUBLE = 1024

_WINDOW_CELLS = 2**18
"""Nodes around all voxels climbed together: few calls, and 2 MB for each of two dozen arrays."""


class Profile:
    """F of one set of curve tables in one region of coefficients: on the grid, between the nodes, and its highest maximum."""

    def __init__(self, axes: list[Axis], tables: CurveTables, within: Callable | None, allowed: np.ndarray | None):
        self.axes, self.region, self._tables = axes, tables.region, tables
        self.within = within or functools.partial(keep_within, axes)
        rank = len(tables.first)
        self._flat1, self._flat2 = tables.first.reshape(rank, -1), tables.second.reshape(rank, -1)
        self._shape1, self._shape2 = tables.first.shape[1:], tables.second.shape[1:]

        inside = tuple(axis.scanned for axis in self.axes)
        self._grid = tuple(len(range(axis.size)[axis.scanned]) for axis in self.axes)
        cells = int(np.prod(self._grid))
        self._block = scan_block(cells)
        self._forbidden = None
        if allowed is not None:
            self._forbidden = ~allowed[inside].reshape(-1)

        def cut(table, shape):
            return table[(...,) + tuple(part if length > 1 else slice(None) for part, length in zip(inside, shape, strict=True))]

        first, second = cut(tables.first, self._shape1), cut(tables.second, self._shape2)
        g11, g12, g22 = cut(tables.g11, self._shape1), tables.g12[inside], cut(tables.g22, self._shape2)
        self._scan_shape1, self._scan_shape2 = first.shape[1:], second.shape[1:]
        if tables.region == Region():
            # Scanning only has to find the right nodes: for a large grid, unit curves in single precision do.
            precision = np.float32 if cells > _CELLS_IN_DOUBLE else np.float64
            length1, length2 = (np.where(square > 0, np.sqrt(square), 1.0) for square in (g11, g22))
            cosine = g12 / (length1 * length2)
            self._scan1 = (first / length1).reshape(rank, -1).astype(precision)
            self._scan2 = (second / length2).reshape(rank, -1).astype(precision)
            self._cosine = cosine.astype(precision)
            self._square = (1 / np.maximum(1 - cosine * cosine, 1e-12)).astype(precision)
        else:
            self._scan1, self._scan2 = first.reshape(rank, -1), second.reshape(rank, -1)
            self._gram = g11, g12, g22

    def maximise(self, rows: np.ndarray) -> Optimum:
        """Return the highest maximum of F for every row.

        :param rows: (m, rank) compressed data.
        """
        nodes, values = self._scan(rows)
        best = self._climb(rows, nodes[0])
        for node, value in zip(nodes[1:], values[1:], strict=True):
            which = np.flatnonzero(value > (1 - _CLOSE) * best.explained)
            if which.size:
                best.take_better(which, self._climb(rows[which], node[which]))
        which = np.flatnonzero((best.c1 == 0) | (best.c2 == 0))
        if which.size and len(self.axes) > 1 and self.region == Region() and self._tables.g22.any():
            # On the edge of the region F can have a maximum of its own, closer to a better one inside than the grid can tell.
            nodes, values = self._scan(rows[which], inside=True)
            which, node = which[values[0] > 0], nodes[0, values[0] > 0]
            if which.size:
                best.take_better(which, self._climb(rows[which], node))
        return best

    def _scan(self, rows, inside: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return the nodes (candidates, m) of the highest local maxima of F on the grid, flat, and F there.

        :param inside: look only where both coefficients are positive.
        """
        nodes = np.zeros((_CANDIDATES, len(rows)), np.intp)
        values = np.full((_CANDIDATES, len(rows)), -1.0)
        products = zip(project(rows, self._scan1, self._block), project(rows, self._scan2, self._block), strict=True)
        for (piece, first), (_piece, second) in products:
            profile = self._profile(first.reshape(-1, *self._scan_shape1), second.reshape(-1, *self._scan_shape2), inside)
            flat = profile.reshape(len(profile), -1)
            if self._forbidden is not None:
                flat[:, self._forbidden] = -1
            every = np.arange(len(flat))
            nodes[0, piece] = flat.argmax(axis=1)
            values[0, piece] = flat[every, nodes[0, piece]]
            if flat.shape[1] > 1:
                flat[~_local_maxima(profile).reshape(flat.shape)] = -1
                for candidate in range(1, _CANDIDATES):
                    flat[every, nodes[candidate - 1, piece]] = -1
                    nodes[candidate, piece] = flat.argmax(axis=1)
                    values[candidate, piece] = flat[every, nodes[candidate, piece]]
        return nodes, values

    def _profile(self, p1, p2, inside) -> np.ndarray:
        """Return F (m, *grid) from the inner products at the nodes."""
        if self.region != Region():
            g11, g12, g22 = self._gram
            return np.ascontiguousarray(bounded_pair(p1, p2, g11, g12, g22, self.region)[2])
        # Unit curves, both coefficients not negative: both, the better one, or none.
        rest1, rest2 = p1 - self._cosine * p2, p2 - self._cosine * p1
        alone = np.maximum(np.maximum(p1, p2), 0)
        alone *= alone
        both = (rest1 > 0) & (rest2 > 0)
        rest1 *= rest1
        rest1 *= self._square
        rest1 += p2 * p2
        if inside:
            alone[:] = -1
        np.copyto(alone, rest1, where=both)
        return alone

    def _climb(self, rows, node) -> Optimum:
        """Return the maximum of F above a node, in batches that bound the memory."""
        start = np.stack(np.unravel_index(node, self._grid)) if self.axes else np.zeros((0, len(rows)), np.intp)
        lower = np.array([axis.lower for axis in self.axes], np.intp)[:, None]
        stride = np.array([axis.stride for axis in self.axes], np.intp)[:, None]
        start = lower + stride * start
        window = int(np.prod([2 * axis.reach + 1 for axis in self.axes]))
        batch = max(8, _WINDOW_CELLS // window)
        best = Optimum(np.empty(start.shape), np.empty(len(rows)), np.empty(len(rows)), np.empty(len(rows)))
        for first in range(0, len(rows), batch):
            piece = slice(first, first + batch)
            top = climb(self, rows[piece], start[:, piece])
            best.replace(piece, Optimum(top.position, top.c1, top.c2, top.value))
        return best

    def windows(self, samples: np.ndarray, centre: np.ndarray) -> list[np.ndarray]:
        """Return p1, p2, g11, g12, g22 at the nodes around the centres, each (w1, w2, ..., m).

        :param samples: (rank, m) compressed data.
        :param centre: (axes, m) nodes.
        """
        tables = self._tables
        index1 = window_index(self.axes, self._shape1, centre)
        index2 = window_index(self.axes, self._shape2, centre)
        p1, p2 = np.zeros(index1.shape), np.zeros(index2.shape)
        for component in range(len(samples)):
            p1 += samples[component] * self._flat1[component].take(index1)
            p2 += samples[component] * self._flat2[component].take(index2)
        index12 = window_index(self.axes, tables.g12.shape, centre)
        return [p1, p2, tables.g11.take(index1), tables.g12.take(index12), tables.g22.take(index2)]

    def evaluate(self, windows: list[np.ndarray], centre: np.ndarray, position: np.ndarray) -> Summit:
        """Return F with its derivatives at positions (axes, m) near the centres of the windows."""
        weights = [lagrange_weights(position[number] - centre[number], axis.reach) for number, axis in enumerate(self.axes)]
        p1, p2, g11, g12, g22 = (polynomial_jet(window, weights) for window in windows)
        c1, c2, value, (i11, i12, i22) = bounded_pair(p1[0], p2[0], g11[0], g12[0], g22[0], self.region)
        square1, product, square2 = c1 * c1, 2 * c1 * c2, c2 * c2
        gradient = 2 * (c1 * p1[1] + c2 * p2[1]) - (square1 * g11[1] + product * g12[1] + square2 * g22[1])
        rest1 = p1[1] - (c1 * g11[1] + c2 * g12[1])
        rest2 = p2[1] - (c1 * g12[1] + c2 * g22[1])
        hessian = 2 * (c1 * p1[2] + c2 * p2[2]) - (square1 * g11[2] + product * g12[2] + square2 * g22[2])
        slope1, slope2 = i11 * rest1 + i12 * rest2, i12 * rest1 + i22 * rest2
        hessian += 2 * (rest1[:, None] * slope1 + rest2[:, None] * slope2)
        return Summit(position, value, gradient, hessian, c1, c2, slope1, slope2)


def _local_maxima(profile: np.ndarray) -> np.ndarray:
    """Return True at nodes of (m, *grid) above the node before and not below the node after, along every axis."""
    peaks = np.ones(profile.shape, bool)
    for axis in range(1, profile.ndim):
        ahead = tuple(slice(1, None) if number == axis else slice(None) for number in range(profile.ndim))
        behind = tuple(slice(None, -1) if number == axis else slice(None) for number in range(profile.ndim))
        rising = profile[ahead] > profile[behind]
        peaks[ahead] &= rising
        peaks[behind] &= ~rising
    return peaks
