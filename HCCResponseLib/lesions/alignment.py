"""Whether the images before and after contrast lie on each other, before one is subtracted from the other; laying them so.

The images differ in signal where contrast agent arrived, so edges are compared (:mod:`.edge_shift`): the best of all shifts is how
far the images lie apart around the lesion. From there a rigid registration by SimpleITK (Mattes' mutual information, IEEE Trans Med
Imaging 2003;22:120) finds the rotation too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import Cancelled, GeometryError, InputError
from ..geometry import Geometry
from ..progress import Progress, report_progress, subrange
from .edge_shift import image_edges, peak_position, similarity_of_shifts
from .inputs import crop_to_mask, require_image, require_mask

__all__ = ["AlignedImage", "AlignmentCheck", "align_images", "check_alignment"]

MARGIN_MM = 15.0
"""Tissue around the lesion whose edges are compared: vessels and the liver's surface tell more than the lesion alone."""

LARGEST_SHIFT_MM = 10.0
"""Shifts are tried up to this along each axis of the image."""

TOLERANCE_VOXELS = 0.75
"""Images are aligned when the best shift is not larger than this along any axis of the image."""

SURROUNDINGS_MM = 25.0
"""Tissue around the lesion that is registered with it."""

ITERATIONS = 100
"""Most steps of the registration on each of its two scales."""

SAMPLES = 30_000
"""Voxels compared in each of these steps."""

GAIN_FROM = 0.005
"""A registration must raise the similarity by this to be used; resampling images that need none raises it by 0.002."""

CLEAR_FROM = 0.1
"""The similarity at the best shift must exceed the median over all shifts by this to be believed. Images of noise alone reached
0.04 around a lesion of 24 mm and 0.09 around one of 8 mm."""


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
    similarity = similarity_of_shifts(fixed, moving, reach)

    middle = tuple(reach)
    best = np.unravel_index(int(similarity.argmax()), similarity.shape)
    voxels = peak_position(similarity, best) - reach
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


@dataclass(frozen=True, eq=False)
class AlignedImage:
    """An image after contrast, laid on the one before.

    :param image: resampled on the grid; NaN where the image after contrast does not reach. The image as it was where the
        registration did not help.
    :param matrix: 4 x 4, from LPS positions before contrast to those of the same tissue after it.
    :param before: alignment without the registration.
    :param after: alignment with it.
    :param improved: whether the registration was used: the edges fit better with it than without.
    :param sentence: what was done, for the reader.
    """

    image: np.ndarray
    matrix: np.ndarray
    before: AlignmentCheck
    after: AlignmentCheck
    improved: bool
    sentence: str


def align_images(
    pre: np.ndarray,
    post: np.ndarray,
    lesion: np.ndarray,
    geometry: Geometry,
    *,
    surroundings_mm: float = SURROUNDINGS_MM,
    progress: Progress | None = None,
) -> AlignedImage:
    """Register the image after contrast rigidly to the one before, around a lesion, and resample it (cubic).

    Breathing moves and deforms: the alignment is that of the lesion and its surroundings, not of the whole liver.

    :param pre: signal before contrast, shape (k, j, i).
    :param post: signal after contrast, same shape.
    :param lesion: mask, bool, same shape, drawn on the image before contrast.
    :param geometry: grid of all three.
    :param surroundings_mm: tissue around the lesion to register.
    :param progress: told the finished fraction; may cancel.
    :raises InputError: as ``check_alignment`` says, or there are fewer than four slices.
    :raises GeometryError: images and mask lie on different grids, or the grid is sheared.
    :raises Cancelled: the progress callback said so.
    """
    before = check_alignment(pre, post, lesion, geometry)
    lesion = require_mask(lesion, geometry)
    if min(geometry.shape) < 4:
        raise InputError(f"An image of {geometry.shape} voxels is too thin to be registered in space.")
    if not np.allclose(geometry.direction_lps.T @ geometry.direction_lps, np.eye(3), atol=1e-4):
        raise GeometryError("The image is sheared (tilted slices); resample it to a rectangular grid before registering it.")
    region = ndimage.distance_transform_edt(~lesion, sampling=geometry.spacing_mm[::-1]) <= surroundings_mm
    start = before.shift_lps if before.clear else (0.0, 0.0, 0.0)
    matrix = _register(np.asarray(pre), np.asarray(post), region, lesion, geometry, start, subrange(progress, 0.0, 0.6))
    if matrix is None:
        sentence = "The images could not be registered; they are left as they are."
        return AlignedImage(np.asarray(post), np.eye(4), before, before, False, sentence)
    moved = _resampled(post, geometry, matrix, subrange(progress, 0.6, 1.0))
    after = check_alignment(pre, moved, lesion, geometry)
    figures = f"edge similarity {before.similarity:.2f} before, {after.similarity:.2f} after"
    if after.clear and after.similarity >= before.similarity + GAIN_FROM:
        return AlignedImage(moved, matrix, before, after, True, f"Registered around the lesion: {figures}.")
    sentence = f"The registration did not help ({figures}); the images are left as they are."
    return AlignedImage(np.asarray(post), np.eye(4), before, before, False, sentence)


