"""Variable projection with bounds: the best non-linear parameters of every voxel, globally.

For fixed theta the best coefficients are known exactly (``bounds``), so only the profile

    F(theta) = max over c in the region of 2 c.p - c.G c,    p_i = a_i(theta).y,  G_ij = a_i(theta).a_j(theta)

is searched (Golub and Pereyra, SIAM J Numer Anal 1973;10:413-432). p is linear in the data: at all nodes it is one matrix product for
a whole block of voxels. So F is first computed everywhere, and no starting value decides which maximum is found. Between nodes p and G
are polynomials through the nodes around, and Newton steps climb to the top. By the envelope theorem, with r_e = p_e - G_e c,

    F_d = 2 c.p_d - c.G_d c,    F_de = 2 c.p_de - c.G_de c + 2 r_d.W r_e,

where a subscript is a derivative and W the inverse of G on the coefficients that no bound holds. F and F_d are continuous where a bound
begins to hold.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .axis import Axis, keep_within
from .bounds import Region, bounded_pair
from .compression import project, scan_block
from .interpolation import lagrange_weights, polynomial_jet, window_index
from .separable import CurveTables, SeparableModel
from .small_matrix import solve_positive

__all__ = ["Optimum", "VariableProjection"]

_CANDIDATES = 2
"""Local maxima of the grid that are followed."""

_CLOSE = 0.02
"""A lower local maximum of the grid can turn out the higher one between nodes only when they differ by less than this part of F."""

_WINDOW_CELLS = 2**18
_MOST_STEPS = 60
_LONGEST_STEP = 2.0
"""Nodes."""

_EVEN = 8


@dataclass
class Optimum:
    """Best fits of m voxels: ``position`` (axes, m) on the model's axes, coefficients ``c1``, ``c2`` and ``explained``, the maximum F."""

    position: np.ndarray
    c1: np.ndarray
    c2: np.ndarray
    explained: np.ndarray

    def part(self, piece: slice) -> "Optimum":
        """Return a view of some voxels."""
        return Optimum(self.position[:, piece], self.c1[piece], self.c2[piece], self.explained[piece])

    def replace(self, where, other: "Optimum", which=slice(None)) -> None:
        """Take over the voxels ``which`` of another optimum at ``where``."""
        self.position[:, where] = other.position[:, which]
        self.c1[where], self.c2[where] = other.c1[which], other.c2[which]
        self.explained[where] = other.explained[which]


    def take_better(self, where: np.ndarray, other: "Optimum") -> None:
        """Take over what explains more, ``other`` being fits of the voxels ``where``."""
        better = np.flatnonzero(other.explained > self.explained[where])
        self.replace(where[better], other, better)


class VariableProjection:
    """Fits compressed data of many voxels to one model."""

    def __init__(self, model: SeparableModel):
        self._model = model
        self._free = _Problem(model.axes, model.curves, model.within, model.allowed_nodes())
        limit1, limit2, shared = model.limits(model.node_values())
        self._bounded = None
        if np.isfinite(limit1).any() or np.isfinite(limit2).any():
            # In units of their bounds the coefficients have constant ones, and bounds that move with theta need no care.
            scale1, scale2 = (np.where(np.isfinite(limit), limit, 1.0) for limit in (limit1, limit2))
            upper1, upper2 = (1.0 if np.isfinite(limit).any() else np.inf for limit in (limit1, limit2))
            bounded = model.curves.scaled(scale1, scale2, Region(upper1, upper2, shared))
            self._bounded = _Problem(model.axes, bounded, model.within, model.allowed_nodes())
        self._endless = None
        if model.rate_can_vanish:
            curves = model.curves
            first, second = (table[:, min(model.axes[0].lower, table.shape[1] - 1)] for table in (curves.first, curves.second))
            self._endless = _Problem(model.axes[1:], CurveTables(first, second, Region()), None, None)

    def solve(self, rows: np.ndarray) -> Optimum:
        """Return the best bounded fit.

        :param rows: (m, rank) compressed data.
        """
        model, best = self._model, self._free.maximise(rows)
        if self._bounded is None:
            return best
        theta = model.values(best.position)
        limit1, limit2, shared = model.limits(theta)
        over = best.c1 + best.c2 > limit1 if shared else (best.c1 > limit1) | (best.c2 > limit2)
        endless = over & model.without_washout(theta, best.c1, best.c2)
        which = np.flatnonzero(endless)
        if which.size:
            at_zero = self._endless.maximise(rows[which])
            zero = np.full((1, which.size), float(model.axes[0].lower))
            best.replace(which, Optimum(np.concatenate([zero, at_zero.position]), at_zero.c1, at_zero.c2, at_zero.explained))
        which = np.flatnonzero(over & ~endless)
        if which.size:
            held = self._bounded.maximise(rows[which])
            limit1, limit2, _shared = model.limits(model.values(held.position))
            held.c1 *= np.where(np.isfinite(limit1), limit1, 1.0)
            held.c2 *= np.where(np.isfinite(limit2), limit2, 1.0)
            best.replace(which, held)
        return best


