"""Image volumes to files and back (NRRD, NIfTI), through SimpleITK."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import GeometryError, InputError
from ..geometry import Geometry

__all__ = ["geometry_of_image", "image_from_array", "metadata_text", "read_image", "write_volume"]


def image_from_array(array: np.ndarray, geometry: Geometry) -> sitk.Image:
    """Return a SimpleITK image of an array (k, j, i) on a geometry.

    :raises GeometryError: the shapes differ, or the grid is sheared, which image files cannot say.
    """
    if array.shape != geometry.shape:
        raise GeometryError(f"The array has shape {array.shape}, its geometry {geometry.shape}.")
    direction = geometry.direction_lps
    if np.abs(direction.T @ direction - np.eye(3)).max() > 1e-3:
        raise GeometryError("The slices are sheared against each other; such a volume cannot be written to NRRD or NIfTI.")
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_lps)
    image.SetDirection(direction.ravel().tolist())
    return image


def geometry_of_image(image: sitk.Image) -> Geometry:
    """Return the grid of a 3D SimpleITK image."""
    return Geometry.from_parts(image.GetSize()[::-1], image.GetSpacing(), image.GetOrigin(), image.GetDirection())


def write_volume(path: Path, array: np.ndarray, geometry: Geometry, description: dict[str, str] | None = None) -> None:
    """Write an array (k, j, i) as ``.nrrd``, ``.nii`` or ``.nii.gz``; ``description`` goes into the header.

    :param array: float (written as float32), or integer/boolean (written as the narrowest unsigned type).
    :raises GeometryError: see :func:`image_from_array`.
    """
    array = np.asarray(array)
    stored = array.astype(np.float32 if array.dtype.kind == "f" else np.uint8 if array.size == 0 or array.max() < 256 else np.uint16)
    image = image_from_array(stored, geometry)
    if Path(path).name.endswith((".nii", ".nii.gz")):
        # NIfTI's only free text field; 79 characters.
        image.SetMetaData("ITK_FileNotes", "; ".join((description or {}).values())[:79])
    else:
        for key, value in (description or {}).items():
            image.SetMetaData(key, value)
    sitk.WriteImage(image, str(path), useCompression=True)


def metadata_text(image: sitk.Image, key: str) -> str:
    """Return a text of an image's header: UTF-8, as the formats have it, or Latin-1, as some programs write it."""
    stored = image.GetMetaData(key).encode("utf-8", "surrogateescape")
    try:
        return stored.decode("utf-8")
    except UnicodeDecodeError:
        return stored.decode("latin-1")


def read_image(path: Path) -> sitk.Image:
    """Read an image file.

    :raises InputError: the file is missing, or not an image that SimpleITK can read.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"The file '{path}' does not exist.")
    try:
        return sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"The file '{path.name}' cannot be read as an image (NRRD, NIfTI or MetaImage).") from error
