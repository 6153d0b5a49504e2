"""Local polynomials through the nodes around a position, with first and second derivatives.

All of it is element-wise along the voxels (the last axis), so a voxel's numbers never depend on which voxels it is computed with.
"""

import functools

import numpy as np

from .axis import Axis

__all__ = ["interpolation_error", "lagrange_coefficients", "lagrange_weights", "polynomial_jet", "window_index"]


@functools.cache
def lagrange_coefficients(reach: int) -> tuple[np.ndarray, ...]:
    """Return the monomial coefficients (degree, node) of the Lagrange polynomials on -reach..reach and of their two derivatives."""
    nodes = np.arange(-reach, reach + 1)
    rows = []
    for node in nodes:
        others = nodes[nodes != node]
        rows.append(np.polynomial.polynomial.polyfromroots(others) / np.prod((node - others).astype(np.float64)))
    value = np.array(rows).T
    return value, np.polynomial.polynomial.polyder(value), np.polynomial.polynomial.polyder(value, 2)


def lagrange_weights(offset: np.ndarray, reach: int, derivatives: int = 2) -> list[np.ndarray]:
    """Return the weights of the 2 reach + 1 nodes for the value and the first ``derivatives`` derivatives.

    :param offset: (m,) distance of the position from the centre node, in nodes.
    :return: 1 + derivatives arrays (2 reach + 1, m).
    """
    weights = []
    for coefficients in lagrange_coefficients(reach)[: 1 + derivatives]:
        total = np.repeat(coefficients[-1][:, None], offset.size, axis=1)
        for coefficient in coefficients[-2::-1]:
            total *= offset
            total += coefficient[:, None]
        weights.append(total)
    return weights


def window_index(axes: list[Axis], shape: tuple[int, ...], centre: np.ndarray) -> np.ndarray:
    """Return flat indices into a table of the nodes around each voxel's centre node.

    :param shape: of the table, one length per axis; 1 where the table does not depend on the axis.
    :param centre: (axes, m) integer positions.
    :return: (w1, w2, ..., m), w = 2 reach + 1, or 1 where the length is 1.
    """
    index = np.zeros((1,) * len(axes) + (centre.shape[1],), np.intp)
    stride = 1
    for number in reversed(range(len(axes))):
        if shape[number] > 1:
            reach = axes[number].reach
            offsets = np.arange(-reach, reach + 1).reshape([-1 if i == number else 1 for i in range(len(axes) + 1)])
            index = index + stride * (centre[number] + offsets)
        stride *= shape[number]
    return index


def polynomial_jet(window: np.ndarray, weights: list[list[np.ndarray]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return value (m,), gradient (axes, m) and Hessian (axes, axes, m) of the polynomial through a window.

    :param window: (w1, w2, ..., m) values at the nodes.
    :param weights: ``lagrange_weights`` of every axis.
    """
    axes, voxels = len(weights), window.shape[-1]
    gradient, hessian = np.zeros((axes, voxels)), np.zeros((axes, axes, voxels))

    def contract(values, number, derivatives):
        """Sum over axis ``number`` and all before it; ``derivatives`` lists the axes already differentiated along."""
        if number < 0:
            if not derivatives:
                return values
            if len(derivatives) == 1:
                gradient[derivatives[0]] = values
            else:
                hessian[derivatives[0], derivatives[1]] = hessian[derivatives[1], derivatives[0]] = values
            return None
        if values.shape[-2] == 1:
            return contract(values[..., 0, :], number - 1, derivatives)
        result = None
        for order in range(3 - len(derivatives)):
            summed = (values * weights[number][order]).sum(axis=-2)
            reached = contract(summed, number - 1, derivatives + [number] * order)
            result = reached if order == 0 else result
        return result

    value = contract(window, axes - 1, [])
    return value, gradient, hessian


def interpolation_error(table: np.ndarray, reach: int) -> float:
    """Return about how far the polynomials through the nodes of (n, nodes) may be from the truth between them.

    Every second node is predicted from the others; with half the distance between nodes the error of degree 2 reach is 2^(2 reach + 1)
    times smaller.
    """
    kept, left_out = table[:, ::2], table[:, 1::2]
    weights = lagrange_weights(np.array([0.5]), reach, derivatives=0)[0][:, 0]
    width = weights.size
    count = min(kept.shape[1] - width + 1, left_out.shape[1] - reach)
    if count < 1:
        return np.inf
    predicted = sum(weight * kept[:, number : number + count] for number, weight in enumerate(weights))
    return float(np.abs(predicted - left_out[:, reach : reach + count]).max()) / 2**width
