"""A family of curves has a small rank: its data can be projected once, and everything else done in that small space.

The curves of a tissue model at all its non-linear parameters span, to rounding, some 25 dimensions, whatever the number of images. What
the data have outside that space no parameter can explain; it only adds a constant to the residual.
"""

import numpy as np
from scipy.linalg import svd

__all__ = ["BLOCK", "compression_basis", "project", "scan_block"]

BLOCK = 3072
"""Rows of every matrix product with voxel data. Always exactly this many, the rest filled with zeros: BLAS picks its kernels, and so
the order of its sums, by the size of a product, and a voxel's numbers must not depend on how many others are fitted with it."""

_RELATIVE_RANK = 1e-13

_SCAN_CELLS = 2**18


def compression_basis(*families: np.ndarray) -> np.ndarray:
    """Return orthonormal columns (n, rank) that span the curves of all families.

    :param families: (n, ...) arrays of curves; each curve counts with unit length.
    """
    curves = np.concatenate([family.reshape(len(family), -1) for family in families], axis=1)
    lengths = np.linalg.norm(curves, axis=0)
    curves = curves[:, lengths > 0] / lengths[lengths > 0]
    left, singular, _right = svd(curves, full_matrices=False, overwrite_a=True, check_finite=False)
    return np.ascontiguousarray(left[:, singular > _RELATIVE_RANK * singular[0]])


def scan_block(cells: int) -> int:
    """Return how many voxels, a divisor of ``BLOCK``, are compared with ``cells`` nodes at once within a processor's cache."""
    return next((size for size in (3072, 1536, 768, 384, 192, 96) if size * cells <= _SCAN_CELLS), 48)


def project(rows: np.ndarray, table: np.ndarray, block: int):
    """Yield (slice, rows[slice] @ table), every product of exactly ``block`` rows.

    :param rows: (m, rank); converted to the precision of the table.
    :param table: (rank, columns).
    """
    padded = np.zeros((block, rows.shape[1]), table.dtype)
    for start in range(0, len(rows), block):
        piece = slice(start, min(start + block, len(rows)))
        padded[: piece.stop - start] = rows[piece]
        padded[piece.stop - start :] = 0
        yield piece, (padded @ table)[: piece.stop - start]
