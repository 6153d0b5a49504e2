"""The common case, one pass: one non-linear parameter, and the second curve does not depend on it.

With the second curve projected out of the first and the rest u(kep) of unit length, F = (u.y)^2 + (a2.y)^2 / |a2|^2. The second term is
constant, so where Ktrans is positive the best kep is the highest point of s(kep) = u(kep).y, and s at all nodes is one matrix product.
Through the nodes around the highest one goes a polynomial whose top Newton's method finds. What this does not settle (a bound is broken,
two maxima compete, the top lies at an end) is left to ``varpro``.
"""

import numpy as np

from .compression import BLOCK
from .interpolation import lagrange_coefficients
from .optimum import Optimum
from .separable import SeparableModel

__all__ = ["ScorePeak"]

_NEWTON_STEPS = 3
"""From the top of the parabola; the third is at rounding almost everywhere."""


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
        # Where the second curve is all of the first, up to rounding, nothing is left to score.
        height = np.where(height > 1e-10 * np.sqrt(curves.g11), height, np.inf)
        # One matrix product gives s at all nodes and, in the last column, what the second curve alone explains.
        self._curves = np.column_stack([rest / height, self._second])
        self._offsets = np.arange(-axis.reach, axis.reach + 1)[:, None]
        self._to_polynomial = np.ascontiguousarray(lagrange_coefficients(axis.reach)[0])
        # c1 = s / height, and c2 |a2| = a2.y / |a2| - c1 along: both factors as polynomials around every node of the range.
        around = np.arange(axis.lower, axis.upper + 1) + self._offsets
        self._per_height = self._to_polynomial @ (1 / height)[around]
        self._share = self._to_polynomial @ (along / height)[around]

    @staticmethod
    def suits(model: SeparableModel) -> bool:
        """Return whether the model has this form."""
        return len(model.axes) == 1 and model.curves.second.shape[1:] == (1,) and model.curves.first.shape[1] > 1

    def workspace(self) -> np.ndarray:
        """Return an array for ``solve`` to work in: asking the system for so much memory anew for every block would cost half as much
        again as the fit itself.
        """
        return np.empty((BLOCK, self._curves.shape[1]))

    def solve(self, rows: np.ndarray, products: np.ndarray) -> tuple[Optimum, np.ndarray]:
        """Fit a block with coefficients that are not negative.

        :param rows: (BLOCK, rank) compressed data.
        :param products: a ``workspace``; overwritten.
        :return: the optimum, and a boolean: True where it is the best such fit. Where it is not, ``explained`` is more than any such fit
            can explain.
        """
        axis = self._axis
        np.matmul(rows, self._curves, out=products)
        score, level = products[:, axis.lower : axis.upper + 1], products[:, -1]
        highest = score.argmax(axis=1)
        around = highest + axis.lower + self._offsets
        window = products.reshape(-1).take(around + products.shape[1] * np.arange(len(rows)))
        polynomial = self._to_polynomial @ window
        offset, reached = self._top(polynomial)
        position = highest + (axis.lower + offset)
        value = _polynomial(polynomial, offset)
        # At an end of the range the polynomial's top may be anywhere; the node itself is on s for certain.
        reached &= value >= polynomial[0]
        value = np.maximum(value, polynomial[0])

        c1 = value * _polynomial(self._per_height.take(highest, axis=1), offset)
        plasma_only = np.maximum(level, 0.0)
        rising = value > 0
        explained = np.where(rising, value * value + level * level, plasma_only * plasma_only)
        c2 = np.zeros(len(rows))
        if self._length2 > 0:
            c2 = (level - value * _polynomial(self._share.take(highest, axis=1), offset)) / self._length2
            plasma_only /= self._length2

        single = self._count_maxima(products) == 1
        found = single & rising & reached & (c2 >= 0) & (position > axis.lower) & (position < axis.upper)
        # Ktrans would be negative at every kep: plasma only, or nothing.
        vascular = single & ~rising
        c1[vascular] = 0.0
        c2[vascular] = plasma_only[vascular]
        return Optimum(position[None], c1, c2, explained), found | vascular

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

    @staticmethod
    def _top(polynomial) -> tuple[np.ndarray, np.ndarray]:
        """Return the offset, within one node, of the top of each polynomial (degree, m), and True where it was reached."""
        degrees = np.arange(len(polynomial))[:, None]
        slope = polynomial[1:] * degrees[1:]
        bend = slope[1:] * degrees[1:-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            following = _within_a_node(-slope[0] / bend[0])
            for _step in range(_NEWTON_STEPS):
                offset = following
                following = _within_a_node(offset - _polynomial(slope, offset) / _polynomial(bend, offset))
        # The square of the last step is what is left of the way.
        return following, (np.abs(following - offset) < 1e-6) & (np.abs(following) < 1)


def _polynomial(coefficients: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the values of polynomials (degree, m), lowest degree first, at (m,)."""
    value = coefficients[-1] * at
    for coefficient in coefficients[-2:0:-1]:
        value += coefficient
        value *= at
    value += coefficients[0]
    return value


def _within_a_node(offset: np.ndarray) -> np.ndarray:
    """Return the offset cut to -1..1, -1 for 0 / 0."""
    return np.fmin(np.fmax(offset, -1.0), 1.0)
