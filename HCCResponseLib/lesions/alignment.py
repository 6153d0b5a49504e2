"""Whether the images before and after contrast lie on each other, before one is subtracted from the other.

The images differ in signal where contrast agent arrived, so signals are not compared, but edges: the squared cosine of the
angle between their gradients (normalised gradient fields; Haber and Modersitzki, MICCAI 2006, LNCS 4191:726), which does not
mind whether an edge turns from dark to bright. It is computed for every shift up to a limit at once, by Fourier transform;
the best shift is how far the images lie apart around the lesion.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from ..errors import InputError
from ..geometry import Geometry
from .inputs import crop_to_mask, require_image, require_mask

__all__ = ["AlignmentCheck", "check_alignment"]

MARGIN_MM = 15.0
"""Tissue around the lesion whose edges are compared: vessels and the liver's surface tell more than the lesion alone."""

LARGEST_SHIFT_MM = 10.0
"""Shifts are tried up to this along each axis of the image."""

TOLERANCE_VOXELS = 0.75
"""Images are aligned when the best shift is not larger than this along any axis of the image."""

CLEAR_FROM = 0.1
"""The similarity at the best shift must exceed the median over all shifts by this to be believed. Images of noise alone reached
0.02 round a lesion of 24 mm and 0.09 round one of 8 mm."""


@dataclass(frozen=True)
class AlignmentCheck:
    """How well two images lie on each other around a lesion.

    :param similarity: of the edges as the images lie: 1 the same, about 0.3 unrelated (a third, were all directions alike).
    :param best_similarity: at the best shift.
    :param shift_lps: by how much the second image is displaced against the first, mm; subtract it to align.
    :param shift_mm: its length.
    :param shift_voxels: the same along i, j, k, in voxels.
    :param clear: the best shift stands out from all others; otherwise the images have too few edges in common to tell.
    :param aligned: clear, and no component of the shift beyond the tolerance.
    :param sentence: the finding for the reader.
    :param method: how it was found.
    :param parameters: settings used.
    """

    similarity: float
    best_similarity: float
    shift_lps: tuple[float, float, float]
    shift_mm: float
    shift_voxels: tuple[float, float, float]
    clear: bool
    aligned: bool
    sentence: str
    method: str
    parameters: Mapping[str, object]


