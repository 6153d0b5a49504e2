"""Checks that every measurement makes before it starts: a mask, images and reference regions on one grid."""

from dataclasses import dataclass

import numpy as np

from ..errors import GeometryError, InputError
from ..geometry import Geometry

__all__ = [
    "FEWEST_REFERENCE_VOXELS",
    "Reference",
    "crop_to_mask",
    "require_image",
    "require_mask",
    "require_mask_or_occupancy",
    "require_reference",
]

FEWEST_REFERENCE_VOXELS = 20
"""A reference region with fewer usable voxels does not give a spread worth dividing by."""


def require_mask(mask: np.ndarray, geometry: Geometry, name: str = "lesion") -> np.ndarray:
    """Return a mask as bool.

    :param mask: bool, or integers of which 0 is outside; shape (k, j, i).
    :param geometry: grid of the mask.
    :param name: what to call it in a message.
    :raises GeometryError: the mask lies on another grid.
    :raises InputError: the mask is empty or holds fractions.
    """
    mask = np.asarray(mask)
    if mask.shape != geometry.shape:
        raise GeometryError(
            f"The outline of the {name} has {mask.shape} voxels, the image {geometry.shape}; resample it to the image first.",
        )
    if mask.dtype.kind == "f":
        raise InputError(f"The outline of the {name} holds fractions; a mask of inside and outside is needed here.")
    mask = mask.astype(bool, copy=False)
    if not mask.any():
        raise InputError(f"The outline of the {name} is empty; draw it first.")
    return mask


def require_mask_or_occupancy(mask: np.ndarray, geometry: Geometry, name: str = "lesion") -> tuple[np.ndarray, np.ndarray | None]:
    """Return the voxels that belong to a lesion at all, as bool, and their occupancy 0 to 1 (None for a binary mask).

    :param mask: bool or integers as for ``require_mask``, or floating point: occupancy of an anti-aliased mask.
    :raises GeometryError: the mask lies on another grid.
    :raises InputError: the mask is empty, or an occupancy is NaN or not from 0 to 1.
    """
    mask = np.asarray(mask)
    if mask.dtype.kind != "f":
        return require_mask(mask, geometry, name), None
    if not np.all((mask >= 0.0) & (mask <= 1.0)):
        raise InputError(f"An anti-aliased mask of the {name} may only hold values from 0 to 1.")
    return require_mask(mask > 0.0, geometry, name), mask


def require_image(image: np.ndarray, geometry: Geometry, name: str) -> np.ndarray:
    """Return an image as an array, once it is known to lie on the grid.

    :raises GeometryError: the image lies on another grid.
    """
    image = np.asarray(image)
    if image.shape != geometry.shape:
        raise GeometryError(
            f"The {name} image has {image.shape} voxels, the outlines {geometry.shape}; resample one to the other first.",
        )
    return image


def crop_to_mask(mask: np.ndarray, margin: int) -> tuple[np.ndarray, np.ndarray, bool]:
    """Cut the box around a mask out, with a margin of False on every side, also where the image ends.

    :param mask: bool, shape (k, j, i), not empty.
    :param margin: voxels of False to add on every side.
    :return: the cropped mask, the index of its first voxel in the full array (may be negative), and whether the mask
        reaches the image's border.
    """
    slices = np.flatnonzero(mask.any(axis=(1, 2)))
    plane = mask[slices[0] : slices[-1] + 1].any(axis=0)
    used = (slices, np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0)))
    box = tuple(slice(int(indices[0]), int(indices[-1]) + 1) for indices in used)
    touches = any(part.start == 0 or part.stop == size for part, size in zip(box, mask.shape, strict=True))
    return np.pad(mask[box], margin), np.array([part.start for part in box]) - margin, touches


@dataclass(frozen=True)
class Reference:
    """Signal of a reference region.

    :param name: which region, e.g. "liver".
    :param quantity: what was measured: "signal", "subtraction" or "signal before contrast".
    :param mean: arithmetic mean.
    :param sd: sample standard deviation.
    :param median: median.
    :param robust_sd: 1.4826 times the median absolute deviation: the standard deviation of the bulk, vessels left aside.
    :param voxels: voxels used.
    :param rejected: voxels left out because they are NaN or infinite.
    """

    name: str
    quantity: str
    mean: float
    sd: float
    median: float
    robust_sd: float
    voxels: int
    rejected: int


def require_reference(
    image: np.ndarray,
    region: np.ndarray,
    name: str,
    fewest_voxels: int = FEWEST_REFERENCE_VOXELS,
    quantity: str = "signal",
) -> Reference:
    """Measure the signal of a reference region.

    :param image: signal, any shape.
    :param region: bool, same shape.
    :raises InputError: too few finite voxels, or no spread at all.
    """
    values = np.asarray(image)[region].astype(np.float64)
    finite = values[np.isfinite(values)]
    if len(finite) < fewest_voxels:
        raise InputError(
            f"The {name} reference region has {len(finite)} usable voxels; at least {fewest_voxels} are needed. Draw it larger.",
        )
    median = float(np.median(finite))
    robust_sd = 1.4826 * float(np.median(np.abs(finite - median)))
    sd = float(finite.std(ddof=1))
    if not sd > 1e-9 * abs(median):
        raise InputError(f"The signal of the {name} reference region does not vary; choose real tissue, not a filled area.")
    return Reference(name, quantity, float(finite.mean()), sd, median, robust_sd, len(finite), len(values) - len(finite))
