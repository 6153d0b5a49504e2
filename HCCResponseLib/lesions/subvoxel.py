"""Where the edge of a lesion runs between the voxel centres of its mask.

A binary mask says only on which side of the edge each voxel centre lies: every edge that separates the same centres
explains it equally well. Halfway between the centres is the plain answer; on a disc of 80 voxels it makes the longest
diameter 0.9 voxel too long, for among thousands of directions one is always rounded up at both ends. The smoothest edge
that separates the centres is the better one. It is the zero level of a polynomial in position, fitted to the centres next to
the edge by logistic regression with a small penalty on its higher terms (penalised implicit polynomial; a support vector
machine with a soft margin is the same idea). Where a lesion is more irregular than the polynomial can follow, the edge comes
from a smoothed mask, and where that fails too (structures one voxel thick) from halfway. No answer ever moves the edge past
a voxel centre: each voxel of the mask stays inside, each other voxel outside.

What a mask leaves open: discs of radius 4.92 to 5.02 voxels can cover 78 voxels, 9 rows and 10 columns of them, and so can an
ellipse 10.5 voxels long, which keeps farther from the centres; the diameter found is 10.51. Preferring the rounder edge would put
this right and make as large an error on ellipses. It is the largest error found on 1500 discs and ellipses whose semi-axes
have 5 voxels or more.

An anti-aliased mask (occupancy 0 to 1) says itself where the edge is: where the occupancy, interpolated linearly, is one half.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.linalg.lapack import dposv

__all__ = ["ImplicitSurface", "edge_band", "edge_field", "fit_implicit_surface"]

LAYERS = 2
"""Voxel layers on either side of the edge that the polynomial is fitted to, at first."""

DEGREE = {2: 6, 3: 4}
"""Degree of the polynomial by number of dimensions."""

PENALTY = {2: 0.3, 3: 150.0}
"""Ridge, divided by the number of voxels fitted, on the terms above the second degree: circles, ellipses and ellipsoids are free."""

SOFTNESS = 0.2
"""Width of the logistic step, in voxels."""

LARGEST_SAMPLE = 20_000
"""More voxels next to the edge than this are thinned for the fit. Each one tells something: a thinned circle is 0.2 voxel too wide."""

BLOCK = 128
"""Rows per block of a matrix product."""

SMALLEST_PIECE = 5
"""Pieces with fewer voxels are too small to have a shape; their edge is halfway."""

FIELD_LIMIT = 2.0
"""Largest value of the edge field, in voxels."""

_SMOOTHING_VOXELS = 1.0
# Slope at a straight edge of a step smoothed by 2 G - G * G, G a Gaussian of one voxel: 2 / sqrt(2 pi) - 1 / sqrt(4 pi).
_SMOOTHED_SLOPE = 2.0 / np.sqrt(2.0 * np.pi) - 1.0 / np.sqrt(4.0 * np.pi)


@dataclass(frozen=True)
class ImplicitSurface:
    """Polynomial in position: positive inside a lesion, zero on its edge, negative outside.

    :param exponents: exponents of each term, shape (terms, dimensions).
    :param coefficients: one per term.
    :param centre_mm: position where the polynomial is developed.
    :param scale_mm: length that is one in the polynomial's own coordinates.
    """

    exponents: np.ndarray
    coefficients: np.ndarray
    centre_mm: np.ndarray
    scale_mm: float

    def __call__(self, points_mm: np.ndarray) -> np.ndarray:
        """Value at points, shape (points, dimensions): about the distance to the edge in voxels, near the edge."""
        return _terms((points_mm - self.centre_mm) / self.scale_mm, self.exponents) @ self.coefficients


def _terms(points: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """Value of every polynomial term at every point, shape (points, terms)."""
    powers = np.ones((points.shape[1], exponents.max() + 1, len(points)))
    for degree in range(1, powers.shape[1]):
        powers[:, degree] = powers[:, degree - 1] * points.T
    terms = powers[0, exponents[:, 0]]
    for axis in range(1, len(powers)):
        terms *= powers[axis, exponents[:, axis]]
    return terms.T


def _blocks(rows: np.ndarray) -> np.ndarray:
    """Cut a matrix into blocks of ``BLOCK`` rows, the last filled with zeros, which add nothing to any product.

    BLAS keeps products as small as these on one thread; on several they take longer.
    """
    blocks = np.zeros((-(-len(rows) // BLOCK), BLOCK, rows.shape[1]))
    blocks.reshape(-1, rows.shape[1])[: len(rows)] = rows
    return blocks


def fit_implicit_surface(points_mm: np.ndarray, start: np.ndarray) -> ImplicitSurface:
    """Fit the smoothest polynomial surface that separates inside from outside points.

    :param points_mm: voxel centres next to the edge, shape (points, 2 or 3).
    :param start: rough distance of each to the edge in voxels, positive inside, never zero.
    :return: the surface; it may leave some points on the wrong side where the lesion is irregular.
    """
    dimensions = points_mm.shape[1]
    degree = DEGREE[dimensions]
    exponents = np.array([e for e in itertools.product(range(degree + 1), repeat=dimensions) if sum(e) <= degree])
    centre = points_mm.mean(axis=0)
    scale = float(np.abs(points_mm - centre).max()) or 1.0
    thin = slice(None, None, -(-len(points_mm) // LARGEST_SAMPLE))
    start = start[thin]
    terms = _terms((points_mm[thin] - centre) / scale, exponents)
    ridge = np.where(exponents.sum(axis=1) > 2, PENALTY[dimensions] / len(start), 1e-6)[:, None]
    penalty = np.diag(ridge[:, 0])
    # Least squares on the rough distances, then logistic regression on the layer at the edge: only that decides where it runs.
    blocks, target = _blocks(terms), _blocks(start[:, None])
    transposed = blocks.transpose(0, 2, 1)
    coefficients = _solve((transposed @ blocks).sum(axis=0) + penalty, (transposed @ target).sum(axis=0))
    first = np.abs(start) < 1.0
    blocks, side = _blocks(terms[first]), _blocks(np.sign(start[first])[:, None])
    transposed = blocks.transpose(0, 2, 1)
    for _iteration in range(12):
        wrong = 1.0 / (1.0 + np.exp(np.minimum(side * (blocks @ coefficients) / SOFTNESS, 40.0)))
        gradient = (transposed @ (side * wrong)).sum(axis=0) / SOFTNESS - ridge * coefficients
        curvature = wrong * (1.0 - wrong) / SOFTNESS**2
        step = _solve((transposed @ (blocks * curvature)).sum(axis=0) + penalty, gradient)
        # Newton overshoots where few points are near the edge: no value may move by more than two voxels at once.
        largest = np.abs(blocks @ step).max()
        coefficients = coefficients + step * min(1.0, 2.0 / max(largest, 1e-12))
        if largest < 0.05:
            break
    return ImplicitSurface(exponents, coefficients[:, 0], centre, scale)


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve a small positive definite system; Cholesky called directly is ten times faster than numpy.linalg.solve."""
    _factor, result, failed = dposv(matrix, right)
    return np.linalg.solve(matrix, right) if failed else result