def check_alignment(
    pre: np.ndarray,
    post: np.ndarray,
    lesion: np.ndarray,
    geometry: Geometry,
    *,
    margin_mm: float = MARGIN_MM,
    largest_shift_mm: float = LARGEST_SHIFT_MM,
    tolerance_voxels: float = TOLERANCE_VOXELS,
) -> AlignmentCheck:
    """Compare the edges of two images around a lesion, and find the shift at which they fit best.

    Voxels without a signal (NaN, infinity) have no edges.

    :param pre: signal before contrast, shape (k, j, i).
    :param post: signal after contrast, same shape.
    :param lesion: mask, bool, same shape.
    :param geometry: grid of all three.
    :param margin_mm: tissue around the lesion to look at.
    :param largest_shift_mm: largest shift along each axis of the image that is tried.
    :param tolerance_voxels: largest shift along each axis that counts as aligned.
    :raises InputError: the mask is empty, a setting is not positive, or an image has no edges around the lesion.
    :raises GeometryError: images and mask lie on different grids.
    """
    pre, post = require_image(pre, geometry, "pre-contrast"), require_image(post, geometry, "post-contrast")
    lesion = require_mask(lesion, geometry)
    if not (margin_mm > 0.0 and largest_shift_mm > 0.0 and tolerance_voxels > 0.0):
        raise InputError("Margin, largest shift and tolerance of the alignment check must be above 0.")
    spacing = np.array(geometry.spacing_mm[::-1])
    crop, first, _touches = crop_to_mask(lesion, 0)
    margin = np.ceil(margin_mm / spacing).astype(int)
    start = np.maximum(first - margin, 0)
    stop = np.minimum(first + crop.shape + margin, lesion.shape)
    # The second image is looked at farther out, so that a shift does not lose edges at the border of the first one's box.
    reach = np.minimum(np.maximum(np.ceil(largest_shift_mm / spacing).astype(int), 1), np.maximum(stop - start, 1))
    inner = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    low, high = np.maximum(start - reach, 0), np.minimum(stop + reach, lesion.shape)
    outer = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    padding = tuple((int(a), int(b)) for a, b in zip(reach - (start - low), reach - (high - stop), strict=True))
    fixed = _edges(pre[inner], spacing, "pre-contrast")
    moving = _edges(post[outer], spacing, "post-contrast")
    moving = np.pad(moving, ((0, 0), *padding))
    similarity = _similarity(fixed, moving, reach)

    middle = tuple(reach)
    best = np.unravel_index(int(similarity.argmax()), similarity.shape)
    voxels = np.array([_peak(similarity, best, axis) for axis in range(3)]) - reach
    clear = bool(similarity[best] - np.median(similarity) >= CLEAR_FROM)
    shift = geometry.ijk_to_lps[:3, :3] @ voxels[::-1]
    length = float(np.linalg.norm(shift))
    aligned = clear and bool(np.all(np.abs(voxels) <= tolerance_voxels))
    figures = f"edge similarity {similarity[middle]:.2f}, {similarity[best]:.2f} at best"
    if not clear:
        sentence = f"The images have too few edges in common around the lesion to tell whether they are aligned ({figures})."
    elif aligned:
        sentence = f"Aligned: {length:.1f} mm apart around the lesion ({figures})."
    else:
        sentence = f"Not aligned: {length:.1f} mm apart around the lesion ({figures}). Register the images before subtracting them."
    return AlignmentCheck(
        similarity=float(similarity[middle]),
        best_similarity=float(similarity[best]),
        shift_lps=tuple(map(float, shift)),
        shift_mm=length,
        shift_voxels=tuple(map(float, voxels[::-1])),
        clear=clear,
        aligned=aligned,
        sentence=sentence,
        method="normalised gradient fields over all shifts",
        parameters={
            "margin_mm": margin_mm,
            "largest_shift_mm": largest_shift_mm,
            "tolerance_voxels": tolerance_voxels,
        },
    )


def _edges(image: np.ndarray, spacing: np.ndarray, name: str) -> np.ndarray:
    """Gradient of an image, shortened where it is not above the noise, shape (3, k, j, i); zero where it is not known."""
    image = np.asarray(image, dtype=np.float64)
    known = np.isfinite(image)
    filled = np.where(known, image, 0.0)
    gradient = np.zeros((3, *image.shape))
    for axis in range(3):
        if image.shape[axis] > 2:
            gradient[axis] = ndimage.gaussian_filter(filled, 1.0, order=[int(axis == other) for other in range(3)]) / spacing[axis]
    gradient[:, ~ndimage.binary_erosion(known, structure=np.ones((3, 3, 3)), iterations=3, border_value=1)] = 0.0
    length = np.linalg.norm(gradient, axis=0)
    if not length.any():
        raise InputError(f"The {name} image has no edges around the lesion.")
    # Most voxels lie in even tissue: twice their median gradient is above noise.
    level = 2.0 * np.median(length[length > 0.0])
    return gradient / np.sqrt(length**2 + level**2)


def _similarity(fixed: np.ndarray, moving: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Mean squared product of the edges at each shift of up to ``reach`` voxels, over that of each image with itself."""
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
    window = transform(np.ones(fixed.shape[1:])).conj() * transform(np.square((moving**2).sum(axis=0)))
    other = np.maximum(fft.irfftn(window, size)[shifts], 1e-9 * own)
    return np.clip(common / np.sqrt(own * other), 0.0, 1.0)


def _peak(values: np.ndarray, best: tuple, axis: int) -> float:
    """Position of a maximum along an axis, between the samples by a parabola."""
    index = best[axis]
    if not 0 < index < values.shape[axis] - 1:
        return float(index)
    before, at, after = (values[(*best[:axis], index + step, *best[axis + 1 :])] for step in (-1, 0, 1))
    bend = before - 2.0 * at + after
    return float(index) if bend >= 0.0 else float(index + 0.5 * (before - after) / bend)
