"""Points, crops and checks on the grid of an image."""

import numpy as np

from ...errors import GeometryError, InputError
from ...geometry import Geometry

__all__ = ["axis_word", "box_of", "check_image", "kji_to_lps", "lps_to_kji", "ras_words", "spacing_kji", "sub_geometry"]


def kji_to_lps(geometry: Geometry, kji) -> np.ndarray:
    """LPS mm (..., 3) of continuous voxel indices (..., 3) in array order (k, j, i)."""
    return np.asarray(kji, float)[..., ::-1] @ geometry.ijk_to_lps[:3, :3].T + geometry.ijk_to_lps[:3, 3]


def lps_to_kji(geometry: Geometry, lps) -> np.ndarray:
    """Continuous voxel indices (..., 3) in array order (k, j, i) of LPS mm (..., 3)."""
    inverse = np.linalg.inv(geometry.ijk_to_lps)
    return (np.asarray(lps, float) @ inverse[:3, :3].T + inverse[:3, 3])[..., ::-1]


def spacing_kji(geometry: Geometry) -> np.ndarray:
    """Voxel spacing in mm along k, j, i.

    :raises GeometryError: the axes are not perpendicular, so distances along them would be wrong.
    """
    direction = geometry.direction_lps
    if np.abs(direction.T @ direction - np.eye(3)).max() > 0.02:
        raise GeometryError("The slices of this image are sheared (axes not perpendicular); resample it to a rectangular grid first.")
    return np.asarray(geometry.spacing_mm)[::-1]


def check_image(image, geometry: Geometry, name: str = "image") -> np.ndarray:
    """Return ``image`` as it is, after checking that it holds numbers on the grid; a copy would cost time on a whole volume.

    :raises InputError: it does not hold numbers.
    :raises GeometryError: its shape is not that of the geometry.
    """
    array = np.asarray(image)
    if array.shape != geometry.shape:
        raise GeometryError(f"The {name} has {array.shape} voxels, its geometry {geometry.shape}; give the two of one volume.")
    if array.dtype.kind not in "uif":
        raise InputError(f"The {name} must hold numbers, found {array.dtype}.")
    return array


def box_of(mask: np.ndarray, margin_voxels=0) -> tuple[slice, ...]:
    """Smallest box round a non-empty mask, grown by ``margin_voxels`` (one number or one per axis), cut at the array's border."""
    margin = np.broadcast_to(np.ceil(margin_voxels).astype(int), (mask.ndim,))
    box = []
    for axis in range(mask.ndim):
        hit = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        box.append(slice(max(0, int(hit[0] - margin[axis])), min(mask.shape[axis], int(hit[-1] + 1 + margin[axis]))))
    return tuple(box)


def sub_geometry(geometry: Geometry, box: tuple[slice, slice, slice]) -> Geometry:
    """Geometry of ``array[box]``."""
    matrix = geometry.ijk_to_lps.copy()
    matrix[:3, 3] = kji_to_lps(geometry, [part.start for part in box])
    return Geometry(tuple(part.stop - part.start for part in box), matrix)


def axis_word(direction_lps) -> str:
    """Where an LPS direction points, for a message: left, right, posterior, anterior, cranial or caudal."""
    axis = int(np.abs(direction_lps).argmax())
    return (("right", "left"), ("anterior", "posterior"), ("caudal", "cranial"))[axis][int(direction_lps[axis] > 0)]


def ras_words(lps) -> str:
    """A place as viewers show it: "R 82, A 12, S 15 mm"."""
    words = [f"{names[int(value > 0)]} {abs(value):.0f}" for names, value in zip(("RL", "AP", "IS"), lps, strict=True)]
    return f"{', '.join(words)} mm"