def _register(pre, post, region, lesion, geometry: Geometry, start_lps, progress: Progress | None) -> np.ndarray | None:
    """Return the rigid 4 x 4 LPS matrix from ``pre`` to ``post``; None where SimpleITK finds no common tissue."""
    import SimpleITK as sitk

    def image(values, box):
        result = sitk.GetImageFromArray(values[box])
        result.SetSpacing(geometry.spacing_mm)
        result.SetOrigin((geometry.ijk_to_lps @ [box[2].start, box[1].start, box[0].start, 1.0])[:3].tolist())
        result.SetDirection(geometry.direction_lps.ravel().tolist())
        return result

    # Only what can matter: the region before contrast, and after contrast as far around it as the images may have moved.
    around, first, _touches = crop_to_mask(region, 0)
    reach = np.ceil(2.0 * LARGEST_SHIFT_MM / np.array(geometry.spacing_mm[::-1])).astype(int)
    near = tuple(slice(int(a), int(a + n)) for a, n in zip(first, around.shape, strict=True))
    wide = tuple(slice(max(part.start - int(r), 0), part.stop + int(r)) for part, r in zip(near, reach, strict=True))
    known = np.isfinite(pre), np.isfinite(post)
    fixed = image(np.where(known[0], pre, 0.0).astype(np.float32), near)
    moving = image(np.where(known[1], post, 0.0).astype(np.float32), wide)
    transform = sitk.Euler3DTransform()
    transform.SetCenter((geometry.ijk_to_lps @ [*np.argwhere(lesion).mean(axis=0)[::-1], 1.0])[:3].tolist())
    transform.SetTranslation(list(start_lps))
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(24)
    method.SetMetricFixedMask(image((region & known[0]).astype(np.uint8), near))
    method.SetMetricMovingMask(image(known[1].astype(np.uint8), wide))
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(min(SAMPLES / around.size, 1.0))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetInitialTransform(transform, inPlace=True)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 0.01, ITERATIONS, relaxationFactor=0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([2 if min(around.shape) >= 16 else 1, 1])
    method.SetSmoothingSigmasPerLevel([3.0, 1.5])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    stopped = []

    def tell():
        try:
            level = method.GetCurrentLevel()
            report_progress(progress, (level + min(method.GetOptimizerIteration() / ITERATIONS, 1.0)) / 2.0)
        except Cancelled as reason:  # may not pass through SimpleITK
            stopped.append(reason)
            method.StopRegistration()

    method.AddCommand(sitk.sitkIterationEvent, tell)
    try:
        method.Execute(fixed, moving)
    except RuntimeError:
        return None
    if stopped:
        raise stopped[0]
    turn, centre = np.array(transform.GetMatrix()).reshape(3, 3), np.array(transform.GetCenter())
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = np.array(transform.GetTranslation()) + centre - turn @ centre
    return matrix


def _resampled(image: np.ndarray, geometry: Geometry, matrix: np.ndarray, progress: Progress | None) -> np.ndarray:
    """Sample an image where a matrix takes each voxel centre; NaN outside."""
    values = np.asarray(image, dtype=np.float64)
    if np.isfinite(values).all():
        values, order = ndimage.spline_filter(values, order=3, mode="mirror"), 3
    else:  # a spline would carry NaN through the whole image
        order = 1
    index = np.linalg.inv(geometry.ijk_to_lps) @ matrix @ geometry.ijk_to_lps
    result = np.empty(geometry.shape, dtype=np.result_type(image, np.float32))
    j, i = np.meshgrid(np.arange(geometry.shape[1]), np.arange(geometry.shape[2]), indexing="ij")
    for k in range(geometry.shape[0]):
        report_progress(progress, k / geometry.shape[0])
        at = [index[row, 0] * i + index[row, 1] * j + (index[row, 2] * k + index[row, 3]) for row in (2, 1, 0)]
        result[k] = ndimage.map_coordinates(values, at, order=order, mode="constant", cval=np.nan, prefilter=False)
    report_progress(progress, 1.0)
    return result


def _edges(image: np.ndarray, spacing: np.ndarray, name: str) -> np.ndarray:
    edges = image_edges(image, spacing)
    if edges is None:
        raise InputError(f"The {name} image has no edges around the lesion.")
    return edges
