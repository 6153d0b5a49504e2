"""From a node to the top: Newton steps on the profile F, many voxels at once.

F is smooth between the places where a bound begins to hold a coefficient; there its gradient still is continuous, but its curvature
jumps. So a step ends where, by their slopes, the first coefficient comes to its bound, and the next step knows the other side's
curvature; and steps are kept short where F is not a hill yet.
"""

from dataclasses import dataclass, fields

import numpy as np

from .axis import Axis
from .bounds import Region
from .small_matrix import solve_positive

__all__ = ["Summit", "climb"]

_MOST_STEPS = 60
_LONGEST_STEP = 2.0
"""Nodes."""
_SHORTEST_STEP = 1e-9

_ACROSS = 1.01
"""A step to a bound goes so much further, to be beyond it."""
_SMALLEST_SHARE = 1e-3

_EVEN = 8
"""Sums over the nodes around keep their order only while voxels are the innermost loop, which takes two or more of them."""


@dataclass
class Summit:
    """Points on the profiles of m voxels: where, F, its gradient (axes, m) and Hessian (axes, axes, m), coefficients, their slopes."""

    position: np.ndarray
    value: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray
    c1: np.ndarray
    c2: np.ndarray
    slope1: np.ndarray
    slope2: np.ndarray

    def take(self, voxels: np.ndarray) -> "Summit":
        """Return some of the voxels."""
        return Summit(*(getattr(self, field.name).take(voxels, axis=-1) for field in fields(self)))

    def where(self, condition: np.ndarray, other: "Summit") -> "Summit":
        """Return self where the condition holds, ``other`` elsewhere."""
        return Summit(*(np.where(condition, getattr(self, field.name), getattr(other, field.name)) for field in fields(self)))

    def put(self, voxels: np.ndarray, other: "Summit") -> None:
        """Take over the points of ``other`` at ``voxels``."""
        for field in fields(self):
            getattr(self, field.name)[..., voxels] = getattr(other, field.name)


def climb(profile, rows: np.ndarray, node: np.ndarray) -> Summit:
    """Return the local maxima of the profile that steps from the nodes reach.

    :param profile: a ``Profile``.
    :param rows: (m, rank) compressed data.
    :param node: (axes, m) positions of the first nodes.
    """
    count = len(rows)
    more = -count % _EVEN
    if more:
        rows, node = np.pad(rows, ((0, more), (0, 0)), mode="edge"), np.pad(node, ((0, 0), (0, more)), mode="edge")
    samples = np.ascontiguousarray(rows.T)
    rounding = 1e-15 * (samples * samples).sum(axis=0)
    centre = node
    windows = profile.windows(samples, centre)
    best = profile.evaluate(windows, centre, node.astype(np.float64))
    result = best.take(np.arange(len(rows)))
    voxel = np.arange(len(rows))
    radius, finished = np.ones(len(rows)), np.zeros(len(rows), bool)
    for _step in range(_MOST_STEPS if profile.axes else 0):
        step = _newton_step(profile.axes, best, radius)
        step *= _share_to_bound(best, step, profile.region)
        trial = profile.within(best.position + step)
        step = trial - best.position
        predicted = (best.gradient * step).sum(axis=0) + ((best.hessian * step).sum(axis=1) * step).sum(axis=0) / 2
        far = np.flatnonzero(~finished & (np.abs(trial - centre).max(axis=0) > 1))
        if far.size:
            far = far if far.size >= _EVEN else np.resize(far, _EVEN)
            centre = centre.copy()
            centre[:, far] = np.rint(trial[:, far]).astype(np.intp)
            around = profile.windows(samples.take(far, axis=1), centre.take(far, axis=1))
            for table, new in zip(windows, around, strict=True):
                table[..., far] = new
            # Polynomials through other nodes differ in the last digits; F is compared on the same ones.
            best.put(far, profile.evaluate(around, centre.take(far, axis=1), best.position.take(far, axis=1)))
        found = profile.evaluate(windows, centre, trial)

        # A finished voxel is not touched again, or its last bits would tell how long the others took.
        better = ~finished & (found.value >= best.value - rounding)
        radius = np.where(better, np.minimum(2 * radius, _LONGEST_STEP), np.abs(step).max(axis=0) / 4)
        best = found.where(better, best)
        finished |= (better & (predicted <= rounding)) | (radius < _SHORTEST_STEP)
        result.put(voxel, best)
        going = np.flatnonzero(~finished)
        if not going.size:
            break
        if _EVEN <= going.size < 0.7 * finished.size:
            best = best.take(going)
            samples, centre, radius, finished, rounding, voxel = (
                array.take(going, axis=-1) for array in (samples, centre, radius, finished, rounding, voxel)
            )
            windows = [table.take(going, axis=-1) for table in windows]
    return result.take(np.arange(count))


def _newton_step(axes: list[Axis], best: Summit, radius: np.ndarray) -> np.ndarray:
    """Return steps (axes, m) upwards, no longer than the radius along any axis, along the ends of the axes that hold."""
    lower = np.array([axis.lower for axis in axes])[:, None]
    upper = np.array([axis.upper for axis in axes])[:, None]
    held = ((best.position <= lower) & (best.gradient <= 0)) | ((best.position >= upper) & (best.gradient >= 0))
    slope = np.where(held, 0.0, best.gradient)
    bowl = np.where(held[:, None] | held[None, :], 0.0, -best.hessian)
    diagonal = range(len(axes))
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


def _share_to_bound(best: Summit, step: np.ndarray, region: Region) -> np.ndarray:
    """Return the part of each step, 1 at most, after which the first coefficient is at, and a little beyond, a bound."""
    change1, change2 = (best.slope1 * step).sum(axis=0), (best.slope2 * step).sum(axis=0)
    rooms = [(best.c1, -change1), (best.c2, -change2)]
    if region.simplex:
        rooms.append((1 - best.c1 - best.c2, change1 + change2))
    else:
        rooms += [(upper - c, change) for upper, c, change in ((region.upper1, best.c1, change1), (region.upper2, best.c2, change2))]
    share = np.ones(step.shape[1])
    for room, change in rooms:
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(change > 0, np.minimum(share, np.maximum(_ACROSS * room / change, _SMALLEST_SHARE)), share)
    return share