class _Problem:
    """One set of curve tables and one region of coefficients: scan the grid, then climb."""

    def __init__(self, axes: list[Axis], tables: CurveTables, within: Callable | None, allowed: np.ndarray | None):
        self._axes, self._tables = axes, tables
        self._within = within or functools.partial(keep_within, axes)
        rank = len(tables.first)
        self._flat1, self._flat2 = tables.first.reshape(rank, -1), tables.second.reshape(rank, -1)
        self._shape1, self._shape2 = tables.first.shape[1:], tables.second.shape[1:]

        inside = tuple(axis.scanned for axis in self._axes)
        self._grid = tuple(len(range(axis.size)[axis.scanned]) for axis in self._axes)
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
            # Scanning only has to find the right nodes: unit curves in single precision do.
            length1, length2 = np.sqrt(g11), np.where(g22 > 0, np.sqrt(g22), 1.0)
            cosine = g12 / (length1 * length2)
            self._scan1 = (first / length1).reshape(rank, -1).astype(np.float32)
            self._scan2 = (second / length2).reshape(rank, -1).astype(np.float32)
            self._cosine = cosine.astype(np.float32)
            self._square = (1 / np.maximum(1 - cosine * cosine, 1e-12)).astype(np.float32)
        else:
            self._scan1, self._scan2 = first.reshape(rank, -1), second.reshape(rank, -1)
            self._gram = g11, g12, g22

    def maximise(self, rows: np.ndarray) -> Optimum:
        """Return the highest maximum of F for every row."""
        nodes, values = self._scan(rows)
        best = self._climb(rows, nodes[0])
        for node, value in zip(nodes[1:], values[1:], strict=True):
            which = np.flatnonzero(value > (1 - _CLOSE) * best.explained)
            if which.size:
                best.take_better(which, self._climb(rows[which], node[which]))
        which = np.flatnonzero((best.c1 == 0) | (best.c2 == 0))
        if which.size and self._tables.region == Region() and self._tables.g22.any() and self._axes:
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
        if self._tables.region != Region():
            g11, g12, g22 = self._gram
            return np.ascontiguousarray(bounded_pair(p1, p2, g11, g12, g22, self._tables.region)[2])
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
        """Return the maximum of F that Newton steps reach from a node."""
        start = np.stack(np.unravel_index(node, self._grid)) if self._axes else np.zeros((0, len(rows)), np.intp)
        lower = np.array([axis.lower for axis in self._axes], np.intp)[:, None]
        stride = np.array([axis.stride for axis in self._axes], np.intp)[:, None]
        start = lower + stride * start
        window = int(np.prod([2 * axis.reach + 1 for axis in self._axes]))
        batch = max(_EVEN, _WINDOW_CELLS // window)
        position = np.empty(start.shape)
        c1, c2, reached = np.empty(len(rows)), np.empty(len(rows)), np.empty(len(rows))
        for first in range(0, len(rows), batch):
            piece = slice(first, first + batch)
            position[:, piece], c1[piece], c2[piece], reached[piece] = self._climb_batch(rows[piece], start[:, piece])
        return Optimum(position, c1, c2, reached)

    def _climb_batch(self, rows, start):
        # Sums over a window keep their order only while voxels are the innermost loop, which takes two or more of them.
        count = len(rows)
        if count % _EVEN:
            more = _EVEN - count % _EVEN
            rows, start = np.pad(rows, ((0, more), (0, 0)), mode="edge"), np.pad(start, ((0, 0), (0, more)), mode="edge")
        samples = np.ascontiguousarray(rows.T)
        noise_floor = 1e-15 * (samples * samples).sum(axis=0)
        centre, position = start, start.astype(np.float64)
        windows = self._windows(samples, centre)
        state = self._evaluate(windows, position - centre)
        if not self._axes:
            return position[:, :count], state[1][:count], state[2][:count], state[0][:count]

        result = [position.copy(), state[1].copy(), state[2].copy(), state[0].copy()]
        voxel = np.arange(len(rows))
        radius, finished = np.ones(len(rows)), np.zeros(len(rows), bool)
        for _step in range(_MOST_STEPS):
            step = self._step(position, state[3], state[4], radius)
            trial = self._within(position + step)
            step = trial - position
            predicted = (state[3] * step).sum(axis=0) + ((state[4] * step).sum(axis=1) * step).sum(axis=0) / 2
            far = np.flatnonzero(~finished & (np.abs(trial - centre).max(axis=0) > 1))
            if far.size:
                far = far if far.size >= _EVEN else np.resize(far, _EVEN)
                centre = centre.copy()
                centre[:, far] = np.rint(trial[:, far]).astype(np.intp)
                for table, new in zip(windows, self._windows(samples.take(far, axis=1), centre.take(far, axis=1)), strict=True):
                    table[..., far] = new
                # Polynomials through other nodes differ in the last digits; F is compared on the same ones.
                state = self._evaluate(windows, position - centre)
            following = self._evaluate(windows, trial - centre)
            better = ~finished & (following[0] >= state[0] - noise_floor)
            length = np.abs(step).max(axis=0)
            radius = np.where(better, np.minimum(2 * radius, _LONGEST_STEP), length / 4)
            position = np.where(better, trial, position)
            state = [np.where(better, new, old) for new, old in zip(following, state, strict=True)]
            # A finished voxel is not touched again, or its last bits would tell how long the others took.
            finished |= (better & (predicted <= noise_floor)) | (radius < 1e-9)
            for target, source in zip(result, (position, state[1], state[2], state[0]), strict=True):
                target[..., voxel] = source
            going = np.flatnonzero(~finished)
            if not going.size:
                break
            if _EVEN <= going.size < 0.7 * finished.size:
                samples, centre, position, radius, finished, noise_floor, voxel = (
                    array.take(going, axis=-1) for array in (samples, centre, position, radius, finished, noise_floor, voxel)
                )
                windows = [table.take(going, axis=-1) for table in windows]
                state = [array.take(going, axis=-1) for array in state]
        return [array[..., :count] for array in result]

    def _windows(self, samples, centre) -> list[np.ndarray]:
        """Return p1, p2, g11, g12, g22 at the nodes around the centres, each (w1, w2, ..., m)."""
        tables = self._tables
        index1 = window_index(self._axes, self._shape1, centre)
        index2 = window_index(self._axes, self._shape2, centre)
        p1, p2 = np.zeros(index1.shape), np.zeros(index2.shape)
        for component in range(len(samples)):
            p1 += samples[component] * self._flat1[component].take(index1)
            p2 += samples[component] * self._flat2[component].take(index2)
        index12 = window_index(self._axes, tables.g12.shape, centre)
        return [p1, p2, tables.g11.take(index1), tables.g12.take(index12), tables.g22.take(index2)]

    def _evaluate(self, windows, offset) -> list[np.ndarray]:
        """Return F, c1, c2, the gradient (axes, m) and the Hessian (axes, axes, m) at an offset from the centres."""
        weights = [lagrange_weights(offset[number], axis.reach) for number, axis in enumerate(self._axes)]
        p1, p2, g11, g12, g22 = (polynomial_jet(window, weights) for window in windows)
        c1, c2, value, (i11, i12, i22) = bounded_pair(p1[0], p2[0], g11[0], g12[0], g22[0], self._tables.region)
        square1, product, square2 = c1 * c1, 2 * c1 * c2, c2 * c2
        gradient = 2 * (c1 * p1[1] + c2 * p2[1]) - (square1 * g11[1] + product * g12[1] + square2 * g22[1])
        rest1 = p1[1] - (c1 * g11[1] + c2 * g12[1])
        rest2 = p2[1] - (c1 * g12[1] + c2 * g22[1])
        hessian = 2 * (c1 * p1[2] + c2 * p2[2]) - (square1 * g11[2] + product * g12[2] + square2 * g22[2])
        hessian += 2 * (rest1[:, None] * (i11 * rest1 + i12 * rest2) + rest2[:, None] * (i12 * rest1 + i22 * rest2))
        return [value, c1, c2, gradient, hessian]

    def _step(self, position, gradient, hessian, radius) -> np.ndarray:
        """Return a Newton step (axes, m) upwards, no longer than the radius along any axis, along the ends of the axes that hold."""
        axes = len(position)
        lower = np.array([axis.lower for axis in self._axes])[:, None]
        upper = np.array([axis.upper for axis in self._axes])[:, None]
        held = ((position <= lower) & (gradient <= 0)) | ((position >= upper) & (gradient >= 0))
        slope = np.where(held, 0.0, gradient)
        bowl = np.where(held[:, None] | held[None, :], 0.0, -hessian)
        diagonal = range(axes)
        bowl[diagonal, diagonal] = np.where(held, 1.0, bowl[diagonal, diagonal])
        step, positive = solve_positive(bowl, slope)
        ridge = np.flatnonzero(~positive)
        if ridge.size:
            # Not a hilltop yet: with the curvatures' absolute values every step leads upwards, and along a ridge it is a long one.
            curvatures, directions = np.linalg.eigh(np.moveaxis(bowl[..., ridge], -1, 0))
            curvatures = np.maximum(np.abs(curvatures), 1e-12 * np.abs(curvatures).max(axis=1, keepdims=True) + np.finfo(float).tiny)
            along = (directions * slope[:, ridge].T[:, :, None]).sum(axis=1) / curvatures
            step[:, ridge] = (directions * along[:, None, :]).sum(axis=2).T
        with np.errstate(divide="ignore", invalid="ignore"):
            longest = np.abs(step).max(axis=0)
            return np.where(longest > radius, step * (radius / longest), step)


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
