"""Standard errors from the Jacobian at the optimum.

With J the derivatives of the curve by the free parameters, covariance = s^2 (J^T J)^-1, s^2 = residual / (n - free parameters). J is made
of the model's two curves and their derivatives along the axes, whose inner products are tabulated at the nodes, so that no voxel needs
its curve again. Maps that are functions of the fitted parameters (ve = Ktrans / kep) get their error by first-order propagation.

A parameter held at a bound has no such error; it is NaN, and the others' are those with that parameter known. The errors are those of
white noise; drift, motion and a wrong input function are not in them.
"""

import itertools

import numpy as np

from .interpolation import lagrange_weights
from .optimum import Optimum
from .separable import SeparableModel
from .small_matrix import inverse_positive

__all__ = ["StandardErrors"]

_STEP = 1e-6
"""Of a coefficient or of a node: small enough for a difference, large beside rounding."""


class StandardErrors:
    """Standard errors of one model's maps."""

    def __init__(self, model: SeparableModel):
        self._model = model
        curves = model.curves
        vectors = {(0, None): curves.first, (1, None): curves.second}
        for number, axis in enumerate(model.axes):
            vectors[0, number] = _derivative(curves.first, number, axis.reach)
            vectors[1, number] = _derivative(curves.second, number, axis.reach)
        vectors = {key: vector for key, vector in vectors.items() if vector.any()}
        pairs = list(itertools.combinations_with_replacement(vectors, 2))
        self._row = {frozenset(pair): row for row, pair in enumerate(pairs)}
        products = [(vectors[one] * vectors[two]).sum(axis=0) for one, two in pairs]
        self._products = np.stack([np.broadcast_to(product, model.grid).reshape(-1) for product in products])

    def __call__(self, best: Optimum, residual: np.ndarray, samples: int) -> dict[str, np.ndarray]:
        """Return the standard error of every map.

        :param best: optimum of m voxels.
        :param residual: (m,) residual sum of squares.
        :param samples: number of images.
        """
        model, axes = self._model, len(self._model.axes)
        theta = model.values(best.position)
        free = self._free(best, theta)
        information = self._information(best)
        # Scaled to unit diagonal, so that parameters of very different size stay apart.
        diagonal = range(2 + axes)
        scale = np.sqrt(np.where(free, information[diagonal, diagonal], 1.0))
        scale = np.where(scale > 0, scale, 1.0)
        information /= scale * scale[:, None]
        information = np.where(free[:, None] & free[None, :], information, 0.0)
        information[diagonal, diagonal] = 1.0
        covariance, positive = inverse_positive(information)
        covariance /= scale * scale[:, None]
        degrees = samples - free.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = np.where(positive & (degrees > 0), residual / degrees, np.nan)
            errors = {}
            slopes = self._slopes(best)
            for name in model.outputs:
                slope = np.where(free, slopes[name], 0.0)
                spread = ((covariance * slope).sum(axis=1) * slope).sum(axis=0)
                errors[name] = np.sqrt(np.where(spread > 0, spread, np.nan) * variance)
        return errors

    def _free(self, best, theta) -> np.ndarray:
        """Return which of c1, c2 and the axes no bound holds, (2 + axes, m)."""
        limit1, limit2, shared = self._model.limits(theta)
        free = np.empty((2 + len(self._model.axes), best.c1.size), bool)
        held1, held2 = best.c1 >= limit1 * (1 - 1e-12), best.c2 >= limit2 * (1 - 1e-12)
        if shared:
            held1 = held2 = best.c1 + best.c2 >= limit1 * (1 - 1e-12)
        endless = np.zeros(best.c1.size, bool)
        if self._model.rate_can_vanish:
            endless = best.position[0] <= self._model.axes[0].lower
        free[0], free[1] = (best.c1 > 0) & (~held1 | endless), (best.c2 > 0) & (~held2 | (endless & shared))
        for number, axis in enumerate(self._model.axes):
            free[2 + number] = (best.position[number] > axis.lower) & (best.position[number] < axis.upper)
            if not axis.name.endswith("delay_s"):
                # Where a coefficient is held at a bound that moves with the rate, neither is free on its own.
                free[2 + number] &= (best.c1 > 0) & (~held1 | endless)
        return free

    def _information(self, best) -> np.ndarray:
        """Return J^T J (2 + axes, 2 + axes, m) of c1, c2 and the positions."""
        axes = range(len(self._model.axes))
        products = self._interpolated(best.position)
        coefficients = best.c1, best.c2

        def product(one, two):
            row = self._row.get(frozenset((one, two)))
            return 0.0 if row is None else products[row]

        information = np.empty((2 + len(axes), 2 + len(axes), best.c1.size))
        for one, two in itertools.product((0, 1), repeat=2):
            information[one, two] = product((one, None), (two, None))
        for one, axis in itertools.product((0, 1), axes):
            mixed = sum(coefficients[curve] * product((one, None), (curve, axis)) for curve in (0, 1))
            information[one, 2 + axis] = information[2 + axis, one] = mixed
        for one, two in itertools.combinations_with_replacement(axes, 2):
            total = 0.0
            for a, b in itertools.product((0, 1), repeat=2):
                if (frozenset(((a, one), (b, two)))) in self._row:
                    total = total + coefficients[a] * coefficients[b] * product((a, one), (b, two))
            information[2 + one, 2 + two] = information[2 + two, 2 + one] = total
        return information

    def _interpolated(self, position) -> np.ndarray:
        """Return the tabulated products (pairs, m), multilinear between the nodes: a per mille of an error is exact enough."""
        axes, grid = self._model.axes, self._model.grid
        base = [np.clip(position[number].astype(np.intp), 0, axis.size - 2) for number, axis in enumerate(axes)]
        total = np.zeros((len(self._products), position.shape[1]))
        for corner in itertools.product((0, 1), repeat=len(axes)):
            index, weight = np.zeros(position.shape[1], np.intp), np.ones(position.shape[1])
            for number, side in enumerate(corner):
                index = index * grid[number] + base[number] + side
                fraction = position[number] - base[number]
                weight = weight * (fraction if side else 1 - fraction)
            total += weight * self._products.take(index, axis=1)
        return total

    def _slopes(self, best) -> dict[str, np.ndarray]:
        """Return the derivatives (2 + axes, m) of every map by c1, c2 and the positions, by differences."""
        model = self._model
        here = model.parameters(model.values(best.position), best.c1, best.c2)
        slopes = {name: np.empty((2 + len(model.axes), best.c1.size)) for name in model.outputs}
        for number in range(2 + len(model.axes)):
            c1, c2, position = best.c1, best.c2, best.position
            if number < 2:
                step = np.maximum((c1, c2)[number], 1e-9) * _STEP
                c1, c2 = (c1 + step, c2) if number == 0 else (c1, c2 + step)
            else:
                step = _STEP
                position = position.copy()
                position[number - 2] += step
            there = model.parameters(model.values(position), c1, c2)
            for name in model.outputs:
                slopes[name][number] = (there[name] - here[name]) / step
        return slopes


def _derivative(curve: np.ndarray, number: int, reach: int) -> np.ndarray:
    """Return the derivative of (rank, *nodes) along an axis at all nodes; zero where the curve does not depend on it."""
    size = curve.shape[1 + number]
    if size == 1:
        return np.zeros((len(curve),) + (1,) * (curve.ndim - 1))
    moved = np.moveaxis(curve, 1 + number, -1)
    derivative = np.empty(moved.shape)
    for node in range(size):
        centre = min(max(node, reach), size - 1 - reach)
        weights = lagrange_weights(np.array([float(node - centre)]), reach, derivatives=1)[1][:, 0]
        derivative[..., node] = moved[..., centre - reach : centre + reach + 1] @ weights
    return np.moveaxis(derivative, -1, 1 + number)
