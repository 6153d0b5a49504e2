"""How far one image is displaced against another, told by their edges.

Signals differ between phases, sequences and examinations, so edges are compared: the squared cosine of the angle between the
gradients (normalised gradient fields; Haber and Modersitzki, MICCAI 2006, LNCS 4191:726), which does not mind whether an edge
turns from dark to bright. It is computed for every shift up to a limit at once, by Fourier transform.
"""

import numpy as np
from scipy import fft, ndimage

__all__ = ["image_edges", "peak_position", "similarity_of_shifts"]


def image_edges(image: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray | None:
    """Gradient of an image, shortened where it is not above the noise.

    :param image: shape (k, j, i); voxels that are not finite are not known.
    :param spacing_mm: along k, j, i.
    :return: shape (3, k, j, i), length 0 to 1, zero where it is not known; None when there is no edge at all.
    """
    image = np.asarray(image, dtype=np.float64)
    known = np.isfinite(image)
    filled = np.where(known, image, 0.0)
    gradient = np.zeros((3, *image.shape))
    for axis in range(3):
        if image.shape[axis] > 2:
            gradient[axis] = ndimage.gaussian_filter(filled, 1.0, order=[int(axis == other) for other in range(3)]) / spacing_mm[axis]
    gradient[:, ~ndimage.binary_erosion(known, structure=np.ones((3, 3, 3)), iterations=3, border_value=1)] = 0.0
    length = np.linalg.norm(gradient, axis=0)
    if not length.any():
        return None
    # Most voxels lie in even tissue: twice their median gradient is above noise.
    level = 2.0 * np.median(length[length > 0.0])
    return gradient / np.sqrt(length**2 + level**2)


def similarity_of_shifts(fixed: np.ndarray, moving: np.ndarray, reach) -> np.ndarray:
    """Mean squared product of the edges at each shift, over that of each image with itself.

    :param fixed: edges, shape (3, k, j, i).
    :param moving: edges of the other image over the same box grown by ``reach`` voxels on every side.
    :param reach: largest shift along k, j, i in voxels.
    :return: 0 to 1 for each shift, shape (2 reach + 1); no shift is in its middle.
    """
    size = [fft.next_fast_len(int(n), real=True) for n in moving.shape[1:]]

    def transform(values):
        return fft.rfftn(values, size)

    total = 0.0
    for a in range(3):
        for b in range(a, 3):
            pair = transform(fixed[a] * fixed[b]).conj() * transform(moving[a] * moving[b])
            total = total + pair * (1.0 if a == b else 2.0)
    shifts = tuple(slice(0, 2 * int(r) + 1) for r in reach)
    common = fft.irfftn(total, size)[shifts]
    own = np.square((fixed**2).sum(axis=0)).sum()
    if not own > 0.0:
        return np.zeros(common.shape)
    window = transform(np.ones(fixed.shape[1:])).conj() * transform(np.square((moving**2).sum(axis=0)))
    other = np.maximum(fft.irfftn(window, size)[shifts], 1e-9 * own)
    return np.clip(common / np.sqrt(own * other), 0.0, 1.0)


def peak_position(values: np.ndarray, best: tuple) -> np.ndarray:
    """Position of the maximum ``best`` of an array, along each axis between the samples by a parabola."""
    position = np.array(best, dtype=float)
    for axis, index in enumerate(best):
        if 0 < index < values.shape[axis] - 1:
            before, at, after = (values[(*best[:axis], index + step, *best[axis + 1 :])] for step in (-1, 0, 1))
            bend = before - 2.0 * at + after
            if bend < 0.0:
                position[axis] += 0.5 * (before - after) / bend
    return position
