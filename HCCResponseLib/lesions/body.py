"""The body without the specks that noise leaves in the air around it."""

import numpy as np
from scipy import ndimage

__all__ = ["remove_specks"]

_IN_PLANE = np.zeros((3, 3, 3), bool)
_IN_PLANE[1] = True

_SMALLEST_PART = 0.01
"""A piece smaller than this share of the largest one is no arm or breast but noise."""


def remove_specks(bright: np.ndarray) -> np.ndarray:
    """Keep the voxels of a mask that belong to a large connected piece.

    One in a hundred voxels of air exceeds three standard deviations of the noise (Rayleigh). They are told from the body by
    an opening in plane (3 x 3), whose large pieces are grown back to all voxels of the mask that hang together with them.

    :param bright: boolean (k, j, i).
    :returns: boolean (k, j, i), part of ``bright``; ``bright`` itself where no piece is 3 x 3 voxels.
    """
    bright = np.asarray(bright, bool)
    solid = ndimage.binary_opening(bright, _IN_PLANE)
    pieces, count = ndimage.label(solid)
    if count == 0:
        return bright.copy()
    sizes = np.bincount(pieces.ravel())[1:]
    large = np.flatnonzero(sizes >= _SMALLEST_PART * sizes.max()) + 1
    return ndimage.binary_propagation(np.isin(pieces, large), mask=bright)
