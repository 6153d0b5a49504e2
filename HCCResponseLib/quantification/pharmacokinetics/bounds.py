"""The physical bounds, and the exact least squares of two coefficients within them.

For fixed non-linear parameters every model here is C = c1 a1(t) + c2 a2(t), so that with p = (a1.y, a2.y) and G = (ai.aj)

    |y - C|^2 = y.y - [2 c.p - c.G c].

The bracket, what the two curves explain of the data, is concave in c: where its free maximum G^-1 p breaks a bound, the bounded
maximum lies on an edge, and it is the best of the maxima on the edges. Nothing is clipped: clipping one coefficient without fitting
the other again is not least squares.
"""

from dataclasses import dataclass

import numpy as np

from ...errors import InputError

__all__ = ["Bounds", "Region", "bounded_pair", "explained"]


@dataclass(frozen=True)
class Bounds:
    """Upper bounds of the parameters; the lower bounds are 0."""

    ve: float = 1.0
    vp: float = 1.0
    kep: float = 30.0
    """1/min. Faster exchange than every 2 s cannot be told from plasma."""

    def __post_init__(self):
        if not (0 < self.ve <= 1 and 0 < self.vp <= 1 and 0.1 <= self.kep <= 120):
            raise InputError(
                f"The upper bounds must lie within 0 < ve <= 1, 0 < vp <= 1 and 0.1 <= kep <= 120 per minute; "
                f"found ve {self.ve:g}, vp {self.vp:g}, kep {self.kep:g}.",
            )


@dataclass(frozen=True)
class Region:
    """Allowed coefficients: 0 <= c1 <= upper1, 0 <= c2 <= upper2 or, as ``simplex``, c1, c2 >= 0 and c1 + c2 <= 1."""

    upper1: float = np.inf
    upper2: float = np.inf
    simplex: bool = False


def explained(c1, c2, p1, p2, g11, g12, g22) -> np.ndarray:
    """Return 2 c.p - c.G c, the part of y.y that the coefficients explain."""
    return c1 * (2 * p1 - c1 * g11 - 2 * c2 * g12) + c2 * (2 * p2 - c2 * g22)


def bounded_pair(p1, p2, g11, g12, g22, region: Region):
    """Maximise 2 c.p - c.G c over the region, element by element.

    :param p1: inner product of the first curve with the data, any shape; ``p2`` likewise.
    :param g11: Gram matrix of the two curves, broadcast against ``p1``; ``g12``, ``g22`` likewise.
    :return: c1, c2, the maximum, and the inverse of G on the directions left free (i11, i12, i22), zero along the held ones.
    """
    one1, one2 = _reciprocal(g11), _reciprocal(g22)
    determinant = g11 * g22 - g12 * g12
    inverse = _reciprocal(np.where(determinant > 1e-14 * (g11 * g22), determinant, 0.0))
    free1, free2 = (p1 * g22 - p2 * g12) * inverse, (p2 * g11 - p1 * g12) * inverse
    inside = (inverse > 0) & (free1 >= 0) & (free2 >= 0)
    if region.simplex:
        inside &= free1 + free2 <= 1
        limit1 = limit2 = 1.0
    else:
        limit1, limit2 = region.upper1, region.upper2
        inside &= (free1 <= limit1) & (free2 <= limit2)

    # (c1, c2, inverse on the edge) of the best point of every edge.
    zero = np.zeros_like(free1)
    along1 = np.clip(p1 * one1, 0, limit1)
    along2 = np.clip(p2 * one2, 0, limit2)
    edges = [
        (along1, zero, np.where((along1 > 0) & (along1 < limit1), one1, 0.0), zero, zero),
        (zero, along2, zero, zero, np.where((along2 > 0) & (along2 < limit2), one2, 0.0)),
    ]
    if region.simplex:
        one = _reciprocal(g11 - 2 * g12 + g22)
        share = np.clip((p1 - p2 + g22 - g12) * one, 0, 1)
        one = np.where((share > 0) & (share < 1), one, 0.0)
        edges.append((share, 1 - share, one, -one, one))
    else:
        if np.isfinite(limit2):
            c1 = np.clip((p1 - g12 * limit2) * one1, 0, limit1)
            edges.append((c1, zero + limit2, np.where((c1 > 0) & (c1 < limit1), one1, 0.0), zero, zero))
        if np.isfinite(limit1):
            c2 = np.clip((p2 - g12 * limit1) * one2, 0, limit2)
            edges.append((zero + limit1, c2, zero, zero, np.where((c2 > 0) & (c2 < limit2), one2, 0.0)))

    best = [np.where(inside, value, 0.0) for value in (free1, free2, g22 * inverse, -g12 * inverse, g11 * inverse)]
    reached = np.where(inside, explained(best[0], best[1], p1, p2, g11, g12, g22), -np.inf)
    for edge in edges:
        value = explained(edge[0], edge[1], p1, p2, g11, g12, g22)
        better = ~inside & (value > reached)
        reached = np.where(better, value, reached)
        best = [np.where(better, new, old) for new, old in zip(edge, best, strict=True)]
    return best[0], best[1], reached, (best[2], best[3], best[4])


def _reciprocal(value) -> np.ndarray:
    """Return 1 / value, 0 where there is no curve."""
    value = np.asarray(value, np.float64)
    return np.divide(1.0, value, out=np.zeros_like(value), where=value > 0)
