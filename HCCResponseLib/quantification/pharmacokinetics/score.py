"""The common case, one pass: one non-linear parameter, and the second curve does not depend on it.

With the second curve projected out of the first and the rest u(kep) of unit length, F = (u.y)^2 + (a2.y)^2 / |a2|^2. The second term is
constant, so where Ktrans is positive the best kep is the highest point of s(kep) = u(kep).y, and s at all nodes is one matrix product.
Through the nodes around the highest one goes a polynomial whose top Newton's method finds. What this does not settle (a bound is broken,
two maxima compete, the top lies at an end) is left to ``varpro``.
"""

import numpy as np

from .interpolation import lagrange_coefficients, lagrange_weights
from .separable import SeparableModel
from .varpro import Optimum

__all__ = ["ScorePeak"]

_NEWTON_STEPS = 3
"""From the top of the parabola; the third reaches rounding."""


class ScorePeak:
    """Fits blocks of compressed data to a model with one axis and a constant second curve."""

    def __init__(self, model: SeparableModel):
        curves, (axis,) = model.curves, model.axes
        first, second = curves.first, curves.second
        self._model, self._axis = model, axis
        self._length2 = float(np.sqrt(curves.g22[0]))
        self._second = second[:, 0] / self._length2 if self._length2 > 0 else second[:, 0]
        along = self._second @ first
        rest = first - self._second[:, None] * along
        height = np.sqrt((rest * rest).sum(axis=0))
        # One matrix product gives s at all nodes and, in the last column, what the second curve alone explains.
        self._curves = np.column_stack([rest / height, self._second])
        # c1 = s / height, and c2 |a2| = a2.y / |a2| - c1 along.
        self._per_height = 1 / height
        self._share = along / height
        self._offsets = np.arange(-axis.reach, axis.reach + 1)[:, None]
        self._to_polynomial = np.ascontiguousarray(lagrange_coefficients(axis.reach)[0])

    @staticmethod
    def suits(model: SeparableModel) -> bool:
        """Return whether the model has this form."""
        return len(model.axes) == 1 and model.curves.second.shape[1:] == (1,) and model.curves.first.shape[1] > 1

    def solve(self, rows: np.ndarray) -> tuple[Optimum, np.ndarray, np.ndarray]:
        """Fit a block of exactly ``BLOCK`` rows.

        :return: the optimum, F without bounds but Ktrans >= 0 (no fit within bounds explains more), and a boolean: True where the
            optimum is the best fit within the bounds.
        """
        axis = self._axis
        products = rows @ self._curves
        score, level = products[:, axis.lower : axis.upper + 1], products[:, -1]
        highest = score.argmax(axis=1)
        maxima = self._count_maxima(products)

        centre = highest + axis.lower
        around = centre + self._offsets
        window = products.reshape(-1).take(around + products.shape[1] * np.arange(len(rows)))
        polynomial = self._to_polynomial @ window
        offset = self._top(polynomial)
        value = polynomial[-1].copy()
        for coefficient in polynomial[-2::-1]:
            value *= offset
            value += coefficient
        (weights,) = lagrange_weights(offset, axis.reach, derivatives=0)
        c1 = value * self._interpolated(self._per_height, around, weights)
        position = (centre + offset)[None]

        positive = value > 0
        explained = np.where(positive, value * value, 0.0)
        if self._length2 > 0:
            c2 = (level - value * self._interpolated(self._share, around, weights)) / self._length2
            plasma_only = np.maximum(level, 0.0)
            ceiling = explained + np.where(positive, level * level, plasma_only * plasma_only)
        else:
            c2, plasma_only, ceiling = np.zeros(len(rows)), np.zeros(len(rows)), explained

        theta = self._model.values(position)
        limit1, limit2, _shared = self._model.limits(theta)
        settled = positive & (c2 >= 0) & (c2 <= limit2) & (c1 <= limit1) & (maxima <= 1)
        settled &= (position[0] > axis.lower) & (position[0] < axis.upper) & (np.abs(offset) < 1)
        # Ktrans would be negative at every kep: plasma only, or nothing.
        vascular = ~positive & (maxima <= 1)
        c1 = np.where(vascular, 0.0, c1)
        c2 = np.where(vascular, plasma_only / self._length2 if self._length2 > 0 else 0.0, c2)
        settled |= vascular & (c2 <= limit2)
        return Optimum(position, c1, c2, ceiling), ceiling, settled

    def _count_maxima(self, products) -> np.ndarray:
        """Return the number of local maxima of s over the range of each row, its ends included."""
        # All rows as one long one: a comparison of neighbours is then a single pass; what it says across rows is not used.
        flat = products.reshape(-1)
        rising, peaks = np.zeros(flat.size, bool), np.zeros(flat.size, bool)
        np.greater(flat[1:], flat[:-1], out=rising[:-1])
        np.greater(rising[:-1], rising[1:], out=peaks[1:])
        rising, peaks = rising.reshape(products.shape), peaks.reshape(products.shape)
        lower, upper = self._axis.lower, self._axis.upper
        inside = np.add.reduce(peaks[:, lower + 1 : upper].view(np.uint8), axis=1, dtype=np.uint8)
        return inside + ~rising[:, lower] + rising[:, upper - 1]

    def _top(self, polynomial) -> np.ndarray:
        """Return the offset, within one node, of the top of each polynomial (degree, m)."""
        degrees = np.arange(len(polynomial))[:, None]
        slope = polynomial[1:] * degrees[1:]
        bend = slope[1:] * degrees[1:-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            offset = _within_a_node(-slope[0] / bend[0])
            for _step in range(_NEWTON_STEPS):
                first, second = slope[-1].copy(), bend[-1].copy()
                for coefficient in slope[-2::-1]:
                    first *= offset
                    first += coefficient
                for coefficient in bend[-2::-1]:
                    second *= offset
                    second += coefficient
                offset = _within_a_node(offset - first / second)
        return offset

    @staticmethod
    def _interpolated(table, around, weights) -> np.ndarray:
        values = table.take(around)
        values *= weights
        return values.sum(axis=0)


def _within_a_node(offset: np.ndarray) -> np.ndarray:
    """Return the offset cut to -1..1, -1 for 0 / 0."""
    return np.fmin(np.fmax(offset, -1.0), 1.0)
