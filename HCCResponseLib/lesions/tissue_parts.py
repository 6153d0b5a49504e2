"""The parts of a lesion: viable, necrotic, haemorrhagic, and what could not be told."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from scipy import ndimage

__all__ = ["TissuePart", "TissueParts", "merge_small_islands"]


class TissuePart(IntEnum):
    """Part of a lesion that a voxel belongs to. The haemorrhagic part is necrotic too: the necrosis volume is the sum of both."""

    OUTSIDE = 0
    VIABLE = 1
    NECROTIC = 2
    """Not enhancing, not bright before contrast."""
    HAEMORRHAGIC = 3
    """Not enhancing, bright on T1 before contrast."""
    UNTOLD = 4
    """Left out: on the rim, or without a usable signal."""


@dataclass(frozen=True, eq=False)
class TissueParts:
    """Part of each voxel of a lesion.

    :param labels: ``TissuePart`` of each voxel of a box around the lesion, uint8, read-only.
    :param first_voxel: index (k, j, i) of the box's first voxel in the image.
    :param shape: shape of the image.
    """

    labels: np.ndarray
    first_voxel: tuple[int, int, int]
    shape: tuple[int, int, int]

    def mask(self, *parts: TissuePart) -> np.ndarray:
        """Return the voxels of one or several parts as a bool array of the image's shape."""
        mask = np.zeros(self.shape, dtype=bool)
        mask[tuple(slice(a, a + n) for a, n in zip(self.first_voxel, self.labels.shape, strict=True))] = np.isin(self.labels, parts)
        return mask


def merge_small_islands(first: np.ndarray, second: np.ndarray, smallest_voxels: float) -> np.ndarray:
    """Give small islands of either of two parts to the other.

    An island is a set of voxels of one part that touch by their faces. It changes sides where it touches, by a face, a piece of
    the other part that is not small itself; a small lesion therefore stays as it is.

    :param first: bool.
    :param second: bool, same shape, nowhere true together with ``first``.
    :param smallest_voxels: pieces with fewer voxels are small; both parts are judged as they come in.
    :return: the new first part; the new second part is the rest of both.
    """
    if smallest_voxels <= 1.0:
        return first
    labels, small = [], []
    for part in (first, second):
        labels.append(ndimage.label(part)[0])
        small.append(np.bincount(labels[-1].ravel()) < smallest_voxels)
        small[-1][0] = False
    result = first.copy()
    for part, other in ((0, 1), (1, 0)):
        if not small[part].any():
            continue
        large = (labels[other] > 0) & ~small[other][labels[other]]
        beside = np.unique(labels[part][ndimage.binary_dilation(large)])
        changes = np.zeros(len(small[part]), dtype=bool)
        changes[beside] = small[part][beside]
        result[changes[labels[part]]] = part == 1
    return result