def _eroded(mask: np.ndarray) -> np.ndarray:
    """Take the voxels away that have a face neighbour outside; what lies beyond the array does not count as outside."""
    result = mask.copy()
    for axis in range(mask.ndim):
        rows, kept = np.swapaxes(mask, axis, 0), np.swapaxes(result, axis, 0)
        kept[1:] &= rows[:-1]
        kept[:-1] &= rows[1:]
    return result


def edge_band(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the voxels within ``LAYERS`` layers of the edge of a mask that keeps that far from the array's border.

    :param mask: bool, 2D or 3D.
    :return: indices of the voxels, shape (voxels, dimensions), and their rough distance to the edge in voxels
        (half a voxel for the first layer, one and a half for the second), positive inside.
    """
    depth = np.zeros(mask.shape, dtype=np.int8)
    inner, outer = mask, mask
    for layer in range(LAYERS):
        smaller, larger = _eroded(inner), ~_eroded(~outer)
        depth[inner & ~smaller] = layer + 1
        depth[larger & ~outer] = -layer - 1
        inner, outer = smaller, larger
    band = np.argwhere(depth)
    layers = depth[tuple(band.T)]
    return band, layers - 0.5 * np.sign(layers)


def edge_field(mask: np.ndarray, steps_mm: np.ndarray) -> np.ndarray:
    """Turn a mask into a field whose zero level, interpolated linearly, is the lesion's edge.

    :param mask: bool, 2D or 3D, with at least ``LAYERS + 1`` voxels of False around the lesion.
    :param steps_mm: position of voxel (a, b, ...) is (a, b, ...) @ steps_mm; square, in any Cartesian frame.
    :return: float array like ``mask``: positive at every voxel of the mask, negative at every other,
        about the distance to the edge in voxels, and never beyond ``FIELD_LIMIT``.
    """
    inside = np.where(mask, 1.0, -1.0)
    labels, _count = ndimage.label(mask, structure=np.ones((3,) * mask.ndim))
    fitted = np.full(mask.shape, -np.inf)
    wrong = False
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        box = tuple(slice(max(part.start - LAYERS - 1, 0), part.stop + LAYERS + 1) for part in box)
        piece = labels[box] == label
        band, value = edge_band(piece)
        position = tuple((band + [part.start for part in box]).T)
        if np.count_nonzero(piece) >= SMALLEST_PIECE:
            first, band_mm = np.abs(value) < 1.0, band @ steps_mm
            value = fit_implicit_surface(band_mm, value)(band_mm)
            value *= 0.5 / max(float(np.median(np.abs(value[first]))), 1e-12)
        agrees = value * inside[position] > 0.0
        if not agrees.all():
            wrong, value, position = True, value[agrees], tuple(axis[agrees] for axis in position)
        # Between two pieces the nearer one counts: the larger of two negative values.
        fitted[position] = np.maximum(fitted[position], value)
    rest = _smoothed_field(mask, inside) if wrong else inside
    return np.clip(np.where(np.isfinite(fitted), fitted, rest), -FIELD_LIMIT, FIELD_LIMIT)


def _smoothed_field(mask: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Edge field from a smoothed mask, and where that would move a voxel to the other side from halfway."""
    once = ndimage.gaussian_filter(mask.astype(np.float32), _SMOOTHING_VOXELS, mode="constant", truncate=3.0)
    twice = ndimage.gaussian_filter(once, _SMOOTHING_VOXELS, mode="constant", truncate=3.0)
    field = (2.0 * once - twice - 0.5) / _SMOOTHED_SLOPE
    return np.where(field * inside > 0.0, field, 0.5 * inside)
