"""Variable projection with bounds: the best parameters of every voxel, globally.

For fixed non-linear parameters theta the best coefficients are known exactly (``bounds``), so only their profile F(theta) is searched
(Golub and Pereyra, SIAM J Numer Anal 1973;10:413-432). It is computed at all nodes of a grid first, so no starting value decides which
maximum is found (``profile``), and climbed between them (``climb``).

First the coefficients need only be positive. Most voxels then are within the upper bounds too; the few others are searched again with
the bounds.
"""

import numpy as np

from .bounds import Region
from .optimum import Optimum
from .profile import Profile
from .separable import CurveTables, SeparableModel

__all__ = ["VariableProjection"]

_NEGLIGIBLE = 1e-7


class VariableProjection:
    """Fits compressed data of many voxels to one model."""

    def __init__(self, model: SeparableModel):
        self._model = model
        self._free = Profile(model.axes, model.curves, model.within, model.allowed_nodes())
        limit1, limit2, shared = model.limits(model.node_values())
        self._bounded = None
        if np.isfinite(limit1).any() or np.isfinite(limit2).any():
            # In units of their bounds the coefficients have constant ones, and bounds that move with theta need no care.
            scale1, scale2 = (np.where(np.isfinite(limit), limit, 1.0) for limit in (limit1, limit2))
            upper1, upper2 = (1.0 if np.isfinite(limit).any() else np.inf for limit in (limit1, limit2))
            bounded = model.curves.scaled(scale1, scale2, Region(upper1, upper2, shared))
            self._bounded = Profile(model.axes, bounded, model.within, model.allowed_nodes())
        self._endless = None
        if model.rate_can_vanish:
            curves = model.curves
            first, second = (table[:, min(model.axes[0].lower, table.shape[1] - 1)] for table in (curves.first, curves.second))
            self._endless = Profile(model.axes[1:], CurveTables(first, second, Region()), None, None)

    def solve(self, rows: np.ndarray) -> Optimum:
        """Return the best bounded fits.

        :param rows: (m, rank) compressed data.
        """
        best = self._free.maximise(rows)
        self.hold(rows, best)
        return best

    def hold(self, rows: np.ndarray, best: Optimum) -> None:
        """Replace those of the best fits with coefficients not negative that break an upper bound by the best fits within."""
        model = self._model
        if self._bounded is None:
            return
        theta = model.values(best.position)
        limit1, limit2, shared = model.limits(theta)
        over = best.c1 + best.c2 > limit1 if shared else (best.c1 > limit1) | (best.c2 > limit2)
        unbounded = best.explained[over]
        endless = over & model.without_washout(theta, best.c1, best.c2)
        which = np.flatnonzero(endless)
        if which.size:
            at_zero = self._endless.maximise(rows[which])
            zero = np.full((1, which.size), float(model.axes[0].lower))
            best.replace(which, Optimum(np.concatenate([zero, at_zero.position]), at_zero.c1, at_zero.c2, at_zero.explained))
        # Rate 0 explains as much as the small rate did, to a small part of the residual; where it does not, the bound may be better.
        residual = (rows[over] * rows[over]).sum(axis=1) - unbounded
        lost = unbounded - best.explained[over] > _NEGLIGIBLE * residual
        best.explained[over & ~endless] = -1
        over[over] = lost | ~endless[over]
        which = np.flatnonzero(over)
        if which.size:
            held = self._bounded.maximise(rows[which])
            limit1, limit2, _shared = model.limits(model.values(held.position))
            held.c1 *= np.where(np.isfinite(limit1), limit1, 1.0)
            held.c2 *= np.where(np.isfinite(limit2), limit2, 1.0)
            best.take_better(which, held)
